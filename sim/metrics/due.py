"""What each room is due: every packet of a stream to rooms that is sent above it, or by a speaker
elsewhere.

Up streams are due to no room. A packet counts when its source sends it, or should.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import StreamCount, Tally
from sim.network.tree import Network
from sim.network.ways import sum_above
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]


class Due:
    """Counts what is due, for one scenario.

    Attributes
    ----------
    down, floor, up : indices of the streams of each direction
    speakers : numbers of the sites that have the floor at any time, each once, ascending
    """

    def __init__(self, scenario: Scenario, network: Network) -> None:
        directions = np.array([stream.direction for stream in scenario.streams])
        self.down = np.flatnonzero(directions == "down")
        self.floor = np.flatnonzero(directions == "floor")
        self.up = np.flatnonzero(directions == "up")
        speakers = {network.index[turn.site] for turn in scenario.agenda} if self.floor.size else ()
        self.speakers = np.array(sorted(speakers), dtype=np.int64)
        self._network = network

    def sent_down(self, tally: Tally) -> Int64Array:
        """Return how many packets of down streams each site has sent, (n,)."""
        sent: Int64Array = tally.stream[:, self.down, StreamCount.SENT].sum(axis=1)
        return sent

    def sent_floor(self, tally: Tally) -> Int64Array:
        """Return how many packets of floor streams each speaker has sent, (speakers,)."""
        sent = tally.stream[self.speakers[:, None], self.floor, StreamCount.SENT]
        spoken: Int64Array = sent.sum(axis=1)
        return spoken

    def by_stream(self, tally: Tally) -> Int64Array:
        """Return how many packets of each stream a room at each site is due, (n, streams)."""
        sent = tally.stream[:, :, StreamCount.SENT]
        due = np.zeros(sent.shape, dtype=np.int64)
        due[:, self.down] = sum_above(self._network, sent[:, self.down])
        due[:, self.floor] = sent[:, self.floor].sum(axis=0) - sent[:, self.floor]
        return due
