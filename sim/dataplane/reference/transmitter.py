"""The transmitter of the reference engine: a memory one can see, and a process that sends.

The one rule: the memory holds the bits that are not sent yet, and a packet is accepted only if
it fits whole. A packet whose last bit leaves at this instant has no unsent bits, whether or not
SimPy has come to its departure yet, so acceptance does not depend on the order of events within
an instant.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from simpy import Interrupt
from simpy.events import Process, ProcessGenerator

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.packet import Packet

NS_PER_S = 10**9


class Carried(Protocol):
    """Anything that carries a packet through a transmitter."""

    @property
    def packet(self) -> Packet:
        """The packet itself."""


T = TypeVar("T", bound=Carried)


class Transmitter(Generic[T]):
    """Queues packets and sends them one after the other.

    Attributes
    ----------
    rate_bps : current rate, bit/s
    waiting : accepted, not a bit sent yet
    sending : the one being sent, or None
    ends_ns : when the last bit of `sending` leaves
    backlog_max_ns : longest time to send all accepted bits, just after an acceptance
    last_sent : the last one that left whole, or None
    """

    def __init__(
        self,
        clock: Clock,
        encounters: Counter[Encounter],
        *,
        rate_bps: int,
        buffer_bytes: int,
        mtu_bytes: int,
        overhead_ns: int,
        leave: Callable[[T], None],
    ) -> None:
        self.rate_bps = rate_bps
        self.waiting: deque[T] = deque()
        self.sending: T | None = None
        self.ends_ns = 0
        self.backlog_max_ns = 0
        self.last_sent: T | None = None
        self._clock = clock
        self._encounters = encounters
        self._buffer_bytes = buffer_bytes
        self._mtu_bytes = mtu_bytes
        self._overhead_ns = overhead_ns
        self._leave = leave
        self._sender: Process | None = None
        self._started_ns = 0
        self._finished_ns = 0  # time spent on all that is no longer being sent

    def service_ns(self, size_bytes: int) -> int:
        """Return how long a packet takes to send at the current rate, ns; halves round up."""
        bits = size_bytes * 8
        return max(1, self._overhead_ns + (bits * NS_PER_S + self.rate_bps // 2) // self.rate_bps)

    def drain_ns(self) -> int:
        """Return how long a full memory takes to send at the current rate, ns."""
        full = self._buffer_bytes * self.service_ns(self._mtu_bytes)
        return -(-full // self._mtu_bytes)

    def unsent_ns(self) -> int:
        """Return how long the accepted bits that have not left yet will take to send, ns."""
        being_sent_ns = 0 if self.sending is None else self.ends_ns - self._clock.now_ns
        return being_sent_ns + sum(self.service_ns(item.packet.size_bytes) for item in self.waiting)

    def spare_ns(self, packet: Packet) -> int:
        """Return how much of the memory would be left with `packet` in it, ns of sending.

        Negative: it does not fit whole.
        """
        return self.drain_ns() - self.unsent_ns() - self.service_ns(packet.size_bytes)

    def accept(self, item: T) -> None:
        """Take `item`, which fits, and send it after those before it."""
        self._encounters[Encounter.ARRIVAL_AT_LAST_BIT] += self._sends_last_bit_now()
        self.waiting.append(item)
        unsent_ns = self.unsent_ns()
        self.backlog_max_ns = max(self.backlog_max_ns, unsent_ns)
        self._encounters[Encounter.EXACT_FIT] += unsent_ns == self.drain_ns()
        if self._sender is None:
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
        self.rate_bps = rate_bps

    def kill(self) -> list[T]:
        """Empty the transmitter at once and return what was being sent, then what waited.

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
        return dead

    def busy_ns(self) -> int:
        """Return the time spent sending up to now, ns."""
        if self.sending is None:
            return self._finished_ns
        return self._finished_ns + self._clock.now_ns - self._started_ns

    def held(self) -> int:
        """Return how many packets are accepted and have not left."""
        return len(self.waiting) + (self.sending is not None)

    def splits_burst(self) -> bool:
        """Return whether the next to leave was sent by the origin together with the last one."""
        following = self.sending or (self.waiting[0] if self.waiting else None)
        if self.last_sent is None or following is None:
            return False
        return self.last_sent.packet.sent_ns == following.packet.sent_ns

    def _send(self) -> ProcessGenerator:
        """Send what waits, one packet at a time, until nothing waits or a fault interrupts."""
        try:
            while self.waiting:
                item = self.waiting.popleft()
                service_ns = self.service_ns(item.packet.size_bytes)
                self.sending = item
                self._started_ns = self._clock.now_ns
                self.ends_ns = self._started_ns + service_ns
                yield self._clock.timeout(service_ns)
                self.sending = None
                self._finished_ns += service_ns
                self.last_sent = item
                self._leave(item)
        except Interrupt:
            return
        self._sender = None

    def _sends_last_bit_now(self) -> bool:
        """Return whether the last bit of the packet being sent leaves at this instant."""
        return self.sending is not None and self.ends_ns == self._clock.now_ns
