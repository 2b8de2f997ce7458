"""A signalling server: one queue, first come first served, before equal workers.

A request takes the first worker that is free, for a time that does not depend on who waits. So
when it will be served is known when it comes (Kiefer and Wolfowitz, 1955: the workers' free times
are the queue's state), and nothing ticks while it waits. At one instant a worker that has finished
is free for who comes then.

A request that is sent again while the first one waits is a duplicate; the server sees that it has
it, and spends nothing on it (assumption; RFC 3261, section 17.2, absorbs it in the transaction).
It answers nothing before a worker has looked at the request, so no `100 Trying` (assumption).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from heapq import heapreplace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim import rng
from sim.control.limit import Limit
from sim.scenario.signalling_model import ServerRules

Int64Array = NDArray[np.int64]

DRAWN_AT_ONCE = 1024


class Served(NamedTuple):
    """When a worker takes a request, and when it has finished."""

    begins_ns: int
    ends_ns: int


class Refusal(StrEnum):
    """Why a server takes no request."""

    QUEUE = "queue"  # it is full
    JOINS = "joins"  # its limit of calls is reached


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLoad:
    """What a server had to do in a run.

    Attributes
    ----------
    site : number of its site
    workers : how many it has
    at_ns : (k,) int64, increasing, when anything below changed; first 0
    waiting, busy : (k,) int64, requests that wait, and workers at work, from then on
    served : requests that were taken, of those also those not finished at the end
    full : requests that found the queue full, each time
    limited : calls that the limit of joins refused
    waited_ns : (served,) int64, how long each waited for a worker, in order of arrival
    """

    site: int
    workers: int
    at_ns: Int64Array
    waiting: Int64Array
    busy: Int64Array
    served: int
    full: int
    limited: int
    waited_ns: Int64Array


class Server:
    """One server and those who wait there."""

    def __init__(self, rules: ServerRules, *, seed: int) -> None:
        """Begin with nobody; service times are drawn by `seed` and the site's id."""
        self.rules = rules
        self._key = rng.key(seed, f"server/{rules.site}", "service")
        self._free_ns = [0] * rules.workers  # a heap: when each worker is free
        self._begins_ns: deque[int] = deque()  # of those that wait
        self._drawn: list[int] = []
        self._limit = Limit(count=rules.joins, span_ns=rules.joins_span_ns) if rules.joins else None
        self._full = 0
        self._limited = 0
        self._taken: list[tuple[int, int, int]] = []  # comes, begins, ends

    def offer(self, now_ns: int, *, counts: bool = False) -> Served | Refusal:
        """Return when the request that comes now will be served, or why it is not taken.

        Parameters
        ----------
        now_ns : not before the last offer
        counts : whether it is the first request of a call here, which counts against the limit of
            joins; a call that the queue has no place for does not count
        """
        limit = self._limit if counts else None
        if limit is not None and not limit.has_room(now_ns):
            self._limited += 1
            return Refusal.JOINS
        waiting = self._begins_ns
        while waiting and waiting[0] <= now_ns:
            waiting.popleft()
        begins_ns = max(now_ns, self._free_ns[0])
        if begins_ns > now_ns and len(waiting) == self.rules.queue:
            self._full += 1
            return Refusal.QUEUE
        if limit is not None:
            limit.take(now_ns)
        if begins_ns > now_ns:
            waiting.append(begins_ns)
        ends_ns = begins_ns + self._service_ns(len(self._taken))
        heapreplace(self._free_ns, ends_ns)
        self._taken.append((now_ns, begins_ns, ends_ns))
        return Served(begins_ns, ends_ns)

    def load(self, *, site: int, until_ns: int) -> ServerLoad:
        """Return what the server had to do before `until_ns`."""
        comes, begins, ends = np.array(self._taken, dtype=np.int64).reshape(-1, 3).T
        ones = np.ones(comes.size, dtype=np.int64)
        at_ns = np.concatenate([np.zeros(1, dtype=np.int64), comes, begins, ends])
        waiting = np.concatenate([[0], ones, -ones, 0 * ones])
        busy = np.concatenate([[0], 0 * ones, ones, -ones])
        # All that happens at one instant is one step.
        dates, step = np.unique(at_ns, return_inverse=True)
        changes = np.zeros((2, dates.size), dtype=np.int64)
        np.add.at(changes[0], step, waiting)
        np.add.at(changes[1], step, busy)
        levels = changes.cumsum(axis=1)
        moves = np.concatenate([[True], (np.diff(levels, axis=1) != 0).any(axis=0)])
        kept = moves & (dates < until_ns)
        return ServerLoad(
            site=site,
            workers=self.rules.workers,
            at_ns=dates[kept],
            waiting=levels[0, kept],
            busy=levels[1, kept],
            served=comes.size,
            full=self._full,
            limited=self._limited,
            waited_ns=begins - comes,
        )

    def _service_ns(self, number: int) -> int:
        """Return the time that request `number` of those taken needs, at least 1 ns."""
        mean_ns = self.rules.service_ns
        if self.rules.service == "fixed":
            return mean_ns
        place = number % DRAWN_AT_ONCE
        if place == 0:
            uniforms = rng.uniforms(self._key, number, DRAWN_AT_ONCE)
            drawn = np.rint(-rng.logarithm(uniforms) * mean_ns).astype(np.int64)
            self._drawn = np.maximum(drawn, 1).tolist()
        return self._drawn[place]
