"""Silence: rooms that have heard nothing for too long, as the counts at a window's end show.

Looked at only while a fault holds, and only at rooms that it concerns: those on a line, or below a
relay, in trouble by the way that each is fed now. A grey relay and a lossy line are trouble, too.
"""

from __future__ import annotations

import numpy as np

from sim.control.outages import Outages
from sim.dataplane.tally import RoomCount, StreamCount, Tally
from sim.network.tree import Int64Array, Network
from sim.scenario.model import Scenario


class Silences:
    """What the rooms of tiers that listen have heard.

    Attributes
    ----------
    last_ns : (n,) int64, when each last heard what it listens for, as of the last window's end
    """

    def __init__(self, scenario: Scenario, network: Network) -> None:
        n = len(network.sites)
        rank = {tier: number for number, tier in enumerate(network.tiers)}
        columns = {stream.id: number for number, stream in enumerate(scenario.streams)}
        self._network = network
        self._after_ns = np.zeros(n, dtype=np.int64)
        self._late_ns = np.zeros(n, dtype=np.int64)
        self._listening: list[tuple[Int64Array, list[int]]] = []
        for detection in scenario.detection:
            if detection.silence is None:
                continue
            sites = np.flatnonzero((network.tier == rank[detection.tier]) & network.room)
            self._after_ns[sites] = detection.silence.after_ns
            self._late_ns[sites] = detection.late_ns
            heard = [columns[stream] for stream in detection.silence.streams]
            self._listening.append((sites, heard))
        self._levels = [
            np.flatnonzero(network.tier == tier) for tier in range(1, len(network.tiers))
        ]
        self.last_ns = np.zeros(n, dtype=np.int64)

    @property
    def any(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listening)

    def late_ns(self, site: int) -> int:
        """Return how much later than that a site learns of it."""
        return int(self._late_ns[site])

    def take(self, tally: Tally) -> None:
        """Take note of what was heard by the end of a window."""
        for sites, streams in self._listening:
            if streams:
                last_ns = tally.stream[sites][:, streams, StreamCount.LAST_NS]
                self.last_ns[sites] = last_ns.max(axis=1)
            else:
                self.last_ns[sites] = tally.room[sites, RoomCount.LAST_NS]

    def silent(
        self,
        end_ns: int,
        outages: Outages,
        *,
        line: Int64Array,
        parent: Int64Array,
        since_ns: Int64Array,
    ) -> list[tuple[int, int]]:
        """Return the sites that a fault concerns and that have been silent, each with that fault.

        Silence counts from the last packet or, if a site had been quiet as long before the trouble
        began, from then; on a line that is not older than it, from its beginning.

        Parameters
        ----------
        end_ns : the end of the window that `take` was told of
        line, parent, since_ns : (n,) int64, the line that each site uses, the relay above it, and
            since when
        """
        trouble = outages.troubled(end_ns)
        if trouble is None:
            return []
        of_line, of_relay = trouble
        first = np.full(line.size, len(outages.troubles), dtype=np.int64)
        for sites in self._levels:  # a parent is in a higher tier, whichever line is in use
            above = parent[sites]
            first[sites] = np.minimum(
                np.minimum(of_line[line[sites]], of_relay[above]), first[above]
            )
        concerned = np.flatnonzero((first < len(outages.troubles)) & (self._after_ns > 0))
        began_ns = outages.troubles[first[concerned], 0]
        last_ns, after_ns = self.last_ns[concerned], self._after_ns[concerned]
        quiet = began_ns - last_ns >= after_ns
        from_ns = np.maximum(np.where(quiet, began_ns, last_ns), since_ns[concerned])
        found = concerned[end_ns - from_ns >= after_ns]
        faults = outages.troubles[first[found], 4]
        return [
            (site, fault)
            for site, fault in zip(found.tolist(), faults.tolist(), strict=True)
            if end_ns - outages.lives_from(site, end_ns) >= self._after_ns[site]
        ]
