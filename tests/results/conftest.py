"""A small meeting that was held, and its results."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from sim.control.joining import Joins
from sim.metrics.dark_causes import CAUSES, DarkCause, Darkness, Piece
from sim.metrics.measures import DarkIntervals, Measures
from sim.metrics.meters import Meters
from sim.metrics.verdict import judge
from sim.network.tree import Network
from sim.results.files import write
from sim.results.run import Results
from sim.results.trace import Trace, assemble
from sim.results.watched import Watch
from sim.scenario.model import FOREVER_NS, Fault
from sim.scenario.requirement_model import Requirement, Selection
from tests.results.meetings import CAM, MS, SPEAK, VIDEO, Meeting, S, scenario, talk

FAULTS = (
    Fault(
        label="fail site/794",
        action="fail",
        at_ns=3 * S,
        until_ns=6 * S,
        down_ns=0,
        up_ns=0,
        lines=(),
        relays=("794",),
        rooms=("794",),
        sites=("794",),
        rate_factor=1.0,
        added_loss=0.0,
        passes=(),
    ),
    Fault(
        label="degrade line/76900",
        action="degrade",
        at_ns=8 * S,
        until_ns=FOREVER_NS,
        down_ns=0,
        up_ns=0,
        lines=("76900",),
        relays=(),
        rooms=(),
        sites=(),
        rate_factor=0.5,
        added_loss=0.0,
        passes=(),
    ),
)


def requirement(
    subject: str,
    measure: str,
    share: float,
    limit: float,
    *,
    of: Selection | None = None,
    span_ns: int = 0,
    sense: str = "at most",
) -> Requirement:
    return Requirement(
        text=f"{share:.0%} of {subject}: {measure} {sense} {limit:g}",
        subject=subject,  # type: ignore[arg-type]
        of=of,
        share=share,
        measure=measure,  # type: ignore[arg-type]
        percentile=99.0 if measure == "delay" else 0.0,
        span_ns=span_ns,
        sense=sense,  # type: ignore[arg-type]
        limit=limit,
    )


REQUIREMENTS = (
    requirement("rooms", "loss", 0.5, 0.5),
    requirement("rooms", "delay", 0.9, 150 * MS),
    requirement("rooms", "dark", 1.0, 2 * S),
    requirement("lines", "utilisation", 1.0, 0.8),
    requirement("egresses", "utilisation", 1.0, 0.8),
)


class Held(NamedTuple):
    """A meeting that is over, and the meters that watched it."""

    meeting: Meeting
    meters: Meters


def hold(meeting: Meeting) -> Held:
    """Send 40 packets a second for ten seconds; district 794 is dead from 3 s to 6 s."""
    meters = Meters(meeting.scenario, meeting.network)
    district = meeting.network.index["794"]
    for second in range(10):
        meeting.dead_relays = {district} if 3 <= second < 6 else set()
        for i in range(40):
            meeting.send(second * S + i * 25 * MS, 1000 + i, stream=i % 2)
        meters.close_bin((second + 1) * S, meeting.tally)
    meters.close_bin(FOREVER_NS, meeting.tally)
    return Held(meeting, meters)


def hold_talk(meeting: Meeting) -> Held:
    """Hold the same in both directions: cameras twice a second, the speaker ten times.

    The first of a turn's packets, with three more, is its first frame.
    """
    meters = Meters(meeting.scenario, meeting.network)
    network = meeting.network
    for second in range(10):
        meeting.dead_relays = {network.index["794"]} if second == 5 else set()
        meeting.dead_rooms = {network.index["76000"]} if second == 2 else set()
        for i in range(40):
            meeting.send(second * S + i * 25 * MS, 1000 + i, stream=VIDEO + i % 2)
            if i % 20 == 0:
                for room in np.flatnonzero(network.room).tolist():
                    meeting.send(second * S + i * 25 * MS, 600, stream=CAM, origin=room)
            for t, turn in enumerate(meeting.scenario.agenda):
                if i % 4 == 0 and turn.at_ns <= second * S < turn.until_ns:
                    first = second * S == turn.at_ns and i < 16
                    meeting.send(
                        second * S + i * 25 * MS,
                        900,
                        stream=SPEAK,
                        origin=network.index[turn.site],
                        turn=t if first else -1,
                    )
        meters.close_bin((second + 1) * S, meeting.tally)
    meters.close_bin(FOREVER_NS, meeting.tally)
    return Held(meeting, meters)


def finish(meters: Meters, meeting: Meeting) -> Measures:
    return meters.finish(
        meeting.tally,
        packets_sent=len(meeting.sent),
        turn_packets=meeting.turn_packets,
        pending=0,
        dark=np.array(meeting.dark, dtype=np.int64).reshape(-1, 3),
    )


def trace(meeting: Meeting, site: str) -> Trace:
    watch = Watch(meeting.scenario, meeting.network, site)
    watch.add(meeting.packets())
    return assemble(meeting.network, watch.finish(), meeting.fates())


def nobody_joins(network: Network) -> Joins:
    """Everybody is there from the beginning to the end."""
    n = len(network.sites)
    never = np.full(n, -1, dtype=np.int64)
    none = np.zeros(n, dtype=np.int64)
    return Joins(
        start_ns=0,
        room=network.room,
        called_ns=never,
        joined_ns=np.where(network.room, 0, -1),
        gave_up_ns=never,
        left_ns=never,
        tries=none,
        refusals=none,
        timeouts=none,
        requests=none,
        retransmissions=none,
        dropped=none,
        servers=(),
    )


def unexplained(dark: DarkIntervals) -> Darkness:
    """Each interval is put down to loss: these meetings have no control plane."""
    length_ns = dark.until_ns - dark.from_ns
    spent_ns = np.zeros((length_ns.size, len(CAUSES)), dtype=np.int64)
    spent_ns[:, CAUSES.index(DarkCause.LOSS)] = length_ns
    pieces = tuple((Piece(until_ns, DarkCause.LOSS, -1),) for until_ns in dark.until_ns.tolist())
    fault = np.full(length_ns.size, -1, dtype=np.int64)
    return Darkness(dark=dark, fault=fault, spent_ns=spent_ns, pieces=pieces)


def results_of(held: Held, *traced: str) -> Results:
    meeting = held.meeting
    measures = finish(held.meters, meeting)
    return Results(
        scenario=meeting.scenario,
        network=meeting.network,
        measures=measures,
        verdicts=judge(meeting.scenario.requirements, meeting.network, measures),
        traces=tuple(trace(meeting, site) for site in traced),
        journal=(),
        joins=nobody_joins(meeting.network),
        darkness=unexplained(measures.dark),
        engine="packet",
        threads=1,
        wall_s=0.5,
    )


def with_many_turns(results: Results) -> Results:
    """Return the results with each turn twenty times."""
    measures = results.measures
    turns = measures.turns
    sites = {name: np.tile(getattr(turns, name), 20) for name in ("site", "packets", "rooms")}
    waits = {
        name: replace(
            waits,
            **{field.name: np.tile(getattr(waits, field.name), 20) for field in fields(waits)},
        )
        for name, waits in (("first", turns.first), ("whole", turns.whole))
    }
    return replace(
        results,
        scenario=replace(results.scenario, agenda=results.scenario.agenda * 20),
        measures=replace(measures, turns=replace(turns, **sites, **waits)),
    )


@pytest.fixture(scope="session")
def held() -> Held:
    return hold(Meeting(scenario(requirements=REQUIREMENTS, faults=FAULTS)))


@pytest.fixture(scope="session")
def results(held: Held) -> Results:
    return results_of(held, "79401")


@pytest.fixture(scope="session")
def folder(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder."""
    path = tmp_path_factory.mktemp("results")
    write(results, path, created=datetime(2021, 9, 5, 8, 30, tzinfo=UTC))
    return path


@pytest.fixture(scope="session")
def talked() -> Held:
    """The meeting that goes both ways."""
    return hold_talk(Meeting(talk(requirements=REQUIREMENTS, faults=FAULTS)))


@pytest.fixture(scope="session")
def talk_results(talked: Held) -> Results:
    return results_of(talked, "76001", "794")


@pytest.fixture(scope="session")
def talk_folder(talk_results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk")
    write(talk_results, path, created=datetime(2021, 9, 5, 8, 30, tzinfo=UTC))
    return path
