"""A walk over part of the tree: each site's line, then its relay, parents before children."""

from __future__ import annotations

from sim.dataplane.kernels.compiled import entry
from sim.dataplane.kernels.line import carry_line
from sim.dataplane.kernels.relay import carry_relay


@entry
def walk(
    sites, begin, start_ns, end_ns,
    tree, lines, relays, egresses, chains, tables, flow, line_changes, relay_changes,
    copies, counts, bench,
):  # fmt: skip
    """Replay sites[begin:] over [start_ns, end_ns); return where it stopped.

    It stops before a site whose rows may not fit the pool or the log any more; the caller
    enlarges them and calls again from there.
    """
    capacity = bench.packet.size
    for position in range(begin, sites.size):
        s = sites[position]
        first_egress, last_egress = tree.site_egress_first[s], tree.site_egress_first[s + 1]
        # A site carries out at most every packet on its line, in processing, in each egress.
        if bench.used[0] + capacity * (2 + last_egress - first_egress) > bench.new.shape[0]:
            return position
        fates = 2
        for e in range(first_egress, last_egress):
            fates += tree.child_first[e + 1] - tree.child_first[e]
        if bench.log.shape[0] and bench.used[1] + capacity * fates > bench.log.shape[0]:
            return position
        if s == 0:
            arrived = flow.sent_ns.size - flow.new
            for i in range(arrived):
                bench.packet[i] = flow.new + i
                bench.arrival_ns[i] = flow.sent_ns[flow.new + i]
        else:
            arrived = carry_line(
                s, start_ns, end_ns,
                tree, lines, chains, tables, flow, line_changes, copies, counts, bench,
            )  # fmt: skip
        if tree.relay[s]:
            carry_relay(
                s, arrived, start_ns, end_ns,
                tree, relays, egresses, flow, relay_changes, copies, counts, bench,
            )  # fmt: skip
    return sites.size
