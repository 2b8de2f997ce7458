"""Measures against a count by hand of every packet's course."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.dataplane.tally import BUCKETS, Fate, LineCount, RoomCount, bucket
from sim.metrics.histogram import delays, merged, order_statistic, quantiles_ns
from sim.metrics.measures import CAUSES, Cause, Course
from sim.metrics.meters import Meters, packet_hops
from tests.results.conftest import finish
from tests.results.meetings import MS, Meeting, S, scenario

CAUSE = {
    Fate.EGRESS_OUTAGE: "outage",
    Fate.EGRESS_QUEUE: "queue",
    Fate.LINE_OUTAGE: "outage",
    Fate.LINE_POLICER: "policer",
    Fate.LINE_QUEUE: "queue",
    Fate.LINE_LOSS: "line",
    Fate.ROOM_OUTAGE: "outage",
    Fate.ROOM_DEAD: "endpoint",
}


def lost_by_hand(meeting, room, packets):
    """Count (cause, tier) of the packets in `packets` that did not reach a room."""
    network = meeting.network
    fates = {
        (site, packet, fate >= Fate.ROOM_RECEIVED): fate for site, packet, fate, _ in meeting.log
    }
    lost = Counter()
    for packet in packets:
        for site in network.path(room):
            fate = fates[site, packet, False]
            if fate != Fate.ARRIVED:
                in_egress = fate in (Fate.EGRESS_OUTAGE, Fate.EGRESS_QUEUE)
                where = network.parent[site] if in_egress else site
                lost[CAUSE[fate], network.sites[where].tier] += 1
                break
        else:
            fate = fates[room, packet, True]
            if fate != Fate.ROOM_RECEIVED:
                lost[CAUSE[fate], network.sites[room].tier] += 1
    return lost


def test_a_rooms_losses_are_those_on_its_path_by_cause_and_tier(held, results):
    meeting, rooms = held.meeting, results.measures.endpoints
    tiers = meeting.network.tiers
    for i, room in enumerate(rooms.site):
        expected = lost_by_hand(meeting, int(room), range(len(meeting.sent)))
        measured = {
            (cause, tier): int(rooms.lost[i, c, t])
            for c, cause in enumerate(CAUSES)
            for t, tier in enumerate(tiers)
            if rooms.lost[i, c, t]
        }
        assert measured == dict(expected)
    assert rooms.lost.sum() > 0
    assert {
        cause for cause, lost in zip(CAUSES, rooms.lost.sum(axis=(0, 2)), strict=True) if lost
    } == {
        "outage",
        "policer",
        "queue",
        "line",
    }


def test_the_timeline_counts_each_groups_packets_in_their_bin(held, results):
    meeting, network, timeline = held.meeting, held.meeting.network, results.measures.timeline
    members = {
        (group.kind, group.id): [
            s
            for s in np.flatnonzero(network.room).tolist()
            if group.kind == "all"
            or (group.kind == "tier" and network.sites[s].tier == group.id)
            or (group.kind == "province" and network.index[group.id] in network.path(s))
        ]
        for group in timeline.groups
    }
    assert [(group.kind, group.id) for group in timeline.groups] == [
        ("all", ""),
        ("tier", "province"),
        ("tier", "district"),
        ("tier", "commune"),
        ("province", "79"),
        ("province", "80"),
    ]
    for b in range(10):
        packets = range(40 * b, 40 * b + 40)
        lost = {room: lost_by_hand(meeting, room, packets) for room in members["all", ""]}
        for g, group in enumerate(timeline.groups):
            rooms = members[group.kind, group.id]
            row = timeline.counts[b, g]
            assert group.rooms == len(rooms)
            assert row[Course.DUE] == 40 * len(rooms)
            by_cause = Counter()
            for room in rooms:
                for (cause, _), count in lost[room].items():
                    by_cause[cause] += count
            columns = [
                Course.LOST_OUTAGE,
                Course.LOST_POLICER,
                Course.LOST_QUEUE,
                Course.LOST_LINE,
                Course.LOST_ENDPOINT,
                Course.LOST_PORT,
            ]
            assert row[columns].tolist() == [by_cause[cause] for cause in CAUSES]
            assert row[Course.RECEIVED] == 40 * len(rooms) - sum(by_cause.values())
    assert (timeline.counts[10] == 0).all()


def test_timeline_groups_add_up(results):
    timeline, rooms = results.measures.timeline, results.measures.endpoints
    counts = timeline.counts.sum(axis=0)
    kinds = np.array([group.kind for group in timeline.groups])
    for kind in ("tier", "province"):
        assert (counts[kinds == kind].sum(axis=0) == counts[0]).all()
    assert counts[0, Course.RECEIVED] == rooms.received.sum()
    assert counts[0, Course.RECEIVED_BYTES] == rooms.received_bytes.sum()
    dark = timeline.counts[:, 0, Course.ROOMS_DARK].tolist()
    assert dark[:3] + dark[6:10] == [0] * 7
    assert dark[4:6] == [3, 3]


def test_dark_time_and_gaps_count_the_silence_at_the_end():
    meeting = Meeting(scenario(), loss=0.0)
    meters = Meters(meeting.scenario, meeting.network)
    for i in range(40):
        meeting.send(i * 100 * MS, 1000)
    assert meters.rooms_dark(meeting.tally, 4 * S) == 0
    assert meters.rooms_dark(meeting.tally, 6 * S) == 10
    meters.close_bin(10 * S, meeting.tally)
    rooms = finish(meters, meeting).endpoints
    silence_ns = 10 * S - meeting.tally.room[rooms.site, RoomCount.LAST_NS]
    assert rooms.dark_ns.tolist() == silence_ns.tolist()
    assert rooms.gap_max_ns.tolist() == silence_ns.tolist()
    assert silence_ns.min() > 5 * S


def test_busy_shares_are_of_the_meeting_and_of_its_busiest_bin():
    meeting = Meeting(scenario(), loss=0.0)
    meters = Meters(meeting.scenario, meeting.network)
    for second in range(10):
        for i in range(100 if second == 4 else 10):
            meeting.send(second * S + i * 10 * MS, 1000)
        meters.close_bin((second + 1) * S, meeting.tally)
    meeting.send(10 * S - 1, 1000)  # what is sent in the drain is not of the meeting
    meters.close_bin(11 * S, meeting.tally)
    measures = finish(meters, meeting)
    commune = meeting.network.index["76000"]  # 1000 bytes at 4 Mbit/s: 2 ms
    assert measures.lines.busy[commune] == 190 * 0.002 / 10
    assert measures.lines.utilisation_peak[commune] == 100 * 0.002
    root = 0  # its egress: 2 copies of 8 us each packet
    assert measures.egresses.busy[root] == 190 * 16_000 / 10**10
    assert measures.egresses.utilisation_peak[root] == 100 * 16_000 / 10**9


def test_an_egress_that_is_not_shared_has_no_utilisation(results):
    egresses, network = results.measures.egresses, results.network
    shared = np.array([egress.rate_bps > 0 for egress in network.egresses])
    assert not shared.all()
    assert (np.isnan(egresses.busy) == ~shared).all()
    assert (np.isnan(egresses.queue_max) == ~shared).all()
    assert (egresses.offered > 0).all()


def test_the_queue_of_a_line_that_was_slowed_is_no_share_of_one_buffer(results):
    slowed = results.network.index["76900"]
    queue_max = results.measures.lines.queue_max
    up = len(results.network.sites) + slowed
    assert np.flatnonzero(np.isnan(queue_max)).tolist() == [slowed, up]
    other = results.network.index["76901"]
    # 150 kB at 4 Mbit/s drain in 300 ms.
    assert queue_max[other] == results.measures.lines.queue_max_ns[other] / (300 * MS)


def test_packet_hops_leave_out_what_a_dead_line_refused():
    meeting = Meeting(scenario(), loss=0.0)
    meeting.send(0, 1000)
    assert packet_hops(meeting.tally) == 13
    meeting.dead_lines = {meeting.network.index["79"]}
    meeting.send(S, 1000)
    assert meeting.tally.line[:, LineCount.OFFERED].sum() == 13 + 5
    assert packet_hops(meeting.tally) == 13 + 4


@given(st.lists(st.integers(1, 2**38 - 1), min_size=1), st.sampled_from([50.0, 95.0, 99.0]))
def test_percentiles_are_within_their_bucket_of_the_nearest_rank(delays_ns, percentile):
    histogram = np.zeros((1, BUCKETS), dtype=np.uint32)
    np.add.at(histogram[0], [bucket(delay_ns) for delay_ns in delays_ns], 1)
    rank = -(-len(delays_ns) * int(percentile) // 100)
    truth_ns = sorted(delays_ns)[rank - 1]
    estimate_ns = quantiles_ns(histogram, (percentile,))[0, 0]
    assert abs(estimate_ns - truth_ns) <= 0.025 * truth_ns


def test_a_room_that_received_nothing_has_no_delay():
    nothing = np.zeros((1, BUCKETS), dtype=np.uint32)
    zero = np.zeros(1, dtype=np.int64)
    found = delays(nothing, count=zero, sum_ns=zero, max_ns=zero)
    for figure in (found.mean_ns, found.p50_ns, found.p95_ns, found.p99_ns, found.max_ns):
        assert np.isnan(figure).all()


def test_delays_of_some_rows_are_those_of_the_rows_alone():
    histogram = np.zeros((3, BUCKETS), dtype=np.uint32)
    histogram[0, 700], histogram[2, 400] = 5, 3
    chosen = np.array([2, 1])
    both = quantiles_ns(histogram, (50.0, 99.0), chosen)
    np.testing.assert_array_equal(both, quantiles_ns(histogram[chosen], (50.0, 99.0)))
    assert np.isnan(both).tolist() == [[False, True], [False, True]]
    np.testing.assert_array_equal(merged(histogram, chosen), histogram[1:].sum(axis=0))


@given(
    values=st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=300),
    percent=st.integers(0, 100),
)
def test_the_order_statistic_is_met_by_just_enough(values, percent):
    needed, value = order_statistic(np.array(values), percent / 100)
    assert needed == -(-percent * len(values) // 100)
    within = sum(v <= value for v in values)
    below = sum(v < value for v in values)
    if np.isnan(value):
        assert sum(not np.isnan(v) for v in values) < max(needed, 1)
    else:
        assert below < max(needed, 1) <= within


def test_a_loss_at_any_tier_is_a_loss(results):
    endpoints = results.measures.endpoints
    for tier in range(endpoints.lost.shape[2]):
        lost = endpoints.lost.copy()
        lost[:, Cause.OUTAGE, tier] += 3
        more = dataclasses.replace(endpoints, due=endpoints.due + 3, lost=lost)
        np.testing.assert_allclose(more.loss, 1 - more.received / more.due)
