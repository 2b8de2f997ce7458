"""The transmitter of the reference engine: a memory one can see, and a process that sends.

The one rule: the memory holds the bits that are not sent yet, and a packet is accepted only if
it fits whole, whatever its class. A packet whose last bit leaves at this instant has left, and
the next has begun, before those that arrive now are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from simpy import Interrupt
from simpy.events import Process, ProcessGenerator

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.packet import BackgroundPacket, Carriage
from sim.scenario.model import Direction, Egress

NS_PER_S = 10**9

T = TypeVar("T", bound=Carriage)


class Transmitter(Generic[T]):
    """Queues packets and sends them one after the other.

    Attributes
    ----------
    rate_bps : current rate, bit/s
    waiting : accepted, not a bit sent yet, in the order of acceptance
    sending : the one being sent, or None
    ends_ns : when the last bit of `sending` leaves
    backlog_max_ns : longest time to send all accepted bits, just after an acceptance
    background_sent : how many packets of others left whole
    last_sent : the last packet of the meeting that left whole, or None
    """

    def __init__(
        self,
        clock: Clock,
        encounters: Counter[Encounter],
        *,
        port: Direction | Egress,
        rate_bps: int,
        overhead_ns: int,
        overtaking: Encounter,
        leave: Callable[[T], None],
    ) -> None:
        """Begin at `rate_bps`, what steady background leaves of the port's own rate."""
        self.rate_bps = rate_bps
        self.waiting: list[T | BackgroundPacket] = []
        self.sending: T | BackgroundPacket | None = None
        self.ends_ns = 0
        self.backlog_max_ns = 0
        self.background_sent = 0
        self.last_sent: T | None = None
        self._clock = clock
        self._encounters = encounters
        self._port = port
        self._overhead_ns = overhead_ns
        self._overtaking = overtaking
        self._leave = leave
        self._sender: Process | None = None
        self._started_ns = 0
        self._finished_ns = 0  # time spent on all that is no longer being sent
        self._last_bit_ns = -1  # when the last packet that was sent had left

    def service_ns(self, size_bytes: int) -> int:
        """Return how long a packet takes to send at the current rate, ns; halves round up."""
        bits = size_bytes * 8
        return max(1, self._overhead_ns + (bits * NS_PER_S + self.rate_bps // 2) // self.rate_bps)

    def drain_ns(self) -> int:
        """Return how long a full memory takes to send at the current rate, ns."""
        full = self._port.buffer_bytes * self.service_ns(self._port.mtu_bytes)
        return -(-full // self._port.mtu_bytes)

    def unsent_ns(self) -> int:
        """Return how long the accepted bits that have not left yet will take to send, ns."""
        being_sent_ns = 0 if self.sending is None else self.ends_ns - self._clock.now_ns
        return being_sent_ns + sum(self.service_ns(item.size_bytes) for item in self.waiting)

    def spare_ns(self, size_bytes: int) -> int:
        """Return how much of the memory would be left with a packet more in it, ns of sending.

        Negative: it does not fit whole.
        """
        return self.drain_ns() - self.unsent_ns() - self.service_ns(size_bytes)

    def accept(self, item: T | BackgroundPacket) -> None:
        """Take `item`, which fits, and send it in its turn: at once, if nothing else is sent."""
        self._encounters[Encounter.ARRIVAL_AT_LAST_BIT] += self._last_bit_ns == self._clock.now_ns
        self._encounters[Encounter.TOO_LATE_TO_OVERTAKE] += self._comes_too_late(item)
        self.waiting.append(item)
        unsent_ns = self.unsent_ns()
        self.backlog_max_ns = max(self.backlog_max_ns, unsent_ns)
        self._encounters[Encounter.EXACT_FIT] += unsent_ns == self.drain_ns()
        if self.sending is None:
            self._begin()
            self._sender = self._clock.process(self._send())

    def retime(self, rate_bps: int) -> None:
        """Send at `rate_bps` from the next packet on.

        The packet being sent finishes at the old rate; nothing that waits is evicted.

        Raises
        ------
        ValueError
            If the rate is not positive.
        """
        if rate_bps <= 0:
            raise ValueError(f"rate_bps must be positive, got {rate_bps}")
        if self.waiting and rate_bps != self.rate_bps:
            self._encounters[Encounter.RETIMED_QUEUE] += 1
            self._encounters[Encounter.RETIMED_AT_LAST_BIT] += self._sends_last_bit_now()
            self._encounters[Encounter.RETIMED_AFTER_OVERTAKING] += self._next() > 0
        self.rate_bps = rate_bps

    def kill(self) -> list[T]:
        """Empty the transmitter at once; return the meeting's: what was being sent, what waited.

        The time already spent on the packet being sent stays busy time.
        """
        dead = list(self.waiting)
        self.waiting.clear()
        self._encounters[Encounter.KILLED_WAITING] += len(dead)
        self._encounters[Encounter.KILLED_IN_TRANSMISSION] += self.sending is not None
        self._encounters[Encounter.FAULT_AT_LAST_BIT] += self._sends_last_bit_now()
        if self.sending is not None:
            dead.insert(0, self.sending)
            self._finished_ns += self._clock.now_ns - self._started_ns
            self.sending = None
        if self._sender is not None:
            self._sender.interrupt()
            self._sender = None
        of_meeting = [item for item in dead if not isinstance(item, BackgroundPacket)]
        self._encounters[Encounter.BACKGROUND_KILLED] += len(dead) - len(of_meeting)
        return of_meeting

    def busy_ns(self) -> int:
        """Return the time spent sending up to now, ns."""
        if self.sending is None:
            return self._finished_ns
        return self._finished_ns + self._clock.now_ns - self._started_ns

    def held(self) -> int:
        """Return how many packets of the meeting are accepted and have not left."""
        held = [*self.waiting, self.sending]
        return sum(isinstance(item, Carriage) for item in held)

    def splits_burst(self) -> bool:
        """Return whether the next to leave was sent by its source together with the last one."""
        following = self.sending
        if self.last_sent is None or following is None or isinstance(following, BackgroundPacket):
            return False
        last, then = self.last_sent.packet, following.packet
        return (last.origin, last.sent_ns) == (then.origin, then.sent_ns)

    def _send(self) -> ProcessGenerator:
        """Send what has begun and then what waits, until nothing waits or a fault interrupts."""
        try:
            while self.sending is not None:
                yield self._clock.timeout(self.ends_ns - self._clock.now_ns)
                self._finish(self.sending)
        except Interrupt:
            return
        self._sender = None

    def _finish(self, item: T | BackgroundPacket) -> None:
        """Let `item` go, whose last bit has left, and begin the next."""
        self._finished_ns += self._clock.now_ns - self._started_ns
        self._last_bit_ns = self._clock.now_ns
        self.sending = None
        if isinstance(item, BackgroundPacket):
            self.background_sent += 1
        else:
            self.last_sent = item
        if self.waiting:
            self._begin()
        if not isinstance(item, BackgroundPacket):
            self._leave(item)

    def _begin(self) -> None:
        """Begin to send the packet whose turn it is."""
        turn = self._next()
        item = self.waiting.pop(turn)
        self._note_overtaking(item, self.waiting[:turn])
        self.sending = item
        self._started_ns = self._clock.now_ns
        self.ends_ns = self._started_ns + self.service_ns(item.size_bytes)

    def _next(self) -> int:
        """Return the place among those that wait of the one that is sent next."""
        if self._port.scheduling == "fifo":
            return 0
        classes = [item.precedence for item in self.waiting]
        return classes.index(min(classes))

    def _comes_too_late(self, item: T | BackgroundPacket) -> bool:
        """Return whether `item` would be sent now, had it come before the one that has begun."""
        return (
            self._port.scheduling == "priority"
            and self.sending is not None
            and self._started_ns == self._clock.now_ns
            and item.precedence < self.sending.precedence
        )

    def _note_overtaking(
        self, item: T | BackgroundPacket, overtaken: Sequence[T | BackgroundPacket]
    ) -> None:
        """Count that `item` begins before others that were accepted earlier."""
        if not overtaken:
            return
        of_meeting = [other for other in overtaken if not isinstance(other, BackgroundPacket)]
        self._encounters[self._overtaking] += 1
        if isinstance(item, BackgroundPacket):
            self._encounters[Encounter.BACKGROUND_AHEAD] += len(of_meeting) > 0
            return
        self._encounters[Encounter.BACKGROUND_OVERTAKEN] += len(of_meeting) < len(overtaken)
        self._encounters[Encounter.COPIES_SPLIT] += self.last_sent is not None and any(
            other.packet is self.last_sent.packet for other in of_meeting
        )

    def _sends_last_bit_now(self) -> bool:
        """Return whether the last bit of the packet being sent leaves at this instant."""
        return self.sending is not None and self.ends_ns == self._clock.now_ns
