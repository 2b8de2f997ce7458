"""Columns of the tables in the results folder: a name, a unit, and values.

Delays and other spans are in ms, which is what people read; what is counted stays an integer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.metrics.histogram import Delays

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]
NS_PER_MS = 10**6
NS_PER_S = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes
    ----------
    unit : `ms`, `bit/s`, `bytes`, `packets`, `deg`, …; `1` for shares and counts, empty for text
    values : (rows,) int64, float64 (NaN: could not be known) or text
    known : (rows,) bool, which integers are known; None: all
    """

    name: str
    unit: str
    values: Int64Array | Float64Array | list[str]
    known: NDArray[np.bool_] | None = None


Table = tuple[Column, ...]


def mean_bps(size_bytes: Int64Array, duration_ns: int) -> Float64Array:
    """Return mean bit rates over the meeting."""
    return size_bytes * np.float64(8 * NS_PER_S / duration_ns)


def text(name: str, values: list[str]) -> Column:
    """Return a column of text."""
    return Column(name=name, unit="", values=values)


def integers(name: str, unit: str, values: Sequence[int] | Int64Array) -> Column:
    """Return a column of integers, all known."""
    return Column(name=name, unit=unit, values=np.asarray(values, dtype=np.int64))


def packets(name: str, values: Int64Array) -> Column:
    """Return a column of counted packets."""
    return Column(name=name, unit="packets", values=values)


def numbers(name: str, unit: str, values: Sequence[float | None]) -> Column:
    """Return a column in which what is not there is unknown."""
    known = [np.nan if value is None else value for value in values]
    return Column(name=name, unit=unit, values=np.array(known, dtype=np.float64))


def degrees(name: str, values: Sequence[float]) -> Column:
    """Return a column of degrees north or east (WGS 84); NaN where no position was given."""
    return Column(name=name, unit="deg", values=np.array(values, dtype=np.float64))


def plain(name: str, values: Float64Array) -> Column:
    """Return a column of shares, or of counts of which some are unknown."""
    return Column(name=name, unit="1", values=values)


def ms(name: str, values_ns: Int64Array | Float64Array) -> Column:
    """Return a column of spans in ms, from ns."""
    return Column(name=name, unit="ms", values=values_ns / NS_PER_MS)


def delay_columns(delays: Delays, *, prefix: str = "delay") -> list[Column]:
    """Return a column for each figure of some delays."""
    return [
        ms(f"{prefix}_{figure}_ms", values_ns)
        for figure, values_ns in (
            ("mean", delays.mean_ns),
            ("p50", delays.p50_ns),
            ("p95", delays.p95_ns),
            ("p99", delays.p99_ns),
            ("max", delays.max_ns),
        )
    ]


def known_where(column: Column, known: NDArray[np.bool_]) -> Column:
    """Return the column with what is not known made so: NaN, or an integer that is not there."""
    assert not isinstance(column.values, list), "text is always known"
    if column.values.dtype == np.int64:
        return replace(column, known=known)
    return replace(column, values=np.where(known, column.values, np.nan))
