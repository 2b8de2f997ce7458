"""Requests for key frames, nanosecond by nanosecond: slow and obvious.

Each request is for one source. At every instant all that is due is done, again and again until
nothing is left. Frames are counted one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import NamedTuple

from sim.network.tree import Network
from sim.scenario.model import Scenario


class Message(NamedTuple):
    """A request that has been processed at a site at `at_ns`."""

    at_ns: int
    site: int
    way: str
    stream: int
    origin: int


class Answers(NamedTuple):
    """What comes of all requests; sorted."""

    asked: list[tuple[int, int, str]]  # at_ns, site, stream's id
    edits: list[tuple[int, int, int]]  # at_ns, origin, stream
    made: list[tuple[int, int, str]]  # at_ns, origin, stream's id
    passed: dict[tuple[int, str, int, int], list[int]]  # relay, way, stream, origin


class Keys:
    """One meeting's requests, played by `answers`."""

    def __init__(
        self, scenario: Scenario, network: Network, line_at: Callable[[int, int], int]
    ) -> None:
        """Let `line_at(site, now_ns)` be the line in use; -1: none."""
        self.scenario, self.network, self.line_at = scenario, network, line_at
        self.messages: list[Message] = []
        self.waiting: dict[tuple[int, str, int, int], list[int]] = {}
        self.frames: dict[tuple[int, int], list[int]] = {}
        self.found = Answers([], [], [], {})
        self.now = 0

    def answers(self, asks: Sequence[tuple[int, int]], end_ns: int) -> Answers:
        """Return what comes of asks (at_ns, site) before `end_ns`."""
        for self.now in range(end_ns):
            for at_ns, site in asks:
                if at_ns == self.now:
                    self.ask(site)
            while due := [each for each in self.messages if each.at_ns == self.now]:
                for message in due:
                    self.messages.remove(message)
                    self.take(message)
            # An interval may end, and what it lets go may cause more at the same instant.
            while self.end_intervals():
                while due := [each for each in self.messages if each.at_ns == self.now]:
                    for message in due:
                        self.messages.remove(message)
                        self.take(message)
        asked, edits, made, passed = self.found
        made = [row for row in made if row[0] < end_ns]
        return Answers(sorted(asked), sorted(edits), sorted(made), passed)

    def parent(self, site: int) -> int:
        line = self.line_at(site, self.now)
        return int(self.network.line_parent[line]) if site and line >= 0 else -1

    def up_ns(self, site: int) -> int:
        line = self.network.line(self.line_at(site, self.now))
        return line.propagation_ns

    def chain(self, site: int) -> list[int]:
        found = [site]
        while (parent := self.parent(found[-1])) >= 0:
            found.append(parent)
        return found

    def processing(self, site: int) -> int:
        return int(self.network.processing_ns[site])

    def is_relay(self, site: int) -> bool:
        return bool(self.network.relay[site])

    def speaker(self) -> tuple[int, int, int] | None:
        for turn in self.scenario.agenda:
            if turn.at_ns <= self.now < turn.until_ns:
                return turn.at_ns, turn.until_ns, self.network.index[turn.site]
        return None

    def ask(self, site: int) -> None:
        above = self.chain(site)[1:]
        for number, stream in enumerate(self.scenario.streams):
            if not stream.key_every:
                continue
            if stream.direction == "down" and stream.start_ns < self.now:
                for name in stream.origins:
                    if self.network.index[name] in above:
                        self.leave(site, "up", number, self.network.index[name])
            if stream.direction == "floor":
                turn = self.speaker()
                if turn is None or turn[0] == self.now:
                    continue
                if turn[2] != site or self.is_relay(site):
                    self.leave(site, "up", number, turn[2])
                elif self.parent(site) >= 0:
                    self.leave(self.parent(site), "down", number, turn[2])

    def leave(self, site: int, way: str, stream: int, origin: int) -> None:
        self.found.asked.append((self.now, site, self.scenario.streams[stream].id))
        if self.is_relay(site):
            self.messages.append(
                Message(self.now + self.processing(site), site, way, stream, origin)
            )
        else:
            self.rise(site, stream, origin)

    def rise(self, site: int, stream: int, origin: int) -> None:
        parent = self.parent(site)
        if parent >= 0:
            at_ns = self.now + self.up_ns(site) + self.processing(parent)
            self.messages.append(Message(at_ns, parent, "up", stream, origin))

    def sink(self, relay: int, stream: int, origin: int) -> None:
        chain = self.chain(origin)
        if relay not in chain or relay == origin:
            return
        site = chain[chain.index(relay) - 1]
        at_ns = self.now + self.up_ns(site) + self.processing(site)
        self.messages.append(Message(at_ns, site, "down", stream, origin))

    def take(self, message: Message) -> None:
        _, site, way, stream, origin = message
        if not self.is_relay(site):
            self.reach(stream, origin)
            return
        key = site, way, stream, origin
        passed = self.found.passed.setdefault(key, [])
        interval_ns = self.scenario.key_requests.min_interval_ns
        if not passed or self.now >= passed[-1] + interval_ns:
            self.let_pass(key)
        elif self.now > passed[-1]:
            self.waiting.setdefault(key, []).append(self.now)

    def let_pass(self, key: tuple[int, str, int, int]) -> None:
        site, way, stream, origin = key
        self.waiting.pop(key, None)
        self.found.passed[key].append(self.now)
        floor_stream = self.scenario.streams[stream].direction == "floor"
        if way == "up" and not floor_stream:
            if site == origin:
                self.reach(stream, origin)
            elif site:
                self.rise(site, stream, origin)
        elif way == "up" and site:
            self.rise(site, stream, origin)
        elif site == origin:
            self.reach(stream, origin)
        else:
            self.sink(site, stream, origin)

    def end_intervals(self) -> bool:
        interval_ns = self.scenario.key_requests.min_interval_ns
        for key in list(self.waiting):
            if self.now == self.found.passed[key][-1] + interval_ns:
                newest_ns = max(self.waiting.pop(key))
                if not self.seen(key, newest_ns):
                    self.let_pass(key)
                return True
        return False

    def seen(self, key: tuple[int, str, int, int], since_ns: int) -> bool:
        """Whether a key frame's copies have left the relay since then, or nothing comes there."""
        relay, way, stream, origin = key
        if self.scenario.streams[stream].direction == "floor":
            turn = self.speaker()
            if turn is None or turn[2] != origin:
                return True
            begin_ns, until_ns, _ = turn
            if way == "down":
                if relay not in self.chain(origin):
                    return True
                road = self.chain(origin)[: self.chain(origin).index(relay) + 1]
            else:
                if self.chain(origin)[-1] != 0 or self.chain(relay)[-1] != 0:
                    return True
                road = [*self.chain(origin), *self.chain(relay)[::-1][1:]]
            # The root's own is processed there too; who is below sends up at once.
            passes = self.processing(origin) if len(road) == 1 or origin == 0 else 0
        else:
            begin_ns, until_ns = self.scenario.streams[stream].start_ns, 10**9
            if origin not in self.chain(relay):
                return True
            road = self.chain(relay)[: self.chain(relay).index(origin) + 1][::-1]
            passes = self.processing(origin)
        for here, there in pairwise(road):
            lower = here if self.parent(here) == there else there
            passes += self.up_ns(lower) + self.processing(there)
        return any(
            since_ns <= at_ns + passes < self.now
            for at_ns in self.key_frames(stream, origin, begin_ns, min(until_ns, self.now))
        )

    def key_frames(self, stream: int, origin: int, begin_ns: int, until_ns: int) -> list[int]:
        found = [at_ns for at_ns in self.frames.get((stream, origin), []) if at_ns < self.now]
        k, every = 0, self.scenario.streams[stream].key_every
        while (at_ns := self.due(stream, begin_ns, k)) < until_ns:
            if k % every == 0:
                found.append(at_ns)
            k += 1
        return found

    def due(self, stream: int, begin_ns: int, k: int) -> int:
        fields = self.scenario.streams[stream]
        return begin_ns + floor(
            Fraction(k * fields.span_ns, fields.frames_per_span) + Fraction(1, 2)
        )

    def reach(self, stream: int, origin: int) -> None:
        fields = self.scenario.streams[stream]
        begin_ns, until_ns = fields.start_ns, 10**9
        if fields.direction == "floor":
            turn = self.speaker()
            if turn is None or turn[2] != origin:
                return
            begin_ns, until_ns, _ = turn
        self.found.edits.append((self.now, origin, stream))
        k = 0
        while self.due(stream, begin_ns, k) < self.now:
            k += 1
        at_ns = self.due(stream, begin_ns, k)
        asked_for = self.frames.setdefault((stream, origin), [])
        if at_ns < until_ns and at_ns not in asked_for:
            asked_for.append(at_ns)
            self.found.made.append((at_ns, origin, fields.id))
