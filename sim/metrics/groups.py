"""Delays of many sites together: the rooms of a tier, and sites that share their histograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import Histogram, LineCount, RoomCount, StreamCount, Tally
from sim.grouping import Grouping
from sim.metrics.due import Due
from sim.metrics.histogram import Delays, delays, merged
from sim.metrics.measures import Groups
from sim.network.tree import Network

Int64Array = NDArray[np.int64]


def room_histograms(
    grouping: Grouping, tally: Tally, parts: Sequence[Int64Array]
) -> NDArray[np.int64]:
    """Return the histogram over the rooms of some sites together, (parts, BUCKETS) int64.

    Sites that share a histogram must all be in one part, but for those without a room.
    """
    shared = [np.unique(grouping.site[sites]) for sites in parts]
    return np.array([merged(tally.room_delay, rows) for rows in shared])


def rooms_together(
    histograms: NDArray[np.int64], tally: Tally, parts: Sequence[Int64Array]
) -> Delays:
    """Return the delays over the rooms of some sites together, a row for each of `parts`.

    Parameters
    ----------
    histograms : (parts, BUCKETS), of the rooms of each part
    """
    room = [tally.room[sites] for sites in parts]
    return delays(
        histograms,
        count=np.array([counts[:, RoomCount.RECEIVED].sum() for counts in room]),
        sum_ns=np.array([counts[:, RoomCount.DELAY_SUM_NS].sum() for counts in room]),
        max_ns=np.array([counts[:, RoomCount.DELAY_MAX_NS].max(initial=0) for counts in room]),
    )


def groups(network: Network, tally: Tally, due: Due) -> Groups | None:
    """Return the groups of sites that share histograms; None where each site has its own."""
    grouping = network.grouping
    if not grouping.shared:
        return None
    n = len(network.sites)
    down, up = tally.line[:n], tally.line[n : 2 * n]
    down_delay, up_delay = np.split(tally.line_delay, 2)
    came_up = tally.stream[:, due.up]
    line = (LineCount.DELIVERED, LineCount.DELAY_SUM_NS, LineCount.DELAY_MAX_NS)
    room = (RoomCount.RECEIVED, RoomCount.DELAY_SUM_NS, RoomCount.DELAY_MAX_NS)
    return Groups(
        tier=grouping.tier,
        branch=grouping.branch,
        sites=np.bincount(grouping.site),
        rooms=np.bincount(grouping.site[network.room], minlength=grouping.groups),
        down=_of_groups(grouping, down_delay, *down[:, line].T),
        up=_of_groups(grouping, up_delay, *up[:, line].T),
        room_delays=_of_groups(grouping, tally.room_delay, *tally.room[:, room].T),
        source_delays=_of_groups(
            grouping,
            tally.up_delay,
            came_up[:, :, StreamCount.RECEIVED].sum(axis=1),
            came_up[:, :, StreamCount.DELAY_SUM_NS].sum(axis=1),
            came_up[:, :, StreamCount.DELAY_MAX_NS].max(axis=1, initial=0),
        ),
    )


def _of_groups(
    grouping: Grouping,
    histogram: Histogram,
    count: Int64Array,
    sum_ns: Int64Array,
    max_ns: Int64Array,
) -> Delays:
    """Return the delays of each group; `count`, `sum_ns` and `max_ns` are (n,), of each site."""
    largest_ns = np.zeros(grouping.groups, dtype=np.int64)
    np.maximum.at(largest_ns, grouping.site, max_ns)
    return delays(
        histogram,
        count=grouping.totals(count),
        sum_ns=grouping.totals(sum_ns),
        max_ns=largest_ns,
    )
