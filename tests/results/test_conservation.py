"""The books balance, and every kind of imbalance is noticed."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest

from sim.dataplane.tally import EgressCount, LineCount, LossCause, RoomCount, StreamCount
from sim.metrics import conservation
from sim.metrics.balance import ConservationError
from tests.results.meetings import Meeting


def check(meeting: Meeting, tally) -> None:
    conservation.check(
        meeting.scenario, meeting.network, tally, packets_sent=len(meeting.sent), pending=0
    )


def test_a_balanced_run_passes(held, talked):
    check(held.meeting, held.meeting.tally)
    check(talked.meeting, talked.meeting.tally)


LINE = [
    LineCount.OFFERED,
    LineCount.DELIVERED,
    LineCount.LOST_OUTAGE,
    LineCount.LOST_POLICER,
    LineCount.LOST_QUEUE,
    LineCount.LOST_LINE,
    LineCount.COPY_LOST_OUTAGE,
    LineCount.COPY_LOST_QUEUE,
]
ROOM = [RoomCount.RECEIVED, RoomCount.LOST_OUTAGE, RoomCount.LOST_ENDPOINT]
EGRESS = [
    EgressCount.OFFERED,
    EgressCount.LOST_OUTAGE,
    EgressCount.LOST_QUEUE,
    EgressCount.WITHHELD,
]
UP = [
    LineCount.OFFERED,
    LineCount.DELIVERED,
    LineCount.LOST_OUTAGE,
    LineCount.LOST_POLICER,
    LineCount.LOST_QUEUE,
    LineCount.LOST_LINE,
    LineCount.COPY_LOST_OUTAGE,
]
SOURCE = [StreamCount.RECEIVED, *range(StreamCount.SENT, StreamCount.LAST_ORIGIN)]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(("line", column) for column in LINE),
        *(("room", column) for column in ROOM),
        *(("egress", column) for column in EGRESS),
    ],
)
@pytest.mark.parametrize("by", [-1, 1])
def test_a_single_wrong_count_is_noticed(held, table, column, by):
    network = held.meeting.network
    place = network.index["760"] if table == "line" else network.index["79401"]
    place = 1 if table == "egress" else place
    tally = copy.deepcopy(held.meeting.tally)
    getattr(tally, table)[place, column] += by
    with pytest.raises(ConservationError):
        check(held.meeting, tally)


def test_a_packet_swapped_between_causes_of_an_egress_is_noticed(held):
    tally = copy.deepcopy(held.meeting.tally)
    tally.egress[1, EgressCount.LOST_OUTAGE] += 1
    tally.egress[1, EgressCount.LOST_QUEUE] -= 1
    with pytest.raises(ConservationError, match=r"^egress 79 \(all\): lost by outage"):
        check(held.meeting, tally)


def test_the_message_names_the_place_and_the_numbers(held):
    tally = copy.deepcopy(held.meeting.tally)
    s = held.meeting.network.index["76001"]
    before = tally.line[s].copy()
    tally.line[s, LineCount.DELIVERED] -= 1
    with pytest.raises(ConservationError) as error:
        check(held.meeting, tally)
    text = str(error.value)
    assert text.startswith("line 76001 down: offered = delivered + lost does not hold")
    assert f"offered {before[LineCount.OFFERED]}" in text
    assert f"delivered {before[LineCount.DELIVERED] - 1}" in text
    assert text.endswith("so at 1 of 30 places")


def test_a_run_that_has_not_drained_is_noticed(held):
    meeting = held.meeting
    with pytest.raises(ConservationError, match="3 packets are undecided"):
        conservation.check(
            meeting.scenario,
            meeting.network,
            meeting.tally,
            packets_sent=len(meeting.sent),
            pending=3,
        )


def test_a_room_that_got_more_than_its_path_let_through_is_noticed(held, results):
    rooms = results.measures.endpoints
    received = rooms.received.copy()
    received[2] += 1
    with pytest.raises(ConservationError, match=r"^room 76001: due = received \+ lost"):
        conservation.check_endpoints(
            held.meeting.network,
            site=rooms.site,
            due=rooms.due,
            received=received,
            lost=rooms.lost_by_cause,
        )


def test_every_room_is_due_every_packet(held, results):
    rooms = results.measures.endpoints
    assert np.unique(rooms.due).tolist() == [len(held.meeting.sent)]
    assert (rooms.due == rooms.received + rooms.lost.sum(axis=(1, 2))).all()


@pytest.mark.parametrize(
    ("table", "site", "column"),
    [
        *(("line", "76001", column) for column in UP),
        *(("line", "79", column) for column in UP),
        *(("cam", "76001", column) for column in SOURCE),
        *(("speak", "76001", column) for column in SOURCE),
        *(("speak", "794", column) for column in SOURCE),
        *(("floor_lost", "79", column) for column in LossCause),
        ("own_lost", "76001", LossCause.QUEUE),
        ("own_lost", "794", LossCause.LINE),
        ("up_delay", "76902", 700),
        ("egress", "760", EgressCount.WITHHELD),
    ],
)
@pytest.mark.parametrize("by", [-1, 1])
def test_a_single_wrong_count_of_the_way_up_is_noticed(talked, table, site, column, by):
    meeting = talked.meeting
    s, n = meeting.network.index[site], len(meeting.network.sites)
    tally = copy.deepcopy(meeting.tally)
    if table == "line":
        tally.line[n + s, column] += by
    elif table in ("cam", "speak"):
        tally.stream[s, meeting.stream(table), column] += by
    elif table == "egress":
        tally.egress[meeting.network.site_egress_first[s], column] += by
    elif table == "up_delay":
        tally.up_delay[s, column] += 2 + by  # unsigned
    else:
        getattr(tally, table)[s, column, 1] += by
    with pytest.raises(ConservationError):
        check(meeting, tally)


def test_a_packet_lost_going_up_is_not_another_sources(talked):
    """Both sides' sums still hold; only the sites below each line tell."""
    meeting = talked.meeting
    one, other = meeting.network.index["79400"], meeting.network.index["76001"]
    tally = copy.deepcopy(meeting.tally)
    cam = meeting.stream("cam")
    column = StreamCount.LOST_QUEUE
    assert tally.stream[one, cam, column], "nothing to confuse"
    for column, by in ((StreamCount.SENT, 1), (StreamCount.LOST_QUEUE, 1)):
        tally.stream[other, cam, column] += by
        tally.stream[one, cam, column] -= by
    with pytest.raises(ConservationError, match="site"):
        check(meeting, tally)


def test_a_packet_may_be_missing_only_at_a_relay_that_may_have_been_dead(talked):
    meeting = talked.meeting
    check(meeting, meeting.tally)
    immortal = dataclasses.replace(meeting.scenario, faults=())
    with pytest.raises(ConservationError, match=r"^site 794: came up ≤ ended \+ composed"):
        conservation.check(
            immortal,
            meeting.network,
            meeting.tally,
            packets_sent=len(meeting.sent),
            pending=0,
        )


def test_a_packet_that_was_emitted_and_never_sent_is_noticed(talked):
    meeting = talked.meeting
    with pytest.raises(ConservationError, match="were emitted"):
        conservation.check(
            meeting.scenario,
            meeting.network,
            meeting.tally,
            packets_sent=len(meeting.sent) + 1,
            pending=0,
        )


def test_more_of_others_sent_than_offered_is_noticed(held):
    tally = copy.deepcopy(held.meeting.tally)
    tally.line[3, LineCount.BACKGROUND_SENT] += 1
    with pytest.raises(ConservationError, match="packets of others"):
        check(held.meeting, tally)
