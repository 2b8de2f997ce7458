"""The tables of joining: a row for each room, and the course of each signalling server."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.network.tree import Network
from sim.results.branches import branch_of
from sim.results.columns import NS_PER_MS, Column, Table, integers, ms, text
from sim.results.run import Results

Int64Array = NDArray[np.int64]


def joins(results: Results, where: Sequence[str]) -> Table:
    """Return how each room came and went, in preorder; `where` is each site's place.

    An instant that never was is not known, nor how long it took who did not call or was not let in.
    """
    found, network = results.joins, results.network
    site = np.flatnonzero(found.room)
    called_ns, joined_ns = found.called_ns[site], found.joined_ns[site]
    took_ns = np.where((called_ns >= 0) & (joined_ns >= 0), joined_ns - called_ns, -1)
    return (
        *room_columns(network, site, where),
        _instants("called_ms", called_ns),
        _instants("joined_ms", joined_ns),
        _instants("took_ms", took_ns),
        _instants("gave_up_ms", found.gave_up_ns[site]),
        _instants("left_ms", found.left_ns[site]),
        integers("tries", "1", found.tries[site]),
        integers("refusals", "1", found.refusals[site]),
        integers("timeouts", "1", found.timeouts[site]),
        integers("requests", "1", found.requests[site]),
        integers("retransmissions", "1", found.retransmissions[site]),
        integers("dropped", "1", found.dropped[site]),
    )


def servers(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each step of each signalling server: from when how many wait and work."""
    loads, sites = results.joins.servers, results.network.sites
    steps = [load.at_ns.size for load in loads]
    at_ns = [load.at_ns for load in loads]
    return (
        text("site", _repeated([sites[load.site].id for load in loads], steps)),
        text("place", _repeated([where[load.site] for load in loads], steps)),
        ms("at_ms", np.concatenate(at_ns)),
        integers("waiting", "1", np.concatenate([load.waiting for load in loads])),
        integers("busy", "1", np.concatenate([load.busy for load in loads])),
        integers("workers", "1", np.repeat([load.workers for load in loads], steps)),
    )


def room_columns(network: Network, sites: Int64Array, where: Sequence[str]) -> tuple[Column, ...]:
    """Return who and where some rooms are: site, name, place, tier and branch."""
    rows = sites.tolist()
    branches = branch_of(network)[sites].tolist()
    return (
        text("site", [network.sites[s].id for s in rows]),
        text("name", [network.sites[s].name for s in rows]),
        text("place", [where[s] for s in rows]),
        text("tier", [network.sites[s].tier for s in rows]),
        text("branch", [network.sites[s].id if s else "" for s in branches]),
    )


def _instants(name: str, at_ns: Int64Array) -> Column:
    """Return a column of instants in ms; -1 is none."""
    values = np.where(at_ns >= 0, at_ns / NS_PER_MS, np.nan)
    return Column(name=name, unit="ms", values=values)


def _repeated(texts: list[str], times: list[int]) -> list[str]:
    return [each for each, count in zip(texts, times, strict=True) for _ in range(count)]
