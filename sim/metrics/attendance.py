"""What counts for each room: from when it takes part, and until it leaves.

Counts of the engine run from the beginning. A room that joins later counts from the next edge of a
bin of the timeline on, with what is then on its way to it; one that leaves counts up to the next
edge. So what is lost above it counts as its own only while it is there, to the width of a bin, and
no result depends on how time is cut into windows (docs/decisions/0014).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.edit import Edit, JoinRoom, LeaveRoom, UseLine
from sim.dataplane.tally import RoomCount, Tally
from sim.metrics.due import Due
from sim.metrics.measures import Cause
from sim.metrics.way_down import WayDown
from sim.network.tree import Network
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]


class Counted(NamedTuple):
    """What counts for each site's room so far.

    Attributes
    ----------
    due : (n, streams) int64, packets sent to it
    received, duplicates : (n,) int64
    lost : (n, causes, tiers) int64, packets that it did not receive; a duplicate is no loss
    """

    due: Int64Array
    received: Int64Array
    duplicates: Int64Array
    lost: Int64Array


class Attendance:
    """Follows who takes part in one run.

    Attributes
    ----------
    present : (n,) bool, whether the room takes part now
    whole : (n,) bool, whether it has taken part all the time
    """

    def __init__(self, scenario: Scenario, network: Network, due: Due) -> None:
        n = len(network.sites)
        self.present = network.room.copy()
        self.whole = network.room.copy()
        self._dark_after_ns = scenario.dark_after_ns
        self._network = network
        self._due = due
        self._way = WayDown(scenario, network, due)
        self._changed: set[int] = set()
        self._counting = np.ones(n, dtype=np.bool_)
        zeros = [
            np.zeros((n, len(scenario.streams)), dtype=np.int64),
            np.zeros(n, dtype=np.int64),
            np.zeros(n, dtype=np.int64),
            np.zeros((n, len(Cause), len(network.tiers)), dtype=np.int64),
        ]
        # When it was last read what counts so far, and what: meters ask at the same instants.
        self._last_read: tuple[int, Counted] | None = None
        # Of those that count: what not to count. Of the others: what has counted.
        self._before = Counted(*zeros)

    @property
    def changes(self) -> bool:
        """Whether any room has come or gone, or any site has moved, so far."""
        return self._way.moved or not bool(self.whole[self._network.room].all())

    def dark_since_ns(self, tally: Tally, now_ns: int) -> Int64Array:
        """Return since when each room that is there is dark now, (n,) int64; -1: it is not.

        The engine says it of rooms that wait for a key frame; the others are those that have had
        no packet for longer than `dark_after`.
        """
        last_ns = tally.room[:, RoomCount.LAST_NS]
        since_ns = tally.room[:, RoomCount.DARK_SINCE] - 1
        silent = now_ns - last_ns > self._dark_after_ns
        since_ns = np.where((since_ns < 0) & silent, last_ns, since_ns)
        return np.where(self.present & (since_ns < now_ns), since_ns, -1)

    def follow(self, edits: Sequence[Edit], tally: Tally) -> None:
        """Take note of a span's edits; `tally` has the counts up to its beginning."""
        moves = [edit for edit in edits if isinstance(edit, UseLine)]
        if moves:
            self._way.move(moves, tally)
            self._last_read = None
        for edit in edits:
            if isinstance(edit, JoinRoom | LeaveRoom) and self._network.room[edit.target]:
                s = edit.target
                self.present[s] = isinstance(edit, JoinRoom)
                self.whole[s] = False
                if edit.at_ns:
                    self._changed.add(s)
                else:
                    self._counting[s] = self.present[s]

    def close_bin(self, tally: Tally, now_ns: int) -> None:
        """Let those who have come count from here on, and those who have gone no more."""
        changed = np.array(sorted(self._changed), dtype=np.int64)
        changed = changed[self.present[changed] != self._counting[changed]]
        self._changed.clear()
        if not changed.size:
            return
        for so_far, before in zip(self._so_far(tally, now_ns), self._before, strict=True):
            before[changed] = so_far[changed] - before[changed]
        self._counting[changed] = self.present[changed]

    def counted(self, tally: Tally, now_ns: int) -> Counted:
        """Return what counts for each site's room so far; `tally` has the counts up to `now_ns`."""
        counted = []
        for so_far, before in zip(self._so_far(tally, now_ns), self._before, strict=True):
            counting = self._counting.reshape(-1, *(1,) * (before.ndim - 1))
            counted.append(np.where(counting, so_far - before, before))
        return Counted(*counted)

    def _so_far(self, tally: Tally, now_ns: int) -> Counted:
        """Return what would count for each site's room if it had been there from the beginning."""
        if self._last_read is None or self._last_read[0] != now_ns:
            self._last_read = now_ns, self._read(tally)
        return self._last_read[1]

    def _read(self, tally: Tally) -> Counted:
        network, tier = self._network, self._network.tier
        room, here = tally.room, np.arange(len(network.sites))
        due = self._way.due(tally)
        due[:, self._due.floor] += self._due.by_stream(tally)[:, self._due.floor]
        lost = self._way.lost(tally)
        # A room shares the losses of all speakers but of the one in it.
        lost += tally.floor_lost.sum(axis=0)
        lost -= tally.floor_lost + tally.own_lost
        lost[here, Cause.OUTAGE, tier] += room[:, RoomCount.LOST_OUTAGE]
        lost[here, Cause.ENDPOINT, tier] += room[:, RoomCount.LOST_ENDPOINT]
        duplicates = room[:, RoomCount.DUPLICATES]
        if self._way.moved:
            lost[:, Cause.OUTAGE] += self._missed(duplicates)
            settle(lost[:, Cause.OUTAGE])
        return Counted(
            due=due,
            received=room[:, RoomCount.RECEIVED].copy(),
            duplicates=duplicates.copy(),
            lost=lost,
        )

    def _missed(self, duplicates: Int64Array) -> Int64Array:
        """Return what sites missed as they or sites above them moved, (n, tiers).

        A packet that came twice is skipped once too often: at the lowest tier that skipped less
        than nothing, or else at the site's own.
        """
        missed = self._way.skipped()
        left = duplicates.copy()
        for t in range(missed.shape[1] - 1, -1, -1):
            taken = np.clip(-missed[:, t], 0, left)
            missed[:, t] += taken
            left -= taken
        missed[np.arange(left.size), self._network.tier] += left
        return missed


def settle(outage: Int64Array) -> None:
    """Book what came after all against the outage it was lost by, (n, tiers), in place.

    A packet that an outage above took, and that then came over another line, is skipped at the tier
    that moved and lost at that of the outage.
    """
    tiers = outage.shape[1]
    for order in (range(tiers - 1, 0, -1), range(tiers - 1)):
        step = -1 if order.step < 0 else 1
        for t in order:
            less = np.minimum(outage[:, t], 0)
            outage[:, t] -= less
            outage[:, t + step] += less
