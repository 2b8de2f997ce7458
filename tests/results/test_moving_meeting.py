"""Measures of small meetings in which rooms come and go and sites use other lines.

`Meters.finish` checks the books; here they are held against what each room received, packet by
packet.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.dataplane.edit import FailRelay, JoinRoom, LeaveRoom, SetRelayPasses, UseLine
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate
from sim.metrics.meters import Meters
from sim.network.tree import build_network
from sim.scenario.model import FOREVER_NS
from tests.equality.movings import moving_rehearsals
from tests.equality.rehearsal import spans
from tests.equality.strategies import cuttings
from tests.results.test_any_meeting import fault_of


def measured(rehearsal, cuts):
    """Play a rehearsal on the reference engine; return its network, measures and fates."""
    network = build_network(rehearsal.scenario)
    dead = [edit for edit in rehearsal.edits if isinstance(edit, FailRelay | SetRelayPasses)]
    faults = tuple(fault_of(network, edit) for edit in dead)
    scenario = replace(rehearsal.scenario, faults=faults)
    engine = ReferenceEngine(scenario, network, watch=frozenset(range(len(network.sites))))
    meters = Meters(scenario, network)
    packets_sent = 0
    turn_packets = np.zeros(len(scenario.agenda), dtype=np.int64)
    for start_ns, end_ns in spans(rehearsal, cuts):
        packets, edits = (
            rehearsal.packets_in(start_ns, end_ns),
            rehearsal.edits_in(start_ns, end_ns),
        )
        meters.follow(edits, engine.tally)
        engine.replay(start_ns, end_ns, packets, edits)
        if end_ns == FOREVER_NS or end_ns % scenario.bin_ns == 0 or end_ns == scenario.duration_ns:
            meters.close_bin(end_ns, engine.tally)
        packets_sent += len(packets)
        turn_packets += np.bincount(packets.turn[packets.turn >= 0], minlength=turn_packets.size)
    measures = meters.finish(
        engine.tally,
        packets_sent=packets_sent,
        turn_packets=turn_packets,
        pending=0,
        dark=engine.dark(),
    )
    return network, measures, engine.fates()


def edges(scenario):
    """Return the edges of the timeline's bins within the meeting."""
    return set(range(scenario.bin_ns, scenario.duration_ns, scenario.bin_ns))


@settings(max_examples=40)
@given(data=st.data(), rehearsal=moving_rehearsals())
def test_the_books_balance_for_rooms_that_were_always_there(data, rehearsal):
    scenario = rehearsal.scenario
    cuts = data.draw(cuttings(scenario.duration_ns), label="cuts")
    cuts = tuple(sorted({*cuts, *edges(scenario)}))
    _, measures, fates = measured(rehearsal, cuts)
    came_or_went = {
        edit.target for edit in rehearsal.edits if isinstance(edit, JoinRoom | LeaveRoom)
    }
    names = rehearsal.names(cuts)
    received = Counter()
    for hop, packet, fate in zip(fates.hop, fates.packet, fates.fate, strict=True):
        if fate == Fate.ROOM_RECEIVED:
            received[int(hop), names[packet]] += 1
    assert not [pair for pair, times in received.items() if times > 1], "received once"
    rooms = measures.endpoints
    assert (rooms.received + rooms.lost.sum(axis=(1, 2)) == rooms.due).all()
    for row, s in enumerate(rooms.site.tolist()):
        if s not in came_or_went:
            assert rooms.received[row] == sum(1 for site, _ in received if site == s)


@settings(max_examples=20)
@given(rehearsal=moving_rehearsals())
def test_how_time_is_cut_changes_nothing(rehearsal):
    scenario = rehearsal.scenario
    quiet = replace(
        rehearsal, edits=tuple(e for e in rehearsal.edits if not isinstance(e, UseLine))
    )
    few = tuple(sorted(edges(scenario)))
    many = tuple(range(1, scenario.duration_ns))
    for each in (rehearsal, quiet):
        (_, one, _), (_, other, _) = measured(each, few), measured(each, many)
        np.testing.assert_array_equal(one.endpoints.lost, other.endpoints.lost)
        np.testing.assert_array_equal(one.endpoints.due, other.endpoints.due)
        np.testing.assert_array_equal(one.timeline.counts, other.timeline.counts)
