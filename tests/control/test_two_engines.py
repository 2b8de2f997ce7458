"""A meeting with joining, faults, failovers and key frames on request, on both engines."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sim.control.journal import Event
from sim.metrics.measures import Course
from sim.scenario.loader import load_text
from sim.simulation import simulate
from tests.scenario.files import ROOT

TINY = ROOT / "scenarios" / "tiny.yaml"
BACKUP = "{to: province, carrier: vnpt, rate: 10 Mbit/s, buffer: 50 packets, delay: 6 ms}"
STORM = """
joining: {start: 2 s, arrive: {from: 2 s, shape: uniform}}
signalling: {servers: {central: {rate: 20/s, workers: 1, queue: 3}}, retry: {first: 200 ms}}
detection:
  district: {bfd: {interval: 100 ms, multiplier: 3}}
  commune: {silence: 500 ms}
failover:
  district: {hold_down: 100 ms, revert: after 1 s}
  commune: {hold_down: 0 s, revert: never}
key_requests: {min_interval: 500 ms}
"""


def storm():
    text = TINY.read_text(encoding="utf-8")
    for old, new in (
        ("fail: relay/district-2, for: 4 s", "fail: relay/province-1, for: 2 s"),
        ("at: 8 s", "at: 3 s"),
        ("buffer: 50 ms, delay: 2 ms}", "buffer: 50 ms, delay: 2 ms, backup: {to: central}}"),
        ("  commune:\n", f"  commune:\n    backup: {BACKUP}\n"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return load_text(text + STORM, TINY, duration_ns=7 * 10**9)


@pytest.mark.parametrize("after_loss", [False, True])
def test_both_engines_tell_of_the_same_meeting(after_loss):
    scenario = storm()
    rules = dataclasses.replace(scenario.key_requests, after_loss=after_loss)
    scenario = dataclasses.replace(scenario, key_requests=rules)
    packet, reference = (simulate(scenario, engine=each) for each in ("packet", "reference"))
    assert packet.journal == reference.journal
    events = {entry.event for entry in packet.journal}
    assert events >= {Event.JOINED, Event.NOTICED, Event.MOVED, Event.REVERTED, Event.KEY_MADE}
    asked = [entry for entry in packet.journal if entry.event is Event.KEY_ASKED]
    at_ends = [entry for entry in asked if entry.at_ns % scenario.window_ns == 0]
    assert bool(at_ends) == after_loss
    for name in ("received", "due", "lost", "dark_ns", "duplicates"):
        ours, theirs = (getattr(run.measures.endpoints, name) for run in (packet, reference))
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
    for name in ("site", "from_ns", "until_ns"):
        ours, theirs = (getattr(run.measures.dark, name) for run in (packet, reference))
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
    assert packet.measures.dark.site.size > 0
    assert packet.measures.packet_hops == reference.measures.packet_hops


def test_the_course_counts_the_rooms_that_are_dark():
    """Those that wait for a key frame, too, and none that is not there."""
    scenario = dataclasses.replace(storm(), bin_ns=50 * 10**6)
    seen = []
    met = np.zeros(3, dtype=np.int64)
    results = simulate(scenario, watch=seen.append)
    course, dark = results.measures.timeline, results.measures.dark
    joined_ns = results.joins.joined_ns[dark.site]
    of_all = course.counts[:, 0, Course.ROOMS_DARK]
    told = {progress.now_ns: progress.rooms_dark for progress in seen}
    for end_ns, count in zip(course.end_ns.tolist(), of_all.tolist(), strict=True):
        known = (end_ns - dark.from_ns > scenario.dark_after_ns) | (dark.from_ns == joined_ns)
        now = (dark.from_ns < end_ns) & (end_ns <= dark.until_ns) & known
        if end_ns <= scenario.duration_ns:
            assert count == now.sum() == told[end_ns]
            came = now & (dark.from_ns == joined_ns)
            absent = (results.joins.joined_ns < 0) | (results.joins.joined_ns > end_ns)
            met += count > 0, came.any(), (absent & results.network.room).any()
    assert met.all()


def test_without_faults_and_joining_nothing_is_told():
    plain = load_text(TINY.read_text(encoding="utf-8"), TINY, duration_ns=10**9)
    assert simulate(plain).journal == ()
