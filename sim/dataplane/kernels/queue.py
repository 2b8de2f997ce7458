"""What a direction of a line has accepted and not delivered: places on the bench, in order.

Places `arrived` .. `count` - 1 hold it in order of departure, each with the instant at which it
will arrive. That may still change: where there are classes, a packet goes in before those of
higher precedence numbers that have not begun, and they move back by its service time. A packet
has begun when the one before it has left.

A packet picked for line loss stands there as `~packet`, one of others as OTHERS; neither arrives.
"""

from __future__ import annotations

from sim.compiled import inner, kernel
from sim.dataplane.kernels.arrival import note
from sim.dataplane.kernels.background import BACKGROUND
from sim.dataplane.kernels.source import LINE, OUTAGE, lose
from sim.dataplane.tally import Fate, LineCount

LOST_OUTAGE = int(LineCount.LOST_OUTAGE)
LOST_LINE = int(LineCount.LOST_LINE)
BACKGROUND_SENT = int(LineCount.BACKGROUND_SENT)
FATE_LINE_OUTAGE = int(Fate.LINE_OUTAGE)
FATE_LINE_LOSS = int(Fate.LINE_LOSS)

OTHERS = -(2**62)

# Columns of a carried packet.
PACKET, OFFERED_AT, ARRIVES_AT, LOST = range(4)


@inner
def packet_of(entry):
    """Return the packet of an entry that is not OTHERS."""
    return ~entry if entry < 0 else entry


@kernel
def size_of(entry, d, lines, flow):
    """Return the bytes of an entry."""
    if entry == OTHERS:
        return lines.others.size_bytes[d]
    return flow.size_bytes[packet_of(entry)]


@inner
def precedence_of(entry, d, lines, tree, flow):
    """Return the class of an entry on a line that has classes."""
    if entry == OTHERS:
        return lines.others.precedence[d]
    return tree.precedence[flow.stream[packet_of(entry)]]


@inner
def move(place, to_place, bench):
    """Write an entry once more in another place."""
    bench.packet[to_place] = bench.packet[place]
    bench.offered_ns[to_place] = bench.offered_ns[place]
    bench.arrival_ns[to_place] = bench.arrival_ns[place]


@inner
def make_way(d, first, count, precedence, at_ns, need_ns, lines, tree, flow, bench):
    """Return the place for a packet that is accepted at `at_ns`, free for it to stand in.

    It goes before what has a higher precedence number and has not begun; the entries are `first`
    to `count` - 1, and the first of them has begun.
    """
    begun_ns = at_ns + tree.propagation_ns[d]
    place = count
    while place - 2 >= first and bench.arrival_ns[place - 2] > begun_ns:
        if precedence_of(bench.packet[place - 1], d, lines, tree, flow) <= precedence:
            break
        place -= 1
        bench.arrival_ns[place] += need_ns
        move(place, place + 1, bench)
    return place


@kernel
def decide_special(d, place, tree, flow, counts, bench):
    """Decide an entry that does not arrive, as its last bit leaves."""
    if bench.packet[place] == OTHERS:
        counts.line[d, BACKGROUND_SENT] += 1
        return
    packet = packet_of(bench.packet[place])
    counts.line[d, LOST_LINE] += 1
    lose(d, packet, LINE, tree, flow, counts)
    if tree.watched[d]:
        leaves_ns = bench.arrival_ns[place] - tree.propagation_ns[d]
        note(tree.hop[d], packet, FATE_LINE_LOSS, leaves_ns, flow, bench)


@kernel
def sweep(d, first, count, to_ns, tree, flow, counts, bench):
    """Decide and take out the entries that do not arrive and leave before `to_ns`.

    They are sought from place `first` on; returns the new count.
    """
    left_ns = to_ns + tree.propagation_ns[d]
    kept = first
    for place in range(first, count):
        if bench.packet[place] < 0 and bench.arrival_ns[place] < left_ns:
            decide_special(d, place, tree, flow, counts, bench)
        else:
            if kept < place:
                move(place, kept, bench)
            kept += 1
    return kept


@kernel
def kill(d, first, count, leaving_from_ns, at_ns, tree, flow, counts, bench):
    """Lose at `at_ns` what leaves at `leaving_from_ns` or later; return the new count."""
    from_ns = leaving_from_ns + tree.propagation_ns[d]
    while count > first and bench.arrival_ns[count - 1] >= from_ns:
        count -= 1
        if bench.packet[count] == OTHERS:
            continue
        packet = packet_of(bench.packet[count])
        counts.line[d, LOST_OUTAGE] += 1
        lose(d, packet, OUTAGE, tree, flow, counts)
        if tree.watched[d]:
            note(tree.hop[d], packet, FATE_LINE_OUTAGE, at_ns, flow, bench)
    return count


@kernel
def retime(d, first, count, at_ns, tree, lines, flow, bench):
    """Give what waits at `at_ns` the line's present service time; what is being sent keeps its."""
    propagation_ns = tree.propagation_ns[d]
    sending = True
    for place in range(first, count):
        if bench.arrival_ns[place] - propagation_ns < at_ns:
            continue
        if not sending:
            size_bytes = size_of(bench.packet[place], d, lines, flow)
            need_ns = flow.service_ns[lines.service[d], size_bytes]
            bench.arrival_ns[place] = lines.free_ns[d] + need_ns + propagation_ns
        lines.free_ns[d] = bench.arrival_ns[place] - propagation_ns
        sending = False


@inner
def load(d, lines, bench):
    """Stand what was carried into this span on the bench; return (count, how many not arrive)."""
    specials = 0
    for i in range(lines.carried[d]):
        row = bench.old[lines.carried_at[d] + i]
        entry = row[PACKET]
        if entry == BACKGROUND:
            entry = OTHERS
        elif row[LOST]:
            entry = ~entry
        specials += entry < 0
        bench.packet[i] = entry
        bench.offered_ns[i] = row[OFFERED_AT]
        bench.arrival_ns[i] = row[ARRIVES_AT]
    return lines.carried[d], specials


@inner
def store(d, first, count, lines, bench):
    """Carry what is not decided out of this span."""
    used = bench.used[0]
    for i in range(count - first):
        row, entry = bench.new[used + i], bench.packet[first + i]
        row[PACKET] = BACKGROUND if entry == OTHERS else packet_of(entry)
        row[OFFERED_AT] = bench.offered_ns[first + i]
        row[ARRIVES_AT] = bench.arrival_ns[first + i]
        row[LOST] = OTHERS < entry < 0
    lines.carried_at[d] = used
    lines.carried[d] = count - first
    bench.used[0] = used + count - first
