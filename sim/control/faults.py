"""Faults: each a process that lets it act in its time, and undoes it."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from sim.control.condition import Condition
from sim.control.journal import Event, Journal
from sim.dataplane.edit import Edit
from sim.scenario.model import FOREVER_NS, Fault


def strike(
    env: simpy.Environment,
    fault: Fault,
    number: int,
    condition: Condition,
    edits: list[Edit],
    journal: Journal,
) -> Generator[simpy.Event]:
    """Wait for the fault's time, let it act, wait for its repair, and undo it.

    What flaps does so again and again. A fault that is never repaired ends with its first edits.
    `number` is that in the scenario.
    """
    for at_ns, until_ns in fault.spans():
        yield env.timeout(at_ns - env.now)
        edits += condition.begin(fault, at_ns)
        journal.note(at_ns, Event.FAULT, fault=number)
        if until_ns < FOREVER_NS:
            yield env.timeout(until_ns - at_ns)
            edits += condition.end(fault, until_ns)
            journal.note(until_ns, Event.REPAIR, fault=number)
