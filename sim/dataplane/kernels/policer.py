"""Policers in kernels: token buckets, kept as what is missing to a full one.

Tokens are nanobits, 10**-9 bit, so a rate in bit/s is a whole number of them per ns. A packet
that is refused takes nothing, so only packets that pass change what is kept. int64 holds it all: a
full bucket is at most 8 * 10**18 nanobits, a packet less than 6 * 10**14, and what comes in is
multiplied out only where it does not fill the bucket.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.dataplane.kernels.arrays import Buckets
from sim.dataplane.kernels.compiled import kernel
from sim.scenario.model import Line

NBIT_PER_BYTE = 8 * 10**9


def full_buckets(lines: Sequence[Line | None]) -> Buckets:
    """Return the policers of the down directions, each bucket full; a burst of 0 is none."""
    n = len(lines)
    rate_bps, burst_nbit = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for s, line in enumerate(lines):
        if line is not None and line.down.policer is not None:
            rate_bps[s] = line.down.policer.rate_bps
            burst_nbit[s] = line.down.policer.burst_bytes * NBIT_PER_BYTE
    return Buckets(
        rate_bps=rate_bps,
        burst_nbit=burst_nbit,
        missing_nbit=np.zeros(n, dtype=np.int64),
        at_ns=np.zeros(n, dtype=np.int64),
    )


@kernel
def take_tokens(s, at_ns, size_bytes, buckets):
    """Let a packet through the policer of `s`, or not; return whether it found its tokens."""
    rate_bps = buckets.rate_bps[s]
    missing_nbit = buckets.missing_nbit[s]
    gone_ns = at_ns - buckets.at_ns[s]
    if gone_ns > missing_nbit // rate_bps:
        missing_nbit = 0
    else:
        missing_nbit -= gone_ns * rate_bps
    missing_nbit += size_bytes * NBIT_PER_BYTE
    if missing_nbit > buckets.burst_nbit[s]:
        return False
    buckets.missing_nbit[s] = missing_nbit
    buckets.at_ns[s] = at_ns
    return True
