"""An egress of the reference engine: the shared interface through which copies go down."""

from __future__ import annotations

from dataclasses import dataclass

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.direction import LiveDirection
from sim.dataplane.reference.doorway import Doorway
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.packet import BackgroundPacket, Carriage, Packet
from sim.dataplane.reference.transmitter import Transmitter
from sim.dataplane.tally import EgressCount, Fate
from sim.scenario.model import Egress


@dataclass(slots=True, kw_only=True, eq=False)
class Child:
    """A line that the egress may feed.

    Attributes
    ----------
    site : number of the site at its lower end
    line : its direction down
    in_use : whether the site uses this line, and this egress feeds it
    served : whether copies are made for it: it is in use, and the room of a leaf takes part
    """

    site: int
    line: LiveDirection
    in_use: bool
    served: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copy(Carriage):
    """One copy of a packet, for one child."""

    child: Child


class LiveEgress:
    """Offers one copy of each packet per child that is served, in the order of the children.

    A child that is a leaf and the packet's origin gets none. A copy enters its line when its
    last bit has left the egress, even if the child is not served any more. With rate 0 there is
    no interface: copies enter their lines at once, none is refused, and none is ever held.

    Attributes
    ----------
    interface : the transmitter that all children share, or None
    children : in their order
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        number: int,
        egress: Egress,
        rate_bps: int,
        children: list[Child],
        leaves: frozenset[int],
        tie: Encounter,
    ) -> None:
        """Take the children, and which sites are leaves."""
        self.interface: Transmitter[Copy] | None = None
        if rate_bps > 0:
            self.interface = Transmitter(
                clock,
                ledger.encounters,
                port=egress,
                rate_bps=rate_bps,
                overhead_ns=egress.overhead_ns,
                overtaking=Encounter.OVERTAKEN_AT_EGRESS,
                leave=self._leave,
            )
        self._doorway = Doorway(
            clock,
            ledger.encounters,
            tie=tie,
            enter=self._enter,
            enter_background=self._enter_background,
        )
        self._ledger = ledger
        self._number = number
        self._count = ledger.tally.egress[number]
        self.children = children
        self._leaves = leaves

    def offer(self, packet: Packet) -> None:
        """Take a processed packet, to send one copy to each child."""
        if self.interface is not None:
            self._doorway.reach(packet)
            return
        for child in self._due(packet):
            child.line.doorway.reach(packet)

    def offer_background(self, packet: BackgroundPacket) -> None:
        """Take a packet of others, if there is an interface for it."""
        if self.interface is not None:
            self._doorway.reach_background(packet)

    def lose_all_copies(self, packet: Packet) -> None:
        """Lose every copy of a packet that a dead relay cannot process."""
        for child in self._due(packet):
            self._lose(Copy(packet=packet, child=child), Fate.EGRESS_OUTAGE)

    def kill(self) -> None:
        """Lose what the relay's fault finds at this egress and in its lines' transmitters."""
        if self.interface is not None:
            for copy in self.interface.kill():
                self._lose(copy, Fate.EGRESS_OUTAGE)
        for line in (child.line for child in self.children if child.in_use):
            if line.on_wire():
                self._ledger.encounters[Encounter.SURVIVED_ON_WIRE] += 1
            line.kill_unsent()

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
            self._count[EgressCount.BACKGROUND_SENT] = self.interface.background_sent
            self._ledger.encounters[Encounter.CUT_BURST] += self.interface.splits_burst()

    def _due(self, packet: Packet) -> list[Child]:
        """Return the children that get a copy now, in their order; count them and the others."""
        served = [child for child in self.children if child.served]
        due = [
            child
            for child in served
            if child.site != packet.origin or child.site not in self._leaves
        ]
        withheld, unserved = len(served) - len(due), len(self.children) - len(served)
        self._count[EgressCount.OFFERED] += len(due)
        self._count[EgressCount.WITHHELD] += withheld
        self._count[EgressCount.UNSERVED] += unserved
        self._ledger.encounters[Encounter.WITHHELD] += withheld
        places = [child.served for child in self.children]
        self._ledger.encounters[Encounter.UNSERVED_BETWEEN] += (
            False in places[places.index(True) :] if True in places else 0
        )
        return due

    def _enter(self, packet: Packet) -> None:
        """Accept one copy for each child, as far as the memory holds them."""
        assert self.interface is not None
        children = self._due(packet)
        accepted = 0
        for child in children:
            copy = Copy(packet=packet, child=child)
            if self.interface.spare_ns(packet.size_bytes) < 0:
                self._lose(copy, Fate.EGRESS_QUEUE)
            else:
                self.interface.accept(copy)
                accepted += 1
        if 0 < accepted < len(children):
            self._ledger.encounters[Encounter.PARTIAL_REFUSAL] += 1

    def _enter_background(self, packet: BackgroundPacket) -> None:
        """Accept or refuse a packet of others."""
        assert self.interface is not None
        self._count[EgressCount.BACKGROUND_OFFERED] += 1
        if self.interface.spare_ns(packet.size_bytes) < 0:
            self._ledger.encounters[Encounter.BACKGROUND_REFUSED] += 1
        else:
            self.interface.accept(packet)

    def _leave(self, copy: Copy) -> None:
        self._ledger.encounters[Encounter.COPY_FOR_NOBODY] += not copy.child.served
        if copy.child.in_use:
            copy.child.line.doorway.reach(copy.packet)
        else:
            copy.child.line.refuse(copy.packet)

    def _lose(self, copy: Copy, fate: Fate) -> None:
        child = copy.child
        self._ledger.lose_copy(self._number, child.line.hop, child.site, copy.packet, fate)
