"""The control plane: runs its processes up to an instant and hands over their dated edits."""

from __future__ import annotations

import simpy

from sim.control.condition import Condition
from sim.control.faults import strike
from sim.control.hours import strike_hours
from sim.control.journal import Journal
from sim.control.keyframes import KeyFrames
from sim.dataplane.edit import Edit
from sim.network.tree import Network
from sim.scenario.model import Scenario


class ControlPlane:
    """One meeting's control plane, on SimPy's clock in ns.

    A process appends each edit when it decides it, so the list is in order of time.

    Attributes
    ----------
    journal : what has happened so far
    key_frames : who asks for key frames asks here
    """

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self._env = simpy.Environment()
        self._edits: list[Edit] = []
        self.journal = Journal()
        self.key_frames = KeyFrames(
            self._env, scenario, network, edits=self._edits, journal=self.journal
        )
        condition = Condition(network, begins_ns=scenario.begins_ns)
        if condition.has_hours:
            self._env.process(strike_hours(self._env, scenario, condition, self._edits))
        for fault in scenario.faults:
            self._env.process(strike(self._env, fault, condition, self._edits))

    def run_until(self, end_ns: int) -> list[Edit]:
        """Return the edits dated from the last call's end up to, but not at, `end_ns`."""
        self._env.run(until=end_ns)
        edits = self._edits.copy()
        self._edits.clear()
        return edits
