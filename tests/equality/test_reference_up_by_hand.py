"""The way up in the reference engine, on trees so small that times can be worked out in the head.

Lines send 1 byte/ns, without propagation unless said otherwise; relays take no time.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sim import rng
from sim.dataplane.edit import (
    Edit,
    FailLine,
    FailRelay,
    FailRoom,
    RestoreLine,
    RestoreRelay,
    RestoreRoom,
    SetLineLoss,
    SetLineRate,
)
from sim.dataplane.tally import Fate, LineCount, StreamCount, bucket
from sim.scenario.model import Direction, Loss, Policer
from tests.equality.by_hand import Send, run, stream
from tests.equality.trees import BYTE_PER_NS, direction, egress, line, scenario

CHAIN = {"0": "", "1": "0", "2": "1", "3": "2"}
FORK = {"0": "", "1": "0", "2": "1", "3": "1"}
VIDEO = stream("v", "up")
LOSING_ALL = Loss(p=0.0, r=1.0, bad=0.0, good=1.0)


def losses_of(counts: NDArray[np.int64]) -> list[int]:
    """Return a source's losses: outage, policer, queue, line, endpoint."""
    losses: list[int] = counts[StreamCount.LOST_OUTAGE : StreamCount.LOST_ENDPOINT + 1].tolist()
    return losses


def test_a_packet_goes_up_through_relays_and_past_their_egresses() -> None:
    """4 bytes: on line 2 to 4, at 1 at 6, processed at 9, on line 1 to 13, at the root at 15.

    At the egress of 1 they would take 800 ns.
    """
    tree = scenario(
        {"0": "", "1": "0", "2": "1"},
        lines={"1": line(propagation_ns=2), "2": line(propagation_ns=2)},
        processing_ns={"0": 7, "1": 3},
        egresses={"1": [egress(rate_bps=BYTE_PER_NS // 200)]},
    )
    seen = run(tree, [VIDEO], [Send(0, "2", "v", 4)])
    assert seen.on(seen.up(2)) == [("2v0", Fate.ARRIVED, 6)]
    assert seen.on(seen.up(1)) == [("2v0", Fate.ARRIVED, 15)]
    assert seen.after(seen.up(1)) == [("2v0", Fate.ENDED, 15)]
    assert not seen.tally.egress.any()
    assert not seen.tally.room.any()
    count = seen.tally.line[seen.up(1)]
    assert count[LineCount.DELIVERED_BYTES] == 4
    assert count[LineCount.DELAY_SUM_NS] == 6
    assert count[LineCount.BUSY_NS] == 4
    assert seen.tally.line_delay[seen.up(1), bucket(6)] == 1
    source = seen.tally.stream[2, 0]
    assert (
        source[StreamCount.SENT] == source[StreamCount.ENDED] == source[StreamCount.RECEIVED] == 1
    )
    assert source[StreamCount.DELAY_SUM_NS] == source[StreamCount.DELAY_MAX_NS] == 15
    assert seen.tally.up_delay[2, bucket(15)] == 1
    assert seen.tally.up_delay.sum() == 1


@pytest.mark.parametrize(
    ("site", "to", "hops"),
    [
        ("3", "parent", [3]),
        ("3", "commune", [3]),
        ("3", "district", [3]),
        ("3", "province", [3, 2]),
        ("3", "central", [3, 2, 1]),
        ("2", "district", [2]),  # its own relay is not above it
        ("2", "parent", [2]),
    ],
)
def test_a_stream_ends_at_the_first_relay_above_of_its_tier_or_higher(
    site: str, to: str, hops: list[int]
) -> None:
    seen = run(scenario(CHAIN), [stream("v", "up", to=to)], [Send(0, site, "v", 1)])
    assert [s for s in (3, 2, 1) if seen.on(seen.up(s))] == hops
    assert seen.after(seen.up(hops[-1])) == [(f"{site}v0", Fate.ENDED, len(hops))]


def test_a_tier_that_the_branch_skips_is_passed_by_the_next() -> None:
    """The leaf 1 hangs on the root: a stream for the district ends at central."""
    tree = scenario({"0": "", "1": "0"})
    seen = run(tree, [stream("v", "up", to="district")], [Send(0, "1", "v", 1)])
    assert seen.after(seen.up(1)) == [("1v0", Fate.ENDED, 1)]


def test_one_stream_ends_in_mid_tree_and_another_passes() -> None:
    """2 bytes each from 3; at 2 the first ends at 2 ns, the other goes on at 4."""
    streams = [stream("a", "up", to="parent"), stream("b", "up")]
    seen = run(scenario(CHAIN), streams, [Send(0, "3", "a", 2), Send(0, "3", "b", 2)])
    assert seen.after(seen.up(3)) == [("3a0", Fate.ENDED, 2)]
    assert seen.on(seen.up(2)) == [("3b0", Fate.ARRIVED, 6)]
    assert seen.after(seen.up(1)) == [("3b0", Fate.ENDED, 8)]
    assert seen.tally.up_delay[3].sum() == 2


def test_the_two_directions_of_a_line_do_not_touch() -> None:
    """4 bytes each way at once; half the rate and loss of everything on the other way up."""
    tree = scenario({"0": "", "1": "0", "2": "0"})
    sends = [Send(0, "0", "d", 4), Send(0, "1", "v", 4), Send(0, "2", "v", 4)]
    edits: list[Edit] = [
        SetLineRate(at_ns=0, target=3 + 1, rate_bps=BYTE_PER_NS // 2),
        SetLineLoss(at_ns=0, target=3 + 2, loss=LOSING_ALL),
    ]
    seen = run(tree, [stream("d", "down"), VIDEO], sends, edits)
    assert seen.on(1) == [("0d0", Fate.ARRIVED, 4)]
    assert seen.on(2) == [("0d0", Fate.ARRIVED, 4)]
    assert seen.on(seen.up(1)) == [("1v0", Fate.ARRIVED, 8)]
    assert seen.on(seen.up(2)) == [("2v0", Fate.LINE_LOSS, 4)]


def test_what_merges_at_an_instant_goes_by_id_and_not_by_place_in_the_tree() -> None:
    """At 2 relay 1 has 3 bytes from 9 (below 2), from 3, and two packets of its own.

    In preorder 9 comes before 3; by id it comes last. Own packets go by stream.
    """
    tree = scenario(
        {"0": "", "1": "0", "2": "1", "3": "1", "9": "2"},
        lines={
            "9": line(direction(rate_bps=BYTE_PER_NS * 3)),
            "2": line(direction(rate_bps=BYTE_PER_NS * 3)),
        },
        rooms=["1", "3", "9"],
    )
    sends = [
        Send(0, "9", "a", 3),
        Send(2, "1", "b", 1),
        Send(2, "1", "a", 2),
        Send(0, "3", "b", 2),
    ]
    seen = run(tree, [stream("a", "up"), stream("b", "up")], sends)
    assert [seen.network.sites[s].id for s in range(5)] == ["0", "1", "2", "9", "3"]
    assert seen.arrivals(seen.up(1)) == [("1a0", 4), ("1b0", 5), ("3b0", 7), ("9a0", 10)]


def test_siblings_fill_one_memory_in_the_order_of_their_ids() -> None:
    """4 bytes of memory at 1: of three packets of 2 that come at 2 the third is lost."""
    tree = scenario(
        {"0": "", "1": "0", "2": "1", "3": "1", "4": "1"},
        lines={"1": line(up=direction(buffer_bytes=4))},
    )
    seen = run(tree, [VIDEO], [Send(0, site, "v", 2) for site in "432"])
    assert seen.on(seen.up(1)) == [
        ("4v0", Fate.LINE_QUEUE, 2),
        ("2v0", Fate.ARRIVED, 4),
        ("3v0", Fate.ARRIVED, 6),
    ]
    assert losses_of(seen.tally.stream[4, 0]) == [0, 0, 1, 0, 0]
    assert losses_of(seen.tally.stream[3, 0]) == [0, 0, 0, 0, 0]
    assert seen.tally.line[seen.up(1), LineCount.LOST_QUEUE] == 1


@pytest.mark.parametrize(
    ("up", "fate", "lost"),
    [
        (direction(loss=LOSING_ALL), Fate.LINE_LOSS, [0, 0, 0, 1, 0]),
        (direction(buffer_bytes=1), Fate.LINE_QUEUE, [0, 0, 1, 0, 0]),
        (
            direction(policer=Policer(rate_bps=BYTE_PER_NS, burst_bytes=1)),
            Fate.LINE_POLICER,
            [0, 1, 0, 0, 0],
        ),
    ],
)
def test_a_loss_on_the_way_up_is_its_sources(up: Direction, fate: Fate, lost: list[int]) -> None:
    """It is lost on the line above its parent; the same line down would carry it."""
    tree = scenario(FORK, lines={"1": line(up=up)})
    seen = run(tree, [stream("d", "down"), VIDEO], [Send(0, "0", "d", 2), Send(0, "3", "v", 2)])
    assert [(name, f) for name, f, _ in seen.on(seen.up(1))] == [("3v0", fate)]
    assert seen.on(1) == [("0d0", Fate.ARRIVED, 2)]
    source = seen.tally.stream[3, 1]
    assert losses_of(source) == lost
    assert source[StreamCount.SENT] == 1
    assert source[StreamCount.ENDED] == source[StreamCount.RECEIVED] == 0
    assert not seen.tally.floor_lost.any()


def test_each_direction_has_its_own_draws() -> None:
    """Bernoulli: the gaps of the up direction's own key, numbered by acceptance."""
    loss = Loss(p=0.0, r=1.0, bad=0.0, good=0.3)
    tree = scenario({"0": "", "1": "0"}, lines={"1": line(direction(loss=loss))})
    sends = [Send(n, site, name, 1) for n in range(40) for site, name in (("0", "d"), ("1", "v"))]
    seen = run(tree, [stream("d", "down"), VIDEO], sends)
    for hop, way, prefix in ((1, "down", "0d"), (seen.up(1), "up", "1v")):
        key = rng.key(tree.seed, f"line/1/{way}", "loss gap")
        gaps = np.array([rng.geometric(key, index, 0.3) for index in range(40)])
        expected = [f"{prefix}{n}" for n in (np.cumsum(gaps + 1) - 1).tolist() if n < 40]
        assert len(expected) > 5
        assert [name for name, fate, _ in seen.on(hop) if fate == Fate.LINE_LOSS] == expected


@pytest.mark.parametrize(
    ("at_ns", "fate"),
    [
        (2, Fate.LINE_OUTAGE),
        (3, Fate.LINE_OUTAGE),
        (7, Fate.LINE_OUTAGE),
        (8, Fate.LINE_OUTAGE),
        (9, Fate.ARRIVED),
    ],
)
def test_a_lines_fault_kills_both_directions_up_to_the_delivery(at_ns: int, fate: Fate) -> None:
    """3 bytes each way leave at 3 and would arrive at 8; while the line is down it refuses all."""
    tree = scenario({"0": "", "1": "0"}, lines={"1": line(propagation_ns=5)})
    sends = [
        Send(t, site, name, size)
        for t, size in ((0, 3), (at_ns, 1), (at_ns + 1, 1))
        for site, name in (("0", "d"), ("1", "v"))
    ]
    edits = [FailLine(at_ns=at_ns, target=1), RestoreLine(at_ns=at_ns + 1, target=1)]
    seen = run(tree, [stream("d", "down"), VIDEO], sends, edits)
    for hop, name in ((1, "0d"), (seen.up(1), "1v")):
        assert sorted(seen.on(hop)) == [
            (f"{name}0", fate, min(at_ns, 8)),
            (f"{name}1", Fate.LINE_OUTAGE, at_ns),
            (f"{name}2", Fate.ARRIVED, at_ns + 7),
        ]
        assert seen.tally.line[hop, LineCount.REFUSED] == 1
    lost = 1 + (fate == Fate.LINE_OUTAGE)
    assert losses_of(seen.tally.stream[1, 1]) == [lost, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("at_ns", "fate"),
    [(2, (Fate.LINE_OUTAGE, 2)), (3, (Fate.LINE_OUTAGE, 3)), (4, (Fate.ARRIVED, 8))],
)
def test_a_relays_fault_kills_its_own_up_line_up_to_the_last_bit(
    at_ns: int, fate: tuple[Fate, int]
) -> None:
    """3 bytes of its own room leave at 3 and arrive at 8, those on the wire in spite of it."""
    tree = scenario(FORK, lines={"1": line(propagation_ns=5)}, rooms=["1", "2"])
    seen = run(tree, [VIDEO], [Send(0, "1", "v", 3)], [FailRelay(at_ns=at_ns, target=1)])
    assert seen.on(seen.up(1)) == [("1v0", *fate)]
    assert seen.tally.line[seen.up(1), LineCount.BUSY_NS] == min(at_ns, 3)
    # It is the line that lost it.
    assert seen.tally.line[seen.up(1), LineCount.COPY_LOST_OUTAGE] == 0


def test_a_relays_fault_spares_the_up_lines_below_it() -> None:
    """At 1 the packet of 2 is being sent; it reaches the dead relay at 3, another at its repair."""
    edits = [FailRelay(at_ns=1, target=1), RestoreRelay(at_ns=5, target=1)]
    sends = [Send(0, "2", "v", 3), Send(3, "2", "v", 2)]
    seen = run(scenario(FORK), [VIDEO], sends, edits)
    assert seen.arrivals(seen.up(2)) == [("2v0", 3), ("2v1", 5)]
    assert seen.on(seen.up(1)) == [("2v0", Fate.EGRESS_OUTAGE, 3), ("2v1", Fate.ARRIVED, 7)]
    assert seen.tally.line[seen.up(1), LineCount.COPY_LOST_OUTAGE] == 1
    assert seen.tally.line[seen.up(1), LineCount.OFFERED] == 1
    assert losses_of(seen.tally.stream[2, 0]) == [1, 0, 0, 0, 0]


@pytest.mark.parametrize(("at_ns", "lost"), [(2, True), (6, True), (7, False)])
def test_an_up_packet_in_processing_is_booked_once(at_ns: int, lost: bool) -> None:
    """It is at relay 1 from 2 to 6; the fault may come with it, or as it is done."""
    tree = scenario(FORK, processing_ns={"1": 4})
    edits = [FailRelay(at_ns=at_ns, target=1)]
    # At 7 its last bit is still on its way out of the relay: the line loses it.
    seen = run(tree, [VIDEO], [Send(1, "2", "v", 1)], edits)
    expected = (Fate.EGRESS_OUTAGE, at_ns) if lost else (Fate.LINE_OUTAGE, 7)
    assert seen.on(seen.up(1)) == [("2v0", *expected)]
    assert seen.tally.line[seen.up(1), LineCount.COPY_LOST_OUTAGE] == lost
    assert seen.tally.egress[seen.network.feed[2]].tolist() == [0] * seen.tally.egress.shape[1]
    assert losses_of(seen.tally.stream[2, 0]) == [1, 0, 0, 0, 0]


@pytest.mark.parametrize(("at_ns", "fate"), [(2, Fate.ENDED_OUTAGE), (3, Fate.ENDED)])
def test_what_ends_at_a_dead_relay_is_only_its_sources_loss(at_ns: int, fate: Fate) -> None:
    tree = scenario(FORK, processing_ns={"1": 4})
    edits = [FailRelay(at_ns=at_ns, target=1)]
    seen = run(tree, [stream("v", "up", to="parent")], [Send(0, "2", "v", 2)], edits)
    assert seen.after(seen.up(2)) == [("2v0", fate, 2)]
    assert seen.tally.line[seen.up(2), LineCount.DELIVERED] == 1
    assert not seen.tally.line[:, LineCount.COPY_LOST_OUTAGE].any()
    source = seen.tally.stream[2, 0]
    assert source[StreamCount.ENDED] == source[StreamCount.RECEIVED] == (fate == Fate.ENDED)
    assert losses_of(source) == [int(fate == Fate.ENDED_OUTAGE), 0, 0, 0, 0]
    assert seen.tally.up_delay.sum() == (fate == Fate.ENDED)


def test_a_dead_room_and_a_dead_relay_lose_what_should_be_sent() -> None:
    """Sent by 1 at 1 with both dead, at 3 beside a dead relay, at 5 by a dead room, and at 7."""
    tree = scenario(FORK, processing_ns={"1": 4}, rooms=["1", "2"])
    edits: list[Edit] = [
        FailRelay(at_ns=1, target=1),
        FailRoom(at_ns=1, target=1),
        RestoreRoom(at_ns=3, target=1),
        RestoreRelay(at_ns=5, target=1),
        FailRoom(at_ns=5, target=1),
        RestoreRoom(at_ns=7, target=1),
    ]
    sends = [Send(t, "1", "v", 1) for t in (1, 3, 5, 7)]
    seen = run(tree, [VIDEO], sends, edits)
    # At 7 it enters the line without processing.
    assert seen.on(seen.up(1)) == [("1v1", Fate.EGRESS_OUTAGE, 3), ("1v3", Fate.ARRIVED, 8)]
    assert seen.after(seen.up(1)) == [
        ("1v0", Fate.ROOM_DEAD, 1),
        ("1v2", Fate.ROOM_DEAD, 5),
        ("1v3", Fate.ENDED, 8),
    ]
    assert seen.tally.line[seen.up(1), LineCount.COPY_LOST_OUTAGE] == 1
    assert seen.tally.line[seen.up(1), LineCount.OFFERED] == 1
    assert not seen.tally.room.any()
    source = seen.tally.stream[1, 0]
    assert source[StreamCount.SENT] == 4
    assert losses_of(source) == [1, 0, 0, 0, 2]


def test_a_camera_in_a_site_without_a_room_is_not_the_rooms() -> None:
    edits: list[Edit] = [FailRoom(at_ns=0, target=2), FailRelay(at_ns=0, target=2)]
    seen = run(scenario(FORK, rooms=["3"]), [VIDEO], [Send(0, "2", "v", 1)], edits)
    assert seen.after(seen.up(1)) == [("2v0", Fate.ENDED, 2)]
