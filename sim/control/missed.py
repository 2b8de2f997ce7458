"""What rooms have missed, as the counts at a window's end show: who asks for key frames after loss.

A receiver of RTP that has lost coded video says so by a PLI (RFC 4585, section 6.3.1). Here it does
at the window's end.
"""

from __future__ import annotations

import numpy as np

from sim.dataplane.tally import RoomCount, StreamCount, Tally
from sim.network.tree import Network
from sim.scenario.model import Scenario


class Missed:
    """What the rooms had received and missed of the streams with key frames, a window ago."""

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self._streams = np.array(
            [
                number
                for number, stream in enumerate(scenario.streams)
                if stream.key_every and stream.direction != "up"
            ],
            dtype=np.int64,
        )
        self._room = network.room[:, np.newaxis]
        self._runs = self._received = np.zeros(
            (len(network.sites), self._streams.size), dtype=np.int64
        )

    def take(self, tally: Tally) -> list[tuple[int, frozenset[int]]]:
        """Return the rooms that need a key frame, by site, each with the streams of which.

        In this window packets were missing before one that came; or the room is dark, and something
        came.
        """
        runs = tally.stream[:, self._streams, StreamCount.LOSS_RUNS]
        received = tally.stream[:, self._streams, StreamCount.RECEIVED]
        dark = tally.room[:, RoomCount.DARK_SINCE, np.newaxis] > 0
        missed = (runs > self._runs) | (dark & (received > self._received))
        self._runs, self._received = runs, received
        wanting = missed & self._room
        return [
            (site, frozenset(self._streams[wanting[site]].tolist()))
            for site in np.flatnonzero(wanting.any(axis=1)).tolist()
        ]
