"""Background of the reference engine: the packets of others that reach one transmitter.

Draw i of a transmitter's key is an exponential variate of mean 1, E = -ln U. A length of a given
mean is mean * E rounded, halves up, and at least 1 ns; draws are numbered from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor

from simpy.events import ProcessGenerator

from sim import rng
from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.packet import BackgroundPacket
from sim.scenario.model import HOUR_NS, HOURS, Background

NS_BITS = 8 * 10**9  # bits in a byte times ns in a second


class LiveBackground:
    """Sends packets to a transmitter, from time 0 to the meeting's end.

    `poisson` waits an exponential gap before each packet. `bursts` is silent, then sends evenly,
    in turns of exponential length. Steady background has no packets: it is a slower rate.
    """

    def __init__(
        self,
        clock: Clock,
        background: Background,
        *,
        key: rng.Key,
        begins_ns: int,
        until_ns: int,
        offer: Callable[[BackgroundPacket], None],
    ) -> None:
        """Take the meeting's time of day and its length, ns; begin at once."""
        self._clock = clock
        self._background = background
        self._key = key
        self._begins_ns = begins_ns
        self._until_ns = until_ns
        self._offer = offer
        self._drawn = 0
        if background.kind == "poisson":
            clock.process(self._poisson())
        elif background.kind == "bursts":
            clock.process(self._bursts())

    def _poisson(self) -> ProcessGenerator:
        """Wait and send, over and over; the gap that crosses the meeting's end is the last."""
        while True:
            gap_ns = self._draw_ns(self._spacing_ns())
            if self._clock.now_ns + gap_ns >= self._until_ns:
                return
            yield self._clock.timeout(gap_ns)
            self._send()

    def _bursts(self) -> ProcessGenerator:
        """Be silent, then send from a burst's beginning to before its end, over and over."""
        while True:
            silence_ns = self._draw_ns(self._background.silence_ns)
            begin_ns = self._clock.now_ns + silence_ns
            if begin_ns >= self._until_ns:
                return
            yield self._clock.timeout(silence_ns)
            spacing_ns = max(floor(self._spacing_ns() + 0.5), 1)
            end_ns = begin_ns + self._draw_ns(self._background.burst_ns)
            for at_ns in range(begin_ns, min(end_ns, self._until_ns), spacing_ns):
                yield self._clock.timeout(at_ns - self._clock.now_ns)
                self._send()
            if end_ns >= self._until_ns:
                return
            yield self._clock.timeout(end_ns - self._clock.now_ns)

    def _send(self) -> None:
        background = self._background
        self._offer(
            BackgroundPacket(precedence=background.precedence, size_bytes=background.packet_bytes)
        )

    def _spacing_ns(self) -> float:
        """Return the mean time between packets at the rate of the present hour, ns."""
        hour = (self._begins_ns + self._clock.now_ns) // HOUR_NS % HOURS
        rate_bps = self._background.rate_bps * self._background.profile[hour]
        return self._background.packet_bytes * NS_BITS / rate_bps

    def _draw_ns(self, mean_ns: float) -> int:
        """Return the next exponential length, ns."""
        exponential = -float(rng.logarithm(rng.uniforms(self._key, self._drawn, 1))[0])
        self._drawn += 1
        return max(floor(mean_ns * exponential + 0.5), 1)
