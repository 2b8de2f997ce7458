"""An egress through one span: the shared interface through which a relay sends its copies.

Equal copies of one instant leave one service time apart and a full egress refuses a suffix of
them, so a packet's copies are one row for each run of children that get one (see `arrays`); most
often all do, and there is one row. An egress's rows are in order of departure.
Where classes are, a packet goes in before the copies of higher precedence numbers that have not
begun, and those move back. A packet of others is a row of one copy, for a child after the last.
"""

from __future__ import annotations

from sim.compiled import inner, kernel
from sim.dataplane.kernels.arrival import note
from sim.dataplane.kernels.background import BACKGROUND, next_background
from sim.dataplane.kernels.source import OUTAGE, QUEUE, lose_down
from sim.dataplane.tally import EgressCount, Fate, LineCount

COPY_LOST_OUTAGE = int(LineCount.COPY_LOST_OUTAGE)
COPY_LOST_QUEUE = int(LineCount.COPY_LOST_QUEUE)
LOST_OUTAGE = int(EgressCount.LOST_OUTAGE)
LOST_QUEUE = int(EgressCount.LOST_QUEUE)
OFFERED = int(EgressCount.OFFERED)
WITHHELD = int(EgressCount.WITHHELD)
UNSERVED = int(EgressCount.UNSERVED)
BACKLOG_MAX_NS = int(EgressCount.BACKLOG_MAX_NS)
BACKGROUND_OFFERED = int(EgressCount.BACKGROUND_OFFERED)
BACKGROUND_SENT = int(EgressCount.BACKGROUND_SENT)
FATE_OUTAGE = int(Fate.EGRESS_OUTAGE)
FATE_QUEUE = int(Fate.EGRESS_QUEUE)

NO_INTERFACE = -1  # service row of an egress without a shared interface


@inner
def withheld_rank(e, packet, children, tree, flow):
    """Return the rank of the child that gets no copy, since it is a leaf and sent it; or all."""
    origin = flow.origin[packet]
    if tree.feed[origin] == e and not tree.relay[origin]:
        rank = tree.rank[origin]
        if tree.serves[tree.child_first[e] + rank]:
            return rank
    return children


@inner
def next_run(e, rank, withheld, children, tree):
    """Return the next run of ranks, from `rank` on, that get a copy: the first, and one beyond.

    The first is `children` if there is none.
    """
    leading, serves = tree.leading[e], tree.serves
    low = rank + (rank == withheld)
    if low < leading:
        return low, withheld if low < withheld < leading else leading
    if tree.served[e] == leading:
        return children, children
    first = tree.child_first[e]
    while low < children and (low == withheld or not serves[first + low]):
        low += 1
    high = low
    while high < children and high != withheld and serves[first + high]:
        high += 1
    return low, high


@inner
def count_copies(e, withheld, children, tree, counts):
    """Count the copies that are due of a packet, and those that are not; return how many are."""
    left_out = withheld < children
    due = tree.served[e] - left_out
    counts.egress[e, OFFERED] += due
    counts.egress[e, WITHHELD] += left_out
    counts.egress[e, UNSERVED] += children - tree.served[e]
    return due


@kernel
def serve(e, i, served, tree):
    """Make copies for the child at place `i`, or make none any more."""
    if tree.serves[i] == served:
        return
    tree.serves[i] = served
    tree.served[e] += 1 if served else -1
    first, leading = tree.child_first[e], 0
    while first + leading < tree.child_first[e + 1] and tree.serves[first + leading]:
        leading += 1
    tree.leading[e] = leading


@kernel
def lose_copies(e, packet, low, high, at_ns, tree, flow, counts, bench):
    """Lose at `at_ns` the copies of ranks low .. high-1: the relay is dead."""
    if packet == BACKGROUND:
        return
    tier = tree.tier[tree.owner[e]]
    counts.egress[e, LOST_OUTAGE] += high - low
    for rank in range(low, high):
        place = tree.child_first[e] + rank
        row = tree.child_row[place]
        counts.line[row, COPY_LOST_OUTAGE] += 1
        lose_down(tree.children[place], packet, OUTAGE, tier, tree, flow, counts)
        if tree.watched[row]:
            note(tree.hop[row], packet, FATE_OUTAGE, at_ns, flow, bench)


@kernel
def lose_packet(e, packet, at_ns, tree, flow, counts, bench):
    """Lose at `at_ns` all copies of a packet that a dead relay does not process."""
    children = tree.child_first[e + 1] - tree.child_first[e]
    withheld = withheld_rank(e, packet, children, tree, flow)
    count_copies(e, withheld, children, tree, counts)
    low, high = next_run(e, 0, withheld, children, tree)
    while low < children:
        lose_copies(e, packet, low, high, at_ns, tree, flow, counts, bench)
        low, high = next_run(e, high, withheld, children, tree)


@kernel
def refuse_copies(e, packet, low, high, at_ns, tree, flow, counts, bench):
    """Lose the copies of ranks low .. high-1, which the egress has no memory for."""
    tier = tree.tier[tree.owner[e]]
    counts.egress[e, LOST_QUEUE] += max(high - low, 0)
    for rank in range(low, high):
        place = tree.child_first[e] + rank
        row = tree.child_row[place]
        counts.line[row, COPY_LOST_QUEUE] += 1
        lose_down(tree.children[place], packet, QUEUE, tier, tree, flow, counts)
        if tree.watched[row]:
            note(tree.hop[row], packet, FATE_QUEUE, at_ns, flow, bench)


@inner
def put_row(slot, row, packet, base_ns, step_ns, low, high, copies):
    """Write down copies; return the next row."""
    copies.packet[slot, row] = packet
    copies.base_ns[slot, row] = base_ns
    copies.step_ns[slot, row] = step_ns
    copies.low[slot, row] = low
    copies.high[slot, row] = high
    return row + 1


@kernel
def move_row(slot, row, to_row, copies):
    """Write a row once more in another place."""
    put_row(
        slot, to_row, copies.packet[slot, row], copies.base_ns[slot, row],
        copies.step_ns[slot, row], copies.low[slot, row], copies.high[slot, row], copies,
    )  # fmt: skip


@kernel
def split_row(slot, row, rank, copies):
    """Make two rows of one: the copies before `rank`, and in the next row those from it on."""
    for j in range(copies.rows[slot], row, -1):
        move_row(slot, j - 1, j, copies)
    copies.rows[slot] += 1
    copies.high[slot, row] = rank
    copies.low[slot, row + 1] = rank


@kernel
def precedence_of(e, packet, tree, egresses, flow):
    """Return a packet's class at an egress that has classes."""
    if packet == BACKGROUND:
        return egresses.others.precedence[e]
    return tree.precedence[flow.stream[packet]]


@kernel
def place_of_class(e, precedence, at_ns, tree, egresses, flow, copies):
    """Return the row before which copies that come at `at_ns` go, if need be after a split."""
    slot = tree.slot[e]
    row = copies.rows[slot]
    while row > 0:
        waits = row - 1
        if precedence_of(e, copies.packet[slot, waits], tree, egresses, flow) <= precedence:
            break
        base_ns, step_ns = copies.base_ns[slot, waits], copies.step_ns[slot, waits]
        low, high = copies.low[slot, waits], copies.high[slot, waits]
        # The copy of rank j begins at base + (j - 1) * step.
        if base_ns + (low - 1) * step_ns <= at_ns:
            not_begun = (at_ns - base_ns) // step_ns + 2
            if not_begun < high:
                split_row(slot, waits, not_begun, copies)
            break
        row = waits
    return row


@inner
def put_copies(e, slot, row, packet, begins_ns, need_ns, copied, withheld, children, tree, copies):
    """Write down the first `copied` copies of a packet, which begin at `begins_ns`."""
    done, high = 0, 0
    while done < copied:
        low, high = next_run(e, high, withheld, children, tree)
        high = min(high, low + copied - done)
        # The copy of rank `low` is the one after those that are done.
        base_ns = begins_ns + (done + 1 - low) * need_ns
        row = put_row(slot, row, packet, base_ns, need_ns, low, high, copies)
        done += high - low


@kernel
def refuse_rest(e, packet, accepted, withheld, children, at_ns, tree, flow, counts, bench):
    """Lose the copies of a packet after the first `accepted`."""
    done = 0
    low, high = next_run(e, 0, withheld, children, tree)
    while low < children:
        first = min(low + max(accepted - done, 0), high)
        refuse_copies(e, packet, first, high, at_ns, tree, flow, counts, bench)
        done += high - low
        low, high = next_run(e, high, withheld, children, tree)


@inner
def rows_of(e, copied, withheld, children, tree):
    """Return how many rows the first `copied` copies of a packet take."""
    rows, done, high = 0, 0, 0
    while done < copied:
        low, high = next_run(e, high, withheld, children, tree)
        done += high - low
        rows += 1
    return rows


@inner
def offer_copies(e, packet, ready_ns, tree, egresses, flow, copies, counts, bench):
    """Offer an egress one copy of a packet per child; return the service time accepted."""
    slot = tree.slot[e]
    children = tree.child_first[e + 1] - tree.child_first[e]
    withheld = withheld_rank(e, packet, children, tree, flow)
    due = count_copies(e, withheld, children, tree, counts)
    row = copies.rows[slot]
    if egresses.service[e] == NO_INTERFACE:
        copies.rows[slot] += rows_of(e, due, withheld, children, tree)
        put_copies(e, slot, row, packet, ready_ns, 0, due, withheld, children, tree, copies)
        return 0
    need_ns = flow.service_ns[egresses.service[e], flow.size_bytes[packet]]
    unsent_ns = max(egresses.free_ns[e] - ready_ns, 0)
    accepted = due
    if unsent_ns + due * need_ns > egresses.drain_ns[e]:
        accepted = max(egresses.drain_ns[e] - unsent_ns, 0) // need_ns
        refuse_rest(e, packet, accepted, withheld, children, ready_ns, tree, flow, counts, bench)
    if accepted > 0:
        begins_ns = ready_ns + unsent_ns
        rows = rows_of(e, accepted, withheld, children, tree)
        if egresses.priority[e] and unsent_ns > 0:
            precedence = precedence_of(e, packet, tree, egresses, flow)
            row = place_of_class(e, precedence, ready_ns, tree, egresses, flow, copies)
            begins_ns = make_way(slot, row, rows, accepted * need_ns, begins_ns, copies)
        else:
            copies.rows[slot] += rows
        put_copies(
            e, slot, row, packet, begins_ns, need_ns, accepted, withheld, children, tree, copies
        )
        backlog_ns = unsent_ns + accepted * need_ns
        egresses.free_ns[e] = ready_ns + backlog_ns
        counts.egress[e, BACKLOG_MAX_NS] = max(counts.egress[e, BACKLOG_MAX_NS], backlog_ns)
    return accepted * need_ns


@kernel
def make_way(slot, row, rows, need_ns, begins_ns, copies):
    """Move what is from `row` on by `rows` rows and `need_ns`; return when `row` then begins.

    That is `begins_ns` where nothing has to move.
    """
    count = copies.rows[slot]
    if row < count:
        begins_ns = copies.base_ns[slot, row]
        begins_ns += (copies.low[slot, row] - 1) * copies.step_ns[slot, row]
    for j in range(count - 1, row - 1, -1):
        copies.base_ns[slot, j] += need_ns
        move_row(slot, j, j + rows, copies)
    copies.rows[slot] = count + rows
    return begins_ns


@kernel
def offer_others(e, to_ns, tree, egresses, flow, copies, counts):
    """Offer an egress the packets of others that come before `to_ns`.

    Returns the service time accepted.
    """
    others, slot = egresses.others, tree.slot[e]
    children = tree.child_first[e + 1] - tree.child_first[e]
    busy_ns = 0
    while others.next_ns[e] < to_ns:
        at_ns = others.next_ns[e]
        next_background(e, at_ns, others)
        counts.egress[e, BACKGROUND_OFFERED] += 1
        drop_others(e, at_ns, children, tree, copies, counts)
        need_ns = flow.service_ns[egresses.service[e], others.size_bytes[e]]
        unsent_ns = max(egresses.free_ns[e] - at_ns, 0)
        backlog_ns = unsent_ns + need_ns
        if backlog_ns > egresses.drain_ns[e]:
            continue
        row, begins_ns = copies.rows[slot], at_ns + unsent_ns
        if egresses.priority[e] and unsent_ns > 0:
            precedence = others.precedence[e]
            row = place_of_class(e, precedence, at_ns, tree, egresses, flow, copies)
            begins_ns = make_way(slot, row, 1, need_ns, begins_ns, copies)
        else:
            copies.rows[slot] += 1
        base_ns = begins_ns + need_ns - children * need_ns
        put_row(slot, row, BACKGROUND, base_ns, need_ns, children, children + 1, copies)
        copies.others[slot] += 1
        if copies.others[slot] > 2 * tree.most_others:
            sweep_others(e, at_ns, children, tree, copies, counts)
        egresses.free_ns[e] = at_ns + backlog_ns
        busy_ns += need_ns
        counts.egress[e, BACKLOG_MAX_NS] = max(counts.egress[e, BACKLOG_MAX_NS], backlog_ns)
    return busy_ns


@kernel
def drop_others(e, at_ns, children, tree, copies, counts):
    """Forget the packets of others that are the last rows and have left by `at_ns`."""
    slot = tree.slot[e]
    row = copies.rows[slot]
    while row > 0 and copies.packet[slot, row - 1] == BACKGROUND:
        row -= 1
        if copies.base_ns[slot, row] + children * copies.step_ns[slot, row] > at_ns:
            return
        counts.egress[e, BACKGROUND_SENT] += 1
        copies.others[slot] -= 1
        copies.rows[slot] = row


@kernel
def sweep_others(e, at_ns, children, tree, copies, counts):
    """Forget all packets of others that have left by `at_ns`: what stays is in the memory.

    An egress that others never leave idle has room for what waits, not for all they send.
    """
    slot, kept, others = tree.slot[e], 0, 0
    for row in range(copies.rows[slot]):
        if copies.packet[slot, row] == BACKGROUND:
            if copies.base_ns[slot, row] + children * copies.step_ns[slot, row] <= at_ns:
                counts.egress[e, BACKGROUND_SENT] += 1
                continue
            others += 1
        if kept < row:
            move_row(slot, row, kept, copies)
        kept += 1
    copies.rows[slot], copies.others[slot] = kept, others


@kernel
def kill_copies(e, at_ns, tree, egresses, flow, copies, counts, bench):
    """Lose the copies that would leave at `at_ns` or later."""
    slot = tree.slot[e]
    row = copies.rows[slot]
    while row > 0:
        row -= 1
        low, high = copies.low[slot, row], copies.high[slot, row]
        alive = high
        while alive > low:
            if copies.base_ns[slot, row] + (alive - 1) * copies.step_ns[slot, row] < at_ns:
                break
            alive -= 1
        packet = copies.packet[slot, row]
        lose_copies(e, packet, alive, high, at_ns, tree, flow, counts, bench)
        copies.high[slot, row] = alive
        if alive > low:
            break
        copies.rows[slot] = row
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
        high = copies.high[slot, i]
        if copies.base_ns[slot, i] + (high - 1) * copies.step_ns[slot, i] >= at_ns:
            break
        i += 1
    if i == count:
        return
    sending = copies.low[slot, i]
    while copies.base_ns[slot, i] + sending * copies.step_ns[slot, i] < at_ns:
        sending += 1
    free_ns = copies.base_ns[slot, i] + sending * copies.step_ns[slot, i]
    if sending + 1 < copies.high[slot, i]:
        split_row(slot, i, sending + 1, copies)
        count += 1
    for j in range(i + 1, count):
        low, high = copies.low[slot, j], copies.high[slot, j]
        packet = copies.packet[slot, j]
        if packet == BACKGROUND:
            size_bytes = egresses.others.size_bytes[e]
        else:
            size_bytes = flow.size_bytes[packet]
        need_ns = flow.service_ns[egresses.service[e], size_bytes]
        copies.step_ns[slot, j] = need_ns
        copies.base_ns[slot, j] = free_ns + need_ns - low * need_ns
        free_ns += (high - low) * need_ns
    egresses.free_ns[e] = free_ns
