"""Packets sent just so that they meet another origin's where their ways join, or a turn.

At instants drawn at random two ways of different lengths hardly ever bring packets at once, nor one
a packet when a turn begins.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from hypothesis import strategies as st

from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate
from sim.network.tree import Network
from tests.equality.dispatches import SIZES_BYTES
from tests.equality.rehearsal import Dispatch, Name, Rehearsal, play, rows

ROOT = 0
TURNS = ("as its own turn begins", "as another's turn begins")

Source = tuple[int, int]  # number of the origin, index of the stream
Chance = tuple[int, Source]  # sent_ns
Place = tuple[str, int]  # the way that goes on here, number of the site


class Visit(NamedTuple):
    """A packet of a source is at a place, `after_ns` it was sent."""

    at_ns: int
    source: Source
    after_ns: int


def echoes(rehearsal: Rehearsal, network: Network) -> st.SearchStrategy[list[Dispatch]]:
    """Return further packets for the rehearsal, of the sources that send already."""
    chances: dict[str, set[Chance]] = defaultdict(set)
    for (way, site), visits in _visits(rehearsal, network).items():
        for at_ns, (met, _), _ in visits:
            for _, source, after_ns in visits:
                sent_ns = at_ns - after_ns
                joint = _joint(way, site, {met, source[0]})
                if joint and _may_send(rehearsal, network, source, sent_ns):
                    chances[joint].add((sent_ns, source))
        for kind, sent_ns, source in _at_turns(rehearsal, network, way, site, visits):
            if _may_send(rehearsal, network, source, sent_ns):
                chances[kind].add((sent_ns, source))
    if not chances:
        return st.just([])
    # Few turns change a choice at all, so these are tried more often.
    joints = sorted([*chances, *6 * [joint for joint in chances if joint in TURNS]])
    chance = st.sampled_from([sorted(chances[joint]) for joint in joints]).flatmap(st.sampled_from)
    return st.lists(st.builds(_dispatch, chance, SIZES_BYTES), min_size=1, max_size=6)


def _joint(way: str, site: int, origins: set[int]) -> str:
    """Return what kind of place it is where these origins' packets join; empty: none.

    Two that come down one line never come at once, nor do two of one origin.
    """
    if len(origins) == 1:
        return ""
    if way == "up":
        return "on the way up"
    if site == ROOT:
        return "at the root" if ROOT in origins else "in the root's room"
    return "at the origin's relay" if site in origins else ""


def _at_turns(
    rehearsal: Rehearsal, network: Network, way: str, site: int, visits: set[Visit]
) -> list[tuple[str, int, Source]]:
    """Return when to send so that a relay has to choose at the instant of a turn's beginning.

    A packet visits the up line of a relay when it has been processed there. The next speaker may
    be chosen from then on, and another no more.
    """
    if way != "up" or not network.select[site]:
        return []
    processing_ns = int(network.processing_ns[site])
    return [
        (
            TURNS[network.index[turn.site] != source[0]],
            turn.at_ns - (after_ns - processing_ns),
            source,
        )
        for _, source, after_ns in visits
        for turn in rehearsal.scenario.agenda
        if source[0] != site and rehearsal.scenario.streams[source[1]].direction == "up"
    ]


def _dispatch(chance: Chance, size_bytes: int) -> Dispatch:
    sent_ns, (origin, stream) = chance
    return Dispatch(sent_ns, stream, size_bytes, origin)


def _may_send(rehearsal: Rehearsal, network: Network, source: Source, at_ns: int) -> bool:
    """Return whether the meeting is on, and the source has the floor if it needs it."""
    scenario = rehearsal.scenario
    origin, stream = source
    has_floor = any(
        turn.at_ns <= at_ns < turn.until_ns and network.index[turn.site] == origin
        for turn in scenario.agenda
    )
    free = scenario.streams[stream].direction != "floor"
    return 0 <= at_ns < scenario.duration_ns and (free or has_floor)


def _visits(rehearsal: Rehearsal, network: Network) -> dict[Place, set[Visit]]:
    """Return who comes to the transmitters of each site and when, as a run without edits tells."""
    n, streams = len(network.sites), rehearsal.scenario.streams
    engine = ReferenceEngine(rehearsal.scenario, network, watch=frozenset(range(n)))
    for _ in play(rehearsal, engine):
        pass
    names = rehearsal.names()
    sent_ns = dict(zip(names, (packet.sent_ns for packet in rehearsal.in_order()), strict=True))
    visits: dict[Place, set[Visit]] = defaultdict(set)

    def visit(way: str, site: int, name: Name, at_ns: int) -> None:
        source = name.origin, name.stream
        visits[way, site].add(Visit(at_ns, source, at_ns - sent_ns[name]))

    for name in names:
        way = "down" if streams[name.stream].direction == "down" else "up"
        visit(way, name.origin, name, sent_ns[name])
    for hop, name, fate, at_ns in rows(engine, names):
        if fate == Fate.ENDED and streams[name.stream].direction == "floor":
            visit("down", ROOT, name, at_ns)
        elif fate == Fate.ARRIVED and hop < n:
            visit("down", hop, name, at_ns)
        elif fate == Fate.ARRIVED:
            above = int(network.parent[hop - n])
            visit("up", above, name, at_ns + int(network.processing_ns[above]))
    return visits
