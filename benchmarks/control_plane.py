"""What joining and failing over cost: the national meeting with a control plane, beside without.

    python benchmarks/control_plane.py [--seconds 600] [--runs 3]

In one run of this program the same tree is simulated twice by turns: as it is when everybody is
there and nothing fails, and with rooms that join, a province's relay that dies with its districts
failing over, and one of two carriers gone in the Mekong Delta with its communes failing over. Work
is counted and must be the same in every run; times are medians, compared as a ratio.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import simpy

from sim.control.plane import ControlPlane
from sim.scenario.joining_model import EVERYBODY_IS_THERE
from sim.scenario.loader import load_text
from sim.scenario.model import Scenario
from sim.simulation import simulate

NATIONAL = Path(__file__).parent.parent / "scenarios" / "national.yaml"
NS_PER_S = 10**9
MOST_EVENTS_PER_JOIN = 60
OUTAGE = (
    "fail: carrier/viettel in region/Mekong River Delta, for: 1 min",
    "degrade: carrier/viettel in region/Mekong River Delta, rate: × 0.5, for: 1 min",
)
CLASSES = ("shared: {share: 20 %, ", "radio:  {share: 10 %, ")
DETECTION = "detection:\n"


class CountingEnvironment(simpy.Environment):
    """An environment that counts its events."""

    steps = 0

    def step(self) -> None:
        CountingEnvironment.steps += 1
        super().step()


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: its work, and the time it took; `control_s` is within `wall_s`."""

    packet_hops: int
    joined: int
    moves: int
    events: int
    wall_s: float
    control_s: float


def whole(seconds: int) -> Scenario:
    """Return the national meeting with all that the control plane does."""
    text = NATIONAL.read_text(encoding="utf-8")
    for old, new in (
        (OUTAGE[1], OUTAGE[0]),
        *((each, each + "backup: {carrier: vnpt}, ") for each in CLASSES),
        (DETECTION, DETECTION + "  commune: {bfd: {interval: 300 ms, multiplier: 3}}\n"),
        ("failover:\n", "failover:\n  commune: {hold_down: 500 ms, revert: after 1 min}\n"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return load_text(text, NATIONAL, duration_ns=seconds * NS_PER_S)


def plain(scenario: Scenario) -> Scenario:
    """Return the meeting with everybody there and nothing failing."""
    return replace(
        scenario,
        joining=EVERYBODY_IS_THERE,
        faults=(),
        detection=(),
        failover=(),
        key_requests=None,
    )


def cost(scenario: Scenario) -> Cost:
    """Run a scenario once."""
    spent_s = 0.0
    planes: list[ControlPlane] = []
    start, run_until = ControlPlane.__init__, ControlPlane.run_until

    def timed_start(self: ControlPlane, *arguments: Any) -> None:
        nonlocal spent_s
        began_s = time.perf_counter()
        start(self, *arguments)
        spent_s += time.perf_counter() - began_s
        planes.append(self)

    def timed_run(self: ControlPlane, end_ns: int) -> Any:
        nonlocal spent_s
        began_s = time.perf_counter()
        edits = run_until(self, end_ns)
        spent_s += time.perf_counter() - began_s
        return edits

    CountingEnvironment.steps = 0
    with (
        patch.object(ControlPlane, "__init__", timed_start),
        patch.object(ControlPlane, "run_until", timed_run),
        patch("sim.control.plane.simpy.Environment", CountingEnvironment),
    ):
        results = simulate(scenario)
    journal = [entry.event.name for entry in planes[0].journal.entries]
    return Cost(
        packet_hops=results.measures.packet_hops,
        joined=journal.count("JOINED"),
        moves=journal.count("MOVED") + journal.count("REVERTED"),
        events=CountingEnvironment.steps,
        wall_s=results.wall_s,
        control_s=spent_s,
    )


def main() -> None:
    """Time both by turns and print their ratio."""
    parser = argparse.ArgumentParser(description="What joining and failing over cost.")
    parser.add_argument("--seconds", type=int, default=600, help="of simulated time")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    scenario = whole(arguments.seconds)
    cost(replace(plain(scenario), duration_ns=NS_PER_S))  # compiles
    pairs = [(cost(plain(scenario)), cost(scenario)) for _ in range(arguments.runs)]
    for runs in zip(*pairs, strict=True):
        assert len({(run.packet_hops, run.joined, run.moves, run.events) for run in runs}) == 1
    one, other = pairs[0]
    assert other.joined > 0
    per_join = other.events / other.joined
    assert per_join < MOST_EVENTS_PER_JOIN, f"{per_join:.1f} SimPy events for each join"
    ratios = [
        (with_it.packet_hops / with_it.wall_s) / (without.packet_hops / without.wall_s)
        for without, with_it in pairs
    ]
    shares = [with_it.control_s / with_it.wall_s for _, with_it in pairs]
    print(f"{other.joined:,} joins, {other.moves:,} moves, {other.events:,} SimPy events: ")
    print(f"  {per_join:.1f} events for each join")
    for name, run in (("plain", one), ("with joining and failing over", other)):
        print(f"  {name}: {run.packet_hops:,} packet-hops")
    print(
        f"  packet-hops/s with it: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) "
        f"of plain; control plane: {median(shares):.1%} of the wall time"
    )


if __name__ == "__main__":
    main()
