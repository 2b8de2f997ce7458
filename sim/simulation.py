"""One run: the only place where the rooms are wired together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sim.collector import collector_paused
from sim.control.plane import ControlPlane
from sim.dataplane.edit import AskKeyFrame, Edit, UseLine
from sim.dataplane.engine import Engine
from sim.media.packets import Packets
from sim.media.sources import Sources
from sim.metrics.dark_causes import explain
from sim.metrics.meters import Meters, packet_hops
from sim.metrics.room_times import room_times
from sim.metrics.verdict import judge
from sim.network.tree import Network, build_network
from sim.results.run import Progress, Results
from sim.results.trace import assemble
from sim.results.watched import Watch
from sim.scenario.grids import grids
from sim.scenario.model import FOREVER_NS, Scenario


class Span(NamedTuple):
    """A stretch of time that both planes go through in one step: [start_ns, end_ns).

    At its end a bin of the timeline may close, or, within the meeting, a grid have a point.
    """

    start_ns: int
    end_ns: int
    closes_bin: bool
    at_point: bool


class Part(NamedTuple):
    """A part of a span in which every site uses one line: [start_ns, end_ns), with its edits."""

    start_ns: int
    end_ns: int
    edits: list[Edit]


class Sent:
    """What all sources have sent so far.

    Attributes
    ----------
    packets : how many
    turn_packets : (turns,) int64, those of each turn's first frame
    watches : one for each site that is traced
    """

    def __init__(self, *, turns: int, watches: Sequence[Watch]) -> None:
        self.packets = 0
        self.turn_packets = np.zeros(turns, dtype=np.int64)
        self.watches = watches

    def add(self, packets: Packets) -> None:
        """Count the packets of one more span."""
        self.packets += len(packets)
        self.turn_packets += np.bincount(packets.first_frames, minlength=self.turn_packets.size)
        for watch in self.watches:
            watch.add(packets)


def silent(progress: Progress) -> None:
    """Watch a run and say nothing."""


def simulate(
    scenario: Scenario,
    *,
    engine: str = "packet",
    threads: int = 1,
    trace: Sequence[str] = (),
    watch: Callable[[Progress], None] = silent,
) -> Results:
    """Run one scenario from its first packet to the verdict.

    Span by span the control plane decides, the data plane carries, and what was counted is
    measured; see docs/architecture.md, "Two planes".

    Parameters
    ----------
    engine : `packet` or `reference`
    threads : how many sources and the packet engine may use; no result depends on it
    trace : ids of sites whose every packet is wanted
    watch : called after each span
    """
    began_s = time.perf_counter()
    with collector_paused():
        network = build_network(scenario)
        control = ControlPlane(scenario, network)
        sources = Sources(scenario, network.index, threads=threads)
        watches = [Watch(scenario, network, site) for site in trace]
        watched = frozenset(site for each in watches for site in each.ways)
        data = new_engine(engine, scenario, network, threads=threads, watch=watched)
        meters = Meters(scenario, network)
    sent = Sent(turns=len(scenario.agenda), watches=watches)
    for span in spans(scenario):
        for part in at_moves(span, control.run_until(span.end_ns)):
            packets = sources.emit(part.end_ns, asked_in(part.edits))
            meters.follow(part.edits, data.tally)
            data.replay(part.start_ns, part.end_ns, packets, part.edits)
            sent.add(packets)
        control.report(span.end_ns, data.tally)
        if span.closes_bin:
            meters.close_bin(span.end_ns, data.tally)
        if span.at_point:
            meters.pass_point(span.end_ns, data.tally)
        watch(
            Progress(
                now_ns=span.end_ns,
                duration_ns=scenario.duration_ns,
                packet_hops=packet_hops(data.tally),
                rooms_dark=meters.rooms_dark(data.tally, span.end_ns),
            )
        )
    data.replay(scenario.duration_ns, FOREVER_NS, sources.emit(scenario.duration_ns), [])
    meters.close_bin(FOREVER_NS, data.tally)
    measures = meters.finish(
        data.tally,
        packets_sent=sent.packets,
        turn_packets=sent.turn_packets,
        pending=data.pending(),
        dark=data.dark(),
    )
    journal, joins = tuple(control.journal.entries), control.joins
    darkness = explain(scenario, network, measures, journal, joins)
    site, duration_ns = measures.endpoints.site, scenario.duration_ns
    times = room_times(site, joins, darkness, duration_ns=duration_ns)
    return Results(
        scenario=scenario,
        network=network,
        measures=measures,
        verdicts=judge(scenario.requirements, network, measures, times),
        traces=tuple(assemble(network, each.finish(), data.fates()) for each in watches),
        journal=journal,
        joins=joins,
        darkness=darkness,
        engine=engine,
        threads=threads,
        wall_s=time.perf_counter() - began_s,
    )


def asked_in(edits: Sequence[Edit]) -> list[AskKeyFrame]:
    """Return those edits that are for sources; engines let them pass."""
    return [edit for edit in edits if isinstance(edit, AskKeyFrame)]


def spans(scenario: Scenario) -> Iterator[Span]:
    """Cut the meeting where a window or a timeline bin ends, and at the points of grids.

    How it is cut changes no result.
    """
    start_ns = 0
    read_on = grids(scenario.requirements)
    while start_ns < scenario.duration_ns:
        bin_end_ns = (start_ns // scenario.bin_ns + 1) * scenario.bin_ns
        window_end_ns = (start_ns // scenario.window_ns + 1) * scenario.window_ns
        point_ns = min((grid.next_ns(start_ns) for grid in read_on), default=FOREVER_NS)
        end_ns = min(bin_end_ns, window_end_ns, point_ns, scenario.duration_ns)
        closes_bin = end_ns in (bin_end_ns, scenario.duration_ns)
        yield Span(start_ns, end_ns, closes_bin, end_ns == point_ns < scenario.duration_ns)
        start_ns = end_ns


def at_moves(span: Span, edits: Sequence[Edit]) -> Iterator[Part]:
    """Cut a span where sites use other lines."""
    moves_ns = {edit.at_ns for edit in edits if isinstance(edit, UseLine)}
    starts_ns = sorted({span.start_ns, *moves_ns})
    for start_ns, end_ns in pairwise([*starts_ns, span.end_ns]):
        within = [edit for edit in edits if start_ns <= edit.at_ns < end_ns]
        yield Part(start_ns, end_ns, within)


def new_engine(
    name: str, scenario: Scenario, network: Network, *, threads: int, watch: frozenset[int]
) -> Engine:
    """Return an engine by its name; only the one asked for is imported, Numba takes its time."""
    if name == "reference":
        from sim.dataplane.reference.engine import ReferenceEngine

        return ReferenceEngine(scenario, network, watch=watch)
    from sim.dataplane.packet import PacketEngine

    return PacketEngine(scenario, network, threads=threads, watch=watch)
