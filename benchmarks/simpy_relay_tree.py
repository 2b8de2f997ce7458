"""The same broadcast as a SimPy model one would write by hand: one event per packet-hop.

A queue is a `free_ns` per transmitter and a hop one timeout, the cheapest form that SimPy allows.
Queues, egresses, processing and propagation are as in the scenario; losses and faults are left
out, which only makes this model faster.
"""

from __future__ import annotations

from functools import partial

import simpy

from sim.media.packets import Packets
from sim.network.transmitter import drain_ns
from sim.network.tree import Network

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

    def __init__(self, network: Network) -> None:
        self._env = simpy.Environment()
        self.packet_hops = 0
        self.delivered = 0
        self._processing_ns = network.processing_ns.tolist()
        egresses = [
            Transmitter(e.rate_bps, e.buffer_bytes, e.mtu_bytes, e.overhead_ns)
            for e in network.egresses
        ]
        # Of each site: (egress, child, its line, propagation), in the order of sending.
        self._copies: list[list[tuple[Transmitter, int, Transmitter, int]]] = [
            [] for _ in network.sites
        ]
        for e, site in enumerate(network.egress_site.tolist()):
            for child in network.children[slice(*network.child_first[e : e + 2])].tolist():
                line = network.lines[child]
                assert line is not None, "only the root has no line"
                down = line.down
                own = Transmitter(down.rate_bps, down.buffer_bytes, down.mtu_bytes, 0)
                self._copies[site].append((egresses[e], child, own, line.propagation_ns))

    def run(self, packets: Packets) -> None:
        """Broadcast the packets and run until the last has arrived."""
        for sent_ns, size_bytes in zip(
            packets.sent_ns.tolist(), packets.size_bytes.tolist(), strict=True
        ):
            self._after(sent_ns, 0, size_bytes)
        self._env.run()

    def _after(self, delay_ns: int, site: int, size_bytes: int) -> None:
        event = self._env.timeout(delay_ns)
        event.callbacks.append(partial(self._arrive, site, size_bytes))

    def _arrive(self, site: int, size_bytes: int, _: simpy.Event) -> None:
        self.delivered += site > 0
        now_ns = self._env.now
        ready_ns = now_ns + self._processing_ns[site]
        for egress, child, line, propagation_ns in self._copies[site]:
            leaves_ns = egress.departure_ns(ready_ns, size_bytes)
            if leaves_ns is None:
                continue
            self.packet_hops += 1
            sent_ns = line.departure_ns(leaves_ns, size_bytes)
            if sent_ns is not None:
                self._after(sent_ns + propagation_ns - now_ns, child, size_bytes)
