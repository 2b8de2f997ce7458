"""Hot standbys: each takes over when its relay's advertisements have been missing long enough."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import simpy

from sim.control.condition import Condition
from sim.control.journal import Event, Journal
from sim.control.outages import Takeover
from sim.dataplane.edit import Edit
from sim.scenario.model import Fault


def take_over(
    env: simpy.Environment,
    takeovers: Sequence[Takeover],
    faults: Sequence[Fault],
    condition: Condition,
    edits: list[Edit],
    journal: Journal,
) -> Generator[simpy.Event]:
    """Wait for each takeover in turn, and let the relay's outage end with it.

    Taking over and giving back cost nothing more: the relay comes back empty, as after a repair.
    The standby itself does not fail.
    """
    for at_ns, relay, number in takeovers:
        yield env.timeout(at_ns - env.now)
        edits += condition.take_over(faults[number], relay, at_ns)
        journal.note(at_ns, Event.TOOK_OVER, site=relay, fault=number)
