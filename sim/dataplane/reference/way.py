"""Where the way up of a stream's packets ends."""

from __future__ import annotations

from sim.network.tree import Network
from sim.scenario.model import PARENT, Stream

ROOT = 0
NOWHERE = -1


def ends_tier(stream: Stream, network: Network) -> int:
    """Return the lowest tier whose relays end a stream's way up; -1: the stream goes down only."""
    if stream.direction == "floor":
        return ROOT
    if stream.direction == "down":
        return NOWHERE
    return len(network.tiers) if stream.to == PARENT else network.tiers.index(stream.to)


def end_of_way_up(stream: Stream, network: Network, *, origin: int) -> int:
    """Return the number of the site whose relay ends the way up; -1: the stream goes down only."""
    if stream.direction == "floor":
        return ROOT
    if stream.direction == "down":
        return NOWHERE
    above = int(network.parent[origin])
    if stream.to == PARENT:
        return above
    wanted = network.tiers.index(stream.to)
    while network.tier[above] > wanted:
        above = int(network.parent[above])
    return above
