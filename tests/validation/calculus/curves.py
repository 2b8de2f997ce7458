"""Arrival curves of real packets, and what servers can make of them: network calculus.

Le Boudec and Thiran, *Network Calculus*, Springer 2001, chapter 1. Work is counted in the ns that
the transmitter takes for it, so a transmitter is a server of rate 1, and all is integers.

Arrivals are known as windows: packet p comes somewhere in [earliest, latest]. The least burst at a
rate r is the least b for which, wherever in their windows the packets come, no more than
b + r (t - s) of work comes in any [s, t]: the token bucket (r, b) is an arrival curve. Where each
window is an instant, it is the hull of what was really sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]

SHARES = 16  # rates for what goes first are tried in steps of 1 / SHARES


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Packets that come to one transmitter.

    Attributes
    ----------
    earliest_ns, latest_ns : (p,) int64, between which each comes
    work_ns : (p,) int64, what the transmitter needs for it
    precedence : (p,) int64, its class; 0 goes first
    """

    earliest_ns: Int64Array
    latest_ns: Int64Array
    work_ns: Int64Array
    precedence: Int64Array

    def where(self, chosen: NDArray[np.bool_]) -> Arrivals:
        """Return some of the packets."""
        return Arrivals(
            earliest_ns=self.earliest_ns[chosen],
            latest_ns=self.latest_ns[chosen],
            work_ns=self.work_ns[chosen],
            precedence=self.precedence[chosen],
        )


def least_burst(arrivals: Arrivals, *, share: int = SHARES) -> int:
    """Return SHARES times the least burst, ns of work, at a rate of share / SHARES.

    The work of [s, t] is at most that of packets with earliest <= t less that of packets with
    latest < s. It is enough to look at t where a window opens, and at s where one closes or at t.
    """
    if not arrivals.work_ns.size:
        return 0
    opening = np.argsort(arrivals.earliest_ns, kind="stable")
    closing = np.argsort(arrivals.latest_ns, kind="stable")
    opens_ns, closes_ns = arrivals.earliest_ns[opening], arrivals.latest_ns[closing]
    opened = np.cumsum(arrivals.work_ns[opening])
    closed = np.concatenate([[0], np.cumsum(arrivals.work_ns[closing])])
    # What has closed before s, less the tokens that have come by then.
    before = closed[np.searchsorted(closes_ns, closes_ns, side="left")]
    least = np.minimum.accumulate(SHARES * before - share * closes_ns)
    last = np.searchsorted(closes_ns, opens_ns, side="right") - 1
    here = SHARES * closed[np.searchsorted(closes_ns, opens_ns, side="left")] - share * opens_ns
    floor = np.where(last >= 0, np.minimum(least[last], here), here)
    return int((SHARES * opened - share * opens_ns - floor).max())


@dataclass(frozen=True, kw_only=True)
class Peak:
    """How fast work can come from one transmitter: no more than most_ns + rate (t - s) in [s, t].

    It sends one packet after the other, so all but the first of [s, t] were sent within it.
    """

    most_ns: int
    rate: Fraction

    @classmethod
    def of(cls, work_ns: Int64Array, sent_in_ns: Int64Array) -> Peak:
        """Return that of packets, of whose copies each makes `work_ns` and took so long to send."""
        if not work_ns.size:
            return cls(most_ns=0, rate=Fraction(0))
        pairs = np.unique(np.stack([work_ns, sent_in_ns]), axis=1).T.tolist()
        rate = max(Fraction(work, sent_in) for work, sent_in in pairs)
        return cls(most_ns=int(work_ns.max()), rate=rate)


def backlog_bound_ns(arrivals: Arrivals, peak: Peak | None = None) -> int:
    """Return what a transmitter holds at most, ns of work: the vertical deviation.

    It is never idle while it holds something, so the order in which it serves does not matter.
    With a peak the arrival curve is the lesser of two lines, as of IntServ's token bucket; the
    deviation is largest where they cross.
    """
    alone = least_burst(arrivals) // SHARES
    if peak is None:
        return alone
    if peak.rate <= 1:
        return min(alone, peak.most_ns)
    best = Fraction(alone)
    for share in range(SHARES):
        rate, burst = Fraction(share, SHARES), Fraction(least_burst(arrivals, share=share), SHARES)
        crossing_ns = max((burst - peak.most_ns) / (peak.rate - rate), Fraction(0))
        best = min(best, burst + (rate - 1) * crossing_ns)
    return floor(best)


def delay_bounds_ns(
    arrivals: Arrivals, *, priority: bool, peak: Peak | None = None
) -> dict[int, int]:
    """Return how long a packet of each class is in a transmitter at most: horizontal deviations.

    In the order of arrival the delay is the backlog. A class of a priority server waits for one
    packet of a lower class, which is not interrupted, and for the classes before it; those are an
    arrival curve of rate r and burst b, and leave a service curve of rate 1 - r. Any r will do,
    and the best of a few is taken. (Non-preemptive priority: chapter 1 of the book.)
    """
    classes = np.unique(arrivals.precedence).tolist()
    if not priority:
        return dict.fromkeys(classes, backlog_bound_ns(arrivals, peak))
    bounds = {}
    for each in classes:
        first = arrivals.where(arrivals.precedence < each)
        own = arrivals.where(arrivals.precedence == each)
        last = arrivals.where(arrivals.precedence > each)
        begun = SHARES * int(last.work_ns.max(initial=0))
        shares = range(SHARES) if first.work_ns.size else range(1)
        bounds[each] = min(
            (begun + least_burst(first, share=share) + least_burst(own, share=SHARES - share))
            // (SHARES - share)
            for share in shares
        )
    return bounds
