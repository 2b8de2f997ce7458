"""Where requirements break: neighbouring numbers that differ in a verdict, and what to try next.

The search goes in rounds. What a round tries follows from the verdicts of all rounds before it and
from nothing else, so neither the number of workers nor their order can change the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from sim.studies.over import Over

Verdicts = Mapping[Decimal, Sequence[bool]]  # by number: of each requirement, whether it was met


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Two neighbouring numbers of which one keeps a requirement and the other does not.

    Attributes
    ----------
    requirement : its number in the scenario, from 0
    low, high : the numbers
    breaks : whether the lower one keeps it, so that it breaks on the way up
    """

    requirement: int
    low: Decimal
    high: Decimal
    breaks: bool

    @property
    def missed(self) -> Decimal:
        """The number that does not keep it."""
        return self.high if self.breaks else self.low


def crossings(verdicts: Verdicts) -> list[Crossing]:
    """Return every crossing, requirement by requirement, from the lowest number up.

    Examples
    --------
    >>> found = crossings({Decimal(1): [True], Decimal(2): [False], Decimal(3): [True]})
    >>> [(int(each.low), int(each.high), each.breaks) for each in found]
    [(1, 2, True), (2, 3, False)]
    """
    numbers = sorted(verdicts)
    requirements = len(verdicts[numbers[0]]) if numbers else 0
    return [
        Crossing(requirement=r, low=low, high=high, breaks=verdicts[low][r])
        for r in range(requirements)
        for low, high in pairwise(numbers)
        if verdicts[low][r] != verdicts[high][r]
    ]


def next_numbers(over: Over, verdicts: Verdicts) -> list[Decimal]:
    """Return the numbers of the next round, in order; none when every crossing is near enough."""
    found = {over.between(low, high) for low, high in _brackets(verdicts)}
    return sorted(number for number in found if number is not None)


def numbers_left(over: Over, verdicts: Verdicts) -> int:
    """Return about how many numbers are still to be tried, if no new crossing turns up."""
    return sum(halvings(over, low, high) for low, high in _brackets(verdicts))


def halvings(over: Over, low: Decimal, high: Decimal) -> int:
    """Return how many bisections bring two numbers near enough, about."""
    count, width = 0, high - low
    while width > over.gap(low):
        width /= 2
        count += 1
    return count


def _brackets(verdicts: Verdicts) -> set[tuple[Decimal, Decimal]]:
    return {(each.low, each.high) for each in crossings(verdicts)}
