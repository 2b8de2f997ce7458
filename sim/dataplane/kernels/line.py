"""One direction of a line through one span: policer, queue, transmission, loss, arrival.

The rule of acceptance, here and in the reference engine: the memory holds the bits that are not
sent yet, and a packet is accepted only if it fits whole. Edits cut the span; between two of them
nothing changes but the queue.
"""

from __future__ import annotations

import numpy as np

from sim.dataplane.kernels.arrays import (
    FED,
    LINE_DOWN,
    LINE_FIELDS,
    LINE_LOSS,
    LINE_RATE,
    LINE_UP,
    ROOM_DOWN,
    ROOM_UP,
    UNFED,
    UNSENT_DIES,
)
from sim.dataplane.kernels.compiled import kernel
from sim.dataplane.kernels.loss import draw_gap, step_chain
from sim.dataplane.kernels.policer import take_tokens
from sim.dataplane.tally import BUCKETS, Fate, LineCount, RoomCount

OFFERED = int(LineCount.OFFERED)
OFFERED_BYTES = int(LineCount.OFFERED_BYTES)
REFUSED = int(LineCount.REFUSED)
DELIVERED = int(LineCount.DELIVERED)
DELIVERED_BYTES = int(LineCount.DELIVERED_BYTES)
LOST_OUTAGE = int(LineCount.LOST_OUTAGE)
LOST_POLICER = int(LineCount.LOST_POLICER)
LOST_QUEUE = int(LineCount.LOST_QUEUE)
LOST_LINE = int(LineCount.LOST_LINE)
BUSY_NS = int(LineCount.BUSY_NS)
BACKLOG_MAX_NS = int(LineCount.BACKLOG_MAX_NS)
DELAY_SUM_NS = int(LineCount.DELAY_SUM_NS)
DELAY_MAX_NS = int(LineCount.DELAY_MAX_NS)

ROOM_RECEIVED = int(RoomCount.RECEIVED)
ROOM_BYTES = int(RoomCount.RECEIVED_BYTES)
ROOM_LOST_OUTAGE = int(RoomCount.LOST_OUTAGE)
ROOM_LOST_ENDPOINT = int(RoomCount.LOST_ENDPOINT)
ROOM_DELAY_SUM_NS = int(RoomCount.DELAY_SUM_NS)
ROOM_DELAY_MAX_NS = int(RoomCount.DELAY_MAX_NS)
ROOM_LAST_NS = int(RoomCount.LAST_NS)
ROOM_GAP_MAX_NS = int(RoomCount.GAP_MAX_NS)
ROOM_DARK_NS = int(RoomCount.DARK_NS)

ARRIVED = int(Fate.ARRIVED)
FATE_LINE_OUTAGE = int(Fate.LINE_OUTAGE)
FATE_LINE_POLICER = int(Fate.LINE_POLICER)
FATE_LINE_QUEUE = int(Fate.LINE_QUEUE)
FATE_LINE_LOSS = int(Fate.LINE_LOSS)
FATE_RECEIVED = int(Fate.ROOM_RECEIVED)
FATE_ROOM_OUTAGE = int(Fate.ROOM_OUTAGE)
FATE_ROOM_DEAD = int(Fate.ROOM_DEAD)

# The exponent and the five highest mantissa bits of a float64 number its histogram bucket.
_MANTISSA_SHIFT = 47
_BUCKET_OF_ONE = 1023 << 5

NO_ROOM = -1

# Columns of a queued packet.
PACKET, OFFERED_AT, LEAVES_AT, LOST = range(4)


@kernel
def unsigned(index):
    """An index that is not negative, so that Numba does not ask whether it counts from the end."""
    return np.uint64(index)


@kernel
def bucket(delay_ns):
    """As `sim.dataplane.tally.bucket`, without a loop."""
    bits = np.float64(max(delay_ns, 1)).view(np.int64)
    return unsigned(min((bits >> _MANTISSA_SHIFT) - _BUCKET_OF_ONE, BUCKETS - 1))


@kernel
def note(log, used, s, packet, fate, at_ns):
    """Write a decided fate of a watched site into the log."""
    row = used[1]
    log[row, 0] = s
    log[row, 1] = packet
    log[row, 2] = fate
    log[row, 3] = at_ns
    used[1] = row + 1


@kernel
def room_fate(s, tree, lines):
    """Return what becomes of a packet that reaches the site now, or NO_ROOM."""
    if not tree.room[s]:
        return NO_ROOM
    if not lines.room_up[s]:
        return FATE_ROOM_DEAD
    return FATE_RECEIVED if lines.fed[s] else FATE_ROOM_OUTAGE


@kernel
def settle(s, first, arrived, fate, tree, flow, counts, bench):
    """Count what arrived at the far end, and in the room, where all of it has one `fate`."""
    line, line_delay = counts.line[s], counts.line_delay[s]
    packet, size_bytes = bench.packet[first:arrived], flow.size_bytes
    offered_ns, arrival_ns = bench.offered_ns[first:arrived], bench.arrival_ns[first:arrived]
    delay_sum_ns, delay_max_ns, size_sum_bytes = 0, line[DELAY_MAX_NS], 0
    for i in range(packet.size):
        delay_ns = arrival_ns[i] - offered_ns[i]
        delay_sum_ns += delay_ns
        delay_max_ns = max(delay_max_ns, delay_ns)
        size_sum_bytes += size_bytes[unsigned(packet[i])]
        line_delay[bucket(delay_ns)] += np.uint32(1)
    line[DELIVERED] += arrived - first
    line[DELIVERED_BYTES] += size_sum_bytes
    line[DELAY_SUM_NS] += delay_sum_ns
    line[DELAY_MAX_NS] = delay_max_ns
    if fate == FATE_RECEIVED:
        receive(s, first, arrived, size_sum_bytes, tree, flow, counts, bench)
    elif fate == FATE_ROOM_OUTAGE:
        counts.room[s, ROOM_LOST_OUTAGE] += arrived - first
    elif fate == FATE_ROOM_DEAD:
        counts.room[s, ROOM_LOST_ENDPOINT] += arrived - first
    if tree.watched[s]:
        for i in range(packet.size):
            note(bench.log, bench.used, s, flow.first + packet[i], ARRIVED, arrival_ns[i])
            if fate != NO_ROOM:
                note(bench.log, bench.used, s, flow.first + packet[i], fate, arrival_ns[i])


@kernel
def receive(s, first, arrived, size_sum_bytes, tree, flow, counts, bench):
    """Count what a living room has received."""
    room, room_delay = counts.room[s], counts.room_delay[s]
    packet, sent_ns = bench.packet[first:arrived], flow.sent_ns
    arrivals_ns = bench.arrival_ns[first:arrived]
    delay_sum_ns, delay_max_ns = 0, room[ROOM_DELAY_MAX_NS]
    last_ns, gap_max_ns, dark_ns = room[ROOM_LAST_NS], room[ROOM_GAP_MAX_NS], 0
    dark_after_ns = tree.dark_after_ns
    for i in range(packet.size):
        arrival_ns = arrivals_ns[i]
        delay_ns = arrival_ns - sent_ns[unsigned(packet[i])]
        delay_sum_ns += delay_ns
        delay_max_ns = max(delay_max_ns, delay_ns)
        gap_ns = arrival_ns - last_ns
        gap_max_ns = max(gap_max_ns, gap_ns)
        if gap_ns > dark_after_ns:
            dark_ns += gap_ns
        last_ns = arrival_ns
        room_delay[bucket(delay_ns)] += np.uint32(1)
    room[ROOM_RECEIVED] += arrived - first
    room[ROOM_BYTES] += size_sum_bytes
    room[ROOM_DELAY_SUM_NS] += delay_sum_ns
    room[ROOM_DELAY_MAX_NS] = delay_max_ns
    room[ROOM_LAST_NS] = last_ns
    room[ROOM_GAP_MAX_NS] = gap_max_ns
    room[ROOM_DARK_NS] += dark_ns


@kernel
def decide(s, queued, to_ns, arrived, tree, flow, counts, bench):
    """Decide what leaves or arrives before `to_ns`; return (still queued, arrived)."""
    queue = bench.queue
    kept = 0
    for i in range(queued):
        packet, leaves_ns = queue[i, PACKET], queue[i, LEAVES_AT]
        arrival_ns = leaves_ns + tree.propagation_ns[s]
        if queue[i, LOST] and leaves_ns < to_ns:
            counts.line[s, LOST_LINE] += 1
            if tree.watched[s]:
                note(bench.log, bench.used, s, flow.first + packet, FATE_LINE_LOSS, leaves_ns)
        elif not queue[i, LOST] and arrival_ns < to_ns:
            bench.packet[arrived] = packet
            bench.offered_ns[arrived] = queue[i, OFFERED_AT]
            bench.arrival_ns[arrived] = arrival_ns
            arrived += 1
        else:
            for column in range(LINE_FIELDS):
                queue[kept, column] = queue[i, column]
            kept += 1
    return kept, arrived


@kernel
def kill(s, queued, leaving_from_ns, at_ns, tree, flow, counts, bench):
    """Lose at `at_ns` what leaves at `leaving_from_ns` or later; return what is still queued."""
    queue = bench.queue
    kept = 0
    for i in range(queued):
        if queue[i, LEAVES_AT] >= leaving_from_ns:
            counts.line[s, LOST_OUTAGE] += 1
            if tree.watched[s]:
                packet = flow.first + queue[i, PACKET]
                note(bench.log, bench.used, s, packet, FATE_LINE_OUTAGE, at_ns)
        else:
            kept = i + 1
    return kept


@kernel
def retime(s, queued, at_ns, lines, flow, bench):
    """Give what waits at `at_ns` the line's present service time; what is being sent keeps its."""
    queue = bench.queue
    sending = True
    for i in range(queued):
        if queue[i, LEAVES_AT] < at_ns:
            continue
        if not sending:
            need_ns = flow.service_ns[lines.service[s], queue[i, PACKET]]
            queue[i, LEAVES_AT] = lines.free_ns[s] + need_ns
        lines.free_ns[s] = queue[i, LEAVES_AT]
        sending = False


@kernel
def change_line(s, c, queued, tree, lines, chains, tables, flow, changes, counts, bench):
    """Apply change `c` to the line or the room of `s`; return what is still queued."""
    at_ns = changes.at_ns[c]
    kind = changes.kind[c]
    if kind == LINE_DOWN:
        lines.up[s] = False
        lines.free_ns[s] = min(lines.free_ns[s], at_ns)
        return kill(s, queued, 0, at_ns, tree, flow, counts, bench)
    if kind == UNSENT_DIES:
        lines.free_ns[s] = min(lines.free_ns[s], at_ns)
        return kill(s, queued, at_ns, at_ns, tree, flow, counts, bench)
    if kind == LINE_UP:
        lines.up[s] = True
    elif kind == LINE_RATE:
        lines.service[s] = changes.a[c]
        lines.drain_ns[s] = changes.b[c]
        retime(s, queued, at_ns, lines, flow, bench)
    elif kind == LINE_LOSS:
        chains.row[s] = changes.a[c]
        draw_gap(s, lines.accepted[s], chains, tables)
    elif kind in (ROOM_DOWN, ROOM_UP):
        lines.room_up[s] = kind == ROOM_UP
    elif kind in (UNFED, FED):
        lines.fed[s] = kind == FED
    return queued


@kernel
def refuse(s, packet, at_ns, conforms, lines, tree, flow, counts, bench):
    """Lose a packet at the door: line down, no tokens, or its memory too full."""
    if not lines.up[s]:
        fate = FATE_LINE_OUTAGE
        counts.line[s, LOST_OUTAGE] += 1
        counts.line[s, REFUSED] += 1
    elif not conforms:
        fate = FATE_LINE_POLICER
        counts.line[s, LOST_POLICER] += 1
    else:
        fate = FATE_LINE_QUEUE
        counts.line[s, LOST_QUEUE] += 1
    if tree.watched[s]:
        note(bench.log, bench.used, s, flow.first + packet, fate, at_ns)


@kernel
def first_row(slot, rank, i, from_ns, copies):
    """Return the first row from `i` on with a copy of `rank` that leaves at `from_ns` or later."""
    low, high = copies.low[slot], copies.high[slot]
    base_ns, step_ns = copies.base_ns[slot], copies.step_ns[slot]
    while i < copies.rows[slot] and (
        rank < low[i] or rank >= high[i] or base_ns[i] + rank * step_ns[i] < from_ns
    ):
        i += 1
    return i


@kernel
def hold(queue, queued, packet, offered_ns, leaves_ns, lost):
    """Write down a packet that is not decided yet."""
    queue[queued, PACKET] = packet
    queue[queued, OFFERED_AT] = offered_ns
    queue[queued, LEAVES_AT] = leaves_ns
    queue[queued, LOST] = lost


@kernel
def offer_span(
    s, i, from_ns, to_ns, queued, arrived,
    tree, lines, chains, tables, flow, copies, counts, bench,
):  # fmt: skip
    """Offer the line its copies of [from_ns, to_ns), beginning at row `i`.

    Returns (next row, queued, arrived).
    """
    slot = tree.slot[tree.feed[s]]
    rank = tree.rank[s]
    count = copies.rows[slot]
    row_packet, row_base, row_step = copies.packet[slot], copies.base_ns[slot], copies.step_ns[slot]
    row_low, row_high = copies.low[slot], copies.high[slot]
    sizes, service_ns = flow.size_bytes, flow.service_ns[lines.service[s]]
    line, watched = counts.line[s], tree.watched[s]
    queue, log, used = bench.queue, bench.log, bench.used
    out_packet, out_offered_ns, out_arrival_ns = bench.packet, bench.offered_ns, bench.arrival_ns
    propagation_ns = tree.propagation_ns[s]
    # A line that is down has no memory: all is refused in the one place below.
    drain_ns = lines.drain_ns[s] if lines.up[s] else 0
    policed = lines.up[s] and lines.buckets.burst_nbit[s] > 0
    free_ns = lines.free_ns[s]
    busy_ns = max(free_ns - from_ns, 0)
    n = first = lines.accepted[s]
    next_draw = min(chains.next_loss[s], chains.next_switch[s])
    refused, offered_bytes, backlog_max_ns = 0, 0, line[BACKLOG_MAX_NS]
    i = first_row(slot, rank, i, from_ns, copies)
    while i < count:
        row = unsigned(i)
        at_ns = row_base[row] + rank * row_step[row]
        if rank < row_low[row] or rank >= row_high[row]:
            i += 1
            continue
        if at_ns >= to_ns:
            break
        i += 1
        packet = row_packet[row]
        column = unsigned(packet)
        offered_bytes += sizes[column]
        need_ns = service_ns[column]
        backlog_ns = max(free_ns - at_ns, 0) + need_ns
        conforms = not policed or take_tokens(s, at_ns, sizes[column], lines.buckets)
        if not conforms or backlog_ns > drain_ns:
            refused += 1
            refuse(s, packet, at_ns, conforms, lines, tree, flow, counts, bench)
            continue
        free_ns = at_ns + backlog_ns
        busy_ns += need_ns
        backlog_max_ns = max(backlog_max_ns, backlog_ns)
        lost = False
        if n == next_draw:
            lost = step_chain(s, n, chains, tables)
            next_draw = min(chains.next_loss[s], chains.next_switch[s])
        n += 1
        if not lost and free_ns + propagation_ns < to_ns:
            out_packet[unsigned(arrived)] = packet
            out_offered_ns[unsigned(arrived)] = at_ns
            out_arrival_ns[unsigned(arrived)] = free_ns + propagation_ns
            arrived += 1
        elif lost and free_ns < to_ns:
            line[LOST_LINE] += 1
            if watched:
                note(log, used, s, flow.first + packet, FATE_LINE_LOSS, free_ns)
        else:
            hold(queue, queued, packet, at_ns, free_ns, lost)
            queued += 1
    line[OFFERED] += n - first + refused
    line[OFFERED_BYTES] += offered_bytes
    line[BACKLOG_MAX_NS] = backlog_max_ns
    line[BUSY_NS] += busy_ns - max(free_ns - to_ns, 0)
    lines.free_ns[s] = free_ns
    lines.accepted[s] = n
    return i, queued, arrived


@kernel
def carry_line(
    s, start_ns, end_ns,
    tree, lines, chains, tables, flow, changes, copies, counts, bench,
):  # fmt: skip
    """Replay one line over [start_ns, end_ns); return how many packets arrived at its site.

    They stand in `bench.packet` and `bench.arrival_ns` if the site has a relay.
    """
    queued = lines.carried[s]
    for i in range(queued):
        row = bench.old[lines.carried_at[s] + i]
        bench.queue[i, PACKET] = row[PACKET] - flow.first
        bench.queue[i, OFFERED_AT] = row[OFFERED_AT]
        bench.queue[i, LEAVES_AT] = row[LEAVES_AT]
        bench.queue[i, LOST] = row[LOST]
    arrived, settled, next_row, from_ns = 0, 0, 0, start_ns
    last = changes.first[s + 1]
    for c in range(changes.first[s], last + 1):
        to_ns = changes.at_ns[c] if c < last else end_ns
        queued, arrived = decide(s, queued, to_ns, arrived, tree, flow, counts, bench)
        next_row, queued, arrived = offer_span(
            s, next_row, from_ns, to_ns, queued, arrived,
            tree, lines, chains, tables, flow, copies, counts, bench,
        )  # fmt: skip
        settle(s, settled, arrived, room_fate(s, tree, lines), tree, flow, counts, bench)
        settled = arrived
        if c < last:
            queued = change_line(
                s, c, queued, tree, lines, chains, tables, flow, changes, counts, bench
            )
        from_ns = to_ns
    first = bench.used[0]
    for i in range(queued):
        row = bench.new[first + i]
        row[PACKET] = bench.queue[i, PACKET] + flow.first
        row[OFFERED_AT] = bench.queue[i, OFFERED_AT]
        row[LEAVES_AT] = bench.queue[i, LEAVES_AT]
        row[LOST] = bench.queue[i, LOST]
    lines.carried_at[s] = first
    lines.carried[s] = queued
    bench.used[0] = first + queued
    return arrived
