"""The control plane: runs its processes up to an instant and hands over their dated edits."""

from __future__ import annotations

import simpy

from sim.control.admission import Admission
from sim.control.call import RoundTrip
from sim.control.condition import Condition
from sim.control.failover import Failovers
from sim.control.faults import strike
from sim.control.hours import strike_hours
from sim.control.joining import Joining, Joins
from sim.control.journal import Journal
from sim.control.keyframes import KeyFrames
from sim.control.missed import Missed
from sim.control.outages import Outages
from sim.control.paths import OpenLines
from sim.control.signalling import Signalling
from sim.control.standby import take_over
from sim.dataplane.edit import Edit, LeaveRoom
from sim.dataplane.tally import Tally
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
        env = self._env = simpy.Environment()
        self._duration_ns, self._window_ns = scenario.duration_ns, scenario.window_ns
        self._edits: list[Edit] = []
        self.journal = Journal()
        self._strike(scenario, network, outages := Outages(scenario, network))
        absent = sorted(network.index[site] for site in scenario.joining.absent)
        self._edits += [LeaveRoom(at_ns=0, target=site) for site in absent]
        asked = scenario.joining.rooms or scenario.failover
        admission = Admission(scenario, network) if asked else None
        signalling = Signalling(
            env,
            scenario,
            network,
            journal=self.journal,
            admission=admission,
            health=self._condition,
        )
        edits, journal = self._edits, self.journal
        lines = OpenLines(network, signalling.paths, self._condition)
        self.key_frames = KeyFrames(
            env, scenario, network, edits=edits, journal=journal, lines=lines
        )
        self._joining = Joining(
            env,
            scenario,
            network,
            signalling,
            edits=edits,
            journal=journal,
            ask=self.key_frames.ask,
        )
        rules = scenario.key_requests
        self._missed = Missed(scenario, network) if rules and rules.after_loss else None
        round_trip = RoundTrip(env, network, outages, signalling.admission)
        self._failovers = Failovers(
            env,
            scenario,
            network,
            outages,
            signalling=signalling if scenario.signalling.servers else round_trip,
            admission=signalling.admission,
            present=self._joining.is_present,
            use=signalling.paths.use,
            ask=self.key_frames.ask,
            edits=edits,
            journal=journal,
        )

    def _strike(self, scenario: Scenario, network: Network, outages: Outages) -> None:
        """Let hours turn, faults strike and standbys take over in their time."""
        streams = [stream.id for stream in scenario.streams]
        self._condition = Condition(network, begins_ns=scenario.begins_ns, streams=streams)
        if self._condition.has_hours:
            self._env.process(strike_hours(self._env, scenario, self._condition, self._edits))
        written = (self._condition, self._edits, self.journal)
        for number, fault in enumerate(scenario.faults):
            self._env.process(strike(self._env, fault, number, *written))
        if outages.takeovers:
            self._env.process(take_over(self._env, outages.takeovers, scenario.faults, *written))

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

    def report(self, end_ns: int, tally: Tally) -> None:
        """Take note of what was counted by `end_ns`, where a window ends there.

        What follows from it is in the edits of the next call, dated `end_ns` or later.
        """
        if end_ns % self._window_ns:
            return
        self._failovers.hear(end_ns, tally)
        if self._missed is not None:
            for site, streams in self._missed.take(tally):
                if self._joining.room_is_present(site):
                    self.key_frames.ask_for(site, streams, end_ns)
