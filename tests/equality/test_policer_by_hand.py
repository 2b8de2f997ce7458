"""Policers with buckets so small that every token can be counted in the head.

Lines send 1 byte/ns; a policer of `EIGHTH` gains a byte of tokens in 8 ns, one of `HALF` in 2 ns.
Fates are (packet, fate, ns), those of both engines.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sim.dataplane.edit import Edit, FailLine, RestoreLine, SetLineRate
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate, LineCount
from sim.scenario.model import MAX_BURST_BYTES, Policer, Scenario
from tests.equality.decided import hops
from tests.equality.rehearsal import Rehearsal, Sent
from tests.equality.test_engines_agree import play_both
from tests.equality.trees import BYTE_PER_NS, direction, line, scenario

PAIR = {"0": "", "1": "0"}
HALF, EIGHTH = BYTE_PER_NS // 2, BYTE_PER_NS // 8
MONTH_NS = 31 * 24 * 3600 * 10**9
LARGEST_BYTES = 65_535


def policed(
    *, rate_bps: int, burst_bytes: int, buffer_bytes: int = 100, duration_ns: int = 100
) -> Scenario:
    """Return one line with a policer."""
    policer = Policer(rate_bps=rate_bps, burst_bytes=burst_bytes)
    down = direction(buffer_bytes=buffer_bytes, policer=policer)
    return scenario(PAIR, lines={"1": line(down)}, duration_ns=duration_ns)


def rehearse(
    tree: Scenario, packets: Sequence[Sent], edits: Sequence[Edit] = ()
) -> ReferenceEngine:
    """Return the reference engine after a whole run that the other engine equals."""
    rehearsal = Rehearsal(scenario=tree, packets=tuple(packets), edits=tuple(edits))
    _, reference = play_both(rehearsal, (), threads=1)
    return reference


def test_a_packet_passes_with_the_last_token_and_not_with_one_less() -> None:
    """4 bytes of tokens; then 2.5 at 5, of which the refused packet takes none: 3 at 6."""
    tree = policed(rate_bps=HALF, burst_bytes=4)
    engine = rehearse(tree, [(0, 0, 4), (5, 0, 3), (6, 0, 3), (6, 1, 1)])
    assert hops(engine, 1) == [
        (0, Fate.ARRIVED, 4),
        (1, Fate.LINE_POLICER, 5),
        (2, Fate.ARRIVED, 9),
        (3, Fate.LINE_POLICER, 6),
    ]
    count = engine.tally.line[1]
    assert count[LineCount.OFFERED] == 4
    assert count[LineCount.LOST_POLICER] == 2
    assert count[LineCount.REFUSED] == 0


@pytest.mark.parametrize("burst_bytes", [1, 4])
@pytest.mark.parametrize(
    ("rate_bps", "lost"), [(BYTE_PER_NS - 1, 1), (BYTE_PER_NS, 0), (BYTE_PER_NS + 1, 0)]
)
def test_a_billionth_of_a_bit_decides(burst_bytes: int, rate_bps: int, lost: int) -> None:
    """Emptied at 0; at 1 there is a byte, or a single token less."""
    tree = policed(rate_bps=rate_bps, burst_bytes=burst_bytes)
    engine = rehearse(tree, [(0, 0, burst_bytes), (1, 0, 1)])
    assert engine.tally.line[1, LineCount.LOST_POLICER] == lost


def test_a_bucket_holds_no_more_than_its_burst() -> None:
    tree = policed(rate_bps=HALF, burst_bytes=4)
    engine = rehearse(tree, [(0, 0, 2), (90, 0, 4), (90, 0, 1)])
    assert [fate for _, fate, _ in hops(engine, 1)] == [
        Fate.ARRIVED,
        Fate.ARRIVED,
        Fate.LINE_POLICER,
    ]


def test_a_packet_larger_than_the_burst_never_passes() -> None:
    engine = rehearse(policed(rate_bps=BYTE_PER_NS, burst_bytes=4), [(0, 0, 5), (90, 0, 5)])
    assert [fate for _, fate, _ in hops(engine, 1)] == [Fate.LINE_POLICER] * 2


def test_a_packet_that_finds_the_queue_full_has_used_its_tokens() -> None:
    """6 bytes of tokens, a queue of 4: 4 pass and fill it, 2 pass in vain, at 4 there is half."""
    tree = policed(rate_bps=EIGHTH, burst_bytes=6, buffer_bytes=4)
    engine = rehearse(tree, [(0, 0, 4), (0, 0, 2), (4, 0, 1), (8, 0, 1)])
    assert hops(engine, 1) == [
        (0, Fate.ARRIVED, 4),
        (1, Fate.LINE_QUEUE, 0),
        (2, Fate.LINE_POLICER, 4),
        (3, Fate.ARRIVED, 9),
    ]


def test_a_fault_does_not_fill_the_bucket_and_a_refusal_by_it_takes_nothing() -> None:
    """Emptied at 0, there is one byte at 8 and a quarter more at 10: it was there all the time."""
    edits: list[Edit] = [FailLine(at_ns=8, target=1), RestoreLine(at_ns=10, target=1)]
    tree = policed(rate_bps=EIGHTH, burst_bytes=4)
    engine = rehearse(tree, [(0, 0, 4), (9, 0, 1), (10, 0, 2), (10, 0, 1)], edits)
    assert hops(engine, 1) == [
        (0, Fate.ARRIVED, 4),
        (1, Fate.LINE_OUTAGE, 9),
        (2, Fate.LINE_POLICER, 10),
        (3, Fate.ARRIVED, 11),
    ]


@pytest.mark.parametrize("rate_bps", [BYTE_PER_NS // 4, BYTE_PER_NS * 2])
def test_a_change_of_the_lines_rate_leaves_the_policer(rate_bps: int) -> None:
    edits = [SetLineRate(at_ns=1, target=1, rate_bps=rate_bps)]
    tree = policed(rate_bps=HALF, burst_bytes=4)
    engine = rehearse(tree, [(0, 0, 4), (7, 0, 4), (8, 0, 4)], edits)
    assert [fate for _, fate, _ in hops(engine, 1)] == [
        Fate.ARRIVED,
        Fate.LINE_POLICER,
        Fate.ARRIVED,
    ]


def limits() -> list[tuple[int, list[Sent], int]]:
    """Return (rate, packets, how many pass) at the limits of what a scenario may say."""
    whole = MAX_BURST_BYTES // LARGEST_BYTES
    flood: list[Sent] = [(0, 0, LARGEST_BYTES)] * (whole + 1)
    # At 1 bit/s a month brings 334,800 B, beside the 1,435 B the flood left: five packets.
    left_bytes = MAX_BURST_BYTES - whole * LARGEST_BYTES + MONTH_NS // 10**9 // 8
    assert left_bytes // LARGEST_BYTES == 5
    # At 10**15 bit/s it takes 8,000 ns to fill the bucket: at 7,999 little is missing.
    again: list[Sent] = [(7_999, 0, LARGEST_BYTES)] * (whole + 1)
    missing_bytes = whole * LARGEST_BYTES - 7_999 * 10**15 // (8 * 10**9)
    passing = (MAX_BURST_BYTES - missing_bytes) // LARGEST_BYTES
    return [
        (1, [*flood, *[(MONTH_NS, 0, LARGEST_BYTES)] * 9], whole + 5),
        (10**15, [*flood, *again], whole + passing),
        (10**15, [*flood, *[(MONTH_NS, 0, LARGEST_BYTES)] * (whole + 1)], 2 * whole),
    ]


@pytest.mark.parametrize(("rate_bps", "packets", "passing"), limits())
def test_nothing_overflows_at_the_limits(rate_bps: int, packets: list[Sent], passing: int) -> None:
    """The largest burst of the largest packets, the slowest and the fastest policer, a month."""
    tree = policed(
        rate_bps=rate_bps,
        burst_bytes=MAX_BURST_BYTES,
        buffer_bytes=LARGEST_BYTES,
        duration_ns=MONTH_NS + 1,
    )
    engine = rehearse(tree, packets)
    assert engine.tally.line[1, LineCount.LOST_POLICER] == len(packets) - passing


@pytest.mark.parametrize(
    ("rate_bps", "burst_bytes"), [(0, 1), (1, 0), (1, MAX_BURST_BYTES + 1), (-1, 1)]
)
def test_a_policer_beyond_the_limits_is_none(rate_bps: int, burst_bytes: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        Policer(rate_bps=rate_bps, burst_bytes=burst_bytes)
