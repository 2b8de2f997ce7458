"""What the kernels' arrays hold before the first packet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.chunks import Chunks
from sim.dataplane.gates import new_gates
from sim.dataplane.histograms import Histograms
from sim.dataplane.kernels import arrays
from sim.dataplane.kernels.background import quiet_backgrounds, start_backgrounds
from sim.dataplane.kernels.egress import NO_INTERFACE
from sim.dataplane.kernels.policer import full_buckets
from sim.dataplane.services import Services
from sim.network.layout import Layout
from sim.network.tree import Network
from sim.scenario.memory import most_waiting
from sim.scenario.model import FOREVER_NS, PARENT, Direction, Egress, Scenario

Int64Array = NDArray[np.int64]


def new_tree(
    scenario: Scenario,
    network: Network,
    layout: Layout,
    chunks: Chunks,
    histograms: Histograms,
    watch: frozenset[int],
) -> arrays.Tree:
    """Return how the sites hang together when all use their primary lines."""
    n, streams = len(network.sites), scenario.streams
    watched = np.zeros(n, dtype=np.bool_)
    watched[list(watch)] = True
    watched = watched[network.direction_site]
    egress = np.repeat(np.arange(len(network.egresses)), np.diff(network.child_first))
    serves = (network.child_line == network.children) & (network.feed[network.children] == egress)
    down = np.array([stream.direction == "down" for stream in streams], dtype=np.bool_)
    floor = np.array([stream.direction == "floor" for stream in streams], dtype=np.bool_)
    ends = [
        len(network.tiers)
        if stream.to == PARENT
        else network.tiers.index(stream.to)
        if stream.direction == "up"
        else 0
        for stream in streams
    ]
    sends_down = np.zeros(n, dtype=np.bool_)
    for stream in streams:
        if stream.direction == "down":
            sends_down[[network.index[origin] for origin in stream.origins]] = True
    sends_down[0] = True  # also what has come up to it
    ports = [port for port in (*network.kinds, *network.egresses) if port is not None]
    speaks = np.zeros(n, dtype=np.bool_)
    speaks[[network.index[turn.site] for turn in scenario.agenda]] = True
    ends_next = all_ends_next(scenario, network)
    gates = new_gates(scenario, network)
    # What a relay's own room sends down does not go up.
    rises = ends_next & ~sends_down & ~gates.stopping[network.parent]
    return arrays.Tree(
        feed=network.feed.copy(),
        rank=network.rank.copy(),
        relay=network.relay,
        room=network.room,
        hop=np.arange(network.kind.size),
        site=network.direction_site,
        rises=goes_up(network),
        watched=watched,
        plain=plain(network, hears=~speaks, rises=rises) & ~watched,
        processing_ns=network.processing_ns,
        propagation_ns=network.propagation_ns.copy(),
        site_egress_first=network.site_egress_first,
        child_first=network.child_first,
        children=network.children,
        child_row=np.array([network.down(k) for k in network.child_line.tolist()], dtype=np.int64),
        serves=serves,
        served=np.bincount(egress[serves], minlength=len(network.egresses)).astype(np.int64),
        leading=served_first(serves, network.child_first),
        orphan=np.zeros(serves.size, dtype=np.bool_),
        orphans=np.zeros(len(network.egresses), dtype=np.int64),
        slot=chunks.slot,
        dark_after_ns=scenario.dark_after_ns,
        parent=layout.parent.copy(),
        chunk=chunks.chunk,
        place=layout.place,
        end=layout.end,
        owner=network.egress_site,
        tier=network.tier,
        order=network.order,
        sends_down=sends_down,
        mixed=np.zeros(1, dtype=np.bool_),
        ends_next=ends_next,
        speaker=speaks,
        down=down,
        floor=floor,
        goes_down=down | floor,
        ends=np.array(ends, dtype=np.int64),
        composite=np.array([stream.composite for stream in streams], dtype=np.bool_),
        transcoding_ns=network.transcoding_ns,
        gates=gates,
        precedence=np.array([stream.precedence for stream in streams], dtype=np.int64),
        lowest=max((stream.precedence for stream in streams), default=0),
        shows=shows_pictures(scenario, network),
        pictures=np.array([shows_pictures(scenario, network).any()]),
        passes=np.ones((1, len(streams)), dtype=np.bool_),
        playout_ns=np.array(
            [stream.playout_ns or FOREVER_NS for stream in streams], dtype=np.int64
        ),
        most_others=max([most_waiting(port) for port in ports], default=0),
        line_histogram=histograms.line_row,
        room_histogram=histograms.room_row,
    )


def shows_pictures(scenario: Scenario, network: Network) -> arrays.Bools:
    """Return of which streams a whole key frame lights a dark room: those that the root sends."""
    root = network.sites[0].id
    return np.array(
        [
            stream.direction == "down" and stream.key_every > 0 and root in stream.origins
            for stream in scenario.streams
        ],
        dtype=np.bool_,
    )


def all_ends_next(scenario: Scenario, network: Network) -> arrays.Bools:
    """Return at which sites all that ever goes up is their own room's, and ends at the next relay.

    Nothing goes up beyond the relay above its origin but what has the floor, and what says so. It
    may go over any line, primary or backup.
    """
    passes = np.zeros(len(network.sites), dtype=np.bool_)
    passes[0] = True
    passes[[network.index[turn.site] for turn in scenario.agenda]] = True
    for stream in scenario.streams:
        if stream.direction == "up" and (stream.composite or stream.to != PARENT):
            passes[[network.index[origin] for origin in stream.origins]] = True
    lower, upper = network.line_site, np.maximum(network.line_parent, 0)
    while not passes[upper[passes[lower]]].all():
        passes[upper[passes[lower]]] = True
    return ~passes


def plain(network: Network, *, hears: arrays.Bools, rises: arrays.Bools) -> arrays.Bools:
    """Return which directions may be replayed abreast while nothing happens to them.

    They have no policer and no packets of others. Down, they lead to leaves.

    Parameters
    ----------
    hears : (n,) whether the site's room, if there is one, hears all that comes down
    rises : (n,) whether all that the site sends and passes on is its room's own, goes up, and ends
        at a relay that has no gate
    """
    simple = [
        port is not None
        and port.policer is None
        and (port.background is None or port.background.kind == "steady")
        for port in network.kinds
    ]
    hearing = ~network.relay & network.room & hears
    site = network.direction_site
    possible = np.where(goes_up(network), rises[site], hearing[site])
    possible &= np.array(simple, dtype=np.bool_)[network.kind]
    return possible


def goes_up(network: Network) -> arrays.Bools:
    """Return which directions go up."""
    n, b = len(network.sites), len(network.backups)
    return np.repeat([False, True, False, True], [n, n, b, b])


def served_first(serves: arrays.Bools, child_first: Int64Array) -> Int64Array:
    """Return how many children each egress serves before the first that it does not serve."""
    found = [
        int(np.argmin(np.append(serves[low:high], False)))
        for low, high in pairwise(child_first.tolist())
    ]
    return np.array(found, dtype=np.int64)


def new_lines(scenario: Scenario, network: Network, services: Services) -> arrays.Lines:
    """Return every direction up, idle and empty."""
    kinds, kind = network.kinds, network.kind
    n = kind.size
    service, drain_ns = [], []
    for each, rate_bps in zip(kinds, network.kind_rate_bps.tolist(), strict=True):
        service.append(0 if each is None else services.row(rate_bps, 0))
        drain_ns.append(0 if each is None else services.full_ns(each, rate_bps, 0))
    ports = [kinds[k] for k in kind.tolist()]
    return arrays.Lines(
        up=np.ones(n, dtype=np.bool_),
        in_use=np.arange(n) < 2 * len(network.sites),
        service=np.array(service, dtype=np.int64)[kind],
        drain_ns=np.array(drain_ns, dtype=np.int64)[kind],
        free_ns=np.zeros(n, dtype=np.int64),
        buckets=arrays.Buckets(*(column[kind] for column in full_buckets(kinds))),
        accepted=np.zeros(n, dtype=np.int64),
        carried_at=np.zeros(n, dtype=np.int64),
        carried=np.zeros(n, dtype=np.int64),
        room_up=np.ones(n, dtype=np.bool_),
        fed=np.ones(n, dtype=np.bool_),
        present=np.ones(n, dtype=np.bool_),
        passes=np.zeros(n, dtype=np.int64),
        priority=prioritised(kinds)[kind],
        others=new_others(scenario, ports, network.background_key.copy(), services),
        replayed=np.zeros(len(network.sites), dtype=np.bool_),
    )


def new_egresses(scenario: Scenario, network: Network, services: Services) -> arrays.Egresses:
    """Return every egress idle and empty."""
    e = len(network.egresses)
    ports = [egress if egress.rate_bps else None for egress in network.egresses]
    service, drain_ns = np.full(e, NO_INTERFACE, dtype=np.int64), np.zeros(e, dtype=np.int64)
    for i, egress in enumerate(ports):
        if egress is not None:
            rate_bps = int(network.egress_rate_bps[i])
            service[i] = services.row(rate_bps, egress.overhead_ns)
            drain_ns[i] = services.full_ns(egress, rate_bps, egress.overhead_ns)
    return arrays.Egresses(
        service=service,
        drain_ns=drain_ns,
        free_ns=np.zeros(e, dtype=np.int64),
        carried_at=np.zeros(e, dtype=np.int64),
        carried=np.zeros(e, dtype=np.int64),
        priority=prioritised(ports),
        others=new_others(scenario, ports, network.egress_background_key, services),
    )


def prioritised(ports: Sequence[Direction | Egress | None]) -> arrays.Bools:
    """Return which transmitters have classes."""
    return np.array(
        [port is not None and port.scheduling == "priority" for port in ports], dtype=np.bool_
    )


def new_others(
    scenario: Scenario,
    ports: Sequence[Direction | Egress | None],
    keys: NDArray[np.uint64],
    services: Services,
) -> arrays.Backgrounds:
    """Return the sources of background of some transmitters, each with its first draw made."""
    backgrounds = [None if port is None else port.background for port in ports]
    sizes = [background.packet_bytes for background in backgrounds if background is not None]
    services.reach(max(sizes, default=0))
    others = quiet_backgrounds(
        backgrounds, keys, begins_ns=scenario.begins_ns, until_ns=scenario.duration_ns
    )
    start_backgrounds(others)
    return others
