"""Strict, non-preemptive priority in the reference engine, worked out in the head.

Lines and egresses send 1 byte/ns. Stream h has precedence 0 and goes first, l has precedence 1; a
packet of h that comes with one of l at one instant comes before it, as h does before l by id.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim import rng
from sim.dataplane.edit import FailLine, FailRelay, SetEgressRate, SetLineRate
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.tally import EgressCount, Fate, LineCount
from sim.scenario.model import Direction, Loss, Scenario
from tests.equality.by_hand import Run, Send, run, stream
from tests.equality.trees import BYTE_PER_NS, LOSSLESS, direction, egress, line, scenario

PAIR = {"0": "", "1": "0"}
TRIPLETS = {"0": "", "1": "0", "2": "0", "3": "0"}
HIGH, LOW = stream("h", "down"), stream("l", "down", precedence=1)


def first_class(*, buffer_bytes: int = 100, loss: Loss = LOSSLESS) -> Direction:
    """Return a direction with priorities."""
    return direction(buffer_bytes=buffer_bytes, loss=loss, scheduling="priority")


def pair(way_down: Direction | None = None) -> Scenario:
    """Return one line, with priorities down."""
    return scenario(PAIR, lines={"1": line(way_down or first_class(), direction())})


def triplets() -> Scenario:
    """Return three lines without priorities, under one egress with them."""
    return scenario(TRIPLETS, egresses={"0": [egress(scheduling="priority")]})


def down(at_ns: int, name: str, size_bytes: int) -> Send:
    """Return a packet of the root."""
    return Send(at_ns, "0", name, size_bytes)


def test_a_waiting_packet_is_overtaken_and_the_one_being_sent_is_not() -> None:
    """l0 from 0 to 4, then h0 (come at 2) to 6, then l1 (come at 1) to 9."""
    seen = run(pair(), [HIGH, LOW], [down(0, "l", 4), down(1, "l", 3), down(2, "h", 2)])
    assert seen.arrivals(1) == [("0l0", 4), ("0h0", 6), ("0l1", 9)]
    count = seen.tally.line[1]
    assert count[LineCount.BUSY_NS] == 9
    assert count[LineCount.BACKLOG_MAX_NS] == 7
    assert count[LineCount.DELAY_SUM_NS] == 4 + 4 + 8


def test_without_priorities_the_class_says_nothing() -> None:
    sends = [down(0, "l", 4), down(1, "l", 3), down(2, "h", 2)]
    seen = run(scenario(PAIR), [HIGH, LOW], sends)
    assert seen.arrivals(1) == [("0l0", 4), ("0l1", 7), ("0h0", 9)]


@pytest.mark.parametrize(
    ("at_ns", "arrivals"),
    [
        (3, [("0l0", 4), ("0h0", 6), ("0l1", 9)]),
        (4, [("0l0", 4), ("0l1", 7), ("0h0", 9)]),
    ],
)
def test_a_packet_whose_turn_comes_has_begun_before_what_arrives(
    at_ns: int, arrivals: list[tuple[str, int]]
) -> None:
    """l0 leaves at 4, so l1 begins at 4: h0 overtakes it by coming at 3, and not at 4."""
    seen = run(pair(), [HIGH, LOW], [down(0, "l", 4), down(1, "l", 3), down(at_ns, "h", 2)])
    assert seen.arrivals(1) == arrivals
    assert seen.encounters[Encounter.TOO_LATE_TO_OVERTAKE] == (at_ns == 4)


def test_the_first_of_an_instant_begins_on_an_idle_line_whatever_its_class() -> None:
    """By id a comes before h: a0 is being sent when h0 comes, a1 still waits."""
    early = stream("a", "down", precedence=1)
    seen = run(pair(), [early, HIGH], [down(5, "a", 2), down(5, "a", 3), down(5, "h", 1)])
    assert seen.arrivals(1) == [("0a0", 7), ("0h0", 8), ("0a1", 11)]


def test_within_a_class_packets_go_in_the_order_of_acceptance() -> None:
    """Three classes behind l0: m between h and l, whatever the order of their coming."""
    middle = replace(stream("m", "down"), precedence=1)
    last = stream("l", "down", precedence=2)
    sends = [
        *(down(0, "l", 5), down(1, "l", 1), down(1, "m", 1), down(2, "h", 1)),
        *(down(3, "m", 1), down(3, "h", 1), down(4, "l", 1)),
    ]
    seen = run(pair(), [HIGH, last, middle], sends)
    order = ["0l0", "0h0", "0h1", "0m0", "0m1", "0l1", "0l2"]
    assert seen.arrivals(1) == list(zip(order, range(5, 12), strict=True))


def test_acceptance_looks_at_all_unsent_bits_whatever_their_class() -> None:
    """6 bytes of memory, full of l: h0 is refused at 0; at 2 there is room, and it goes first."""
    sends = [down(0, "l", 4), down(0, "l", 2), down(1, "h", 2), down(2, "h", 2), down(2, "h", 1)]
    seen = run(pair(first_class(buffer_bytes=6)), [HIGH, LOW], sends)
    assert seen.on(1) == [
        ("0h0", Fate.LINE_QUEUE, 1),
        ("0h2", Fate.LINE_QUEUE, 2),
        ("0l0", Fate.ARRIVED, 4),
        ("0h1", Fate.ARRIVED, 6),
        ("0l1", Fate.ARRIVED, 8),
    ]


def test_losses_are_numbered_by_acceptance_though_others_leave_first() -> None:
    """p = r = 1 loses every other acceptance: l0, l1, h0 in this order, sent l0, h0, l1."""
    loss = Loss(p=1.0, r=1.0, bad=1.0, good=0.0)
    sends = [down(0, "l", 4), down(1, "l", 3), down(2, "h", 2)]
    for seed in range(4):
        tree = replace(pair(first_class(loss=loss)), seed=seed)
        seen = run(tree, [HIGH, LOW], sends)
        starts_bad = rng.uniform(rng.key(seed, "line/1/down", "loss state"), 0) < 0.5
        lost = {name for name, fate, _ in seen.on(1) if fate == Fate.LINE_LOSS}
        assert lost == ({"0l0", "0h0"} if starts_bad else {"0l1"})
        assert [at_ns for _, _, at_ns in seen.on(1)] == [4, 6, 9]


def test_a_slower_line_sends_what_waits_in_the_same_order() -> None:
    """From 3 on at half the rate: l0 still leaves at 4, h0 at 8, l1 at 14."""
    sends = [down(0, "l", 4), down(1, "l", 3), down(2, "h", 2)]
    slower = SetLineRate(at_ns=3, target=1, rate_bps=BYTE_PER_NS // 2)
    seen = run(pair(), [HIGH, LOW], sends, [slower])
    assert seen.arrivals(1) == [("0l0", 4), ("0h0", 8), ("0l1", 14)]


def test_a_fault_kills_what_was_overtaken_too() -> None:
    """At 5 l0 has left, h0 is being sent, l1 waits since 1."""
    sends = [down(0, "l", 4), down(1, "l", 3), down(2, "h", 2)]
    seen = run(pair(), [HIGH, LOW], sends, [FailLine(at_ns=5, target=1)])
    assert seen.on(1) == [
        ("0l0", Fate.ARRIVED, 4),
        ("0h0", Fate.LINE_OUTAGE, 5),
        ("0l1", Fate.LINE_OUTAGE, 5),
    ]
    assert seen.tally.line[1, LineCount.BUSY_NS] == 5


def test_the_way_up_has_its_own_scheduling() -> None:
    """Up with priorities, down without, at the same times on the same line."""
    tree = scenario(PAIR, lines={"1": line(up=first_class())})
    streams = [HIGH, LOW, stream("r", "up"), stream("s", "up", precedence=1)]
    sends = [
        *(down(0, "l", 4), down(1, "l", 3), down(2, "h", 2)),
        *(Send(0, "1", "s", 4), Send(1, "1", "s", 3), Send(2, "1", "r", 2)),
    ]
    seen = run(tree, streams, sends)
    assert seen.arrivals(1) == [("0l0", 4), ("0l1", 7), ("0h0", 9)]
    assert seen.arrivals(seen.up(1)) == [("1s0", 4), ("1r0", 6), ("1s1", 9)]


def arrivals(seen: Run) -> list[list[tuple[str, int]]]:
    """Return what arrived at the three children."""
    return [seen.arrivals(site) for site in (1, 2, 3)]


def test_a_better_packet_goes_between_two_copies_of_one() -> None:
    """Copies of l0 (2 bytes): to 1 from 0 to 2; then h0 (1 byte, come at 1) to 3, 4, 5; then 7, 9.

    On line 1 h0 waits at 3 for l0, which leaves it at 4.
    """
    seen = run(triplets(), [HIGH, LOW], [down(0, "l", 2), down(1, "h", 1)])
    assert arrivals(seen) == [
        [("0l0", 4), ("0h0", 5)],
        [("0h0", 5), ("0l0", 9)],
        [("0h0", 6), ("0l0", 11)],
    ]
    assert seen.encounters[Encounter.COPIES_SPLIT] == 1
    assert seen.tally.egress[0, EgressCount.BUSY_NS] == 9
    assert seen.tally.egress[0, EgressCount.BACKLOG_MAX_NS] == 5 + 3


def test_a_copy_that_begins_as_a_better_packet_comes_is_sent() -> None:
    """At 2 the copy for 2 begins, to 4; then h0 to 5, 6, 7; the copy for 3 comes last, to 9."""
    seen = run(triplets(), [HIGH, LOW], [down(0, "l", 2), down(2, "h", 1)])
    assert arrivals(seen) == [
        [("0l0", 4), ("0h0", 6)],
        [("0l0", 6), ("0h0", 7)],
        [("0h0", 8), ("0l0", 11)],
    ]


def test_a_full_egress_refuses_copies_of_any_class() -> None:
    """6 bytes: three copies of l0 fill them; at 1 one copy of h0 fits, and it is the next."""
    tree = scenario(TRIPLETS, egresses={"0": [egress(buffer_bytes=6, scheduling="priority")]})
    seen = run(tree, [HIGH, LOW], [down(0, "l", 2), down(1, "h", 1)])
    assert arrivals(seen) == [[("0l0", 4), ("0h0", 5)], [("0l0", 7)], [("0l0", 9)]]
    for site in (2, 3):
        assert ("0h0", Fate.EGRESS_QUEUE, 1) in seen.on(site)


def test_an_egress_with_priorities_is_retimed_and_killed() -> None:
    """At half the rate from 2 on, copies of h0 leave at 4 and 6; at 7 the third is being sent.

    The second has its last bit on line 2 just then.
    """
    edits = [
        SetEgressRate(at_ns=2, target=0, rate_bps=BYTE_PER_NS // 2),
        FailRelay(at_ns=7, target=0),
    ]
    seen = run(triplets(), [HIGH, LOW], [down(0, "l", 2), down(1, "h", 1)], edits)
    assert seen.on(1) == [("0l0", Fate.ARRIVED, 4), ("0h0", Fate.ARRIVED, 5)]
    assert seen.on(2) == [("0h0", Fate.LINE_OUTAGE, 7), ("0l0", Fate.EGRESS_OUTAGE, 7)]
    assert seen.on(3) == [("0h0", Fate.EGRESS_OUTAGE, 7), ("0l0", Fate.EGRESS_OUTAGE, 7)]
