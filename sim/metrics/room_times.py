"""How soon each room joined, whether it was there in time, and how soon it recovered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.metrics.dark_causes import Darkness

if TYPE_CHECKING:
    from sim.control.joining import Joins  # with SimPy, which only a simulation needs

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTimes:
    """The r rooms, as in `Endpoints`.

    Attributes
    ----------
    called : (r,) bool, which have called to join
    join_ns : (r,) float64, from the first call to being let in; NaN: it was not let in
    waiting_ns : (r,) int64, since its first call, of one that is neither let in nor has given up
        when the run ends; else 0
    present_at_start : (r,) bool, which were there when the meeting started
    recovery_ns : (r,) int64, the longest dark interval that had to do with a fault; 0: none
    """

    called: Bools
    join_ns: Float64Array
    waiting_ns: Int64Array
    present_at_start: Bools
    recovery_ns: Int64Array


def room_times(
    site: Int64Array, joins: Joins, darkness: Darkness, *, duration_ns: int
) -> RoomTimes:
    """Return the times of some rooms, by the numbers of their sites, (r,) int64."""
    called_ns, joined_ns = joins.called_ns[site], joins.joined_ns[site]
    called = called_ns >= 0
    still = called & (joined_ns < 0) & (joins.gave_up_ns[site] < 0)
    dark, caused = darkness.dark, darkness.fault >= 0
    recovery_ns = np.zeros(joins.room.size, dtype=np.int64)
    np.maximum.at(recovery_ns, dark.site[caused], (dark.until_ns - dark.from_ns)[caused])
    return RoomTimes(
        called=called,
        join_ns=np.where(called & (joined_ns >= 0), joined_ns - called_ns, np.nan),
        waiting_ns=np.where(still, duration_ns - called_ns, 0),
        present_at_start=joins.present(joins.start_ns)[site],
        recovery_ns=recovery_ns[site],
    )
