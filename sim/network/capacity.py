"""What plain arithmetic says before any packet is sent: average offered rate against capacity.

Averages are over the meeting and hide bursts: a line that is full here is hopeless, one that is
not may still lose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.network.tree import Network
from sim.network.ways import composed_or_ended, sum_above, sum_below
from sim.scenario.model import HOUR_NS, HOURS, Background, Direction, Scenario

Float64Array = NDArray[np.float64]
_BIT_PER_S = 1e-6  # what sums of floats leave of nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Mean bit rates of the meeting, overhead included.

    Attributes
    ----------
    line_bps : (2n,) float64, of each direction: s is down, n + s is up
    egress_bps : (e,) float64, of all copies an egress sends
    """

    line_bps: Float64Array
    egress_bps: Float64Array


def offered(scenario: Scenario, network: Network) -> Offered:
    """Return what the streams offer to each line and egress, if nothing is lost.

    Relays that select count as if they passed on all: what they leave out depends on the floor.
    """
    n = len(network.sites)
    down_bps, floor_bps, passing_bps = np.zeros((n, 1)), 0.0, np.zeros(n)
    for stream in scenario.streams:
        wire_bps = float(stream.wire_bps)
        origins = np.array([network.index[site] for site in stream.origins], dtype=np.int64)
        if stream.direction == "down":
            down_bps[origins, 0] += wire_bps
        elif stream.direction == "up":
            # Added where it begins and taken away where it ends: the sum below a line between.
            passing_bps[origins] += wire_bps
            np.subtract.at(passing_bps, composed_or_ended(network, stream.to)[origins], wire_bps)
        else:
            floor_bps += wire_bps
    spoken_bps = np.zeros(n)
    for turn in scenario.agenda:
        share = (turn.until_ns - turn.at_ns) / scenario.duration_ns
        spoken_bps[network.index[turn.site]] += floor_bps * share
    down = sum_above(network, down_bps)[:, 0] + spoken_bps.sum()
    down -= np.where(network.relay, 0.0, spoken_bps)  # a leaf's own are not sent back to it
    up = sum_below(network, passing_bps + spoken_bps)
    up[up < _BIT_PER_S] = 0.0
    down[0] = up[0] = 0.0
    egress_bps = np.zeros(len(network.egresses))
    np.add.at(egress_bps, network.feed[1:], down[1:])
    return Offered(line_bps=np.concatenate([down, up]), egress_bps=egress_bps)


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
    others_bps = [
        0.0 if kind is None else _others_bps(kind.background, scenario.begins_ns)
        for kind in network.kinds
    ]
    bps = offered(scenario, network).line_bps
    kind = network.kind[: bps.size]  # backup lines follow, and carry nothing yet
    bps += np.array(others_bps)[kind]
    load: Float64Array = bps / np.array(limit_bps)[kind]
    return load


def egress_load(scenario: Scenario, network: Network) -> Float64Array:
    """Return the average load of each egress, overhead per copy aside, as `line_load` does.

    Returns
    -------
    (e,) float64
        NaN where copies enter their lines at once.
    """
    bps = offered(scenario, network).egress_bps
    return np.array(
        [
            (bps[e] + _others_bps(egress.background, scenario.begins_ns)) / rate_bps
            if (rate_bps := int(network.egress_rate_bps[e]))
            else np.nan
            for e, egress in enumerate(network.egresses)
        ]
    )


def _sustained_bps(direction: Direction, rate_bps: int) -> int:
    """Return the rate a direction can keep up, where its line leaves `rate_bps`."""
    policer = direction.policer
    return rate_bps if policer is None else min(rate_bps, policer.rate_bps)


def _others_bps(background: Background | None, time_of_day_ns: int) -> float:
    """Return the mean bit rate of others' packets; steady background sends none."""
    if background is None or background.kind == "steady":
        return 0.0
    rate_bps = background.rate_bps * background.profile[time_of_day_ns // HOUR_NS % HOURS]
    if background.kind == "poisson":
        return rate_bps
    return rate_bps * background.burst_ns / (background.burst_ns + background.silence_ns)
