"""Transmitters: how long they take to send a packet, and all that their memory holds."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

NS_PER_S = 10**9


def send_ns(size_bytes: ArrayLike, *, rate_bps: int, overhead_ns: int = 0) -> NDArray[np.int64]:
    """Return how long packets take to send: to the nearest ns, halves up, at least 1; same shape.

    Examples
    --------
    >>> send_ns([1202, 1], rate_bps=100_000_000).tolist()
    [96160, 80]
    """
    bits = np.asarray(size_bytes, dtype=np.int64) * (8 * NS_PER_S)
    rounded_ns = overhead_ns + (bits + rate_bps // 2) // rate_bps
    service_ns: NDArray[np.int64] = np.maximum(rounded_ns, 1)
    return service_ns


@cache  # thousands of lines are alike
def drain_ns(*, rate_bps: int, buffer_bytes: int, mtu_bytes: int, overhead_ns: int = 0) -> int:
    """Return how long a full buffer takes to send, ns.

    A buffer of N packets of the MTU's size takes exactly N of them.

    Examples
    --------
    >>> drain_ns(rate_bps=12_000_000, buffer_bytes=15_000, mtu_bytes=1500)
    10000000
    """
    service_ns = int(send_ns(mtu_bytes, rate_bps=rate_bps, overhead_ns=overhead_ns))
    return -(-buffer_bytes * service_ns // mtu_bytes)
