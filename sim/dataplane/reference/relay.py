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
    copies : how many packets or copies come of it
    lose : what to do if the relay fails before
    """

    ready_ns: int
    process: Process
    copies: int
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
        """Take the egresses and the own up line, which the root has not."""
        self.alive = True
        self.failed_ns = -1
        self._clock = clock
        self._ledger = ledger
        self._site = site
        self._processing_ns = processing_ns
        self._egresses = egresses
        self._up = up
        self._works: dict[Packet, Work] = {}

    def send_down(self, packet: Packet) -> None:
        """Begin to process a packet that reaches the relay now on its way down, or lose it."""
        for egress in self._egresses:
            egress.expect(packet)
        self._receive(
            packet,
            copies=sum(egress.copies(packet) for egress in self._egresses),
            done=self._copy,
            lose=self._lose_copies,
        )

    def send_up(self, packet: Packet) -> None:
        """Begin to process a packet that reaches the relay now on its way up, or lose it."""
        assert self._up is not None, "no way up passes the root"
        self._ledger.encounters[Encounter.UP_AT_DEAD_RELAY] += not self.alive
        self._receive(packet, copies=1, done=self._up.doorway.reach, lose=self._lose_up)

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
        if self._up is not None:
            if self._up.on_wire():
                self._ledger.encounters[Encounter.SURVIVED_ON_UP_WIRE] += 1
            self._up.kill_unsent()

    def restore(self) -> None:
        """Come back, empty."""
        self.alive = True

    def pending(self) -> int:
        """Return how many copies are in processing, and packets on their way up."""
        return sum(work.copies for work in self._works.values())

    def _receive(
        self,
        packet: Packet,
        *,
        copies: int,
        done: Callable[[Packet], None],
        lose: Callable[[Packet], None],
    ) -> None:
        if self.alive:
            self._works[packet] = Work(
                ready_ns=self._clock.now_ns + self._processing_ns,
                process=self._clock.process(self._process(packet, done)),
                copies=copies,
                lose=lose,
            )
            return
        lose(packet)
        if self.failed_ns == self._clock.now_ns:
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

    def _lose_up(self, packet: Packet) -> None:
        self._ledger.lose_in_relay(self._site, packet)
