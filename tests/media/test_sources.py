"""Sources: frames when they are due, packets whose sizes add up, time cut anywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.media.kernels.arrays import FIRST, KEY, LAST
from sim.media.packets import Packets
from sim.media.sources import Sources
from sim.scenario.model import Scenario, Stream, Turn
from tests.media import dull
from tests.media.dull import Packet
from tests.media.meeting import INDEX, SITES, STEADY, meeting

WHOLE = FIRST | LAST
WHOLE_KEY = KEY | WHOLE

sources = {
    "start_ns": st.integers(0, 20),
    "span_ns": st.integers(1, 30),
    "frames_per_span": st.integers(1, 5),
    "frame_bytes": st.integers(1, 40),
    "key_bytes": st.integers(1, 90),
    "key_every": st.integers(0, 4),
    "size_scale": st.sampled_from([0.0, 0.15, 2.0]),
    "packet_bytes": st.integers(1, 20),
    "overhead_bytes": st.integers(0, 5),
    "pace_bps": st.sampled_from([0, 8 * 10**9, 10**9, 3 * 10**9]),
    "id": st.just("s"),
    "to": st.just(""),
    "composite": st.just(False),
    "meeting": st.just(""),
    "precedence": st.just(0),
    "playout_ns": st.just(0),
    "spread_ns": st.integers(0, 30),
}
streams = st.builds(
    Stream,
    direction=st.sampled_from(["down", "up"]),
    origins=st.lists(st.sampled_from(sorted(SITES)), unique=True, min_size=1).map(
        lambda sites: tuple(sorted(sites))
    ),
    **sources,
)
streams |= st.builds(
    Stream,
    direction=st.just("up"),
    origins=st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")]),
    **(sources | {"composite": st.just(True)}),
)
streams |= st.builds(
    Stream,
    direction=st.just("floor"),
    origins=st.just(()),
    **(sources | {"start_ns": st.just(0), "spread_ns": st.just(0)}),
)
# Turns may touch, and one site may have two of them in a row.
turns = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 60), st.sampled_from(SITES[1:])), max_size=4
)


@st.composite
def meetings(draw: st.DrawFn) -> Scenario:
    """A few streams of any direction, and an agenda."""
    drawn = draw(st.lists(streams, max_size=3))
    named = [replace(stream, id=str(number)) for number, stream in enumerate(drawn)]
    agenda, now_ns = [], 0
    for pause_ns, length_ns, site in draw(turns):
        at_ns = now_ns + pause_ns
        now_ns = at_ns + length_ns
        agenda.append(Turn(at_ns=at_ns, until_ns=now_ns, site=site))
    return meeting(named, seed=draw(st.integers(0, 99)), agenda=agenda)


def by_site(parts: Iterable[Packets]) -> dict[str, list[Packet]]:
    """Return the packets of each site over consecutive spans."""
    packets: dict[str, list[Packet]] = {site: [] for site in SITES}
    number = 0
    for part in parts:
        assert part.first == number
        number += len(part)
        assert part.origin_first.tolist()[:: len(SITES)] == [0, len(part)]
        columns = (
            part.sent_ns,
            part.stream,
            part.sequence,
            part.size_bytes,
            part.turn,
            part.part,
        )
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        for site, first, end in zip(SITES, part.origin_first, part.origin_first[1:], strict=False):
            packets[site] += rows[first:end]
    return packets


def emitted(scenario: Scenario, ends_ns: list[int], threads: int = 1) -> dict[str, list[Packet]]:
    """Return what a meeting's sources emit over spans that end at `ends_ns`."""
    found = Sources(scenario, INDEX, threads=threads)
    return by_site(found.emit(end_ns).written() for end_ns in ends_ns)


def of_root(streams: list[Stream], end_ns: int, seed: int = 1) -> Packets:
    """Return what the root alone sends."""
    return Sources(meeting(streams, seed=seed), INDEX).emit(end_ns).written()


@given(scenario=meetings(), end_ns=st.integers(0, 200))
def test_sources_equal_the_dull_formulation(scenario: Scenario, end_ns: int) -> None:
    assert emitted(scenario, [end_ns]) == dull.sent(scenario, end_ns)


def test_a_composite_leaves_later_by_its_relays_transcoding() -> None:
    mixed = replace(STEADY, direction="up", origins=("a", "c"), to="parent", composite=True)
    found = emitted(meeting([mixed], seed=1), [10])
    assert [packet[0] for packet in found["a"]] == [0] * 17
    assert not found["c"]
    assert emitted(meeting([mixed], seed=1), [14])["c"][0][0] == 13


@given(scenario=meetings(), cuts=st.lists(st.integers(0, 200), max_size=6))
def test_cutting_time_changes_no_packet(scenario: Scenario, cuts: list[int]) -> None:
    assert emitted(scenario, [*sorted(cuts), 200]) == emitted(scenario, [200])


@given(scenario=meetings(), threads=st.integers(2, 5))
def test_threads_change_no_packet(scenario: Scenario, threads: int) -> None:
    assert emitted(scenario, [70, 200], threads=threads) == emitted(scenario, [70, 200])


@given(scenario=meetings())
def test_a_plan_that_has_to_grow_changes_no_packet(scenario: Scenario) -> None:
    roomy = emitted(scenario, [70, 200])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.media.sources.FEW_BURSTS", 1)
        assert emitted(scenario, [70, 200]) == roomy


def test_odd_rates_do_not_overflow() -> None:
    """1,234,567 bit/s in packets of 999 bytes: a span of 7,992 s, and a product beyond 2**63."""
    stream = replace(
        STEADY,
        start_ns=5,
        span_ns=7_992 * 10**9,
        frames_per_span=1_234_567,
        key_every=0,
        packet_bytes=STEADY.frame_bytes,
    )
    days_ns = 2 * 86400 * 10**9
    sent_ns = of_root([stream], days_ns).sent_ns.tolist()
    for k in (0, 1, 10**6, 10**7 + 3, len(sent_ns) - 1):
        assert sent_ns[k] == 5 + round(Fraction(k * stream.span_ns, stream.frames_per_span))
    assert 5 + Fraction(len(sent_ns) * stream.span_ns, stream.frames_per_span) >= days_ns


def test_frames_are_due_to_the_nearest_ns() -> None:
    stream = replace(STEADY, span_ns=10, frames_per_span=4, packet_bytes=20000)
    # 2.5 and 7.5 are halves, which round up.
    due_ns = [0, 3, 5, 8, 10, 13]
    assert of_root([stream], 15).sent_ns.tolist() == due_ns
    for end_ns in range(15):
        sent_ns = of_root([stream], end_ns).sent_ns.tolist()
        assert sent_ns == [at_ns for at_ns in due_ns if at_ns < end_ns]


def test_rooms_are_not_in_step_and_the_root_starts_at_once() -> None:
    stream = replace(STEADY, origins=SITES, spread_ns=10**9)
    first_ns = [own[0][0] for own in emitted(meeting([stream], seed=1), [2 * 10**9]).values()]
    assert first_ns[0] == 0
    assert len(set(first_ns)) == len(SITES)


def test_a_turn_begins_with_a_key_frame_and_goes_on_counting() -> None:
    """b, a, and b again: each turn is a key frame and one ordinary frame of one packet each."""
    stream = replace(
        STEADY,
        direction="floor",
        origins=(),
        frames_per_span=10**9,
        key_every=5,
        packet_bytes=20000,
    )
    agenda = [
        Turn(at_ns=at_ns, until_ns=at_ns + 2, site=site)
        for at_ns, site in ((0, "b"), (2, "a"), (7, "b"))
    ]
    found = emitted(meeting([stream], seed=1, agenda=agenda), [1, 100])
    assert found["b"] == [
        (0, 0, 0, 19290, 0, WHOLE_KEY),
        (1, 0, 1, 8040, -1, WHOLE),
        (7, 0, 2, 19290, 2, WHOLE_KEY),
        (8, 0, 3, 8040, -1, WHOLE),
    ]
    assert found["a"] == [(2, 0, 0, 19290, 1, WHOLE_KEY), (3, 0, 1, 8040, -1, WHOLE)]


@pytest.mark.parametrize("scale", [0.0, 0.15])
def test_mean_rate_is_what_is_sent(scale: float) -> None:
    """Over many frames the bit rate is the stated mean; would notice 1 % more."""
    stream = replace(STEADY, size_scale=scale)
    duration_ns, rates = 60 * 10**9, []
    for seed in range(8):
        packets = of_root([stream], duration_ns, seed)
        rates.append(float(packets.size_bytes.sum()) * 8e9 / duration_ns)
    # Overhead per varying frame is approximated by that of the mean frame: 0.1 % here.
    half_width = 4 * np.std(rates, ddof=1) / math.sqrt(len(rates)) + 0.001 * np.mean(rates)
    assert abs(np.mean(rates) - float(stream.wire_bps)) < half_width
    assert half_width < 0.01 * np.mean(rates)


def test_sizes_vary_as_published() -> None:
    """Laplace of scale b: standard deviation b * sqrt(2) of the mean; would notice 5 % more.

    One packet per frame, so that a packet's size is its frame's.
    """
    scale, mean = 0.15, 100_000
    stream = replace(
        STEADY, size_scale=scale, key_every=0, frame_bytes=mean, packet_bytes=10 * mean
    )
    sizes = of_root([stream], 1800 * 10**9).size_bytes - stream.overhead_bytes
    deviation = float(np.std(sizes / mean))
    expected = scale * math.sqrt(2)
    # Var(s) = (kurtosis - 1) / 4n * variance, and a Laplace variate's kurtosis is 6.
    half_width = 4 * expected * math.sqrt(5 / 4 / sizes.size)
    assert abs(deviation - expected) < half_width
    assert abs(deviation - 1.05 * expected) > half_width


def test_sizes_depend_on_their_own_stream_and_origin_only() -> None:
    noisy = replace(STEADY, size_scale=0.15, origins=("b",), direction="up")
    alone = emitted(meeting([noisy], seed=1), [10**9])["b"]
    others = [replace(noisy, origins=("a", "b")), replace(noisy, id="z", origins=("b",))]
    both = emitted(meeting(others, seed=1), [10**9])
    assert [packet for packet in both["b"] if packet[1] == 0] == alone
    sizes = [packet[3] for packet in alone]
    assert [packet[3] for packet in both["a"]] != sizes
    assert [packet[3] for packet in both["b"] if packet[1] == 1] != sizes
