"""The way up: each site's own packets and what its children pass on, over its line's up direction.

Sites are visited children before parents. What reaches a relay and does not end there is a *run*
of the child it came from (see `merge`); a relay merges the runs of its children, processes them,
and merges them with what its own room sends.
"""

from __future__ import annotations

import numpy as np

from sim.compiled import entry, inner, kernel, unsigned
from sim.dataplane.kernels.arrays import (
    FED,
    ROOM_DOWN,
    ROOM_JOINED,
    ROOM_LEFT,
    ROOM_UP,
    UNFED,
    UP_PASSES,
)
from sim.dataplane.kernels.arrival import NO_ROOM, note, receive
from sim.dataplane.kernels.board import columns_of
from sim.dataplane.kernels.gate import admit
from sim.dataplane.kernels.line import carry_line, change_room
from sim.dataplane.kernels.merge import AT, PACKET, child_at, merge_pair, merge_runs
from sim.dataplane.kernels.source import ENDPOINT, OUTAGE, lose_up
from sim.dataplane.tally import Fate, LineCount, StreamCount
from sim.media.kernels.emission import write_site

COPY_LOST_OUTAGE = int(LineCount.COPY_LOST_OUTAGE)
RECEIVED = int(StreamCount.RECEIVED)
SENT = int(StreamCount.SENT)
ENDED = int(StreamCount.ENDED)
ABSENT = int(StreamCount.ABSENT)
FATE_RELAY = int(Fate.EGRESS_OUTAGE)
FATE_ROOM_DEAD = int(Fate.ROOM_DEAD)
FATE_ENDED = int(Fate.ENDED)
FATE_ENDED_OUTAGE = int(Fate.ENDED_OUTAGE)


@kernel
def gather(s, tree, ups, flow, bench):
    """Stand what the children of `s` pass on in `bench.inbox`, merged; return how many."""
    count, found = 0, 0
    bench.bounds[0] = 0
    for e in range(tree.site_egress_first[s], tree.site_egress_first[s + 1]):
        for i in range(tree.child_first[e], tree.child_first[e + 1]):
            child = child_at(e, i, tree)
            if child < 0 or not ups.run[child]:
                continue
            for row in range(ups.run_at[child], ups.run_at[child] + ups.run[child]):
                bench.inbox[count, PACKET] = bench.runs[row, PACKET]
                bench.inbox[count, AT] = bench.runs[row, AT]
                count += 1
            found += 1
            bench.bounds[found] = count
    merge_runs(found, bench.bounds, bench.inbox, bench.spare, tree, flow)
    return count


@kernel
def lose_in_relay(d, packet, at_ns, tier, tree, flow, counts, bench):
    """Lose a packet on its way up because the relay before direction `d` is dead."""
    counts.line[d, COPY_LOST_OUTAGE] += 1
    lose_up(packet, OUTAGE, tier, tree, flow, counts)
    if tree.watched[d]:
        note(tree.hop[d], packet, FATE_RELAY, at_ns, flow, bench)


@kernel
def killed_ns(c, d, after_ns, ready_ns, changes):
    """Return when the relay before direction `d` fails in (after_ns, ready_ns]; -1: not then."""
    while c < changes.first[d + 1] and changes.at_ns[c] <= ready_ns:
        if changes.kind[c] == UNFED and changes.at_ns[c] > after_ns:
            return changes.at_ns[c]
        c += 1
    return -1


@kernel
def process(s, count, end_ns, tree, lines, ups, flow, changes, counts, bench):
    """Process what relay `s` held and what stands in its inbox; return how many are ready.

    Those stand in `bench.spare`, at the time when they enter the up line.
    """
    d = tree.relay.size + s
    processing_ns, tier = tree.processing_ns[s], tree.tier[s]
    c, alive, ready = changes.first[d], lines.fed[d], 0
    passes = tree.passes[lines.passes[d]]
    old_at, old = ups.held_at[s], ups.held[s]
    held = bench.used[0]
    ups.held_at[s] = held
    for i in range(old + count):
        if i < old:
            packet, at_ns = bench.old[old_at + i, PACKET], bench.old[old_at + i, AT]
        else:
            packet, at_ns = bench.inbox[i - old, PACKET], bench.inbox[i - old, AT]
            while c < changes.first[d + 1] and changes.at_ns[c] <= at_ns:
                if changes.kind[c] in (FED, UNFED):
                    alive = changes.kind[c] == FED
                elif changes.kind[c] == UP_PASSES:
                    passes = tree.passes[changes.a[c]]
                c += 1
            if not (alive and passes[flow.stream[packet]]):
                lose_in_relay(d, packet, at_ns, tier, tree, flow, counts, bench)
                continue
        ready_ns = at_ns + processing_ns
        fault_ns = killed_ns(c, d, at_ns, min(ready_ns, end_ns - 1), changes)
        if fault_ns >= 0:
            lose_in_relay(d, packet, fault_ns, tier, tree, flow, counts, bench)
        elif ready_ns < end_ns:
            bench.spare[ready, PACKET], bench.spare[ready, AT] = packet, ready_ns
            ready += 1
        else:
            bench.new[held, PACKET], bench.new[held, AT] = packet, at_ns
            held += 1
    ups.held[s] = held - ups.held_at[s]
    bench.used[0] = held
    return ready


@inner
def send(s, ready, out_packet, out_ns, tree, lines, flow, changes, counts, bench):
    """Put what is sent up at `s` itself behind `ready` rows; return how many rows there are."""
    d = tree.relay.size + s
    c, last = changes.first[d], changes.first[d + 1]
    room_up, fed, present = lines.room_up[d], lines.fed[d], lines.present[d]
    sent, stream_of, sent_ns = counts.stream[s], flow.stream, flow.sent_ns
    for packet in range(flow.origin_first[s], flow.origin_first[s + 1]):
        stream = unsigned(stream_of[unsigned(packet)])
        at_ns = sent_ns[unsigned(packet)]
        while c < last and changes.at_ns[c] <= at_ns:
            if changes.kind[c] in (ROOM_DOWN, ROOM_UP):
                room_up = changes.kind[c] == ROOM_UP
            elif changes.kind[c] in (FED, UNFED):
                fed = changes.kind[c] == FED
            elif changes.kind[c] in (ROOM_JOINED, ROOM_LEFT):
                present = changes.kind[c] == ROOM_JOINED
            c += 1
        if not (present or tree.down[stream] or tree.composite[stream]):
            sent[stream, ABSENT] += 1
            continue
        sent[stream, SENT] += 1
        if tree.down[stream]:
            continue
        able = room_up or tree.composite[stream]
        # What the root's room sends has come up to the root, even if its relay is dead.
        if able and (fed or s == 0):
            out_packet[unsigned(ready)] = packet
            out_ns[unsigned(ready)] = at_ns
            ready += 1
        else:
            silence(s, packet, at_ns, able, tree, flow, counts, bench)
    return ready


@kernel
def silence(s, packet, at_ns, able, tree, flow, counts, bench):
    """Lose what the room of `s` should send: it is not able to, or else its relay is dead."""
    d = tree.relay.size + s
    if able:
        lose_in_relay(d, packet, at_ns, tree.tier[s], tree, flow, counts, bench)
        return
    lose_up(packet, ENDPOINT, tree.tier[s], tree, flow, counts)
    if tree.watched[d]:
        note(tree.hop[d], packet, FATE_ROOM_DEAD, at_ns, flow, bench)


@inner
def hear_source(origin, lag_ns, first, last, tree, flow, counts, bench):
    """Count what has ended at a living relay, places `first` to `last` - 1, all of one origin.

    It was composed for `lag_ns` before it was sent, which counts as delay.
    """
    heard, delays = counts.stream[origin], counts.up_delay[tree.room_histogram[origin]]
    receive(heard, delays, lag_ns, first, last, tree, flow, bench)
    for stream in range(tree.down.size):
        if not tree.goes_down[stream]:
            heard[stream, ENDED] = heard[stream, RECEIVED]


@inner
def end_or_pass(s, arrived, tree, lines, ups, flow, changes, counts, bench):
    """End what has reached its relay above `s`; write the rest down as the run of `s`."""
    n = tree.relay.size
    d, above = n + s, tree.parent[s]
    tier = tree.tier[above]
    c, last, alive = changes.first[n + above], changes.first[n + above + 1], lines.fed[n + above]
    runs, used = bench.runs, bench.used[2]
    ups.run_at[s] = used
    # Of the stretch of one origin and lag that ends here and is not counted yet.
    first, origin, lag_ns = 0, np.int64(-1), 0
    looked_at = arrived
    mixed = tree.mixed[0] and not tree.ends_next[s]
    if tree.ends_next[s] and alive and c == last and arrived:
        looked_at, origin = 0, s
    for i in range(looked_at):
        packet, at_ns = bench.packet[unsigned(i)], bench.arrival_ns[unsigned(i)]
        while c < last and changes.at_ns[c] <= at_ns:
            if changes.kind[c] in (FED, UNFED):
                alive = changes.kind[c] == FED
            c += 1
        stream = unsigned(flow.stream[unsigned(packet)])
        ends = tier <= tree.ends[stream]
        heard = ends and alive and not tree.floor[stream]
        composed_ns = 0
        if tree.composite[stream]:
            composed_ns = tree.transcoding_ns[flow.origin[packet]]
        if heard and mixed:
            # It may be heard only in order of time with what comes over the relay's other children.
            runs[used, PACKET], runs[used, AT] = ~packet, at_ns
            used += 1
            continue
        if heard and flow.origin[unsigned(packet)] == origin and composed_ns == lag_ns:
            continue
        if origin >= 0:
            hear_source(origin, lag_ns, first, i, tree, flow, counts, bench)
        first, origin = i, np.int64(-1)
        if heard:
            origin, lag_ns = np.int64(flow.origin[unsigned(packet)]), composed_ns
        elif ends and not tree.floor[stream]:
            lose_up(packet, OUTAGE, tier, tree, flow, counts)
        else:
            runs[used, PACKET], runs[used, AT] = packet, at_ns
            used += 1
            if ends:
                counts.stream[flow.origin[packet], stream, ENDED] += 1
    if origin >= 0:
        hear_source(origin, lag_ns, first, arrived, tree, flow, counts, bench)
    ups.run[s] = used - ups.run_at[s]
    bench.used[2] = used
    if tree.watched[d]:
        note_ends(d, arrived, tree, lines, flow, changes, bench)


@kernel
def hear_ended(count, tree, flow, counts, bench):
    """Hear what ends at a relay, of what stands in its inbox in order; return how many go on."""
    kept = 0
    for i in range(count):
        packet, at_ns = bench.inbox[i, PACKET], bench.inbox[i, AT]
        if packet >= 0:
            bench.inbox[kept, PACKET], bench.inbox[kept, AT] = packet, at_ns
            kept += 1
            continue
        bench.packet[0], bench.arrival_ns[0] = ~packet, at_ns
        origin, lag_ns = np.int64(flow.origin[~packet]), 0
        if tree.composite[flow.stream[~packet]]:
            lag_ns = tree.transcoding_ns[origin]
        hear_source(origin, lag_ns, 0, 1, tree, flow, counts, bench)
    return kept


@kernel
def end_at_root(rows, tree, lines, ups, flow, changes, counts, bench):
    """End at once what the root's own room sends to all; bring its state up to date."""
    n = tree.relay.size
    used = bench.used[2]
    ups.run_at[0], ups.run[0] = used, rows
    for i in range(rows):
        packet, at_ns = bench.offers.packet[0, i], bench.offers.base_ns[0, i]
        bench.runs[used + i, PACKET], bench.runs[used + i, AT] = packet, at_ns
        counts.stream[0, flow.stream[packet], ENDED] += 1
        if tree.watched[n]:
            note(n, packet, FATE_ENDED, at_ns, flow, bench)
    bench.used[2] = used + rows
    for c in range(changes.first[n], changes.first[n + 1]):
        change_room(n, changes.kind[c], changes.a[c], lines)


@kernel
def note_ends(d, arrived, tree, lines, flow, changes, bench):
    """Log what has ended at the relay above direction `d`."""
    n = tree.relay.size
    above = tree.parent[d - n]
    c, last, alive = changes.first[n + above], changes.first[n + above + 1], lines.fed[n + above]
    for i in range(arrived):
        packet, at_ns = bench.packet[i], bench.arrival_ns[i]
        while c < last and changes.at_ns[c] <= at_ns:
            if changes.kind[c] in (FED, UNFED):
                alive = changes.kind[c] == FED
            c += 1
        stream = flow.stream[packet]
        if tree.tier[above] <= tree.ends[stream]:
            fate = FATE_ENDED if alive or tree.floor[stream] else FATE_ENDED_OUTAGE
            note(tree.hop[d], packet, fate, at_ns, flow, bench)


@inner
def rows_needed(s, tree, lines, ups, flow):
    """Return at most how many packets the up line of `s` may have to do with in this span."""
    needed = flow.origin_first[s + 1] - flow.origin_first[s]
    needed += lines.carried[tree.relay.size + s] + ups.held[s] + 2 * tree.most_others
    for e in range(tree.site_egress_first[s], tree.site_egress_first[s + 1]):
        for i in range(tree.child_first[e], tree.child_first[e + 1]):
            child = child_at(e, i, tree)
            if child >= 0:
                needed += ups.run[child]
    return needed


@entry
def walk_unused(
    rows, begin, start_ns, end_ns, tree, lines, chains, tables, flow, changes, counts, bench
):
    """Replay directions rows[begin:], which no site uses; return where it stopped.

    They carry what others send, and may fail and come back. It stops before one whose packets may
    not fit the bench; the caller enlarges it and calls again from there.
    """
    bench.offers.rows[0] = 0
    for position in range(begin, rows.size):
        d = rows[position]
        needed = lines.carried[d] + 2 * tree.most_others
        fits = needed <= bench.packet.size and bench.used[0] + needed <= bench.new.shape[0]
        if bench.log.shape[0] and bench.used[1] + needed > bench.log.shape[0]:
            fits = False
        if not fits:
            return position
        carry_line(
            d, 0, 0, NO_ROOM, start_ns, end_ns,
            tree, lines, chains, tables, flow, changes, bench.offers, counts, bench,
        )  # fmt: skip
    return rows.size


@entry
def walk_up(
    sites, begin, start_ns, end_ns,
    tree, lines, chains, tables, ups, flow, changes, counts, bench,
):  # fmt: skip
    """Replay the up directions of sites[begin], sites[begin-1], …; return where it stopped.

    It stops before a site whose rows may not fit the bench; the caller enlarges it and calls
    again from there.
    """
    n = tree.relay.size
    for position in range(begin, -1, -1):
        s = sites[position]
        if lines.replayed[s]:
            lines.replayed[s] = False
            continue
        needed = rows_needed(s, tree, lines, ups, flow)
        fits = needed <= bench.packet.size and bench.used[2] + needed <= bench.runs.shape[0]
        fits = fits and bench.used[0] + 2 * needed <= bench.new.shape[0]
        if bench.log.shape[0] and bench.used[1] + 3 * needed > bench.log.shape[0]:
            fits = False
        if not fits:
            return position
        if flow.mail.sealed:
            write_site(
                s, flow.origin_first[s], flow.mail, bench.mail_bounds, bench.mail_order,
                columns_of(flow),
            )  # fmt: skip
        offers = bench.offers
        out_packet, out_ns = offers.packet[0], offers.base_ns[0]
        if tree.relay[s] and s != 0:
            count = gather(s, tree, ups, flow, bench)
            if tree.mixed[0]:
                count = hear_ended(count, tree, flow, counts, bench)
            ready = process(s, count, end_ns, tree, lines, ups, flow, changes, counts, bench)
            spare = bench.spare
            rows = send(
                s, ready, spare[:, PACKET], spare[:, AT],
                tree, lines, flow, changes, counts, bench,
            )  # fmt: skip
            merge_pair(0, ready, rows, spare, bench.inbox, tree, flow)
            for i in range(rows):
                out_packet[i], out_ns[i] = bench.inbox[i, PACKET], bench.inbox[i, AT]
        else:
            rows = send(s, 0, out_packet, out_ns, tree, lines, flow, changes, counts, bench)
        offers.rows[0] = rows
        if s == 0:
            end_at_root(rows, tree, lines, ups, flow, changes, counts, bench)
            continue
        arrived = carry_line(
            n + s, 0, 0, NO_ROOM, start_ns, end_ns,
            tree, lines, chains, tables, flow, changes, bench.offers, counts, bench,
        )  # fmt: skip
        if tree.gates.stopping[tree.parent[s]]:
            arrived = admit(s, arrived, tree, lines, flow, changes, counts, bench)
        end_or_pass(s, arrived, tree, lines, ups, flow, changes, counts, bench)
    return -1
