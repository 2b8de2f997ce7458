"""A packet that comes over two ways, worked out by hand, on both engines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.dataplane.edit import UseLine
from sim.dataplane.packet import PacketEngine
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import RoomCount
from sim.network.tree import build_network
from tests.equality import trees
from tests.equality.rehearsal import Rehearsal, assert_same_run, play

# root -> q (20 ns away) -> leaf, and root -> s, which has a backup line to q.
STILL = trees.scenario(
    {"root": "", "q": "root", "leaf": "q", "s": "root"},
    tiers={"root": "central", "q": "province", "leaf": "district", "s": "district"},
    lines={"q": trees.line(propagation_ns=20)},
    streams=[trees.stream("video", origins=["root"])],
)
BACKUP = replace(trees.line(), site="s", parent="q", role="backup")
SCENARIO = replace(
    STILL, lines=tuple(sorted([*STILL.lines, BACKUP], key=lambda line: line.site.encode()))
)


@pytest.mark.parametrize("watched", [True, False])
def test_what_comes_again_over_another_way_is_a_duplicate(watched: bool) -> None:
    """The packet of one byte sent at 0 is at s at 1, and at q at 21; s has moved to q at 5."""
    network = build_network(SCENARIO)
    s, line = network.index["s"], len(network.sites)
    move = UseLine(at_ns=5, target=s, line=line, egress=int(network.line_egress[line]))
    rehearsal = Rehearsal(scenario=SCENARIO, packets=((0, 0, 1), (30, 0, 1)), edits=(move,))
    watch = frozenset(range(len(network.sites))) if watched else frozenset[int]()
    reference = ReferenceEngine(SCENARIO, network, watch=watch)
    packet = PacketEngine(SCENARIO, network, watch=watch)
    for engine in (reference, packet):
        for _ in play(rehearsal, engine):
            pass
        counts = engine.tally.room[s, [RoomCount.RECEIVED, RoomCount.DUPLICATES]]
        np.testing.assert_array_equal(counts, [2, 1])
    assert reference.encounters[Encounter.CAME_AGAIN] == 1
    assert_same_run(rehearsal, (reference, ()), (packet, ()), "at the end")
