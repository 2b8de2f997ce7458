"""What plain arithmetic says before any packet is sent: average offered rate against capacity.

Averages hide bursts: a line that is full here is hopeless, one that is not may still lose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.network.tree import Network

Float64Array = NDArray[np.float64]


def line_load(network: Network, *, offered_bps: float) -> Float64Array:
    """Return the average load of each site's line, down, as a share of what it can sustain.

    Parameters
    ----------
    offered_bps : mean bit rate of everything the origin sends, overhead included

    Returns
    -------
    (n,) float64
        NaN for the root, which has no line.
    """
    return np.array(
        [
            np.nan if line is None else offered_bps / line.down.sustained_bps
            for line in network.lines
        ]
    )


def egress_load(network: Network, *, offered_bps: float) -> Float64Array:
    """Return the average load of each egress as a share of its rate, overhead per copy aside.

    Returns
    -------
    (e,) float64
        NaN where copies enter their lines at once.
    """
    children = np.diff(network.child_first)
    return np.array(
        [
            offered_bps * int(fed) / egress.rate_bps if egress.rate_bps else np.nan
            for egress, fed in zip(network.egresses, children, strict=True)
        ]
    )
