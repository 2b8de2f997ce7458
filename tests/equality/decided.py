"""What a whole run of the reference engine decided about each packet."""

from __future__ import annotations

from collections.abc import Sequence

from sim.dataplane.edit import Edit
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate
from sim.network.tree import build_network
from sim.scenario.model import Scenario
from tests.equality.conservation import assert_conserved
from tests.equality.rehearsal import Rehearsal, Sent, play

IN_A_ROOM = (Fate.ROOM_RECEIVED, Fate.ROOM_OUTAGE, Fate.ROOM_DEAD)
AT_ITS_END = (Fate.ENDED, Fate.ENDED_OUTAGE)
Decided = list[tuple[int, Fate, int]]  # packet, what became of it, ns


def rehearse(
    scenario: Scenario, packets: Sequence[Sent], edits: Sequence[Edit] = ()
) -> ReferenceEngine:
    """Return the engine after a whole run, drained and found to conserve packets.

    Packets are numbered by origin, then by sending time and stream.
    """
    network = build_network(scenario)
    everywhere = frozenset(range(len(network.sites)))
    engine = ReferenceEngine(scenario, network, watch=everywhere)
    rehearsal = Rehearsal(scenario=scenario, packets=tuple(packets), edits=tuple(edits))
    for _ in play(rehearsal, engine):
        pass
    assert_conserved(rehearsal, network, engine)
    return engine


def hops(engine: ReferenceEngine, hop: int) -> Decided:
    """Return what became of the packets on a hop (s: down to site s, n + s: up), by packet."""
    return [row for row in _decided(engine, hop) if row[1] not in (*IN_A_ROOM, *AT_ITS_END)]


def shown(engine: ReferenceEngine, hop: int) -> Decided:
    """Return what became of the packets at the room of site s, by packet.

    Of hop n + s instead: those that the dead room of s should have sent.
    """
    return [row for row in _decided(engine, hop) if row[1] in IN_A_ROOM]


def ended(engine: ReferenceEngine, hop: int) -> Decided:
    """Return what became of the packets whose way up ends with hop n + s, by packet."""
    return [row for row in _decided(engine, hop) if row[1] in AT_ITS_END]


def _decided(engine: ReferenceEngine, hop: int) -> Decided:
    fates = engine.fates()
    columns = (fates.hop, fates.packet, fates.fate, fates.at_ns)
    found = zip(*(column.tolist() for column in columns), strict=True)
    return sorted((packet, Fate(fate), at) for h, packet, fate, at in found if h == hop)
