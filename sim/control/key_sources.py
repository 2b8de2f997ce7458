"""Sources of key frames as the control plane knows them: who sends, and when key frames are due.

Only streams that come down to rooms and have key frames are here: `down`, and `floor`, whose source
is whoever has the floor. The frames themselves are made in `sim.media`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from sim.media.schedule import begins_ns, due_ns, frames_before
from sim.network.tree import Network
from sim.scenario.model import FOREVER_NS, Scenario

Stretch = tuple[int, int]  # [begin_ns, until_ns): frame 0 is due at the beginning


class Source(NamedTuple):
    """A stream, and the number of the site that sends it."""

    stream: int
    origin: int


class KeySources:
    """All sources of key frames of a meeting, and which key frames were asked of them."""

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self._streams = scenario.streams
        self._turns = [
            (turn.at_ns, turn.until_ns, network.index[turn.site]) for turn in scenario.agenda
        ]
        self._turn_begins_ns = [turn.at_ns for turn in scenario.agenda]
        self._floor: list[int] = []
        self._at: defaultdict[int, list[Source]] = defaultdict(list)
        self._begin_ns: dict[Source, int] = {}
        self._asked_for_ns: defaultdict[Source, list[int]] = defaultdict(list)
        for number, stream in enumerate(scenario.streams):
            if not stream.key_every or stream.direction == "up":
                continue
            if stream.direction == "floor":
                self._floor.append(number)
                continue
            begins = begins_ns(scenario, stream, network.index).tolist()
            for site, begin_ns in zip(stream.origins, begins, strict=True):
                source = Source(number, network.index[site])
                self._at[source.origin].append(source)
                self._begin_ns[source] = begin_ns

    def is_of_floor(self, source: Source) -> bool:
        """Return whether the source sends because it has the floor."""
        return self._streams[source.stream].direction == "floor"

    def name(self, source: Source) -> str:
        """Return the id of the stream."""
        return self._streams[source.stream].id

    def sent_from(self, sites: Iterable[int], now_ns: int) -> list[Source]:
        """Return the sources of `down` streams at some sites that have begun before `now_ns`.

        One that begins later begins with a key frame.
        """
        return [
            source for site in sites for source in self._at[site] if self._begin_ns[source] < now_ns
        ]

    def of_speaker(self, now_ns: int) -> list[Source]:
        """Return the sources of whoever has the floor, and had it before `now_ns`."""
        begin_ns, until_ns, site = self._turn(now_ns)
        if not begin_ns < now_ns < until_ns:
            return []
        return [Source(stream, site) for stream in self._floor]

    def sends(self, source: Source, now_ns: int) -> bool:
        """Return whether the source sends: of the floor only who has it at that instant."""
        begin_ns, until_ns = self._stretch(source, now_ns)
        return begin_ns <= now_ns < until_ns

    def answer(self, source: Source, now_ns: int) -> int | None:
        """Let a request come to the source; return when the key frame that it causes is due.

        None if an earlier request causes it already, or no frame is left in a turn.
        """
        stream = self._streams[source.stream]
        begin_ns, until_ns = self._stretch(source, now_ns)
        frame_ns = begin_ns + due_ns(stream, frames_before(stream, now_ns - begin_ns))
        asked_for_ns = self._asked_for_ns[source]
        if frame_ns >= until_ns or asked_for_ns[-1:] == [frame_ns]:
            return None
        asked_for_ns.append(frame_ns)
        return frame_ns

    def made_key(self, source: Source, low_ns: int, high_ns: int, now_ns: int) -> bool:
        """Return whether a key frame is due in [low_ns, high_ns), in the turn of `now_ns`.

        `high_ns` is not after `now_ns`, when the source sends.
        """
        asked_for_ns = self._asked_for_ns[source]
        place = bisect_left(asked_for_ns, low_ns)
        if place < len(asked_for_ns) and asked_for_ns[place] < high_ns:
            return True
        stream = self._streams[source.stream]
        begin_ns, _ = self._stretch(source, now_ns)
        frame = frames_before(stream, max(low_ns - begin_ns, 0))
        key = -(-frame // stream.key_every) * stream.key_every
        return begin_ns + due_ns(stream, key) < high_ns

    def _stretch(self, source: Source, now_ns: int) -> Stretch:
        """Return when the source sends; nothing of a site that has not the floor at `now_ns`."""
        if not self.is_of_floor(source):
            return self._begin_ns[source], FOREVER_NS
        begin_ns, until_ns, site = self._turn(now_ns)
        return (begin_ns, until_ns) if site == source.origin else (now_ns, now_ns)

    def _turn(self, now_ns: int) -> tuple[int, int, int]:
        """Return the last turn that has begun at `now_ns`: [begin, until) and the site."""
        place = bisect_right(self._turn_begins_ns, now_ns) - 1
        return self._turns[place] if place >= 0 else (now_ns, now_ns, -1)
