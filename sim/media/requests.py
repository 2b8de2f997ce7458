"""Requests for key frames: which source each is for, and those that no frame has answered yet.

A request makes the source's next frame that is due then or later a key frame; all requests that
have come by then are answered by it. One that comes after the last frame due in a span waits for
the next span, so that the way time is cut leaves no trace.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim.media.kernels.arrays import Asked
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]


class KeyRequest(Protocol):
    """Somebody asks the source of a stream at a site for a key frame; see `AskKeyFrame`."""

    @property
    def at_ns(self) -> int:
        """When the request has come to the source, ns."""

    @property
    def target(self) -> int:
        """The site's number."""

    @property
    def stream(self) -> int:
        """The stream's number."""


class Requests:
    """The requests of m sources that wait.

    Attributes
    ----------
    waiting : as the kernels take them
    """

    def __init__(
        self,
        scenario: Scenario,
        index: Mapping[str, int],
        *,
        origin: Int64Array,
        stream: Int64Array,
    ) -> None:
        """Take sources by their origins and streams, (m,) int64 each."""
        self._scenario = scenario
        self._index = index
        self._places = origin, stream
        self._begins_ns = [turn.at_ns for turn in scenario.agenda]
        self.waiting = Asked(
            first=np.zeros(origin.size + 1, dtype=np.int64), at_ns=np.empty(0, dtype=np.int64)
        )

    def add(self, asked: Sequence[KeyRequest], *, start_ns: int, end_ns: int) -> None:
        """Take the requests of a span.

        Raises
        ------
        ValueError
            If one is not dated in [start_ns, end_ns), its stream does not exist or has no key
            frames, or the site never sends it.
        """
        rows = []
        for request in asked:
            if not start_ns <= request.at_ns < end_ns:
                raise ValueError(f"{request} is not in [{start_ns}, {end_ns})")
            source = self._source(request)
            if source is not None:
                rows.append((source, request.at_ns))
        if rows:
            source_of_row, at_ns = np.array(sorted(rows), dtype=np.int64).T
            self._keep(source_of_row, at_ns)

    def answer(self, asked: Int64Array) -> None:
        """Forget what was answered: of source i the requests before row asked[i], (m,) int64."""
        if not self.waiting.at_ns.size:
            return
        source = np.repeat(np.arange(asked.size), np.diff(self.waiting.first))
        left = np.arange(source.size) >= asked[source]
        self.waiting = Asked(
            first=np.searchsorted(source[left], np.arange(asked.size + 1)).astype(np.int64),
            at_ns=self.waiting.at_ns[left],
        )

    @cached_property
    def _source_of(self) -> dict[tuple[int, int], int]:
        """The number of each source by its origin and stream; many a run needs none."""
        origin, stream = self._places
        return {
            place: i for i, place in enumerate(zip(origin.tolist(), stream.tolist(), strict=True))
        }

    def _keep(self, source: Int64Array, at_ns: Int64Array) -> None:
        """Add requests, by source and time, behind those of their sources that wait already."""
        first = self.waiting.first
        place = first[source + 1]
        self.waiting = Asked(
            first=first + np.searchsorted(source, np.arange(first.size)),
            at_ns=np.insert(self.waiting.at_ns, place, at_ns),
        )

    def _source(self, request: KeyRequest) -> int | None:
        """Return the source that a request is for; None if nobody has the floor then."""
        if not 0 <= request.stream < len(self._scenario.streams):
            raise ValueError(f"there is no stream of the number in {request}")
        stream = self._scenario.streams[request.stream]
        if not stream.key_every:
            raise ValueError(f"stream '{stream.id}' has no key frames: {request}")
        site = request.target
        if stream.direction == "floor":
            place = bisect_right(self._begins_ns, request.at_ns) - 1
            if place < 0 or self._scenario.agenda[place].until_ns <= request.at_ns:
                return None  # the next turn begins with a key frame
            site = self._index[self._scenario.agenda[place].site]
        source = self._source_of.get((site, request.stream))
        if source is None:
            raise ValueError(f"stream '{stream.id}' does not come from the site in {request}")
        return source
