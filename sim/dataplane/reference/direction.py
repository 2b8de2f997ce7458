"""One direction of a line in the reference engine: policer, transmitter, losses, wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simpy import Interrupt
from simpy.events import Process, ProcessGenerator

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.doorway import Doorway
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.loss import LossProcess
from sim.dataplane.reference.packet import BackgroundPacket, Carriage, Packet
from sim.dataplane.reference.policer import LivePolicer
from sim.dataplane.reference.transmitter import Transmitter
from sim.dataplane.tally import Fate, LineCount, LossCause, bucket
from sim.scenario.model import Direction, Loss


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossing(Carriage):
    """A packet that the direction has accepted.

    Attributes
    ----------
    entered_ns : when it reached the transmitter
    doomed : whether the loss process picked it; it is lost at its last bit
    """

    entered_ns: int
    doomed: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flight:
    """A crossing on the wire: when it arrives, and the process that takes it there."""

    arrives_ns: int
    process: Process


class LiveDirection:
    """One direction of the line of a site, down to it or up from it.

    A packet that reaches it is refused while the line is down or not in use, then if its policer
    has no tokens for it, then if the memory has no room for it. Else it waits, is sent, is lost at
    its last bit if its number was picked, crosses the wire and arrives. A line that fails or is
    given up kills it wherever it is; the failing relay that sends into it, until its last bit has
    left.

    A packet of others goes the same way up to its last bit, without a number, and is gone. It
    does not care whether the meeting uses the line.

    Attributes
    ----------
    hop : number of the direction
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        hop: int,
        port: Direction,
        rate_bps: int,
        propagation_ns: int,
        losses: LossProcess,
        tie: Encounter,
        arrive: Callable[[Packet], None],
    ) -> None:
        """Take the number of the direction, and what to count when two origins come at once."""
        self.transmitter: Transmitter[Crossing] = Transmitter(
            clock,
            ledger.encounters,
            port=port,
            rate_bps=rate_bps,
            overhead_ns=0,
            overtaking=Encounter.OVERTAKEN_ON_LINE,
            leave=self._leave,
        )
        self.doorway = Doorway(
            clock,
            ledger.encounters,
            tie=tie,
            enter=self._enter,
            enter_background=self._enter_background,
        )
        self._policer = (
            LivePolicer(clock, ledger.encounters, port.policer) if port.policer else None
        )
        self._clock = clock
        self._ledger = ledger
        self._count = ledger.tally.line[hop]
        self._delay = ledger.line_delay(hop)
        self.hop = hop
        self._propagation_ns = propagation_ns
        self._losses = losses
        self._arrive = arrive
        self._up = True
        self._in_use = True
        self._failed_ns = -1
        self._wire: dict[Crossing, Flight] = {}

    def fail(self) -> None:
        """Go down and lose all that waits, is being sent, or is on the wire."""
        if not self._up:
            return
        self._up = False
        self._failed_ns = self._clock.now_ns
        self._empty()

    def give_up(self) -> None:
        """Be used no longer: lose all that is on the line, and refuse what comes."""
        self._in_use = False
        self._empty()

    def use(self) -> None:
        """Be used from now on, empty of the meeting's packets."""
        self._in_use = True

    def _empty(self) -> None:
        self.kill_unsent()
        for crossing, flight in self._wire.items():
            flight.process.interrupt()
            self._kill(crossing)
            self._ledger.encounters[Encounter.KILLED_ON_WIRE] += 1
            if flight.arrives_ns == self._clock.now_ns:
                self._ledger.encounters[Encounter.FAULT_AT_DELIVERY] += 1
        self._wire.clear()

    def restore(self) -> None:
        """Come back, empty."""
        self._up = True

    def refuse(self, packet: Packet) -> None:
        """Lose a packet that comes from an egress that does not feed the line any more."""
        self._count[LineCount.OFFERED] += 1
        self._count[LineCount.OFFERED_BYTES] += packet.size_bytes
        self._count[LineCount.REFUSED] += 1
        self._ledger.lose_on_line(self.hop, packet, LossCause.OUTAGE)

    def kill_unsent(self) -> None:
        """Lose what waits or is being sent; what is on the wire arrives."""
        for crossing in self.transmitter.kill():
            self._kill(crossing)
            if crossing.doomed:
                self._ledger.encounters[Encounter.KILLED_THOUGH_DOOMED] += 1

    def change_loss(self, loss: Loss) -> None:
        """Lose by `loss` from the next acceptance on."""
        self._losses.change(loss)

    def on_wire(self) -> int:
        """Return how many packets have left the transmitter and not arrived."""
        return len(self._wire)

    def pending(self) -> int:
        """Return how many packets were accepted and have not met their fate."""
        return self.transmitter.held() + self.on_wire()

    def settle(self) -> None:
        """Write what the transmitter measured into the tally, at the end of a span."""
        self._count[LineCount.BUSY_NS] = self.transmitter.busy_ns()
        self._count[LineCount.BACKLOG_MAX_NS] = self.transmitter.backlog_max_ns
        self._count[LineCount.BACKGROUND_SENT] = self.transmitter.background_sent
        self._ledger.encounters[Encounter.CUT_BURST] += self.transmitter.splits_burst()

    def _enter(self, packet: Packet) -> None:
        """Accept or refuse a packet that reaches the line now."""
        self._count[LineCount.OFFERED] += 1
        self._count[LineCount.OFFERED_BYTES] += packet.size_bytes
        if not self._in_use:
            self._ledger.encounters[Encounter.LINE_NOT_IN_USE] += 1
        cause = self._refusal(packet.size_bytes) if self._in_use else LossCause.OUTAGE
        if cause is not None:
            self._count[LineCount.REFUSED] += cause == LossCause.OUTAGE
            self._ledger.lose_on_line(self.hop, packet, cause)
            return
        switches = self._losses.switches
        doomed = self._losses.picks()
        self.transmitter.accept(
            Crossing(packet=packet, entered_ns=self._clock.now_ns, doomed=doomed)
        )
        self._ledger.encounters[Encounter.LOSS_STATE_SWITCH] += self._losses.switches - switches

    def _enter_background(self, packet: BackgroundPacket) -> None:
        """Accept or refuse a packet of others that reaches the line now."""
        self._count[LineCount.BACKGROUND_OFFERED] += 1
        if self._refusal(packet.size_bytes) is None:
            self.transmitter.accept(packet)
        else:
            self._ledger.encounters[Encounter.BACKGROUND_REFUSED] += 1

    def _refusal(self, size_bytes: int) -> LossCause | None:
        """Return why a packet that comes now is not accepted; None: it is.

        One that passes the policer has taken its tokens.
        """
        if not self._up:
            if self._failed_ns == self._clock.now_ns:
                self._ledger.encounters[Encounter.FAULT_AT_ARRIVAL] += 1
            return LossCause.OUTAGE
        if self._policer is not None and not self._policer.admits(size_bytes):
            return LossCause.POLICER
        if self.transmitter.spare_ns(size_bytes) < 0:
            self._ledger.encounters[Encounter.QUEUE_LOSS_ON_LINE] += 1
            self._ledger.encounters[Encounter.TOKENS_IN_VAIN] += self._policer is not None
            return LossCause.QUEUE
        return None

    def _leave(self, crossing: Crossing) -> None:
        """Lose a packet whose last bit has left, or put it on the wire."""
        if crossing.doomed:
            self._ledger.lose_on_line(self.hop, crossing.packet, LossCause.LINE)
            self._ledger.encounters[Encounter.LINE_LOSS] += 1
            return
        self._wire[crossing] = Flight(
            arrives_ns=self._clock.now_ns + self._propagation_ns,
            process=self._clock.process(self._propagate(crossing)),
        )

    def _propagate(self, crossing: Crossing) -> ProcessGenerator:
        """Carry a packet to the far end, unless the line fails before."""
        try:
            yield self._clock.timeout(self._propagation_ns)
        except Interrupt:
            return
        del self._wire[crossing]
        packet = crossing.packet
        delay_ns = self._clock.now_ns - crossing.entered_ns
        self._count[LineCount.DELIVERED] += 1
        self._count[LineCount.DELIVERED_BYTES] += packet.size_bytes
        self._count[LineCount.DELAY_SUM_NS] += delay_ns
        self._count[LineCount.DELAY_MAX_NS] = max(self._count[LineCount.DELAY_MAX_NS], delay_ns)
        self._delay[bucket(delay_ns)] += 1
        self._ledger.decide(self.hop, packet, Fate.ARRIVED)
        self._arrive(packet)

    def _kill(self, crossing: Crossing) -> None:
        self._ledger.lose_on_line(self.hop, crossing.packet, LossCause.OUTAGE)
        self._ledger.encounters[Encounter.UP_KILLED_ON_LINE] += crossing.packet.direction == "up"
