"""A relay of the reference engine: processes each packet, then hands it to its egresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simpy import Interrupt
from simpy.events import Process, ProcessGenerator

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.egress import LiveEgress
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.packet import Packet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """A packet in processing: when it will be done, and the process that does it."""

    ready_ns: int
    process: Process


class LiveRelay:
    """The relay of one interior site.

    A packet that reaches it alive is processed for a fixed time, many at once, then offered to
    each egress. A fault kills what it processes and what waits or is being sent below it, up to
    the last bit on its down lines; what reaches it until its repair is lost.

    Attributes
    ----------
    alive : whether it is up
    """

    def __init__(
        self, clock: Clock, ledger: Ledger, *, processing_ns: int, egresses: Sequence[LiveEgress]
    ) -> None:
        self.alive = True
        self._clock = clock
        self._ledger = ledger
        self._processing_ns = processing_ns
        self._egresses = egresses
        self._failed_ns = -1
        self._processing: dict[Packet, Work] = {}

    def receive(self, packet: Packet) -> None:
        """Begin to process a packet that reaches the relay now, or lose its copies."""
        for egress in self._egresses:
            egress.expect()
        if self.alive:
            self._processing[packet] = Work(
                ready_ns=self._clock.now_ns + self._processing_ns,
                process=self._clock.process(self._process(packet)),
            )
            return
        for egress in self._egresses:
            egress.lose_all_copies(packet)
        if self._failed_ns == self._clock.now_ns:
            self._ledger.encounters[Encounter.FAULT_AT_ARRIVAL] += 1

    def fail(self) -> None:
        """Die, and lose all copies whose last bit is not on a wire."""
        if not self.alive:
            return
        self.alive = False
        self._failed_ns = self._clock.now_ns
        for packet, work in self._processing.items():
            work.process.interrupt()
            self._ledger.encounters[Encounter.KILLED_IN_PROCESSING] += 1
            if work.ready_ns == self._clock.now_ns:
                self._ledger.encounters[Encounter.FAULT_AT_READY] += 1
            for egress in self._egresses:
                egress.lose_all_copies(packet)
        self._processing.clear()
        for egress in self._egresses:
            egress.kill()

    def restore(self) -> None:
        """Come back, empty."""
        self.alive = True

    def pending(self) -> int:
        """Return how many copies are in processing: one per child for each packet."""
        return len(self._processing) * sum(egress.children() for egress in self._egresses)

    def _process(self, packet: Packet) -> ProcessGenerator:
        """Process a packet and hand it to each egress, unless the relay fails before."""
        try:
            yield self._clock.timeout(self._processing_ns)
        except Interrupt:
            return
        del self._processing[packet]
        for egress in self._egresses:
            egress.offer(packet)
