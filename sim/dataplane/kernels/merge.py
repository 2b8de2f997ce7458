"""Merging what several places send to one relay into the one order of the contract.

Packets are ordered by time; packets of one instant by origin, stream and sequence number. A
*run* is rows (packet, ns) in that order. A packet that ends where it has come to, and is not yet
heard there, stands in a run as `~packet`.
"""

from __future__ import annotations

from sim.compiled import inner, kernel

# Columns of a row of a run.
PACKET, AT = range(2)


@inner
def child_at(e, i, tree):
    """Return the child at place `i` of egress `e`, if it uses the line that is fed there; or -1."""
    child = tree.children[i]
    here = tree.feed[child] == e and tree.rank[child] == i - tree.child_first[e]
    return child if here else -1


@kernel
def precedes(one, one_ns, other, other_ns, tree, flow):
    """Say whether a packet comes before another one at the same relay."""
    if one_ns != other_ns:
        return one_ns < other_ns
    one, other = max(one, ~one), max(other, ~other)
    a, b = tree.order[flow.origin[one]], tree.order[flow.origin[other]]
    if a != b:
        return a < b
    if flow.stream[one] != flow.stream[other]:
        return flow.stream[one] < flow.stream[other]
    return flow.sequence[one] < flow.sequence[other]


@kernel
def merge_pair(low, middle, high, rows, spare, tree, flow):
    """Merge rows low .. middle-1 with rows middle .. high-1 into the same places of `spare`."""
    i, j = low, middle
    for place in range(low, high):
        if j == high or (
            i < middle
            and precedes(rows[i, PACKET], rows[i, AT], rows[j, PACKET], rows[j, AT], tree, flow)
        ):
            spare[place, PACKET], spare[place, AT] = rows[i, PACKET], rows[i, AT]
            i += 1
        else:
            spare[place, PACKET], spare[place, AT] = rows[j, PACKET], rows[j, AT]
            j += 1


@kernel
def merge_runs(runs, bounds, rows, spare, tree, flow):
    """Merge runs into one: run r is rows bounds[r] .. bounds[r+1]-1. `bounds` is used up."""
    while runs > 1:
        kept = 0
        for r in range(0, runs, 2):
            low, middle = bounds[r], bounds[r + 1]
            high = bounds[r + 2] if r + 1 < runs else middle
            merge_pair(low, middle, high, rows, spare, tree, flow)
            bounds[kept] = low
            kept += 1
        bounds[kept] = bounds[runs]
        for i in range(bounds[0], bounds[kept]):
            rows[i, PACKET], rows[i, AT] = spare[i, PACKET], spare[i, AT]
        runs = kept
