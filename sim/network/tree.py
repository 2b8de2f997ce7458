"""The relay tree as arrays, in the one order that everything else relies on.

Sites are numbered in preorder, children by id as UTF-8 bytes: a parent comes before its
children, a subtree is a contiguous range, and the order of sites in the user's file leaves no
trace. Only primary lines are here; the line of site `s` is line `s`, and the root has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim import rng
from sim.scenario.model import Egress, Line, Relay, Scenario, Site

Int64Array = NDArray[np.int64]


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
    sites = _preorder(scenario.sites)
    n = len(sites)
    index = {site.id: number for number, site in enumerate(sites)}
    parent = np.array([index.get(site.parent, -1) for site in sites], dtype=np.int64)
    depth = np.zeros(n, dtype=np.int64)
    for s in range(1, n):
        depth[s] = depth[parent[s]] + 1
    end = np.arange(1, n + 1, dtype=np.int64)
    for s in range(n - 1, 0, -1):
        end[parent[s]] = max(end[parent[s]], end[s])

    lines: list[Line | None] = [None] * n
    for line in scenario.lines:
        if line.role == "primary":
            lines[index[line.site]] = line
    relays = {relay.site: relay for relay in scenario.relays}
    processing_ns = [relays[site.id].processing_ns if site.id in relays else 0 for site in sites]
    propagation_ns = [0 if line is None else line.propagation_ns for line in lines]
    ports = _ports(sites, lines, parent, relays)

    def keys(purpose: str) -> NDArray[np.uint64]:
        return np.array(
            [rng.key(scenario.seed, f"line/{site.id}/down", purpose) for site in sites],
            dtype=np.uint64,
        ).reshape(n, 2)

    return Network(
        sites=tuple(sites),
        lines=tuple(lines),
        index=index,
        tiers=scenario.tiers,
        tier=np.array([scenario.tiers.index(site.tier) for site in sites], dtype=np.int64),
        parent=parent,
        depth=depth,
        end=end,
        room=np.array([site.room for site in sites], dtype=np.bool_),
        relay=end - np.arange(n) > 1,
        processing_ns=np.array(processing_ns, dtype=np.int64),
        propagation_ns=np.array(propagation_ns, dtype=np.int64),
        egresses=tuple(ports.egresses),
        egress_site=np.array(ports.site, dtype=np.int64),
        site_egress_first=np.array(ports.site_first, dtype=np.int64),
        child_first=np.cumsum([0, *(len(children) for children in ports.fed)], dtype=np.int64),
        children=np.array([child for fed in ports.fed for child in fed], dtype=np.int64),
        feed=ports.feed,
        rank=ports.rank,
        loss_gap_key=keys("loss gap"),
        loss_state_key=keys("loss state"),
    )


def _preorder(sites: Iterable[Site]) -> list[Site]:
    """Return the sites with each parent before its children, children by id as UTF-8 bytes."""
    below: dict[str, list[Site]] = {}
    for site in sorted(sites, key=lambda site: site.id.encode()):
        below.setdefault(site.parent, []).append(site)
    ordered: list[Site] = []
    waiting = list(below[""])
    while waiting:
        site = waiting.pop()
        ordered.append(site)
        waiting.extend(reversed(below.get(site.id, [])))
    return ordered


class _Ports(NamedTuple):
    """The egresses of all relays and the lines they feed; see `Network`."""

    egresses: list[Egress]
    site: list[int]
    site_first: list[int]
    fed: list[list[int]]
    feed: Int64Array
    rank: Int64Array


def _ports(
    sites: Sequence[Site],
    lines: Sequence[Line | None],
    parent: Int64Array,
    relays: Mapping[str, Relay],
) -> _Ports:
    """Return each relay's egresses by carrier, and give each line to one of its parent's.

    In preorder a parent comes before its children, so its egresses are numbered by then, and
    siblings come in order of their ids.
    """
    n = len(sites)
    nowhere = np.full(n, -1, dtype=np.int64)
    ports = _Ports([], [], [0], [], nowhere, nowhere.copy())
    number: dict[tuple[int, str], int] = {}
    for s, site in enumerate(sites):
        line = lines[s]
        if line is not None:
            above = int(parent[s])
            e = number.get((above, line.carrier), number.get((above, ""), -1))
            ports.feed[s], ports.rank[s] = e, len(ports.fed[e])
            ports.fed[e].append(s)
        own = relays[site.id].egresses if site.id in relays else ()
        for egress in sorted(own, key=lambda egress: egress.carrier.encode()):
            number[s, egress.carrier] = len(ports.egresses)
            ports.egresses.append(egress)
            ports.site.append(s)
            ports.fed.append([])
        ports.site_first.append(len(ports.egresses))
    return ports
