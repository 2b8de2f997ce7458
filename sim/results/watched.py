"""The packets that the trace of a site follows: those due to its room, and those it sends up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.media.packets import Packets
from sim.network.tree import Network
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The p packets of a site's trace, by time, origin's id, stream and sequence.

    Attributes
    ----------
    site : number of the site
    streams : stream ids, by number
    number : (p,) int64, in the run
    origin : (p,) int64, number of the site that sends it
    goes_up : (p,) bool, whether its way begins with a way up
    sent_ns, size_bytes, stream, sequence : (p,) int64, as in `Packets`
    """

    site: int
    streams: tuple[str, ...]
    number: Int64Array
    origin: Int64Array
    goes_up: NDArray[np.bool_]
    sent_ns: Int64Array
    size_bytes: Int64Array
    stream: Int64Array
    sequence: Int64Array


class Watch:
    """Picks the packets of one site's trace out of all that are sent.

    Attributes
    ----------
    ways : numbers of the sites whose lines and rooms they may pass, and the root
    """

    def __init__(self, scenario: Scenario, network: Network, site: str) -> None:
        s = network.index[site]
        self._site = s
        self._scenario = scenario
        self._network = network
        self._goes_up = np.array([stream.direction != "down" for stream in scenario.streams])
        self._wanted: dict[int, NDArray[np.bool_]] = {}
        speakers = {network.index[turn.site] for turn in scenario.agenda}
        above = {0, *network.path(s)} - {s}
        for j, stream in enumerate(scenario.streams):
            if stream.direction == "floor":
                origins = speakers
            else:
                here = above if stream.direction == "down" else {s}
                origins = here & {network.index[origin] for origin in stream.origins}
            for origin in origins:
                none = np.zeros(len(scenario.streams), dtype=np.bool_)
                self._wanted.setdefault(origin, none)[j] = True
        self.ways = frozenset(
            hop for origin in (s, *self._wanted) for hop in (0, *network.path(origin))
        )
        self._parts: list[Int64Array] = []

    def add(self, packets: Packets) -> None:
        """Keep what is wanted of the packets of one more span."""
        for origin, wanted in self._wanted.items():
            rows = np.arange(*packets.origin_first[origin : origin + 2])
            rows = rows[wanted[packets.stream[rows]]]
            self._parts.append(
                np.array(
                    [
                        packets.sent_ns[rows],
                        np.full(rows.size, origin),
                        packets.stream[rows],
                        packets.sequence[rows],
                        packets.first + rows,
                        packets.size_bytes[rows],
                    ],
                    dtype=np.int64,
                )
            )

    def finish(self) -> Watched:
        """Return the packets of all spans so far."""
        nothing = np.empty((6, 0), dtype=np.int64)
        sent_ns, origin, stream, sequence, number, size_bytes = np.concatenate(
            [nothing, *self._parts], axis=1
        )
        # lexsort's last key is the first to count.
        order = np.lexsort((sequence, stream, self._network.order[origin], sent_ns))
        return Watched(
            site=self._site,
            streams=tuple(each.id for each in self._scenario.streams),
            number=number[order],
            origin=origin[order],
            goes_up=self._goes_up[stream[order]],
            sent_ns=sent_ns[order],
            size_bytes=size_bytes[order],
            stream=stream[order],
            sequence=sequence[order],
        )
