"""An egress of the reference engine: the shared interface through which copies go down."""

from __future__ import annotations

from dataclasses import dataclass

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.line import LiveLine
from sim.dataplane.reference.packet import Packet
from sim.dataplane.reference.transmitter import Transmitter
from sim.dataplane.tally import EgressCount, Fate
from sim.scenario.model import Egress


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copy:
    """One copy of a packet, for one child.

    Attributes
    ----------
    packet : the packet
    site : number of the child
    """

    packet: Packet
    site: int


class LiveEgress:
    """Offers one copy of each packet per child, in the order of the children.

    A copy enters its line when its last bit has left the egress. With rate 0 there is no
    interface: copies enter their lines at once, none is refused, and none is ever held.

    Attributes
    ----------
    interface : the transmitter that all children share, or None
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        number: int,
        egress: Egress,
        lines: dict[int, LiveLine],
    ) -> None:
        """Take the lines of the children by site number, in the order of the children."""
        self.interface: Transmitter[Copy] | None = None
        if egress.rate_bps > 0:
            self.interface = Transmitter(
                clock,
                ledger.encounters,
                rate_bps=egress.rate_bps,
                buffer_bytes=egress.buffer_bytes,
                mtu_bytes=egress.mtu_bytes,
                overhead_ns=egress.overhead_ns,
                leave=self._leave,
            )
        self._clock = clock
        self._ledger = ledger
        self._number = number
        self._count = ledger.tally.egress[number]
        self._lines = lines

    def expect(self) -> None:
        """Count the copies due of a packet that has reached the relay."""
        self._count[EgressCount.OFFERED] += len(self._lines)

    def offer(self, packet: Packet) -> None:
        """Send one copy of a processed packet to each child, as far as the memory holds them."""
        if self.interface is None:
            for line in self._lines.values():
                line.offer(packet)
            return
        accepted = 0
        for site in self._lines:
            if self.interface.spare_ns(packet) < 0:
                self._lose(Copy(packet=packet, site=site), Fate.EGRESS_QUEUE)
            else:
                self.interface.accept(Copy(packet=packet, site=site))
                accepted += 1
        if 0 < accepted < len(self._lines):
            self._ledger.encounters[Encounter.PARTIAL_REFUSAL] += 1

    def lose_all_copies(self, packet: Packet) -> None:
        """Lose every copy of a packet that a dead relay cannot process."""
        for site in self._lines:
            self._lose(Copy(packet=packet, site=site), Fate.EGRESS_OUTAGE)

    def kill(self) -> None:
        """Lose what the relay's fault finds at this egress and in its lines' transmitters."""
        if self.interface is not None:
            for copy in self.interface.kill():
                self._lose(copy, Fate.EGRESS_OUTAGE)
        for line in self._lines.values():
            if line.on_wire():
                self._ledger.encounters[Encounter.SURVIVED_ON_WIRE] += 1
            line.kill_unsent()

    def children(self) -> int:
        """Return how many sites it feeds."""
        return len(self._lines)

    def retime(self, rate_bps: int) -> None:
        """Send at `rate_bps` from the next copy on, if there is an interface."""
        if self.interface is not None:
            self.interface.retime(rate_bps)

    def pending(self) -> int:
        """Return how many copies were accepted and have not left."""
        return 0 if self.interface is None else self.interface.held()

    def settle(self) -> None:
        """Write what the interface measured into the tally, at the end of a span."""
        if self.interface is not None:
            self._count[EgressCount.BUSY_NS] = self.interface.busy_ns()
            self._count[EgressCount.BACKLOG_MAX_NS] = self.interface.backlog_max_ns
            self._ledger.encounters[Encounter.CUT_BURST] += self.interface.splits_burst()

    def _leave(self, copy: Copy) -> None:
        self._lines[copy.site].offer(copy.packet)

    def _lose(self, copy: Copy, fate: Fate) -> None:
        self._ledger.lose_copy(self._number, copy.site, copy.packet, fate, self._clock.now_ns)
