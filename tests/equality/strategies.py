"""Random rehearsals of small meetings in which ties are common, and random cuttings of time.

Small integers do it: with realistic rates two things hardly ever happen at one instant, and a
`<` for a `<=` would go unnoticed.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from hypothesis import strategies as st

from sim.network.tree import build_network
from sim.scenario.model import PARENT, Direction, Scenario
from tests.equality.changes import changes, occasions
from tests.equality.dispatches import dispatches
from tests.equality.echoes import echoes
from tests.equality.meetings import lists_of, scenarios
from tests.equality.rehearsal import Cuts, Dispatch, Rehearsal

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
def calm_rehearsals(draw: st.DrawFn) -> Rehearsal:
    """Draw a meeting on lines that are replayed abreast, most of them all the time.

    They have no policer and no packets of others. In every other meeting nothing is edited, nobody
    has the floor, and what goes up ends at the next relay. Bursts make them wait for each other.
    """
    rehearsal = draw(rehearsals())
    scenario = rehearsal.scenario
    lines = [
        replace(line, down=calm_port(line.down), up=calm_port(line.up)) for line in scenario.lines
    ]
    calmer = replace(rehearsal, scenario=replace(scenario, lines=tuple(lines)))
    if draw(st.booleans()):
        calmer = replace(calmer, scenario=_quiet(calmer.scenario), edits=())
    packets = [Dispatch(*packet) for packet in rehearsal.packets]
    sent = [
        packet
        for packet in packets
        if calmer.scenario.agenda or scenario.streams[packet.stream].direction != "floor"
    ]
    burst = draw(st.sampled_from([1, 2, 4]))
    return replace(calmer, packets=tuple(packet for packet in sent for _ in range(burst)))


def calm_port(port: Direction) -> Direction:
    """Return a direction without policer and without packets of others."""
    background = port.background
    if background is not None and background.kind != "steady":
        background = None
    return replace(port, policer=None, background=background)


def _quiet(scenario: Scenario) -> Scenario:
    streams = [
        replace(stream, to=PARENT, composite=False) if stream.direction == "up" else stream
        for stream in scenario.streams
    ]
    relays = [
        replace(relay, select=0, ports=0, mode="forward", transcoding_ns=0)
        for relay in scenario.relays
    ]
    return replace(scenario, streams=tuple(streams), relays=tuple(relays), agenda=())


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
