"""What a packet-hop costs and how much memory an endpoint takes, from 1,000 to 1,000,000 endpoints.

    python benchmarks/scaling.py [--endpoints 1000 10000 ...] [--runs 3] [--chart FILE]

The trees are generated. Every relay has ten children (the root may have fewer), so ten times the
endpoints are one tier more, and nothing else differs: streams, access classes and priorities are
those of the national meeting, without slides, speakers and faults. Endpoints are the leaves; relays
have no rooms. The window is the same for all, and short, so that the packets of a million rooms in
one window fit into memory.

Every run is a new process. The cost of a packet-hop is taken between two instants of the meeting,
when all sources have begun and at its end. So neither start-up nor what is measured after the end
counts. It is processor time, so that other people's work on the machine counts little.

Every run asserts its work: each room is due what the root has sent, voice is as many packets as its
interval says, each packet of the root is offered to every line, and each packet of a room to its
own; and the packet-hops are those written down below.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from sim.grouping import is_shared
from sim.metrics.measures import Measures
from sim.plots import style
from sim.scenario.loader import load
from sim.simulation import simulate

ROOT = Path(__file__).parent.parent
NS_PER_S = 10**9
MIB = 2**20
CHILDREN = 10  # of each relay, the root's may be fewer
WINDOW_MS = 200
BEGUN_S = 2  # rooms begin within the first two seconds
VOICE_PER_S = 50
GOAL = 1.5  # the dearest packet-hop over the cheapest
# How long each tree's meeting is, s: enough to time, and whole cycles of key frames. And its
# packet-hops, which change only when the model or the streams do.
MEETINGS: dict[int, tuple[int, int]] = {
    1_000: (62, 25_911_938),
    10_000: (32, 133_519_312),
    100_000: (6, 245_826_743),
    200_000: (4, 321_058_792),
    1_000_000: (4, 1_605_202_104),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a tree took.

    Attributes
    ----------
    sites, hops : of the tree, and the packet-hops that were timed
    ns : processor time of each of them, a figure for each run
    start_s : processor time until the end of the first window, the median of all runs
    peak_bytes : of the process, the most of all runs
    """

    endpoints: int
    sites: int
    hops: int
    ns: tuple[float, ...]
    start_s: float
    peak_bytes: int


def scenario_text(endpoints: int) -> str:
    """Return a scenario of so many endpoints: 1 to 9, and zeros."""
    first, zeros = int(str(endpoints)[0]), len(str(endpoints)) - 1
    assert first * CHILDREN**zeros == endpoints, f"no tree of ten each has {endpoints} endpoints"
    fans = [CHILDREN] * zeros if first == 1 else [first, *[CHILDREN] * zeros]
    relays = ["central", *(f"level-{level}" for level in range(1, len(fans)))]
    tiers = [*relays, "endpoint"]
    sites = ", ".join(f"{tier}: {fan} each" for tier, fan in zip(tiers[1:], fans, strict=True))
    relay = "{processing: 2 ms, egress: {rate: 200 Mbit/s, buffer: 50 ms, scheduling: priority}}"
    line = "{carrier: vnpt, rate: 50 Mbit/s, buffer: 50 ms, delay: 1 ms, scheduling: priority}"
    trunks = "".join(f"  {tier}: {line}\n" for tier in relays[1:])
    return f"""\
name: scaling
about: A tree of {endpoints} endpoints
seed: 20210905
duration: 1 h
window: {WINDOW_MS} ms
classes: [audio, video]
sites:
  tiers: [{", ".join(tiers)}]
  generate: {{{sites}}}
relays: {{{", ".join(f"{tier}: {relay}" for tier in relays)}}}
lines:
{trunks}\
  endpoint:
    scheduling: priority
    delay: 1 ms
    background: {{steady: 20 %}}
    classes:
      fibre:  {{share: 70 %, carrier: vnpt, down: 20 Mbit/s, up: 20 Mbit/s, buffer: 100 packets,
               loss: 0.01 %}}
      shared: {{share: 20 %, carrier: viettel, down: 10 Mbit/s, up: 5 Mbit/s, buffer: 60 packets,
               loss: 0.1 % in bursts of 3 packets}}
      radio:  {{share: 10 %, carrier: viettel, down: 4 Mbit/s, up: 2 Mbit/s, buffer: 12 packets,
               loss: 0.5 % in bursts of 4 packets, background: {{steady: 10 %}}}}
streams:
  video: {{from: central, to: rooms, rate: 2 Mbit/s, frames: 30/s,
          key: {{every: 2 s, size: × 2.31}}, sizes: rfc8593, packet: 1200 B, overhead: 68 B,
          class: video, playout: 200 ms}}
  voice: {{from: central, to: rooms, rate: 40 kbit/s, every: 20 ms, overhead: 68 B, class: audio,
          playout: 100 ms}}
  room-video: {{from: rooms, to: parent, rate: 500 kbit/s, frames: 30/s,
               key: {{every: 2 s, size: × 3.71}}, sizes: laplace 0.25, packet: 1200 B,
               overhead: 68 B, class: video, playout: 200 ms}}
  room-voice: {{from: rooms, to: parent, rate: 40 kbit/s, every: 20 ms, overhead: 68 B,
               class: audio, playout: 100 ms}}
"""


def run(endpoints: int, seconds: int) -> None:
    """Simulate a tree in this process; print what it took as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scaling.yaml"
        path.write_text(scenario_text(endpoints), encoding="utf-8")
        scenario = load(path, duration_ns=seconds * NS_PER_S)
    seen: list[tuple[int, int, float]] = []
    measures = simulate(
        scenario,
        watch=lambda now: seen.append((now.now_ns, now.packet_hops, time.process_time())),
    ).measures
    check_work(measures, endpoints=endpoints, lines=len(scenario.sites) - 1, seconds=seconds)
    _, hops_before, began_s = next(each for each in seen if each[0] == BEGUN_S * NS_PER_S)
    _, hops_after, ended_s = seen[-1]
    told = {
        "sites": len(scenario.sites),
        "all_hops": measures.packet_hops,
        "hops": hops_after - hops_before,
        "ns": (ended_s - began_s) / (hops_after - hops_before) * NS_PER_S,
        "start_s": seen[0][2],
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(told))


def check_work(measures: Measures, *, endpoints: int, lines: int, seconds: int) -> None:
    """Fail unless a run did what follows from its streams."""
    rooms, heard = measures.endpoints, measures.listeners
    assert rooms.site.size == endpoints
    (due,) = np.unique(rooms.due)
    (voice,) = np.unique(heard.due[heard.stream == measures.streams.index("voice")])
    assert voice == seconds * VOICE_PER_S
    # Nothing is lost above the last lines, and what goes up ends at the next relay.
    from_rooms = measures.packets - due
    assert measures.packet_hops == due * lines + from_rooms
    assert 0 < rooms.lost.sum() < 0.01 * rooms.due.sum()


def measure(endpoints: int, *, runs: int) -> Cost:
    """Return what a tree takes, each run in a new process, and check its work."""
    seconds, expected = MEETINGS[endpoints]
    command = [sys.executable, __file__, "--run", str(endpoints), str(seconds)]
    told = []
    for _ in range(runs):
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT)
        told.append(json.loads(done.stdout))
    work = {each["all_hops"] for each in told}
    assert work == {expected}, f"{endpoints} endpoints: {work} packet-hops, not {expected}"
    return Cost(
        endpoints=endpoints,
        sites=told[0]["sites"],
        hops=told[0]["hops"],
        ns=tuple(each["ns"] for each in told),
        start_s=median(each["start_s"] for each in told),
        peak_bytes=max(each["peak_bytes"] for each in told),
    )


def bytes_per_endpoint(cost: Cost, least: Cost) -> str:
    """Return the memory of each endpoint beyond those of the smallest tree."""
    more = cost.endpoints - least.endpoints
    return f"{(cost.peak_bytes - least.peak_bytes) / more:,.0f}" if more else "–"


def print_table(costs: list[Cost]) -> None:
    """Print a row for each tree, and the ratio of the dearest to the cheapest packet-hop."""
    print(f"{'':42}ns per packet-hop  start-up    peak  bytes per")
    print(" endpoints      sites  packet-hops timed   (least to most)         s     MiB   endpoint")
    for cost in costs:
        each = bytes_per_endpoint(cost, costs[0])
        print(
            f"{cost.endpoints:10,} {cost.sites:10,} {cost.hops:18,}  {median(cost.ns):5.1f} "
            f"({min(cost.ns):.1f} to {max(cost.ns):.1f}) {cost.start_s:9.1f} "
            f"{cost.peak_bytes / MIB:7,.0f} {each:>10}"
        )
    figures = [median(cost.ns) for cost in costs]
    print(f"dearest packet-hop over the cheapest: {max(figures) / min(figures):.2f}; goal {GOAL}")


def draw(costs: list[Cost], target: Path) -> None:
    """Draw cost and memory over the number of endpoints."""
    with style.style():
        figure = style.figure(3.8)
        left, right = figure.subplots(1, 2)
        _draw_ns(left, costs)
        _draw_memory(right, costs)
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_xticks([cost.endpoints for cost in costs if cost.endpoints != 200_000])
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlabel("Endpoints (logarithmic)")
            style.grid(axes, "y")
        figure.savefig(target, dpi=150, metadata={"Software": None})


def _draw_ns(axes: Axes, costs: list[Cost]) -> None:
    middle = [median(cost.ns) for cost in costs]
    least, most = min(middle), GOAL * min(middle)
    axes.set_title("Processor time: median, least and most")
    axes.axhspan(least, most, color=style.GRID, alpha=0.5, linewidth=0)
    axes.annotate(
        f"{GOAL:g} times the cheapest",
        (costs[0].endpoints, most),
        textcoords="offset points",
        xytext=(0, 4),
    )
    below = [at - min(cost.ns) for at, cost in zip(middle, costs, strict=True)]
    above = [max(cost.ns) - at for at, cost in zip(middle, costs, strict=True)]
    axes.errorbar(
        [cost.endpoints for cost in costs],
        middle,
        yerr=[below, above],
        fmt="o-",
        capsize=4,
        color=style.BLUE,
    )
    axes.set_ylim(0, 1.2 * max(most, *(max(cost.ns) for cost in costs)))
    axes.set_ylabel("ns per packet-hop")


def _draw_memory(axes: Axes, costs: list[Cost]) -> None:
    axes.set_title("Peak memory of the process")
    for marker, colour, name, shared in (
        ("s--", style.VERMILION, "a histogram of each site", False),
        ("o-", style.BLUE, "histograms of groups", True),
    ):
        some = [cost for cost in costs if is_shared(cost.endpoints) == shared]
        axes.plot(
            [cost.endpoints for cost in some],
            [cost.peak_bytes / MIB / 1024 for cost in some],
            marker,
            color=colour,
            label=name,
        )
    axes.set_yscale("log")
    axes.set_yticks([0.25, 0.5, 1, 2, 4, 8])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("GiB (logarithmic)")
    axes.legend(loc="upper left")


def main() -> None:
    """Measure all trees, or one of them as a process of its own."""
    parser = argparse.ArgumentParser(description="Cost and memory by the number of endpoints.")
    parser.add_argument("--endpoints", type=int, nargs="+", default=[*MEETINGS], choices=MEETINGS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--chart", type=Path, help="a PNG to draw")
    parser.add_argument("--run", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        run(*arguments.run)
        return
    costs = [measure(endpoints, runs=arguments.runs) for endpoints in sorted(arguments.endpoints)]
    print(f"windows of {WINDOW_MS} ms, {arguments.runs} runs each")
    print_table(costs)
    if arguments.chart:
        draw(costs, arguments.chart)


if __name__ == "__main__":
    main()
