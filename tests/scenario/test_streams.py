"""Streams: rates, intervals and key frames as bytes per frame."""

from __future__ import annotations

import pytest

from tests.scenario.files import small


def stream(text: str):
    scenario = small(("video: {rate: 2 Mbit/s, frames: 30/s}", f"video: {{{text}}}"))
    return scenario.streams[0]


def test_mean_frames_come_from_the_rate():
    video = stream("rate: 2 Mbit/s, frames: 30/s")
    assert (video.span_ns, video.frames_per_span) == (10**9, 30)
    assert video.frame_bytes == video.key_bytes == 8333
    assert (video.key_every, video.pace_bps, video.size_scale) == (0, 0, 0.0)
    assert (video.packet_bytes, video.overhead_bytes, video.origin) == (1200, 40, "central")


def test_key_frames_leave_the_mean_rate_as_it_is():
    video = stream("rate: 2 Mbit/s, frames: 30/s, key: {every: 2 s, size: × 2.31}")
    assert video.key_every == 60
    assert video.key_bytes == 19_250
    assert video.frame_bytes == 8148
    bits_per_s = (video.key_bytes + 59 * video.frame_bytes) * 8 / 2
    assert bits_per_s == pytest.approx(2e6, rel=1e-3)


def test_a_key_frame_may_be_given_in_bytes():
    video = stream("rate: 2 Mbit/s, frames: 30/s, key: {every: 30 frames, size: 93760 B}")
    assert video.key_bytes == 93_760
    assert video.frame_bytes == round((250_000 - 93_760) / 29)


def test_a_frame_in_bytes_is_an_ordinary_one():
    video = stream("frame: 150 kB, every: 40 s, key: {every: 80 s, size: 200 kB}, start: 5 s")
    assert (video.frame_bytes, video.key_bytes, video.key_every) == (150_000, 200_000, 2)
    assert (video.span_ns, video.frames_per_span, video.start_ns) == (40 * 10**9, 1, 5 * 10**9)


def test_without_frames_a_packet_leaves_at_a_time():
    steady = stream("rate: 1 Mbit/s, packet: 1202 B")
    assert steady.frame_bytes == 1202
    assert steady.span_ns * 10**6 == 1202 * 8 * 10**9 * steady.frames_per_span


def test_decimal_frame_rates_are_exact():
    film = stream("rate: 1 Mbit/s, frames: 29.97/s")
    assert (film.span_ns, film.frames_per_span) == (100 * 10**9, 2997)


@pytest.mark.parametrize(
    ("text", "scale"), [("constant", 0), ("rfc8593", 0.15), ("laplace 0.3", 0.3)]
)
def test_sizes_vary_as_named(text, scale):
    assert stream(f"rate: 1 Mbit/s, frames: 30/s, sizes: {text}").size_scale == scale


def test_pacing_is_relative_to_the_rate_with_overhead():
    # 100 B every 20 ms in one packet of 140 B are 56 kbit/s.
    voice = stream("rate: 40 kbit/s, every: 20 ms, pacing: × 2.5")
    assert voice.frame_bytes == 100
    assert voice.pace_bps == 140_000


def test_the_origin_may_be_named_by_tier_or_id():
    assert stream("from: central, rate: 1 Mbit/s").origin == "central"
