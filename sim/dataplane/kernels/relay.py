"""A relay and its egresses through one span: processing, copying, the shared interface.

A packet is processed for a fixed time; then one copy per child enters each egress. Equal copies
of one instant leave one service time apart and a full egress refuses a suffix of them, so a
packet's copies are one row (see `arrays`).
"""

from __future__ import annotations

from sim.dataplane.kernels.arrays import EGRESS_RATE, RELAY_DOWN, RELAY_UP
from sim.dataplane.kernels.compiled import kernel
from sim.dataplane.kernels.line import note
from sim.dataplane.tally import EgressCount, Fate, LineCount

COPY_LOST_OUTAGE = int(LineCount.COPY_LOST_OUTAGE)
COPY_LOST_QUEUE = int(LineCount.COPY_LOST_QUEUE)
OFFERED = int(EgressCount.OFFERED)
LOST_OUTAGE = int(EgressCount.LOST_OUTAGE)
LOST_QUEUE = int(EgressCount.LOST_QUEUE)
BUSY_NS = int(EgressCount.BUSY_NS)
BACKLOG_MAX_NS = int(EgressCount.BACKLOG_MAX_NS)
FATE_OUTAGE = int(Fate.EGRESS_OUTAGE)
FATE_QUEUE = int(Fate.EGRESS_QUEUE)

NO_INTERFACE = -1  # service row of an egress without a shared interface

# Columns of a carried row of copies.
PACKET, BASE, STEP, LOW, HIGH = range(5)


@kernel
def lose_copies(e, packet, low, high, at_ns, tree, flow, counts, bench):
    """Lose at `at_ns` the copies of ranks low .. high-1: the relay is dead."""
    counts.egress[e, LOST_OUTAGE] += high - low
    for rank in range(low, high):
        child = tree.children[tree.child_first[e] + rank]
        counts.line[child, COPY_LOST_OUTAGE] += 1
        if tree.watched[child]:
            note(bench.log, bench.used, child, flow.first + packet, FATE_OUTAGE, at_ns)


@kernel
def refuse_copies(e, packet, low, high, at_ns, tree, flow, counts, bench):
    """Lose the copies of ranks low .. high-1, which the egress has no memory for."""
    counts.egress[e, LOST_QUEUE] += high - low
    for rank in range(low, high):
        child = tree.children[tree.child_first[e] + rank]
        counts.line[child, COPY_LOST_QUEUE] += 1
        if tree.watched[child]:
            note(bench.log, bench.used, child, flow.first + packet, FATE_QUEUE, at_ns)


@kernel
def offer_copies(e, packet, ready_ns, tree, egresses, flow, copies, counts, bench):
    """Offer an egress one copy of a packet per child; return the service time accepted."""
    slot = tree.slot[e]
    children = tree.child_first[e + 1] - tree.child_first[e]
    row = copies.rows[slot]
    copies.packet[slot, row] = packet
    copies.low[slot, row] = 0
    if egresses.service[e] == NO_INTERFACE:
        copies.base_ns[slot, row] = ready_ns
        copies.step_ns[slot, row] = 0
        copies.high[slot, row] = children
        copies.rows[slot] = row + 1
        return 0
    need_ns = flow.service_ns[egresses.service[e], packet]
    unsent_ns = max(egresses.free_ns[e] - ready_ns, 0)
    accepted = min(max(egresses.drain_ns[e] - unsent_ns, 0) // need_ns, children)
    if accepted < children:
        refuse_copies(e, packet, accepted, children, ready_ns, tree, flow, counts, bench)
    if accepted > 0:
        copies.base_ns[slot, row] = ready_ns + unsent_ns + need_ns
        copies.step_ns[slot, row] = need_ns
        copies.high[slot, row] = accepted
        copies.rows[slot] = row + 1
        backlog_ns = unsent_ns + accepted * need_ns
        egresses.free_ns[e] = ready_ns + backlog_ns
        counts.egress[e, BACKLOG_MAX_NS] = max(counts.egress[e, BACKLOG_MAX_NS], backlog_ns)
    return accepted * need_ns


@kernel
def kill_copies(e, at_ns, tree, egresses, flow, copies, counts, bench):
    """Lose the copies that would leave at `at_ns` or later."""
    slot = tree.slot[e]
    for i in range(copies.rows[slot]):
        low, high = copies.low[slot, i], copies.high[slot, i]
        alive = high
        while alive > low:
            if copies.base_ns[slot, i] + (alive - 1) * copies.step_ns[slot, i] < at_ns:
                break
            alive -= 1
        if alive < high:
            packet = copies.packet[slot, i]
            lose_copies(e, packet, alive, high, at_ns, tree, flow, counts, bench)
            copies.high[slot, i] = alive
    egresses.free_ns[e] = min(egresses.free_ns[e], at_ns)


@kernel
def retime_copies(e, at_ns, tree, egresses, flow, copies):
    """Give the copies that wait at `at_ns` the egress's present service time.

    The first copy that leaves at `at_ns` or later is being sent and keeps its time; where others
    of its row wait, the row is split behind it.
    """
    slot = tree.slot[e]
    count = copies.rows[slot]
    i = 0
    while i < count:
        low, high = copies.low[slot, i], copies.high[slot, i]
        if high > low and copies.base_ns[slot, i] + (high - 1) * copies.step_ns[slot, i] >= at_ns:
            break
        i += 1
    if i == count:
        return
    sending = copies.low[slot, i]
    while copies.base_ns[slot, i] + sending * copies.step_ns[slot, i] < at_ns:
        sending += 1
    free_ns = copies.base_ns[slot, i] + sending * copies.step_ns[slot, i]
    if sending + 1 < copies.high[slot, i]:
        for j in range(count, i, -1):
            copies.packet[slot, j] = copies.packet[slot, j - 1]
            copies.base_ns[slot, j] = copies.base_ns[slot, j - 1]
            copies.step_ns[slot, j] = copies.step_ns[slot, j - 1]
            copies.low[slot, j] = copies.low[slot, j - 1]
            copies.high[slot, j] = copies.high[slot, j - 1]
        copies.high[slot, i] = sending + 1
        copies.low[slot, i + 1] = sending + 1
        count += 1
        copies.rows[slot] = count
    for j in range(i + 1, count):
        low, high = copies.low[slot, j], copies.high[slot, j]
        need_ns = flow.service_ns[egresses.service[e], copies.packet[slot, j]]
        copies.step_ns[slot, j] = need_ns
        copies.base_ns[slot, j] = free_ns + need_ns - low * need_ns
        free_ns += (high - low) * need_ns
    egresses.free_ns[e] = free_ns


@kernel
def load_relay(s, tree, relays, egresses, flow, copies, bench):
    """Bring back what the relay and its egresses carried; return how many are in processing."""
    for i in range(relays.carried[s]):
        row = bench.old[relays.carried_at[s] + i]
        bench.processing[i, 0] = row[0] - flow.first
        bench.processing[i, 1] = row[1]
    for e in range(tree.site_egress_first[s], tree.site_egress_first[s + 1]):
        slot = tree.slot[e]
        for i in range(egresses.carried[e]):
            row = bench.old[egresses.carried_at[e] + i]
            copies.packet[slot, i] = row[PACKET] - flow.first
            copies.base_ns[slot, i] = row[BASE]
            copies.step_ns[slot, i] = row[STEP]
            copies.low[slot, i] = row[LOW]
            copies.high[slot, i] = row[HIGH]
        copies.rows[slot] = egresses.carried[e]
    return relays.carried[s]


@kernel
def store_relay(s, head, held, end_ns, tree, relays, egresses, flow, copies, bench):
    """Carry what is in processing (head .. held-1) and the rows with copies left to send."""
    used = bench.used[0]
    relays.carried_at[s] = used
    relays.carried[s] = held - head
    for i in range(head, held):
        bench.new[used, 0] = bench.processing[i, 0] + flow.first
        bench.new[used, 1] = bench.processing[i, 1]
        used += 1
    for e in range(tree.site_egress_first[s], tree.site_egress_first[s + 1]):
        slot = tree.slot[e]
        egresses.carried_at[e] = used
        for i in range(copies.rows[slot]):
            low, high = copies.low[slot, i], copies.high[slot, i]
            last_ns = copies.base_ns[slot, i] + (high - 1) * copies.step_ns[slot, i]
            if high > low and last_ns >= end_ns:
                bench.new[used, PACKET] = copies.packet[slot, i] + flow.first
                bench.new[used, BASE] = copies.base_ns[slot, i]
                bench.new[used, STEP] = copies.step_ns[slot, i]
                bench.new[used, LOW] = low
                bench.new[used, HIGH] = high
                used += 1
        egresses.carried[e] = used - egresses.carried_at[e]
    bench.used[0] = used


@kernel
def change_relay(s, c, head, held, tree, relays, egresses, flow, changes, copies, counts, bench):
    """Apply change `c` to the relay of `s`; return the new head of what is in processing."""
    at_ns = changes.at_ns[c]
    if changes.kind[c] == RELAY_DOWN:
        relays.up[s] = False
        for e in range(tree.site_egress_first[s], tree.site_egress_first[s + 1]):
            children = tree.child_first[e + 1] - tree.child_first[e]
            kill_copies(e, at_ns, tree, egresses, flow, copies, counts, bench)
            for i in range(head, held):
                packet = bench.processing[i, 0]
                lose_copies(e, packet, 0, children, at_ns, tree, flow, counts, bench)
        return held
    if changes.kind[c] == RELAY_UP:
        relays.up[s] = True
    elif changes.kind[c] == EGRESS_RATE:
        e = changes.a[c]
        egresses.service[e] = changes.b[c]
        egresses.drain_ns[e] = changes.c[c]
        retime_copies(e, at_ns, tree, egresses, flow, copies)
    return head


@kernel
def relay_span(
    s, i, arrived, head, held, from_ns, to_ns,
    tree, relays, egresses, flow, copies, counts, bench,
):  # fmt: skip
    """Take in the arrivals of [from_ns, to_ns) and send off what is processed before `to_ns`.

    Returns (next arrival, head, held) of the packets in processing.
    """
    first_egress, last_egress = tree.site_egress_first[s], tree.site_egress_first[s + 1]
    while i < arrived and bench.arrival_ns[i] < to_ns:
        for e in range(first_egress, last_egress):
            children = tree.child_first[e + 1] - tree.child_first[e]
            counts.egress[e, OFFERED] += children
            if not relays.up[s]:
                packet, at_ns = bench.packet[i], bench.arrival_ns[i]
                lose_copies(e, packet, 0, children, at_ns, tree, flow, counts, bench)
        if relays.up[s]:
            bench.processing[held, 0] = bench.packet[i]
            bench.processing[held, 1] = bench.arrival_ns[i]
            held += 1
        i += 1
    ready = head
    while ready < held and bench.processing[ready, 1] + tree.processing_ns[s] < to_ns:
        ready += 1
    for e in range(first_egress, last_egress):
        busy_ns = max(egresses.free_ns[e] - from_ns, 0)
        for j in range(head, ready):
            packet, ready_ns = (
                bench.processing[j, 0],
                bench.processing[j, 1] + tree.processing_ns[s],
            )
            busy_ns += offer_copies(
                e, packet, ready_ns, tree, egresses, flow, copies, counts, bench
            )
        counts.egress[e, BUSY_NS] += busy_ns - max(egresses.free_ns[e] - to_ns, 0)
    return i, ready, held


@kernel
def carry_relay(
    s, arrived, start_ns, end_ns,
    tree, relays, egresses, flow, changes, copies, counts, bench,
):  # fmt: skip
    """Replay one relay over [start_ns, end_ns) on the packets that stand on the bench.

    Its copies, the carried ones first, stand in `copies` at its egresses' slots afterwards.
    """
    held = load_relay(s, tree, relays, egresses, flow, copies, bench)
    head, i, from_ns = 0, 0, start_ns
    last = changes.first[s + 1]
    for c in range(changes.first[s], last + 1):
        to_ns = changes.at_ns[c] if c < last else end_ns
        i, head, held = relay_span(
            s, i, arrived, head, held, from_ns, to_ns,
            tree, relays, egresses, flow, copies, counts, bench,
        )  # fmt: skip
        if c < last:
            head = change_relay(
                s, c, head, held, tree, relays, egresses, flow, changes, copies, counts, bench
            )
        from_ns = to_ns
    store_relay(s, head, held, end_ns, tree, relays, egresses, flow, copies, bench)
