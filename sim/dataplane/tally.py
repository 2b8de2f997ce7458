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

from sim.grouping import Grouping

SUBBUCKETS = 32  # buckets per factor of two: midpoints are within 1/64 = 1.6 % of any value
BUCKETS = 38 * SUBBUCKETS  # up to 2**38 ns = 275 s; longer delays count in the last bucket

Histogram = NDArray[np.integer]


class LineCount(IntEnum):
    """Columns of `Tally.line`: each direction of each site's line."""

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
    COPY_LOST_OUTAGE = 13  # packets for it that died in the relay or egress before it
    COPY_LOST_QUEUE = 14  # copies for it that the parent's egress refused
    BACKGROUND_OFFERED = 15  # packets of others
    BACKGROUND_SENT = 16  # of those, sent to the last bit


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
    DARK_NS = 8  # sum of its dark intervals that are over; see `DARK_SINCE`
    DUPLICATES = 9  # came once more, or later than what follows it; not received
    ABSENT = 10  # reached the site, whose room did not take part
    DARK_SINCE = 11  # 1 + when the dark interval that is not over began; 0: it is not dark


class EgressCount(IntEnum):
    """Columns of `Tally.egress`."""

    OFFERED = 0  # copies due: one per child for each packet, when they are made, or lost before
    LOST_OUTAGE = 1
    LOST_QUEUE = 2
    BUSY_NS = 3
    BACKLOG_MAX_NS = 4
    WITHHELD = 5  # copies not made because the child is the packet's origin; not OFFERED
    BACKGROUND_OFFERED = 6  # packets of others
    BACKGROUND_SENT = 7  # of those, sent to the last bit
    UNSERVED = 8  # copies not made since the line is not in use, or the room does not take part


class StreamCount(IntEnum):
    """Columns of `Tally.stream`: a site as a listener to a stream, and as a source of it.

    The listener is the site's room; to an `up` stream it is the relay where the stream ends, and
    the row is the origin's.
    """

    RECEIVED = 0
    DELAY_SUM_NS = 1  # one way, from the origin; a composite's transcoding included
    DELAY_MAX_NS = 2
    LAST_NS = 3  # arrival of the last packet; 0 before the first
    LAST_TRANSIT_NS = 4  # its delay
    JITTER_16NS = 5  # sixteen times the interarrival jitter (RFC 3550, appendix A.8)
    JITTER_MAX_16NS = 6
    FREEZES = 7
    FROZEN_NS = 8
    LOSS_RUNS = 9  # of what comes down: times when packets were missing before one that came
    LOSS_RUN_PACKETS = 10  # how many were; none where nothing came for longer than `dark_after_ns`
    NEXT_SEQUENCE = 11  # of the source heard last, what follows the highest that came
    LAST_ORIGIN = 12  # 1 + the site that sent what it heard last; 0 before the first
    SENT = 13  # as a source
    ENDED = 14  # of those, reached the relay where the way up ends; `floor`: the root, even dead
    LOST_OUTAGE = 15  # lost on the way up
    LOST_POLICER = 16
    LOST_QUEUE = 17
    LOST_LINE = 18
    LOST_ENDPOINT = 19  # its room was dead when it should have sent
    LOST_PORT = 20  # a relay had no port for it
    UNSELECTED = 21  # ended at a relay that passes on others; no loss
    COMPOSED = 22  # ended at a relay on the way that composes; no loss
    ABSENT = 23  # not sent, for the room did not take part; not SENT
    KEY_NEXT = 24  # in the dark: 1 + what has to come next of a key frame; 0: none has begun


class TurnCount(IntEnum):
    """Columns of `Tally.turn`: what a room received of the first frame of a turn."""

    FIRST_NS = 0  # arrival of the first packet; 0 before
    PACKETS = 1
    LAST_NS = 2  # arrival of the last so far


class LossCause(IntEnum):
    """Causes along `Tally.floor_lost` and `Tally.own_lost`."""

    OUTAGE = 0
    POLICER = 1
    QUEUE = 2
    LINE = 3
    ENDPOINT = 4
    PORT = 5


class Fate(IntEnum):
    """What became of a packet on its way over a direction of a line, at a room, or at its end."""

    ARRIVED = 0  # at the far end; at_ns is its arrival
    EGRESS_OUTAGE = 1  # in the relay or egress before the line; at_ns: when it came, or the fault
    EGRESS_QUEUE = 2  # refused by the parent's egress
    LINE_OUTAGE = 3
    LINE_POLICER = 4
    LINE_QUEUE = 5
    LINE_LOSS = 6  # at its last bit
    ROOM_RECEIVED = 7
    ROOM_OUTAGE = 8  # the site's relay was dead
    ROOM_DEAD = 9  # the room it should be received by, or (up) be sent by
    ENDED = 10  # its way up is over; `floor`: at the root, even dead
    ENDED_OUTAGE = 11  # an `up` packet reached a dead relay where it should end
    REFUSED_PORT = 12  # the relay it has reached has no port for its source
    UNSELECTED = 13  # the relay it has reached passes on others
    COMPOSED = 14  # the relay it has reached composes
    ROOM_DUPLICATE = 15  # it, or what follows it, had come to the room before
    ROOM_ABSENT = 16  # the room it has reached does not take part


@dataclass(slots=True, kw_only=True)
class Tally:
    """Cumulative counts of a run so far, of n sites in g groups that share histograms.

    Histograms are uint32 where each site is a group of its own, else int64.

    Attributes
    ----------
    line : (2n + 2b, len(LineCount)) int64, by direction, as numbered in `Network`
    line_delay : (2g, BUCKETS), histograms of the delay on the line itself; down, then up; with
        2b more, down, then up, for backup lines, unless sites share histograms: then a backup
        line's delays are with those of its site's primary line
    room : (n, len(RoomCount)) int64; rows of sites without a room stay 0
    room_delay : (g, BUCKETS), histograms of the one-way delay from the origin
    up_delay : (g, BUCKETS), histograms of the one-way delay of what came up, by origin
    stream : (n, streams, len(StreamCount)) int64
    turn : (n, turns, len(TurnCount)) int64
    floor_lost : (n, len(LossCause), tiers) int64, floor packets lost on the way up, by origin
    own_lost : (n, len(LossCause), tiers) int64, floor packets lost on the way down at places that
        lead to their own origin, by origin: no loss to its room
    egress : (e, len(EgressCount)) int64
    """

    line: NDArray[np.int64]
    line_delay: Histogram
    room: NDArray[np.int64]
    room_delay: Histogram
    up_delay: Histogram
    stream: NDArray[np.int64]
    turn: NDArray[np.int64]
    floor_lost: NDArray[np.int64]
    own_lost: NDArray[np.int64]
    egress: NDArray[np.int64]

    @classmethod
    def zeros(
        cls,
        grouping: Grouping,
        *,
        backups: int,
        egresses: int,
        streams: int,
        turns: int,
        tiers: int,
    ) -> Tally:
        """Return a tally of nothing."""
        sites, groups = grouping.site.size, grouping.groups
        delays = np.int64 if grouping.shared else np.uint32
        own_delays = 0 if grouping.shared else backups
        return cls(
            line=np.zeros((2 * (sites + backups), len(LineCount)), dtype=np.int64),
            line_delay=np.zeros((2 * (groups + own_delays), BUCKETS), dtype=delays),
            room=np.zeros((sites, len(RoomCount)), dtype=np.int64),
            room_delay=np.zeros((groups, BUCKETS), dtype=delays),
            up_delay=np.zeros((groups, BUCKETS), dtype=delays),
            stream=np.zeros((sites, streams, len(StreamCount)), dtype=np.int64),
            turn=np.zeros((sites, turns, len(TurnCount)), dtype=np.int64),
            floor_lost=np.zeros((sites, len(LossCause), tiers), dtype=np.int64),
            own_lost=np.zeros((sites, len(LossCause), tiers), dtype=np.int64),
            egress=np.zeros((egresses, len(EgressCount)), dtype=np.int64),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FateLog:
    """Decided fates on the lines and in the rooms of watched sites, in no particular order.

    Attributes
    ----------
    hop : (k,) int64, number of a direction, as in `Network`; s in the room of s; what is decided
        at the end of a hop has its number
    packet : (k,) int64, number of the packet in the run
    fate : (k,) int64, a Fate
    at_ns : (k,) int64, when it was decided
    """

    hop: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
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
