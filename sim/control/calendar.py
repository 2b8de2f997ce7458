"""The calendar: those who wait for one instant go on in the order of their sites' ids.

SimPy lets events of one instant happen by priority, and those of one priority in the order in
which they were made, which no result may depend on. So here each site has a priority of its own,
after all events of SimPy's.
"""

from __future__ import annotations

from collections.abc import Sequence

import simpy
from simpy.events import EventPriority

FIRST_PRIORITY = 2  # SimPy's own are 0, urgent, and 1, normal


class Turn(simpy.Event):
    """Happens after a delay, at its place among those of that instant; as `simpy.Timeout` else."""

    def __init__(self, env: simpy.Environment, delay_ns: int, priority: int) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        env.schedule(self, EventPriority(priority), delay_ns)


class Calendar:
    """Gives each site its place among those who wait for an instant."""

    def __init__(self, env: simpy.Environment, order: Sequence[int]) -> None:
        """Order those of one instant by `order`, the place of each site."""
        self._env = env
        self._order = order

    def wait(self, at_ns: int, site: int) -> Turn:
        """Return an event that happens at an instant, for a process of a site to wait for.

        Raises
        ------
        ValueError
            If the instant is past.
        """
        delay_ns = at_ns - int(self._env.now)
        if delay_ns < 0:
            raise ValueError(f"{at_ns} ns is past; it is {self._env.now} ns")
        return Turn(self._env, delay_ns, FIRST_PRIORITY + self._order[site])
