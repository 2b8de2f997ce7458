"""Key frames on request: who asks, how the request travels, and how relays merge it.

A room that has joined, or a site that has moved to another line, can show nothing before it has a
whole key frame. So it asks the source of each stream that comes down to it and has key frames. The
request goes up over the lines in use, relay by relay, to the source's relay; one for whoever has
the floor goes up to the root, and from there down to the speaker, as the stream itself comes. At
each relay it is processed and comes to a gate (`key_gate`). At the source it becomes an edit: the
source sends its next frame as a key frame, to everybody.

A room that has missed packets asks, too, where the scenario says so (`missed`).

Requests are too few to queue, and none is lost but where a site is cut off (assumptions).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Generator, Iterator, Sequence
from enum import Enum, auto
from typing import Protocol

import simpy

from sim.control.journal import Event, Journal
from sim.control.key_gate import NEVER_NS, Gate, Verdict
from sim.control.key_sources import KeySources, Source
from sim.dataplane.edit import AskKeyFrame, Edit
from sim.network.tree import Network
from sim.scenario.model import Scenario

ROOT = 0


class LinesInUse(Protocol):
    """Over which lines the sites are connected now."""

    def parent_of(self, site: int) -> int:
        """Return the site at the upper end of the line in use; -1: the root, or it is cut off."""

    def line_of(self, site: int) -> int:
        """Return the number of the line in use."""


class PrimaryLines:
    """Every site uses its primary line."""

    def __init__(self, network: Network) -> None:
        self._parent: list[int] = network.parent.tolist()

    def parent_of(self, site: int) -> int:
        """Return the parent of the tree."""
        return self._parent[site]

    def line_of(self, site: int) -> int:
        """Return the number of the primary line."""
        return site


class Way(Enum):
    """Where a request goes: up to the source or the root, or from the root down to the speaker."""

    UP = auto()
    DOWN = auto()


class KeyFrames:
    """The requests for key frames of one meeting.

    A scenario without `key_requests` has none: nobody asks.
    """

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        network: Network,
        *,
        edits: list[Edit],
        journal: Journal,
        lines: LinesInUse | None = None,
    ) -> None:
        """Write to `edits` and `journal`; `lines` are those in use, by default the primary ones."""
        self._env = env
        self._network = network
        self._edits = edits
        self._journal = journal
        self._lines = PrimaryLines(network) if lines is None else lines
        self._sources = KeySources(scenario, network)
        self._processing_ns: list[int] = network.processing_ns.tolist()
        self._relay: list[bool] = network.relay.tolist()
        self._rules = scenario.key_requests
        interval_ns = self._rules.min_interval_ns if self._rules else 0
        self._gates: defaultdict[tuple[int, Way, Source], Gate] = defaultdict(
            lambda: Gate(interval_ns=interval_ns)
        )

    @property
    def _now_ns(self) -> int:
        return int(self._env.now)

    def ask(self, site: int, now_ns: int) -> None:
        """Have a site ask for key frames of all that comes down to it.

        Called when its room has joined, or when it has moved to another line. A site without
        children that has the floor is itself asked, by the relay above: what it sends begins anew
        there, and everybody else has missed something.

        Parameters
        ----------
        now_ns : the environment's time

        Raises
        ------
        ValueError
            If `now_ns` is another time.
        """
        self._check_time(site, now_ns)
        if self._rules is None:
            return
        wanted = self._sources.sent_from(self._above(site), now_ns)
        speaking = self._sources.of_speaker(now_ns)
        if self._is_of(site, speaking):
            parent = self._lines.parent_of(site)
            if parent >= 0:
                self._begin(parent, Way.DOWN, speaking, self._lines.line_of(site))
        else:
            wanted += speaking
        if wanted:
            self._begin(site, Way.UP, wanted, self._line_up(site))

    def ask_for(self, site: int, streams: Container[int], now_ns: int) -> None:
        """Have a room ask for key frames of some streams, by number, as far as they come to it.

        Raises
        ------
        ValueError
            If `now_ns` is not the environment's time.
        """
        self._check_time(site, now_ns)
        speaking = self._sources.of_speaker(now_ns)
        coming = self._sources.sent_from(self._above(site), now_ns)
        coming += [] if self._is_of(site, speaking) else speaking
        wanted = [source for source in coming if source.stream in streams]
        if wanted:
            self._begin(site, Way.UP, wanted, self._line_up(site))

    def _check_time(self, site: int, now_ns: int) -> None:
        if now_ns != self._now_ns:
            raise ValueError(f"it is {self._now_ns} ns, and site {site} asks at {now_ns} ns")

    def _is_of(self, site: int, speaking: Sequence[Source]) -> bool:
        """Return whether the sources of the floor are those of a leaf: it does not hear itself."""
        return bool(speaking) and speaking[0].origin == site and not self._relay[site]

    def _begin(self, site: int, way: Way, sources: Sequence[Source], line: int) -> None:
        now_ns = self._now_ns
        for source in sorted(sources):
            name = self._sources.name(source)
            self._journal.note(now_ns, Event.KEY_ASKED, site=site, line=line, detail=name)
        self._env.process(self._leave(site, way, sources))

    def _leave(self, site: int, way: Way, sources: Sequence[Source]) -> Generator[simpy.Event]:
        """Carry a request from the site that makes it: a relay's own passes its gate first."""
        if self._relay[site]:
            yield self._env.timeout(self._processing_ns[site])
            yield from self._come_to(site, way, sources)
        else:
            yield from self._rise(site, sources)

    def _rise(self, site: int, sources: Sequence[Source]) -> Generator[simpy.Event]:
        """Carry a request over the site's line to the relay above, and on from there."""
        parent = self._lines.parent_of(site)
        if parent < 0:
            return  # it is cut off
        yield self._env.timeout(self._up_ns(site) + self._processing_ns[parent])
        yield from self._come_to(parent, Way.UP, sources)

    def _descend(self, relay: int, sources: Sequence[Source]) -> Generator[simpy.Event]:
        """Carry a request for one speaker from a relay one line down, and on from there."""
        site = self._towards(sources[0].origin, relay)
        if site < 0:
            return  # the speaker is no longer below
        yield self._env.timeout(self._down_ns(site) + self._processing_ns[site])
        if self._relay[site]:
            yield from self._come_to(site, Way.DOWN, sources)
        else:
            self._reach(sources)

    def _come_to(self, relay: int, way: Way, sources: Sequence[Source]) -> Generator[simpy.Event]:
        """Bring a processed request to a relay's gates; what they let through goes on."""
        passing = []
        for source in sources:
            gate = self._gates[relay, way, source]
            verdict = gate.take(self._now_ns)
            if verdict is Verdict.PASSES:
                passing.append(source)
            elif verdict is Verdict.WAITS:
                self._env.process(self._wait(relay, way, source, gate))
        yield from self._go_on(relay, way, passing)

    def _wait(self, relay: int, way: Way, source: Source, gate: Gate) -> Generator[simpy.Event]:
        """Wait for the interval's end; ask then for those who have seen no key frame go by."""
        yield self._env.timeout(gate.opens_ns - self._now_ns)
        newest_ns = gate.open(self._now_ns)
        if newest_ns == NEVER_NS or self._has_passed(relay, way, source, newest_ns):
            return
        gate.take(self._now_ns)
        yield from self._go_on(relay, way, [source])

    def _go_on(self, relay: int, way: Way, sources: Sequence[Source]) -> Generator[simpy.Event]:
        """Carry what a relay passes on to its next place."""
        self._reach([source for source in sources if self._ends(relay, way, source)])
        going = [source for source in sources if not self._ends(relay, way, source)]
        if going and way is Way.UP and relay != ROOT:
            yield from self._rise(relay, going)
            return
        # Other sources would have been met on the way up: the site is no longer below them.
        going = [source for source in going if self._sources.is_of_floor(source)]
        if going:
            yield from self._descend(relay, going)

    def _ends(self, relay: int, way: Way, source: Source) -> bool:
        """Return whether a source is at a relay; a speaker's is found from the root only."""
        if source.origin != relay:
            return False
        return way is Way.DOWN or relay == ROOT or not self._sources.is_of_floor(source)

    def _reach(self, sources: Sequence[Source]) -> None:
        """Hand a request to its sources; who has not the floor any more makes nothing of it."""
        now_ns = self._now_ns
        for source in sources:
            if not self._sources.sends(source, now_ns):
                continue
            self._edits.append(
                AskKeyFrame(at_ns=now_ns, target=source.origin, stream=source.stream)
            )
            frame_ns = self._sources.answer(source, now_ns)
            if frame_ns is not None:
                self._env.process(self._make(source, frame_ns))

    def _make(self, source: Source, frame_ns: int) -> Generator[simpy.Event]:
        """Note the key frame when it is due."""
        yield self._env.timeout(frame_ns - self._now_ns)
        name = self._sources.name(source)
        self._journal.note(frame_ns, Event.KEY_MADE, site=source.origin, detail=name)

    def _has_passed(self, relay: int, way: Way, source: Source, since_ns: int) -> bool:
        """Return whether a key frame has gone by at a relay since then, before this instant.

        Also if the source sends no more, or not by this relay: who waits is then served otherwise.
        Frames are taken to find every queue empty (assumption): one that is late is on its way.
        """
        now_ns = self._now_ns
        way_ns = self._way_ns(source, relay, way)
        if way_ns is None or not self._sources.sends(source, now_ns):
            return True
        return self._sources.made_key(source, since_ns - way_ns, now_ns - way_ns, now_ns)

    def _way_ns(self, source: Source, relay: int, way: Way) -> int | None:
        """Return how long a frame takes from its source until a relay passes its copies on."""
        if way is Way.DOWN:
            climb = self._between(source.origin, relay)
            return None if climb is None else climb[0] + self._processing_ns[relay]
        top, climb_ns = source.origin, 0
        if self._sources.is_of_floor(source):
            climb = self._between(source.origin, ROOT)
            if climb is None:
                return None
            top, climb_ns = ROOT, climb[0]
        fall = self._between(relay, top)
        if fall is None:
            return None
        own_ns = self._processing_ns[relay] if relay != top else 0
        return climb_ns + self._processing_ns[top] + fall[1] + own_ns

    def _between(self, low: int, high: int) -> tuple[int, int] | None:
        """Return the ns up, and down, between a site and a relay above; None: it is not above.

        Lines, and the processing of relays between.
        """
        up_ns = down_ns = 0
        for site in self._chain(low):
            if site == high:
                return up_ns, down_ns
            between_ns = self._processing_ns[site] if site != low else 0
            up_ns += between_ns + self._up_ns(site)
            down_ns += between_ns + self._down_ns(site)
        return None

    def _chain(self, site: int) -> Iterator[int]:
        """Yield a site, and the sites above it, as far as it is connected."""
        while site >= 0:
            yield site
            site = self._lines.parent_of(site)

    def _above(self, site: int) -> list[int]:
        return list(self._chain(site))[1:]

    def _towards(self, low: int, high: int) -> int:
        """Return the site just below `high` on the way to `low`; -1: there is none."""
        below = -1
        for site in self._chain(low):
            if site == high:
                return below
            below = site
        return -1

    def _line_up(self, site: int) -> int:
        return self._lines.line_of(site) if site != ROOT else -1

    def _up_ns(self, site: int) -> int:
        return int(self._network.propagation_ns[self._network.up(self._lines.line_of(site))])

    def _down_ns(self, site: int) -> int:
        return int(self._network.propagation_ns[self._network.down(self._lines.line_of(site))])
