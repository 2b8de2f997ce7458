"""The reference engine on trees so small that every time can be worked out in the head.

Lines and egresses send 1 byte/ns unless said otherwise, so n bytes take n ns; sites are numbered
like their ids, and the fates are (packet, fate, ns).
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sim.dataplane.edit import (
    Edit,
    FailLine,
    FailRelay,
    FailRoom,
    RestoreLine,
    RestoreRelay,
    RestoreRoom,
    SetEgressRate,
    SetLineLoss,
    SetLineRate,
)
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import EgressCount, Fate, LineCount, RoomCount
from sim.network.tree import build_network
from sim.scenario.model import Loss
from tests.equality.decided import hops, rehearse, shown
from tests.equality.rehearsal import Rehearsal, Sent, play
from tests.equality.trees import BYTE_PER_NS, LOSSLESS, direction, egress, line, scenario

PAIR = {"0": "", "1": "0"}
TWINS = {"0": "", "1": "0", "2": "0"}
CHAIN = {"0": "", "1": "0", "2": "1", "3": "2"}


def test_a_packet_fits_if_the_memory_holds_its_last_bit() -> None:
    """6 bytes of memory: 3 + 3 fit, 1 more does not; at 3 ns three bytes have left, and 3 fit."""
    tree = scenario(PAIR, lines={"1": line(direction(buffer_bytes=6))})
    engine = rehearse(tree, [(0, 0, 3), (0, 0, 3), (0, 0, 1), (3, 0, 4), (3, 1, 3)])
    assert hops(engine, 1) == [
        (0, Fate.ARRIVED, 3),
        (1, Fate.ARRIVED, 6),
        (2, Fate.LINE_QUEUE, 0),
        (3, Fate.LINE_QUEUE, 3),
        (4, Fate.ARRIVED, 9),
    ]
    count = engine.tally.line[1]
    assert count[LineCount.BUSY_NS] == 9
    assert count[LineCount.BACKLOG_MAX_NS] == 6
    assert count[LineCount.DELAY_SUM_NS] == 3 + 6 + 6
    assert count[LineCount.DELIVERED_BYTES] == 9
    assert count[LineCount.OFFERED_BYTES] == 14


@pytest.mark.parametrize(
    ("rate_bps", "size_bytes", "service_ns"),
    [
        (3 * 10**9, 1, 3),  # 2.67
        (3 * 10**9, 2, 5),  # 5.33
        (16 * 10**9, 1, 1),  # 0.5: halves round up
        (16 * 10**9, 3, 2),  # 1.5
        (32 * 10**9, 1, 1),  # 0.25: never less than 1
    ],
)
def test_service_is_rounded_to_the_nearest_ns(
    rate_bps: int, size_bytes: int, service_ns: int
) -> None:
    tree = scenario(PAIR, lines={"1": line(direction(rate_bps=rate_bps))})
    engine = rehearse(tree, [(0, 0, size_bytes)])
    assert hops(engine, 1) == [(0, Fate.ARRIVED, service_ns)]


def test_the_memory_is_counted_in_packets_of_the_mtu() -> None:
    """3 bytes take 2 ns, so 4 bytes of memory drain in ceil(4 * 2 / 3) = 3 ns: 3 packets of 1 ns.

    Without the rounding of the service time 4 bytes would have room for 4 packets of 1 byte.
    """
    down = direction(rate_bps=2 * BYTE_PER_NS, buffer_bytes=4, mtu_bytes=3)
    engine = rehearse(scenario(PAIR, lines={"1": line(down)}), [(0, 0, 1)] * 4)
    assert [fate for _, fate, _ in hops(engine, 1)] == [Fate.ARRIVED] * 3 + [Fate.LINE_QUEUE]


@pytest.mark.parametrize(
    ("at_ns", "fate"),
    [(2, (Fate.LINE_OUTAGE, 2)), (3, (Fate.LINE_OUTAGE, 3)), (4, (Fate.ARRIVED, 8))],
)
def test_a_relay_kills_up_to_its_last_bit_and_not_on_the_wire(
    at_ns: int, fate: tuple[Fate, int]
) -> None:
    """3 bytes leave at 3 and arrive at 8; a relay that fails at 3 still has the last bit."""
    tree = scenario(PAIR, lines={"1": line(propagation_ns=5)})
    engine = rehearse(tree, [(0, 0, 3)], [FailRelay(at_ns=at_ns, target=0)])
    assert hops(engine, 1) == [(0, *fate)]
    assert engine.tally.line[1, LineCount.BUSY_NS] == min(at_ns, 3)


@pytest.mark.parametrize(
    ("at_ns", "fate"), [(5, Fate.LINE_OUTAGE), (8, Fate.LINE_OUTAGE), (9, Fate.ARRIVED)]
)
def test_a_line_kills_up_to_the_delivery(at_ns: int, fate: Fate) -> None:
    """3 bytes leave at 3 and would arrive at 8; while the line is down it refuses all."""
    tree = scenario(PAIR, lines={"1": line(propagation_ns=5)})
    packets = [(0, 0, 3), (at_ns, 0, 1), (at_ns + 1, 0, 1)]
    edits = [FailLine(at_ns=at_ns, target=1), RestoreLine(at_ns=at_ns + 1, target=1)]
    engine = rehearse(tree, packets, edits)
    assert hops(engine, 1) == [
        (0, fate, min(at_ns, 8)),
        (1, Fate.LINE_OUTAGE, at_ns),
        (2, Fate.ARRIVED, at_ns + 1 + 1 + 5),
    ]
    assert engine.tally.line[1, LineCount.REFUSED] == 1
    assert engine.tally.line[1, LineCount.LOST_OUTAGE] == 1 + (fate == Fate.LINE_OUTAGE)


def test_what_a_dead_relay_processes_and_receives_is_lost_once_per_copy() -> None:
    """Ready at 2 means lost at 2; so is what arrives at 2 and 3; from 4 on both children hear."""
    tree = scenario(TWINS, processing_ns={"0": 2})
    edits = [FailRelay(at_ns=2, target=0), RestoreRelay(at_ns=4, target=0)]
    engine = rehearse(tree, [(0, 0, 1), (2, 0, 1), (3, 0, 1), (4, 0, 1)], edits)
    for site in (1, 2):
        assert hops(engine, site) == [
            (0, Fate.EGRESS_OUTAGE, 2),
            (1, Fate.EGRESS_OUTAGE, 2),
            (2, Fate.EGRESS_OUTAGE, 3),
            (3, Fate.ARRIVED, 7),
        ]
        assert engine.tally.line[site, LineCount.COPY_LOST_OUTAGE] == 3
    assert engine.tally.egress[0, EgressCount.OFFERED] == 8
    assert engine.tally.egress[0, EgressCount.LOST_OUTAGE] == 6
    assert engine.tally.egress[0, EgressCount.BUSY_NS] == 0


def test_a_failing_relay_kills_what_waits_in_its_egress() -> None:
    """Copies leave at 2 and 4; at 4 the second still has its last bit, the first is at child 1."""
    tree = scenario(TWINS, egresses={"0": [egress()]})
    engine = rehearse(tree, [(0, 0, 2)], [FailRelay(at_ns=4, target=0)])
    # The first copy entered its line at 2 and its last bit would leave at 4 too.
    assert hops(engine, 1) == [(0, Fate.LINE_OUTAGE, 4)]
    assert hops(engine, 2) == [(0, Fate.EGRESS_OUTAGE, 4)]
    assert engine.tally.egress[0, EgressCount.BUSY_NS] == 4


@pytest.mark.parametrize("at_ns", [1, 3, 4])
def test_waiting_packets_are_retimed_and_the_one_being_sent_is_not(at_ns: int) -> None:
    """4 + 2 + 2 bytes; at half the rate from `at_ns` on the first still leaves at 4.

    At 4 it is one edit before its departure. Then 4 ns each for the others: 8 and 12.
    """
    tree = scenario(PAIR, lines={"1": line(direction(buffer_bytes=8))})
    slower = SetLineRate(at_ns=at_ns, target=1, rate_bps=BYTE_PER_NS // 2)
    # The memory now drains in 16 ns: at 4, 4 bytes fit beside 8 ns of waiting, and 1 more does not.
    engine = rehearse(tree, [(0, 0, 4), (0, 0, 2), (0, 0, 2), (4, 0, 4), (4, 0, 1)], [slower])
    assert hops(engine, 1) == [
        (0, Fate.ARRIVED, 4),
        (1, Fate.ARRIVED, 8),
        (2, Fate.ARRIVED, 12),
        (3, Fate.ARRIVED, 20),
        (4, Fate.LINE_QUEUE, 4),
    ]
    assert engine.tally.line[1, LineCount.BACKLOG_MAX_NS] == 16


def test_nothing_accepted_is_evicted_by_a_change_of_rate() -> None:
    """Twice as fast, 8 bytes drain in 4 ns: the 5 ns unsent at 1 stay, no byte more fits."""
    tree = scenario(PAIR, lines={"1": line(direction(buffer_bytes=8, mtu_bytes=2))})
    faster = SetLineRate(at_ns=1, target=1, rate_bps=BYTE_PER_NS * 2)
    engine = rehearse(tree, [(0, 0, 4), (0, 0, 4), (1, 0, 1)], [faster])
    assert hops(engine, 1) == [
        (0, Fate.ARRIVED, 4),
        (1, Fate.ARRIVED, 6),
        (2, Fate.LINE_QUEUE, 1),
    ]


def test_a_full_egress_refuses_the_last_copies() -> None:
    """5 bytes of memory: two copies of 2 bytes, not three; they enter their lines at 2 and 4."""
    tree = scenario({**TWINS, "3": "0"}, egresses={"0": [egress(buffer_bytes=5)]})
    engine = rehearse(tree, [(0, 0, 2)])
    assert hops(engine, 1) == [(0, Fate.ARRIVED, 4)]
    assert hops(engine, 2) == [(0, Fate.ARRIVED, 6)]
    assert hops(engine, 3) == [(0, Fate.EGRESS_QUEUE, 0)]
    assert engine.tally.line[3, LineCount.COPY_LOST_QUEUE] == 1
    assert engine.tally.line[3, LineCount.OFFERED] == 0
    assert engine.tally.egress[0].tolist() == [3, 0, 1, 4, 4, 0, 0, 0, 0]


def test_the_overhead_of_a_copy_is_in_its_service_and_in_the_memory() -> None:
    """2 bytes and 1 ns: copies every 3 ns; 4 bytes are two such packets, so 6 ns, so 2 copies."""
    interface = egress(buffer_bytes=4, mtu_bytes=2, overhead_ns=1)
    engine = rehearse(scenario({**TWINS, "3": "0"}, egresses={"0": [interface]}), [(0, 0, 2)])
    assert hops(engine, 1) == [(0, Fate.ARRIVED, 5)]
    assert hops(engine, 2) == [(0, Fate.ARRIVED, 8)]
    assert hops(engine, 3) == [(0, Fate.EGRESS_QUEUE, 0)]


def test_an_egress_is_retimed_like_a_line() -> None:
    """Copies of 2 bytes for 3 children; from 2 on, at half the rate: 2, 6, 10."""
    tree = scenario({**TWINS, "3": "0"}, egresses={"0": [egress()]})
    slower = SetEgressRate(at_ns=2, target=0, rate_bps=BYTE_PER_NS // 2)
    engine = rehearse(tree, [(0, 0, 2)], [slower])
    assert [hops(engine, site)[0][2] for site in (1, 2, 3)] == [4, 8, 12]


def test_each_carrier_has_its_own_egress() -> None:
    """Children 1 and 3 share an egress, 2 has another: copies leave at 2 and 4, and at 2."""
    tree = scenario(
        {**TWINS, "3": "0"},
        lines={"2": line(carrier="viettel")},
        egresses={"0": [egress(), egress(carrier="viettel")]},
    )
    engine = rehearse(tree, [(0, 0, 2)])
    assert [hops(engine, site)[0][2] for site in (1, 2, 3)] == [4, 4, 6]


def test_two_streams_of_one_instant_go_in_the_order_of_the_streams() -> None:
    """Copies leave the egress at 2, 4, 7, 10: packet by packet, and child by child within one."""
    tree = scenario(TWINS, egresses={"0": [egress()]})
    engine = rehearse(tree, [(0, 0, 2), (0, 1, 3)])
    assert hops(engine, 1) == [(0, Fate.ARRIVED, 4), (1, Fate.ARRIVED, 10)]
    assert hops(engine, 2) == [(0, Fate.ARRIVED, 6), (1, Fate.ARRIVED, 13)]


def test_a_chain_without_delay_works_within_one_instant() -> None:
    """Memory for one packet everywhere; each packet reaches a line as the last leaves it."""
    full = line(direction(buffer_bytes=2))
    tree = scenario(CHAIN, lines={"1": full, "2": full, "3": full}, rooms=["1", "3"])
    engine = rehearse(tree, [(0, 0, 2), (2, 0, 2), (4, 0, 2)])
    for site in (1, 2, 3):
        assert [row[2] for row in hops(engine, site)] == [2 * site, 2 * site + 2, 2 * site + 4]
        assert engine.tally.line[site, LineCount.DELIVERED] == 3
    assert engine.tally.room[3, RoomCount.DELAY_SUM_NS] == 18


@pytest.mark.parametrize(("at_ns", "fate"), [(2, Fate.LINE_OUTAGE), (3, Fate.LINE_LOSS)])
def test_a_packet_picked_for_loss_dies_at_its_last_bit(at_ns: int, fate: Fate) -> None:
    """It has used the line for 2 ns; a fault at the last bit comes first."""
    lossy = line(direction(loss=Loss(p=0.0, r=1.0, bad=0.0, good=1.0)), propagation_ns=5)
    engine = rehearse(
        scenario(PAIR, lines={"1": lossy}), [(0, 0, 2)], [FailLine(at_ns=at_ns, target=1)]
    )
    assert hops(engine, 1) == [(0, fate, 2)]
    assert engine.tally.line[1, LineCount.BUSY_NS] == 2


def test_a_room_counts_gaps_between_what_it_received() -> None:
    """Arrivals at 6, 8 and 31, one at 20 into a dead room: gaps of 6, 2 and 23 ns."""
    edits = [FailRoom(at_ns=20, target=1), RestoreRoom(at_ns=21, target=1)]
    packets = [(5, 0, 1), (7, 0, 1), (19, 0, 1), (30, 0, 1)]
    dark = rehearse(scenario(PAIR, dark_after_ns=22), packets, edits).tally.room[1]
    assert dark[RoomCount.GAP_MAX_NS] == 23
    assert dark[RoomCount.DARK_NS] == 23
    assert dark[RoomCount.LAST_NS] == 31
    assert dark[RoomCount.LOST_ENDPOINT] == 1
    light = rehearse(scenario(PAIR, dark_after_ns=23), packets, edits).tally.room[1]
    assert light[RoomCount.DARK_NS] == 0


def test_a_room_beside_a_dead_relay_is_not_fed() -> None:
    """Packets reach site 1 at 2, 5 and 8: with its relay dead, and its room too, and both alive."""
    tree = scenario({"0": "", "1": "0", "2": "1"}, rooms=["1", "2"])
    edits = [
        FailRelay(at_ns=2, target=1),
        FailRoom(at_ns=5, target=1),
        RestoreRoom(at_ns=8, target=1),
        RestoreRelay(at_ns=8, target=1),
    ]
    engine = rehearse(tree, [(0, 0, 2), (3, 0, 2), (6, 0, 2)], edits)
    assert shown(engine, 1) == [
        (0, Fate.ROOM_OUTAGE, 2),
        (1, Fate.ROOM_DEAD, 5),
        (2, Fate.ROOM_RECEIVED, 8),
    ]
    assert [row[1] for row in hops(engine, 2)] == [
        Fate.EGRESS_OUTAGE,
        Fate.EGRESS_OUTAGE,
        Fate.ARRIVED,
    ]


def test_failing_the_dead_and_restoring_the_living_change_nothing() -> None:
    """Repaired at 1 while alive: what is being sent goes on. Failed twice: it dies once."""
    tree = scenario(TWINS)
    edits: list[Edit] = [
        RestoreLine(at_ns=1, target=1),
        RestoreRelay(at_ns=1, target=0),
        FailLine(at_ns=6, target=1),
        FailLine(at_ns=7, target=1),
        FailRelay(at_ns=7, target=1),  # a leaf has no relay
        RestoreLine(at_ns=8, target=1),
    ]
    engine = rehearse(tree, [(0, 0, 3), (4, 0, 3), (8, 0, 3)], edits)
    assert hops(engine, 1) == [
        (0, Fate.ARRIVED, 3),
        (1, Fate.LINE_OUTAGE, 6),
        (2, Fate.ARRIVED, 11),
    ]
    assert [row[1] for row in hops(engine, 2)] == [Fate.ARRIVED] * 3


def test_a_line_repaired_at_the_instant_it_fails_only_loses_what_it_had() -> None:
    edits = [FailLine(at_ns=2, target=1), RestoreLine(at_ns=2, target=1)]
    engine = rehearse(scenario(PAIR), [(0, 0, 2), (1, 0, 4), (2, 0, 1)], edits)
    assert hops(engine, 1) == [
        (0, Fate.LINE_OUTAGE, 2),
        (1, Fate.LINE_OUTAGE, 2),
        (2, Fate.ARRIVED, 3),
    ]


def test_a_span_ends_in_the_middle_of_a_burst() -> None:
    """Two packets of 4 bytes, cut at 3, 4 and 6: what is sent, undecided, and busy so far."""
    tree = scenario(PAIR, lines={"1": line(propagation_ns=1)}, duration_ns=20)
    engine = ReferenceEngine(tree, build_network(tree))
    seen = []
    rehearsal = Rehearsal(scenario=tree, packets=((0, 0, 4), (0, 1, 4)), edits=())
    for end_ns in play(rehearsal, engine, (3, 4, 5, 6)):
        count = engine.tally.line[1]
        seen.append(
            (end_ns, count[LineCount.BUSY_NS], engine.pending(), count[LineCount.DELIVERED])
        )
    # The packet that arrives at 5 belongs to the span that begins at 5.
    assert seen[:4] == [(3, 3, 2, 0), (4, 4, 2, 0), (5, 5, 2, 0), (6, 6, 1, 1)]
    assert seen[4] == (20, 8, 0, 2)


@pytest.mark.parametrize(
    ("packets", "edits", "message"),
    [
        ([(20, 0, 1)], [], "packet at 20 is out of order or not in"),
        ([], [FailRelay(at_ns=20, target=0)], "edit at 20 is out of order or not in"),
        (
            [],
            [FailRelay(at_ns=5, target=0), FailRelay(at_ns=4, target=0)],
            "edit at 4 is out of order",
        ),
        ([], [FailLine(at_ns=5, target=0)], "site 0 has no line"),
        ([], [SetLineRate(at_ns=5, target=1, rate_bps=0)], "rate_bps must be positive"),
        (
            [],
            [SetLineLoss(at_ns=5, target=1, loss=Loss(p=0.5, r=1.0, bad=1.0, good=0.0))],
            "cannot change p and r",
        ),
    ],
)
def test_what_the_engine_is_told_must_make_sense(
    packets: Sequence[Sent], edits: Sequence[Edit], message: str
) -> None:
    tree = scenario(PAIR)
    everything = Rehearsal(scenario=tree, packets=tuple(packets), edits=()).packets_in(0, 100)
    with pytest.raises(ValueError, match=message):
        ReferenceEngine(tree, build_network(tree)).replay(0, 20, everything, edits)


def test_spans_follow_each_other() -> None:
    tree = scenario(PAIR, lines={"1": line(direction(loss=LOSSLESS))})
    nothing = Rehearsal(scenario=tree, packets=(), edits=()).packets_in(0, 100)
    engine = ReferenceEngine(tree, build_network(tree))
    engine.replay(0, 10, nothing, [])
    with pytest.raises(ValueError, match="the last span ended at 10, not at 11"):
        engine.replay(11, 20, nothing, [])
