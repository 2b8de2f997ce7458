"""The histograms that kernels count delays in: those of the tally, or a span's, in small numbers.

Where each site has its own (`sim.grouping`), kernels count in the tally's. Where sites share, the
tally has 64 bits for each group, and kernels count a span in rows of 32, which are then added up.
Chunks of the tree are replayed at the same time, so no row has sites of two chunks. And no row has
so many sites that it could overflow in a span, which is checked before each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import BUCKETS, Tally
from sim.grouping import Grouping

Int64Array = NDArray[np.int64]
Uint32Array = NDArray[np.uint32]

MOST_SITES = 2048  # in one row: up to 2,097,151 packets may go down in one span
MOST_COUNTED = 2**32 - 1  # in one bucket


class Histograms:
    """Rows of delays, and which of them each direction and each room is counted in.

    Attributes
    ----------
    line_row : (2n + 2b,) int64, the row of each direction in `line`
    room_row : (n,) int64, the row of each site in `room` and `up`
    line, room, up : (rows, BUCKETS) uint32, delays on lines, in rooms, and of what came up
    """

    line: Uint32Array
    room: Uint32Array
    up: Uint32Array

    def __init__(
        self, grouping: Grouping, chunk: Int64Array, direction_site: Int64Array, tally: Tally
    ) -> None:
        """Take the chunk of each site, the site of each direction, and the tally to count in."""
        self._shared = grouping.shared
        self._tally = tally
        if not grouping.shared:
            self.room_row = grouping.site
            self.line_row = np.arange(direction_site.size)
            self.line, self.room, self.up = tally.line_delay, tally.room_delay, tally.up_delay  # type: ignore[assignment]
            return
        # By group first, so that the rows of a group follow each other.
        n = chunk.size
        parts = (grouping.site * n + chunk) * n + np.arange(n) // MOST_SITES
        _, sites, self.room_row = np.unique(parts, return_index=True, return_inverse=True)
        count = sites.size
        self._first = np.searchsorted(grouping.site[sites], np.arange(grouping.groups))
        backups = (direction_site.size - 2 * n) // 2
        ways = np.repeat([0, count, 0, count], [n, n, backups, backups])
        self.line_row = self.room_row[direction_site] + ways
        self.line = np.zeros((2 * count, BUCKETS), dtype=np.uint32)
        self.room, self.up = np.zeros((2, count, BUCKETS), dtype=np.uint32)

    def check(self, going_down: int) -> None:
        """Check that no count of a span can overflow.

        Parameters
        ----------
        going_down : packets that may go down in the span

        Raises
        ------
        OverflowError
        """
        if self._shared and going_down * MOST_SITES > MOST_COUNTED:
            raise OverflowError(
                f"{going_down:,} packets go down in one window; with more than "
                f"{MOST_COUNTED // MOST_SITES:,} their delays cannot be counted for groups of "
                "sites: make the window shorter"
            )

    def add_up(self) -> None:
        """Add what a span has counted to the tally."""
        if not self._shared:
            return
        down, up = np.split(self.line, 2)
        tally, groups = self._tally, self._first.size
        for rows, total in (
            (down, tally.line_delay[:groups]),
            (up, tally.line_delay[groups:]),
            (self.room, tally.room_delay),
            (self.up, tally.up_delay),
        ):
            total += np.add.reduceat(rows, self._first, axis=0, dtype=np.int64)
            rows.fill(0)
