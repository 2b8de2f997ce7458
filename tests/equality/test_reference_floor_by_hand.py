"""Floor streams in the reference engine: up to the root, then down to all but the speaker.

Lines send 1 byte/ns without propagation, relays take no time, unless said otherwise. In `TREE`
relay 1 has the children 2 and 3, and 4 is a leaf below the root; all but the root have a room.
"""

from __future__ import annotations

import pytest

from sim.dataplane.edit import Edit, FailLine, FailRelay, FailRoom, RestoreRelay
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.tally import EgressCount, Fate, LineCount, LossCause, StreamCount, TurnCount
from sim.scenario.model import Direction, Line, Loss, Policer, Turn
from tests.equality.by_hand import Send, run, stream
from tests.equality.trees import direction, egress, line, scenario

TREE = {"0": "", "1": "0", "2": "1", "3": "1", "4": "0"}
ROOMS = ["1", "2", "3", "4"]
FLOOR = stream("f", "floor")
LOSING_ALL = Loss(p=0.0, r=1.0, bad=0.0, good=1.0)


def upwards(up: Direction) -> Line:
    """Return a line whose way up is this."""
    return line(up=up)


def test_the_speaker_is_heard_by_all_but_itself() -> None:
    """1 byte from 2: at 1 at 1, at the root at 2, down at 1 and 4 at 3, at 3 at 4; not at 2."""
    seen = run(scenario(TREE, rooms=ROOMS), [FLOOR], [Send(0, "2", "f", 1)])
    assert seen.arrivals(seen.up(2)) == [("2f0", 1)]
    assert seen.arrivals(seen.up(1)) == [("2f0", 2)]
    assert seen.after(seen.up(1)) == [("2f0", Fate.ENDED, 2)]
    for site, at_ns in ((1, 3), (4, 3), (3, 4)):
        assert seen.arrivals(site) == [("2f0", at_ns)]
        assert seen.after(site) == [("2f0", Fate.ROOM_RECEIVED, at_ns)]
        assert seen.tally.stream[site, 0, StreamCount.DELAY_SUM_NS] == at_ns
    assert seen.on(2) == seen.after(2) == []
    speaker = seen.tally.stream[2, 0]
    assert speaker[StreamCount.SENT] == speaker[StreamCount.ENDED] == 1
    assert speaker[StreamCount.RECEIVED] == 0
    assert not seen.tally.up_delay.any()


def test_a_copy_withheld_is_not_offered() -> None:
    """With interfaces: the root sends to 1 at 3 and to 4 at 4; 1 sends to 3 alone, at 5."""
    tree = scenario(TREE, rooms=ROOMS, egresses={"0": [egress()], "1": [egress()]})
    seen = run(tree, [FLOOR], [Send(0, "2", "f", 1)])
    assert [seen.arrivals(site) for site in (1, 4, 3)] == [[("2f0", at)] for at in (4, 5, 6)]
    offered = seen.tally.egress[:, [EgressCount.OFFERED, EgressCount.WITHHELD]].tolist()
    assert offered == [[2, 0], [1, 1]]


@pytest.mark.parametrize(
    ("at_ns", "fate"), [(3, Fate.EGRESS_OUTAGE), (8, Fate.LINE_OUTAGE), (9, Fate.ARRIVED)]
)
def test_a_dead_relay_withholds_the_speakers_copy_all_the_same(at_ns: int, fate: Fate) -> None:
    """The packet leaves 1 upwards at 2 and comes back at 7; only the copy for 3 is ever lost."""
    tree = scenario(TREE, rooms=ROOMS, lines={"1": line(propagation_ns=2)})
    edits = [FailRelay(at_ns=at_ns, target=1)]
    seen = run(tree, [FLOOR], [Send(0, "2", "f", 1)], edits)
    assert [row[1] for row in seen.on(3)] == [fate]
    assert seen.on(2) == []
    assert seen.tally.egress[1, EgressCount.OFFERED] == 1
    assert seen.tally.egress[1, EgressCount.WITHHELD] == 1
    assert seen.tally.floor_lost.sum() == 0


def test_a_speaker_at_a_relay_site_feeds_those_below_but_not_its_own_room() -> None:
    """It goes up without processing; on its way down it is processed for 3 ns: 1, 2, and 6."""
    tree = scenario(TREE, rooms=ROOMS, processing_ns={"1": 3})
    seen = run(tree, [FLOOR], [Send(0, "1", "f", 1)])
    assert seen.after(seen.up(1)) == [("1f0", Fate.ENDED, 1)]
    assert seen.on(1) == [("1f0", Fate.ARRIVED, 2)]
    assert seen.after(1) == []
    assert [seen.arrivals(site) for site in (2, 3)] == [[("1f0", 6)]] * 2
    assert seen.tally.egress[:, EgressCount.WITHHELD].tolist() == [0, 0]


def test_the_roots_own_speech_has_reached_it_at_once() -> None:
    """From 0 to 4 and 1; the root's room hears others, and not itself."""
    tree = scenario(TREE, rooms=["0", *ROOMS])
    seen = run(tree, [FLOOR], [Send(0, "0", "f", 1), Send(5, "4", "f", 1)])
    assert seen.after(seen.up(0)) == [("0f0", Fate.ENDED, 0)]
    assert seen.after(0) == [("4f0", Fate.ROOM_RECEIVED, 6)]
    assert seen.arrivals(4) == [("0f0", 1)]
    assert seen.arrivals(1) == [("0f0", 1), ("4f0", 7)]
    assert seen.tally.stream[0, 0, StreamCount.ENDED] == 1


def test_two_speakers_come_to_the_roots_room_in_the_order_of_their_ids() -> None:
    """Both arrive at 9, 2 ns under way from 1 and 3 ns from 4: the last is that of 4.

    Another source begins anew, with a jitter of 0.
    """
    tree = scenario(TREE, rooms=["0", *ROOMS])
    seen = run(tree, [FLOOR], [Send(6, "4", "f", 3), Send(7, "1", "f", 2)])
    assert seen.after(0) == [("1f0", Fate.ROOM_RECEIVED, 9), ("4f0", Fate.ROOM_RECEIVED, 9)]
    assert seen.tally.stream[0, 0, StreamCount.LAST_TRANSIT_NS] == 3
    assert seen.tally.stream[0, 0, StreamCount.LAST_ORIGIN] == 1 + 4
    assert seen.tally.stream[0, 0, StreamCount.JITTER_16NS] == 0
    assert seen.encounters[Encounter.TIE_IN_ROOM] == 1


def test_jitter_goes_on_with_one_source() -> None:
    """From 4: 3 ns under way, then 2, then 3 again: 16 times the jitter is 1, then 2."""
    tree = scenario(TREE, rooms=["0", *ROOMS])
    sends = [Send(0, "4", "f", 3), Send(10, "4", "f", 2), Send(20, "4", "f", 3)]
    seen = run(tree, [FLOOR], sends)
    assert seen.tally.stream[0, 0, StreamCount.JITTER_16NS] == 2
    assert seen.tally.stream[0, 0, StreamCount.JITTER_MAX_16NS] == 2
    # Then 1, 1 ns under way, and 4 again, each anew.
    seen = run(tree, [FLOOR], [*sends, Send(30, "1", "f", 1), Send(40, "4", "f", 3)])
    assert seen.tally.stream[0, 0, StreamCount.JITTER_16NS] == 0
    assert seen.tally.stream[0, 0, StreamCount.JITTER_MAX_16NS] == 2


@pytest.mark.parametrize("above", ["1", "2"])
@pytest.mark.parametrize(
    ("up", "cause", "column"),
    [
        (direction(loss=LOSING_ALL), LossCause.LINE, StreamCount.LOST_LINE),
        (direction(buffer_bytes=1), LossCause.QUEUE, StreamCount.LOST_QUEUE),
        (
            direction(policer=Policer(rate_bps=1, burst_bytes=1)),
            LossCause.POLICER,
            StreamCount.LOST_POLICER,
        ),
    ],
)
def test_a_loss_on_the_way_up_is_everyones_by_the_lower_end_of_the_line(
    above: str, up: Direction, cause: LossCause, column: StreamCount
) -> None:
    """The line above 1, in a province, or above 2, in a district; the way down is free."""
    tree = scenario(TREE, rooms=ROOMS, lines={above: upwards(up)})
    seen = run(tree, [FLOOR], [Send(0, "2", "f", 2)])
    assert seen.tally.floor_lost[2, cause, int(above)] == 1
    assert seen.tally.floor_lost.sum() == 1
    assert seen.tally.stream[2, 0, column] == 1
    assert seen.tally.stream[2, 0, StreamCount.ENDED] == 0
    assert not seen.tally.room.any()
    assert not seen.tally.egress.any()


@pytest.mark.parametrize(
    ("edit", "tier", "fate"),
    [
        (FailLine(at_ns=1, target=2), 2, (Fate.LINE_OUTAGE, 1)),
        (FailLine(at_ns=0, target=2), 2, (Fate.LINE_OUTAGE, 0)),
        (FailRelay(at_ns=1, target=1), 1, (Fate.EGRESS_OUTAGE, 2)),  # reaches it dead
        (FailRelay(at_ns=2, target=1), 1, (Fate.EGRESS_OUTAGE, 2)),
        (FailRelay(at_ns=6, target=1), 1, (Fate.EGRESS_OUTAGE, 6)),  # in processing
        (FailRelay(at_ns=7, target=1), 1, (Fate.EGRESS_OUTAGE, 7)),  # as it is done
        (FailRelay(at_ns=8, target=1), 1, (Fate.LINE_OUTAGE, 8)),  # in its own up line
    ],
)
def test_a_fault_on_the_way_up_is_everyones(edit: Edit, tier: int, fate: tuple[Fate, int]) -> None:
    """2 bytes are at 1 from 2 to 7, and on its up line to 9."""
    tree = scenario(TREE, rooms=ROOMS, processing_ns={"1": 5})
    seen = run(tree, [FLOOR], [Send(0, "2", "f", 2)], [edit])
    hop = seen.up(2 if isinstance(edit, FailLine) else 1)
    assert seen.on(hop) == [("2f0", *fate)]
    assert seen.tally.floor_lost[2, LossCause.OUTAGE].tolist() == [int(t == tier) for t in range(4)]
    assert seen.tally.floor_lost.sum() == 1
    assert seen.tally.stream[2, 0, StreamCount.LOST_OUTAGE] == 1
    assert not seen.tally.egress.any()


@pytest.mark.parametrize("site", ["1", "2"])
def test_a_dead_room_loses_its_turn_for_everyone(site: str) -> None:
    seen = run(
        scenario(TREE, rooms=ROOMS),
        [FLOOR],
        [Send(3, site, "f", 2)],
        [FailRoom(at_ns=3, target=int(site))],
    )
    assert seen.after(seen.up(int(site))) == [(f"{site}f0", Fate.ROOM_DEAD, 3)]
    assert seen.tally.floor_lost[int(site), LossCause.ENDPOINT, int(site)] == 1
    assert seen.tally.floor_lost.sum() == 1
    assert seen.tally.stream[int(site), 0, StreamCount.LOST_ENDPOINT] == 1
    assert not seen.tally.line.any()


def test_a_dead_relay_loses_the_turn_of_its_own_room() -> None:
    seen = run(
        scenario(TREE, rooms=ROOMS),
        [FLOOR],
        [Send(3, "1", "f", 2)],
        [FailRelay(at_ns=3, target=1)],
    )
    assert seen.on(seen.up(1)) == [("1f0", Fate.EGRESS_OUTAGE, 3)]
    assert seen.tally.floor_lost[1, LossCause.OUTAGE, 1] == seen.tally.floor_lost.sum() == 1
    assert seen.tally.line[seen.up(1), LineCount.COPY_LOST_OUTAGE] == 1


@pytest.mark.parametrize(("at_ns", "room_fate"), [(2, Fate.ROOM_OUTAGE), (3, Fate.ROOM_RECEIVED)])
def test_at_a_dead_root_the_way_up_is_over_and_the_copies_are_lost(
    at_ns: int, room_fate: Fate
) -> None:
    """It reaches the root at 2, where it would be processed until 5."""
    tree = scenario(TREE, rooms=["0", *ROOMS], processing_ns={"0": 3})
    edits = [FailRelay(at_ns=at_ns, target=0), RestoreRelay(at_ns=4, target=0)]
    seen = run(tree, [FLOOR], [Send(0, "2", "f", 1)], edits)
    assert seen.after(seen.up(1)) == [("2f0", Fate.ENDED, 2)]
    assert seen.after(0) == [("2f0", room_fate, 2)]
    for site in (1, 4):
        assert seen.on(site) == [("2f0", Fate.EGRESS_OUTAGE, at_ns)]
        assert seen.tally.line[site, LineCount.COPY_LOST_OUTAGE] == 1
    assert seen.tally.egress[0, [EgressCount.OFFERED, EgressCount.LOST_OUTAGE]].tolist() == [2, 2]
    assert seen.tally.stream[2, 0, StreamCount.ENDED] == 1
    assert not seen.tally.floor_lost.any()


def test_floor_packets_are_ordered_with_the_roots_own() -> None:
    """At 2 the root has 1 byte of 1 and 2 bytes of its own: its own go first, by id."""
    streams = [stream("d", "down"), FLOOR]
    seen = run(scenario(TREE, rooms=ROOMS), streams, [Send(1, "1", "f", 1), Send(2, "0", "d", 2)])
    assert seen.arrivals(4) == [("0d0", 4), ("1f0", 5)]
    assert seen.encounters[Encounter.TIE_AT_ROOT] == 2


def test_the_first_frame_of_each_turn_is_timed_in_every_room() -> None:
    """2 speaks from 0 in two packets of 2 bytes, and 4 from 20 in one; later frames do not count.

    Each packet takes 2 ns a line: 2's come to 1 at 6 and 8, to 4 at 6 and 8, to 3 at 8 and 10.
    """
    agenda = [Turn(at_ns=0, until_ns=20, site="2"), Turn(at_ns=20, until_ns=40, site="4")]
    sends = [
        Send(0, "2", "f", 2, 0),
        Send(0, "2", "f", 2, 0),
        Send(10, "2", "f", 2),
        Send(20, "4", "f", 2, 1),
        Send(30, "4", "f", 2),
    ]
    seen = run(scenario(TREE, rooms=ROOMS), [FLOOR], sends, agenda=agenda)
    turn = seen.tally.turn
    assert turn.shape == (5, 2, len(TurnCount))
    order = [TurnCount.FIRST_NS, TurnCount.PACKETS, TurnCount.LAST_NS]
    assert turn[:, 0, order].tolist() == [[0] * 3, [6, 2, 8], [0] * 3, [8, 2, 10], [6, 2, 8]]
    assert turn[:, 1, order].tolist() == [[0] * 3, [24, 1, 24], [26, 1, 26], [26, 1, 26], [0] * 3]


def test_a_turn_lost_on_the_way_leaves_nothing() -> None:
    """4 is dead when the second packet comes, at 8, and the line of 3 when it would, at 10."""
    edits: list[Edit] = [FailRoom(at_ns=8, target=4), FailLine(at_ns=9, target=3)]
    agenda = [Turn(at_ns=0, until_ns=20, site="2")]
    sends = [Send(0, "2", "f", 2, 0), Send(0, "2", "f", 2, 0)]
    seen = run(scenario(TREE, rooms=ROOMS), [FLOOR], sends, edits, agenda=agenda)
    assert seen.tally.turn[:, 0, TurnCount.PACKETS].tolist() == [0, 2, 0, 1, 1]
    assert seen.tally.turn[4, 0, TurnCount.LAST_NS] == 6
