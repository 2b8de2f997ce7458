"""Traces: every packet due to one site, and where it got to.

A packet that is lost on the way to a site is lost at the first hop whose fate is not `ARRIVED`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import Fate, FateLog
from sim.media.packets import Packets
from sim.network.tree import Network
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]

HEADER = (
    "stream",
    "sequence",
    "size_bytes",
    "sent_ns",
    "arrived_ns",
    "lost_cause",
    "lost_where",
    "lost_at_ns",
)
_ROOM_FATES = (Fate.ROOM_RECEIVED, Fate.ROOM_OUTAGE, Fate.ROOM_DEAD)
_CAUSE = {
    Fate.EGRESS_OUTAGE: "outage",
    Fate.EGRESS_QUEUE: "queue",
    Fate.LINE_OUTAGE: "outage",
    Fate.LINE_POLICER: "policer",
    Fate.LINE_QUEUE: "queue",
    Fate.LINE_LOSS: "line",
    Fate.ROOM_OUTAGE: "outage",
    Fate.ROOM_DEAD: "endpoint",
}
_LONGEST_NAME = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The packets due to a site with a room.

    Attributes
    ----------
    site : id of the site
    streams : stream ids, by number
    packets : all packets of the run
    fate : (p,) int64, the deciding Fate of each: ROOM_RECEIVED, or how it was lost
    at_ns : (p,) int64, when that was decided
    where : (p,) int64, the hop: index into `wheres`, -1 where received
    wheres : names of the places where a packet may be lost, such as `line 00123`
    """

    site: str
    streams: tuple[str, ...]
    packets: Packets
    fate: Int64Array
    at_ns: Int64Array
    where: Int64Array
    wheres: tuple[str, ...]


def assemble(
    scenario: Scenario, network: Network, site: str, packets: Packets, fates: FateLog
) -> Trace:
    """Return what became of each packet due to `site`.

    Parameters
    ----------
    site : id of a site with a room
    packets : all packets of the run, numbered from 0
    fates : at least those on the site's path and in its room

    Raises
    ------
    RuntimeError
        If a packet's fate is missing: the engine did not decide it.
    """
    path = network.path(network.index[site])
    fate = np.full(len(packets), Fate.ARRIVED, dtype=np.int64)
    at_ns = np.zeros(len(packets), dtype=np.int64)
    where = np.full(len(packets), -1, dtype=np.int64)
    wheres: list[str] = []
    in_room = np.isin(fates.fate, _ROOM_FATES)
    for s in path:
        undecided = _decide(fates, (fates.site == s) & ~in_room, fate, at_ns, where, len(wheres))
        wheres += [_egress_name(network, s), f"line {network.sites[s].id}"]
        if undecided.size:
            raise RuntimeError(f"packet {undecided[0]} has no fate on the line of {site}'s path")
    last = network.index[site]
    undecided = _decide(fates, (fates.site == last) & in_room, fate, at_ns, where, len(wheres))
    wheres += [f"relay {site}", f"room {site}"]
    if undecided.size:
        raise RuntimeError(f"packet {undecided[0]} reached {site} and has no fate in its room")
    return Trace(
        site=site,
        streams=tuple(stream.id for stream in scenario.streams),
        packets=packets,
        fate=fate,
        at_ns=at_ns,
        where=where,
        wheres=tuple(wheres),
    )


def write_csv(trace: Trace, folder: Path) -> Path:
    """Write `trace-<site>.csv`: a row for each packet, in the order in which they were sent."""
    path = folder / file_name(trace.site)
    streams = [_cell(stream) for stream in trace.streams]
    packets = trace.packets
    rows = zip(
        packets.stream.tolist(),
        packets.sequence.tolist(),
        packets.size_bytes.tolist(),
        packets.sent_ns.tolist(),
        trace.fate.tolist(),
        trace.at_ns.tolist(),
        trace.where.tolist(),
        strict=True,
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for stream, sequence, size_bytes, sent_ns, fate, at_ns, where in rows:
            packet = (streams[stream], sequence, size_bytes, sent_ns)
            if fate == Fate.ROOM_RECEIVED:
                writer.writerow((*packet, at_ns, "", "", ""))
            else:
                writer.writerow((*packet, "", _CAUSE[Fate(fate)], trace.wheres[where], at_ns))
    return path


def file_name(site: str) -> str:
    """Return the name of a site's trace; an id may hold what a file name may not.

    Examples
    --------
    >>> file_name("79/1")
    'trace-79%2F1.csv'
    """
    name = quote(site, safe=" ")
    if len(name) > _LONGEST_NAME:
        name = name[:_LONGEST_NAME] + "-" + blake2b(site.encode(), digest_size=8).hexdigest()
    return f"trace-{name}.csv"


def _decide(
    fates: FateLog,
    here: NDArray[np.bool_],
    fate: Int64Array,
    at_ns: Int64Array,
    where: Int64Array,
    first_where: int,
) -> Int64Array:
    """Set the fate here of the packets that got so far; return those that have none.

    Of the two places of a hop, the first is the one above the line or room: egress, or relay.
    """
    got_here = (fate == Fate.ARRIVED) | (fate == Fate.ROOM_RECEIVED)
    decided = np.zeros(fate.size, dtype=np.bool_)
    number, new = fates.packet[here], fates.fate[here]
    decided[number] = True
    fate[number], at_ns[number] = new, fates.at_ns[here]
    above = np.isin(new, (Fate.EGRESS_OUTAGE, Fate.EGRESS_QUEUE, Fate.ROOM_OUTAGE))
    lost = ~np.isin(new, (Fate.ARRIVED, Fate.ROOM_RECEIVED))
    where[number[lost]] = first_where + np.where(above[lost], 0, 1)
    return np.flatnonzero(got_here & ~decided)


def _egress_name(network: Network, site: int) -> str:
    egress = network.egresses[network.feed[site]]
    relay = network.sites[network.parent[site]].id
    return f"egress {relay} ({egress.carrier})" if egress.carrier else f"egress {relay}"


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
