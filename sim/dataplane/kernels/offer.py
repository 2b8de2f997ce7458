"""What a direction of a line is offered between two edits: policer, memory, class, loss."""

from __future__ import annotations

from sim.compiled import inner, kernel, unsigned
from sim.dataplane.kernels.arrival import note
from sim.dataplane.kernels.background import next_background
from sim.dataplane.kernels.loss import step_chain
from sim.dataplane.kernels.policer import take_tokens
from sim.dataplane.kernels.queue import OTHERS, make_way, precedence_of, sweep
from sim.dataplane.kernels.rules import backlog_with
from sim.dataplane.kernels.source import OUTAGE, POLICER, QUEUE, lose
from sim.dataplane.tally import Fate, LineCount

OFFERED = int(LineCount.OFFERED)
OFFERED_BYTES = int(LineCount.OFFERED_BYTES)
REFUSED = int(LineCount.REFUSED)
LOST_OUTAGE = int(LineCount.LOST_OUTAGE)
LOST_POLICER = int(LineCount.LOST_POLICER)
LOST_QUEUE = int(LineCount.LOST_QUEUE)
BUSY_NS = int(LineCount.BUSY_NS)
BACKLOG_MAX_NS = int(LineCount.BACKLOG_MAX_NS)
BACKGROUND_OFFERED = int(LineCount.BACKGROUND_OFFERED)
FATE_LINE_OUTAGE = int(Fate.LINE_OUTAGE)
FATE_LINE_POLICER = int(Fate.LINE_POLICER)
FATE_LINE_QUEUE = int(Fate.LINE_QUEUE)


@inner
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
def refuse(d, packet, at_ns, conforms, lines, tree, flow, counts, bench):
    """Lose a packet at the door: line down, no tokens, or its memory too full."""
    cause = QUEUE
    if not (lines.up[d] and lines.in_use[d]):
        cause, fate = OUTAGE, FATE_LINE_OUTAGE
        counts.line[d, LOST_OUTAGE] += 1
        counts.line[d, REFUSED] += 1
    elif not conforms:
        cause, fate = POLICER, FATE_LINE_POLICER
        counts.line[d, LOST_POLICER] += 1
    else:
        fate = FATE_LINE_QUEUE
        counts.line[d, LOST_QUEUE] += 1
    lose(d, packet, cause, tree, flow, counts)
    if tree.watched[d]:
        note(tree.hop[d], packet, fate, at_ns, flow, bench)


@kernel
def stand(place, entry, offered_ns, arrival_ns, bench):
    """Write an entry down."""
    bench.packet[place] = entry
    bench.offered_ns[place] = offered_ns
    bench.arrival_ns[place] = arrival_ns


@kernel
def offer_others(
    d, first, count, crowd, to_ns, drain_ns, policed, tree, lines, flow, counts, bench
):  # fmt: skip
    """Offer direction `d` the packets of others that come before `to_ns`.

    Returns the new count, and how many of the entries may be of others. `lines.free_ns` and the
    line's own counts are up to date before and after.
    """
    others, line = lines.others, counts.line[d]
    while others.next_ns[d] < to_ns:
        at_ns = others.next_ns[d]
        next_background(d, at_ns, others)
        line[BACKGROUND_OFFERED] += 1
        size_bytes = others.size_bytes[d]
        need_ns = flow.service_ns[lines.service[d], size_bytes]
        backlog_ns = backlog_with(need_ns, lines.free_ns[d], at_ns)
        conforms = not policed or take_tokens(d, at_ns, size_bytes, lines.buckets)
        if not conforms or backlog_ns > drain_ns:
            continue
        # What others have sent is still here; the bench has room for what waits, not for all.
        crowd += 1
        if crowd > 2 * tree.most_others:
            count = sweep(d, first, count, at_ns, tree, flow, counts, bench)
            crowd = tree.most_others
        place = count
        if lines.priority[d] and backlog_ns > need_ns:
            precedence = others.precedence[d]
            place = make_way(d, first, count, precedence, at_ns, need_ns, lines, tree, flow, bench)
        lines.free_ns[d] = at_ns + backlog_ns
        arrival_ns = lines.free_ns[d] + tree.propagation_ns[d]
        if place < count:
            arrival_ns = bench.arrival_ns[place - 1] + need_ns
        stand(place, OTHERS, at_ns, arrival_ns, bench)
        count += 1
        line[BUSY_NS] += need_ns
        line[BACKLOG_MAX_NS] = max(line[BACKLOG_MAX_NS], backlog_ns)
    return count, crowd


@inner
def offer_span(
    d, slot, rank, i, from_ns, to_ns, first, count, specials,
    tree, lines, chains, tables, flow, copies, counts, bench,
):  # fmt: skip
    """Offer direction `d` the copies of `rank` of [from_ns, to_ns), beginning at row `i`.

    Places `first` .. `count` - 1 of the bench hold what is not delivered. Returns (next row,
    count, how many entries do not arrive).
    """
    rows = copies.rows[slot]
    row_packet, row_base, row_step = copies.packet[slot], copies.base_ns[slot], copies.step_ns[slot]
    row_low, row_high = copies.low[slot], copies.high[slot]
    sizes, service_ns = flow.size_bytes, flow.service_ns[lines.service[d]]
    stream_of, precedences = flow.stream, tree.precedence
    line, others = counts.line[d], lines.others
    out_packet, out_offered_ns, out_arrival_ns = bench.packet, bench.offered_ns, bench.arrival_ns
    propagation_ns, priority = tree.propagation_ns[d], lines.priority[d]
    # A line that is down has no memory: all is refused in the one place below.
    drain_ns = lines.drain_ns[d] if lines.up[d] else 0
    policed = lines.up[d] and lines.buckets.burst_nbit[d] > 0
    # Others do not care whether the meeting uses the line.
    in_use, own_drain_ns = lines.in_use[d], drain_ns if lines.in_use[d] else 0
    free_ns = lines.free_ns[d]
    busy_ns = max(free_ns - from_ns, 0)
    n = accepted_before = lines.accepted[d]
    next_draw = min(chains.next_loss[d], chains.next_switch[d])
    others_ns, crowd = others.next_ns[d], tree.most_others
    last_precedence = 0
    if priority and count > first:
        last_precedence = precedence_of(out_packet[count - 1], d, lines, tree, flow)
    refused, offered_bytes, backlog_max_ns = 0, 0, line[BACKLOG_MAX_NS]
    i = first_row(slot, rank, i, from_ns, copies)
    while i < rows:
        row = unsigned(i)
        at_ns = row_base[row] + rank * row_step[row]
        if rank < row_low[row] or rank >= row_high[row]:
            i += 1
            continue
        if at_ns >= to_ns:
            break
        i += 1
        if others_ns < at_ns:
            lines.free_ns[d] = free_ns
            line[BACKLOG_MAX_NS] = backlog_max_ns
            count, crowd = offer_others(
                d, first, count, crowd, at_ns, drain_ns, policed, tree, lines, flow, counts, bench
            )
            free_ns, backlog_max_ns = lines.free_ns[d], line[BACKLOG_MAX_NS]
            others_ns = others.next_ns[d]
            specials += 1
            if priority and count > first:
                last_precedence = precedence_of(out_packet[count - 1], d, lines, tree, flow)
        packet = row_packet[row]
        column = unsigned(packet)
        size_bytes = sizes[column]
        offered_bytes += size_bytes
        need_ns = service_ns[unsigned(size_bytes)]
        backlog_ns = backlog_with(need_ns, free_ns, at_ns)
        conforms = not (policed and in_use) or take_tokens(d, at_ns, size_bytes, lines.buckets)
        if not conforms or backlog_ns > own_drain_ns:
            refused += 1
            refuse(d, packet, at_ns, conforms, lines, tree, flow, counts, bench)
            continue
        free_ns = at_ns + backlog_ns
        busy_ns += need_ns
        backlog_max_ns = max(backlog_max_ns, backlog_ns)
        entry = packet
        if n == next_draw:
            if step_chain(d, n, chains, tables):
                entry = ~packet
                specials += 1
            next_draw = min(chains.next_loss[d], chains.next_switch[d])
        n += 1
        place, arrival_ns = unsigned(count), free_ns + propagation_ns
        count += 1
        if priority:
            precedence = precedences[unsigned(stream_of[column])]
            # Most packets find nobody before them, so that is asked first.
            if backlog_ns > need_ns and precedence < last_precedence:
                way = make_way(
                    d, first, count - 1, precedence, at_ns, need_ns, lines, tree, flow, bench
                )
                if way < count - 1:
                    place, arrival_ns = unsigned(way), out_arrival_ns[way - 1] + need_ns
                    precedence = last_precedence
            last_precedence = precedence
        out_packet[place] = entry
        out_offered_ns[place] = at_ns
        out_arrival_ns[place] = arrival_ns
    lines.free_ns[d] = free_ns
    line[BACKLOG_MAX_NS] = backlog_max_ns
    if others_ns < to_ns:
        specials += 1
        count, _ = offer_others(
            d, first, count, crowd, to_ns, drain_ns, policed, tree, lines, flow, counts, bench
        )
    line[OFFERED] += n - accepted_before + refused
    line[OFFERED_BYTES] += offered_bytes
    line[BUSY_NS] += busy_ns - max(lines.free_ns[d] - to_ns, 0)
    lines.accepted[d] = n
    return i, count, specials
