"""What a whole run of the reference engine decided about each packet."""

from __future__ import annotations

from collections.abc import Sequence

from sim.dataplane.edit import Edit
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate
from sim.network.tree import build_network
from sim.scenario.model import Scenario
from tests.equality.conservation import assert_conserved
from tests.equality.rehearsal import Rehearsal, Sent, play, rows

Decided = list[tuple[int, Fate, int]]  # packet, what became of it, ns


def rehearse(
    scenario: Scenario, packets: Sequence[Sent], edits: Sequence[Edit] = ()
) -> ReferenceEngine:
    """Return the engine after a whole run, drained and found to conserve packets."""
    network = build_network(scenario)
    everywhere = frozenset(range(len(network.sites)))
    engine = ReferenceEngine(scenario, network, watch=everywhere)
    rehearsal = Rehearsal(scenario=scenario, packets=tuple(packets), edits=tuple(edits))
    for _ in play(rehearsal, engine):
        pass
    assert_conserved(network, engine, len(packets))
    return engine


def hops(engine: ReferenceEngine, site: int) -> Decided:
    """Return what became of the packets on their way to `site`, by packet."""
    found = [(packet, Fate(fate), at) for s, packet, fate, at in rows(engine.fates()) if s == site]
    return [row for row in found if row[1] <= Fate.LINE_LOSS]


def shown(engine: ReferenceEngine, site: int) -> Decided:
    """Return what became of the packets that reached the room of `site`, by packet."""
    found = [(packet, Fate(fate), at) for s, packet, fate, at in rows(engine.fates()) if s == site]
    return [row for row in found if row[1] > Fate.LINE_LOSS]
