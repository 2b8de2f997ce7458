"""SimPy's clock in whole nanoseconds, and events that come first or last at their instant."""

from __future__ import annotations

from collections.abc import Callable

import simpy
from simpy.events import NORMAL, URGENT, EventPriority

LATE = EventPriority(NORMAL + 1)


class Clock(simpy.Environment):
    """A SimPy environment whose time is an integer number of nanoseconds."""

    @property
    def now_ns(self) -> int:
        """The current simulated time, ns."""
        return int(self.now)


class First(simpy.Event):
    """An event at `at_ns` that precedes everything else at that instant.

    Departures and deliveries are SimPy timeouts, of normal priority; edits wait for one of these.
    """

    def __init__(self, clock: Clock, at_ns: int) -> None:
        super().__init__(clock)
        self._ok = True
        self._value = None
        clock.schedule(self, URGENT, at_ns - clock.now_ns)


class Last(simpy.Event):
    """An event of the present instant that follows all edits, departures and deliveries of it."""

    def __init__(self, clock: Clock, happen: Callable[[], None]) -> None:
        super().__init__(clock)
        self._ok = True
        self._value = None
        self.callbacks = [lambda _: happen()]
        clock.schedule(self, LATE)
