"""Verdicts: met exactly when enough subjects keep the limit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sim.metrics.meters import Meters
from sim.metrics.verdict import judge
from tests.results.conftest import finish, requirement
from tests.results.meetings import MS, Meeting, S, scenario


def one(results, wanted):
    (verdict,) = judge([wanted], results.network, results.measures)
    return verdict


def test_met_is_a_matter_of_the_share(results):
    loss = np.sort(results.measures.endpoints.loss)
    limit = float((loss[6] + loss[7]) / 2)  # 7 of 10 rooms comply
    assert loss[6] < limit < loss[7]
    enough = one(results, requirement("rooms", "loss", 0.7, limit))
    assert (enough.met, enough.complying, enough.subjects) == (True, 7, 10)
    assert enough.value == loss[6]
    short = one(results, requirement("rooms", "loss", 0.71, limit))
    assert (short.met, short.complying) == (False, 7)
    assert short.value == loss[7]


def test_the_limit_itself_is_kept(results):
    worst = float(results.measures.endpoints.loss.max())
    assert one(results, requirement("rooms", "loss", 1.0, worst)).met
    assert not one(results, requirement("rooms", "loss", 1.0, np.nextafter(worst, 0))).met


def test_met_means_value_at_most_limit(results):
    for share in (0.1, 0.5, 0.9, 1.0):
        for limit in (0.1, 0.3, 0.35, 0.4, 0.6):
            verdict = one(results, requirement("rooms", "loss", share, limit))
            assert verdict.met == (verdict.value <= limit)


def test_the_worst_is_named(results):
    measures, network = results.measures, results.network
    verdict = one(results, requirement("rooms", "dark", 1.0, 2 * S))
    assert not verdict.met
    assert network.sites[verdict.worst.site].id in ("794", "79400", "79401")
    assert verdict.worst.value == measures.endpoints.dark_ns.max()
    verdict = one(results, requirement("lines", "utilisation", 1.0, 0.01))
    assert verdict.subjects == 13
    assert verdict.worst.value == measures.lines.busy.max()
    assert measures.lines.busy[verdict.worst.site] == measures.lines.busy.max()
    verdict = one(results, requirement("egresses", "utilisation", 1.0, 0.0001))
    assert verdict.subjects == 6  # one of seven is not shared
    assert verdict.worst.value == np.nanmax(measures.egresses.busy)


def test_a_room_that_received_nothing_keeps_no_delay():
    meeting = Meeting(scenario(), loss=0.0)
    meeting.dead_rooms = {meeting.network.index["76000"]}
    meters = Meters(meeting.scenario, meeting.network)
    meeting.send(0, 1000)
    meters.close_bin(10 * S, meeting.tally)
    measures = finish(meters, meeting)
    network = meeting.network
    (all_rooms,) = judge([requirement("rooms", "delay", 1.0, S)], network, measures)
    assert not all_rooms.met
    assert np.isnan(all_rooms.value)
    assert network.sites[all_rooms.worst.site].id == "76000"
    (most,) = judge([requirement("rooms", "delay", 0.9, S)], network, measures)
    assert most.met
    assert most.complying == 9


def test_a_meeting_without_packets_meets_what_it_can():
    meeting = Meeting(scenario())
    meters = Meters(meeting.scenario, meeting.network)
    meters.close_bin(10 * S, meeting.tally)
    measures = finish(meters, meeting)
    wanted = [
        requirement("rooms", "loss", 1.0, 0.01),
        requirement("rooms", "delay", 1.0, 150 * MS),
        requirement("rooms", "dark", 1.0, S),
    ]
    verdicts = judge(wanted, meeting.network, measures)
    assert [verdict.met for verdict in verdicts] == [True, True, False]


def test_the_percentile_asked_for_is_the_one_judged(results):
    delays = results.measures.endpoints.delays
    for percentile, measured in (
        (50.0, delays.p50_ns),
        (95.0, delays.p95_ns),
        (99.0, delays.p99_ns),
        (100.0, delays.max_ns),
    ):
        wanted = dataclasses.replace(requirement("rooms", "delay", 1.0, S), percentile=percentile)
        assert one(results, wanted).value == measured.max()
    wanted = dataclasses.replace(requirement("rooms", "delay", 1.0, S), percentile=42.0)
    with pytest.raises(ValueError, match="not 42"):
        one(results, wanted)
