"""Opinion scores of rooms: from what a room missed, in how long runs, and how late it was."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sim.metrics.measures import Quality
from sim.metrics.opinion import video_quality, voice_mos, worst_of
from sim.quality.codecs import CODECS
from sim.quality.emodel import meeting_mos
from sim.quality.video import H264_VGA, video_indicator
from sim.results.quality_figures import quality_figures

MS = 10**6


@pytest.fixture
def voice(talk_results):
    """A voice of a packet every 20 ms, played after 60 ms."""
    stream = talk_results.scenario.streams[0]
    return dataclasses.replace(
        stream, codec="opus", span_ns=20 * MS, frames_per_span=1, playout_ns=60 * MS
    )


def quality(received, delay_ms):
    known = np.where(np.array(received) > 0, np.array(delay_ms) * MS, np.nan)
    unknown = np.full(len(received), np.nan)
    return Quality(
        received=np.array(received),
        delay_mean_ns=known,
        delay_max_ns=known,
        jitter_max_ns=unknown,
        freezes=unknown,
        frozen_ns=unknown,
    )


def test_a_voice_is_rated_from_loss_runs_and_delay(voice):
    received, missing, runs = [1000, 990, 990, 0], [0, 10, 10, 0], [0, 10, 2, 0]
    mos = voice_mos(voice, quality(received, [20, 20, 20, 0]), np.array(runs), np.array(missing))
    late = voice_mos(voice, quality([1000], [320]), np.array([0]), np.array([0]))
    # By hand: 1 % lost; alone, a run is 1 packet, 0.99 of what chance makes; in twos fives.
    mouth_to_ear_ns = [100e6, 100e6, 100e6, 400e6]
    ratio = [1, 0.99, 5 * 0.99, 1]
    expected = meeting_mos([0, 0.01, 0.01, 0], ratio, mouth_to_ear_ns, codec=CODECS["opus"])
    np.testing.assert_allclose([*mos[:3], *late], expected)
    assert np.isnan(mos[3]), "who hears nothing has no opinion"
    assert mos[0] > mos[1] > mos[2] > late[0]


def test_a_video_is_rated_by_what_it_missed(voice):
    video = dataclasses.replace(
        voice, codec="h264", span_ns=10**9, frames_per_span=25, frame_bytes=5000, key_every=0
    )
    indicator = video_quality(video, quality([100, 99, 0], [9, 9, 0]), np.array([0, 1, 0]))
    expected = video_indicator(1_000_000, 25, [0, 0.01], coefficients=H264_VGA)
    np.testing.assert_allclose(indicator[:2], expected)
    assert np.isnan(indicator[2])


def test_a_room_has_the_score_of_its_worst_stream():
    site, rated = np.array([3, 5, 8]), np.array([3, 3, 3, 8])
    scores = np.array([4.0, 3.0, np.nan, np.nan])
    np.testing.assert_array_equal(worst_of(site, rated, scores), [3.0, np.nan, np.nan])


def test_a_group_has_what_half_and_most_of_its_rooms_reach(talk_results):
    rooms = talk_results.measures.endpoints
    mos = np.linspace(4, 2, rooms.site.size)
    mos[-1] = np.nan
    measures = dataclasses.replace(
        talk_results.measures, endpoints=dataclasses.replace(rooms, mos=mos)
    )
    everyone, *groups = quality_figures(dataclasses.replace(talk_results, measures=measures))
    known = np.sort(mos[:-1])[::-1]
    assert everyone.mos.rated == known.size == everyone.rooms - 1
    assert everyone.mos.p50 == known[int(np.ceil(known.size / 2)) - 1]
    assert everyone.mos.p5 == known[int(np.ceil(0.95 * known.size)) - 1]
    assert everyone.mos.least == known[-1]
    assert np.isnan(everyone.video_quality.p50)
    tiers = [each for each in groups if each.kind == "tier"]
    branches = [each for each in groups if each.kind not in ("all", "tier")]
    assert sum(each.rooms for each in tiers) == everyone.rooms
    assert sum(each.rooms for each in branches) <= everyone.rooms
    assert everyone.freezes == sum(each.freezes for each in tiers)
    network = talk_results.network
    for each in branches:
        s = network.index[each.id]
        under = (rooms.site >= s) & (rooms.site < network.end[s])
        np.testing.assert_equal(each.mos.least, np.nanmin(mos[under]))
