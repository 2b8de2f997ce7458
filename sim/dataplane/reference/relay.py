"""A relay of the reference engine: processes each packet, then sends it on, down or up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simpy import Interrupt
from simpy.events import Process, ProcessGenerator

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.direction import LiveDirection
from sim.dataplane.reference.egress import LiveEgress
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.packet import Packet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """A packet in processing.

    Attributes
    ----------
    ready_ns : when it will be done
    process : what does it
    lose : what to do if the relay fails before
    """

    ready_ns: int
    process: Process
    lose: Callable[[Packet], None]


class LiveRelay:
    """The relay of one interior site.

    A packet that reaches it alive is processed for a fixed time, many at once, then offered to
    each egress or, on its way up, to the relay's own up line. A fault kills what it processes
    and what waits or is being sent at its egresses, its down lines and its own up line, to the
    last bit; what reaches it until its repair is lost.

    Attributes
    ----------
    alive : whether it is up
    failed_ns : when it last failed; -1: never
    up : the up line in use; the root has none
    passes : which streams it passes on; None: all. What else reaches it alive is lost
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        site: int,
        processing_ns: int,
        egresses: Sequence[LiveEgress],
        up: LiveDirection | None,
    ) -> None:
        """Take the egresses and the up line in use, which the root has not."""
        self.alive = True
        self.failed_ns = -1
        self.up = up
        self.passes: tuple[bool, ...] | None = None
        self._clock = clock
        self._ledger = ledger
        self._site = site
        self._processing_ns = processing_ns
        self._egresses = egresses
        self._works: dict[Packet, Work] = {}

    def send_down(self, packet: Packet) -> None:
        """Begin to process a packet that reaches the relay now on its way down, or lose it."""
        self._receive(packet, done=self._copy, lose=self._lose_copies)

    def send_up(self, packet: Packet) -> None:
        """Begin to process a packet that reaches the relay now on its way up, or lose it."""
        self._ledger.encounters[Encounter.UP_AT_DEAD_RELAY] += not self.alive
        self._receive(packet, done=self._enter_up, lose=self._lose_up)

    def fail(self) -> None:
        """Die, and lose all packets and copies whose last bit is not on a wire."""
        if not self.alive:
            return
        self.alive = False
        self.failed_ns = self._clock.now_ns
        for packet, work in self._works.items():
            work.process.interrupt()
            self._ledger.encounters[Encounter.KILLED_IN_PROCESSING] += 1
            if work.lose == self._lose_up:
                self._ledger.encounters[Encounter.UP_KILLED_IN_PROCESSING] += 1
            if work.ready_ns == self._clock.now_ns:
                self._ledger.encounters[Encounter.FAULT_AT_READY] += 1
            work.lose(packet)
        self._works.clear()
        for egress in self._egresses:
            egress.kill()
        if self.up is not None:
            if self.up.on_wire():
                self._ledger.encounters[Encounter.SURVIVED_ON_UP_WIRE] += 1
            self.up.kill_unsent()

    def restore(self) -> None:
        """Come back, empty."""
        self.alive = True

    def pending(self) -> int:
        """Return how many packets are in processing, on their way down or up."""
        return len(self._works)

    def _receive(
        self,
        packet: Packet,
        *,
        done: Callable[[Packet], None],
        lose: Callable[[Packet], None],
    ) -> None:
        passes = self.passes is None or self.passes[packet.stream]
        if self.alive and passes:
            self._works[packet] = Work(
                ready_ns=self._clock.now_ns + self._processing_ns,
                process=self._clock.process(self._process(packet, done)),
                lose=lose,
            )
            return
        lose(packet)
        self._ledger.encounters[Encounter.NOT_PASSED_ON] += self.alive
        if not self.alive and self.failed_ns == self._clock.now_ns:
            self._ledger.encounters[Encounter.FAULT_AT_ARRIVAL] += 1

    def _process(self, packet: Packet, done: Callable[[Packet], None]) -> ProcessGenerator:
        """Process a packet and hand it on, unless the relay fails before."""
        try:
            yield self._clock.timeout(self._processing_ns)
        except Interrupt:
            return
        del self._works[packet]
        done(packet)

    def _copy(self, packet: Packet) -> None:
        for egress in self._egresses:
            egress.offer(packet)

    def _lose_copies(self, packet: Packet) -> None:
        for egress in self._egresses:
            egress.lose_all_copies(packet)

    def _enter_up(self, packet: Packet) -> None:
        assert self.up is not None, "no way up passes the root"
        self.up.doorway.reach(packet)

    def _lose_up(self, packet: Packet) -> None:
        assert self.up is not None, "no way up passes the root"
        self._ledger.lose_in_relay(self.up.hop, self._site, packet)
