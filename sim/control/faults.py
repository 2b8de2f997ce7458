"""Scheduled faults: each a process that lets it act in its time, and undoes it."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from sim.control.condition import Condition
from sim.dataplane.edit import Edit
from sim.scenario.model import FOREVER_NS, Fault


def strike(
    env: simpy.Environment, fault: Fault, condition: Condition, edits: list[Edit]
) -> Generator[simpy.Event]:
    """Wait for the fault's time, let it act, wait for its repair, and undo it.

    A fault that is never repaired ends with its first edits.
    """
    yield env.timeout(fault.at_ns)
    edits += condition.begin(fault, fault.at_ns)
    if fault.until_ns < FOREVER_NS:
        yield env.timeout(fault.until_ns - fault.at_ns)
        edits += condition.end(fault, fault.until_ns)
