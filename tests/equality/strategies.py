"""Random rehearsals of small meetings in which ties are common, and random cuttings of time.

Small integers do it: with realistic rates two things hardly ever happen at one instant, and a
`<` for a `<=` would go unnoticed.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from hypothesis import strategies as st

from sim.network.tree import build_network
from tests.equality.changes import changes, occasions
from tests.equality.dispatches import dispatches
from tests.equality.echoes import echoes
from tests.equality.meetings import lists_of, scenarios
from tests.equality.rehearsal import Cuts, Rehearsal

MOST_CHANGES = 16


@st.composite
def rehearsals(draw: st.DrawFn) -> Rehearsal:
    """Draw a meeting: a tree, its packets, and edits where and when something happens."""
    scenario = draw(scenarios())
    network = build_network(scenario)
    alone = Rehearsal(scenario=scenario, packets=draw(dispatches(scenario, network)), edits=())
    packets = (*alone.packets, *draw(echoes(alone, network)))
    quiet = replace(alone, packets=packets)
    change = changes(occasions(quiet, network), network)
    drawn = chain.from_iterable(draw(lists_of(change, fewest=(0, 4, 8), most=MOST_CHANGES)))
    in_time = [edit for edit in drawn if edit.at_ns < scenario.duration_ns]
    return replace(quiet, edits=tuple(sorted(in_time, key=lambda edit: edit.at_ns)))


@st.composite
def cuttings(draw: st.DrawFn, duration_ns: int) -> Cuts:
    """Draw where time is cut: nowhere, at every ns, or at any set of instants."""
    inside = range(1, duration_ns)
    if not inside:
        return ()
    kind = draw(st.sampled_from(["whole", "some", "some", "every ns"]))
    if kind == "whole":
        return ()
    if kind == "every ns":
        return tuple(inside)
    return tuple(sorted(draw(st.sets(st.sampled_from(inside), max_size=12))))
