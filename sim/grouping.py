"""Which sites share a histogram of delays: none up to a limit, above it those of a tier and branch.

A histogram takes 4.9 kB or 9.7 kB, and a site is counted in four: of its line's two directions, of
its room, and of what it sends up. So in a meeting of a million rooms they cannot all be kept. A
branch is what hangs on one child of the root, as in the timeline. Everything else is counted for
each site, however many there are (docs/decisions/0009).

The one rule for both engines, for the measures, and for what a scenario may ask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_ROOMS = 100_000  # with histograms of their own
MOST_GROUPS = 2_000  # by tier and branch; where there would be more, they are by tier

EVERYWHERE = -1  # the branch of a group that is of no single one

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """The g groups of n sites; sites of one group have one tier.

    Attributes
    ----------
    shared : whether sites share histograms; else each is a group of its own, by number
    site : (n,) int64, the group of each site
    tier : (g,) int64, the tier of its sites
    branch : (g,) int64, the child of the root on which they hang; EVERYWHERE: on any, or the root
    """

    shared: bool
    site: Int64Array
    tier: Int64Array
    branch: Int64Array

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return self.tier.size

    def totals(self, values: Int64Array) -> Int64Array:
        """Return the sums over each group's sites, (n,) -> (g,) int64, exact."""
        sums = np.zeros(self.groups, dtype=np.int64)
        np.add.at(sums, self.site, values)
        return sums


def is_shared(rooms: int) -> bool:
    """Return whether the sites of a meeting with so many rooms share histograms."""
    return rooms > MOST_ROOMS


def alone(tier: Int64Array) -> Grouping:
    """Return each site as a group of its own; `tier` is (n,) int64."""
    return Grouping(
        shared=False,
        site=np.arange(tier.size),
        tier=tier,
        branch=np.full(tier.size, EVERYWHERE),
    )


def group(*, tier: Int64Array, parent: Int64Array, end: Int64Array, rooms: int) -> Grouping:
    """Return the groups of a tree in preorder that has so many rooms.

    Parameters
    ----------
    tier, parent, end : (n,) int64, as in `Network`

    Examples
    --------
    Site 1 hangs on the root and has site 2 below it, and so have 3 and 4.

    >>> tier, parent = np.array([0, 1, 2, 1, 2]), np.array([-1, 0, 1, 0, 3])
    >>> end = np.array([5, 3, 3, 5, 5])
    >>> group(tier=tier, parent=parent, end=end, rooms=4).site.tolist()
    [0, 1, 2, 3, 4]
    >>> many = group(tier=tier, parent=parent, end=end, rooms=MOST_ROOMS + 1)
    >>> many.site.tolist(), many.branch.tolist()
    ([0, 1, 3, 2, 4], [-1, 1, 3, 1, 3])
    """
    if not is_shared(rooms):
        return alone(tier)
    branch = np.full(tier.size, EVERYWHERE)
    tops = np.flatnonzero(parent == 0)
    # In preorder the branches follow each other without a gap, from site 1 to the last.
    branch[1:] = np.repeat(tops, end[tops] - tops)
    for branches in (branch, np.full(tier.size, EVERYWHERE)):
        pairs = tier * (tier.size + 1) + branches - EVERYWHERE
        _, first, site = np.unique(pairs, return_index=True, return_inverse=True)
        if first.size <= MOST_GROUPS:
            break
    return Grouping(shared=True, site=site, tier=tier[first], branch=branches[first])
