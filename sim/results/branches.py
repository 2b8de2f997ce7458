"""Branches: what hangs on one child of the root, such as a province."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.network.tree import Network

Int64Array = NDArray[np.int64]


def branch_of(network: Network) -> Int64Array:
    """Return the child of the root on whose branch each site is, (n,) int64; 0 for the root."""
    first = np.flatnonzero(network.parent == 0)
    # Sites are in preorder, so a branch is all that follows its first site.
    place = np.searchsorted(first, np.arange(network.parent.size), side="right")
    branches: Int64Array = np.concatenate([[0], first])[place]
    return branches
