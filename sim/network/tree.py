"""The relay tree as arrays, in the one order that everything else relies on.

Sites are numbered in preorder, children by id as UTF-8 bytes: a parent comes before its
children, a subtree is a contiguous range, and the order of sites in the user's file leaves no
trace. Only primary lines are here; the line of site `s` is line `s`, and the root has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim import rng
from sim.scenario.model import Egress, Line, Relay, Scenario, Site

Int64Array = NDArray[np.int64]
Int32Array = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A tree of n sites with their primary lines and e egresses.

    Attributes
    ----------
    sites : n Site, in preorder
    lines : n Line or None (the root's), the primary line of each site
    index : site id -> number
    tiers : tier names, root first
    tier : (n,) int64, index into `tiers`
    parent : (n,) int64, -1 for the root
    depth : (n,) int64, 0 for the root
    end : (n,) int64; the subtree of s is s .. end[s]-1
    branch : (n,) int64, the site's ancestor (or self) just below the root; -1 for the root
    room : (n,) bool, whether the site has an endpoint
    relay : (n,) bool, whether the site has children
    processing_ns : (n,) int64, of the site's relay; 0 at leaves
    propagation_ns : (n,) int64, of the site's line; 0 for the root
    egresses : e Egress, by relay, then by carrier as UTF-8 bytes
    egress_site : (e,) int64, the relay it belongs to
    site_egress_first : (n + 1,) int64; the egresses of s are site_egress_first[s] .. [s+1]-1
    child_first : (e + 1,) int64; the children egress j feeds are children[child_first[j] : [j+1]]
    children : (n - 1,) int64, site numbers, by id within an egress
    feed : (n,) int64, the egress that feeds the site's line; -1 for the root
    rank : (n,) int64, the site's place among the children of its egress; -1 for the root
    loss_gap_key, loss_state_key : (n, 2) uint64, keys of the down direction's draws
    """

    sites: tuple[Site, ...]
    lines: tuple[Line | None, ...]
    index: dict[str, int]
    tiers: tuple[str, ...]
    tier: Int64Array
    parent: Int64Array
    depth: Int64Array
    end: Int64Array
    branch: Int64Array
    room: NDArray[np.bool_]
    relay: NDArray[np.bool_]
    processing_ns: Int64Array
    propagation_ns: Int64Array
    egresses: tuple[Egress, ...]
    egress_site: Int64Array
    site_egress_first: Int64Array
    child_first: Int64Array
    children: Int64Array
    feed: Int64Array
    rank: Int64Array
    loss_gap_key: NDArray[np.uint64]
    loss_state_key: NDArray[np.uint64]

    def path(self, site: int) -> list[int]:
        """Return the sites from just below the root down to `site`."""
        path = []
        while site > 0:
            path.append(site)
            site = int(self.parent[site])
        return path[::-1]


def build_network(scenario: Scenario) -> Network:
    """Return the scenario's tree as arrays."""
    below: dict[str, list[Site]] = {}
    for site in sorted(scenario.sites, key=lambda site: site.id.encode()):
        below.setdefault(site.parent, []).append(site)
    sites: list[Site] = []
    waiting = list(below[""])
    while waiting:
        site = waiting.pop()
        sites.append(site)
        waiting.extend(reversed(below.get(site.id, [])))
    n = len(sites)
    index = {site.id: number for number, site in enumerate(sites)}

    parent = np.array([index.get(site.parent, -1) for site in sites], dtype=np.int64)
    depth = np.zeros(n, dtype=np.int64)
    branch = np.full(n, -1, dtype=np.int64)
    for s in range(1, n):
        depth[s] = depth[parent[s]] + 1
        branch[s] = s if parent[s] == 0 else branch[parent[s]]
    end = np.arange(1, n + 1, dtype=np.int64)
    for s in range(n - 1, 0, -1):
        end[parent[s]] = max(end[parent[s]], end[s])
    relay = end - np.arange(n) > 1

    primary: list[Line | None] = [None] * n
    for line in scenario.lines:
        if line.role == "primary":
            primary[index[line.site]] = line
    relays: dict[str, Relay] = {relay.site: relay for relay in scenario.relays}

    processing_ns = np.zeros(n, dtype=np.int64)
    egresses: list[Egress] = []
    egress_site: list[int] = []
    site_egress_first = np.zeros(n + 1, dtype=np.int64)
    fed: list[list[int]] = []
    feed = np.full(n, -1, dtype=np.int64)
    rank = np.full(n, -1, dtype=np.int64)
    for s, site in enumerate(sites):
        if relay[s]:
            own = relays[site.id]
            processing_ns[s] = own.processing_ns
            of_carrier: dict[str, int] = {}
            for egress in sorted(own.egresses, key=lambda egress: egress.carrier.encode()):
                of_carrier[egress.carrier] = len(egresses)
                egresses.append(egress)
                egress_site.append(s)
                fed.append([])
            for child_site in below[site.id]:
                child = index[child_site.id]
                above = primary[child]
                assert above is not None, "only the root has no line"
                e = of_carrier.get(above.carrier, of_carrier.get("", -1))
                feed[child], rank[child] = e, len(fed[e])
                fed[e].append(child)
        site_egress_first[s + 1] = len(egresses)

    def keys(purpose: str) -> NDArray[np.uint64]:
        return np.array(
            [rng.key(scenario.seed, f"line/{site.id}/down", purpose) for site in sites],
            dtype=np.uint64,
        ).reshape(n, 2)

    return Network(
        sites=tuple(sites),
        lines=tuple(primary),
        index=index,
        tiers=scenario.tiers,
        tier=np.array([scenario.tiers.index(site.tier) for site in sites], dtype=np.int64),
        parent=parent,
        depth=depth,
        end=end,
        branch=branch,
        room=np.array([site.room for site in sites], dtype=np.bool_),
        relay=relay,
        processing_ns=processing_ns,
        propagation_ns=np.array(
            [0 if line is None else line.propagation_ns for line in primary], dtype=np.int64
        ),
        egresses=tuple(egresses),
        egress_site=np.array(egress_site, dtype=np.int64),
        site_egress_first=site_egress_first,
        child_first=np.cumsum([0, *(len(children) for children in fed)], dtype=np.int64),
        children=np.array([child for children in fed for child in children], dtype=np.int64),
        feed=feed,
        rank=rank,
        loss_gap_key=keys("loss gap"),
        loss_state_key=keys("loss state"),
    )
