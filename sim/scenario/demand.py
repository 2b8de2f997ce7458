"""Demand: what a line asks, on average, of the egress or server that feeds it.

All lines below one relay carry the same: the streams down that begin there or above it, and the
floor where there is an agenda. (A speaker at a leaf does not get its own back; demand counts it.)
Whole numbers, so that what a line takes and gives back leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sim.scenario.model import Egress, Stream

SPAN_S = 1000  # packets are counted in so many seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Mean rates of copies.

    Attributes
    ----------
    bps : bit/s on the wire, overhead included
    packets : in 1000 s
    streams : how many
    """

    bps: int = 0
    packets: int = 0
    streams: int = 0

    def __add__(self, other: Demand) -> Demand:
        return Demand(
            bps=self.bps + other.bps,
            packets=self.packets + other.packets,
            streams=self.streams + other.streams,
        )

    def __sub__(self, other: Demand) -> Demand:
        return Demand(
            bps=self.bps - other.bps,
            packets=self.packets - other.packets,
            streams=self.streams - other.streams,
        )

    def busy(self, egress: Egress) -> float:
        """Return the share of its time that an egress sends; 0 where no interface is shared."""
        if not egress.rate_bps:
            return 0.0
        return self.bps / egress.rate_bps + self.packets * egress.overhead_ns / (SPAN_S * 10**9)


def demands(
    above: Mapping[str, str], streams: Iterable[Stream], *, floor: bool
) -> dict[str, Demand]:
    """Return what goes down from each site to each one below it.

    Parameters
    ----------
    above : site -> the site above it, empty for the root
    floor : whether anybody has the floor
    """
    own: dict[str, Demand] = {}
    top = Demand()
    for stream in streams:
        one = Demand(
            bps=round(stream.wire_bps), packets=round(SPAN_S * stream.packets_per_s), streams=1
        )
        if stream.direction == "floor" and floor:
            top += one
        elif stream.direction == "down":
            for site in stream.origins:
                own[site] = own.get(site, Demand()) + one
    found = {"": top}
    for site in above:
        way: list[str] = []
        while site not in found:
            way.append(site)
            site = above[site]
        for each in reversed(way):
            found[each] = found[above[each]] + own[each] if each in own else found[above[each]]
    del found[""]
    return found


def most_lines(demand: Demand, *, ports: int, streams: int, packets_per_s: int) -> Sequence[int]:
    """Return how many lines fit a server by its ports, streams and packets; -1: any number."""
    return (
        ports or -1,
        streams // demand.streams if streams and demand.streams else -1,
        packets_per_s * SPAN_S // demand.packets if packets_per_s and demand.packets else -1,
    )
