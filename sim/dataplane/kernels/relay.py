"""A relay through one span: processing, then copying into its egresses.

A packet is processed for a fixed time; then one copy per child enters each egress.
"""

from __future__ import annotations

from sim.compiled import inner, kernel
from sim.dataplane.kernels.arrays import (
    EGRESS_RATE,
    RELAY_DOWN,
    RELAY_PASSES,
    RELAY_UP,
    SERVED,
    UNSERVED,
)
from sim.dataplane.kernels.arrival import note
from sim.dataplane.kernels.background import BACKGROUND, QUIET
from sim.dataplane.kernels.egress import (
    BACKGROUND_SENT,
    kill_copies,
    lose_packet,
    move_row,
    offer_copies,
    offer_others,
    retime_copies,
    serve,
)
from sim.dataplane.kernels.source import OUTAGE, lose
from sim.dataplane.tally import EgressCount, Fate, LineCount

BUSY_NS = int(EgressCount.BUSY_NS)
OFFERED = int(LineCount.OFFERED)
OFFERED_BYTES = int(LineCount.OFFERED_BYTES)
REFUSED = int(LineCount.REFUSED)
LOST_OUTAGE = int(LineCount.LOST_OUTAGE)
FATE_LINE_OUTAGE = int(Fate.LINE_OUTAGE)

# Columns of a carried row of copies.
PACKET, BASE, STEP, LOW, HIGH = range(5)


@kernel
def load_relay(s, tree, relays, egresses, flow, copies, bench):
    """Bring back what the relay and its egresses carried; return how many are in processing."""
    for i in range(relays.carried[s]):
        row = bench.old[relays.carried_at[s] + i]
        bench.processing[i, 0] = row[0]
        bench.processing[i, 1] = row[1]
    for e in range(tree.site_egress_first[s], tree.site_egress_first[s + 1]):
        slot = tree.slot[e]
        for i in range(egresses.carried[e]):
            row = bench.old[egresses.carried_at[e] + i]
            copies.packet[slot, i] = row[PACKET]
            copies.base_ns[slot, i] = row[BASE]
            copies.step_ns[slot, i] = row[STEP]
            copies.low[slot, i] = row[LOW]
            copies.high[slot, i] = row[HIGH]
        copies.rows[slot] = copies.others[slot] = egresses.carried[e]
    return relays.carried[s]


@kernel
def store_relay(s, head, held, end_ns, tree, relays, egresses, flow, copies, counts, bench):
    """Carry what is in processing (head .. held-1) and the rows with copies left to send."""
    used = bench.used[0]
    relays.carried_at[s] = used
    relays.carried[s] = held - head
    for i in range(head, held):
        bench.new[used, 0] = bench.processing[i, 0]
        bench.new[used, 1] = bench.processing[i, 1]
        used += 1
    for e in range(tree.site_egress_first[s], tree.site_egress_first[s + 1]):
        slot = tree.slot[e]
        egresses.carried_at[e] = used
        kept = 0
        for i in range(copies.rows[slot]):
            packet, low, high = copies.packet[slot, i], copies.low[slot, i], copies.high[slot, i]
            last_ns = copies.base_ns[slot, i] + (high - 1) * copies.step_ns[slot, i]
            if last_ns >= end_ns:
                bench.new[used, PACKET] = packet
                bench.new[used, BASE] = copies.base_ns[slot, i]
                bench.new[used, STEP] = copies.step_ns[slot, i]
                bench.new[used, LOW] = low
                bench.new[used, HIGH] = high
                used += 1
            elif packet == BACKGROUND:
                counts.egress[e, BACKGROUND_SENT] += 1
            if packet != BACKGROUND:
                if kept < i:
                    move_row(slot, i, kept, copies)
                kept += 1
        # The children need not pass over the rows of others.
        copies.rows[slot] = kept
        egresses.carried[e] = used - egresses.carried_at[e]
    bench.used[0] = used


@kernel
def change_relay(s, c, head, held, tree, relays, egresses, flow, changes, copies, counts, bench):
    """Apply change `c` to the relay of `s`; return the new head of what is in processing."""
    at_ns = changes.at_ns[c]
    if changes.kind[c] == RELAY_DOWN:
        relays.up[s] = False
        for e in range(tree.site_egress_first[s], tree.site_egress_first[s + 1]):
            kill_copies(e, at_ns, tree, egresses, flow, copies, counts, bench)
            for i in range(head, held):
                lose_packet(e, bench.processing[i, 0], at_ns, tree, flow, counts, bench)
        return held
    if changes.kind[c] == RELAY_UP:
        relays.up[s] = True
    elif changes.kind[c] == EGRESS_RATE:
        e = changes.a[c]
        egresses.service[e] = changes.b[c]
        egresses.drain_ns[e] = changes.c[c]
        retime_copies(e, at_ns, tree, egresses, flow, copies)
    elif changes.kind[c] in (SERVED, UNSERVED):
        serve(changes.b[c], changes.a[c], changes.kind[c] == SERVED, tree)
    elif changes.kind[c] == RELAY_PASSES:
        relays.passes[s] = changes.a[c]
    return head


@inner
def relay_span(
    s, i, arrived, head, held, from_ns, to_ns,
    tree, relays, egresses, flow, copies, counts, bench,
):  # fmt: skip
    """Take in the arrivals of [from_ns, to_ns) and send off what is processed before `to_ns`.

    Returns (next arrival, head, held) of the packets in processing.
    """
    first_egress, last_egress = tree.site_egress_first[s], tree.site_egress_first[s + 1]
    alive, passes = relays.up[s], tree.passes[relays.passes[s]]
    while i < arrived and bench.arrival_ns[i] < to_ns:
        packet = bench.packet[i]
        if alive and passes[flow.stream[packet]]:
            bench.processing[held, 0] = packet
            bench.processing[held, 1] = bench.arrival_ns[i]
            held += 1
        else:
            for e in range(first_egress, last_egress):
                lose_packet(e, packet, bench.arrival_ns[i], tree, flow, counts, bench)
        i += 1
    ready = head
    while ready < held and bench.processing[ready, 1] + tree.processing_ns[s] < to_ns:
        ready += 1
    for e in range(first_egress, last_egress):
        busy_ns = max(egresses.free_ns[e] - from_ns, 0)
        shared = egresses.others.kind[e] != QUIET
        for j in range(head, ready):
            packet, ready_ns = (
                bench.processing[j, 0],
                bench.processing[j, 1] + tree.processing_ns[s],
            )
            if shared:
                busy_ns += offer_others(e, ready_ns, tree, egresses, flow, copies, counts)
            busy_ns += offer_copies(
                e, packet, ready_ns, tree, egresses, flow, copies, counts, bench
            )
        if shared:
            busy_ns += offer_others(e, to_ns, tree, egresses, flow, copies, counts)
        counts.egress[e, BUSY_NS] += busy_ns - max(egresses.free_ns[e] - to_ns, 0)
    return i, ready, held


@inner
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
    store_relay(s, head, held, end_ns, tree, relays, egresses, flow, copies, counts, bench)


@kernel
def refuse_orphans(s, start_ns, end_ns, tree, egresses, flow, copies, counts, bench):
    """Lose the copies that leave in [start_ns, end_ns) for lines that nobody uses any more there.

    They were made before; the line refuses them.
    """
    for e in range(tree.site_egress_first[s], tree.site_egress_first[s + 1]):
        if not tree.orphans[e]:
            continue
        slot, first = tree.slot[e], tree.child_first[e]
        for place in range(first, tree.child_first[e + 1]):
            if tree.orphan[place]:
                refuse_orphan(
                    slot, place - first, tree.child_row[place], start_ns, end_ns,
                    tree, flow, copies, counts, bench,
                )  # fmt: skip


@kernel
def refuse_orphan(slot, rank, d, start_ns, end_ns, tree, flow, copies, counts, bench):
    """Lose the copies of one rank that leave in [start_ns, end_ns) for direction `d`."""
    line = counts.line[d]
    for row in range(copies.rows[slot]):
        packet = copies.packet[slot, row]
        at_ns = copies.base_ns[slot, row] + rank * copies.step_ns[slot, row]
        served = copies.low[slot, row] <= rank < copies.high[slot, row]
        if packet == BACKGROUND or not served or not start_ns <= at_ns < end_ns:
            continue
        line[OFFERED] += 1
        line[OFFERED_BYTES] += flow.size_bytes[packet]
        line[REFUSED] += 1
        line[LOST_OUTAGE] += 1
        lose(d, packet, OUTAGE, tree, flow, counts)
        if tree.watched[d]:
            note(tree.hop[d], packet, FATE_LINE_OUTAGE, at_ns, flow, bench)
