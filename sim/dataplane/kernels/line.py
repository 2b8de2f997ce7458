"""One direction of a line through one span.

The rule of acceptance, here and in the reference engine: the memory holds the bits that are not
sent yet, and a packet is accepted only if it fits whole. Edits cut the span; between two of them
nothing changes but the queue.
"""

from __future__ import annotations

from sim.compiled import inner, kernel
from sim.dataplane.kernels.arrays import (
    FED,
    GIVEN_UP,
    LINE_DOWN,
    LINE_LOSS,
    LINE_RATE,
    LINE_UP,
    ROOM_DOWN,
    ROOM_JOINED,
    ROOM_LEFT,
    ROOM_UP,
    UNFED,
    UNSENT_DIES,
    UP_PASSES,
    USED,
)
from sim.dataplane.kernels.arrival import (
    NO_ROOM,
    ask_for_counts,
    attend,
    enter_room,
    room_fate,
    settle,
)
from sim.dataplane.kernels.loss import draw_gap
from sim.dataplane.kernels.offer import offer_span
from sim.dataplane.kernels.queue import kill, load, retime, store, sweep


@inner
def arrived_before(first, count, to_ns, bench):
    """Return how many entries arrive before `to_ns`, those up to `first` among them."""
    while count > first and bench.arrival_ns[count - 1] >= to_ns:
        count -= 1
    return count


@kernel
def change_room(d, kind, row, lines):
    """Apply a change to the room or the relay at the lower end of direction `d`."""
    if kind in (ROOM_JOINED, ROOM_LEFT):
        lines.present[d] = kind == ROOM_JOINED
    elif kind == UP_PASSES:
        lines.passes[d] = row
    elif kind in (ROOM_DOWN, ROOM_UP):
        lines.room_up[d] = kind == ROOM_UP
    elif kind in (UNFED, FED):
        lines.fed[d] = kind == FED


@kernel
def change_line(d, c, first, count, tree, lines, chains, tables, flow, changes, counts, bench):
    """Apply change `c` to direction `d` or to its room; return the new count of entries."""
    at_ns = changes.at_ns[c]
    kind = changes.kind[c]
    if kind in (LINE_DOWN, GIVEN_UP):
        if kind == LINE_DOWN:
            lines.up[d] = False
        else:
            lines.in_use[d] = False
        lines.free_ns[d] = min(lines.free_ns[d], at_ns)
        return kill(d, first, count, -tree.propagation_ns[d], at_ns, tree, flow, counts, bench)
    if kind == UNSENT_DIES:
        lines.free_ns[d] = min(lines.free_ns[d], at_ns)
        return kill(d, first, count, at_ns, at_ns, tree, flow, counts, bench)
    if kind == LINE_UP:
        lines.up[d] = True
    elif kind == USED:
        lines.in_use[d] = True
    elif kind == LINE_RATE:
        lines.service[d] = changes.a[c]
        lines.drain_ns[d] = changes.b[c]
        retime(d, first, count, at_ns, tree, lines, flow, bench)
    elif kind == LINE_LOSS:
        chains.row[d] = changes.a[c]
        draw_gap(d, lines.accepted[d], chains, tables)
    else:
        change_room(d, kind, changes.a[c], lines)
        if kind in (ROOM_JOINED, ROOM_LEFT) and not tree.rises[d]:
            attend(d, at_ns, kind == ROOM_JOINED, tree, counts, bench)
    return count


@inner
def carry_line(
    d, slot, rank, room, start_ns, end_ns,
    tree, lines, chains, tables, flow, changes, copies, counts, bench,
):  # fmt: skip
    """Replay direction `d` over [start_ns, end_ns); return how many packets it delivered.

    It is offered the copies of `rank` at `slot`. What it delivers stands on the bench, and enters
    the room of site `room` unless that is NO_ROOM.
    """
    ask_for_counts(d, room, tree, counts)
    count, specials = load(d, lines, bench)
    arrived, next_row, from_ns = 0, 0, start_ns
    last = changes.first[d + 1]
    for c in range(changes.first[d], last + 1):
        to_ns = changes.at_ns[c] if c < last else end_ns
        next_row, count, specials = offer_span(
            d, slot, rank, next_row, from_ns, to_ns, arrived, count, specials,
            tree, lines, chains, tables, flow, copies, counts, bench,
        )  # fmt: skip
        if specials:
            count = sweep(d, arrived, count, to_ns, tree, flow, counts, bench)
        settled = arrived
        arrived = arrived_before(arrived, count, to_ns, bench)
        settle(d, settled, arrived, tree, flow, counts, bench)
        if room != NO_ROOM:
            fate = room_fate(room, lines)
            enter_room(room, settled, arrived, fate, tree, flow, counts, bench)
        if c < last:
            count = change_line(
                d, c, arrived, count,
                tree, lines, chains, tables, flow, changes, counts, bench,
            )  # fmt: skip
        from_ns = to_ns
    store(d, arrived, count, lines, bench)
    return arrived
