"""A dull transmitter: a queue one can see, looked at on every nanosecond."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import floor

from sim import rng
from sim.scenario.model import HOUR_NS, HOURS, Background

OTHERS = -1  # the packet number of background


@dataclass(frozen=True, slots=True)
class Offer:
    """A packet, or one copy of it, that reaches the transmitter."""

    at_ns: int
    packet: int
    size_bytes: int
    precedence: int
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """A change at an instant: `rate`, `down`, `up` or `unsent` (what is not sent dies)."""

    at_ns: int
    kind: str
    need_ns: tuple[int, ...] = ()  # by size
    drain_ns: int = 0


@dataclass(slots=True)
class Ticks:
    """What came of it all.

    Attributes
    ----------
    left : (offer, instant of its last bit), in order
    arrived : (offer, arrival), in order
    """

    need_ns: tuple[int, ...]
    drain_ns: int
    classes: bool
    propagation_ns: int = 0
    is_lost: Callable[[int], bool] = lambda _: False
    left: list[tuple[Offer, int]] = field(default_factory=list)
    arrived: list[tuple[Offer, int]] = field(default_factory=list)
    lost: dict[str, list[Offer]] = field(default_factory=dict)
    background_offered: int = 0
    background_sent: int = 0
    busy_ns: int = 0
    backlog_max_ns: int = 0
    up: bool = True
    accepted: int = 0
    waiting: list[tuple[Offer, bool]] = field(default_factory=list)
    sending: tuple[Offer, bool] | None = None
    ends_ns: int = 0
    wire: list[tuple[Offer, int]] = field(default_factory=list)

    def run(self, offers: Sequence[Offer], edits: Sequence[Edit], *, end_ns: int) -> None:
        """Tick from 0 to just before `end_ns`; offers of one instant come in their order."""
        for now_ns in range(end_ns):
            for edit in edits:
                if edit.at_ns == now_ns:
                    self._change(edit)
            if self.sending is not None and self.ends_ns == now_ns:
                self._leave(now_ns)
            while self.wire and self.wire[0][1] == now_ns:
                self.arrived.append(self.wire.pop(0))
            self._begin(now_ns)
            for offer in offers:
                if offer.at_ns == now_ns:
                    self._offer(offer, now_ns)
            self.busy_ns += self.sending is not None

    def pending(self) -> list[Offer]:
        """Return what of the meeting is not decided."""
        held = [offer for offer, _ in self.waiting] + [offer for offer, _ in self.wire]
        if self.sending is not None:
            held.append(self.sending[0])
        return [offer for offer in held if offer.packet != OTHERS]

    def _change(self, edit: Edit) -> None:
        if edit.kind == "rate":
            self.need_ns, self.drain_ns = edit.need_ns, edit.drain_ns
        elif edit.kind == "up":
            self.up = True
        else:
            dead = [self.sending] if self.sending else []
            dead += self.waiting
            for offer, _ in dead:
                self._lose("outage", offer)
            self.sending, self.waiting = None, []
            if edit.kind == "down":
                self.up = False
                for offer, _ in self.wire:
                    self._lose("outage", offer)
                self.wire = []

    def _leave(self, now_ns: int) -> None:
        assert self.sending is not None
        offer, is_lost = self.sending
        self.sending = None
        if offer.packet == OTHERS:
            self.background_sent += 1
            return
        self.left.append((offer, now_ns))
        if is_lost:
            self._lose("line", offer)
        else:
            self.wire.append((offer, now_ns + self.propagation_ns))
            if not self.propagation_ns:
                self.arrived.append(self.wire.pop(0))

    def _begin(self, now_ns: int) -> None:
        if self.sending is None and self.waiting:
            classes = [offer.precedence for offer, _ in self.waiting]
            turn = classes.index(min(classes)) if self.classes else 0
            self.sending = self.waiting.pop(turn)
            self.ends_ns = now_ns + self.need_ns[self.sending[0].size_bytes]

    def _offer(self, offer: Offer, now_ns: int) -> None:
        self.background_offered += offer.packet == OTHERS
        if not self.up:
            self._lose("outage", offer)
            return
        unsent_ns = sum(self.need_ns[other.size_bytes] for other, _ in self.waiting)
        if self.sending is not None:
            unsent_ns += self.ends_ns - now_ns
        backlog_ns = unsent_ns + self.need_ns[offer.size_bytes]
        if backlog_ns > self.drain_ns:
            self._lose("queue", offer)
            return
        self.backlog_max_ns = max(self.backlog_max_ns, backlog_ns)
        is_lost = offer.packet != OTHERS and self.is_lost(self.accepted)
        self.accepted += offer.packet != OTHERS
        self.waiting.append((offer, is_lost))
        self._begin(now_ns)

    def _lose(self, cause: str, offer: Offer) -> None:
        if offer.packet != OTHERS:
            self.lost.setdefault(cause, []).append(offer)


def background_ns(
    background: Background, key: rng.Key, *, begins_ns: int, until_ns: int
) -> list[int]:
    """Return when the packets of others come, drawn one by one."""
    drawn = 0
    now_ns = 0
    come_ns: list[int] = []

    def draw(mean_ns: float) -> int:
        nonlocal drawn
        drawn += 1
        exponential = -float(rng.logarithm(rng.uniforms(key, drawn - 1, 1))[0])
        return max(floor(mean_ns * exponential + 0.5), 1)

    def spacing_ns(at_ns: int) -> float:
        factor = background.profile[(begins_ns + at_ns) // HOUR_NS % HOURS]
        return background.packet_bytes * 8 * 10**9 / (background.rate_bps * factor)

    while now_ns < until_ns:
        if background.kind == "poisson":
            now_ns += draw(spacing_ns(now_ns))
            come_ns.append(now_ns)
        else:
            begin_ns = now_ns + draw(background.silence_ns)
            now_ns = begin_ns + draw(background.burst_ns)
            step_ns = max(floor(spacing_ns(begin_ns) + 0.5), 1)
            come_ns += range(begin_ns, now_ns, step_ns)
    return [at_ns for at_ns in come_ns if at_ns < until_ns]
