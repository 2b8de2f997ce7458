"""Outages: which lines and relays are down when, known before the meeting begins.

Faults are dated, so nobody has to tick to ask what is down at a moment. A hot standby ends the
outage of its relay; a site is cut off while its line or the relay above is down.

What may still get through, a line that loses or a relay that is grey, is trouble and no outage:
who answers is not down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from sim import rng
from sim.network.names import line_number
from sim.network.tree import Int64Array, Network
from sim.scenario.model import FOREVER_NS, Fault, Scenario


class Span(NamedTuple):
    """A half-open interval in which a fault holds something down; `fault` is its number."""

    at_ns: int
    until_ns: int
    fault: int


class Takeover(NamedTuple):
    """A standby does the work of a relay from `at_ns` on, in spite of a fault."""

    at_ns: int
    relay: int
    fault: int


class Outages:
    """The outages of one scenario.

    Attributes
    ----------
    takeovers : by hot standbys, in order of time
    troubles : (k, 5) int64, by time: from, until, the line or -1, the relay or -1, and the fault
    """

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self._network = network
        self._seed = scenario.seed
        standby = {relay.site: relay.standby for relay in scenario.relays if relay.standby}
        self._lines: defaultdict[int, list[Span]] = defaultdict(list)
        self._relays: defaultdict[int, list[Span]] = defaultdict(list)
        self._rooms: defaultdict[int, list[Span]] = defaultdict(list)
        troubles: list[tuple[int, int, int, int, int]] = []
        takeovers: list[Takeover] = []
        for number, fault in enumerate(scenario.faults):
            for span in _spans(fault, number, scenario.duration_ns):
                troubles += _troubled(network, fault, span)
                if fault.action != "fail":
                    continue
                for name in fault.lines:
                    self._lines[line_number(network, name)].append(span)
                for room in fault.rooms:
                    self._rooms[network.index[room]].append(span)
                for site in fault.relays:
                    relay, outage = network.index[site], span
                    vrrp = standby.get(site)
                    if vrrp is not None and site not in fault.sites:
                        taken_ns = span.at_ns + vrrp.master_down_ns
                        taken_ns -= self._age_ns(site, span.at_ns, vrrp.interval_ns)
                        outage = Span(span.at_ns, min(span.until_ns, taken_ns), number)
                        if taken_ns < span.until_ns:
                            takeovers.append(Takeover(taken_ns, relay, number))
                    self._relays[relay].append(outage)
        for spans in (*self._lines.values(), *self._relays.values(), *self._rooms.values()):
            spans.sort()
        self.takeovers = sorted(takeovers)
        troubles.sort(key=lambda trouble: (trouble[0], trouble[4]))
        self.troubles = np.array(troubles, dtype=np.int64).reshape(-1, 5)

    def _age_ns(self, site: str, at_ns: int, interval_ns: int) -> int:
        """Return how old a relay's last advertisement is when it dies: less than an interval.

        Advertisements have no jitter (RFC 5798), so every phase is as likely.
        """
        key = rng.key(self._seed, f"relay/{site}", "advertisement")
        return int(interval_ns * rng.uniform(key, at_ns))

    def begins(self) -> Iterator[tuple[int, list[int], list[int]]]:
        """Yield each instant at which lines or relays go down, with those, by number."""
        starts: dict[int, tuple[set[int], set[int]]] = {}
        for place, found in enumerate((self._lines, self._relays)):
            for number, spans in found.items():
                for span in spans:
                    starts.setdefault(span.at_ns, (set(), set()))[place].add(number)
        for at_ns, (lines, relays) in sorted(starts.items()):
            yield at_ns, sorted(lines), sorted(relays)

    def cut(self, line: int, at_ns: int) -> Span | None:
        """Return why a line serves nobody at an instant: it is down, or the relay above is.

        Until when, all together, and which fault came first; None: it serves.
        """
        spans = self._of_line(line)
        first = min((span for span in spans if span.at_ns <= at_ns < span.until_ns), default=None)
        if first is None:
            return None
        return Span(first.at_ns, _until(spans, at_ns), first.fault)

    def serves_from(self, line: int, from_ns: int, *, for_ns: int) -> int:
        """Return the first instant from `from_ns` on at which a line has served for `for_ns`.

        `FOREVER_NS` if there is none.
        """
        spans = self._of_line(line)
        at_ns = from_ns
        for span in spans:
            if span.at_ns <= at_ns and span.until_ns > at_ns - for_ns:
                at_ns = span.until_ns + for_ns
            if at_ns >= FOREVER_NS:
                return FOREVER_NS
        return at_ns

    def relay_dead(self, line: int, at_ns: int) -> bool:
        """Return whether the line itself is up and the relay above is what is down."""
        return not any(span.at_ns <= at_ns < span.until_ns for span in self._lines.get(line, ()))

    def site_down_until(self, site: int, at_ns: int) -> int:
        """Return until when a site's relay or, at a leaf, its room is dead; 0: it lives."""
        found = self._relays if self._network.relay[site] else self._rooms
        spans = found.get(site, [])
        if not any(span.at_ns <= at_ns < span.until_ns for span in spans):
            return 0
        return _until(spans, at_ns)

    def lives_from(self, site: int, at_ns: int) -> int:
        """Return since when a site's room has lived at an instant, at most `at_ns`; dead: then."""
        spans = self._rooms.get(site, ())
        return max((min(span.until_ns, at_ns) for span in spans if span.at_ns < at_ns), default=0)

    def troubled(self, at_ns: int) -> tuple[Int64Array, Int64Array] | None:
        """Return the first trouble that each line, and each relay, is in; None: nothing is in any.

        As rows of `troubles`; their number where there is none.
        """
        known = self.troubles
        rows = np.flatnonzero((known[:, 0] < at_ns) & (at_ns < known[:, 1]))
        if not rows.size:
            return None
        lines = np.full(self._network.line_site.size, len(known), dtype=np.int64)
        relays = np.full(len(self._network.sites), len(known), dtype=np.int64)
        of_lines, of_relays = rows[known[rows, 2] >= 0], rows[known[rows, 3] >= 0]
        np.minimum.at(lines, known[of_lines, 2], of_lines)
        np.minimum.at(relays, known[of_relays, 3], of_relays)
        return lines, relays

    def _of_line(self, line: int) -> list[Span]:
        above = int(self._network.line_parent[line])
        return sorted((*self._lines.get(line, ()), *self._relays.get(above, ())))


def _spans(fault: Fault, number: int, duration_ns: int) -> Iterator[Span]:
    for at_ns, until_ns in fault.spans():
        if at_ns >= duration_ns:
            return
        yield Span(at_ns, until_ns, number)


def _troubled(
    network: Network, fault: Fault, span: Span
) -> Iterator[tuple[int, int, int, int, int]]:
    for name in fault.lines:
        yield span.at_ns, span.until_ns, line_number(network, name), -1, span.fault
    for site in fault.relays:
        yield span.at_ns, span.until_ns, -1, network.index[site], span.fault


def _until(spans: Iterable[Span], at_ns: int) -> int:
    """Return the end of the outage at an instant; spans are in order, and may overlap."""
    for span in spans:
        if span.at_ns <= at_ns < span.until_ns:
            at_ns = span.until_ns
    return at_ns
