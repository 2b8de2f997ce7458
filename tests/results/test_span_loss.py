"""Loss over any span, against every span of every packet's fate, one by one."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate
from sim.metrics import span_loss
from sim.metrics.attendance import Attendance
from sim.metrics.decided import Decided
from sim.metrics.due import Due
from sim.metrics.meters import Meters
from sim.metrics.span_loss import FEWEST_PACKETS, SpanLossMeter
from sim.network.tree import build_network
from sim.results.trace import assemble
from sim.results.watched import Watch
from sim.scenario import grids
from sim.scenario.grids import Grid
from sim.scenario.model import FOREVER_NS
from sim.simulation import simulate
from tests.equality.rehearsal import spans as played
from tests.equality.strategies import cuttings, rehearsals
from tests.results.conftest import requirement
from tests.scenario.files import small

S = 10**9


def decided(trace):
    """Return (when, whether lost) of each packet that was due to the room of a trace."""
    due = trace.watched.origin != trace.watched.site
    lost = trace.fate != Fate.ROOM_RECEIVED
    return list(zip(trace.at_ns[due].tolist(), lost[due].tolist(), strict=True))


def worst_span(packets, *, span_ns, parts, fewest, duration_ns):
    """Return (share, beginning) of the worst span there is; (None, 0) where none is judged."""
    step = Fraction(span_ns, parts)
    worst, began = None, 0
    i = 0
    while True:
        start_ns = math.ceil(i * step)
        last = start_ns + span_ns >= duration_ns
        inside = [
            lost
            for at_ns, lost in packets
            if start_ns <= at_ns and (last or at_ns < start_ns + span_ns)
        ]
        if len(inside) >= fewest:
            share = Fraction(sum(inside), len(inside))
            if worst is None or share > worst:
                worst, began = share, start_ns
        if last:
            return worst, began
        i += 1


def assert_worst(measured, traces, **rule):
    """Fail unless each room's worst span is the one that its trace has; return what was met."""
    met = Counter()
    for i, trace in enumerate(traces):
        share, began = worst_span(decided(trace), span_ns=measured.span_ns, **rule)
        if share is None:
            assert np.isnan(measured.loss[i])
            met["a room with no span to judge"] += 1
        else:
            assert measured.loss[i] == share.numerator / share.denominator
            assert measured.at_ns[i] == began
            met["all of a span lost"] += share == 1
            met["some of a span lost"] += 0 < share < 1
            met["nothing lost in any span"] += share == 0
            met["worst at the beginning"] += share > 0 and began == 0
            met["worst later"] += began > 0
    return met


def test_the_worst_span_is_the_worst_of_all():
    met = Counter()

    @given(
        data=st.data(),
        rehearsal=rehearsals(),
        span_ns=st.integers(1, 40),
        step_ns=st.integers(1, 8),
        fewest=st.sampled_from([1, 2, 5]),
    )
    def measured(data, rehearsal, span_ns, step_ns, fewest):
        with (
            patch.object(grids, "SHORTEST_STEP_NS", step_ns),
            patch.object(span_loss, "FEWEST_PACKETS", fewest),
        ):
            wanted = requirement("rooms", "loss", 1.0, 0.1, span_ns=span_ns)
            scenario = dataclasses.replace(rehearsal.scenario, requirements=(wanted,))
            (grid,) = grids.grids(scenario.requirements)
            points = {grid.point_ns(i) for i in range(1, 61)}
            inside = {point for point in points if point < scenario.duration_ns}
            drawn = data.draw(cuttings(scenario.duration_ns), label="cuts")
            network = build_network(scenario)
            everywhere = frozenset(range(len(network.sites)))
            engine = ReferenceEngine(scenario, network, watch=everywhere)
            meters = Meters(scenario, network)
            rooms = np.flatnonzero(network.room)
            watches = [Watch(scenario, network, network.sites[s].id) for s in rooms]
            for start_ns, end_ns in played(rehearsal, tuple(sorted(inside | set(drawn)))):
                packets = rehearsal.packets_in(start_ns, end_ns)
                engine.replay(start_ns, end_ns, packets, rehearsal.edits_in(start_ns, end_ns))
                for watch in watches:
                    watch.add(packets)
                if end_ns < scenario.duration_ns:
                    meters.pass_point(end_ns, engine.tally)
            due = Due(scenario, network)
            attendance = Attendance(scenario, network, due)
            counts = Decided(network, due, attendance).counts(engine.tally, FOREVER_NS)
            (found,) = (meter.finish(*counts) for meter in meters._span_losses)
            traces = [assemble(network, watch.finish(), engine.fates()) for watch in watches]
            for i, trace in enumerate(traces):
                lost = [was_lost for _, was_lost in decided(trace)]
                assert (counts[0][i], counts[1][i]) == (len(lost) - sum(lost), sum(lost))
            met.update(
                assert_worst(
                    found,
                    traces,
                    parts=min(15, max(1, span_ns // step_ns)),
                    fewest=fewest,
                    duration_ns=scenario.duration_ns,
                )
            )

    measured()
    assert len(met) == 6
    assert all(met.values()), met


WANTED = """\
events:
  - {at: 1.25 s, fail: relay/79, for: 730 ms}
  - {at: 3 s, degrade: line/27688, rate: × 0.1, loss: 20 %, for: 400 ms}
requirements:
  - {rooms: all, loss: at most 1 %, in_any: 15 s}
  - {rooms: all, loss: at most 1 %, in_any: 700 ms}
  - {rooms: all, loss: at most 10 %, in_any: 200 ms}
  - {rooms: all, loss: at most 10 %, in_any: 50 ms}
"""
PARTS = {15 * S: 15, S * 7 // 10: 7, S // 5: 2, S // 20: 1}


@pytest.mark.parametrize("engine", ["packet", "reference"])
def test_a_run_finds_the_worst_spans_of_its_traces(engine):
    scenario = small(("duration: 10 s", "duration: 4210 ms"), append=WANTED)
    rooms = ["26734", "26737", "27688"]
    results = simulate(scenario, engine=engine, trace=rooms)
    assert {each.span_ns: None for each in results.measures.span_losses}.keys() == PARTS.keys()
    for measured in results.measures.span_losses:
        met = assert_worst(
            measured,
            results.traces,
            parts=PARTS[measured.span_ns],
            fewest=FEWEST_PACKETS,
            duration_ns=scenario.duration_ns,
        )
        assert met["some of a span lost"] + met["all of a span lost"] == len(rooms)
    verdicts = {verdict.requirement.span_ns: verdict for verdict in results.verdicts}
    dead = verdicts[S // 5].worst
    assert (dead.value, dead.at_ns) == (1.0, 13 * S // 10)
    assert verdicts[15 * S].worst.at_ns == 0


def test_what_is_asked_changes_no_other_result():
    scenario = small(append=WANTED)
    asked = simulate(scenario).measures
    plain = simulate(dataclasses.replace(scenario, requirements=())).measures
    assert plain.span_losses == ()
    for name in ("due", "received", "lost", "dark_ns", "gap_max_ns"):
        np.testing.assert_array_equal(
            getattr(asked.endpoints, name), getattr(plain.endpoints, name)
        )
    np.testing.assert_array_equal(asked.timeline.counts, plain.timeline.counts)
    np.testing.assert_array_equal(asked.lines.utilisation_peak, plain.lines.utilisation_peak)
    np.testing.assert_array_equal(asked.lines.queue_max_ns, plain.lines.queue_max_ns)


def test_only_a_span_of_the_past_is_kept():
    grid = Grid(15 * S, 15)
    meter = SpanLossMeter(grid, rooms=3)
    assert meter._ring.nbytes == 16 * 2 * 3 * 8
    for point in range(1, 3001):
        # Room 1 loses a packet in 50; room 2 loses 60 in a row, beginning at 1,000 s.
        in_a_row = min(max(point - 1000, 0), 60)
        received = np.array([20 * point, 49 * point, 20 * point - in_a_row])
        meter.pass_point(received, np.array([0, point, in_a_row]))
    found = meter.finish(received, np.array([0, point, in_a_row]))
    assert found.loss.tolist() == [0.0, 0.02, 15 / 300]
    assert found.at_ns.tolist() == [0, 0, 1000 * S]
