"""Goodness of fit: the test of Kolmogorov and Smirnov, one sample against a distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

AT_1_PERCENT = 1.628  # of the limit of sqrt(n) D (Smirnov, 1948)


def distance(values: Sequence[float], cdf: Callable[[float], float]) -> float:
    """Return the largest distance between the sample's steps and the distribution, D."""
    n = len(values)
    return max(
        max((i + 1) / n - cdf(value), cdf(value) - i / n) for i, value in enumerate(sorted(values))
    )


def fits(values: Sequence[float], cdf: Callable[[float], float]) -> bool:
    """Return whether a sample is not refused at 1 %; for samples of 100 and more."""
    return distance(values, cdf) < AT_1_PERCENT / sqrt(len(values))
