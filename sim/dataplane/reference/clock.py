"""SimPy's clock in whole nanoseconds, and an event that comes first at its instant."""

from __future__ import annotations

import simpy
from simpy.events import URGENT


class Clock(simpy.Environment):
    """A SimPy environment whose time is an integer number of nanoseconds."""

    @property
    def now_ns(self) -> int:
        """The current simulated time, ns."""
        return int(self.now)


class First(simpy.Event):
    """An event at `at_ns` that precedes everything else at that instant.

    Departures and arrivals are SimPy timeouts, of normal priority; edits wait for one of these.
    """

    def __init__(self, clock: Clock, at_ns: int) -> None:
        super().__init__(clock)
        self._ok = True
        self._value = None
        clock.schedule(self, URGENT, at_ns - clock.now_ns)
