"""The same meeting as a SimPy model one would write by hand: one event per packet-hop.

A queue is a `free_ns` per transmitter and a hop one timeout, the cheapest form that SimPy allows.
Streams of all directions, queues, egresses, processing and propagation are as in the scenario;
classes, losses, faults and packets of others are left out, which only makes this model faster.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import simpy

from sim.media.packets import Packets
from sim.network.transmitter import drain_ns
from sim.network.tree import Network
from sim.network.ways import ends
from sim.scenario.model import Scenario

NS_PER_S = 10**9


class Transmitter:
    """A drop-tail queue and the time at which it is empty."""

    def __init__(self, rate_bps: int, buffer_bytes: int, mtu_bytes: int, overhead_ns: int) -> None:
        self.rate_bps = rate_bps
        self.overhead_ns = overhead_ns
        self.free_ns = 0
        self.drain_ns = drain_ns(
            rate_bps=rate_bps,
            buffer_bytes=buffer_bytes,
            mtu_bytes=mtu_bytes,
            overhead_ns=overhead_ns,
        )

    def departure_ns(self, at_ns: int, size_bytes: int) -> int | None:
        """Return when a packet offered at `at_ns` has left; None: no room."""
        bits = size_bytes * 8 * NS_PER_S
        service_ns = self.overhead_ns + (bits + self.rate_bps // 2) // self.rate_bps
        start_ns = max(self.free_ns, at_ns)
        if start_ns - at_ns + service_ns > self.drain_ns:
            return None
        self.free_ns = start_ns + service_ns
        return self.free_ns


class RelayTree:
    """The tree as a SimPy model; counts packets offered to lines."""

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self._env = simpy.Environment()
        self.packet_hops = 0
        self.delivered = 0
        self._streams = [stream.direction for stream in scenario.streams]
        # Of each stream: the site where what an origin sends up ends; the root for the speaker's.
        self._ends = [
            ends(network, stream.to if stream.direction == "up" else network.tiers[0]).tolist()
            for stream in scenario.streams
        ]
        self._parent = network.parent.tolist()
        self._leaf = (~network.relay).tolist()
        self._processing_ns = network.processing_ns.tolist()
        self._propagation_ns = network.propagation_ns.tolist()
        n = len(network.sites)
        lines = [
            Transmitter(
                int(network.rate_bps[d]),
                network.direction(d).buffer_bytes,
                network.direction(d).mtu_bytes,
                0,
            )
            if network.lines[d % n] is not None
            else None
            for d in range(2 * n)
        ]
        self._up = lines[n:]
        egresses = [
            Transmitter(int(rate_bps), e.buffer_bytes, e.mtu_bytes, e.overhead_ns)
            if rate_bps
            else None  # copies enter their lines at once
            for e, rate_bps in zip(network.egresses, network.egress_rate_bps, strict=True)
        ]
        # Of each site: (egress, child, its line down), in the order of sending.
        self._copies: list[list[tuple[Transmitter | None, int, Transmitter]]] = [
            [] for _ in range(n)
        ]
        for e, site in enumerate(network.egress_site.tolist()):
            for child in network.children[slice(*network.child_first[e : e + 2])].tolist():
                down = lines[child]
                assert down is not None, "only the root has no line"
                self._copies[site].append((egresses[e], child, down))

    def run(self, packets: Packets) -> None:
        """Send the packets and run until the last has arrived."""
        origin = np.repeat(np.arange(len(self._parent)), np.diff(packets.origin_first))
        for site, stream, sent_ns, size_bytes in zip(
            origin.tolist(),
            packets.stream.tolist(),
            packets.sent_ns.tolist(),
            packets.size_bytes.tolist(),
            strict=True,
        ):
            down = self._streams[stream] == "down" or site == 0
            enter = self._go_down if down else self._go_up
            self._after(sent_ns, partial(enter, site, site, stream, size_bytes))
        self._env.run()

    def _after(self, delay_ns: int, step: Callable[[simpy.Event], None]) -> None:
        event = self._env.timeout(delay_ns)
        event.callbacks.append(step)

    def _go_up(self, site: int, origin: int, stream: int, size_bytes: int, _: simpy.Event) -> None:
        """Offer a packet to the line of `site`; it is there to be passed on once processed."""
        line = self._up[site]
        assert line is not None, "the root has no line"
        self.packet_hops += 1
        now_ns = int(self._env.now)
        sent_ns = line.departure_ns(now_ns, size_bytes)
        if sent_ns is None:
            return
        above = self._parent[site]
        delay_ns = sent_ns + self._propagation_ns[site] - now_ns
        if above != self._ends[stream][origin]:
            step = partial(self._go_up, above, origin, stream, size_bytes)
            self._after(delay_ns + self._processing_ns[above], step)
        elif self._streams[stream] == "up":
            self._after(delay_ns, self._end)
        else:
            self._after(delay_ns, partial(self._go_down, 0, origin, stream, size_bytes))

    def _end(self, _: simpy.Event) -> None:
        self.delivered += 1

    def _go_down(
        self, site: int, origin: int, stream: int, size_bytes: int, _: simpy.Event
    ) -> None:
        """Copy a packet at `site` to the lines below it, but to the leaf it came from."""
        self.delivered += site != origin
        now_ns = int(self._env.now)
        ready_ns = now_ns + self._processing_ns[site]
        for egress, child, line in self._copies[site]:
            if child == origin and self._leaf[child]:
                continue
            leaves_ns = egress.departure_ns(ready_ns, size_bytes) if egress else ready_ns
            if leaves_ns is None:
                continue
            self.packet_hops += 1
            sent_ns = line.departure_ns(leaves_ns, size_bytes)
            if sent_ns is not None:
                step = partial(self._go_down, child, origin, stream, size_bytes)
                self._after(sent_ns + self._propagation_ns[child] - now_ns, step)
