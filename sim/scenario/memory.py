"""Memory: what a run would need, refused before it begins where that is too much."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sim.grouping import MOST_GROUPS, is_shared
from sim.scenario.document import Document
from sim.scenario.grids import grids
from sim.scenario.model import Direction, Egress, Line, Relay, Site, Stream
from sim.scenario.requirement_model import Requirement
from sim.units import format_size

MAX_BINS = 10**6
MAX_MEMORY_BYTES = 12 * 10**9
# What a run keeps, about. A site: four histograms of 1216 counts of 4 B (its line's two directions,
# its room, what it sends up), unless sites share them; what is known of it and of its line, as
# measured (docs/performance.md); and 20, 3 and 12 counts of 8 B for each stream, turn and tier. A
# cell of the timeline: its counts. Histograms that sites share have 8 B, and 4 B more in a span.
HISTOGRAMS_BYTES = 4 * 1216 * 4
SHARED_BYTES = MOST_GROUPS * 4 * 1216 * (8 + 4)
SITE_BYTES = 3_200
STREAM_BYTES = 25 * 8
TURN_BYTES = 3 * 8
TIER_BYTES = 12 * 8
CELL_BYTES = 128
POINT_BYTES = 2 * 8  # of a room at each point that a span of a requirement covers
# Packets that sources send in a span: columns of 28 B, twice and an eighth longer than needed, and
# a burst of 18 B with as much room again.
PACKET_BYTES = 100
# Working space for packets of others that wait, if all of it is ever used: it is made for twice the
# fullest memory, half as large again; each has 1.4 kB, 1 kB of it for lines eight abreast.
OTHERS_BYTES = 2 * 3 // 2 * 1_400


def check_memory(
    document: Document,
    sites: Collection[Site],
    streams: Sequence[Stream],
    lines: Iterable[Line],
    relays: Iterable[Relay],
    requirements: Sequence[Requirement],
    *,
    turns: int,
    duration_ns: int,
) -> None:
    """Refuse what would need more memory than the stated limit."""
    file = document.file
    if document.left_out("duration") or duration_ns > file.bin * MAX_BINS:
        return  # that is said already
    tiers = len(file.sites.tiers)
    top = {site.id for site in sites if not site.parent}
    groups = 1 + tiers + sum(site.parent in top for site in sites)
    per_site = SITE_BYTES + len(streams) * STREAM_BYTES + turns * TURN_BYTES + tiers * TIER_BYTES
    rooms = sum(site.room for site in sites)
    points = sum(grid.parts + 1 for grid in grids(requirements))
    shared = is_shared(rooms)
    per_site += 0 if shared else HISTOGRAMS_BYTES
    span_ns = min(file.window, file.bin, duration_ns)
    where, most = _most_of_others(lines, relays)
    needs = {
        "bin": -(-duration_ns // file.bin) * groups * CELL_BYTES,
        "sites": len(sites) * per_site + (SHARED_BYTES if shared else 0),
        "requirements": rooms * points * POINT_BYTES,
        "window": sum(_packets(stream, span_ns) for stream in streams) * PACKET_BYTES,
        where: most * OTHERS_BYTES,
    }
    total = sum(needs.values())
    if total <= MAX_MEMORY_BYTES:
        return
    name = max(needs, key=lambda part: needs[part])
    way_out = {
        "bin": "make it longer",
        "sites": "take fewer sites",
        "requirements": "require loss 'in_any' span of fewer lengths",
        "window": "make it shorter, or send less",
        where: f"a buffer here may hold {most} packets of others; make it smaller",
    }
    text = (
        f"a run would need about {format_size(total)} of memory, more than the limit of "
        f"{format_size(MAX_MEMORY_BYTES)}; {way_out[name]}"
    )
    document.problems.add(document.place(name), text)


def _most_of_others(lines: Iterable[Line], relays: Iterable[Relay]) -> tuple[str, int]:
    """Return where the buffer is that may hold most packets of others, and how many."""
    # Thousands of lines of one description share a direction.
    ways = {id(way): way for line in lines for way in (line.down, line.up)}
    egresses = {id(egress): egress for relay in relays for egress in relay.egresses}
    of_lines = [most_waiting(way) for way in ways.values()]
    of_relays = [most_waiting(egress) for egress in egresses.values()]
    most = max([0, *of_lines, *of_relays])
    return ("relays" if most in of_relays else "lines"), most


def _packets(stream: Stream, span_ns: int) -> int:
    """Return how many packets the sources of a stream send in a span, at most, of mean frames."""
    frames = -(-span_ns * stream.frames_per_span // stream.span_ns)
    keys = -(-frames // stream.key_every) if stream.key_every else 0
    pieces = -(-stream.frame_bytes // stream.packet_bytes)
    key_pieces = -(-stream.key_bytes // stream.packet_bytes)
    sources = max(len(stream.origins), 1)  # one at a time has the floor
    return sources * (keys * key_pieces + (frames - keys) * pieces)


def most_waiting(port: Direction | Egress) -> int:
    """Return how many packets of others a port's memory may hold, at any rate.

    Times are rounded to the ns, so at a rate at which a packet takes a ns or two, the memory may
    hold half as many again as its bytes say.
    """
    if port.background is None or port.background.kind == "steady":
        return 0
    whole = 3 * port.buffer_bytes // (2 * port.background.packet_bytes)
    return whole + port.buffer_bytes // port.mtu_bytes + 3
