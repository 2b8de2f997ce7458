"""The reference engine does not notice how time is cut, and conserves every packet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sim.dataplane.reference.engine import ReferenceEngine
from sim.network.tree import build_network
from tests.equality.conservation import assert_conserved
from tests.equality.rehearsal import Rehearsal, assert_same_run, every_ns, play
from tests.equality.strategies import cuttings, rehearsals


@given(data=st.data(), rehearsal=rehearsals())
def test_reference_is_the_same_however_time_is_cut(
    data: st.DataObject, rehearsal: Rehearsal
) -> None:
    """At every end of a coarse span the run cut at every ns stands at the same point."""
    network = build_network(rehearsal.scenario)
    everywhere = frozenset(range(len(network.sites)))
    fine = ReferenceEngine(rehearsal.scenario, network, watch=everywhere)
    coarse = ReferenceEngine(rehearsal.scenario, network, watch=everywhere)
    instants = every_ns(rehearsal)
    fine_ends = play(rehearsal, fine, instants)
    cuts = data.draw(cuttings(rehearsal.scenario.duration_ns), label="cuts")
    for end_ns in play(rehearsal, coarse, cuts):
        while next(fine_ends) != end_ns:
            pass
        assert_same_run(rehearsal, (fine, instants), (coarse, cuts), f"at {end_ns} ns")
    assert_conserved(rehearsal, network, coarse, cuts)
