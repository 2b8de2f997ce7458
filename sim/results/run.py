"""One run: what it tells while it goes on, and what it hands over at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.control.journal import Entry
from sim.metrics.dark_causes import Darkness
from sim.metrics.measures import Measures
from sim.metrics.room_times import RoomTimes, room_times
from sim.metrics.verdict import Verdict
from sim.network.tree import Network
from sim.results.trace import Trace
from sim.scenario.model import Scenario

if TYPE_CHECKING:
    from sim.control.joining import Joins  # with SimPy, which only a simulation needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has got.

    Attributes
    ----------
    now_ns, duration_ns : simulated time so far, and the meeting's length
    packet_hops : packets offered to open line directions so far
    rooms_dark : rooms that are dark now
    """

    now_ns: int
    duration_ns: int
    packet_hops: int
    rooms_dark: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything one run found.

    Attributes
    ----------
    verdicts : one for each of the scenario's requirements, in their order
    traces : one for each site that was traced, in the order asked for
    journal : what the control plane did, in order of time
    joins : how the rooms came and went
    darkness : when rooms were dark, and why
    engine, threads : how it was simulated
    wall_s : how long that took, seconds
    """

    scenario: Scenario
    network: Network
    measures: Measures
    verdicts: tuple[Verdict, ...]
    traces: tuple[Trace, ...]
    journal: tuple[Entry, ...]
    joins: Joins
    darkness: Darkness
    engine: str
    threads: int
    wall_s: float

    @property
    def times(self) -> RoomTimes:
        """How soon rooms joined and recovered."""
        return room_times(
            self.measures.endpoints.site,
            self.joins,
            self.darkness,
            duration_ns=self.scenario.duration_ns,
        )

    @property
    def met(self) -> bool:
        """Whether every requirement was met."""
        return all(verdict.met for verdict in self.verdicts)
