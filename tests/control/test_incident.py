"""The incident of jitsi/jicofo, pull request 1298, from its published inputs alone.

92 joins in 31 s put 58 on one of about a dozen servers, which reached a stress of 1.1, while 9 to
11 others stayed below 0.05; at most 30 joins per server and minute removed it. The scenario says
who is where, when they come and what a server can do; joining and placement are those of every
meeting.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from sim.control.journal import Event
from sim.control.plane import ControlPlane
from sim.dataplane.edit import JoinRoom, UseLine
from sim.network.tree import build_network
from sim.scenario.loader import load
from sim.scenario.model import Pool, Scenario
from sim.simulation import simulate
from tests.scenario.files import ROOT

S = 10**9
SCENARIO_FILE = ROOT / "scenarios" / "incidents" / "jicofo-1298.yaml"
SCENARIO = load(SCENARIO_FILE)
JOINS, WITHIN_NS = 92, 31 * S
# What a room takes of the 50,000 packets/s of a server.
OF_A_SERVER = float(sum(stream.packets_per_s for stream in SCENARIO.streams) / 50_000)
SEEDS = range(1, 21)
# How long a server's report goes on counting: reports every 5 to 10 s, known at once or late.
EVERY = {"5 s": (5 * S, 0), "10 s": (10 * S, 0), "5 s, 5 s late": (5 * S, 5 * S)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the joins, by server: lines and load, the largest first; and refusals."""

    lines: list[int]
    load: list[float]
    refused: int


def pool_of(scenario: Scenario) -> Pool:
    (relay,) = scenario.relays
    assert relay.pool is not None
    return relay.pool


def changed(*, seed: int, pool: Pool) -> Scenario:
    """Return the meeting under another luck and with another pool, read anew: calls are draws."""
    scenario = load(SCENARIO_FILE, seed=seed)
    (relay,) = scenario.relays
    return replace(scenario, relays=(replace(relay, pool=pool),))


def joined(scenario: Scenario) -> Outcome:
    """Let everybody join."""
    plane = ControlPlane(scenario, network := build_network(scenario))
    edits = plane.run_until(scenario.duration_ns)
    # Whoever is given the server that its line has anyway uses no other.
    came = [edit.target for edit in edits if isinstance(edit, JoinRoom)]
    server = {site: int(network.line_egress[site]) for site in came}
    server |= {edit.target: edit.egress for edit in edits if isinstance(edit, UseLine)}
    rooms = Counter(server.values())
    lines = sorted((rooms[egress] for egress in range(len(network.egresses))), reverse=True)
    refused = sum(entry.event is Event.REFUSED for entry in plane.journal.entries)
    return Outcome(lines, [OF_A_SERVER * line for line in lines], refused)


def test_the_inputs_are_the_published_ones() -> None:
    (relay,) = SCENARIO.relays
    assert len(SCENARIO.sites) - 1 == JOINS
    assert 11 <= len(relay.egresses) <= 13
    assert pool_of(SCENARIO).fill_to == 0.8
    assert {server.overhead_ns for server in relay.egresses} == {S // 50_000}
    # The published stress of the published number of participants: 0.019 of a server for each.
    assert pytest.approx(1.1 / 58, rel=0.01) == OF_A_SERVER
    calls_ns = [room.calls_ns for room in SCENARIO.joining.rooms]
    assert len(calls_ns) == JOINS
    assert 0 <= min(calls_ns) < max(calls_ns) < WITHIN_NS == SCENARIO.joining.start_ns


@pytest.mark.parametrize("seed", SEEDS)
def test_one_server_takes_most_and_is_overloaded_while_others_idle(seed: int) -> None:
    outcome = joined(changed(seed=seed, pool=pool_of(SCENARIO)))
    assert outcome.refused == 0
    assert outcome.lines[0] > JOINS / 2
    assert outcome.lines[0] > 6 * JOINS / len(outcome.lines)
    assert outcome.load[0] > 1
    assert 9 <= sum(load < 0.05 for load in outcome.load) <= 11


@pytest.mark.parametrize("seed", SEEDS)
def test_at_most_30_joins_per_server_and_minute_remove_it(seed: int) -> None:
    limited = replace(pool_of(SCENARIO), admit=30, admit_ns=60 * S)
    outcome = joined(changed(seed=seed, pool=limited))
    assert outcome.refused == 0
    assert outcome.lines[:4] == [30, 30, 30, 2]
    assert outcome.load[0] < 0.6


def test_reports_decide_how_many_come_too_many() -> None:
    """42 joins fill a server to 80 %, in 14 s; those until a report says so come too many.

    At 92 / 31 s a report that is known t later lets 3 t more come: with reports every T that are
    known D late, 42 + 3 (D + T / 2) on average. The published 58 lies between those of 5 and 10 s.
    """
    filled, per_s = 42, JOINS / 31
    means = {}
    for name, (report_ns, delay_ns) in EVERY.items():
        pool = replace(pool_of(SCENARIO), report_ns=report_ns, report_delay_ns=delay_ns)
        largest = [joined(changed(seed=seed, pool=pool)).lines[0] for seed in range(1, 101)]
        means[name] = np.mean(largest)
        expected = filled + per_s * (delay_ns + report_ns / 2) / S
        half_width = 4 * np.std(largest, ddof=1) / np.sqrt(len(largest))
        assert abs(means[name] - expected) < half_width + 1, name
        assert half_width < 5
    assert means["5 s"] < 58 < means["5 s, 5 s late"]


def test_least_load_alone_spreads_further() -> None:
    """What keeps to one server is the rule to stay on it until it reports 0.8, not least load."""
    pool = replace(pool_of(SCENARIO), policy="least loaded", fill_to=0.0)
    outcomes = [joined(changed(seed=seed, pool=pool)) for seed in SEEDS]
    assert all(outcome.load[0] < 0.8 for outcome in outcomes)
    # Still several times the fair share of 7.7: reports are stale for this policy too.
    assert all(outcome.lines[0] > 2.5 * JOINS / 12 for outcome in outcomes)


def test_fresh_reports_remove_it_too() -> None:
    pool = replace(pool_of(SCENARIO), report_ns=1, report_delay_ns=0)
    outcome = joined(changed(seed=1, pool=pool))
    assert outcome.lines[:3] == [42, 42, 8]  # 42 of 0.019 are 0.8
    assert outcome.load[0] == pytest.approx(0.8, abs=0.01)


def test_it_shows_in_the_packets() -> None:
    """Of two servers one is full and loses packets; rooms by server are those of the placement."""
    scenario = replace(SCENARIO, duration_ns=40 * S)
    measured = simulate(scenario, engine="packet").measures.egresses
    placed = joined(scenario)
    assert placed.lines == [67, 25, *[0] * 10]
    # The last second: what it is offered, of what it can do, is by how many rooms it has.
    assert measured.utilisation_peak[0] == 1
    assert measured.utilisation_peak[1] == pytest.approx(25 * OF_A_SERVER, rel=0.01)
    assert measured.offered[2:].max() == 0
    assert measured.lost[0, 1] > 0
    assert measured.lost[1:].max() == 0
