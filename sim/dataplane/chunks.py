"""Chunks: the tree cut into subtrees that threads can replay on their own.

The crown, replayed first, holds the relays above the cuts. A chunk is a range of places in
preorder, and a site's parent is in the crown or earlier in the same chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.network.layout import Layout
from sim.network.tree import Network

CHUNKS_PER_THREAD = 4  # so that no thread waits long for the largest chunk


@dataclass(frozen=True, slots=True)
class Chunks:
    """A partition of the sites.

    Attributes
    ----------
    visits : the crown's sites, then each chunk's, as int64 arrays, in preorder
    chunk : (n,) int64, which of them each site is in
    slot : (e,) int64, where each egress keeps its copies while its children are replayed
    slots : how many places that takes
    """

    visits: list[NDArray[np.int64]]
    chunk: NDArray[np.int64]
    slot: NDArray[np.int64]
    slots: int


def cut(network: Network, layout: Layout, *, threads: int) -> Chunks:
    """Return the tree in a crown and chunks of about equal numbers of sites."""
    n = len(network.sites)
    ends, relays = layout.end[layout.order].tolist(), network.relay[layout.order].tolist()
    most = n if threads == 1 else -(-n // (threads * CHUNKS_PER_THREAD))
    crown = [0]
    ranges: list[tuple[int, int]] = []
    s = 1
    while s < n:
        end = ends[s]
        if end - s > most and relays[s]:
            crown.append(s)
            s += 1
            continue
        if ranges and ranges[-1][1] == s and end - ranges[-1][0] <= most:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((s, end))
        s = end
    visits = [layout.order[np.array(crown, dtype=np.int64)]]
    visits += [layout.order[first:end] for first, end in ranges]
    chunk_of = np.empty(n, dtype=np.int64)
    for number, sites in enumerate(visits):
        chunk_of[sites] = number

    # In the crown every egress has its place. In a chunk one path is open at a time, so a
    # place per depth is enough.
    first = network.site_egress_first
    ordinal = np.arange(len(network.egresses)) - first[network.egress_site]
    widest = int(ordinal.max(initial=0)) + 1
    place = layout.depth[network.egress_site] * widest + ordinal
    depths = (int(layout.depth.max(initial=0)) + 1) * widest
    slot = np.empty(len(network.egresses), dtype=np.int64)
    chunk_of_egress = chunk_of[network.egress_site]
    in_crown = chunk_of_egress == 0
    slot[in_crown] = np.arange(in_crown.sum())
    slots = int(in_crown.sum())
    for chunk in range(1, len(visits)):
        here = chunk_of_egress == chunk
        slot[here] = slots + place[here]
        slots += depths
    return Chunks(visits=visits, chunk=chunk_of, slot=slot, slots=slots)
