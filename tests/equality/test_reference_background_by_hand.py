"""Traffic of others in the reference engine: its times laid out from the draws, by libm's log.

Lines and egresses send 1 byte/ns; packets of others have 2 bytes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import accumulate

import pytest

from sim import rng
from sim.dataplane.edit import Edit, FailLine, FailRelay, RestoreLine
from sim.dataplane.tally import EgressCount, Fate, LineCount
from sim.scenario.model import HOUR_NS, Background, Direction, Loss, Policer, Scenario
from tests.equality.by_hand import Run, Send, run, stream
from tests.equality.trees import (
    BYTE_PER_NS,
    EVERY_HOUR_ALIKE,
    bursts,
    direction,
    egress,
    line,
    poisson,
    scenario,
    steady,
)

PAIR = {"0": "", "1": "0"}
BYTES = 2
VIDEO = stream("v", "down")
LONG_NS = 1000


def others(*, rate_bps: int = BYTE_PER_NS // 8, precedence: int = 0) -> Background:
    """Return 2 bytes every 16 ns, in the mean."""
    return poisson(rate_bps=rate_bps, packet_bytes=BYTES, precedence=precedence)


# 2 bytes every 6 ns in bursts of 30 ns, after silences of 50 ns, in the mean.
BURSTS = bursts(rate_bps=BYTE_PER_NS // 3, packet_bytes=BYTES, burst_ns=30, silence_ns=50)


def pair(
    background: Background, port: Direction | None = None, *, duration_ns: int = LONG_NS
) -> Scenario:
    """Return one line with others down; its memory is large unless `port` says otherwise."""
    down = replace(port or direction(buffer_bytes=1000), background=background)
    return scenario(PAIR, lines={"1": line(down, direction())}, duration_ns=duration_ns)


def lengths(mean_ns: list[float], name: str = "line/1/down") -> list[int]:
    """Return exponential lengths of these means, drawn one after the other."""
    uniforms = rng.uniforms(rng.key(1, name, "background"), 0, len(mean_ns)).tolist()
    return [
        max(math.floor(mean * -math.log(u) + 0.5), 1)
        for mean, u in zip(mean_ns, uniforms, strict=True)
    ]


def times(mean_ns: float, name: str = "line/1/down") -> list[int]:
    """Return when packets with exponential gaps come before `LONG_NS`."""
    return [at for at in accumulate(lengths([mean_ns] * 200, name)) if at < LONG_NS]


def background_of(seen: Run, hop: int) -> tuple[int, int]:
    """Return how many packets of others were offered to a direction, and sent."""
    count = seen.tally.line[hop]
    return int(count[LineCount.BACKGROUND_OFFERED]), int(count[LineCount.BACKGROUND_SENT])


def test_poisson_packets_come_at_the_sums_of_their_gaps_until_the_end() -> None:
    """They are sent whole and count as nothing but themselves and busy time."""
    seen = run(pair(others()), [VIDEO], [])
    number = len(times(16.0))
    assert 40 < number < 90
    assert background_of(seen, 1) == (number, number)
    counts = seen.tally.line[1].tolist()
    assert counts[LineCount.BUSY_NS] == BYTES * number
    counted = {LineCount.BUSY_NS, LineCount.BACKLOG_MAX_NS, LineCount.BACKGROUND_OFFERED}
    counted.add(LineCount.BACKGROUND_SENT)
    assert not any(counts[column] for column in LineCount if column not in counted)
    assert not seen.tally.line[seen.up(1)].any()


def test_they_come_after_the_meetings_packets_of_their_instant() -> None:
    """One of the meeting's at the instant of the first and one a ns later: 5, then 2, then 1."""
    first_ns = times(16.0)[0]
    assert times(16.0)[1] > first_ns + 8
    sends = [Send(first_ns, "0", "v", 5), Send(first_ns + 1, "0", "v", 1)]
    seen = run(pair(others()), [VIDEO], sends)
    assert seen.arrivals(1) == [("0v0", first_ns + 5), ("0v1", first_ns + 8)]


def test_bursts_send_evenly_from_their_beginning_to_before_their_end() -> None:
    """Silence, burst, silence ...; in a burst of b ns there are ceil(b / 6) packets."""
    silences_and_bursts = lengths([50.0, 30.0] * 50)
    edges = list(accumulate(silences_and_bursts))
    number = sum(
        len([at for at in range(begin, end, 6) if at < LONG_NS])
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
    )
    assert number > 30
    seen = run(pair(BURSTS), [VIDEO], [])
    assert background_of(seen, 1) == (number, number)
    # Two packets of the meeting, in the first burst behind its first packet and behind its second.
    begin_ns = silences_and_bursts[0]
    assert silences_and_bursts[1] > 7
    sends = [Send(begin_ns + 1, "0", "v", 1), Send(begin_ns + 7, "0", "v", 1)]
    seen = run(pair(BURSTS), [VIDEO], sends)
    assert seen.arrivals(1) == [("0v0", begin_ns + 3), ("0v1", begin_ns + 9)]


def test_a_profile_is_of_the_hour_in_which_a_gap_begins() -> None:
    """The meeting begins 200 ns before 1 o'clock; from then on there is four times as much."""
    profile = (1.0, 4.0, *EVERY_HOUR_ALIKE[2:])
    at_ns, expected, drawn = 0, [], 0
    while True:
        mean_ns = 16.0 if at_ns < 200 else 4.0
        at_ns += lengths([mean_ns] * (drawn + 1))[drawn]
        drawn += 1
        if at_ns >= LONG_NS:
            break
        expected.append(at_ns)
    assert len([at for at in expected if at < 200]) < 30 < 150 < len(expected)
    tree = replace(pair(replace(others(), profile=profile)), begins_ns=HOUR_NS - 200)
    assert background_of(run(tree, [VIDEO], []), 1)[0] == len(expected)


def test_a_profile_is_of_the_hour_in_which_a_burst_begins() -> None:
    """Midnight passes at the first burst's beginning, or 1 ns later: every 3 or every 6 ns."""
    silence_ns, burst_ns = lengths([50.0, 30.0])
    background = replace(BURSTS, profile=(2.0, *EVERY_HOUR_ALIKE[1:]))
    tree = pair(background, duration_ns=silence_ns + burst_ns)
    for late_ns, spacing_ns in ((0, 3), (1, 6)):
        begins_ns = 24 * HOUR_NS - silence_ns - late_ns
        seen = run(replace(tree, begins_ns=begins_ns), [VIDEO], [])
        assert background_of(seen, 1)[0] == -(-burst_ns // spacing_ns)


def test_they_fill_the_queue_and_find_it_full() -> None:
    """Others at four times the rate of a line of 6 bytes: they get what they can, and so on."""
    flood = others(rate_bps=BYTE_PER_NS * 4)
    seen = run(pair(flood, direction(buffer_bytes=6)), [VIDEO], [Send(500, "0", "v", 5)])
    offered, sent = background_of(seen, 1)
    assert offered == len([None for at in accumulate(lengths([0.5] * 2000)) if at < LONG_NS])
    assert 450 < sent <= 503
    assert seen.on(1) == [("0v0", Fate.LINE_QUEUE, 500)]
    assert seen.tally.line[1, LineCount.LOST_QUEUE] == 1
    assert seen.tally.line[1, LineCount.BACKLOG_MAX_NS] == 6


def test_they_take_tokens_of_the_policer() -> None:
    """No token ever comes back: the first of them takes 2 of 3 bytes, and 1 is left."""
    first_ns, second_ns = times(16.0)[:2]
    policer = Policer(rate_bps=1, burst_bytes=3)
    assert second_ns < 500
    sends = [Send(500, "0", "v", 2), Send(501, "0", "v", 1)]
    seen = run(pair(others(), direction(policer=policer)), [VIDEO], sends)
    assert seen.on(1) == [("0v0", Fate.LINE_POLICER, 500), ("0v1", Fate.ARRIVED, 502)]
    assert background_of(seen, 1) == (len(times(16.0)), 1)
    assert first_ns < second_ns


def test_they_take_no_draw_of_the_loss() -> None:
    """p = r = 1 loses every other packet of the meeting, however many others are between."""
    loss = Loss(p=1.0, r=1.0, bad=1.0, good=0.0)
    sends = [Send(at_ns, "0", "v", 1) for at_ns in range(10, LONG_NS, 50)]
    seen = run(pair(others(), direction(loss=loss)), [VIDEO], sends)
    fates = [fate for _, fate, _ in seen.on(1)]
    assert set(fates[::2]) | set(fates[1::2]) == {Fate.ARRIVED, Fate.LINE_LOSS}
    assert len(set(fates[::2])) == len(set(fates[1::2])) == 1
    assert background_of(seen, 1)[1] == len(times(16.0))


@pytest.mark.parametrize(("ours", "theirs"), [(0, 1), (1, 0)])
def test_they_have_a_class(ours: int, theirs: int) -> None:
    """v0 is being sent when one of them comes, then v1: who has the better class goes first."""
    first_ns = times(16.0)[0]
    assert times(16.0)[1] > first_ns + 9
    tree = pair(others(precedence=theirs), direction(scheduling="priority"))
    video = replace(VIDEO, precedence=ours)
    # Accepted in the order v0, v1, theirs: of one instant the meeting's come first.
    sends = [Send(first_ns, "0", "v", 4), Send(first_ns, "0", "v", 3)]
    seen = run(tree, [video], sends)
    last_ns = first_ns + (9 if theirs < ours else 7)
    assert seen.arrivals(1) == [("0v0", first_ns + 4), ("0v1", last_ns)]
    # Accepted in the order v0, theirs, v1.
    sends = [Send(first_ns, "0", "v", 4), Send(first_ns + 1, "0", "v", 3)]
    seen = run(tree, [video], sends)
    last_ns = first_ns + (9 if theirs < ours else 7)
    assert seen.arrivals(1) == [("0v0", first_ns + 4), ("0v1", last_ns)]


def test_a_line_that_is_down_kills_and_refuses_them() -> None:
    """Down from the last bit of the first until just after the second has come."""
    first_ns, second_ns = times(16.0)[:2]
    assert second_ns > first_ns + BYTES
    edits: list[Edit] = [
        FailLine(at_ns=first_ns + BYTES, target=1),
        RestoreLine(at_ns=second_ns + 1, target=1),
    ]
    number = len(times(16.0))
    seen = run(pair(others()), [VIDEO], [], edits)
    assert background_of(seen, 1) == (number, number - 2)
    assert seen.tally.line[1, LineCount.BUSY_NS] == BYTES * (number - 1)
    assert seen.tally.line[1, LineCount.LOST_OUTAGE] == 0


def test_a_dead_relay_kills_them_at_its_fault_and_does_not_keep_others_away() -> None:
    """The relay is never repaired; of those at its egress and its line one each is killed."""
    at_egress = times(16.0, "egress/0/")
    on_line = times(16.0)
    loaded = egress(buffer_bytes=1000, background=others())
    tree = pair(others())
    relay = replace(tree.relays[0], egresses=(loaded,))
    tree = replace(tree, relays=(relay,))
    at_ns = at_egress[0] + 1
    seen = run(tree, [VIDEO], [], [FailRelay(at_ns=at_ns, target=0)])
    killed = any(at < at_ns <= at + BYTES for at in on_line)
    assert background_of(seen, 1) == (len(on_line), len(on_line) - killed)
    count = seen.tally.egress[0]
    assert count[EgressCount.BACKGROUND_OFFERED] == len(at_egress)
    assert count[EgressCount.BACKGROUND_SENT] == len(at_egress) - 1


def test_others_at_an_egress_delay_copies_and_enter_no_line() -> None:
    """Two copies of 3 bytes behind 2 bytes of theirs, sent 1 ns before."""
    first_ns = times(16.0, "egress/0/")[0]
    loaded = egress(background=others())
    tree = scenario({**PAIR, "2": "0"}, egresses={"0": [loaded]}, duration_ns=first_ns + 10)
    seen = run(tree, [VIDEO], [Send(first_ns + 1, "0", "v", 3)])
    assert seen.arrivals(1) == [("0v0", first_ns + 8)]
    assert seen.arrivals(2) == [("0v0", first_ns + 11)]
    assert seen.tally.line[1, LineCount.OFFERED] == seen.tally.line[2, LineCount.OFFERED] == 1
    assert seen.tally.egress[0, EgressCount.OFFERED] == 2


def test_an_egress_without_interface_has_no_others() -> None:
    none = egress(rate_bps=0, background=others())
    seen = run(scenario(PAIR, egresses={"0": [none]}), [VIDEO], [Send(50, "0", "v", 3)])
    assert seen.arrivals(1) == [("0v0", 53)]
    assert seen.tally.egress[0, EgressCount.BACKGROUND_OFFERED] == 0


def test_others_on_the_way_up_have_their_own_draws() -> None:
    tree = scenario(
        PAIR,
        lines={"1": line(up=direction(background=others()))},
        duration_ns=LONG_NS,
    )
    seen = run(tree, [VIDEO], [])
    number = len(times(16.0, "line/1/up"))
    assert background_of(seen, seen.up(1)) == (number, number)
    assert background_of(seen, 1) == (0, 0)


# A quarter, twice as much in the hour after midnight, when the meeting begins.
HALF = steady(share=0.25, profile=(2.0, *EVERY_HOUR_ALIKE[1:]))


def test_steady_traffic_leaves_the_meeting_a_slower_line() -> None:
    """At half a byte per ns; of 6 bytes of memory 5 are taken."""
    slow: Direction = direction(buffer_bytes=6, background=HALF)
    tree = scenario(PAIR, lines={"1": line(slow, direction())})
    seen = run(tree, [VIDEO], [Send(0, "0", "v", 5), Send(0, "0", "v", 2), Send(0, "0", "v", 1)])
    assert seen.on(1) == [
        ("0v1", Fate.LINE_QUEUE, 0),
        ("0v0", Fate.ARRIVED, 10),
        ("0v2", Fate.ARRIVED, 12),
    ]
    assert background_of(seen, 1) == (0, 0)


def test_steady_traffic_leaves_copies_a_slower_egress() -> None:
    slow = egress(background=HALF)
    seen = run(scenario(PAIR, egresses={"0": [slow]}), [VIDEO], [Send(0, "0", "v", 3)])
    assert seen.arrivals(1) == [("0v0", 9)]
