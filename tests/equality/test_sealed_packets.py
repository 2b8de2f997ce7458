"""Packets that stay sealed until their sites are visited, span by span on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.dataplane.packet import PacketEngine
from sim.dataplane.reference.engine import ReferenceEngine
from sim.media.kernels.arrays import FIRST, KEY, LAST
from sim.media.sources import Sources
from sim.network.tree import build_network
from sim.scenario.loader import load
from sim.scenario.model import FOREVER_NS
from tests.equality.rehearsal import assert_same_tally

MEETING = """
name: sealed
seed: 3
duration: 2 s
classes: [audio, video]
sites:
  tiers: [central, province, commune]
  generate: {province: 2, commune: 9}
  rooms: [province, commune]
relays:
  central:  {processing: 2 ms, egress: {rate: 1 Gbit/s, buffer: 20 ms, scheduling: priority}}
  province: {processing: 2 ms, egress: {rate: 100 Mbit/s, buffer: 20 ms, scheduling: priority}}
lines:
  province: {carrier: vnpt, rate: 20 Mbit/s, buffer: 20 ms, delay: 5 ms, scheduling: priority}
  commune: {carrier: vnpt, down: 3 Mbit/s, up: 1 Mbit/s, buffer: 5 packets, delay: 3 ms,
            scheduling: priority, loss: 1 % in bursts of 2 packets}
streams:
  video: {from: central, to: rooms, rate: 1 Mbit/s, frames: 30/s, key: {every: 1 s, size: × 3},
          packet: 1200 B, class: video, playout: 50 ms}
  voice: {from: central, to: rooms, rate: 40 kbit/s, every: 20 ms, class: audio, playout: 30 ms}
  room-video: {from: rooms, to: parent, rate: 500 kbit/s, frames: 30/s,
               key: {every: 1 s, size: × 4}, packet: 1200 B, class: video, playout: 50 ms}
  room-voice: {from: rooms, to: parent, rate: 40 kbit/s, every: 20 ms, class: audio,
               playout: 30 ms}
"""
SPAN_NS = 130_000_000


@pytest.mark.parametrize("threads", [1, 2])
def test_packets_carried_over_a_span_keep_their_parts(tmp_path: Path, threads: int) -> None:
    """Of what a span leaves undecided the engine knows the same as the source said."""
    file = tmp_path / "sealed.yaml"
    file.write_text(MEETING, encoding="utf-8")
    scenario = load(file)
    network = build_network(scenario)
    sealed, written = (Sources(scenario, network.index, threads=threads) for _ in range(2))
    engine = PacketEngine(scenario, network, threads=threads)
    said: list[int] = []
    kept: set[int] = set()
    start_ns = 0
    for end_ns in (*range(SPAN_NS, scenario.duration_ns, SPAN_NS), scenario.duration_ns):
        said += written.emit(end_ns).written().part.tolist()
        packets = sealed.emit(end_ns)
        engine.replay(start_ns, end_ns, packets, [])
        alive = engine._alive
        carried = alive._kept_number
        parts = alive._columns.part[len(packets) : len(packets) + carried.size]
        assert parts.tolist() == [said[number] for number in carried.tolist()]
        kept |= set(parts.tolist())
        start_ns = end_ns
    assert {FIRST | LAST, FIRST, LAST, KEY} <= kept


@pytest.mark.parametrize("threads", [1, 2])
def test_sealed_packets_are_those_of_the_reference(tmp_path: Path, threads: int) -> None:
    file = tmp_path / "sealed.yaml"
    file.write_text(MEETING, encoding="utf-8")
    scenario = load(file)
    network = build_network(scenario)
    sealed, written = (Sources(scenario, network.index, threads=threads) for _ in range(2))
    packet = PacketEngine(scenario, network, threads=threads)
    reference = ReferenceEngine(scenario, network)
    ends_ns = [*range(SPAN_NS, scenario.duration_ns, SPAN_NS), scenario.duration_ns, FOREVER_NS]
    start_ns = 0
    for end_ns in ends_ns:
        until_ns = min(end_ns, scenario.duration_ns)
        packet.replay(start_ns, end_ns, sealed.emit(until_ns), [])
        reference.replay(start_ns, end_ns, written.emit(until_ns).written(), [])
        assert_same_tally(reference.tally, packet.tally, f"at {end_ns} ns")
        start_ns = end_ns
    never = [name for name, count in packet.met_abreast().items() if not count]
    assert not never, f"no line met: {'; '.join(never)}"
