"""What an engine is: the protocol that both engines keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.edit import Edit
from sim.dataplane.tally import FateLog, Tally
from sim.media.packets import Packets


class Engine(Protocol):
    """Replays spans of the meeting, one after the other.

    Attributes
    ----------
    tally : what was counted so far
    """

    tally: Tally

    def replay(self, start_ns: int, end_ns: int, packets: Packets, edits: Sequence[Edit]) -> None:
        """Carry the packets of [start_ns, end_ns), under the edits dated in it.

        Spans follow each other without a gap. `packets` were sent in the span; `edits` are in
        order of time.
        """

    def pending(self) -> int:
        """Return how many packets and copies are accepted, or in processing, and undecided."""

    def dark(self) -> NDArray[np.int64]:
        """Return the dark intervals of rooms that are over: (k, 3) site, from, until.

        ns, in order of (from, site, until).
        """

    def fates(self) -> FateLog:
        """Return what was decided so far on the lines and in the rooms of the watched sites."""
