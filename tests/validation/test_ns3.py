"""Packet times of another program: both engines reproduce ns-3.37 to the nanosecond.

What ns-3 measured, and how, is in tests/validation/ns3/README.md.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim.dataplane.tally import Fate
from sim.results.run import Results
from sim.scenario.loader import load
from sim.simulation import simulate

NS3 = Path(__file__).parent / "ns3"
LEAF = "commune-01"
CASES = ["cbr", "burst"]
ENGINES = ["packet", "reference"]


@dataclass(frozen=True)
class Totals:
    """What ns-3 counted on the links that lead to one tier."""

    offered: int
    dropped: int
    received: int


# The second table of tests/validation/ns3/README.md.
TOTALS = {
    "cbr": {
        "province": Totals(7_500, 0, 7_500),
        "district": Totals(22_500, 0, 22_500),
        "commune": Totals(202_500, 0, 202_500),
    },
    "burst": {
        "province": Totals(12_840, 0, 12_840),
        "district": Totals(38_520, 0, 38_520),
        "commune": Totals(346_680, 21_870, 324_810),
    },
}


@cache
def run(case: str, engine: str) -> Results:
    return simulate(load(NS3 / f"{case}.yaml"), engine=engine, trace=[LEAF])


def ns3_times(case: str) -> dict[int, tuple[int, int]]:
    """Return sequence number -> (sent_ns, received_ns) of every packet that reached the leaf."""
    with (NS3 / f"{case}_leaf0.csv").open(encoding="utf-8", newline="") as file:
        return {
            int(row["seq"]): (int(row["send_ns"]), int(row["recv_ns"]))
            for row in csv.DictReader(file)
        }


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_every_packet_arrives_when_it_does_in_ns3(case: str, engine: str) -> None:
    expected = ns3_times(case)
    assert len(expected) == TOTALS[case]["commune"].received // 81

    (trace,) = run(case, engine).traces
    packets = zip(
        trace.watched.sequence.tolist(),
        trace.watched.sent_ns.tolist(),
        trace.fate.tolist(),
        trace.at_ns.tolist(),
        strict=True,
    )
    received = {
        sequence: (sent_ns, at_ns)
        for sequence, sent_ns, fate, at_ns in packets
        if fate == Fate.ROOM_RECEIVED
    }
    assert received == expected


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_the_same_packets_are_lost_as_in_ns3(case: str, engine: str) -> None:
    (trace,) = run(case, engine).traces
    lost = {
        sequence: Fate(fate)
        for sequence, fate in zip(trace.watched.sequence.tolist(), trace.fate.tolist(), strict=True)
        if fate != Fate.ROOM_RECEIVED
    }
    sent = TOTALS[case]["commune"].offered // 81
    assert set(lost) == set(range(sent)) - set(ns3_times(case))
    assert set(lost.values()) <= {Fate.LINE_QUEUE}
    if case == "burst":
        in_group = [55, *range(57, 67), *range(68, 78), 79, *range(87, 92)]
        assert sorted(lost) == [428 * group + i for group in range(10) for i in in_group]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_totals_per_tier_are_those_of_ns3(case: str, engine: str) -> None:
    results = run(case, engine)
    network, lines = results.network, results.measures.lines
    counted = {}
    for number, tier in enumerate(network.tiers):
        here = lines.rows(np.flatnonzero(network.tier == number), "down")
        if tier in TOTALS[case]:
            counted[tier] = Totals(
                offered=int(lines.offered[here].sum()),
                dropped=int(lines.lost[here].sum()),
                received=int(lines.delivered[here].sum()),
            )
    assert counted == TOTALS[case]
    assert lines.ways == ("down",)
    assert not lines.offered[len(network.sites) :].any()
