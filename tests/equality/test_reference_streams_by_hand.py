"""What listeners measure of a stream, and streams sent down from below the root, by hand.

Lines send 1 byte/ns, so on an idle line a packet of n bytes is n ns under way.
"""

from __future__ import annotations

import pytest

from sim.dataplane.edit import Edit, FailRelay, FailRoom, RestoreRelay, RestoreRoom
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.tally import EgressCount, Fate, LineCount, RoomCount, StreamCount
from tests.equality.by_hand import Run, Send, run, stream
from tests.equality.trees import direction, egress, line, scenario

PAIR = {"0": "", "1": "0"}
TREE = {"0": "", "1": "0", "2": "1", "3": "1", "4": "0"}
ROOMS = ["1", "2", "3", "4"]


def jitter(seen: Run, site: int, index: int) -> tuple[int, int]:
    """Return a listener's jitter of a stream, and its largest, in 16ths of a ns."""
    count = seen.tally.stream[site, index]
    return int(count[StreamCount.JITTER_16NS]), int(count[StreamCount.JITTER_MAX_16NS])


def freezes(seen: Run, site: int, index: int) -> tuple[int, int]:
    """Return a listener's freezes of a stream, and how long they lasted."""
    count = seen.tally.stream[site, index]
    return int(count[StreamCount.FREEZES]), int(count[StreamCount.FROZEN_NS])


@pytest.mark.parametrize(
    ("sizes_bytes", "jitter_16ns", "largest_16ns"),
    [
        ([4], 0, 0),
        ([4, 4], 0, 0),
        ([4, 20], 16, 16),  # 16 - (0 + 8) // 16
        ([20, 4], 16, 16),
        ([4, 20, 4], 31, 31),  # 16 + 16 - (16 + 8) // 16
        ([4, 20, 4, 100], 125, 125),  # 31 + 96 - (31 + 8) // 16
        ([4, 20, 4, 100, 100], 117, 125),  # 125 - (125 + 8) // 16
        ([1, 8, 8], 7, 7),  # 7 stays: (7 + 8) // 16 is 0
        ([1, 9, 9], 7, 8),  # 8 - (8 + 8) // 16
    ],
)
@pytest.mark.parametrize("way", ["down", "up"])
def test_interarrival_jitter_is_the_integer_of_rfc_3550(
    way: str, sizes_bytes: list[int], jitter_16ns: int, largest_16ns: int
) -> None:
    """One packet every 200 ns, alone on the line; sending times do not matter, transits do."""
    tree = scenario(PAIR, duration_ns=2000)
    name, origin = ("v", "0") if way == "down" else ("u", "1")
    sends = [Send(200 * n + n, origin, name, size) for n, size in enumerate(sizes_bytes)]
    seen = run(tree, [stream("u", "up"), stream("v", "down")], sends)
    index = 1 if way == "down" else 0
    assert jitter(seen, 1, index) == (jitter_16ns, largest_16ns)
    assert jitter(seen, 1, 1 - index) == (0, 0)
    assert seen.tally.stream[1, index, StreamCount.RECEIVED] == len(sizes_bytes)
    assert seen.tally.stream[1, index, StreamCount.LAST_TRANSIT_NS] == sizes_bytes[-1]
    assert seen.tally.stream[1, index, StreamCount.DELAY_MAX_NS] == max(sizes_bytes)


def test_a_freeze_is_a_gap_longer_than_the_play_out_delay_and_lasts_the_rest() -> None:
    """Arrivals at 31, 36, 42 and 52 with 5 ns of play-out: gaps of 5, 6 and 10 ns.

    Before the first packet nothing freezes.
    """
    sends = [Send(at_ns, "0", name, 1) for at_ns in (30, 35, 41, 51) for name in "ab"]
    tree = scenario({**PAIR, "2": "0"}, lines={"2": line(direction(buffer_bytes=1))})
    streams = [stream("a", "down", playout_ns=5), stream("b", "down")]
    seen = run(tree, streams, sends)
    assert freezes(seen, 1, 0) == freezes(seen, 2, 0) == (2, 1 + 5)
    assert freezes(seen, 1, 1) == (0, 0)
    assert seen.encounters[Encounter.NO_FREEZE] == 2
    assert seen.tally.stream[2, 1, StreamCount.RECEIVED] == 0


def test_gaps_are_between_what_a_room_received_of_one_stream() -> None:
    """a at 1, 11 and 21, the second into a dead room: 20 ns, 15 of them frozen; b comes between."""
    edits: list[Edit] = [FailRoom(at_ns=11, target=1), RestoreRoom(at_ns=12, target=1)]
    sends = [*(Send(at, "0", "a", 1) for at in (0, 10, 20)), Send(14, "0", "b", 1)]
    streams = [stream("a", "down", playout_ns=5), stream("b", "down", playout_ns=5)]
    seen = run(scenario(PAIR), streams, sends, edits)
    assert freezes(seen, 1, 0) == (1, 15)
    assert freezes(seen, 1, 1) == (0, 0)
    assert seen.tally.room[1, RoomCount.GAP_MAX_NS] == 14


def test_what_comes_up_is_heard_by_the_relay_for_each_source() -> None:
    """2 sends every 10 ns, 3 every 4 ns; the relay is dead when the second of 3 comes, at 5."""
    edits = [FailRelay(at_ns=5, target=1), RestoreRelay(at_ns=6, target=1)]
    sends = [
        *(Send(at, "2", "u", 1) for at in (0, 10, 20)),
        *(Send(at, "3", "u", 1) for at in (0, 4, 8)),
    ]
    seen = run(scenario(TREE), [stream("u", "up", to="parent", playout_ns=7)], sends, edits)
    assert freezes(seen, 2, 0) == (2, 6)
    assert freezes(seen, 3, 0) == (1, 1)
    assert seen.tally.stream[[2, 3], 0, StreamCount.LAST_NS].tolist() == [21, 9]
    assert not seen.tally.stream[[0, 1, 4]].any()


def test_what_a_source_sends_is_counted_at_every_origin() -> None:
    sends = [Send(0, site, "a", 1) for site in "0011"]
    seen = run(scenario(TREE), [stream("a", "down")], sends)
    sent = seen.tally.stream[:, 0, StreamCount.SENT]
    assert sent.tolist() == [2, 2, 0, 0, 0]
    assert seen.tally.stream[:, 0, StreamCount.RECEIVED].tolist() == [0, 0, 4, 4, 2]


def test_a_relay_below_the_root_sends_to_the_rooms_below_it_alone() -> None:
    """Processed for 2 ns, one byte to each child by the egress: 2 + 1 + 1, and 1 later."""
    tree = scenario(TREE, rooms=ROOMS, processing_ns={"1": 2}, egresses={"1": [egress()]})
    seen = run(tree, [stream("a", "down")], [Send(0, "1", "a", 1)])
    assert seen.arrivals(2) == [("1a0", 4)]
    assert seen.arrivals(3) == [("1a0", 5)]
    assert seen.after(3) == [("1a0", Fate.ROOM_RECEIVED, 5)]
    for hop in (1, 4, seen.up(1)):
        assert seen.on(hop) == seen.after(hop) == []
    assert seen.tally.egress[:, EgressCount.OFFERED].tolist() == [0, 2]


@pytest.mark.parametrize("interface", [True, False])
def test_what_a_relay_sends_itself_merges_with_what_comes_from_above(interface: bool) -> None:
    """At 3 it has 2 bytes of its own, and of the root's stream b what was sent at 1: "0" first."""
    egresses = {"1": [egress()]} if interface else {}
    streams = [stream("a", "down"), stream("b", "down")]
    sends = [Send(3, "1", "a", 2), Send(1, "0", "b", 2)]
    seen = run(scenario(TREE, egresses=egresses), streams, sends)
    assert seen.encounters[Encounter.TIE_WITH_LOCAL] == (1 if interface else 2)
    assert [name for name, _ in seen.arrivals(2)] == ["0b0", "1a0"]
    assert seen.arrivals(2) == (
        [("0b0", 7), ("1a0", 11)] if interface else [("0b0", 5), ("1a0", 7)]
    )
    assert seen.arrivals(3)[-1] == ("1a0", 13 if interface else 7)


def test_ids_decide_a_merge_and_not_the_height_of_the_origin() -> None:
    """The root is called 9: what its child 1 sends at 3 comes before what it sent at 1."""
    tree = scenario({"9": "", "1": "9", "2": "1"})
    streams = [stream("a", "down"), stream("b", "down")]
    seen = run(tree, streams, [Send(3, "1", "b", 2), Send(1, "9", "a", 2)])
    assert seen.arrivals(2) == [("1b0", 5), ("9a0", 7)]


@pytest.mark.parametrize("at_ns", [3, 5, 6])
def test_a_dead_relay_loses_the_copies_of_what_it_should_send(at_ns: int) -> None:
    """Sent at 3, in processing until 6; its room has no part in it."""
    edits: list[Edit] = [FailRoom(at_ns=0, target=1), FailRelay(at_ns=at_ns, target=1)]
    tree = scenario(TREE, rooms=ROOMS, processing_ns={"1": 3})
    seen = run(tree, [stream("a", "down")], [Send(3, "1", "a", 1)], edits)
    for site in (2, 3):
        assert seen.on(site) == [("1a0", Fate.EGRESS_OUTAGE, at_ns)]
        assert seen.tally.line[site, LineCount.COPY_LOST_OUTAGE] == 1
    assert seen.tally.egress[1, EgressCount.LOST_OUTAGE] == 2
    counts = seen.tally.stream[1, 0]
    assert counts[StreamCount.SENT] == counts.sum() == 1


def test_one_stream_from_two_origins_is_numbered_by_each() -> None:
    """Both send their first packet at 0; at 2 they come 1 ns apart in the order of the way."""
    tree = scenario(TREE, rooms=ROOMS)
    seen = run(tree, [stream("a", "down")], [Send(0, "0", "a", 1), Send(0, "1", "a", 1)])
    assert seen.arrivals(2) == [("1a0", 1), ("0a0", 2)]
    assert seen.after(1) == [("0a0", Fate.ROOM_RECEIVED, 1)]
