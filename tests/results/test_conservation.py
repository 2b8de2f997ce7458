"""The books balance, and every kind of imbalance is noticed."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from sim.dataplane.tally import EgressCount, LineCount, RoomCount
from sim.metrics import conservation
from sim.metrics.conservation import ConservationError
from tests.results.meetings import Meeting


def check(meeting: Meeting, tally) -> None:
    conservation.check(meeting.network, tally, packets_sent=len(meeting.sent), pending=0)


def test_a_balanced_run_passes(held):
    check(held.meeting, held.meeting.tally)


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
EGRESS = [EgressCount.OFFERED, EgressCount.LOST_OUTAGE, EgressCount.LOST_QUEUE]


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
    assert text.startswith("line 76001: offered = delivered + lost does not hold")
    assert f"offered {before[LineCount.OFFERED]}" in text
    assert f"delivered {before[LineCount.DELIVERED] - 1}" in text
    assert text.endswith("so at 1 of 14 places")


def test_a_run_that_has_not_drained_is_noticed(held):
    meeting = held.meeting
    with pytest.raises(ConservationError, match="3 packets are undecided"):
        conservation.check(
            meeting.network, meeting.tally, packets_sent=len(meeting.sent), pending=3
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
