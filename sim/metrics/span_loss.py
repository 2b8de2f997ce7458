"""Loss over any span: for each room, the span of the meeting in which it lost the largest share.

A packet belongs to the spans in which its fate was decided: when it arrived in the room, or was
lost on the way. Spans slide on a grid, see `sim.scenario.grids`. The last one holds also what was
decided after the meeting's end, and begins at the first point from which it reaches the end. Of a
meeting shorter than the span, it is the only one.

Of the past only one span is kept: its points' counts, in a ring.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.metrics.measures import SpanLoss
from sim.scenario.grids import Grid

Int64Array = NDArray[np.int64]

# Of fewer packets one is more than 10 % of them, and a share says little: assumption.
FEWEST_PACKETS = 10


class SpanLossMeter:
    """Finds the worst span of each of r rooms, for one length of span."""

    def __init__(self, grid: Grid, rooms: int) -> None:
        self.grid = grid
        self._ring = np.zeros((grid.parts + 1, 2, rooms), dtype=np.int64)
        self._points = 0  # passed so far; the meeting's beginning is none
        self._worst = np.full(rooms, -1.0)
        self._at_ns = np.zeros(rooms, dtype=np.int64)

    def pass_point(self, received: Int64Array, lost: Int64Array) -> None:
        """Take what was received and lost from time 0 to the next point in the meeting, (r,)."""
        self._points += 1
        if self._points >= self.grid.parts:
            self._judge(received, lost)
        now = self._ring[self._points % len(self._ring)]
        now[0], now[1] = received, lost

    def finish(self, received: Int64Array, lost: Int64Array) -> SpanLoss:
        """Take the counts after the drain; return the worst span of each room."""
        self._points += 1
        self._judge(received, lost)
        return SpanLoss(
            span_ns=self.grid.span_ns,
            loss=np.where(self._worst < 0, np.nan, self._worst),
            at_ns=self._at_ns,
        )

    def _judge(self, received: Int64Array, lost: Int64Array) -> None:
        """Compare the span that ends at point number `_points` with the worst so far."""
        first = max(self._points - self.grid.parts, 0)
        before = self._ring[first % len(self._ring)]
        lost_in_span = lost - before[1]
        decided = received - before[0] + lost_in_span
        judged = decided >= FEWEST_PACKETS
        share = np.divide(lost_in_span, decided, out=np.full(lost.size, -1.0), where=judged)
        worse = share > self._worst
        self._worst[worse] = share[worse]
        self._at_ns[worse] = self.grid.point_ns(first)
