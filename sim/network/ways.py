"""Ways through the tree: where a way up ends, and sums over what is above or below each site.

In preorder the sites below one are a range, so a sum over them is a difference of running sums.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.network.tree import Network
from sim.scenario.model import PARENT, Scenario

Int64Array = NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.float64)


def ends(network: Network, to: str) -> Int64Array:
    """Return where a stream up ends, for an origin at each site, (n,); the root's is the root.

    Parameters
    ----------
    to : `parent`, or the tier that ends it: the first relay above of that tier or a higher one
    """
    end = np.maximum(network.parent, 0)
    if to == PARENT:
        return end
    last = network.tiers.index(to)
    for depth in range(2, int(network.depth.max(initial=0)) + 1):
        level = np.flatnonzero(network.depth == depth)
        above = network.parent[level]
        end[level] = np.where(network.tier[above] <= last, above, end[above])
    return end


def composers(network: Network) -> Int64Array:
    """Return the nearest relay above each site that composes, (n,); -1: there is none."""
    composer = np.full(len(network.sites), -1, dtype=np.int64)
    for depth in range(1, int(network.depth.max(initial=0)) + 1):
        level = np.flatnonzero(network.depth == depth)
        above = network.parent[level]
        composer[level] = np.where(network.composes[above], above, composer[above])
    return composer


def composed_or_ended(network: Network, to: str) -> Int64Array:
    """Return the relay at which a stream up from each site goes no further, (n,); see `ends`."""
    end, composer = ends(network, to), composers(network)
    composed = (composer >= 0) & (network.depth[composer] > network.depth[end])
    return np.where(composed, composer, end)


def sum_above(network: Network, values: NDArray[Number]) -> NDArray[Number]:
    """Return the sum of each column over the sites strictly above each site, (n, k) -> (n, k)."""
    change = np.zeros((len(values) + 1, values.shape[1]), dtype=values.dtype)
    change[1:] = values
    np.subtract.at(change, network.end, values)
    above: NDArray[Number] = change.cumsum(axis=0)[:-1]
    return above


def sum_below(network: Network, values: NDArray[Number]) -> NDArray[Number]:
    """Return the sum of a value over each site and all below it, (n,) -> (n,)."""
    running = np.zeros(len(values) + 1, dtype=values.dtype)
    np.cumsum(values, out=running[1:])
    below: NDArray[Number] = running[network.end] - running[:-1]
    return below


def sources_up(scenario: Scenario, network: Network) -> list[int]:
    """Return how many sources come up over the line of each site, a stream of an origin each.

    Who has the floor at any time is one for each stream of the floor.
    """
    passing: Int64Array = np.zeros(len(network.sites), dtype=np.int64)
    speakers = np.array(
        sorted({network.index[turn.site] for turn in scenario.agenda}), dtype=np.int64
    )
    for stream in scenario.streams:
        if stream.direction == "up":
            origins = np.array([network.index[site] for site in stream.origins], dtype=np.int64)
            # Added where it begins and taken away where it ends: the sum below a line between.
            np.add.at(passing, origins, 1)
            np.subtract.at(passing, composed_or_ended(network, stream.to)[origins], 1)
        elif stream.direction == "floor":
            np.add.at(passing, speakers, 1)
    up = sum_below(network, passing)
    up[0] = 0  # the root has no line
    counts: list[int] = up.tolist()
    return counts
