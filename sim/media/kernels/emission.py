"""Emission in kernels: the bursts of an origin's sources merged by time and cut into packets.

An entry of an `order` names a burst of an origin: its run, which is its source counted from the
origin's first, in the upper bits, and its row.
"""

from __future__ import annotations

import numpy as np

from sim.compiled import entry, inner, kernel, unsigned
from sim.media.kernels.arrays import FIRST, KEY, LAST, PART_BITS

RUN_BITS = 40  # below which is the row


@inner
def pick(i, j, side, order, at_ns):
    """Return which of two entries leaves first, and whether it is the second; a tie: the first."""
    mask = (1 << RUN_BITS) - 1
    one, other = order[side, unsigned(i)], order[side, unsigned(j)]
    second = np.int64(at_ns[unsigned(other & mask)] < at_ns[unsigned(one & mask)])
    # No branch: which of two sources is next cannot be foreseen.
    return one ^ ((one ^ other) & -second), second


@inner
def merge_pair(low, middle, high, side, order, at_ns):
    """Merge order[side, low:middle] with order[side, middle:high] into the other side."""
    i, j, place = low, middle, low
    while i < middle and j < high:
        next_entry, second = pick(i, j, side, order, at_ns)
        order[1 - side, unsigned(place)] = next_entry
        i, j, place = i + 1 - second, j + second, place + 1
    for rest in range(i, middle):
        order[1 - side, unsigned(place)] = order[side, unsigned(rest)]
        place += 1
    for rest in range(j, high):
        order[1 - side, unsigned(place)] = order[side, unsigned(rest)]
        place += 1


@inner
def merge_to_two(runs, bounds, order, at_ns):
    """Merge runs, two by two, until two are left; return the side they are on, and how many.

    Run r is order[side, bounds[r]:bounds[r+1]], first side 0. Runs stand in order of their
    streams, which decides ties.
    """
    side = 0
    while runs > 2:
        total, kept = bounds[runs], 0
        for r in range(0, runs, 2):
            low, middle = bounds[r], bounds[r + 1]
            high = bounds[r + 2] if r + 1 < runs else middle
            merge_pair(low, middle, high, side, order, at_ns)
            bounds[kept] = low
            kept += 1
        bounds[kept] = total
        runs, side = kept, 1 - side
    return side, runs


@inner
def write_burst(at, site, first, row, streams, sources, progress, bursts, columns):
    """Cut a burst into packets, full ones and then the rest; return the row after them."""
    i, burst = unsigned(first + (at >> RUN_BITS)), unsigned(at & ((1 << RUN_BITS) - 1))
    stream, sequence = sources.stream[i], progress.sequence[i]
    full_bytes = streams.packet_bytes[unsigned(stream)]
    overhead_bytes = streams.overhead_bytes[unsigned(stream)]
    at_ns, mark = bursts.at_ns[burst], bursts.mark[burst]
    turn, key, begins, ends = mark >> PART_BITS, mark & KEY, mark & FIRST, mark & LAST
    left = int(bursts.media_bytes[burst])
    while left > 0:
        packet = unsigned(row)
        columns.origin[packet] = site
        columns.sent_ns[packet] = at_ns
        columns.size_bytes[packet] = min(left, full_bytes) + overhead_bytes
        columns.stream[packet] = stream
        columns.sequence[packet] = sequence
        columns.turn[packet] = turn
        columns.part[packet] = key | begins | (ends if left <= full_bytes else 0)
        begins = 0
        left -= full_bytes
        row += 1
        sequence += 1
    progress.sequence[i] = sequence
    return row


@inner
def write_two(
    middle, high, side, order, site, first, row, streams, sources, progress, bursts, columns
):  # fmt: skip
    """Write the packets of order[side, :middle] and order[side, middle:high] in order of time."""
    i, j = 0, middle
    while i < middle and j < high:
        next_entry, second = pick(i, j, side, order, bursts.at_ns)
        row = write_burst(next_entry, site, first, row, streams, sources, progress, bursts, columns)
        i, j = i + 1 - second, j + second
    if i == middle:
        i, middle = j, high
    for place in range(i, middle):
        at = order[side, unsigned(place)]
        row = write_burst(at, site, first, row, streams, sources, progress, bursts, columns)


@kernel
def write_site(site, row, mail, bounds, order, columns):
    """Write the packets of a site's bursts into `columns` from `row` on.

    `order`, of two sides, has room for the bursts of any one site, `bounds` for its runs and one
    more.
    """
    o, bursts = mail.number[site], mail.bursts
    if o < 0:
        return
    first, place, runs = mail.source_first[o], 0, 0
    bounds[0] = 0
    for i in range(first, mail.source_first[o + 1]):
        run, low = (i - first) << RUN_BITS, bursts.first[i]
        for burst in range(low, low + bursts.length[i]):
            order[0, unsigned(place)] = run | burst
            place += 1
        if place > bounds[runs]:
            runs += 1
            bounds[runs] = place
    side, runs = merge_to_two(runs, bounds, order, bursts.at_ns)
    write_two(
        bounds[min(runs, 1)], place, side, order, site, first, row,
        mail.streams, mail.sources, mail.progress, bursts, columns,
    )  # fmt: skip


@entry
def write_sites(begin, last, origin_first, mail, bounds, order, columns):
    """Write the packets of sites begin .. last-1, of each from its row of `origin_first` on."""
    for site in range(begin, last):
        write_site(site, origin_first[site], mail, bounds, order, columns)
