"""Signalling: a site asks to be let in, step by step, through the servers' queues.

A call goes through a sequence of steps; a step is round trips to a server or to the parent relay.
Each round trip is a request of its own, sent again by its timers until its answer comes; after
64 T1 without one the call has timed out. A server may refuse a request (its queue is full, or its
limit of joins is reached); at the end the parent gives the site a place, or refuses.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, get_args

import numpy as np
import simpy

from sim import rng
from sim.control.calendar import Calendar
from sim.control.journal import Event, Journal
from sim.control.paths import AllUp, Health, Path, Paths
from sim.control.server import Refusal, Server, ServerLoad
from sim.control.timers import gives_up_ns, sends_ns
from sim.network.tree import Network
from sim.scenario.model import FOREVER_NS, PARENT, Scenario
from sim.scenario.signalling_model import SERVER, Resend, Sequence, Step

Wait = Generator[simpy.Event, Any, None]

DRAWS = 4  # pauses drawn at once for all sites: a block of the generator


class Outcome(StrEnum):
    """How a call ends."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    GAVE_UP = "gave up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call led to.

    Attributes
    ----------
    outcome : how it ended
    egress : number of the egress that feeds the line; -1 unless admitted over a line
    cause : why it was refused (`queue`, `joins`, or what the admission says), or the step without
        an answer; empty if admitted
    sent : requests, each counted once
    resent : copies of them that were sent again
    dropped : copies that found a server's queue full and had no answer
    """

    outcome: Outcome
    egress: int
    cause: str
    sent: int
    resent: int
    dropped: int

    @property
    def admitted(self) -> bool:
        """Whether the site is let in."""
        return self.outcome is Outcome.ADMITTED


class Admission(Protocol):
    """Gives places at relays, and takes them back."""

    def place(self, line: int, now_ns: int) -> int | str:
        """Return the egress that will feed a line, or why there is none."""

    def release(self, line: int, now_ns: int) -> None:
        """Take the place of a line back."""


class Unlimited:
    """Every relay has a place for everybody, at the egress that feeds the line anyway."""

    def __init__(self, network: Network) -> None:
        self._egress: list[int] = network.line_egress.tolist()

    def place(self, line: int, now_ns: int) -> int | str:
        """Return the line's own egress."""
        return self._egress[line]

    def release(self, line: int, now_ns: int) -> None:
        """Do nothing: nothing was taken."""


class _Ended(Exception):  # noqa: N818 - it is no error
    """A call has ended before its last step."""

    def __init__(self, outcome: Outcome, cause: str) -> None:
        super().__init__(outcome, cause)
        self.outcome = outcome
        self.cause = cause


@dataclass(slots=True, kw_only=True)
class _Call:
    """A call under way; `known` are the servers that have counted it."""

    site: int
    line: int
    until_ns: int
    known: set[int]
    sent: int = 0
    resent: int = 0
    dropped: int = 0

    def answer(self, outcome: Outcome, *, cause: str = "", egress: int = -1) -> Answer:
        return Answer(
            outcome=outcome,
            egress=egress,
            cause=cause,
            sent=self.sent,
            resent=self.resent,
            dropped=self.dropped,
        )


class Signalling:
    """The signalling of one meeting.

    Attributes
    ----------
    paths : the lines in use; who moves a site says so there
    calendar : for whoever waits for an instant at which others may act
    admission : gives places at relays
    """

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        network: Network,
        *,
        journal: Journal,
        admission: Admission | None = None,
        health: Health | None = None,
    ) -> None:
        rules = scenario.signalling
        self.paths = Paths(network)
        self.admission = admission or Unlimited(network)
        self._env = env
        self._network = network
        self._journal = journal
        self._health = health or AllUp()
        self.calendar = Calendar(env, network.order.tolist())
        self._tier: list[int] = network.tier.tolist()
        self._servers = {
            network.index[each.site]: Server(each, seed=scenario.seed) for each in rules.servers
        }
        self._gives_up_ns = gives_up_ns(t1_ns=rules.t1_ns)
        self._sends = {
            resend: sends_ns(resend, t1_ns=rules.t1_ns, t2_ns=rules.t2_ns)
            for resend in get_args(Resend)
        }
        self._retry = rules.retry
        by_name = {sequence.name: sequence for sequence in rules.sequences}
        self._sequence = by_name[rules.sequence]
        self._other = {network.index[site]: by_name[name] for site, name in rules.other}
        self._seed = scenario.seed
        self._jitter: list[np.ndarray[Any, np.dtype[np.float64]]] = []

    def call(
        self,
        site: int,
        line: int,
        *,
        sequence: Sequence | None = None,
        until_ns: int = FOREVER_NS,
    ) -> Generator[simpy.Event, Any, Answer]:
        """Ask to be let in over a line, once; a SimPy process that returns the answer.

        The site prepares each step, sends its requests one after the other, and waits for each
        answer; it sends again by the step's timers. The answer comes with the last trip. Whoever
        wants to try again calls again, after `pause_ns`.

        Parameters
        ----------
        site : who calls
        line : one of its lines, with whose upper end it wants a place; -1: none, the room of a
            relay site asks to be let in at its own relay and needs no place
        sequence : other steps than those of the site's own
        until_ns : when the site gives up, whatever the state of its call
        """
        call = _Call(site=site, line=line, until_ns=until_ns, known=set())
        try:
            for step in (sequence or self.sequence(site)).steps:
                yield from self._go_through(call, step)
            if not call.sent:
                yield from self._wait(call, self._now_ns)
        except _Ended as end:
            return call.answer(end.outcome, cause=end.cause)
        if line < 0:
            return call.answer(Outcome.ADMITTED)
        placed = self.admission.place(line, self._now_ns)
        if isinstance(placed, str):
            return call.answer(Outcome.REFUSED, cause=str(placed))
        self._note(call, Event.PLACED, str(placed))
        return call.answer(Outcome.ADMITTED, egress=placed)

    def sequence(self, site: int) -> Sequence:
        """Return the steps by which a site calls."""
        return self._other.get(site, self._sequence)

    def pause_ns(self, site: int, tries: int) -> int | None:
        """Return how long a site waits after `tries` calls in vain; None: it calls no more."""
        retry = self._retry
        if retry.tries and tries >= retry.tries:
            return None
        whole_ns = min(retry.most_ns, retry.first_ns << min(tries - 1, 40))
        block, place = divmod(tries - 1, DRAWS)
        while len(self._jitter) <= block:
            self._jitter.append(self._draws(len(self._jitter)))
        share = retry.jitter * float(self._jitter[block][site, place])
        return max(round(whole_ns * (1 - share)), 1)

    def loads(self, *, until_ns: int) -> tuple[ServerLoad, ...]:
        """Return what each server had to do, by number of its site."""
        return tuple(
            server.load(site=site, until_ns=until_ns)
            for site, server in sorted(self._servers.items())
        )

    @property
    def _now_ns(self) -> int:
        return int(self._env.now)

    def _draws(self, block: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return draws of the pauses after four tries, for all sites, shape (n, DRAWS)."""
        names = [f"site/{site.id}" for site in self._network.sites]
        ones = np.ones(len(names), dtype=np.int64)
        keys = rng.keys(self._seed, names, "pause")
        return rng.uniforms_of(keys, DRAWS * block * ones, DRAWS * ones).reshape(-1, DRAWS)

    def _note(self, call: _Call, event: Event, detail: str) -> None:
        self._journal.note(self._now_ns, event, site=call.site, line=call.line, detail=detail)

    def _wait(self, call: _Call, at_ns: int) -> Wait:
        """Wait for an instant, or until the site gives up."""
        if at_ns > call.until_ns:
            yield self.calendar.wait(call.until_ns, call.site)
            raise _Ended(Outcome.GAVE_UP, "")
        yield self.calendar.wait(at_ns, call.site)

    def _path(self, call: _Call, step: Step) -> Path | None:
        """Return the path to whom a step asks, as it is now."""
        if step.to == PARENT:
            return self.paths.up(call.site, call.line, lambda _: True)
        if step.to == SERVER:
            return self.paths.up(call.site, call.line, lambda site: site in self._servers)
        tier = self._network.tiers.index(step.to)
        return self.paths.up(
            call.site,
            call.line,
            lambda site: self._tier[site] <= tier and (site in self._servers or not step.queue),
        )

    def _go_through(self, call: _Call, step: Step) -> Wait:
        """Go through one step: prepare it, then one round trip after the other."""
        if step.prepare_ns:
            yield from self._wait(call, self._now_ns + step.prepare_ns)
        for _ in range(step.half_trips // 2):
            yield from self._ask(call, step)
        path = self._path(call, step)
        if step.half_trips % 2 and path is not None:
            # Nobody answers it; if it is lost, what follows is sent all the same.
            yield from self._wait(call, self._now_ns + path.delay_ns)

    def _ask(self, call: _Call, step: Step) -> Wait:
        """Send a request until its answer is here; each copy over the lines in use as it leaves.

        A copy that reaches the other end before that has finished with the first is absorbed; a
        later one is answered at once. One that is lost on its way, or dropped, leaves the request
        to the next. An answer that comes at the instant of a timer comes before it.
        """
        sends = self._sends[step.resend]
        sent_ns = self._now_ns
        self._note(call, Event.SENT, step.name)
        call.sent += 1
        try:
            yield from self._send(call, step, sends, sent_ns)
        finally:
            call.resent += max(bisect_left(sends, self._now_ns - sent_ns) - 1, 0)

    def _send(self, call: _Call, step: Step, sends: tuple[int, ...], sent_ns: int) -> Wait:
        """Send one copy after the other; return when the answer is here."""
        path = self._path(call, step)
        end_ns = sent_ns + self._gives_up_ns
        has_it: Server | None = None
        done_ns = -1  # when the server that has the request has finished with it; -1: none has it
        for copy, after_ns in enumerate(sends):
            leaves_ns = sent_ns + after_ns
            reaches_ns = leaves_ns + (path.delay_ns if path is not None else 0)
            if reaches_ns <= done_ns:
                continue
            if leaves_ns > self._now_ns:
                yield from self._wait(call, leaves_ns)
                self._note(call, Event.RETRIED, step.name)
                path = self._path(call, step)
                reaches_ns = leaves_ns + (path.delay_ns if path is not None else 0)
            if path is None:
                continue
            server = self._servers.get(path.top) if step.queue else None
            if server is not has_it:
                done_ns = -1
            if server is None:
                answer_ns = reaches_ns + step.processing_ns + path.delay_ns
            elif done_ns < 0:
                if copy and reaches_ns <= self._now_ns:
                    continue  # it met the refusal that was lost
                if reaches_ns > end_ns:
                    break
                yield from self._wait(call, reaches_ns)
                ends_ns = yield from self._offer(call, step, path, server, end_ns)
                if ends_ns < 0:
                    continue
                has_it, done_ns = server, ends_ns + step.processing_ns
                answer_ns = done_ns + path.delay_ns
            else:
                answer_ns = reaches_ns + path.delay_ns
            if answer_ns > end_ns:
                break
            yield from self._wait(call, answer_ns)
            if path.is_open(self._health):
                return
        yield from self._wait(call, end_ns)
        raise _Ended(Outcome.TIMED_OUT, step.name)

    def _offer(
        self, call: _Call, step: Step, path: Path, server: Server, end_ns: int
    ) -> Generator[simpy.Event, Any, int]:
        """Offer a request to the server that it has reached; return when it will be served.

        -1: it was lost or dropped, or its refusal was lost.
        """
        if not path.is_open(self._health):
            return -1
        offered = server.offer(self._now_ns, counts=path.top not in call.known)
        if not isinstance(offered, Refusal):
            call.known.add(path.top)
            if offered.begins_ns > self._now_ns:
                self._note(call, Event.QUEUED, step.name)
            return offered.ends_ns
        if offered is Refusal.QUEUE and server.rules.full == "drop":
            call.dropped += 1
            self._note(call, Event.DROPPED, step.name)
            return -1
        back_ns = self._now_ns + path.delay_ns
        if back_ns <= end_ns:
            yield from self._wait(call, back_ns)
            if path.is_open(self._health):
                raise _Ended(Outcome.REFUSED, str(offered))
        return -1
