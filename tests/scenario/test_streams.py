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
    assert (video.packet_bytes, video.overhead_bytes) == (1200, 40)


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


def way(text: str, extra: str = ""):
    found = small(
        ("video: {rate: 2 Mbit/s, frames: 30/s}", f"video: {{rate: 1 Mbit/s, {text}}}"),
        append=extra,
    ).streams[0]
    return found.direction, found.origins, found.to


ROOMS = ("26734", "26737", "27688")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("packet: 1 kB", ("down", ("central",), "")),
        ("from: central", ("down", ("central",), "")),
        ("from: central, to: rooms", ("down", ("central",), "")),
        ("from: province", ("down", ("79", "80"), "")),
        ('from: "80"', ("down", ("80",), "")),
        ("from: rooms, to: parent", ("up", ROOMS, "parent")),
        ("from: rooms, to: central", ("up", ROOMS, "central")),
        ("from: province, to: parent", ("up", ("79", "80"), "parent")),
        ("from: province, to: central", ("up", ("79", "80"), "central")),
        ('from: "26737", to: province', ("up", ("26737",), "province")),
    ],
)
def test_where_a_stream_goes_follows_from_its_two_ends(text, expected):
    assert way(text) == expected


def test_relay_sites_with_a_room_send_like_rooms_where_the_end_is_above_them():
    with_room = ("  table: |", "  rooms: [province]\n  table: |")
    video = "video: {rate: 2 Mbit/s, frames: 30/s}"
    for to, origins in {
        "central": ("26734", "26737", "27688", "79", "80"),
        "province": ROOMS,
    }.items():
        scenario = small(with_room, (video, f"video: {{from: rooms, to: {to}, rate: 1 Mbit/s}}"))
        assert scenario.streams[0].origins == origins


@pytest.mark.parametrize(
    ("text", "spread_ns"),
    [
        ("", 0),
        ("from: province", 33_333_333),
        ("from: province, key: {every: 2 s, size: 9 kB}", 2 * 10**9),
        ("from: province, spread: 5 ms", 5_000_000),
        ('from: "79"', 0),
        ('from: "79", spread: 5 ms', 5_000_000),
    ],
)
def test_sources_are_spread_over_a_key_frame_or_a_frame(text, spread_ns):
    assert stream(f"rate: 2 Mbit/s, frames: 30/s, {text}").spread_ns == spread_ns


def test_a_stream_has_a_class_a_play_out_delay_and_a_meeting():
    classes = ("sites:", "classes: [audio, video]\nsites:")
    video = "video: {rate: 2 Mbit/s, frames: 30/s}"
    plain = small(classes).streams[0]
    assert (plain.precedence, plain.playout_ns, plain.meeting) == (1, 0, "")
    text = "video: {rate: 2 Mbit/s, frames: 30/s, class: audio, playout: 200 ms, meeting: other}"
    other = small(classes, (video, text)).streams[0]
    assert (other.precedence, other.playout_ns, other.meeting) == (0, 200 * 10**6, "other")
