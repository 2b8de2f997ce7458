"""Policers in kernels: token buckets, kept as what is missing to a full one.

Tokens are nanobits, 10**-9 bit, so a rate in bit/s is a whole number of them per ns. A packet
that is refused takes nothing, so only packets that pass change what is kept. int64 holds it all: a
full bucket is at most 8 * 10**18 nanobits, a packet less than 6 * 10**14, and what comes in is
multiplied out only where it does not fill the bucket.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.compiled import kernel
from sim.dataplane.kernels.arrays import Buckets
from sim.scenario.model import Direction

NBIT_PER_BYTE = 8 * 10**9


def full_buckets(directions: Sequence[Direction | None]) -> Buckets:
    """Return the policers of directions, each bucket full; a burst of 0 is none."""
    n = len(directions)
    rate_bps, burst_nbit = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for d, direction in enumerate(directions):
        if direction is not None and direction.policer is not None:
            rate_bps[d] = direction.policer.rate_bps
            burst_nbit[d] = direction.policer.burst_bytes * NBIT_PER_BYTE
    return Buckets(
        rate_bps=rate_bps,
        burst_nbit=burst_nbit,
        missing_nbit=np.zeros(n, dtype=np.int64),
        at_ns=np.zeros(n, dtype=np.int64),
    )


@kernel
def take_tokens(d, at_ns, size_bytes, buckets):
    """Let a packet through the policer of `d`, or not; return whether it found its tokens."""
    rate_bps = buckets.rate_bps[d]
    missing_nbit = buckets.missing_nbit[d]
    gone_ns = at_ns - buckets.at_ns[d]
    if gone_ns > missing_nbit // rate_bps:
        missing_nbit = 0
    else:
        missing_nbit -= gone_ns * rate_bps
    missing_nbit += size_bytes * NBIT_PER_BYTE
    if missing_nbit > buckets.burst_nbit[d]:
        return False
    buckets.missing_nbit[d] = missing_nbit
    buckets.at_ns[d] = at_ns
    return True
