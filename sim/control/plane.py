"""The control plane: runs its processes up to an instant and hands over their dated edits."""

from __future__ import annotations

import simpy

from sim.control.call import RoomForAll, RoundTrip
from sim.control.condition import Condition
from sim.control.failover import Failovers
from sim.control.faults import strike
from sim.control.hours import strike_hours
from sim.control.journal import Journal
from sim.control.outages import Outages
from sim.control.standby import take_over
from sim.dataplane.edit import Edit
from sim.dataplane.tally import Tally
from sim.network.tree import Network
from sim.scenario.model import Scenario


class ControlPlane:
    """One meeting's control plane, on SimPy's clock in ns.

    A process appends each edit when it decides it, so the list is in order of time.

    Attributes
    ----------
    journal : what happened so far
    """

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self._env = simpy.Environment()
        self._edits: list[Edit] = []
        self._window_ns = scenario.window_ns
        self.journal = Journal()
        streams = [stream.id for stream in scenario.streams]
        condition = Condition(network, begins_ns=scenario.begins_ns, streams=streams)
        if condition.has_hours:
            self._env.process(strike_hours(self._env, scenario, condition, self._edits))
        written = (condition, self._edits, self.journal)
        for number, fault in enumerate(scenario.faults):
            self._env.process(strike(self._env, fault, number, *written))
        outages = Outages(scenario, network)
        if outages.takeovers:
            self._env.process(take_over(self._env, outages.takeovers, scenario.faults, *written))
        admission = RoomForAll(network)
        self._failovers = Failovers(
            self._env,
            scenario,
            network,
            outages,
            signalling=RoundTrip(self._env, network, outages, admission, self.journal),
            admission=admission,
            edits=self._edits,
            journal=self.journal,
        )

    def run_until(self, end_ns: int) -> list[Edit]:
        """Return the edits dated from the last call's end up to, but not at, `end_ns`."""
        self._env.run(until=end_ns)
        edits = self._edits.copy()
        self._edits.clear()
        return edits

    def report(self, end_ns: int, tally: Tally) -> None:
        """Take note of what was counted by `end_ns`, where a window ends there.

        What follows from it is in the edits of the next call, dated `end_ns` or later.
        """
        if end_ns % self._window_ns == 0:
            self._failovers.hear(end_ns, tally)
