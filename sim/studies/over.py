"""The range of a study, `LOW..HIGH`, and the numbers in it that a study may try.

Numbers are exact decimals in one unit. But for the two ends they lie on a grid of round steps,
1, 2 or 5 times a power of ten, so that each can be written, and read, in a few digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal

from sim.scenario.varied import Change, Written
from sim.units import KINDS

FEWEST_POINTS, MOST_POINTS = 2, 1000
DECADES = 100  # HIGH over LOW from which the first points are spaced by factors
DEFAULT_SHARE = Decimal("0.01")

_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_NUMBER = re.compile(
    r"(?:at most |[×x] ?)?([0-9]{1,15}(?:\.[0-9]{1,15})?) ?((?![eE]?[0-9+.-]).*)", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """From `low` to `high`, found to a tolerance.

    Attributes
    ----------
    written : the number of the scenario file that is varied
    low, high : in `unit`, low < high
    unit : of all numbers here; may be empty
    whole : whether there are only whole numbers
    tolerance : `share` of the range (of the number itself, where points are spaced by factors), or
        a number in `unit`; the other of the two is None
    """

    written: Written
    low: Decimal
    high: Decimal
    unit: str
    whole: bool
    tolerance: Decimal | None
    share: Decimal | None

    @property
    def by_factors(self) -> bool:
        """Whether the range spans decades, so that first points have equal ratios."""
        return self.low > 0 and self.high >= DECADES * self.low

    def amount(self, number: Decimal) -> str:
        """Return a number of the range with its unit."""
        return self.written.amount(number, self.unit)

    def change(self, number: Decimal) -> Change:
        """Return what sets a number of the range in the scenario."""
        return self.written.change(number, self.unit)

    @property
    def own(self) -> Decimal | None:
        """The number that the file has, if it can be said in the range's unit."""
        return _converted(self.written.number, self.written.unit, self.unit)

    def gap(self, low: Decimal) -> Decimal:
        """Return how far above `low` the next number may be for the study to be content."""
        if self.tolerance is not None:
            gap = self.tolerance
        else:
            assert self.share is not None
            gap = self.share * (low if self.by_factors else self.high - self.low)
        return max(gap, Decimal(1)) if self.whole else gap

    def first(self, count: int) -> list[Decimal]:
        """Return about `count` numbers from low to high: evenly spaced, or by equal factors."""
        numbers = [self.low]
        for i in range(1, count - 1):
            part = Decimal(i) / (count - 1)
            if self.by_factors:
                number = self.low * _EXACT.power(self.high / self.low, part)
            else:
                number = self.low + (self.high - self.low) * part
            number = self._on_grid(number, self.gap(number))
            if numbers[-1] < number < self.high:
                numbers.append(number)
        return [*numbers, self.high]

    def between(self, low: Decimal, high: Decimal) -> Decimal | None:
        """Return the number to try next between two, or None if they are near enough."""
        gap = self.gap(low)
        if high - low <= gap:
            return None
        middle = (low * high).sqrt(_EXACT) if self.by_factors else (low + high) / 2
        for number in (self._on_grid(middle, gap), self._on_grid((low + high) / 2, gap)):
            if low < number < high:
                return number
        return None

    def _on_grid(self, number: Decimal, gap: Decimal) -> Decimal:
        """Return the multiple nearest to a number of the largest round step within `gap`."""
        step = _round_step(gap)
        if self.whole:
            step = max(step, Decimal(1))
        times = (number / step).to_integral_value(rounding=ROUND_HALF_EVEN)
        return plain(times * step)


def plain(number: Decimal) -> Decimal:
    """Return a number without zeros behind it and without an exponent."""
    normal = number.normalize(_EXACT)
    return normal.quantize(Decimal(1)) if normal == normal.to_integral_value() else normal


def _round_step(gap: Decimal) -> Decimal:
    """Return the largest of 1, 2 and 5 times a power of ten that is not above `gap`."""
    power = Decimal(1).scaleb(gap.adjusted())
    return max(step for factor in (1, 2, 5) if (step := factor * power) <= gap)


def read_over(text: str, written: Written) -> Over:
    """Return a range for a number of the scenario, in the smaller of the units it is given in.

    The tolerance is `DEFAULT_SHARE`.

    Raises
    ------
    ValueError
        If it is no range, the ends are in the wrong order or need a unit, or a count is broken;
        says what to write. Whether the scenario can take the numbers is not judged here.
    """
    ends = [end.strip() for end in text.split("..")]
    matches = [_NUMBER.fullmatch(end) for end in ends]
    example = _example(written)
    if len(ends) != 2 or matches[0] is None or matches[1] is None:
        raise ValueError(f"'{text}' is not a range; write it like '{example}'")
    (low, low_unit), (high, high_unit) = (
        (Decimal(match[1]), match[2].replace("/ s", "/s").strip()) for match in matches if match
    )
    low_unit = low_unit or high_unit
    if written.unit and not high_unit:
        raise ValueError(f"'{text}' needs a unit, such as '{example}'")
    low, high, unit = _in_one_unit(text, (low, low_unit), (high, high_unit))
    if low >= high:
        raise ValueError(f"'{text}' must go up: its first number must be below its second")
    whole = written.is_whole(unit)
    if whole and (low % 1 or high % 1):
        raise ValueError(f"'{text}' must have whole numbers; there is no half of what it counts")
    return Over(
        written=written,
        low=plain(low),
        high=plain(high),
        unit=unit,
        whole=whole,
        tolerance=None,
        share=DEFAULT_SHARE,
    )


def _example(written: Written) -> str:
    """Return a range around the number that the file has."""
    low = max(plain(written.number / 2), Decimal(0))
    if written.is_whole(written.unit):
        low = low // 1
    high = plain(written.number * 2) if written.number else Decimal(10)
    if written.unit == "%":
        high = min(high, Decimal(100))
    return f"{low:f}..{written.amount(high, written.unit)}"


def _in_one_unit(
    text: str, low: tuple[Decimal, str], high: tuple[Decimal, str]
) -> tuple[Decimal, Decimal, str]:
    """Return two numbers in the smaller of their units, and that unit."""
    ratio = _converted(Decimal(1), low[1], high[1])
    if ratio is None:
        raise ValueError(
            f"'{text}' has two units, '{low[1]}' and '{high[1]}', that are not of a kind"
        )
    # In the smaller unit both are decimals with few digits; a minute is no decimal part of an hour.
    if ratio > 1:
        return low[0] * ratio, high[0], high[1]
    other = _converted(high[0], high[1], low[1])
    assert other is not None
    return low[0], other, low[1]


def with_tolerance(over: Over, text: str) -> Over:
    """Return the range with a tolerance: a share of it, or a number with its unit.

    Raises
    ------
    ValueError
        If it is no tolerance; says what to write.
    """
    width = over.high - over.low
    match = _NUMBER.fullmatch(text.strip())
    given, unit = (Decimal(match[1]), match[2].strip()) if match else (Decimal(0), "")
    is_share = unit == "%"
    number = given / 100 * width if is_share else _converted(given, unit, over.unit)
    if not number:
        like = f"{plain(width / 100):f} {over.unit}".strip()
        raise ValueError(
            f"'{text}' is no tolerance; write a share of the range, such as '1 %', or '{like}'"
        )
    if number >= width:
        raise ValueError(f"'{text}' must be less than the whole range")
    if is_share:
        return replace(over, tolerance=None, share=given / 100)
    return replace(over, tolerance=plain(number), share=None)


def _converted(number: Decimal, unit: str, to: str) -> Decimal | None:
    """Return a number in another unit, or None if that is not of its kind."""
    if unit == to:
        return number
    for units in KINDS.values():
        if unit in units and to in units:
            return _EXACT.divide(number * units[unit], Decimal(units[to]))
    return None
