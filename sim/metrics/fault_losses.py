"""What each room lost while each fault lasted, to the width of the timeline's bins.

Losses count when they are decided: from the beginning of the bin in which the fault begins to the
end of that in which it ends; of one that is not repaired, to the very end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.scenario.model import FOREVER_NS, Fault

Int64Array = NDArray[np.int64]


class FaultLossMeter:
    """Takes each room's losses at the edges of bins at which some fault begins or has ended."""

    def __init__(
        self, faults: Sequence[Fault], rooms: int, *, bin_ns: int, duration_ns: int
    ) -> None:
        self._lost = np.zeros((len(faults), rooms), dtype=np.int64)
        self._begins: defaultdict[int, list[int]] = defaultdict(list)
        self._ends: defaultdict[int, list[int]] = defaultdict(list)
        for number, fault in enumerate(faults):
            begins_ns = fault.at_ns // bin_ns * bin_ns
            ends_ns = -(-fault.until_ns // bin_ns) * bin_ns
            self._begins[begins_ns].append(number)
            self._ends[ends_ns if ends_ns < duration_ns else FOREVER_NS].append(number)

    def is_edge(self, now_ns: int) -> bool:
        """Return whether the losses up to an instant are wanted."""
        return now_ns in self._begins or now_ns in self._ends

    def pass_edge(self, now_ns: int, lost: Int64Array) -> None:
        """Take what each room has lost up to an edge, (rooms,)."""
        for number in self._begins.get(now_ns, ()):
            self._lost[number] -= lost
        for number in self._ends.get(now_ns, ()):
            self._lost[number] += lost

    def finish(self) -> Int64Array:
        """Return what each room lost while each fault lasted, (faults, rooms)."""
        return self._lost
