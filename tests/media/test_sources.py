"""Sources: frames when they are due, packets whose sizes add up, time cut anywhere."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.media.packets import Packets, join
from sim.media.sources import Sources, frame_ns
from sim.scenario.model import Stream
from tests.media.meeting import STEADY, meeting

streams = st.builds(
    Stream,
    id=st.just("s"),
    origin=st.just("root"),
    start_ns=st.integers(0, 20),
    span_ns=st.integers(1, 30),
    frames_per_span=st.integers(1, 5),
    frame_bytes=st.integers(1, 40),
    key_bytes=st.integers(1, 90),
    key_every=st.integers(0, 4),
    size_scale=st.sampled_from([0.0, 0.15, 2.0]),
    packet_bytes=st.integers(1, 20),
    overhead_bytes=st.integers(0, 5),
    pace_bps=st.sampled_from([0, 8 * 10**9, 10**9, 3 * 10**9]),
)


def emitted(streams: list[Stream], ends_ns: list[int], seed: int = 1) -> Packets:
    """Return what a meeting's sources emit over spans that end at `ends_ns`."""
    sources = Sources(meeting(streams, seed=seed))
    return join([sources.emit(end_ns) for end_ns in ends_ns])


@given(
    drawn=st.lists(streams, max_size=3),
    cuts=st.lists(st.integers(0, 200), max_size=6),
    seed=st.integers(0, 99),
)
def test_cutting_time_changes_no_packet(drawn: list[Stream], cuts: list[int], seed: int) -> None:
    named = [replace(stream, id=str(number)) for number, stream in enumerate(drawn)]
    whole, cut = emitted(named, [200], seed), emitted(named, [*sorted(cuts), 200], seed)
    for column in ("sent_ns", "size_bytes", "stream", "sequence"):
        np.testing.assert_array_equal(getattr(whole, column), getattr(cut, column))
    order = list(zip(whole.sent_ns, whole.stream, whole.sequence, strict=True))
    assert order == sorted(order)


@given(stream=streams)
def test_frames_are_due_and_cut_as_stated(stream: Stream) -> None:
    stream = replace(stream, size_scale=0.0, pace_bps=0)
    packets = emitted([stream], [100])
    expected: list[tuple[int, int]] = []
    k = 0
    while True:
        # Half up, in rational arithmetic: 2 * (k * span / frames) + 1, halved.
        due_ns = stream.start_ns + math.floor(
            (2 * k * stream.span_ns + stream.frames_per_span) / (2 * stream.frames_per_span)
        )
        if due_ns >= 100:
            break
        key = stream.key_every and k % stream.key_every == 0
        left = stream.key_bytes if key else stream.frame_bytes
        while left > 0:
            piece = min(left, stream.packet_bytes)
            expected.append((due_ns, piece + stream.overhead_bytes))
            left -= piece
        k += 1
    assert list(zip(packets.sent_ns, packets.size_bytes, strict=True)) == expected


def test_odd_rates_do_not_overflow() -> None:
    """1,234,567 bit/s in packets of 999 bytes: a span of 7,992 s, and a product beyond 2**63."""
    stream = replace(STEADY, span_ns=7_992 * 10**9, frames_per_span=1_234_567, key_every=0)
    k = np.array([0, 1, 10**6, 10**7 + 3])
    exact = [round(Fraction(int(i) * stream.span_ns, stream.frames_per_span)) for i in k]
    assert frame_ns(stream, k).tolist() == exact


@given(stream=streams)
def test_pacer_is_a_queue_at_its_rate(stream: Stream) -> None:
    stream = replace(stream, pace_bps=10**9)
    burst, paced = emitted([replace(stream, pace_bps=0)], [100]), emitted([stream], [100])
    free_ns, expected = 0, []
    for due_ns, size_bytes in zip(burst.sent_ns.tolist(), burst.size_bytes.tolist(), strict=True):
        sent_ns = max(due_ns, free_ns)
        free_ns = sent_ns + 8 * size_bytes  # 1 Gbit/s
        expected.append(sent_ns)
    assert paced.sent_ns.tolist() == [sent_ns for sent_ns in expected if sent_ns < 100]


@pytest.mark.parametrize("scale", [0.0, 0.15])
def test_mean_rate_is_what_is_sent(scale: float) -> None:
    """Over many frames the bit rate is the stated mean; would notice 1 % more."""
    stream = replace(STEADY, size_scale=scale)
    duration_ns, rates = 60 * 10**9, []
    for seed in range(8):
        packets = emitted([stream], [duration_ns], seed)
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
    sizes = emitted([stream], [1800 * 10**9]).size_bytes - stream.overhead_bytes
    deviation = float(np.std(sizes / mean))
    expected = scale * math.sqrt(2)
    # Var(s) = (kurtosis - 1) / 4n * variance, and a Laplace variate's kurtosis is 6.
    half_width = 4 * expected * math.sqrt(5 / 4 / sizes.size)
    assert abs(deviation - expected) < half_width
    assert abs(deviation - 1.05 * expected) > half_width


def test_sizes_depend_on_their_own_stream_only() -> None:
    noisy = replace(STEADY, size_scale=0.15)
    alone = emitted([noisy], [10**9])
    both = emitted([noisy, replace(noisy, id="z")], [10**9])
    np.testing.assert_array_equal(alone.size_bytes, both.size_bytes[both.stream == 0])
    assert not np.array_equal(alone.size_bytes, both.size_bytes[both.stream == 1])
