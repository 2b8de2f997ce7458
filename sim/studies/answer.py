"""The answer of a capacity study: from which number to which all requirements are met together.

A requirement that no number can meet is set aside and said first; the spans are those of the
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from sim.language.language import Code, Language
from sim.studies.bisection import Crossing, crossings
from sim.studies.over import Over
from sim.studies.point import Judged, Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One requirement over the whole range.

    Attributes
    ----------
    number : in the scenario, from 0
    sentences : the requirement in words, by the code of each language
    state : met or missed at every number, or it breaks
    crossings : where it breaks or is kept again, from the lowest number up
    """

    number: int
    sentences: dict[str, str]
    state: Literal["met", "missed", "breaks"]
    crossings: tuple[Crossing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One end of a span.

    Attributes
    ----------
    met, missed : the last number of the span, and the number beyond it
    broken : numbers of the requirements that are missed there, and met at the other
    """

    met: Decimal
    missed: Decimal
    broken: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Numbers at which all requirements are met, but for those that never are.

    Attributes
    ----------
    low, high : its first and last number that was tried
    below, above : what ends it; None: the range
    """

    low: Decimal
    high: Decimal
    below: Edge | None
    above: Edge | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a study found.

    Attributes
    ----------
    numbers, points : all that were tried, from the lowest number up
    standings : one for each requirement, in the scenario's order
    spans : from the lowest number up
    """

    over: Over
    numbers: tuple[Decimal, ...]
    points: tuple[Point, ...]
    standings: tuple[Standing, ...]
    spans: tuple[Span, ...]

    def judged(self, requirement: int, number: Decimal) -> Judged:
        """Return what a requirement came to at a number that was tried."""
        return self.points[self.numbers.index(number)].requirements[requirement]

    @property
    def breaking(self) -> tuple[Standing, ...]:
        """The requirements that break within the range."""
        return tuple(each for each in self.standings if each.state == "breaks")

    @property
    def missed(self) -> tuple[Standing, ...]:
        """The requirements that are missed over the whole range."""
        return tuple(each for each in self.standings if each.state == "missed")


def answer_of(over: Over, points: Mapping[Decimal, Point]) -> Answer:
    """Return the answer that follows from some points."""
    numbers = sorted(points)
    verdicts = {number: [each.met for each in points[number].requirements] for number in numbers}
    found = crossings(verdicts)
    standings = tuple(
        _standing(over, r, points, [each for each in found if each.requirement == r])
        for r in range(len(verdicts[numbers[0]]))
    )
    return Answer(
        over=over,
        numbers=tuple(numbers),
        points=tuple(points[number] for number in numbers),
        standings=standings,
        spans=_spans(numbers, verdicts, standings),
    )


def _standing(
    over: Over, r: int, points: Mapping[Decimal, Point], found: list[Crossing]
) -> Standing:
    sentences, *others = (point.requirements[r].sentences for point in points.values())
    if any(each != sentences for each in others):
        # Where the requirement itself is varied, its words differ from point to point.
        sentences = {
            code.value: Language(code).say(
                "requirement {number} ({path} varies)", number=r + 1, path=over.written.path
            )
            for code in Code
        }
    met = points[over.low].requirements[r].met
    return Standing(
        number=r,
        sentences=sentences,
        state="breaks" if found else "met" if met else "missed",
        crossings=tuple(found),
    )


def _spans(
    numbers: list[Decimal],
    verdicts: Mapping[Decimal, list[bool]],
    standings: tuple[Standing, ...],
) -> tuple[Span, ...]:
    if all(each.state == "missed" for each in standings):
        return ()
    judged = [each.number for each in standings if each.state == "breaks"]
    broken = [tuple(r for r in judged if not verdicts[number][r]) for number in numbers]
    spans: list[Span] = []
    start: int | None = None
    for i in range(len(numbers) + 1):
        inside = i < len(numbers) and not broken[i]
        if inside and start is None:
            start = i
        elif not inside and start is not None:
            below = _edge(numbers, broken, start, start - 1) if start else None
            above = _edge(numbers, broken, i - 1, i) if i < len(numbers) else None
            spans.append(Span(low=numbers[start], high=numbers[i - 1], below=below, above=above))
            start = None
    return tuple(spans)


def _edge(numbers: list[Decimal], broken: list[tuple[int, ...]], inside: int, outside: int) -> Edge:
    return Edge(met=numbers[inside], missed=numbers[outside], broken=broken[outside])
