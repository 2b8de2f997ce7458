"""Findings: the figures of one run that a baseline keeps, each with its subject and its measure.

Tables list every subject. The lists of the worst hold, of all subjects of a kind, those with the
largest figures, and what is not listed is no worse than the last that is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal

DIGITS = 4  # significant digits of a figure that is not a count: so a difference can be reviewed
WORST = 10  # of each kind and measure in a list of the worst

TABLES = ("requirements", "meeting", "tiers", "ways", "branches", "streams", "turns")
LISTS = ("lines", "egresses", "rooms")

Value = Decimal | None  # None: could not be known


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The figures of one subject.

    Attributes
    ----------
    figures : by measure
    place : where the subject is, for people; may be empty
    at : of some measures the place where it was largest
    """

    figures: Mapping[str, Value]
    place: str = ""
    at: Mapping[str, str] = field(default_factory=dict)


Table = Mapping[str, Row]  # by subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a baseline holds of a run.

    Attributes
    ----------
    scenario : its name
    seed, duration_ns, timetable : of the short form that was run
    fingerprint : of all its results
    tables : by the names of `TABLES`, then by subject
    lists : by the names of `LISTS`, then by kind, then by subject
    """

    scenario: str
    seed: int
    duration_ns: int
    timetable: str
    fingerprint: str
    tables: Mapping[str, Table]
    lists: Mapping[str, Mapping[str, Table]]


def rounded(value: float) -> Value:
    """Return a measured number with `DIGITS` significant digits; None for one that is not known.

    Examples
    --------
    >>> [str(rounded(value)) for value in (0.0123456, 100.0, 1234567.0, 0.0, float("nan"))]
    ['0.01235', '100', '1235000', '0', 'None']
    """
    if math.isnan(value):
        return None
    return plain(_ROUNDING.create_decimal(repr(float(value))))


def counted(value: float) -> Value:
    """Return a count, exactly; None for one that is not known."""
    return None if math.isnan(value) else Decimal(int(value))


def plain(value: Decimal) -> Decimal:
    """Return the same number without an exponent or zeros at its end."""
    text = f"{value:f}"
    return Decimal(text.rstrip("0").rstrip(".") or "0") if "." in text else Decimal(text)


def last_listed(listed: Table, measure: str) -> Decimal:
    """Return what no subject that is not in a list of the worst exceeds.

    A list that is not full holds everything above 0.
    """
    values = [row.figures.get(measure) for row in listed.values()]
    above = sorted((value for value in values if value), reverse=True)
    return above[WORST - 1] if len(above) >= WORST else Decimal(0)


_ROUNDING = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)
