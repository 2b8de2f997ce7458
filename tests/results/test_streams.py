"""Streams, turns and steady background measured, where one can work them out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sim.dataplane.tally import LineCount, StreamCount, TurnCount
from sim.metrics.due import Due
from sim.metrics.measures import DarkIntervals
from sim.metrics.meters import Meters
from sim.metrics.steady import BusyMeter, Steady
from sim.metrics.streams import listeners
from sim.metrics.turns import turns
from sim.metrics.verdict import judge
from sim.network.ways import ends
from sim.scenario.model import HOUR_NS, HOURS
from tests.results.conftest import finish, requirement
from tests.results.meetings import CAM, MS, SPEAK, STEADY, VIDEO, VOICE, Meeting, S, scenario, talk


def row_of(listeners, site, stream):
    (row,) = np.flatnonzero((listeners.site == site) & (listeners.stream == stream))
    return row


@pytest.fixture
def meeting():
    return Meeting(talk(), loss=0.0)


def test_a_speaker_is_due_to_all_but_itself(meeting):
    network = meeting.network
    for origin in ("76001", "76001", "794"):
        meeting.send(0, 900, stream=SPEAK, origin=network.index[origin])
    meeting.send(0, 900, stream=VIDEO)
    meters = Meters(meeting.scenario, network)
    meters.close_bin(10 * S, meeting.tally)
    measures = finish(meters, meeting)
    due = dict(zip(measures.endpoints.site.tolist(), measures.endpoints.due.tolist(), strict=True))
    assert due.pop(network.index["76001"]) == 1 + 1
    assert due.pop(network.index["794"]) == 2 + 1
    assert set(due.values()) == {3 + 1}
    heard = measures.listeners
    assert heard.due[row_of(heard, network.index["76001"], SPEAK)] == 1
    assert heard.due[row_of(heard, network.index["76000"], SPEAK)] == 3
    assert not (heard.stream == CAM).any()
    assert (measures.endpoints.loss == 0).all()


def test_what_a_speaker_loses_going_up_is_lost_to_all_but_the_speaker(meeting):
    network = meeting.network
    speaker = network.index["76001"]
    meeting.dead_lines = {network.index["760"]}
    meeting.send(0, 900, stream=SPEAK, origin=speaker)
    meters = Meters(meeting.scenario, network)
    meters.close_bin(10 * S, meeting.tally)
    measures = finish(meters, meeting)
    rooms = measures.endpoints
    others = rooms.site != speaker
    district = network.tiers.index("district")
    assert (rooms.lost[others, 0, district] == 1).all()
    assert rooms.lost.sum() == others.sum() == 9
    assert rooms.due[~others].tolist() == rooms.received[~others].tolist() == [0]
    assert np.isnan(rooms.loss[~others]).all()
    assert measures.sources.lost.sum() == 1
    everyone, _, _, communes, _, _ = measures.timeline.counts[0]
    assert everyone[:7].tolist() == [9, 0, 9, 0, 0, 0, 0]
    assert communes[:3].tolist() == [7, 0, 7]


def test_what_comes_back_to_the_speaker_and_is_lost_is_no_loss_to_it(meeting):
    network = meeting.network
    speaker, district = network.index["76001"], network.index["760"]
    meeting.send(0, 900, stream=SPEAK, origin=speaker)
    tally = meeting.tally
    assert tally.line[district, LineCount.DELIVERED] == 1
    # As if the district's line had lost it on its way down.
    tally.line[district, [LineCount.DELIVERED, LineCount.LOST_LINE]] += (-1, 1)
    tally.own_lost[speaker, 3, network.tier[district]] += 1
    meters = Meters(meeting.scenario, network)
    due = Due(meeting.scenario, network).by_stream(tally)
    heard = listeners(meeting.scenario, network, tally, due)
    none = np.empty(0, dtype=np.int64)
    dark = DarkIntervals(site=none, from_ns=none, until_ns=none)
    rooms = meters._endpoints(tally, heard, dark)
    lost = dict(zip(rooms.site.tolist(), rooms.lost[:, 3].sum(axis=1).tolist(), strict=True))
    assert lost.pop(speaker) == 0
    assert {s for s, packets in lost.items() if packets} == {district + 1, district + 3}


def test_a_stream_from_a_province_is_due_below_it_alone():
    wanted = talk()
    province = dataclasses.replace(wanted.streams[VIDEO], origins=("79", "vn"))
    streams = (*wanted.streams[:VIDEO], province, *wanted.streams[VIDEO + 1 :])
    meeting = Meeting(dataclasses.replace(wanted, streams=streams), loss=0.0)
    network = meeting.network
    for origin, packets in (("79", 3), ("vn", 2)):
        for i in range(packets):
            meeting.send(i, 900, stream=VIDEO, origin=network.index[origin])
    meters = Meters(meeting.scenario, network)
    meters.close_bin(10 * S, meeting.tally)
    measures = finish(meters, meeting)
    rooms = measures.endpoints
    due = dict(zip((network.sites[s].id for s in rooms.site), rooms.due.tolist(), strict=True))
    assert due["79"] == due["794"] == due["79401"] == 2
    assert due["76000"] == due["76902"] == 5
    everyone, *_, first_province, second_province = measures.timeline.counts[0, :, 0].tolist()
    assert (everyone, first_province, second_province) == (38, 32, 6)


def test_too_little_to_say_is_unknown(meeting):
    network = meeting.network
    meeting.dead_rooms = {network.index["76000"]}
    meeting.send(0, 900, stream=VIDEO)
    meeting.send(0, 900, stream=VOICE)
    meeting.send(S, 900, stream=VOICE)
    meters = Meters(meeting.scenario, network)
    meters.close_bin(10 * S, meeting.tally)
    heard = finish(meters, meeting).listeners
    dead, alive = network.index["76000"], network.index["76001"]
    quality = heard.quality
    nothing = row_of(heard, dead, VIDEO)
    once, twice = row_of(heard, alive, VIDEO), row_of(heard, alive, VOICE)
    for values in (quality.delay_mean_ns, quality.jitter_max_ns, quality.freezes):
        assert np.isnan(values[nothing])
    assert np.isnan(quality.jitter_max_ns[once])
    assert (quality.freezes[once], quality.frozen_ns[once]) == (0, 0)
    assert quality.jitter_max_ns[twice] > 0
    assert np.isnan(quality.freezes[twice]), "voice has no play-out delay"
    assert heard.loss[nothing] == 1
    assert np.isnan(heard.loss[row_of(heard, alive, SPEAK)]), "nobody spoke"


def test_jitter_is_a_sixteenth_of_the_count_and_freezes_the_count(meeting):
    network = meeting.network
    for i in range(5):
        meeting.send(i * S // 2, 900, stream=VIDEO)
    s = network.index["79401"]
    meters = Meters(meeting.scenario, network)
    meters.close_bin(10 * S, meeting.tally)
    heard = finish(meters, meeting).listeners
    row, counts = row_of(heard, s, VIDEO), meeting.tally.stream[s, VIDEO]
    assert heard.quality.jitter_max_ns[row] == counts[StreamCount.JITTER_MAX_16NS] / 16 > 0
    assert heard.quality.freezes[row] == 4
    assert heard.quality.frozen_ns[row] == counts[StreamCount.FROZEN_NS] > 4 * 390 * MS


@pytest.mark.parametrize("measure", ["jitter", "freezes"])
def test_a_rooms_jitter_and_freezes_are_those_of_its_worst_stream(talk_results, measure):
    measures, network = talk_results.measures, talk_results.network
    heard = measures.listeners
    values = {
        "jitter": heard.quality.jitter_max_ns,
        "freezes": np.nan_to_num(heard.quality.freezes),
    }[measure]
    worst = np.array([values[heard.site == s].max() for s in measures.endpoints.site])
    limit = float(np.sort(worst)[6])
    (verdict,) = judge([requirement("rooms", measure, 0.7, limit)], network, measures)
    assert verdict.met
    assert verdict.value == limit
    assert verdict.complying == np.count_nonzero(worst <= limit)
    row = row_of(heard, verdict.worst.site, measures.streams.index(verdict.worst.detail))
    assert verdict.worst.value == worst.max() == values[row]
    below = float(np.nextafter(limit, 0))
    (verdict,) = judge([requirement("rooms", measure, 0.7, below)], network, measures)
    assert not verdict.met


def test_a_stream_that_never_came_keeps_no_limit(meeting):
    network = meeting.network
    meeting.send(0, 900, stream=VOICE)
    meeting.send(S, 900, stream=VOICE)
    meeting.dead_rooms = {network.index["76000"]}
    meeting.send(2 * S, 900, stream=VIDEO)
    meters = Meters(meeting.scenario, network)
    meters.close_bin(10 * S, meeting.tally)
    measures = finish(meters, meeting)
    for measure in ("jitter", "freezes"):
        (verdict,) = judge([requirement("rooms", measure, 1.0, S)], network, measures)
        assert (verdict.met, verdict.complying) == (False, 9)
        assert network.sites[verdict.worst.site].id == "76000"
        assert verdict.worst.detail == "video"
        assert np.isnan(verdict.worst.value)


def test_a_line_is_judged_by_its_fuller_direction(talk_results):
    measures, network = talk_results.measures, talk_results.network
    n = len(network.sites)
    fuller = measures.lines.utilisation.copy()
    fuller[n + 5] = 0.9
    lines = dataclasses.replace(measures.lines, utilisation=fuller)
    measures = dataclasses.replace(measures, lines=lines)
    (verdict,) = judge([requirement("lines", "utilisation", 1.0, 0.8)], network, measures)
    assert (verdict.met, verdict.complying, verdict.subjects) == (False, 12, 13)
    assert (verdict.worst.site, verdict.worst.detail) == (5, "up")


def test_a_turn_counts_from_its_beginning_to_the_whole_first_frame(meeting):
    """Ten rooms, one of them the speaker's: nine wait for three packets."""
    scenario, network, tally = meeting.scenario, meeting.network, meeting.tally
    speaker = network.index["76001"]
    others = [s for s in np.flatnonzero(network.room).tolist() if s != speaker]
    packets = np.array([3, 0, 2])
    for i, s in enumerate(others):
        tally.turn[s, 0, TurnCount.FIRST_NS] = S + (i + 1) * MS
        tally.turn[s, 0, TurnCount.PACKETS] = 3 if i < 5 else 2
        tally.turn[s, 0, TurnCount.LAST_NS] = S + (i + 11) * MS
    measured = turns(scenario, network, tally, packets)
    assert measured.site[0] == speaker
    assert measured.rooms.tolist() == [9, 0, 9]
    assert measured.first.rooms.tolist() == [9, 0, 0]
    assert measured.first.p50_ns[0] == 5 * MS
    assert measured.first.p95_ns[0] == measured.first.max_ns[0] == 9 * MS
    assert measured.whole.rooms.tolist() == [5, 0, 0]
    assert measured.whole.p50_ns[0] == measured.whole.max_ns[0] == 15 * MS
    assert np.isnan(measured.whole.p95_ns[0]), "95 % of the rooms never had it"
    assert measured.never_whole.tolist() == [4, 0, 9]
    for waits in (measured.first, measured.whole):
        assert np.isnan([waits.p50_ns[1:], waits.p95_ns[1:], waits.max_ns[1:]]).all()


def test_utilisation_is_of_the_whole_line():
    """A quarter is others'; what is left is 3 Mbit/s, and 1 kB then takes 8/3 ms of it."""
    meeting = Meeting(scenario(background=STEADY), loss=0.0)
    network = meeting.network
    meters = Meters(meeting.scenario, network)
    commune, n = network.index["76000"], len(network.sites)
    assert network.rate_bps[commune] == 3_000_000
    meeting.tally.line[commune, LineCount.BUSY_NS] = 4 * S
    meters.close_bin(10 * S, meeting.tally)
    lines = meters._lines(meeting.tally)
    assert lines.busy[commune] == 0.4
    assert lines.utilisation[commune] == pytest.approx(0.25 + 0.75 * 0.4)
    assert lines.utilisation[n + commune] == 0.25 - 0.25
    assert lines.utilisation[network.index["760"]] == 0


def test_the_buffer_is_of_what_background_leaves():
    meeting = Meeting(scenario(background=STEADY))
    commune = meeting.network.index["76000"]
    meeting.tally.line[commune, LineCount.BACKLOG_MAX_NS] = 100 * MS
    lines = Meters(meeting.scenario, meeting.network)._lines(meeting.tally)
    # 150 kB at 3 Mbit/s drain in 400 ms.
    assert lines.queue_max[commune] == 0.25


def test_an_hour_changes_the_share_and_leaves_no_one_buffer():
    profile = (1.0,) * 9 + (2.0,) + (1.0,) * 14
    background = dataclasses.replace(STEADY, profile=profile)
    late = dataclasses.replace(scenario(background=background), begins_ns=9 * HOUR_NS - 4 * S)
    meeting = Meeting(late)
    meters = Meters(late, meeting.network)
    commune = meeting.network.index["76000"]
    for second in range(1, 11):
        meeting.tally.line[commune, LineCount.BUSY_NS] = second * S // 2
        meters.close_bin(second * S, meeting.tally)
    lines = meters._lines(meeting.tally)
    early, later = 0.25 + 0.75 / 2, 0.5 + 0.5 / 2
    assert lines.utilisation[commune] == pytest.approx(0.4 * early + 0.6 * later)
    assert lines.utilisation_peak[commune] == pytest.approx(later)
    assert np.isnan(lines.queue_max[commune])
    assert not np.isnan(lines.queue_max[meeting.network.index["760"]])
    early_only = dataclasses.replace(late, begins_ns=0)
    again = Meters(early_only, meeting.network)._lines(meeting.tally)
    assert not np.isnan(again.queue_max[commune])


def test_a_bin_in_which_an_hour_begins_has_the_mean_share():
    profile = (1.0, 3.0) + (1.0,) * (HOURS - 2)
    steady = Steady([None, dataclasses.replace(STEADY, profile=profile)], begins_ns=HOUR_NS - S)
    np.testing.assert_allclose(steady.share(0, 4 * S), [0, 0.25 * (1 + 3 * 3) / 4])
    assert steady.varies(S).tolist() == [False, False]
    assert steady.varies(S + 1).tolist() == [False, True]
    meter = BusyMeter(steady, 2)
    meter.close_bin(0, np.zeros(2, dtype=np.int64))
    assert meter.utilisation().tolist() == [0, 0]


def test_a_way_up_ends_at_the_first_relay_of_its_tier_or_above(meeting):
    network = meeting.network
    names = {
        to: [network.sites[end].id for end in ends(network, to)]
        for to in ("parent", "district", "province", "central")
    }
    site = [each.id for each in network.sites].index
    assert names["parent"][site("79401")] == "794"
    assert names["district"][site("79401")] == "794"
    assert names["province"][site("79401")] == "80"
    assert names["province"][site("794")] == "80"
    assert names["province"][site("80")] == "vn"
    assert set(names["central"]) == {"vn"}
