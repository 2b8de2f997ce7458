"""The hours of the day: steady background takes another share of the rates at each."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from sim.control.condition import Condition
from sim.dataplane.edit import Edit
from sim.scenario.model import HOUR_NS, Scenario


def strike_hours(
    env: simpy.Environment, scenario: Scenario, condition: Condition, edits: list[Edit]
) -> Generator[simpy.Event]:
    """Wait for each full hour of the day, and change the rates that are others from then on.

    Ends with the last full hour before the meeting's end.
    """
    now_ns = HOUR_NS - scenario.begins_ns % HOUR_NS
    while now_ns < scenario.duration_ns:
        yield env.timeout(now_ns - env.now)
        edits += condition.turn_hour(scenario.begins_ns + now_ns, now_ns)
        now_ns += HOUR_NS
