"""What each site is due and what is lost on its way, while sites use other lines.

A site's way is its own lines' losses and what is true of its parent while it hangs there. When it
moves, what was so far is kept as an *offset* to what is so far at its new parent, so nothing is
counted twice. What has passed the new parent's relay by then and not yet the old one's is
*skipped*; where the old one was ahead, packets come twice, and what is skipped is negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.edit import UseLine
from sim.dataplane.tally import EgressCount, LineCount, StreamCount, Tally
from sim.metrics.due import Due
from sim.metrics.measures import Cause
from sim.network.layout import Layout, first_layout, lay_out
from sim.network.tree import Network
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]

LINE_LOSSES = {
    Cause.OUTAGE: LineCount.LOST_OUTAGE,
    Cause.POLICER: LineCount.LOST_POLICER,
    Cause.QUEUE: LineCount.LOST_QUEUE,
    Cause.LINE: LineCount.LOST_LINE,
}


class WayDown:
    """Follows the ways of all sites of one run.

    Attributes
    ----------
    moved : whether any site has used another line
    """

    def __init__(self, scenario: Scenario, network: Network, due: Due) -> None:
        n, tiers = len(network.sites), len(network.tiers)
        self.moved = False
        self._network = network
        self._down = due.down
        self._layout: Layout = first_layout(network)
        self._downs = np.array(
            [network.down(line) for line in range(network.line_site.size)], dtype=np.int64
        )
        site, above = network.line_site, network.tier[np.maximum(network.line_parent, 0)]
        booked = [(cause, network.tier[site], column) for cause, column in LINE_LOSSES.items()]
        booked += [
            (Cause.OUTAGE, above, LineCount.COPY_LOST_OUTAGE),
            (Cause.QUEUE, above, LineCount.COPY_LOST_QUEUE),
        ]
        # Of each line and column, the cell of `_own` it is booked to.
        self._booked = [
            ((site * len(Cause) + int(cause)) * tiers + at, column) for cause, at, column in booked
        ]
        # Offsets: what was lost above, what passed the relay above, what was due from above.
        self._lost = np.zeros((n, len(Cause), tiers), dtype=np.int64)
        self._passed = np.zeros(n, dtype=np.int64)
        self._due = np.zeros((n, len(scenario.streams)), dtype=np.int64)

    def move(self, moves: Sequence[UseLine], tally: Tally) -> None:
        """Have sites use other lines; `tally` has the counts up to that instant."""
        own, lost, due = self._own(tally), self.lost(tally), self.due(tally)
        passed, sent = self._passed_relays(tally), self._sent_down(tally)
        parent = self._layout.parent.copy()
        for edit in moves:
            s, old = edit.target, int(parent[edit.target])
            new = int(self._network.line_parent[edit.line])
            parent[s] = new
            self._lost[s] = lost[s] - own[s] - lost[new]
            self._passed[s] += passed[old] - passed[new]
            self._due[s] = due[s] - due[new] - sent[new]
        self.moved = True
        self._layout = lay_out(parent)

    def lost(self, tally: Tally) -> Int64Array:
        """Return what was lost from the root down to each site, (n, causes, tiers) int64.

        A line's losses are booked to the tier of its lower end, those of a relay and its egress to
        that of the relay. Without what was lost in the rooms themselves and what was skipped; with
        a speaker's own packets on the way back.
        """
        return self._along(self._own(tally) + self._lost)

    def due(self, tally: Tally) -> Int64Array:
        """Return what was sent down above each site, of each stream, (n, streams) int64."""
        first = self._due.copy()
        sent = self._sent_down(tally)
        below = np.arange(1, len(sent))
        first[below] += sent[self._layout.parent[below]]
        return self._along(first)

    def skipped(self) -> Int64Array:
        """Return what each site has skipped, (n, tiers), by the tier of the site that moved."""
        own = self._due.sum(axis=1) - self._lost.sum(axis=(1, 2)) - self._passed
        skipped = np.zeros((own.size, len(self._network.tiers)), dtype=np.int64)
        skipped[np.arange(own.size), self._network.tier] = own
        return self._along(skipped)

    def _along(self, own: Int64Array) -> Int64Array:
        """Return the sums of what is each site's own over its way from the root."""
        total, layout = own, self._layout
        for depth in range(1, int(layout.depth.max(initial=0)) + 1):
            level = np.flatnonzero(layout.depth == depth)
            total[level] += total[layout.parent[level]]
        return total

    def _own(self, tally: Tally) -> Int64Array:
        """Return what was lost on the lines of each site, and before them."""
        lines, n = tally.line[self._downs], len(self._lost)
        lost = np.zeros_like(self._lost)
        flat = lost.reshape(-1)
        for cells, column in self._booked:
            flat[cells[:n]] += lines[:n, column]  # of a primary line for each site
            np.add.at(flat, cells[n:], lines[n:, column])
        return lost

    def _passed_relays(self, tally: Tally) -> Int64Array:
        """Return of how many packets each relay has made copies, or lost them, (n,)."""
        network = self._network
        counts = tally.egress[:, [EgressCount.OFFERED, EgressCount.WITHHELD, EgressCount.UNSERVED]]
        children = np.diff(network.child_first)
        feeding = np.flatnonzero(children)
        passed = np.zeros(len(network.sites), dtype=np.int64)
        passed[network.egress_site[feeding]] = counts.sum(axis=1)[feeding] // children[feeding]
        return passed

    def _sent_down(self, tally: Tally) -> Int64Array:
        """Return what each relay has sent down itself, by stream."""
        sent = np.zeros_like(self._due)
        sent[:, self._down] = tally.stream[:, self._down, StreamCount.SENT]
        return sent
