"""The meeting's course: what each group of rooms was due, received and lost in each bin.

A loss on a line is a loss to every room below it, so each line's losses are weighted by the
group's rooms below. Sites are in preorder, so the rooms below are a difference of running sums.
What a speaker loses on the way up is a loss to every room but the speaker's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import LineCount, RoomCount, Tally
from sim.metrics.attendance import Attendance
from sim.metrics.due import Due
from sim.metrics.measures import Course, Group, Timeline
from sim.network.tree import Network

Int64Array = NDArray[np.int64]


class TimelineMeter:
    """Turns cumulative counts into rows, one for each bin and group."""

    def __init__(
        self,
        network: Network,
        due: Due,
        attendance: Attendance,
        *,
        duration_ns: int,
    ) -> None:
        self._network = network
        self._due = due
        self._attendance = attendance
        self._duration_ns = duration_ns
        self._rooms = np.flatnonzero(network.room)
        self._branches = np.flatnonzero(network.parent == 0)
        tier = network.tier[self._rooms]
        belongs = tier[:, None] == np.arange(len(network.tiers))
        rooms = [self._rooms.size, *belongs.sum(axis=0), *_rooms_of(network, self._branches)]
        self._kept = np.flatnonzero(rooms)  # groups without a room say nothing
        self._group_rooms = np.array(rooms, dtype=np.int64)[self._kept]
        self._room = network.room.astype(np.int64)
        self._tier_of_room = np.zeros((len(network.tiers), network.room.size), dtype=np.int64)
        self._tier_of_room[:, self._rooms] = belongs.T
        # Rooms of all groups but the branches at or below each site, (1 + tiers, n).
        running = np.zeros((1 + len(network.tiers), network.parent.size + 1), dtype=np.int64)
        running[0, 1:] = self._room
        running[1:, 1:] = self._tier_of_room
        running = running.cumsum(axis=1)
        self._below = running[:, network.end] - running[:, :-1]
        self._strictly_below = self._below - np.diff(running, axis=1)
        self._branch_rooms = _rooms_of(network, self._branches)
        self._before = np.zeros((self._kept.size, len(Course)), dtype=np.int64)
        self._end_ns = 0
        self._bins: list[tuple[int, int, Int64Array]] = []

    def close_bin(self, end_ns: int, tally: Tally) -> None:
        """Add a row for each group: what was decided since the last bin's end."""
        cumulative = self._cumulative(tally, end_ns)
        row = cumulative - self._before
        self._before = cumulative
        since_ns = self._attendance.dark_since_ns(tally, min(end_ns, self._duration_ns))
        row[:, Course.ROOMS_DARK] = self._by_group((since_ns >= 0).astype(np.int64)[None])[0]
        self._bins.append((self._end_ns, end_ns, row))
        self._end_ns = end_ns

    def finish(self) -> Timeline:
        """Return all bins so far."""
        network = self._network
        kind = network.tiers[1] if len(network.tiers) > 1 else ""
        names = [
            ("all", "", ""),
            *(("tier", tier, tier) for tier in network.tiers),
            *((kind, network.sites[s].id, network.sites[s].name) for s in self._branches),
        ]
        groups = [
            Group(kind=names[g][0], id=names[g][1], name=names[g][2], rooms=int(rooms))
            for g, rooms in zip(self._kept, self._group_rooms, strict=True)
        ]
        return Timeline(
            groups=tuple(groups),
            start_ns=np.array([start_ns for start_ns, _, _ in self._bins], dtype=np.int64),
            end_ns=np.array([end_ns for _, end_ns, _ in self._bins], dtype=np.int64),
            counts=np.array([row for _, _, row in self._bins], dtype=np.int64).reshape(
                len(self._bins), self._kept.size, len(Course)
            ),
        )

    def _cumulative(self, tally: Tally, now_ns: int) -> Int64Array:
        """Return the counts from time 0 of each group kept, (groups, len(Course))."""
        if self._attendance.changes:
            return self._counted(tally, now_ns)
        room = tally.room
        received, outage, endpoint, received_bytes = self._by_group(
            np.array(
                [
                    room[:, RoomCount.RECEIVED],
                    room[:, RoomCount.LOST_OUTAGE],
                    room[:, RoomCount.LOST_ENDPOINT],
                    room[:, RoomCount.RECEIVED_BYTES],
                ]
            )
        )
        lost = self._lost_on_the_way(tally)
        counts = np.zeros((self._kept.size, len(Course)), dtype=np.int64)
        counts[:, Course.DUE] = self._due_from_above(tally)
        counts[:, Course.DUE] += self._from_speakers(self._due.sent_floor(tally)[None])[0]
        counts[:, Course.RECEIVED] = received
        counts[:, Course.LOST_OUTAGE : Course.LOST_PORT + 1] = lost.T
        counts[:, Course.LOST_OUTAGE] += outage
        counts[:, Course.LOST_ENDPOINT] += endpoint
        counts[:, Course.RECEIVED_BYTES] = received_bytes
        return counts

    def _counted(self, tally: Tally, now_ns: int) -> Int64Array:
        """As `_cumulative`, room by room, where rooms come and go or sites move."""
        counted = self._attendance.counted(tally, now_ns)
        counts = np.zeros((self._kept.size, len(Course)), dtype=np.int64)
        room = np.array(
            [
                counted.due.sum(axis=1),
                counted.received,
                *counted.lost.sum(axis=2).T,
                tally.room[:, RoomCount.RECEIVED_BYTES],
            ]
        )
        groups = self._by_group(room * self._room)
        counts[:, Course.DUE], counts[:, Course.RECEIVED] = groups[0], groups[1]
        counts[:, Course.LOST_OUTAGE : Course.LOST_PORT + 1] = groups[2:-1].T
        counts[:, Course.RECEIVED_BYTES] = groups[-1]
        return counts

    def _due_from_above(self, tally: Tally) -> Int64Array:
        """Return what down streams' packets were due to each group's rooms, (groups,)."""
        sent = self._due.sent_down(tally)
        branches = self._sum_branches((sent * self._strictly_below[0])[None])[0]
        branches += sent[0] * self._branch_rooms
        tiers = _products(sent[None], self._strictly_below)[0]
        due: Int64Array = np.concatenate([tiers, branches])[self._kept]
        return due

    def _lost_on_the_way(self, tally: Tally) -> Int64Array:
        """Return what was lost before it reached the groups' rooms, (causes, groups)."""
        line = tally.line[: self._room.size]
        down = np.array(
            [
                line[:, LineCount.LOST_OUTAGE] + line[:, LineCount.COPY_LOST_OUTAGE],
                line[:, LineCount.LOST_POLICER],
                line[:, LineCount.LOST_QUEUE] + line[:, LineCount.COPY_LOST_QUEUE],
                line[:, LineCount.LOST_LINE],
                # Nothing dies of a room on its way to it, or for want of a port on its way down.
                *np.zeros((2, len(line)), dtype=np.int64),
            ]
        )
        groups = [_products(down, self._below), self._sum_branches(down * self._below[0])]
        lost: Int64Array = np.concatenate(groups, axis=1)[:, self._kept]
        lost += self._from_speakers(tally.floor_lost[self._due.speakers].sum(axis=2).T)
        lost -= self._of_speakers(tally.own_lost[self._due.speakers].sum(axis=2).T)
        return lost

    def _from_speakers(self, values: Int64Array) -> Int64Array:
        """Sum (k, speakers) over each group's rooms but the speaker's own: (k, groups)."""
        all_speakers: Int64Array = values.sum(axis=1, keepdims=True) * self._group_rooms
        return all_speakers - self._of_speakers(values)

    def _of_speakers(self, values: Int64Array) -> Int64Array:
        """Sum (k, speakers) over the speakers in each group kept: (k, groups)."""
        everywhere = np.zeros((len(values), self._room.size), dtype=np.int64)
        everywhere[:, self._due.speakers] = values * self._room[self._due.speakers]
        return self._by_group(everywhere)

    def _by_group(self, values: Int64Array) -> Int64Array:
        """Sum (k, n), 0 at sites without a room, over the rooms of each group kept: (k, groups)."""
        return np.concatenate(
            [
                values.sum(axis=1, keepdims=True),
                _products(values, self._tier_of_room),
                self._sum_branches(values),
            ],
            axis=1,
        )[:, self._kept]

    def _sum_branches(self, values: Int64Array) -> Int64Array:
        """Sum (k, n) over the sites of each branch: (k, branches), exact.

        In preorder the branches follow each other without a gap, from site 1 to the last.
        """
        if not self._branches.size:
            return np.zeros((len(values), 0), dtype=np.int64)
        return np.add.reduceat(values, self._branches, axis=1)


def _rooms_of(network: Network, sites: Int64Array) -> Int64Array:
    """Return how many rooms are at or below each of some sites."""
    running = np.concatenate([[0], np.cumsum(network.room)])
    rooms: Int64Array = running[network.end[sites]] - running[sites]
    return rooms


def _products(left: Int64Array, right: Int64Array) -> Int64Array:
    """Return the sums of products of rows, (i, n) and (j, n) -> (i, j).

    What `left @ right.T` says; but for integers that is four times as slow.
    """
    products: Int64Array = np.einsum("in,jn->ij", left, right)
    return products
