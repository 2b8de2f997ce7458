"""Turns of the agenda: how soon the rooms saw each new speaker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import Tally, TurnCount
from sim.metrics.histogram import order_statistic
from sim.metrics.measures import Turns, Waits
from sim.network.tree import Network
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]


def turns(scenario: Scenario, network: Network, tally: Tally, packets: Int64Array) -> Turns:
    """Return how each change of speaker went.

    Parameters
    ----------
    packets : (t,) int64, packets of each turn's first frame
    """
    site = np.array([network.index[turn.site] for turn in scenario.agenda], dtype=np.int64)
    rooms = np.zeros(site.size, dtype=np.int64)
    first_ns, whole_ns = [], []
    for t, turn in enumerate(scenario.agenda):
        others = network.room & (packets[t] > 0)
        others[site[t]] = False
        rooms[t] = np.count_nonzero(others)
        seen = tally.turn[others, t]
        came = seen[:, TurnCount.PACKETS]
        first_ns.append(_since(turn.at_ns, seen[:, TurnCount.FIRST_NS], came > 0))
        whole_ns.append(_since(turn.at_ns, seen[:, TurnCount.LAST_NS], came == packets[t]))
    return Turns(
        site=site, packets=packets, rooms=rooms, first=_waits(first_ns), whole=_waits(whole_ns)
    )


def _since(start_ns: int, at_ns: Int64Array, there: NDArray[np.bool_]) -> Float64Array:
    since: Float64Array = np.where(there, at_ns - start_ns, np.nan)
    return since


def _waits(waits_ns: list[Float64Array]) -> Waits:
    """Return the figures of each turn; (rooms that should have it,) float64 each, NaN: never."""

    def within(share: float) -> Float64Array:
        return np.array(
            [order_statistic(each, share)[1] if each.size else np.nan for each in waits_ns],
            dtype=np.float64,
        )

    return Waits(
        rooms=np.array([np.count_nonzero(~np.isnan(each)) for each in waits_ns], dtype=np.int64),
        p50_ns=within(0.5),
        p95_ns=within(0.95),
        max_ns=np.array(
            [np.fmax.reduce(each, initial=np.nan) for each in waits_ns], dtype=np.float64
        ),
    )
