"""What an engine counts: cumulative integers per line, room and egress.

Both engines fill the same arrays, and equality packet for packet implies equality of every one
of them after every replay. A packet's fate is counted when it is decided: refusal at its
arrival, line loss at its last bit, a kill at the fault, delivery at arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SUBBUCKETS = 32  # buckets per factor of two: midpoints are within 1/64 = 1.6 % of any value
BUCKETS = 38 * SUBBUCKETS  # up to 2**38 ns = 275 s; longer delays count in the last bucket


class LineCount(IntEnum):
    """Columns of `Tally.line`: the down direction of each site's line."""

    OFFERED = 0  # packets that reached the transmitter
    OFFERED_BYTES = 1
    REFUSED = 2  # of those, refused because the line was down (also in LOST_OUTAGE)
    DELIVERED = 3
    DELIVERED_BYTES = 4
    LOST_OUTAGE = 5
    LOST_POLICER = 6
    LOST_QUEUE = 7
    LOST_LINE = 8
    BUSY_NS = 9  # time spent sending, up to the end of the last replay
    BACKLOG_MAX_NS = 10  # longest time to send all accepted bits, just after an acceptance
    DELAY_SUM_NS = 11  # of delivered packets, from the transmitter to the far end
    DELAY_MAX_NS = 12
    COPY_LOST_OUTAGE = 13  # copies for this line that died in the parent's relay or egress
    COPY_LOST_QUEUE = 14  # copies for this line that the parent's egress refused


class RoomCount(IntEnum):
    """Columns of `Tally.room`: the endpoint of each site that has one."""

    RECEIVED = 0
    RECEIVED_BYTES = 1
    LOST_OUTAGE = 2  # reached the site, whose relay was dead
    LOST_ENDPOINT = 3  # reached the site, whose room was dead
    DELAY_SUM_NS = 4  # one way, from the origin
    DELAY_MAX_NS = 5
    LAST_NS = 6  # arrival of the last packet; 0 before the first
    GAP_MAX_NS = 7  # longest time between packets, the first counted from time 0
    DARK_NS = 8  # sum of the gaps longer than the scenario's dark_after_ns
    DUPLICATES = 9


class EgressCount(IntEnum):
    """Columns of `Tally.egress`."""

    OFFERED = 0  # copies due: one per child for each packet that reached the relay
    LOST_OUTAGE = 1
    LOST_QUEUE = 2
    BUSY_NS = 3
    BACKLOG_MAX_NS = 4


class Fate(IntEnum):
    """What became of a packet on its way to a site, or at its room."""

    ARRIVED = 0  # at the site; at_ns is its arrival
    EGRESS_OUTAGE = 1  # in the parent's relay or egress; at_ns is its arrival there or the fault
    EGRESS_QUEUE = 2  # refused by the parent's egress
    LINE_OUTAGE = 3
    LINE_POLICER = 4
    LINE_QUEUE = 5
    LINE_LOSS = 6  # at its last bit
    ROOM_RECEIVED = 7
    ROOM_OUTAGE = 8  # the site's relay was dead
    ROOM_DEAD = 9


@dataclass(slots=True, kw_only=True)
class Tally:
    """Cumulative counts of a run so far.

    Attributes
    ----------
    line : (n, len(LineCount)) int64
    line_delay : (n, BUCKETS) uint32, histogram of the delay on the line itself
    room : (n, len(RoomCount)) int64; rows of sites without a room stay 0
    room_delay : (n, BUCKETS) uint32, histogram of the one-way delay from the origin
    egress : (e, len(EgressCount)) int64
    """

    line: NDArray[np.int64]
    line_delay: NDArray[np.uint32]
    room: NDArray[np.int64]
    room_delay: NDArray[np.uint32]
    egress: NDArray[np.int64]

    @classmethod
    def zeros(cls, sites: int, egresses: int) -> Tally:
        """Return a tally of nothing."""
        return cls(
            line=np.zeros((sites, len(LineCount)), dtype=np.int64),
            line_delay=np.zeros((sites, BUCKETS), dtype=np.uint32),
            room=np.zeros((sites, len(RoomCount)), dtype=np.int64),
            room_delay=np.zeros((sites, BUCKETS), dtype=np.uint32),
            egress=np.zeros((egresses, len(EgressCount)), dtype=np.int64),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FateLog:
    """Decided fates on the lines and in the rooms of watched sites, in no particular order.

    Attributes
    ----------
    site : (k,) int64, site number: the fate of a copy on its way from the parent, or in the room
    packet : (k,) int64, number of the packet in the run
    fate : (k,) int64, a Fate
    at_ns : (k,) int64, when it was decided
    """

    site: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    packet: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    fate: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    at_ns: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def bucket(delay_ns: int) -> int:
    """Return the histogram bucket of a delay: the power of two and five bits below it.

    Examples
    --------
    >>> bucket(1), bucket(2), bucket(33), bucket(2**40)
    (0, 32, 161, 1215)
    """
    delay_ns = max(delay_ns, 1)
    power = delay_ns.bit_length() - 1
    return min(power * SUBBUCKETS + (delay_ns * SUBBUCKETS >> power) - SUBBUCKETS, BUCKETS - 1)


def bucket_edges_ns() -> NDArray[np.float64]:
    """Return the lower edge of each bucket and the upper edge of the last, shape (BUCKETS + 1,)."""
    power, part = np.divmod(np.arange(BUCKETS + 1), SUBBUCKETS)
    return 2.0**power * (1 + part / SUBBUCKETS)
