"""A road: lines one behind the other from the root to a room, and an engine that carries packets.

The packets are made by the test. Everything goes through the protocol of an engine, nothing through
its insides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.engine import Engine
from sim.dataplane.packet import PacketEngine
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate
from sim.media.packets import Packets
from sim.network.tree import Network, build_network
from sim.scenario.model import FOREVER_NS, Background, Loss, Scenario, Scheduling
from tests.equality import trees

Int64Array = NDArray[np.int64]

BYTES_PER_MS = 8 * 10**6  # bit/s: a packet of 1000 bytes takes a millisecond
NS_PER_BYTE = 1000  # at that rate
ONE_NS_EACH = 8 * 10**15  # bit/s: a rate at which any packet takes the least, 1 ns
AMPLE_BYTES = 10**9
SPANS = 4  # what the engine keeps from one to the next is part of what is tested
LOST = -1


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Packets that one site sends.

    Attributes
    ----------
    sent_ns : (p,) int64, ns, non-decreasing; the packets of one instant by stream
    size_bytes : (p,) int64
    stream : (p,) int64, which is also the packet's precedence; 0 is sent first
    """

    sent_ns: Int64Array
    size_bytes: Int64Array
    stream: Int64Array

    def first(self, packets: int) -> Traffic:
        """Return the first so many packets."""
        return Traffic(
            sent_ns=self.sent_ns[:packets],
            size_bytes=self.size_bytes[:packets],
            stream=self.stream[:packets],
        )


@dataclass(frozen=True, kw_only=True)
class Road:
    """A root, `hops` lines, and a room at their end; all lines are alike.

    Attributes
    ----------
    place : what is tested: the lines `down` or `up`, or the root's `egress` before a line that
        takes 1 ns for any packet
    buffer_packets : memory in packets of `packet_bytes`, the one being sent included; 0: ample
    """

    place: Literal["down", "up", "egress"] = "down"
    hops: int = 1
    rate_bps: int = BYTES_PER_MS
    buffer_packets: int = 0
    packet_bytes: int = 1000
    propagation_ns: int = 0
    processing_ns: int = 0
    loss: Loss = trees.LOSSLESS
    scheduling: Scheduling = "fifo"
    background: Background | None = None
    seed: int = 0

    def scenario(self, traffic: Traffic) -> Scenario:
        """Return the road as a meeting that lasts as long as packets are sent."""
        names = [chr(ord("a") + k) for k in range(self.hops + 1)]
        port = {
            "rate_bps": self.rate_bps,
            "buffer_bytes": self.buffer_packets * self.packet_bytes or AMPLE_BYTES,
            "mtu_bytes": self.packet_bytes,
            "scheduling": self.scheduling,
            "background": self.background,
        }
        ample = trees.direction(rate_bps=ONE_NS_EACH, buffer_bytes=AMPLE_BYTES)
        direction = ample if self.place == "egress" else trees.direction(loss=self.loss, **port)
        line = trees.line(direction, propagation_ns=self.propagation_ns)
        egresses = {"a": [trees.egress(**port)]} if self.place == "egress" else {}
        ends = {"to": "central", "direction": "up"} if self.place == "up" else {}
        origin = names[-1] if self.place == "up" else names[0]
        streams = int(traffic.stream.max()) + 1
        return trees.scenario(
            dict(zip(names, ["", *names], strict=False)),
            lines=dict.fromkeys(names[1:], line),
            egresses=egresses,
            processing_ns=dict.fromkeys(names[:-1], self.processing_ns),
            streams=[
                trees.stream(f"stream {k}", origins=[origin], precedence=k, **ends)
                for k in range(streams)
            ],
            classes=[f"class {k}" for k in range(streams)],
            duration_ns=int(traffic.sent_ns[-1]) + 1,
            seed=self.seed,
        )


def carry(road: Road, traffic: Traffic, *, engine: str = "packet") -> Int64Array:
    """Return when each packet had passed each hop.

    Returns
    -------
    (hops, p) int64, ns
        When it was at the far end of each line, in the order in which it comes to them; `LOST`
        if it was lost there or before. Of an egress, when the egress had sent it.
    """
    scenario = road.scenario(traffic)
    network = build_network(scenario)
    data = new_engine(engine, scenario, network)
    cuts = [k * scenario.duration_ns // SPANS for k in range(SPANS)]
    for start_ns, end_ns in zip(cuts, [*cuts[1:], scenario.duration_ns], strict=True):
        data.replay(start_ns, end_ns, packets_in(road, traffic, start_ns, end_ns), [])
    nothing = packets_in(road, traffic, scenario.duration_ns, FOREVER_NS)
    data.replay(scenario.duration_ns, FOREVER_NS, nothing, [])
    assert data.pending() == 0

    hops = np.arange(1, road.hops + 1)
    if road.place == "up":
        hops = hops[::-1] + len(network.sites)
    fates = data.fates()
    passed_ns = np.full((road.hops, traffic.sent_ns.size), LOST, dtype=np.int64)
    for row, hop in enumerate(hops.tolist()):
        arrived = (fates.hop == hop) & (fates.fate == Fate.ARRIVED)
        passed_ns[row, fates.packet[arrived]] = fates.at_ns[arrived]
    if road.place == "egress":
        passed_ns[passed_ns != LOST] -= 1 + road.propagation_ns
    return passed_ns


def new_engine(name: str, scenario: Scenario, network: Network) -> Engine:
    """Return an engine that logs what happens on every line."""
    everywhere = frozenset(range(len(network.sites)))
    if name == "reference":
        return ReferenceEngine(scenario, network, watch=everywhere)
    return PacketEngine(scenario, network, watch=everywhere)


def packets_in(road: Road, traffic: Traffic, start_ns: int, end_ns: int) -> Packets:
    """Return the packets of a span as the engines take them."""
    low, high = np.searchsorted(traffic.sent_ns, [start_ns, end_ns])
    origin = road.hops if road.place == "up" else 0
    sequence = np.empty(traffic.stream.size, dtype=np.int64)
    for k in range(int(traffic.stream.max()) + 1):
        ours = traffic.stream == k
        sequence[ours] = np.arange(np.count_nonzero(ours))
    return Packets.of(
        first=int(low),
        origin_first=np.where(np.arange(road.hops + 2) > origin, high - low, 0),
        sent_ns=traffic.sent_ns[low:high],
        size_bytes=traffic.size_bytes[low:high],
        stream=traffic.stream[low:high],
        sequence=sequence[low:high],
        turn=np.full(high - low, -1, dtype=np.int64),
    )
