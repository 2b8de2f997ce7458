"""What plain arithmetic says before any packet is sent: average offered rate against capacity.

Averages are over the meeting and hide bursts: a line that is full here is hopeless, one that is
not may still lose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.network.others import others_bps
from sim.network.tree import Network
from sim.network.ways import composed_or_ended, sum_above, sum_below
from sim.scenario.model import Direction, Scenario

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]
_BIT_PER_S = 1e-6  # what sums of floats leave of nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Mean bit rates of the meeting, overhead included.

    Attributes
    ----------
    line_bps : (2n,) float64, of each direction: s is down, n + s is up
    egress_bps : (e,) float64, of all copies an egress sends; of a server when all of its pool have
        as many lines
    egress_packets_per_s : (e,) float64, how many copies those are
    """

    line_bps: Float64Array
    egress_bps: Float64Array
    egress_packets_per_s: Float64Array


def offered(scenario: Scenario, network: Network) -> Offered:
    """Return what the streams offer to each line and egress, if nothing is lost.

    Relays that select count as if they passed on all: what they leave out depends on the floor.
    """
    n = len(network.sites)
    # Two columns: bit/s, and packets a second.
    down, floor, spoken = np.zeros((n, 2)), np.zeros(2), np.zeros((n, 2))
    passing_bps = np.zeros(n)
    for stream in scenario.streams:
        rates = float(stream.wire_bps), float(stream.packets_per_s)
        origins = np.array([network.index[site] for site in stream.origins], dtype=np.int64)
        if stream.direction == "down":
            down[origins] += rates
        elif stream.direction == "up":
            # Added where it begins and taken away where it ends: the sum below a line between.
            passing_bps[origins] += rates[0]
            np.subtract.at(passing_bps, composed_or_ended(network, stream.to)[origins], rates[0])
        else:
            floor += rates
    for turn in scenario.agenda:
        share = (turn.until_ns - turn.at_ns) / scenario.duration_ns
        spoken[network.index[turn.site]] += floor * share
    copies = sum_above(network, down) + spoken.sum(axis=0)
    copies[~network.relay] -= spoken[~network.relay]  # a leaf's own are not sent back to it
    up = sum_below(network, passing_bps + spoken[:, 0])
    up[up < _BIT_PER_S] = 0.0
    copies[0] = up[0] = 0.0
    of_egresses = _per_egress(network, copies)
    return Offered(
        line_bps=np.concatenate([copies[:, 0], up]),
        egress_bps=of_egresses[:, 0],
        egress_packets_per_s=of_egresses[:, 1],
    )


def first_servers(network: Network) -> Int64Array:
    """Return the first egress of each one's pool, (e,); where there is no pool, itself."""
    first = np.arange(len(network.egresses))
    server = np.array([bool(egress.server) for egress in network.egresses], dtype=np.bool_)
    first[server] = network.site_egress_first[network.egress_site[server]]
    return first


def _per_egress(network: Network, copies: Float64Array) -> Float64Array:
    """Return the sums over the lines that each egress feeds, (n, k) -> (e, k).

    The lines of a pool count as spread evenly over its servers: who has which is only known in
    the run.
    """
    pool = first_servers(network)
    total = np.zeros((len(network.egresses), copies.shape[1]))
    np.add.at(total, pool[network.feed[1:]], copies[1:])
    servers = np.bincount(pool, minlength=pool.size)
    share: Float64Array = total[pool] / servers[pool, None]
    return share


def line_load(scenario: Scenario, network: Network) -> Float64Array:
    """Return the average load of each direction of a primary line when the meeting begins.

    Returns
    -------
    (2n,) float64
        Share of what the direction can sustain beside steady background, (n + s is up), with the
        packets of others; NaN for the root, which has no line.
    """
    limit_bps = [
        np.nan if kind is None else _sustained_bps(kind, rate_bps)
        for kind, rate_bps in zip(network.kinds, network.kind_rate_bps.tolist(), strict=True)
    ]
    of_others_bps = [
        0.0 if kind is None else others_bps(kind.background, scenario.begins_ns)
        for kind in network.kinds
    ]
    bps = offered(scenario, network).line_bps
    primary = network.kind[: bps.size]
    bps += np.array(of_others_bps)[primary]
    load: Float64Array = bps / np.array(limit_bps)[primary]
    return load


def egress_load(scenario: Scenario, network: Network) -> Float64Array:
    """Return the average load of each egress, as `line_load` does.

    Returns
    -------
    (e,) float64
        The share of its time that it sends, with what its copies cost beside their bits; NaN where
        copies enter their lines at once.
    """
    sums = offered(scenario, network)
    return np.array(
        [
            (sums.egress_bps[e] + others_bps(egress.background, scenario.begins_ns)) / rate_bps
            + sums.egress_packets_per_s[e] * egress.overhead_ns / 10**9
            if (rate_bps := int(network.egress_rate_bps[e]))
            else np.nan
            for e, egress in enumerate(network.egresses)
        ]
    )


def _sustained_bps(direction: Direction, rate_bps: int) -> int:
    """Return the rate a direction can keep up, where its line leaves `rate_bps`."""
    policer = direction.policer
    return rate_bps if policer is None else min(rate_bps, policer.rate_bps)
