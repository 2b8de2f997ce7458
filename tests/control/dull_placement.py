"""Placement again, from a log of what happened: every report is made, every count is counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from sim import rng
from sim.control.reports import phase_ns
from sim.scenario.model import Pool

SINCE_NS = -200  # reports of this long ago are known whatever their delay, in these tests


@dataclass(slots=True, kw_only=True)
class DullPool:
    """A pool whose lines have one stream each: `share` of a server, `packets_per_s`."""

    pool: Pool
    servers: int
    site: str
    seed: int
    full: float
    share: Fraction
    packets_per_s: int
    # When, "in" or "out", server, child.
    log: list[tuple[int, str, int, str]] = field(default_factory=list)

    def lines(self, server: int, before_ns: float = float("inf")) -> int:
        of_server = [what for t, what, i, _ in self.log if i == server and t < before_ns]
        return of_server.count("in") - of_server.count("out")

    def load(self, lines: int) -> Fraction:
        shares = [lines * self.share]
        for count, limit in (
            (lines, self.pool.ports),
            (lines, self.pool.streams),
            (lines * self.packets_per_s, self.pool.packets_per_s),
        ):
            if limit:
                shares.append(Fraction(count, limit))
        return max(shares)

    def known(self, server: int, now_ns: int) -> Fraction:
        """Let the server report tick by tick, and return what its last known report says."""
        phase = phase_ns(self.seed, self.site, str(server + 1), self.pool.report_ns)
        said = Fraction(0)
        for t in range(SINCE_NS, now_ns + 1):
            is_report = (t - phase) % self.pool.report_ns == 0
            if is_report and t + self.pool.report_delay_ns <= now_ns:
                said = self.load(self.lines(server, before_ns=t))
        return said

    def may(self, server: int) -> bool:
        more = self.lines(server) + 1
        if self.full and more * self.share > Fraction(str(self.full)):
            return False
        limits = self.pool.ports, self.pool.streams
        if any(limit and more > limit for limit in limits):
            return False
        return not (self.pool.packets_per_s and more * self.packets_per_s > self.pool.packets_per_s)

    def admits(self, server: int, now_ns: int) -> bool:
        if not self.pool.admit:
            return True
        span = range(now_ns - self.pool.admit_ns + 1, now_ns + 1)
        recent = [t for t, what, i, _ in self.log if what == "in" and i == server and t in span]
        return len(recent) < self.pool.admit

    def place(self, child: str, now_ns: int) -> int | str:
        room = [i for i in range(self.servers) if self.may(i)]
        if not room:
            return "server"
        able = [i for i in room if self.admits(i, now_ns)]
        if not able:
            return "admission"
        server = self.first(able, child, now_ns)
        self.log.append((now_ns, "in", server, child))
        return server

    def first(self, able: list[int], child: str, now_ns: int) -> int:
        if self.pool.policy == "round robin":
            last = ([-1] + [i for _, what, i, _ in self.log if what == "in"])[-1]
            turn = [(last + step) % self.servers for step in range(1, self.servers + 1)]
            return next(i for i in turn if i in able)
        if self.pool.policy == "hash":
            weights = {}
            for i in range(self.servers):
                name = f"server/{self.site}/{i + 1}/{child}"
                weights[i] = rng.key(self.seed, name, "placement")[0]
            order = sorted(range(self.servers), key=lambda i: -weights[i])
            return next(i for i in order if i in able)
        said = {i: self.known(i, now_ns) for i in able}
        if self.pool.policy == "fill":
            threshold = Fraction(str(self.pool.fill_to))
            below = [i for i in able if said[i] < threshold]
            in_use = [i for i in below if self.lines(i) > 0]
            able = in_use or below or able
        least = min(said[i] for i in able)
        return next(i for i in able if said[i] == least)

    def release(self, child: str, now_ns: int) -> None:
        server = [i for _, what, i, who in self.log if what == "in" and who == child][-1]
        self.log.append((now_ns, "out", server, child))
