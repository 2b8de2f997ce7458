"""Bounds for every transmitter of a tree, from what the sources send and nothing else.

Up lines first, from the leaves to the root, then egresses and lines down. A packet that a
transmitter keeps between `least` and `most` comes to the next one in a window that is wider by the
difference: the output bound of network calculus (Le Boudec and Thiran 2001, chapter 1).

What is lost on the way, by whatever cause, only makes less work, and the bounds hold. They do not
where a rate changes (degraded lines, hours of a profile), nor with random packets of others, which
have no bound at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import floor

import numpy as np
from numpy.typing import NDArray

from sim.scenario.model import HOUR_NS, HOURS, PARENT, Direction, Egress, Line, Relay, Scenario
from tests.validation.calculus.curves import Arrivals, Peak, backlog_bound_ns, delay_bounds_ns

Int64Array = NDArray[np.int64]
NS_PER_S = 10**9


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What all sources send.

    Attributes
    ----------
    at_ns, size_bytes, stream : (p,) int64
    origin : (p,) ids of sites
    """

    at_ns: Int64Array
    size_bytes: Int64Array
    stream: Int64Array
    origin: NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What one transmitter does at worst.

    Attributes
    ----------
    backlog_ns : longest time to send all that it holds
    delay_ns : longest time that a packet is in it
    full_ns : how long its full memory takes to send
    packets : that may come to it
    """

    backlog_ns: int
    delay_ns: int
    full_ns: int
    packets: int


@dataclass(kw_only=True)
class Bounds:
    """Of lines by (site, `down` or `up`), of egresses by (site, carrier)."""

    lines: dict[tuple[str, str], Bound] = field(default_factory=dict)
    egresses: dict[tuple[str, str], Bound] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Packets on their way: p of them, each in a window of time.

    Attributes
    ----------
    packet : (p,) int64, index into `Sent`
    earliest_ns, latest_ns : (p,) int64
    sent_in_ns : (p,) int64, how long the one transmitter that they all come from took for each;
        None: they come from several, or from a source
    """

    packet: Int64Array
    earliest_ns: Int64Array
    latest_ns: Int64Array
    sent_in_ns: Int64Array | None = None

    def where(self, chosen: NDArray[np.bool_]) -> Flow:
        """Return some of the packets."""
        return Flow(
            packet=self.packet[chosen],
            earliest_ns=self.earliest_ns[chosen],
            latest_ns=self.latest_ns[chosen],
            sent_in_ns=None if self.sent_in_ns is None else self.sent_in_ns[chosen],
        )

    def later(self, least_ns: Int64Array | int, most_ns: Int64Array | int) -> Flow:
        """Return them after something that takes between `least_ns` and `most_ns`."""
        return replace(
            self, earliest_ns=self.earliest_ns + least_ns, latest_ns=self.latest_ns + most_ns
        )


def together(flows: list[Flow]) -> Flow:
    """Return the packets of all flows that have any."""
    flows = [flow for flow in flows if flow.packet.size] or flows
    if len(flows) == 1:
        return flows[0]
    return Flow(
        packet=np.concatenate([flow.packet for flow in flows]),
        earliest_ns=np.concatenate([flow.earliest_ns for flow in flows]),
        latest_ns=np.concatenate([flow.latest_ns for flow in flows]),
    )


def work_ns(size_bytes: Int64Array, port: Direction | Egress, begins_ns: int) -> Int64Array:
    """Return how long a port takes for packets: the model's section 4, in exact fractions."""
    rate_bps = rate_left_bps(port, begins_ns)
    overhead_ns = port.overhead_ns if isinstance(port, Egress) else 0
    sizes, which = np.unique(size_bytes, return_inverse=True)
    table = [
        max(overhead_ns + floor(Fraction(size * 8 * NS_PER_S, rate_bps) + Fraction(1, 2)), 1)
        for size in sizes.tolist()
    ]
    return np.array(table, dtype=np.int64)[which]


def rate_left_bps(port: Direction | Egress, begins_ns: int) -> int:
    """Return the rate that steady background leaves at the hour in which the meeting begins."""
    others = port.background
    if others is None:
        return port.rate_bps
    if others.kind != "steady":
        raise ValueError("random packets of others have no bound")
    factor = others.profile[begins_ns // HOUR_NS % HOURS]
    return max(round(port.rate_bps * (1 - others.share * factor)), 1)


class Calculation:
    """The bounds of one scenario."""

    def __init__(self, scenario: Scenario, sent: Sent) -> None:
        self._scenario = scenario
        self._sent = sent
        self._streams = scenario.streams
        self._site = {site.id: site for site in scenario.sites}
        self._rank = {tier: rank for rank, tier in enumerate(scenario.tiers)}
        self._line: Mapping[str, Line] = {
            line.site: line for line in scenario.lines if line.role == "primary"
        }
        self._relay: Mapping[str, Relay] = {relay.site: relay for relay in scenario.relays}
        self._children: dict[str, list[str]] = {}
        for site in sorted(scenario.sites, key=lambda site: site.id.encode()):
            self._children.setdefault(site.parent, []).append(site.id)
        (self._root,) = self._children[""]
        self._precedence = np.array([each.precedence for each in self._streams], dtype=np.int64)
        self.bounds = Bounds()

    def run(self) -> Bounds:
        """Bound every transmitter, in the order in which packets come to them."""
        self._down(self._root, self._up(self._root))
        return self.bounds

    def _own(self, site: str, *directions: str) -> Flow:
        """Return what a site's sources of some directions send."""
        ways = np.array([stream.direction in directions for stream in self._streams] or [False])
        packet = np.flatnonzero((self._sent.origin == site) & ways[self._sent.stream])
        at_ns = self._sent.at_ns[packet]
        return Flow(packet=packet, earliest_ns=at_ns, latest_ns=at_ns)

    def _up(self, site: str) -> Flow:
        """Return what comes up to a site's relay and goes on, after bounding all lines below it."""
        flows = []
        for child in self._children.get(site, []):
            below = self._up(child)
            flow = together([below, self._own(child, "up", "floor")])
            line = self._line[child]
            flow = self._line_passed(flow, (child, "up"), line.up, line.propagation_ns)
            flows.append(flow.where(~self._ends(flow, site)))
        if not flows:
            return self._own(site)
        processing_ns = self._relay[site].processing_ns
        return together(flows).later(processing_ns, processing_ns)

    def _ends(self, flow: Flow, site: str) -> NDArray[np.bool_]:
        """Return which packets, coming up to a relay, end there."""
        tier = self._rank[self._site[site].tier]
        ends = [
            stream.direction == "up"
            and (stream.to == PARENT or tier <= self._rank.get(stream.to, -1) or not tier)
            for stream in self._streams
        ]
        return np.array(ends or [False])[self._sent.stream[flow.packet]]

    def _down(self, site: str, arriving: Flow) -> None:
        """Bound what is below a relay; `arriving` has been processed in it."""
        children = self._children.get(site, [])
        if not children:
            return
        own = self._own(site, "down", "floor") if site == self._root else self._own(site, "down")
        relay = self._relay[site]
        flow = together([arriving, own.later(relay.processing_ns, relay.processing_ns)])
        fed: dict[str, list[str]] = {}
        carriers = {egress.carrier for egress in relay.egresses}
        for child in children:
            carrier = self._line[child].carrier
            fed.setdefault(carrier if carrier in carriers else "", []).append(child)
        for egress in relay.egresses:
            for child, copies in self._copied(flow, egress, fed.get(egress.carrier, []), site):
                line = self._line[child]
                passed = self._line_passed(copies, (child, "down"), line.down, line.propagation_ns)
                if child in self._relay:
                    processing_ns = self._relay[child].processing_ns
                    self._down(child, passed.later(processing_ns, processing_ns))

    def _copied(
        self, flow: Flow, egress: Egress, children: list[str], site: str
    ) -> list[tuple[str, Flow]]:
        """Return the copies of packets for each child, after bounding the egress."""
        flows = []
        origin = self._sent.origin[flow.packet]
        copies_before = np.zeros(flow.packet.size, dtype=np.int64)
        for child in children:
            # What a leaf sent itself is not copied to it.
            wanted = (origin != child) | (child in self._relay)
            flows.append((child, flow.where(wanted), copies_before[wanted]))
            copies_before = copies_before + wanted
        if not egress.rate_bps or not flows:
            return [(child, copies) for child, copies, _ in flows]
        everything = Flow(
            packet=np.concatenate([copies.packet for _, copies, _ in flows]),
            earliest_ns=np.concatenate([copies.earliest_ns for _, copies, _ in flows]),
            latest_ns=np.concatenate([copies.latest_ns for _, copies, _ in flows]),
            sent_in_ns=None
            if flow.sent_in_ns is None
            else np.concatenate([copies.sent_in_ns for _, copies, _ in flows]),
        )
        most_ns = self._bounded(everything, egress, self.bounds.egresses, (site, egress.carrier))
        passed = []
        for child, copies, before in flows:
            sizes = self._sent.size_bytes[copies.packet]
            # The copies for siblings before it have gone first.
            each_ns = work_ns(sizes, egress, self._scenario.begins_ns)
            later = copies.later(each_ns * (before + 1), self._most(copies, most_ns))
            passed.append((child, replace(later, sent_in_ns=each_ns)))
        return passed

    def _line_passed(
        self, flow: Flow, key: tuple[str, str], direction: Direction, propagation_ns: int
    ) -> Flow:
        """Return the packets at the far end of a line, after bounding it."""
        most_ns = self._bounded(flow, direction, self.bounds.lines, key)
        sizes = self._sent.size_bytes[flow.packet]
        least_ns = work_ns(sizes, direction, self._scenario.begins_ns)
        passed = flow.later(least_ns, self._most(flow, most_ns))
        passed = replace(passed, sent_in_ns=least_ns)
        return passed.later(propagation_ns, propagation_ns)

    def _most(self, flow: Flow, most_ns: dict[int, int]) -> Int64Array:
        table = np.zeros(max(self._precedence, default=0) + 1, dtype=np.int64)
        table[list(most_ns)] = list(most_ns.values())
        return table[self._precedence[self._sent.stream[flow.packet]]]

    def _bounded(
        self,
        flow: Flow,
        port: Direction | Egress,
        into: dict[tuple[str, str], Bound],
        key: tuple[str, str],
    ) -> dict[int, int]:
        """Bound a transmitter; return how long packets of each class are in it at most."""
        begins_ns = self._scenario.begins_ns
        arrivals = Arrivals(
            earliest_ns=flow.earliest_ns,
            latest_ns=flow.latest_ns,
            work_ns=work_ns(self._sent.size_bytes[flow.packet], port, begins_ns),
            precedence=self._precedence[self._sent.stream[flow.packet]],
        )
        peak = None
        if flow.sent_in_ns is not None:
            # Copies of a packet come together; so many of them were one packet before.
            _, first, copies = np.unique(flow.packet, return_index=True, return_counts=True)
            peak = Peak.of(arrivals.work_ns[first] * copies, flow.sent_in_ns[first])
        most_ns = delay_bounds_ns(arrivals, priority=port.scheduling == "priority", peak=peak)
        mtu_ns = int(work_ns(np.array([port.mtu_bytes]), port, begins_ns)[0])
        into[key] = Bound(
            backlog_ns=backlog_bound_ns(arrivals, peak),
            delay_ns=max(most_ns.values(), default=0),
            full_ns=-(-port.buffer_bytes * mtu_ns // port.mtu_bytes),
            packets=flow.packet.size,
        )
        return most_ns


def bounds(scenario: Scenario, sent: Sent) -> Bounds:
    """Return the bounds of a scenario whose sources send `sent`.

    Raises
    ------
    ValueError
        If a transmitter carries random packets of others.
    """
    return Calculation(scenario, sent).run()
