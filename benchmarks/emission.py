"""How long sources take to make a packet of the national meeting.

    python benchmarks/emission.py [--seconds 20] [--runs 3] [--threads 1]

Every run emits the first seconds of the meeting, span by span as a run does, and its packets are
counted and must agree. A figure is the median over all spans but those in which sources still
begin; the median of the runs is shown, the least and the most in brackets. Time on the clock counts
what else the machine does; processor time is that of this process, all threads together.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

from sim.media.sources import Sources
from sim.network.tree import build_network
from sim.scenario.loader import load

NATIONAL = Path(__file__).parent.parent / "scenarios" / "national.yaml"
NS_PER_S = 10**9
SPREAD_S = 3  # rooms begin within the first two seconds
# The work; it changes only when the scenario or the model does.
PACKETS = {5: 5_094_480, 20: 22_247_284}


def main() -> None:
    """Time emission, print ns per packet."""
    parser = argparse.ArgumentParser(description="Nanoseconds to emit a packet.")
    parser.add_argument("--seconds", type=int, default=20, help="of simulated time, above 3")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    scenario = load(NATIONAL)
    network = build_network(scenario)
    Sources(scenario, network.index).emit(1).written()  # compiles
    counts, figures, busy, starts_s = set(), [], [], []
    for _ in range(arguments.runs):
        began_s = time.perf_counter()
        sources = Sources(scenario, network.index, threads=arguments.threads)
        starts_s.append(time.perf_counter() - began_s)
        count, spans_ns, busy_ns = 0, [], []
        for second in range(1, arguments.seconds + 1):
            began_ns, used_ns = time.perf_counter_ns(), time.process_time_ns()
            packets = sources.emit(second * NS_PER_S).written()
            busy_ns.append((time.process_time_ns() - used_ns) / len(packets))
            spans_ns.append((time.perf_counter_ns() - began_ns) / len(packets))
            count += len(packets)
        counts.add(count)
        figures.append(median(spans_ns[SPREAD_S:]))
        busy.append(median(busy_ns[SPREAD_S:]))
    assert counts == {PACKETS.get(arguments.seconds, count)}, counts
    print(
        f"{count:,} packets in {arguments.seconds} s of the meeting, {arguments.threads} thread(s)"
    )
    for name, ns in (("on the clock", figures), ("processor", busy)):
        print(f"  {name:12} {median(ns):5.1f} ns per packet ({min(ns):.1f} to {max(ns):.1f})")
    print(f"  sources ready after {median(starts_s) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
