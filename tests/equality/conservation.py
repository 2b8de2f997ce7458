"""Nothing is lost without a cause: the sums that must hold once a run has drained."""

from __future__ import annotations

from collections import Counter

import numpy as np

from sim.dataplane.engine import Engine
from sim.dataplane.tally import EgressCount, Fate, LineCount, RoomCount
from sim.network.tree import Network

HOP_FATES = range(Fate.ARRIVED, Fate.LINE_LOSS + 1)


def assert_conserved(network: Network, engine: Engine, sent: int) -> None:
    """Fail unless every packet of a drained run has exactly one fate wherever it was due.

    All sites must have been watched; `sent` is how many packets the root sent.
    """
    assert engine.pending() == 0
    line, room, egress = engine.tally.line.T, engine.tally.room.T, engine.tally.egress.T
    reached = line[LineCount.DELIVERED].copy()
    reached[0] = sent
    np.testing.assert_array_equal(
        line[LineCount.OFFERED],
        line[LineCount.DELIVERED]
        + line[LineCount.LOST_OUTAGE]
        + line[LineCount.LOST_POLICER]
        + line[LineCount.LOST_QUEUE]
        + line[LineCount.LOST_LINE],
    )
    np.testing.assert_array_equal(engine.tally.line_delay.sum(axis=1), line[LineCount.DELIVERED])
    np.testing.assert_array_equal(
        np.where(network.room, reached, 0),
        room[RoomCount.RECEIVED] + room[RoomCount.LOST_OUTAGE] + room[RoomCount.LOST_ENDPOINT],
    )
    np.testing.assert_array_equal(engine.tally.room_delay.sum(axis=1), room[RoomCount.RECEIVED])
    for number, site in enumerate(network.egress_site.tolist()):
        children = network.children[network.child_first[number] : network.child_first[number + 1]]
        offered, outage, queue = egress[: EgressCount.LOST_QUEUE + 1, number]
        assert offered == reached[site] * children.size
        assert outage == line[LineCount.COPY_LOST_OUTAGE, children].sum()
        assert queue == line[LineCount.COPY_LOST_QUEUE, children].sum()
        assert offered == outage + queue + line[LineCount.OFFERED, children].sum()
    assert_one_fate_each(network, engine, sent)


def assert_one_fate_each(network: Network, engine: Engine, sent: int) -> None:
    """Fail unless the fates are one per packet due at each hop, and one per packet at a room."""
    fates = engine.fates()
    reached: dict[int, set[int]] = {0: set(range(sent))}
    is_hop = np.isin(fates.fate, HOP_FATES)
    for site in range(1, len(network.sites)):
        here = is_hop & (fates.site == site)
        due = Counter(fates.packet[here].tolist())
        assert due == Counter(reached[int(network.parent[site])])
        reached[site] = set(fates.packet[here & (fates.fate == Fate.ARRIVED)].tolist())
    for site in range(len(network.sites)):
        shown = Counter(fates.packet[~is_hop & (fates.site == site)].tolist())
        assert shown == Counter(reached[site] if network.room[site] else ())
