"""Traces: every packet due to one site and every one that goes up from it, and where it got to.

A packet is lost at the first hop of its way whose fate is not `ARRIVED`. A floor packet of another
site goes up to the root before it comes down.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import Fate, FateLog
from sim.network.tree import Network
from sim.results.watched import Watched

Int64Array = NDArray[np.int64]

HEADER = (
    "origin",
    "stream",
    "sequence",
    "way",
    "size_bytes",
    "sent_ns",
    "arrived_ns",
    "lost_cause",
    "lost_where",
    "lost_at_ns",
)
_GOOD = (Fate.ARRIVED, Fate.ROOM_RECEIVED, Fate.ENDED)
_AT_END = (
    Fate.ROOM_RECEIVED,
    Fate.ROOM_OUTAGE,
    Fate.ENDED,
    Fate.ENDED_OUTAGE,
    Fate.REFUSED_PORT,
    Fate.UNSELECTED,
    Fate.COMPOSED,
)  # not on a line
_CAUSE = {
    Fate.EGRESS_OUTAGE: "outage",
    Fate.EGRESS_QUEUE: "queue",
    Fate.LINE_OUTAGE: "outage",
    Fate.LINE_POLICER: "policer",
    Fate.LINE_QUEUE: "queue",
    Fate.LINE_LOSS: "line",
    Fate.ROOM_OUTAGE: "outage",
    Fate.ROOM_DEAD: "endpoint",
    Fate.ENDED_OUTAGE: "outage",
    Fate.REFUSED_PORT: "port",
    # Two that are no losses; but the packet went no further.
    Fate.UNSELECTED: "unselected",
    Fate.COMPOSED: "composed",
}
_LONGEST_NAME = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The packets due to a site with a room, and those that go up from it.

    Attributes
    ----------
    watched : which packets, p of them
    fate : (p,) int64, the deciding Fate of each: ROOM_RECEIVED, ENDED, or how it was stopped
    at_ns : (p,) int64, when that was decided
    where : (p,) text, where it was lost, such as `line 00123` or, going up, `line 00123 up`; empty
        where it was not
    """

    watched: Watched
    fate: Int64Array
    at_ns: Int64Array
    where: NDArray[np.object_]


def assemble(network: Network, watched: Watched, fates: FateLog) -> Trace:
    """Return what became of each packet that was watched for a site.

    Parameters
    ----------
    fates : at least those on the ways of the packets, and in the site's room

    Raises
    ------
    RuntimeError
        If a packet's fate is missing: the engine did not decide it.
    """
    course = _Course(network, watched, fates)
    for origin in np.unique(watched.origin).tolist():
        sent = watched.origin == origin
        course.go_up(origin, sent & watched.goes_up)
        if origin != watched.site:
            course.come_down(0, sent & watched.goes_up)
            course.come_down(origin, sent & ~watched.goes_up)
    return Trace(watched=watched, fate=course.fate, at_ns=course.at_ns, where=course.where)


def write_csv(trace: Trace, network: Network, folder: Path) -> Path:
    """Write `trace-<site>.csv`: a row for each packet, in the order in which they were sent."""
    watched = trace.watched
    path = folder / file_name(network.sites[watched.site].id)
    ids = [_cell(site.id) for site in network.sites]
    streams = [_cell(stream) for stream in watched.streams]
    rows = zip(
        watched.origin.tolist(),
        watched.stream.tolist(),
        watched.sequence.tolist(),
        watched.size_bytes.tolist(),
        watched.sent_ns.tolist(),
        trace.fate.tolist(),
        trace.at_ns.tolist(),
        trace.where.tolist(),
        strict=True,
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for origin, stream, sequence, size_bytes, sent_ns, fate, at_ns, where in rows:
            way = "up" if origin == watched.site else "down"
            packet = (ids[origin], streams[stream], sequence, way, size_bytes, sent_ns)
            if fate in (Fate.ROOM_RECEIVED, Fate.ENDED):
                writer.writerow((*packet, at_ns, "", "", ""))
            else:
                writer.writerow((*packet, "", _CAUSE[Fate(fate)], where, at_ns))
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


class _Step(Enum):
    """A hop's line with what stands before it, or the room or relay after it."""

    LINE = 0
    END = 1


class _Course:
    """Follows packets from hop to hop; `fate`, `at_ns` and `where` are as in `Trace`."""

    def __init__(self, network: Network, watched: Watched, fates: FateLog) -> None:
        packets = watched.number.size
        self.fate = np.full(packets, Fate.ARRIVED, dtype=np.int64)
        self.at_ns = np.zeros(packets, dtype=np.int64)
        self.where = np.full(packets, "", dtype=object)
        self._network = network
        self._watched = watched
        self._by_number = np.argsort(watched.number)
        self._log: dict[tuple[int, _Step], tuple[Int64Array, Int64Array, Int64Array]] = {}
        self._sort(fates)

    def go_up(self, origin: int, packets: NDArray[np.bool_]) -> None:
        """Take packets of one origin up until they end or are lost."""
        sites, n = self._network.sites, len(self._network.sites)
        going = packets.copy()
        for s in self._network.path(origin)[::-1]:
            names = {
                Fate.ROOM_DEAD: f"room {sites[s].id}",
                Fate.EGRESS_OUTAGE: f"relay {sites[s].id}",
            }
            self._decide(n + s, _Step.LINE, going, names, f"line {sites[s].id} up")
            going &= self.fate == Fate.ARRIVED
            above = f"relay {sites[self._network.parent[s]].id}"
            going &= ~self._decide(n + s, _Step.END, going, {}, above)
        if origin == 0:  # what the root's room sends has come up at once, or is lost there
            names = {Fate.ROOM_DEAD: f"room {sites[0].id}"}
            going &= ~self._decide(n, _Step.LINE, going, names, "")
            going &= ~self._decide(n, _Step.END, going, {}, f"relay {sites[0].id}")
        self._check(going, "has no end of its way up")

    def come_down(self, origin: int, packets: NDArray[np.bool_]) -> None:
        """Take packets that are at a relay above the site down to its room, or to their loss."""
        network, site = self._network, self._watched.site
        here = network.sites[site].id
        coming = packets & np.isin(self.fate, (Fate.ARRIVED, Fate.ENDED))
        for s in network.path(site):
            if network.depth[s] <= network.depth[origin]:
                continue
            above = dict.fromkeys((Fate.EGRESS_OUTAGE, Fate.EGRESS_QUEUE), _egress(network, s))
            decided = self._decide(s, _Step.LINE, coming, above, f"line {network.sites[s].id}")
            self._check(coming & ~decided, f"has no fate on the line to {network.sites[s].id}")
            coming &= self.fate == Fate.ARRIVED
        names = {Fate.ROOM_OUTAGE: f"relay {here}"}
        decided = self._decide(site, _Step.END, coming, names, f"room {here}")
        self._check(coming & ~decided, f"reached {here} and has no fate in its room")

    def _sort(self, fates: FateLog) -> None:
        """Sort the log by hop, and by whether it tells of the line or of what comes after it."""
        n = len(self._network.sites)
        wanted = np.flatnonzero(np.isin(fates.packet, self._watched.number))
        place = np.searchsorted(self._watched.number, fates.packet[wanted], sorter=self._by_number)
        row = self._by_number[place]
        packet_fate, at_ns, hops = fates.fate[wanted], fates.at_ns[wanted], fates.hop[wanted]
        in_room = (packet_fate == Fate.ROOM_DEAD) & (hops < n)
        at_end = np.isin(packet_fate, _AT_END) | in_room
        for hop in np.unique(hops).tolist():
            for step in _Step:
                found = (hops == hop) & (at_end == (step is _Step.END))
                self._log[hop, step] = row[found], packet_fate[found], at_ns[found]

    def _decide(
        self,
        hop: int,
        step: _Step,
        packets: NDArray[np.bool_],
        names: Mapping[Fate, str],
        otherwise: str,
    ) -> NDArray[np.bool_]:
        """Set the fates of packets at a step of a hop; return which have one.

        `names` says for some losses where they happen; all others do `otherwise`.
        """
        decided = np.zeros(packets.size, dtype=np.bool_)
        nothing = np.empty(0, dtype=np.int64)
        row, fate, at_ns = self._log.get((hop, step), (nothing, nothing, nothing))
        here = packets[row]
        row, fate = row[here], fate[here]
        decided[row] = True
        self.fate[row], self.at_ns[row] = fate, at_ns[here]
        self.where[row] = ""
        for each in np.unique(fate[~np.isin(fate, _GOOD)]).tolist():
            self.where[row[fate == each]] = names.get(Fate(each), otherwise)
        return decided

    def _check(self, undecided: NDArray[np.bool_], text: str) -> None:
        if undecided.any():
            packet = self._watched.number[np.argmax(undecided)]
            raise RuntimeError(f"packet {packet} {text}: no fate was decided")


def _egress(network: Network, site: int) -> str:
    egress = network.egresses[network.feed[site]]
    relay = network.sites[network.parent[site]].id
    name = "pool" if egress.server else egress.carrier
    return f"egress {relay} ({name})" if name else f"egress {relay}"


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
