"""Whole runs of the reference engine on trees of a few sites, said packet by packet.

Sites are numbered like their ids as long as these are 0, 1, 2 ... in preorder. A packet is named
by its site, its stream and its sequence number: `2v0` is the first that site 2 sends of stream v.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from sim.dataplane.edit import Edit
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate, FateLog, Tally
from sim.network.tree import Network, build_network
from sim.scenario.model import Scenario, Stream, Turn
from tests.equality import trees
from tests.equality.conservation import assert_conserved
from tests.equality.rehearsal import Dispatch, Rehearsal, play

Decided = list[tuple[str, Fate, int]]  # packet, what became of it, ns


class Send(NamedTuple):
    """A packet that the site of this id sends."""

    at_ns: int
    site: str
    stream: str
    size_bytes: int
    turn: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A whole run, drained.

    Attributes
    ----------
    network : the tree
    tally, encounters : the engine's
    fates : on all lines, in all rooms and at all ends
    names : of the packets, by number
    """

    network: Network
    tally: Tally
    encounters: Counter[Encounter]
    fates: FateLog
    names: tuple[str, ...]

    def up(self, site: int) -> int:
        """Return the number of the direction up from `site`."""
        return len(self.network.sites) + site

    def on(self, hop: int) -> Decided:
        """Return what became of the packets on a direction of a line, by time."""
        return [row for row in self._decided(hop) if row[1] <= Fate.LINE_LOSS]

    def after(self, hop: int) -> Decided:
        """Return what became of those in the room or, on the way up, at the end after it."""
        return [row for row in self._decided(hop) if row[1] > Fate.LINE_LOSS]

    def arrivals(self, hop: int) -> list[tuple[str, int]]:
        """Return what arrived over a direction, and when."""
        return [(name, at_ns) for name, fate, at_ns in self.on(hop) if fate == Fate.ARRIVED]

    def _decided(self, hop: int) -> Decided:
        fates = self.fates
        rows = zip(
            *(c.tolist() for c in (fates.hop, fates.packet, fates.fate, fates.at_ns)), strict=True
        )
        here = [
            (self.names[packet], Fate(fate), at) for where, packet, fate, at in rows if where == hop
        ]
        return sorted(here, key=lambda row: (row[2], row[0]))


def stream(
    name: str,
    direction: Literal["down", "up", "floor"],
    *,
    to: str = "central",
    composite: bool = False,
    precedence: int = 0,
    playout_ns: int = 0,
) -> Stream:
    """Return a stream of nobody yet; `to` only matters to `up`."""
    return trees.stream(
        name,
        direction=direction,
        to=to if direction == "up" else "",
        composite=composite,
        precedence=precedence,
        playout_ns=playout_ns,
    )


def run(
    tree: Scenario,
    streams: Sequence[Stream],
    sends: Sequence[Send],
    edits: Sequence[Edit] = (),
    *,
    agenda: Sequence[Turn] = (),
) -> Run:
    """Return a whole run of the tree with these streams, by id; edits in order of time."""
    scenario = replace(
        tree, streams=tuple(_with_origins(each, sends) for each in streams), agenda=tuple(agenda)
    )
    network = build_network(scenario)
    number = {each.id: index for index, each in enumerate(streams)}
    rehearsal = Rehearsal(
        scenario=scenario,
        packets=tuple(
            Dispatch(
                send.at_ns,
                number[send.stream],
                send.size_bytes,
                network.index[send.site],
                send.turn,
            )
            for send in sends
        ),
        edits=tuple(edits),
    )
    engine = ReferenceEngine(scenario, network, watch=frozenset(range(len(network.sites))))
    for _ in play(rehearsal, engine):
        pass
    assert_conserved(rehearsal, network, engine)
    return Run(
        network=network,
        tally=engine.tally,
        encounters=engine.encounters,
        fates=engine.fates(),
        names=tuple(
            f"{network.sites[name.origin].id}{streams[name.stream].id}{name.sequence}"
            for name in rehearsal.names()
        ),
    )


def _with_origins(stream: Stream, sends: Sequence[Send]) -> Stream:
    """Return the stream with the sites that send it, unless it goes with the floor."""
    if stream.direction == "floor":
        return stream
    sites = {send.site for send in sends if send.stream == stream.id}
    return replace(stream, origins=tuple(sorted(sites, key=str.encode)))
