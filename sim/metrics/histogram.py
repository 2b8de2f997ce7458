"""Delays as histograms: quantiles of every row at once.

A histogram has the buckets of `sim.dataplane.tally`: 32 to a factor of two, so that the midpoint
of a bucket is within 1.6 % of every value in it. Histograms of any two groups merge by addition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import Histogram, bucket_edges_ns
from sim.grouping import Grouping

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]

PERCENTILES = (50.0, 95.0, 99.0)
_ROWS_AT_ONCE = 256  # 1 MB of counts, which a second-level cache holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """One-way delay of k subjects, ns; NaN where nothing arrived, or it is not known of each.

    Attributes
    ----------
    mean_ns, p50_ns, p95_ns, p99_ns, max_ns : (k,) float64, ns; mean and maximum are exact
    """

    mean_ns: Float64Array
    p50_ns: Float64Array
    p95_ns: Float64Array
    p99_ns: Float64Array
    max_ns: Float64Array

    def take(self, rows: Int64Array) -> Delays:
        """Return the delays of some rows, each as often as it is named."""
        return Delays(
            mean_ns=self.mean_ns[rows],
            p50_ns=self.p50_ns[rows],
            p95_ns=self.p95_ns[rows],
            p99_ns=self.p99_ns[rows],
            max_ns=self.max_ns[rows],
        )

    def percentile_ns(self, percentile: float) -> Float64Array:
        """Return a measured percentile, shape (k,), ns; 100 is the maximum.

        Raises
        ------
        ValueError
            If the percentile is none of 50, 95, 99 and 100.
        """
        measured = {50.0: self.p50_ns, 95.0: self.p95_ns, 99.0: self.p99_ns, 100.0: self.max_ns}
        if percentile not in measured:
            raise ValueError(f"measured percentiles are 50, 95, 99 and 100, not {percentile:g}")
        return measured[percentile]


def exact(share: float) -> Fraction:
    """Return the decimal fraction a person meant: 0.07 is 7/100, not the double below it."""
    return Fraction(repr(float(share)))


def quantiles_ns(
    histogram: Histogram, percentiles: tuple[float, ...], rows: Int64Array | None = None
) -> Float64Array:
    """Return delays below which the given shares of each row's packets lie.

    Nearest rank: the midpoint of the bucket that holds packet number ceil(p/100 * count).

    Parameters
    ----------
    histogram : (any, BUCKETS) integers, packets per bucket
    percentiles : above 0, up to 100
    rows : (k,) int64, those to take, in this order; None: all. Only a few at a time are copied

    Returns
    -------
    (len(percentiles), rows) float64, ns
        NaN where a row is empty.

    Examples
    --------
    >>> row = np.zeros((1, bucket_edges_ns().size - 1), dtype=np.int64)
    >>> row[0, 160:162] = 99, 1
    >>> quantiles_ns(row, (50, 99, 100)).tolist()
    [[32.5], [32.5], [33.5]]
    """
    edges_ns = bucket_edges_ns()
    middle_ns = (edges_ns[:-1] + edges_ns[1:]) / 2
    rows = np.arange(len(histogram)) if rows is None else rows
    result = np.full((len(percentiles), len(rows)), np.nan)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = histogram[rows[start : start + _ROWS_AT_ONCE]]
        used = np.flatnonzero(block.max(axis=0))
        if not used.size:
            continue
        # Delays lie in a few octaves of the many there are.
        running = np.cumsum(block[:, used[0] : used[-1] + 1], axis=1, dtype=np.int64)
        count = running[:, -1]
        for i, percentile in enumerate(percentiles):
            share = exact(percentile) / 100
            rank = -(-count * share.numerator // share.denominator)
            place = used[0] + np.argmax(running >= rank[:, None], axis=1)
            result[i, start : start + len(block)] = np.where(count > 0, middle_ns[place], np.nan)
    return result


def merged(histogram: Histogram, rows: Int64Array) -> Int64Array:
    """Return the sum of some rows, (BUCKETS,) int64; only a few at a time are copied."""
    total = np.zeros(histogram.shape[1], dtype=np.int64)
    for start in range(0, rows.size, _ROWS_AT_ONCE):
        total += histogram[rows[start : start + _ROWS_AT_ONCE]].sum(axis=0, dtype=np.int64)
    return total


def delays(
    histogram: Histogram,
    rows: Int64Array | None = None,
    *,
    count: Int64Array,
    sum_ns: Int64Array,
    max_ns: Int64Array,
) -> Delays:
    """Return the delays of each row, or of some `rows`.

    `count`, `sum_ns` and `max_ns` are (k,) and exact, of these rows.
    """
    rows = np.arange(len(histogram)) if rows is None else rows
    some = count > 0
    quantiles = np.full((len(PERCENTILES), len(rows)), np.nan)
    quantiles[:, some] = quantiles_ns(histogram, PERCENTILES, rows[some])
    p50_ns, p95_ns, p99_ns = quantiles
    largest_ns = np.where(some, max_ns, np.nan)
    # The middle of the largest packet's bucket may lie above the largest packet.
    return Delays(
        mean_ns=np.divide(sum_ns, count, out=np.full(len(count), np.nan), where=some),
        p50_ns=np.minimum(p50_ns, largest_ns),
        p95_ns=np.minimum(p95_ns, largest_ns),
        p99_ns=np.minimum(p99_ns, largest_ns),
        max_ns=largest_ns,
    )


def own_delays(
    histogram: Histogram,
    rows: Int64Array,
    grouping: Grouping,
    *,
    count: Int64Array,
    sum_ns: Int64Array,
    max_ns: Int64Array,
) -> Delays:
    """Return the delays of single sites or directions, the mean and the maximum of which are exact.

    Where sites share histograms nothing is known of a single one's percentiles.

    Parameters
    ----------
    rows : of the histogram, where each has its own
    count, sum_ns, max_ns : (k,) int64
    """
    if not grouping.shared:
        return delays(histogram, rows, count=count, sum_ns=sum_ns, max_ns=max_ns)
    some = count > 0
    unknown = np.full(count.size, np.nan)
    return Delays(
        mean_ns=np.divide(sum_ns, count, out=unknown.copy(), where=some),
        p50_ns=unknown,
        p95_ns=unknown,
        p99_ns=unknown,
        max_ns=np.where(some, max_ns, np.nan),
    )


def order_statistic(values: Float64Array, share: float) -> tuple[int, float]:
    """Return (k, value): the smallest value that k = ceil(share * n) of the n values do not exceed.

    NaN counts as worse than anything; the value is NaN where the k-th best is.

    Examples
    --------
    >>> order_statistic(np.array([3.0, 1.0, 2.0, np.nan]), 0.5)
    (2, 2.0)
    """
    needed = math.ceil(exact(share) * len(values))
    return needed, float(np.sort(values)[max(needed - 1, 0)])
