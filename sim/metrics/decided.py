"""What was decided for each room so far: how many packets it received, and how many it lost.

The same losses as in `Endpoints.lost`, without cause and place, so quickly that they can be had
at every point of a grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import LineCount, RoomCount, Tally
from sim.metrics.attendance import Attendance
from sim.metrics.due import Due
from sim.network.tree import Network

Int64Array = NDArray[np.int64]

_LOST_ON_LINES = [
    LineCount.LOST_OUTAGE,
    LineCount.LOST_POLICER,
    LineCount.LOST_QUEUE,
    LineCount.LOST_LINE,
    LineCount.COPY_LOST_OUTAGE,
    LineCount.COPY_LOST_QUEUE,
]


class Decided:
    """Counts what was decided, for one network.

    Attributes
    ----------
    site : (r,) int64, numbers of the sites with a room
    """

    def __init__(self, network: Network, due: Due, attendance: Attendance) -> None:
        self.site = np.flatnonzero(network.room)
        self._attendance = attendance
        self._speakers = due.speakers
        n = network.end.size
        self._by_end = np.argsort(network.end, kind="stable")
        # How many subtrees have ended at or before each site.
        self._ended = np.searchsorted(network.end[self._by_end], np.arange(n), side="right")

    def counts(self, tally: Tally, now_ns: int) -> tuple[Int64Array, Int64Array]:
        """Return the packets that each room has received and lost by `now_ns`, (r,) and (r,)."""
        if self._attendance.changes:
            counted = self._attendance.counted(tally, now_ns)
            return counted.received[self.site], counted.lost[self.site].sum(axis=(1, 2))
        n = self._ended.size
        # A room shares the losses of all speakers but of the one in it.
        lost = self._on_the_way(tally.line[:n, _LOST_ON_LINES].sum(axis=1))
        of_speakers = tally.floor_lost[self._speakers].sum(axis=(1, 2))
        lost += of_speakers.sum()
        lost[self._speakers] -= of_speakers
        lost[self._speakers] -= tally.own_lost[self._speakers].sum(axis=(1, 2))
        lost += tally.room[:, RoomCount.LOST_OUTAGE] + tally.room[:, RoomCount.LOST_ENDPOINT]
        return tally.room[self.site, RoomCount.RECEIVED], lost[self.site]

    def _on_the_way(self, lost: Int64Array) -> Int64Array:
        """Return the sum of a line's value over the way from the root to each site, (n,).

        In preorder what is above a site came before it and has not ended yet.
        """
        ended = np.zeros(lost.size + 1, dtype=np.int64)
        np.cumsum(lost[self._by_end], out=ended[1:])
        way: Int64Array = np.cumsum(lost) - ended[self._ended]
        return way
