"""Which row of the kernels' arrays each direction of a line stands in.

Kernels know a site's line by the site: rows s and n + s. So the line that a site begins to use
changes places with the one that it leaves; see `arrays.Tree`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.kernels import arrays
from sim.network.tree import Network


class Lodgings:
    """The rows of all directions, at one time.

    Attributes
    ----------
    hop : (2n + 2b,) int64, the direction in each row
    row : (2n + 2b,) int64, the row of each direction
    line : (n,) int64, the line that each site uses
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.hop = np.arange(network.kind.size)
        self.row = np.arange(network.kind.size)
        self.line = np.arange(len(network.sites))

    def use(self, site: int, line: int) -> list[tuple[int, int]]:
        """Have a site use a line; return the pairs of rows that have changed places."""
        n, network = self.line.size, self._network
        self.line[site] = line
        pairs = []
        for own, direction in ((site, network.down(line)), (n + site, network.up(line))):
            other = int(self.row[direction])
            if other != own:
                pairs.append((own, other))
                self.hop[[own, other]] = self.hop[[other, own]]
                self.row[self.hop[[own, other]]] = own, other
        return pairs


def exchange(pairs: Iterable[tuple[int, int]], columns: Iterable[NDArray[np.generic]]) -> None:
    """Exchange pairs of rows of some arrays."""
    for column in columns:
        for one, other in pairs:
            column[[one, other]] = column[[other, one]]


def of_lines(lines: arrays.Lines, chains: arrays.Chains) -> list[NDArray[np.generic]]:
    """Return the arrays whose rows are of lines, not of the sites at their ends."""
    own = [
        lines.up,
        lines.in_use,
        lines.service,
        lines.drain_ns,
        lines.free_ns,
        lines.accepted,
        lines.carried_at,
        lines.carried,
        lines.priority,
        *lines.buckets,
        *chains,
    ]
    others = lines.others._asdict()
    for name in ("spacing_ns", "begins_ns", "until_ns"):
        del others[name]
    return [*own, *others.values()]
