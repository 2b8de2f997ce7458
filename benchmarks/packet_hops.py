"""How many packet-hops a second: the packet engine on a national meeting, beside plain SimPy.

    python benchmarks/packet_hops.py [--scenario FILE] [--seconds 600] [--runs 3] [--threads 1]
    python benchmarks/packet_hops.py --together [--seconds 60] [--runs 3]

A packet-hop is one packet offered to one open line direction. Every run counts its work and the
counts must agree, run by run; times are medians. The packet engine's figure is a whole run with
all statistics on, from the resolved scenario to the verdict, as in summary.json's
`packet_hops_per_s`. The SimPy model gets the same packets in the same call, for fewer seconds.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from simpy_relay_tree import RelayTree

from sim.media.sources import Sources
from sim.network.tree import build_network
from sim.scenario.loader import load
from sim.scenario.model import Scenario
from sim.simulation import simulate

ROOT = Path(__file__).parent.parent
NS_PER_S = 10**9
# The work of the shipped scenario; it changes only when the scenario or the model does.
PACKET_HOPS = {("national", 60): 159_748_619, ("national", 600): 2_414_024_256}
SIMPY_NS = 200_000_000  # of simulated time; SimPy needs about as many seconds as we tenths


def packet_engine(scenario: Scenario, *, threads: int) -> tuple[int, float]:
    """Return (packet-hops, seconds) of one whole run, books checked."""
    results = simulate(scenario, threads=threads)
    measures = results.measures
    due = int(measures.endpoints.due.sum())
    received = int(measures.endpoints.received.sum())
    lost = int(measures.endpoints.lost.sum())
    assert due == received + lost > 0
    return measures.packet_hops, results.wall_s


def plain_simpy(scenario: Scenario) -> tuple[int, float]:
    """Return (packet-hops, seconds) of the hand-written model, its work checked."""
    network = build_network(scenario)
    packets = Sources(scenario, network.index).emit(SIMPY_NS).written()
    tree = RelayTree(scenario, network)
    began_s = time.perf_counter()
    tree.run(packets)
    wall_s = time.perf_counter() - began_s
    assert 0 < tree.delivered <= tree.packet_hops <= 2 * len(packets) * (len(network.sites) - 1)
    return tree.packet_hops, wall_s


def new_process_s(scenario: Path, *, duration_ns: int, **environment: str) -> float:
    """Return how long a new process takes for a meeting of that length, start-up included."""
    code = (
        "from pathlib import Path; from sim.scenario.loader import load;"
        "from sim.simulation import simulate;"
        f"simulate(load(Path({str(scenario)!r}), duration_ns={duration_ns}))"
    )
    # A user's second run finds byte code, too: Python is not told to keep none.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment}
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
    return time.perf_counter() - began_s


def together(scenario: Path, *, seconds: int, copies: int, threads: int) -> float:
    """Return the packet-hops a second that copies of the process make together.

    Each runs the meeting once for its first second and then measures; the slowest one counts.
    """
    code = (
        "from pathlib import Path; from sim.scenario.loader import load;"
        "from sim.simulation import simulate;"
        f"meeting = lambda s: load(Path({str(scenario)!r}), duration_ns=s * {NS_PER_S});"
        f"simulate(meeting(1), threads={threads});"
        f"run = simulate(meeting({seconds}), threads={threads});"
        "print(run.measures.packet_hops, run.wall_s)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(copies)
    ]
    found = [process.communicate()[0].split() for process in running]
    assert not any(process.returncode for process in running)
    assert len({int(hops) for hops, _ in found}) == 1
    return copies * int(found[0][0]) / max(float(wall_s) for _, wall_s in found)


def children_peak_mib() -> float:
    """Return the largest peak memory of all processes started so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Time both, print medians and the ratio."""
    parser = argparse.ArgumentParser(description="Packet-hops per second, beside plain SimPy.")
    parser.add_argument("--scenario", type=Path, default=ROOT / "scenarios" / "national.yaml")
    parser.add_argument("--seconds", type=int, default=600, help="of simulated time")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--together", action="store_true", help="compare two threads with two processes instead"
    )
    arguments = parser.parse_args()

    if arguments.together:
        gains = []
        for _ in range(arguments.runs):
            one, two, threaded = (
                together(
                    arguments.scenario.resolve(),
                    seconds=arguments.seconds, copies=copies, threads=threads,
                ) / 1e6
                for copies, threads in ((1, 1), (2, 1), (1, 2))
            )  # fmt: skip
            gains.append(threaded / two)
            print(f"  one process {one:.1f}, two {two:.1f}, two threads {threaded:.1f} million/s")
        print(
            f"  two threads make {median(gains):.2f} ({min(gains):.2f} to {max(gains):.2f}) "
            "of what two processes make together"
        )
        return
    full = load(arguments.scenario)
    scenario = load(arguments.scenario, duration_ns=arguments.seconds * NS_PER_S)
    packet_engine(replace(scenario, duration_ns=NS_PER_S, faults=()), threads=arguments.threads)
    ours, theirs = [], []
    for _ in range(arguments.runs):
        ours.append(packet_engine(scenario, threads=arguments.threads))
        theirs.append(plain_simpy(scenario))
    assert len({hops for hops, _ in ours}) == len({hops for hops, _ in theirs}) == 1
    assert ours[0][0] == PACKET_HOPS.get((full.name, arguments.seconds), ours[0][0])

    sites = len(full.sites) - 1
    print(f"{full.name}: {sites:,} lines, {arguments.seconds} s of the meeting, "
          f"{arguments.runs} runs, {arguments.threads} thread(s)")  # fmt: skip
    for name, runs in (("packet engine", ours), ("SimPy, one event per hop", theirs)):
        rates = [hops / wall_s / 1e6 for hops, wall_s in runs]
        print(
            f"  {name:26} {runs[0][0]:>13,} packet-hops in {median(s for _, s in runs):7.2f} s: "
            f"{median(rates):8.3f} million/s ({min(rates):.3f} to {max(rates):.3f})"
        )
    ratios = [(a[0] / a[1]) / (b[0] / b[1]) for a, b in zip(ours, theirs, strict=True)]
    print(f"  ratio {median(ratios):,.0f} ({min(ratios):,.0f} to {max(ratios):,.0f})")
    where = arguments.scenario.resolve()
    starts_s = [new_process_s(where, duration_ns=1) for _ in range(arguments.runs)]
    print(f"  start-up with cached kernels {median(starts_s):.2f} s")
    new_process_s(where, duration_ns=arguments.seconds * NS_PER_S)
    print(f"  peak memory of a new process {children_peak_mib():,.0f} MiB")
    with tempfile.TemporaryDirectory() as empty:
        first_s = new_process_s(where, duration_ns=1, NUMBA_CACHE_DIR=empty)
    print(
        f"  the very first run, which compiles the kernels: start-up {first_s:.2f} s, "
        f"peak {children_peak_mib():,.0f} MiB"
    )


if __name__ == "__main__":
    main()
