"""Grids: where a run is read for what is required over any span of a length.

A span is whole parts of its grid, so it begins and ends at points of it: one of 15 s slides by
1 s, one of 200 ms by 100 ms. No grid is finer than `SHORTEST_STEP_NS`; a span shorter than two
such steps does not slide, but follows the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sim.scenario.requirement_model import Requirement

SHORTEST_STEP_NS = 100 * 10**6
MOST_PARTS = 15


@dataclass(frozen=True, slots=True)
class Grid:
    """The points i * span_ns / parts, rounded up to whole ns, from i = 0.

    So the points i and i + parts are one span apart, for every i.

    Examples
    --------
    >>> grid = Grid(10, 3)
    >>> [grid.point_ns(i) for i in range(5)], grid.next_ns(4), grid.is_point(8)
    ([0, 4, 7, 10, 14], 7, False)
    """

    span_ns: int
    parts: int

    def point_ns(self, i: int) -> int:
        """Return point number i."""
        return -(-i * self.span_ns // self.parts)

    def next_ns(self, now_ns: int) -> int:
        """Return the first point after an instant."""
        return self.point_ns(now_ns * self.parts // self.span_ns + 1)

    def is_point(self, now_ns: int) -> bool:
        """Return whether an instant is a point."""
        return self.point_ns(now_ns * self.parts // self.span_ns) == now_ns


def grid_of(span_ns: int) -> Grid:
    """Return the grid on which spans of a length slide.

    Examples
    --------
    >>> [grid_of(span_ns * 10**6).parts for span_ns in (15_000, 1_000, 200, 199, 1)]
    [15, 10, 2, 1, 1]
    """
    return Grid(span_ns, min(MOST_PARTS, max(1, span_ns // SHORTEST_STEP_NS)))


def grids(requirements: Iterable[Requirement]) -> tuple[Grid, ...]:
    """Return the grids that requirements need, each once, by the length of the span."""
    return tuple(grid_of(span) for span in sorted({each.span_ns for each in requirements} - {0}))
