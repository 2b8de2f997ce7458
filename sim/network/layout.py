"""How the sites of a network hang together at one time, in preorder.

At the beginning that is the network's own order. When a site uses a line to another parent, all
that is below it moves along, and the places are others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.network.tree import Network

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """A tree of n sites.

    Attributes
    ----------
    parent : (n,) int64, -1 for the root
    depth : (n,) int64, 0 for the root
    place : (n,) int64, of each site in preorder
    end : (n,) int64; the sites below s and s itself have the places place[s] .. end[s]-1
    order : (n,) int64, the sites by place
    """

    parent: Int64Array
    depth: Int64Array
    place: Int64Array
    end: Int64Array
    order: Int64Array


def first_layout(network: Network) -> Layout:
    """Return how the sites hang together when all use their primary lines."""
    order = np.arange(len(network.sites))
    return Layout(network.parent, network.depth, order, network.end, order)


def lay_out(parent: Int64Array) -> Layout:
    """Return the tree in preorder, children by number.

    Parameters
    ----------
    parent : (n,) int64; site 0 is the root, and has -1

    Raises
    ------
    ValueError
        If some sites hang in a circle.

    Examples
    --------
    >>> layout = lay_out(np.array([-1, 0, 3, 0]))
    >>> layout.order.tolist(), layout.end.tolist()
    ([0, 1, 3, 2], [4, 2, 4, 4])
    """
    n = parent.size
    depth = np.zeros(n, dtype=np.int64)
    above = parent.copy()
    while (above >= 0).any():
        if depth.max() > n:
            raise ValueError("some sites hang in a circle")
        depth += above >= 0
        above = np.where(above >= 0, parent[above], -1)
    below = np.ones(n, dtype=np.int64)
    levels = [np.flatnonzero(depth == d) for d in range(int(depth.max()) + 1)]
    for level in levels[:0:-1]:
        np.add.at(below, parent[level], below[level])
    place = np.zeros(n, dtype=np.int64)
    for level in levels[1:]:
        siblings = level[np.argsort(parent[level], kind="stable")]
        before = np.cumsum(below[siblings]) - below[siblings]
        _, first = np.unique(parent[siblings], return_index=True)
        before -= np.repeat(before[first], np.diff(np.append(first, siblings.size)))
        place[siblings] = place[parent[siblings]] + 1 + before
    return Layout(parent.copy(), depth, place, place + below, np.argsort(place))
