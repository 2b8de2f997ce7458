"""What a run measured, as columns: rooms, lines, egresses, and the meeting's course.

Counts are integers and exact. What could not be known is NaN, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sim.metrics.histogram import Delays

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]


class Cause(IntEnum):
    """Why a packet was lost."""

    OUTAGE = 0
    POLICER = 1
    QUEUE = 2
    LINE = 3
    ENDPOINT = 4


CAUSES = tuple(cause.name.lower() for cause in Cause)
LINE_CAUSES = CAUSES[: Cause.LINE + 1]  # of losses on a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The r rooms, in preorder of their sites.

    Attributes
    ----------
    site : (r,) int64, site numbers
    due : (r,) int64, packets sent while the room was in the meeting
    received, duplicates, received_bytes : (r,) int64; `received` counts each packet once
    lost : (r, causes, tiers) int64, packets lost on the way to the room, or in it, by the tier
        where it happened
    delays : one way, from the origin
    gap_max_ns : (r,) int64, longest time without a packet, within the meeting or beginning in it
    dark_ns : (r,) int64, sum of the times without a packet that were longer than `dark_after_ns`
    """

    site: Int64Array
    due: Int64Array
    received: Int64Array
    duplicates: Int64Array
    received_bytes: Int64Array
    lost: Int64Array
    delays: Delays
    gap_max_ns: Int64Array
    dark_ns: Int64Array

    @property
    def lost_by_cause(self) -> Int64Array:
        """Packets lost, shape (r, causes)."""
        by_cause: Int64Array = self.lost.sum(axis=2)
        return by_cause

    @property
    def loss(self) -> Float64Array:
        """Share of the due packets that were lost, shape (r,); NaN where none was due."""
        return _share(self.lost.sum(axis=(1, 2)), self.due)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The down direction of the primary line of each of the n sites; row 0, the root's, is empty.

    Attributes
    ----------
    offered, offered_bytes, refused, delivered, delivered_bytes : (n,) int64
    lost : (n, 4) int64, by the causes OUTAGE to LINE
    delays : on the line, from the transmitter to the far end
    busy : (n,) float64, share of the meeting in which it was sending
    busy_peak : (n,) float64, the same in the timeline bin where it was largest
    queue_max_ns : (n,) int64, longest time to send everything accepted
    queue_max : (n,) float64, that as a share of the buffer; NaN where the rate was changed
        meanwhile, so that no one buffer can be named
    """

    offered: Int64Array
    offered_bytes: Int64Array
    refused: Int64Array
    delivered: Int64Array
    delivered_bytes: Int64Array
    lost: Int64Array
    delays: Delays
    busy: Float64Array
    busy_peak: Float64Array
    queue_max_ns: Int64Array
    queue_max: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Egresses:
    """The e egresses of the network; the shares are NaN where no interface is shared.

    Attributes
    ----------
    offered, sent : (e,) int64, copies
    lost : (e, 2) int64, copies lost by outage and queue
    busy, busy_peak, queue_max_ns, queue_max : as in `Lines`
    """

    offered: Int64Array
    sent: Int64Array
    lost: Int64Array
    busy: Float64Array
    busy_peak: Float64Array
    queue_max_ns: Int64Array
    queue_max: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rooms that are counted together in the timeline.

    Attributes
    ----------
    kind : `all`, `tier`, or the name of the second tier for what hangs on one of its sites
    id, name : the tier or the site; empty for `all`
    rooms : how many
    """

    kind: str
    id: str
    name: str
    rooms: int


class Course(IntEnum):
    """Columns of `Timeline.counts`."""

    DUE = 0
    RECEIVED = 1
    LOST_OUTAGE = 2
    LOST_POLICER = 3
    LOST_QUEUE = 4
    LOST_LINE = 5
    LOST_ENDPOINT = 6
    RECEIVED_BYTES = 7
    ROOMS_DARK = 8  # at the bin's end, but no later than the meeting's


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The meeting's course: b bins of g groups.

    What is due is counted when it is sent, what is lost or received when that is decided. The
    last bin begins at the meeting's end and holds what was decided after it.

    Attributes
    ----------
    groups : g Group; the first is all rooms
    start_ns, end_ns : (b,) int64; the last bin ends when nothing is left to decide
    counts : (b, g, len(Course)) int64
    """

    groups: tuple[Group, ...]
    start_ns: Int64Array
    end_ns: Int64Array
    counts: Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Everything a run measured.

    Attributes
    ----------
    duration_ns : length of the meeting
    packets : sent by the origin
    packet_hops : packets offered to an open line direction
    room_delays : over all rooms together, one row
    tier_delays : over the rooms of each tier together, a row per tier
    """

    duration_ns: int
    packets: int
    packet_hops: int
    endpoints: Endpoints
    lines: Lines
    egresses: Egresses
    timeline: Timeline
    room_delays: Delays
    tier_delays: Delays


def _share(part: Int64Array, whole: Int64Array) -> Float64Array:
    share: Float64Array = np.full(part.shape, np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
