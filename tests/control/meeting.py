"""A small meeting whose rooms join, with delays that are easy to add."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import simpy

from sim.control.joining import Joining, Joins
from sim.control.journal import Entry, Event, Journal
from sim.control.signalling import Admission, Answer, Health, Signalling
from sim.dataplane.edit import Edit
from sim.network.tree import build_network
from sim.scenario.joining_model import NEVER_NS, Arrival, JoiningRules
from sim.scenario.model import Scenario
from sim.scenario.signalling_model import (
    AT_ONCE,
    Retry,
    Sequence,
    ServerRules,
    SignallingRules,
    Step,
)
from tests.equality import trees

MS = 10**6
S = 10**9
NO_END_NS = 1000 * S
# root -> a -> b, c; the site numbers are 0, 1, 2, 3.
TREE = {"root": "", "a": "root", "b": "a", "c": "a"}
FIRST, SECOND = 2, 3
DELAYS_NS = {"a": 30 * MS, "b": 10 * MS, "c": 10 * MS}
# From b or c to the root: both lines, and what the relay of a needs for it.
TO_ROOT_NS = 45 * MS
RETRY = Retry(first_ns=2 * S, most_ns=60 * S, jitter=0.0, tries=0)


def step(
    name: str = "ask",
    *,
    to: str = "server",
    half_trips: int = 2,
    queue: bool | None = None,
    resend: str = "none",
    prepare_ns: int = 0,
    processing_ns: int = 0,
) -> Step:
    return Step(
        name=name,
        to=to,
        half_trips=half_trips,
        queue=to != "parent" if queue is None else queue,
        resend=resend,  # type: ignore[arg-type]
        prepare_ns=prepare_ns,
        processing_ns=processing_ns,
    )


def server(
    site: str = "root",
    *,
    service: str = "fixed",
    service_ns: int = 100 * MS,
    workers: int = 1,
    queue: int = -1,
    full: str = "refuse",
    joins: int = 0,
    joins_span_ns: int = 0,
) -> ServerRules:
    return ServerRules(
        site=site,
        service=service,  # type: ignore[arg-type]
        service_ns=service_ns,
        workers=workers,
        queue=queue,
        full=full,  # type: ignore[arg-type]
        joins=joins,
        joins_span_ns=joins_span_ns,
    )


def rules(
    *steps: Step, servers: Iterable[ServerRules] = (server(),), retry: Retry = RETRY
) -> SignallingRules:
    return replace(
        AT_ONCE,
        servers=tuple(servers),
        sequences=(Sequence(name="ours", steps=steps),),
        sequence="ours",
        retry=retry,
    )


def arrival(site: str, calls_ns: int = NEVER_NS, leaves_ns: int = NEVER_NS) -> Arrival:
    return Arrival(site=site, calls_ns=calls_ns, leaves_ns=leaves_ns)


def meeting(
    signalling: SignallingRules = AT_ONCE,
    *arrivals: Arrival,
    start_ns: int = 0,
    duration_ns: int = NO_END_NS,
    parents: dict[str, str] = TREE,
    delays_ns: dict[str, int] = DELAYS_NS,
    rooms: list[str] | None = None,
    seed: int = 1,
) -> Scenario:
    lines = {site: trees.line(propagation_ns=delay_ns) for site, delay_ns in delays_ns.items()}
    scenario = trees.scenario(
        parents,
        lines=lines,
        processing_ns={"a": 5 * MS, "root": 7 * MS},
        rooms=rooms,
        duration_ns=duration_ns,
        seed=seed,
    )
    return replace(
        scenario,
        signalling=signalling,
        joining=JoiningRules(start_ns=start_ns, rooms=arrivals),
    )


class CountingEnvironment(simpy.Environment):
    """An environment that counts its events."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        super().step()


class Run:
    """The joining of one meeting, with all that it wrote down."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        admission: Admission | None = None,
        health: Health | None = None,
    ) -> None:
        self.env = CountingEnvironment()
        self.scenario = scenario
        self.journal = Journal()
        self.edits: list[Edit] = []
        self.network = build_network(scenario)
        self.signalling = Signalling(
            self.env,
            scenario,
            self.network,
            journal=self.journal,
            admission=admission,
            health=health,
        )
        self.joining = Joining(
            self.env,
            scenario,
            self.network,
            self.signalling,
            edits=self.edits,
            journal=self.journal,
        )

    def to_the_end(self) -> Run:
        self.env.run(until=self.scenario.duration_ns)
        return self

    @property
    def joins(self) -> Joins:
        return self.joining.joins(until_ns=self.scenario.duration_ns)

    def entries(self, *events: Event) -> list[Entry]:
        return [entry for entry in self.journal.entries if not events or entry.event in events]

    def dates_ns(self, event: Event, site: int) -> list[int]:
        return [entry.at_ns for entry in self.entries(event) if entry.site == site]

    def call(self, site: int = FIRST, line: int | None = None, **how: int) -> tuple[int, Answer]:
        """Let a site call now; return when the answer came, and the answer."""
        return self.calls([(0, site)], line=line, **how)[0]

    def calls(
        self, callers: list[tuple[int, int]], *, line: int | None = None, **how: int
    ) -> list[tuple[int, Answer]]:
        """Let sites call at instants; return when each had its answer, and the answers."""
        answers: dict[int, tuple[int, Answer]] = {}

        def caller(number, at_ns, site):
            yield self.env.timeout(at_ns)
            over = site if line is None else line
            answer = yield from self.signalling.call(site, over, **how)
            answers[number] = (self.env.now, answer)

        for number, (at_ns, site) in enumerate(callers):
            self.env.process(caller(number, at_ns, site))
        self.env.run()
        return [answers[number] for number in range(len(callers))]
