"""What a run measured, as columns: rooms, lines, egresses, streams, turns, and the course.

Counts are integers and exact. What could not be known is NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import LossCause
from sim.metrics.histogram import Delays

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


Cause = LossCause  # why a packet was lost
CAUSES = tuple(cause.name.lower() for cause in Cause)
LINE_CAUSES = CAUSES[: Cause.LINE + 1]  # of losses on a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The r rooms, in preorder of their sites.

    Attributes
    ----------
    site : (r,) int64, site numbers
    due : (r,) int64, packets of the streams to rooms that others than the room's site sent
    received, duplicates, received_bytes : (r,) int64; `received` counts each packet once
    lost : (r, causes, tiers) int64, packets lost on the way up to the root, on the way to the room
        or in it, by the tier where it happened
    delays : one way, from the origin
    gap_max_ns : (r,) int64, longest time without a packet, within the meeting or beginning in it
    dark_ns, dark_max_ns : (r,) int64, sum of its dark intervals, and the longest
    mos : (r,) float64, opinion score of the worst voice; NaN: none came, or none is rated
    video_quality : (r,) float64, indicator of the worst video; NaN as of `mos`
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
    dark_max_ns: Int64Array
    mos: Float64Array
    video_quality: Float64Array

    @property
    def lost_by_cause(self) -> Int64Array:
        """Packets lost, shape (r, causes)."""
        by_cause: Int64Array = self.lost.sum(axis=2)
        return by_cause

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The causes to show: `port` only where it lost anything, for few meetings know ports."""
        shown = (c for c in Cause if c != Cause.PORT or self.lost[:, Cause.PORT].any())
        return tuple(shown)

    @property
    def loss(self) -> Float64Array:
        """Share of the due packets that were lost, shape (r,); NaN where none was due."""
        return share(self.lost.sum(axis=(1, 2)), self.due)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLoss:
    """The span of one length in which each of the r rooms lost the largest share of its packets.

    Attributes
    ----------
    span_ns : length
    loss : (r,) float64, lost of those decided in it; NaN where too few were decided in any span
    at_ns : (r,) int64, when the span begins; the first of several that are as bad
    """

    span_ns: int
    loss: Float64Array
    at_ns: Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Both directions of n lines: row s is down, row n + s is up.

    Of primary lines s is the site, and the root's two rows are empty; of backup lines s is the
    place among `Network.backups`.

    Attributes
    ----------
    offered, offered_bytes, refused, delivered, delivered_bytes : (2n,) int64
    lost : (2n, 4) int64, by the causes OUTAGE to LINE
    background_offered, background_sent : (2n,) int64, packets of others; not in the above
    delays : on the line, from the transmitter to the far end
    busy : (2n,) float64, share of the meeting in which it was sending, others' packets too
    utilisation : (2n,) float64, share of the whole rate in use: `busy` of what steady background
        leaves, and its share
    utilisation_peak : (2n,) float64, the same in the timeline bin where it was largest
    queue_max_ns : (2n,) int64, longest time to send everything accepted
    queue_max : (2n,) float64, that as a share of the buffer; NaN where the rate was changed
        meanwhile, so that no one buffer can be named
    """

    offered: Int64Array
    offered_bytes: Int64Array
    refused: Int64Array
    delivered: Int64Array
    delivered_bytes: Int64Array
    lost: Int64Array
    background_offered: Int64Array
    background_sent: Int64Array
    delays: Delays
    busy: Float64Array
    utilisation: Float64Array
    utilisation_peak: Float64Array
    queue_max_ns: Int64Array
    queue_max: Float64Array

    @property
    def ways(self) -> tuple[str, ...]:
        """The directions that were used: `down`, and `up` if anything went up."""
        up = self.utilisation[self.utilisation.size // 2 :]
        return ("down", "up") if up.any() else ("down",)

    def followed_by(self, other: Lines) -> Lines:
        """Return these rows and then those of others."""
        columns = {
            each.name: np.concatenate([getattr(self, each.name), getattr(other, each.name)])
            for each in fields(self)
            if each.name != "delays"
        }
        delays = {
            each.name: np.concatenate(
                [getattr(self.delays, each.name), getattr(other.delays, each.name)]
            )
            for each in fields(Delays)
        }
        return Lines(delays=Delays(**delays), **columns)

    def take(self, rows: Int64Array) -> Lines:
        """Return some rows."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        delays = columns.pop("delays")
        taken = {name: column[rows] for name, column in columns.items()}
        return Lines(delays=delays.take(rows), **taken)

    def rows(self, sites: Int64Array, way: str) -> Int64Array:
        """Return the rows of the lines of some sites, in one direction."""
        return sites if way == "down" else self.offered.size // 2 + sites


@dataclass(frozen=True, slots=True, kw_only=True)
class Egresses:
    """The e egresses of the network; the shares are NaN where no interface is shared.

    Attributes
    ----------
    offered, sent : (e,) int64, copies
    lost : (e, 2) int64, copies lost by outage and queue
    background_offered, background_sent : (e,) int64, packets of others; not in the above
    busy, utilisation, utilisation_peak, queue_max_ns, queue_max : as in `Lines`
    """

    offered: Int64Array
    sent: Int64Array
    lost: Int64Array
    background_offered: Int64Array
    background_sent: Int64Array
    busy: Float64Array
    utilisation: Float64Array
    utilisation_peak: Float64Array
    queue_max_ns: Int64Array
    queue_max: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How k listeners received a stream each; NaN: too little came to say.

    Attributes
    ----------
    received : (k,) int64, packets
    delay_mean_ns, delay_max_ns : (k,) float64, one way from the origin
    jitter_max_ns : (k,) float64, largest interarrival jitter (RFC 3550, 6.4.1) meanwhile; NaN
        below two packets
    freezes : (k,) float64, times between two packets longer than the play-out delay; NaN where the
        stream has none, or nothing came
    frozen_ns : (k,) float64, their sum, less the play-out delays
    """

    received: Int64Array
    delay_mean_ns: Float64Array
    delay_max_ns: Float64Array
    jitter_max_ns: Float64Array
    freezes: Float64Array
    frozen_ns: Float64Array

    def take(self, rows: Int64Array) -> Quality:
        """Return the quality of some rows."""
        return Quality(
            received=self.received[rows],
            delay_mean_ns=self.delay_mean_ns[rows],
            delay_max_ns=self.delay_max_ns[rows],
            jitter_max_ns=self.jitter_max_ns[rows],
            freezes=self.freezes[rows],
            frozen_ns=self.frozen_ns[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Each room and stream that comes down to it, k pairs, by site, then stream.

    Attributes
    ----------
    site, stream : (k,) int64, number of the room's site, and of the stream
    due : (k,) int64, packets
    playout_ns : (k,) int64, the stream's play-out delay; 0: it has none, and no freezes
    quality : k rows
    voice : (k,) bool, whether it is a voice that is rated
    loss_runs, loss_run_packets : (k,) int64, times when packets were missing before one that came,
        and how many were; none where nothing came for longer than `dark_after_ns`
    mos, video_quality : (k,) float64, of a voice and of a video that is rated; else NaN
    """

    site: Int64Array
    stream: Int64Array
    due: Int64Array
    playout_ns: Int64Array
    quality: Quality
    voice: NDArray[np.bool_]
    loss_runs: Int64Array
    loss_run_packets: Int64Array
    mos: Float64Array
    video_quality: Float64Array

    @property
    def loss(self) -> Float64Array:
        """Share of the due packets that did not come, shape (k,); NaN where none was due."""
        return share(self.due - self.quality.received, self.due)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Each site and stream that goes up from it, k pairs, by site, then stream.

    Attributes
    ----------
    site, stream : (k,) int64, number of the origin, and of the stream
    sent, ended : (k,) int64, packets; `ended` are those whose way up was fine
    unselected, composed : (k,) int64, packets that relays on the way did not pass on; no losses
    lost : (k, causes) int64, on the way up; what the speaker's packets lose down again is not here
    site_delays : one-way delay of all `up` packets of the origin together
    quality : k rows; of a `floor` stream all is unknown but `received`, which is `ended`: it is
        heard in the rooms, not where its way up ends
    """

    site: Int64Array
    stream: Int64Array
    sent: Int64Array
    ended: Int64Array
    unselected: Int64Array
    composed: Int64Array
    lost: Int64Array
    site_delays: Delays
    quality: Quality

    @property
    def loss(self) -> Float64Array:
        """Share of the sent packets lost on the way up, shape (k,); NaN where none was sent."""
        return share(self.lost.sum(axis=1), self.sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The g groups of sites that share histograms of delays.

    Attributes
    ----------
    tier : (g,) int64
    branch : (g,) int64, number of the child of the root on which the sites hang; -1: on any, or
        the root
    sites, rooms : (g,) int64, how many
    down, up : on each direction of the lines to the sites
    room_delays : one way, from the origin
    source_delays : one-way delay of all `up` packets of the sites
    """

    tier: Int64Array
    branch: Int64Array
    sites: Int64Array
    rooms: Int64Array
    down: Delays
    up: Delays
    room_delays: Delays
    source_delays: Delays


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long rooms waited for something after the beginning of each of t turns.

    Attributes
    ----------
    rooms : (t,) int64, rooms that got it
    p50_ns, p95_ns : (t,) float64, within which half and 95 % of the rooms had it that should; NaN
        where fewer got it at all
    max_ns : (t,) float64, the longest of those that got it; NaN: none did
    """

    rooms: Int64Array
    p50_ns: Float64Array
    p95_ns: Float64Array
    max_ns: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The t turns of the agenda, and how soon the rooms saw the new speaker.

    The first frame of a turn counts, of all floor streams together: a key frame where a stream has
    any.

    Attributes
    ----------
    site : (t,) int64, number of the speaker's
    packets : (t,) int64, packets of the first frame
    rooms : (t,) int64, rooms to which they were due: all but the speaker's own
    first, whole : until the first of the packets was there, and until all were
    """

    site: Int64Array
    packets: Int64Array
    rooms: Int64Array
    first: Waits
    whole: Waits

    @property
    def never_whole(self) -> Int64Array:
        """How many rooms never had the whole first frame, shape (t,)."""
        never: Int64Array = self.rooms - self.whole.rooms
        return never


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
    LOST_PORT = 7
    RECEIVED_BYTES = 8
    ROOMS_DARK = 9  # at the bin's end, but no later than the meeting's


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
class DarkIntervals:
    """The k dark intervals of all rooms, measured from packets, in order of (from, site).

    A room is dark from the last packet before it has had none for longer than `dark_after`, or from
    its joining, until it has a whole key frame that the root sends; without such, until a packet.

    Attributes
    ----------
    site : (k,) int64, number
    from_ns, until_ns : (k,) int64; one that is not over ends with the meeting
    """

    site: Int64Array
    from_ns: Int64Array
    until_ns: Int64Array

    def longest_ns(self, sites: int) -> Int64Array:
        """Return the longest of each site, (sites,); 0: none."""
        longest = np.zeros(sites, dtype=np.int64)
        np.maximum.at(longest, self.site, self.until_ns - self.from_ns)
        return longest

    def total_ns(self, sites: int) -> Int64Array:
        """Return the sum of each site, (sites,)."""
        total = np.zeros(sites, dtype=np.int64)
        np.add.at(total, self.site, self.until_ns - self.from_ns)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Everything a run measured.

    Attributes
    ----------
    duration_ns : length of the meeting
    packets : sent, or due to be sent by a room that was dead, by all origins
    packet_hops : packets offered to an open line direction
    streams : ids, by number
    lines, backups : the primary lines, and the backup lines
    room_delays : over all rooms together, one row
    tier_delays : over the rooms of each tier together, a row per tier
    tier_histograms : (tiers, BUCKETS) int64, packets in each bucket of `sim.dataplane.tally`, by
        the delay of which `tier_delays` are the figures
    groups : of sites whose delays are kept together; None: each site's are kept
    span_losses : for each length of span that a requirement names, by length
    dark : when rooms were dark
    fault_lost : (faults, r) int64, packets that each room lost while each fault lasted, to the
        width of the timeline's bins
    survivors : which rooms would be fed whichever single relay died, (r,) bool, by which relays
        may, as requirements say it
    """

    duration_ns: int
    packets: int
    packet_hops: int
    streams: tuple[str, ...]
    endpoints: Endpoints
    lines: Lines
    backups: Lines
    egresses: Egresses
    listeners: Listeners
    sources: Sources
    turns: Turns
    timeline: Timeline
    room_delays: Delays
    tier_delays: Delays
    tier_histograms: Int64Array
    groups: Groups | None
    span_losses: tuple[SpanLoss, ...]
    dark: DarkIntervals
    fault_lost: Int64Array
    survivors: Mapping[str, Bools]

    @property
    def every_line(self) -> Lines:
        """All lines, a row for each direction, numbered as in `Network`."""
        return self.lines.followed_by(self.backups)


def share(part: Int64Array, whole: Int64Array) -> Float64Array:
    """Return part / whole; NaN where there is no whole."""
    shares: Float64Array = np.full(part.shape, np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares
