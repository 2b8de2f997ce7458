"""Figures as the report shows them, and what it says where there is none."""

from __future__ import annotations

import numpy as np

from sim.units import format_share, format_time

UNKNOWN = "–"


def share(value: float) -> str:
    """Return a share with its `%`."""
    return UNKNOWN if np.isnan(value) else format_share(value, digits=3)


def percent(value: float) -> str:
    """Return a share for a column whose heading says `%`."""
    return share(value).removesuffix(" %")


def ms(time_ns: float) -> str:
    """Return a time for a column whose heading says `ms`."""
    if np.isnan(time_ns):
        return UNKNOWN
    return f"{time_ns / 1e6:.2f}" if time_ns < 1e7 else f"{time_ns / 1e6:,.1f}"


def time(time_ns: float) -> str:
    """Return a time with its unit."""
    if time_ns == 0:
        return "0 s"
    return UNKNOWN if np.isnan(time_ns) else format_time(round(time_ns), digits=3)


def number(value: int | None) -> str:
    """Return a count that may not be known."""
    return UNKNOWN if value is None else f"{value:,}"


def count(value: int, noun: str) -> str:
    """Return a count of things, and what they are.

    Examples
    --------
    >>> count(1, "room"), count(1200, "room")
    ('1 room', '1,200 rooms')
    """
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"
