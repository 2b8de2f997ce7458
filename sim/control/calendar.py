"""The calendar: who waits for one instant goes on in the order of the sites' ids.

SimPy lets processes of one instant go on in the order in which they began to wait, which no
result may depend on. What is put down for an instant when that instant has come, comes after.
"""

from __future__ import annotations

from collections.abc import Sequence

import simpy


class Calendar:
    """Instants to come, each with those who wait for it."""

    def __init__(self, env: simpy.Environment, order: Sequence[int]) -> None:
        """Order those of one instant by `order`, the place of each site."""
        self._env = env
        self._order = order
        self._waiting: dict[int, list[tuple[int, int, simpy.Event]]] = {}
        self._count = 0

    def wait(self, at_ns: int, site: int) -> simpy.Event:
        """Return an event that happens at an instant, for a process of a site to wait for."""
        event = self._env.event()
        if at_ns not in self._waiting:
            self._waiting[at_ns] = []
            opening = self._env.timeout(at_ns - int(self._env.now))
            assert opening.callbacks is not None
            opening.callbacks.append(self._go_on)
        self._count += 1
        self._waiting[at_ns].append((self._order[site], self._count, event))
        return event

    def _go_on(self, opening: simpy.Event) -> None:
        waiting = self._waiting.pop(int(self._env.now))
        for _, _, event in sorted(waiting, key=lambda entry: entry[:2]):
            event.succeed()
