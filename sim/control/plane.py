"""The control plane: runs its processes up to an instant and hands over their dated edits."""

from __future__ import annotations

import simpy

from sim.control.admission import Admission
from sim.control.condition import Condition
from sim.control.faults import strike
from sim.control.hours import strike_hours
from sim.control.joining import Joining, Joins
from sim.control.journal import Journal
from sim.control.signalling import Signalling
from sim.dataplane.edit import Edit, LeaveRoom
from sim.network.tree import Network
from sim.scenario.model import Scenario


class ControlPlane:
    """One meeting's control plane, on SimPy's clock in ns.

    A process appends each edit when it decides it, so the list is in order of time.

    Attributes
    ----------
    journal : what has happened so far
    """

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self._env = simpy.Environment()
        self._edits: list[Edit] = []
        self._duration_ns = scenario.duration_ns
        self.journal = Journal()
        condition = Condition(network, begins_ns=scenario.begins_ns)
        if condition.has_hours:
            self._env.process(strike_hours(self._env, scenario, condition, self._edits))
        for fault in scenario.faults:
            self._env.process(strike(self._env, fault, condition, self._edits))
        absent = sorted(network.index[site] for site in scenario.joining.absent)
        self._edits += [LeaveRoom(at_ns=0, target=site) for site in absent]
        signalling = Signalling(
            self._env,
            scenario,
            network,
            journal=self.journal,
            admission=Admission(scenario, network) if scenario.joining.rooms else None,
            health=condition,
        )
        self._joining = Joining(
            self._env, scenario, network, signalling, edits=self._edits, journal=self.journal
        )

    @property
    def joins(self) -> Joins:
        """How the rooms have come and gone so far."""
        return self._joining.joins(until_ns=self._duration_ns)

    def run_until(self, end_ns: int) -> list[Edit]:
        """Return the edits dated from the last call's end up to, but not at, `end_ns`."""
        self._env.run(until=end_ns)
        edits = self._edits.copy()
        self._edits.clear()
        return edits
