"""The rules of one hop that are used for one line and for eight abreast; see docs/model.md.

Each takes integers or `Lanes`.
"""

from __future__ import annotations

from sim.compiled import inner
from sim.dataplane.tally import BUCKETS
from sim.lanes import float_bits, larger, smaller

# The exponent and the five highest mantissa bits of a float64 number its histogram bucket.
_MANTISSA_SHIFT = 47
_BUCKET_OF_ONE = 1023 << 5


@inner
def backlog_with(need_ns, free_ns, at_ns):
    """Return how long what is unsent at `at_ns` and a packet that needs `need_ns` take to send."""
    return larger(free_ns - at_ns, 0) + need_ns


@inner
def bucket(delay_ns):
    """As `sim.dataplane.tally.bucket`, without a loop."""
    number = (float_bits(larger(delay_ns, 1)) >> _MANTISSA_SHIFT) - _BUCKET_OF_ONE
    return smaller(number, BUCKETS - 1)


@inner
def next_jitter(jitter_16ns, transit_ns, last_transit_ns):
    """Return sixteen times the interarrival jitter after one more packet.

    Source: RFC 3550, appendix A.8.
    """
    change_ns = larger(transit_ns - last_transit_ns, last_transit_ns - transit_ns)
    return jitter_16ns + change_ns - ((jitter_16ns + 8) >> 4)
