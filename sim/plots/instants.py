"""How many of something there are over time, bin by bin, without hiding the worst instant.

A mean over a bin would hide what is short. So each bin shows one instant of its own: the first at
which there are most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Spans of time, each of a kind.

    Attributes
    ----------
    begins_ms, ends_ms : (k,) float64; a span is there from its beginning until just before its end
    kind : (k,) int64
    """

    begins_ms: Float64Array
    ends_ms: Float64Array
    kind: Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """How many there are of each kind, from each instant at which that changes.

    Attributes
    ----------
    at_ms : (t,) float64, increasing; the first is before everything
    counts : (t, kinds) int64
    """

    at_ms: Float64Array
    counts: Int64Array


def steps(spans: Spans, kinds: int) -> Steps:
    """Return how many spans of each kind there are, from instant to instant."""
    lasting = spans.ends_ms > spans.begins_ms
    times_ms = np.concatenate([spans.begins_ms[lasting], spans.ends_ms[lasting]])
    at_ms, place = np.unique(times_ms, return_inverse=True)
    changes = np.zeros((at_ms.size + 1, kinds), dtype=np.int64)
    change = np.repeat([1, -1], int(lasting.sum()))
    np.add.at(changes, (place + 1, np.tile(spans.kind[lasting], 2)), change)
    return Steps(at_ms=np.concatenate([[-np.inf], at_ms]), counts=changes.cumsum(axis=0))


def at_worst(found: Steps, edges_ms: Float64Array) -> Int64Array:
    """Return the counts in each bin at its first instant with the largest sum, (bins, kinds).

    Parameters
    ----------
    edges_ms : (bins + 1,) float64, increasing; the last instant belongs to no bin
    """
    total = found.counts.sum(axis=1)
    first = np.searchsorted(found.at_ms, edges_ms[:-1], side="right") - 1
    last = np.searchsorted(found.at_ms, edges_ms[1:], side="left")
    chosen = [
        low + int(np.argmax(total[low:high]))
        for low, high in zip(first.tolist(), last.tolist(), strict=True)
    ]
    return found.counts[np.array(chosen, dtype=np.int64)]


def bins(begin_ms: float, end_ms: float, count: int) -> Float64Array:
    """Return the edges of equal bins."""
    return np.linspace(begin_ms, end_ms, count + 1)
