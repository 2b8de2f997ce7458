"""Tolerances: by how much a figure may differ from its baseline before `check` calls it a change.

One is written as a difference, as a factor, or as both, of which either is enough: `0.01 %`,
`× 1.05`, `0.01 % or × 1.05`; `none` allows no difference. Values are exact decimals, in base units:
a share as a fraction, a time in ns, a count, or a score between 1 and 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Literal

from sim.units import FACTOR, format_time, parse_exact_share, parse_factor, parse_time_ns

Timetable = Literal["cut", "squeezed"]
Kind = Literal["share", "time", "count", "score"]

# What a tolerance can be given for, and how it is written.
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "loss": "share",
        "delay": "time",
        "jitter": "time",
        "dark": "time",
        "freezes": "count",
        "rooms": "count",
        "quality": "score",
        "utilisation": "share",
        "complying": "share",
        "packets": "count",
        "sites": "count",
    }
)
EXAMPLES: Mapping[Kind, str] = MappingProxyType(
    {"share": "0.01 %", "time": "1 ms", "count": "2", "score": "0.05"}
)
MOST_SCORE = 4  # from the worst score, 1, to the best, 5
MAX_COUNT = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far apart two values may be and still count as the same.

    Attributes
    ----------
    most : largest difference, 0 or more
    factor : largest ratio of the larger to the smaller, 1 or more
    """

    most: Decimal
    factor: Decimal

    def __post_init__(self) -> None:
        if self.most < 0:
            raise ValueError(f"most must not be negative, got {self.most}")
        if self.factor < 1:
            raise ValueError(f"factor must be at least 1, got {self.factor}")

    def allows(self, before: Decimal, now: Decimal) -> bool:
        """Return whether two values, 0 or more and in the unit of `most`, are near enough.

        Examples
        --------
        >>> either = Tolerance(most=Decimal("0.1"), factor=Decimal("1.5"))
        >>> [either.allows(Decimal(1), Decimal(now)) for now in ("1.1", "0.7", "1.6", "0.6")]
        [True, True, False, False]
        """
        less, more = sorted((before, now))
        return more - less <= self.most or more <= less * self.factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How `check` runs a scenario, and what it lets pass.

    Attributes
    ----------
    duration_ns : length of the short form, at most the meeting's
    timetable : what becomes of agenda and events in it: what comes later is `cut`, or all their
        times are `squeezed` in proportion
    tolerances : one for each of `KINDS`, in their order, with its name
    """

    duration_ns: int
    timetable: Timetable
    tolerances: tuple[tuple[str, Tolerance], ...]

    def tolerance(self, name: str) -> Tolerance:
        """Return the tolerance for one of `KINDS`."""
        return dict(self.tolerances)[name]


def parse_tolerance(text: str, kind: Kind) -> Tolerance:
    """Return a tolerance as written.

    Raises
    ------
    ValueError
        If it is none; says what to write.

    Examples
    --------
    >>> parse_tolerance("0.5 % or × 1.02", "share")
    Tolerance(most=Decimal('0.005'), factor=Decimal('1.02'))
    >>> parse_tolerance("1 ms", "time") == parse_tolerance("1 ms or × 1", "time")
    True
    """
    text = text.strip()
    if text == "none":
        return Tolerance(most=Decimal(0), factor=Decimal(1))
    difference, found, ratio = text.partition(" or ")
    if not found and FACTOR.fullmatch(text):
        difference, ratio = "", text
    if (found and not difference) or (ratio and not FACTOR.fullmatch(ratio.strip())):
        example = EXAMPLES[kind]
        raise ValueError(
            f"'{text[:40]}' is not a tolerance; write '{example}', '× 1.05', "
            f"'{example} or × 1.05' or 'none'"
        )
    return Tolerance(
        most=_READERS[kind](difference) if difference else Decimal(0),
        factor=_factor(ratio) if ratio else Decimal(1),
    )


def format_tolerance(tolerance: Tolerance, kind: Kind) -> str:
    """Return a tolerance as `parse_tolerance` reads it, exactly.

    Examples
    --------
    >>> format_tolerance(Tolerance(most=Decimal("0.0001"), factor=Decimal("1.05")), "share")
    '0.01 % or × 1.05'
    """
    parts = []
    if tolerance.most:
        parts.append(_FORMATTERS[kind](tolerance.most))
    if tolerance.factor != 1:
        parts.append(f"× {_plain(tolerance.factor)}")
    return " or ".join(parts) or "none"


def _factor(text: str) -> Decimal:
    factor = Decimal(repr(parse_factor(text)))
    if factor < 1:
        raise ValueError(f"'{text.strip()}' must be at least × 1: it holds both ways, up and down")
    return factor


def _time(text: str) -> Decimal:
    return Decimal(parse_time_ns(text))


def _count(text: str) -> Decimal:
    if not re.fullmatch("[0-9]{1,10}", text.strip(), re.ASCII) or int(text) > MAX_COUNT:
        raise ValueError(f"'{text.strip()[:40]}' must be a whole number from 0 to {MAX_COUNT}")
    return Decimal(int(text))


def _score(text: str) -> Decimal:
    number = text.strip()
    if not re.fullmatch(r"[0-9](\.[0-9]{1,9})?", number, re.ASCII) or float(number) > MOST_SCORE:
        raise ValueError(f"'{number[:40]}' must be a number from 0 to {MOST_SCORE}, such as 0.05")
    return Decimal(number)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_READERS: dict[Kind, Callable[[str], Decimal]] = {
    "share": parse_exact_share,
    "time": _time,
    "count": _count,
    "score": _score,
}
_FORMATTERS: dict[Kind, Callable[[Decimal], str]] = {
    "share": lambda most: f"{_plain(most.scaleb(2, Context(prec=500)))} %",
    "time": lambda most: format_time(int(most), digits=None),
    "count": lambda most: f"{int(most)}",
    "score": _plain,
}
# Assumptions. A change has the same luck as its baseline, so what differs is the change's doing.
# These say what is too little to stop for: a twentieth of a loss or delay, or what nobody notices.
DEFAULT_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "loss": "0.01 % or × 1.05",
        "delay": "0.5 ms or × 1.05",
        "jitter": "0.5 ms or × 1.05",
        "dark": "100 ms or × 1.05",
        "freezes": "2 or × 1.05",
        "rooms": "1 or × 1.02",
        "quality": "0.05",
        "utilisation": "0.5 % or × 1.02",
        "complying": "0.1 %",
        "packets": "× 1.01",
        "sites": "none",
    }
)
DEFAULTS: Mapping[str, Tolerance] = MappingProxyType(
    {name: parse_tolerance(DEFAULT_TEXTS[name], kind) for name, kind in KINDS.items()}
)
