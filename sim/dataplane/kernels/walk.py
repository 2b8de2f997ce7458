"""The way down over part of the tree: each site's line, then its relay, parents before children."""

from __future__ import annotations

from sim.compiled import entry, kernel
from sim.dataplane.kernels.abreast import CROWDED, go_down_abreast, undisturbed
from sim.dataplane.kernels.arrays import ROOM_JOINED, ROOM_LEFT
from sim.dataplane.kernels.arrival import (
    NO_ROOM,
    ROOM_DARK_SINCE,
    attend,
    enter_room,
    room_fate,
)
from sim.dataplane.kernels.line import carry_line, change_room
from sim.dataplane.kernels.merge import AT, PACKET, merge_pair
from sim.dataplane.kernels.relay import carry_relay, refuse_orphans
from sim.dataplane.kernels.up import gather, hear_ended
from sim.lanes import LANES

DRAINED_NS = 2**50  # by then nothing is under way


@kernel
def join_own(s, arrived, tree, flow, bench):
    """Join what the relay itself sends down to what has arrived there; return how many in all."""
    for i in range(arrived):
        bench.inbox[i, PACKET], bench.inbox[i, AT] = bench.packet[i], bench.arrival_ns[i]
    count = arrived
    for packet in range(flow.origin_first[s], flow.origin_first[s + 1]):
        if tree.down[flow.stream[packet]]:
            bench.inbox[count, PACKET], bench.inbox[count, AT] = packet, flow.sent_ns[packet]
            count += 1
    merge_pair(0, arrived, count, bench.inbox, bench.spare, tree, flow)
    for i in range(count):
        bench.packet[i], bench.arrival_ns[i] = bench.spare[i, PACKET], bench.spare[i, AT]
    return count


@kernel
def reach_root(end_ns, tree, lines, ups, flow, changes, counts, bench):
    """Stand what has come up to the root, to go down to all, on the bench; return how many.

    The root's own room hears what others have sent.
    """
    arrived = gather(0, tree, ups, flow, bench)
    if tree.mixed[0]:
        arrived = hear_ended(arrived, tree, flow, counts, bench)
    rows = arrived
    for row in range(ups.run_at[0], ups.run_at[0] + ups.run[0]):
        bench.inbox[rows, PACKET], bench.inbox[rows, AT] = (
            bench.runs[row, PACKET],
            bench.runs[row, AT],
        )
        rows += 1
    merge_pair(0, arrived, rows, bench.inbox, bench.spare, tree, flow)
    for i in range(rows):
        bench.packet[i], bench.arrival_ns[i] = bench.spare[i, PACKET], bench.spare[i, AT]
        bench.offered_ns[i] = bench.arrival_ns[i]
    entered, last = 0, changes.first[1]
    for c in range(changes.first[0], last + 1):
        to_ns = changes.at_ns[c] if c < last else end_ns
        reached = entered
        while reached < rows and bench.arrival_ns[reached] < to_ns:
            reached += 1
        if tree.room[0]:
            enter_room(0, entered, reached, room_fate(0, lines), tree, flow, counts, bench)
        entered = reached
        if c < last:
            change_room(0, changes.kind[c], changes.a[c], lines)
            if changes.kind[c] in (ROOM_JOINED, ROOM_LEFT):
                attend(0, to_ns, changes.kind[c] == ROOM_JOINED, tree, counts, bench)
    return rows


@entry
def walk_down(
    sites, begin, start_ns, end_ns,
    tree, lines, relays, egresses, chains, tables, ups, flow, line_changes, relay_changes,
    copies, counts, bench,
):  # fmt: skip
    """Replay sites[begin:] over [start_ns, end_ns); return where it stopped.

    It stops before a site whose rows may not fit the pool, the log or the board any more; the
    caller enlarges them and calls again from there. No site sees more packets than `copies` has
    room for.
    """
    capacity = copies.packet.shape[1]
    for position in range(begin, sites.size):
        s = sites[position]
        if lines.replayed[s]:
            lines.replayed[s] = False
            continue
        first_egress, last_egress = tree.site_egress_first[s], tree.site_egress_first[s + 1]
        # A site carries out at most every packet on its line, in processing, in each egress.
        if bench.used[0] + capacity * (2 + last_egress - first_egress) > bench.new.shape[0]:
            return position
        fates = 2
        for e in range(first_egress, last_egress):
            fates += tree.child_first[e + 1] - tree.child_first[e]
        if bench.log.shape[0] and bench.used[1] + capacity * fates > bench.log.shape[0]:
            return position
        # A room can be dark so often in a span, in each of the lanes, and once more as it leaves.
        dark = min(end_ns - start_ns, DRAINED_NS) // (tree.dark_after_ns + 1) + 2
        dark = LANES * min(dark, bench.packet.size + bench.board.packet.size + 2)
        changed = line_changes.first[s + 1] - line_changes.first[s]
        if bench.used[3] + dark + changed > bench.dark.shape[0]:
            return position
        # A dark room looks at each packet.
        if counts.room[s, ROOM_DARK_SINCE] == 0 and undisturbed(s, tree, lines, line_changes):
            lanes = go_down_abreast(
                s, start_ns, end_ns, tree, lines, chains, tables, flow, line_changes,
                copies, counts, bench,
            )  # fmt: skip
            if lanes == CROWDED:
                return position
            if lanes > 0:
                lines.replayed[s] = False
                continue
        if s == 0:
            arrived = reach_root(end_ns, tree, lines, ups, flow, line_changes, counts, bench)
        else:
            arrived = carry_line(
                s, tree.slot[tree.feed[s]], tree.rank[s], s if tree.room[s] else NO_ROOM,
                start_ns, end_ns,
                tree, lines, chains, tables, flow, line_changes, copies, counts, bench,
            )  # fmt: skip
        if tree.relay[s]:
            if tree.sends_down[s]:
                arrived = join_own(s, arrived, tree, flow, bench)
            carry_relay(
                s, arrived, start_ns, end_ns,
                tree, relays, egresses, flow, relay_changes, copies, counts, bench,
            )  # fmt: skip
            refuse_orphans(s, start_ns, end_ns, tree, egresses, flow, copies, counts, bench)
    return sites.size
