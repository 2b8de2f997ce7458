"""The resolved scenario: what a run needs to know, with nothing optional left.

Units are base units throughout: ns, bytes, bit/s, probabilities between 0 and 1. A resolved
scenario is valid by construction of the loader: references name things that exist, parents
belong to a higher tier, every site has one primary line but the root.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from sim.scenario.key_requests_model import KeyRequests
from sim.scenario.tolerance import Check

FOREVER_NS = 2**62  # an instant no run reaches: 146 years
HOURS = 24
HOUR_NS = 3600 * 10**9
PARENT = "parent"  # the way of an up stream that ends at the next relay

Scheduling = Literal["fifo", "priority"]
Mode = Literal["forward", "compose"]
Subject = Literal["rooms", "lines", "egresses"]
Measure = Literal[
    "loss", "delay", "jitter", "mos", "freezes", "dark", "dark_in_total", "utilisation"
]
Sense = Literal["at most", "at least"]
Unit = Literal["share", "ns", "count", "score"]

UNITS: dict[Measure, Unit] = {
    "loss": "share",
    "delay": "ns",
    "jitter": "ns",
    "mos": "score",
    "freezes": "count",
    "dark": "ns",
    "dark_in_total": "ns",
    "utilisation": "share",
}

MAX_BURST_BYTES = 10**9  # in billionths of a bit, 8 * 10**18, it is below 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A node of the tree.

    Attributes
    ----------
    id : stable text id, unique; compared as UTF-8 bytes wherever order matters
    name : what people call it
    tier : one of the scenario's tiers
    parent : id of the site above; empty for the root
    region : region it belongs to, inherited from its parent; may be empty
    latitude, longitude : WGS 84 degrees; both NaN where no position was given
    room : whether an endpoint (a meeting room) is here
    """

    id: str
    name: str
    tier: str
    parent: str
    region: str
    latitude: float
    longitude: float
    room: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Gilbert-Elliott packet loss, parameters named as in `tc netem` (gemodel p r 1-h 1-k).

    Attributes
    ----------
    p, r : probability per packet of going from good to bad, and from bad to good
    bad : probability that a packet is lost in the bad state (1-h)
    good : probability that a packet is lost in the good state (1-k)

    Bernoulli loss x is p = 0, r = 1, bad = 0, good = x: the good state is never left.
    """

    p: float
    r: float
    bad: float
    good: float

    def __post_init__(self) -> None:
        for name in ("p", "r", "bad", "good"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be a probability, got {getattr(self, name)}")
        if self.p + self.r == 0:
            raise ValueError("p and r are both 0; the chain has no stationary state")

    @property
    def mean(self) -> float:
        """The share of packets lost in the long run."""
        in_bad = self.p / (self.p + self.r)
        return in_bad * self.bad + (1 - in_bad) * self.good


@dataclass(frozen=True, slots=True, kw_only=True)
class Policer:
    """A token bucket without a queue: a packet that does not find its tokens is lost.

    It starts full. A packet takes as many bytes of tokens as it has, overhead included.

    Attributes
    ----------
    rate_bps : rate at which tokens come, bit/s
    burst_bytes : most tokens the bucket holds, bytes
    """

    rate_bps: int
    burst_bytes: int

    def __post_init__(self) -> None:
        if self.rate_bps <= 0:
            raise ValueError(f"rate_bps must be positive, got {self.rate_bps}")
        if not 0 < self.burst_bytes <= MAX_BURST_BYTES:
            raise ValueError(
                f"burst_bytes must be from 1 to {MAX_BURST_BYTES}, got {self.burst_bytes}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Traffic of others on a transmitter; see docs/model.md, section 6.

    Attributes
    ----------
    kind : `steady` takes a share of the rate; `poisson` and `bursts` are packets
    share : of the transmitter's rate; 0 unless steady
    rate_bps : mean rate of `poisson`, rate within a burst of `bursts`, bit/s; 0 if steady
    packet_bytes : size of every packet on the line, bytes; 0 if steady
    burst_ns, silence_ns : mean lengths, exponential; 0 unless bursts
    precedence : as in `Stream`
    profile : factor for each hour of the day from midnight, 24 positive numbers
    """

    kind: Literal["steady", "poisson", "bursts"]
    share: float
    rate_bps: int
    packet_bytes: int
    burst_ns: int
    silence_ns: int
    precedence: int
    profile: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.profile) != HOURS or min(self.profile) <= 0:
            raise ValueError(f"profile must be {HOURS} positive factors, got {self.profile}")
        if not 0 <= self.share * max(self.profile) < 1:
            raise ValueError(f"share must leave some of the rate, got {self.share}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """One direction of a line: what it lets in, how fast it sends, what it can hold and loses.

    Attributes
    ----------
    rate_bps : sending rate, bit/s
    buffer_bytes : memory for bits not yet sent, bytes; counts the packet being sent
    mtu_bytes : largest packet; the unit in which the buffer is counted in packets
    loss : loss process at the end of transmission
    policer : what a packet must pass before the queue; None: nothing
    scheduling : who of those waiting is sent next: the first, or the first of the lowest precedence
    background : traffic of others; None: none
    """

    rate_bps: int
    buffer_bytes: int
    mtu_bytes: int
    loss: Loss
    policer: Policer | None
    scheduling: Scheduling
    background: Background | None

    def __post_init__(self) -> None:
        for name in ("rate_bps", "buffer_bytes", "mtu_bytes"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")

    @property
    def sustained_bps(self) -> int:
        """What it carries in the long run: its rate, or its policer's where that is less."""
        return min(self.rate_bps, self.policer.rate_bps) if self.policer else self.rate_bps


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A full-duplex connection from a site to a site above it.

    Attributes
    ----------
    site, parent : ids of the two ends; `parent` is the site's own parent on a primary line
    role : `primary` carries the meeting; `backup` waits for a failover
    carrier : who runs it
    access_class : the class the site drew, or empty
    down, up : the two directions
    propagation_ns : ns from one end to the other, the same both ways
    """

    site: str
    parent: str
    role: Literal["primary", "backup"]
    carrier: str
    access_class: str
    down: Direction
    up: Direction
    propagation_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """The shared interface through which a relay sends its copies down.

    Attributes
    ----------
    carrier : the carrier whose lines it feeds; empty: every line no other egress feeds
    rate_bps : bit/s; 0: no shared interface, copies enter their lines at once
    buffer_bytes, mtu_bytes : as in `Direction`
    overhead_ns : ns a copy costs beside its bits
    scheduling, background : as in `Direction`
    """

    carrier: str
    rate_bps: int
    buffer_bytes: int
    mtu_bytes: int
    overhead_ns: int
    scheduling: Scheduling
    background: Background | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """What an interior site runs: receives one copy, sends one to each child.

    Attributes
    ----------
    site : id
    processing_ns : ns between a packet's arrival and its copies' entry into the egress
    egresses : one or more; at most one per carrier and at most one for the rest
    mode : `compose` ends whatever comes up to it, and may send streams of its own instead
    transcoding_ns : ns by which those leave later than they are due; 0 unless it composes
    select : most origins whose `up` streams it passes on; 0: no limit
    ports : most sources it takes from below; 0: no limit
    """

    site: str
    processing_ns: int
    egresses: tuple[Egress, ...]
    mode: Mode
    transcoding_ns: int
    select: int
    ports: int

    def __post_init__(self) -> None:
        for name in ("transcoding_ns", "select", "ports"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if self.mode == "forward" and self.transcoding_ns:
            raise ValueError("transcoding_ns needs a relay that composes")
        if self.mode == "compose" and self.select:
            raise ValueError("a relay that composes passes on nothing to select from")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One media source: frames at a steady pace, cut into packets.

    Frame k is due at `start_ns + round(k * span_ns / frames_per_span)`; 30 frames/s is
    `span_ns = 10**9, frames_per_span = 30`.

    Attributes
    ----------
    id : unique; breaks ties between packets of one instant, compared as UTF-8 bytes
    direction : `down` from its origins to the rooms below; `up` from its origins to a relay above;
        `floor` from whoever has the floor up to the root, then down to all others
    origins : ids of the sites that send it, by id, each a source of its own; empty for `floor`
    to : where an `up` stream ends: a tier, or `parent`; empty otherwise
    composite : whether composing relays make it, of what they end; only `up`
    meeting : the meeting it belongs to; empty: the one that is rehearsed
    precedence : its class where a transmitter has priorities; 0 goes first
    playout_ns : longest time between packets that does not freeze it, ns; 0: not measured
    codec : a key of `CODECS` or of `VIDEO_CODECS` in `sim.quality`; empty: how good
        it is in rooms is not rated
    spread_ns : each origin but the root starts up to this much later, drawn, ns
    start_ns, span_ns, frames_per_span : when frames are due
    frame_bytes : media bytes of an ordinary frame (its mean where sizes vary)
    key_bytes : media bytes of a key frame (its mean where sizes vary)
    key_every : frames from one key frame to the next, the first frame being one; 0: no key frames
    size_scale : Laplace scale of frame size relative to its mean (RFC 8593, 5.1: 0.15); 0: constant
    packet_bytes : most media bytes in one packet
    overhead_bytes : headers added to each packet
    pace_bps : rate at which a frame's packets leave the source, bit/s of packet size; 0: one burst
    """

    id: str
    direction: Literal["down", "up", "floor"]
    origins: tuple[str, ...]
    to: str
    composite: bool
    meeting: str
    precedence: int
    playout_ns: int
    codec: str
    spread_ns: int
    start_ns: int
    span_ns: int
    frames_per_span: int
    frame_bytes: int
    key_bytes: int
    key_every: int
    size_scale: float
    packet_bytes: int
    overhead_bytes: int
    pace_bps: int

    @property
    def interval_ns(self) -> Fraction:
        """The time from one frame to the next, ns."""
        return Fraction(self.span_ns, self.frames_per_span)

    @property
    def media_bps(self) -> Fraction:
        """The mean bit rate of the media alone, bit/s; frames count with their mean size."""
        frames = max(self.key_every, 1)
        cycle_bytes = self.frame_bytes * frames
        if self.key_every:
            cycle_bytes += self.key_bytes - self.frame_bytes
        return 8 * 10**9 * cycle_bytes / (frames * self.interval_ns)

    @property
    def wire_bps(self) -> Fraction:
        """The mean bit rate on a line, overhead included, bit/s.

        Frames count with their mean size; the overhead of a varying frame is that of its mean.
        """

        def wire_bytes(media_bytes: int) -> int:
            packets = -(-media_bytes // self.packet_bytes)
            return media_bytes + packets * self.overhead_bytes

        cycle_bytes = wire_bytes(self.frame_bytes)
        if self.key_every:
            cycle_bytes = cycle_bytes * (self.key_every - 1) + wire_bytes(self.key_bytes)
        frames = max(self.key_every, 1)
        return Fraction(8 * 10**9 * cycle_bytes * self.frames_per_span, frames * self.span_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A stretch of the agenda: `site` has the floor in [at_ns, until_ns)."""

    at_ns: int
    until_ns: int
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something scheduled to go wrong, and to come back.

    Attributes
    ----------
    label : the user's words, for reports and charts
    action : `fail` takes the parts down, `degrade` slows lines and egresses or adds loss to lines
    at_ns, until_ns : half-open interval in which it holds; `FOREVER_NS`: never repaired
    lines : ids of the sites whose primary line is concerned, both directions
    relays : ids of sites whose relay is concerned (degraded: its egresses)
    rooms : ids of sites whose endpoint is concerned (only `fail`)
    rate_factor : factor on the rates, > 0; 1 leaves them
    added_loss : probability of a further, independent loss on each line
    """

    label: str
    action: Literal["fail", "degrade"]
    at_ns: int
    until_ns: int
    lines: tuple[str, ...]
    relays: tuple[str, ...]
    rooms: tuple[str, ...]
    rate_factor: float
    added_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The sites that a requirement is about.

    Attributes
    ----------
    text : how a scenario file says it, such as `carrier/viettel in site/79`
    words : (kind, name) of what is selected, then of its scope, if it has one; of a site its name
        instead of its id
    sites : ids of the sites, at least one; by id as UTF-8 bytes
    """

    text: str
    words: tuple[tuple[str, str], ...]
    sites: tuple[str, ...]

    @property
    def by_line(self) -> bool:
        """Whether sites are selected for what their lines are."""
        return self.words[0][0] in ("carrier", "class")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing the meeting must meet: at least `share` of the subjects keep the limit.

    Attributes
    ----------
    text : the requirement as an English sentence
    subject : what is counted
    of : which of the subjects; None: all
    share : fraction of the subjects that must comply
    measure : what rooms, or lines and egresses (only utilisation), are judged by
    percentile : of the one-way delay, 0 to 100; 0 for the other measures
    span_ns : loss over any span of this length; 0: over the meeting
    sense : on which side of the limit it is good to be
    limit : in the measure's unit, see `UNITS`; a room's jitter, freezes and opinion score (MOS)
        are those of its worst stream; `dark_in_total` is the sum over all the rooms
    """

    text: str
    subject: Subject
    of: Selection | None
    share: float
    measure: Measure
    percentile: float
    span_ns: int
    sense: Sense
    limit: float

    @property
    def unit(self) -> Unit:
        """The unit of the limit, and of what is measured."""
        return UNITS[self.measure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One meeting, resolved. Tuples are in canonical order: by id as UTF-8 bytes.

    Attributes
    ----------
    name, about : for people
    seed : root of every draw
    duration_ns : streams are emitted in [0, duration_ns)
    window_ns : span after which the two planes exchange results
    bin_ns : width of a timeline bin
    dark_after_ns : a room without a packet for longer than this was dark meanwhile
    tiers : names from the root down
    begins_ns : time of day at which the meeting begins, ns after midnight
    classes : names of the precedences, 0 first
    sites, lines, relays, streams : by id (lines: by site, primary first, then backups in order)
    agenda : turns in order of time, without overlap
    faults : in order of time, then of the file; those that begin before the meeting's end
    late_faults : how many of the file's lie after the end of a meeting shortened from outside
    requirements : in the file's order
    key_requests : how key frames are asked for; None: not at all
    check : how it is held against its baseline
    """

    name: str
    about: str
    seed: int
    duration_ns: int
    window_ns: int
    bin_ns: int
    dark_after_ns: int
    begins_ns: int
    classes: tuple[str, ...]
    tiers: tuple[str, ...]
    sites: tuple[Site, ...]
    lines: tuple[Line, ...]
    relays: tuple[Relay, ...]
    streams: tuple[Stream, ...]
    agenda: tuple[Turn, ...]
    faults: tuple[Fault, ...]
    late_faults: int
    requirements: tuple[Requirement, ...]
    key_requests: KeyRequests | None
    check: Check
