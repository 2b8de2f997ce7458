"""The resolved scenario: what a run needs to know, with nothing optional left.

Units are base units throughout: ns, bytes, bit/s, probabilities between 0 and 1. A resolved
scenario is valid by construction of the loader: references name things that exist, parents
belong to a higher tier, every site has one primary line but the root.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from sim.scenario.joining_model import JoiningRules
from sim.scenario.key_requests_model import KeyRequests
from sim.scenario.protection import Detection, Failover, Vrrp
from sim.scenario.requirement_model import Requirement
from sim.scenario.signalling_model import SignallingRules
from sim.scenario.tolerance import Check

FOREVER_NS = 2**62  # an instant no run reaches: 146 years
HOURS = 24
HOUR_NS = 3600 * 10**9
PARENT = "parent"  # the way of an up stream that ends at the next relay

Scheduling = Literal["fifo", "priority"]
Mode = Literal["forward", "compose"]
Policy = Literal["least loaded", "fill", "round robin", "hash"]

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
    server : its name in the relay's pool of servers, a number from 1; empty: there is no pool
    rate_bps : bit/s; 0: no shared interface, copies enter their lines at once
    buffer_bytes, mtu_bytes : as in `Direction`
    overhead_ns : ns a copy costs beside its bits; of a server its service time
    scheduling, background : as in `Direction`
    """

    carrier: str
    server: str
    rate_bps: int
    buffer_bytes: int
    mtu_bytes: int
    overhead_ns: int
    scheduling: Scheduling
    background: Background | None

    @property
    def label(self) -> str:
        """What tells it from others of its relay: the carrier, or `server 3`; empty: nothing."""
        return f"server {self.server}" if self.server else self.carrier


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """How the servers of a relay share its lines, and what each takes; see docs/model.md.

    Attributes
    ----------
    policy : `least loaded` takes the one whose last report says least; `fill` does so among those
        that the meeting uses already and that report less than `fill_to`, then among the others
        that do; `round robin` the next in order; `hash` the first in the line's own drawn order
    fill_to : share of a server's capacity; 0 unless the policy is `fill`
    report_ns : time from one report of a server's load to the next
    report_delay_ns : time from a report to when it counts
    ports : most lines a server feeds at once; 0: no limit
    streams : most copies of streams it sends at once; 0: no limit
    packets_per_s : most packets it sends in a second, on average; 0: no limit
    admit, admit_ns : most lines that it takes in any span of `admit_ns`; 0 and 0: no limit
    """

    policy: Policy
    fill_to: float
    report_ns: int
    report_delay_ns: int
    ports: int
    streams: int
    packets_per_s: int
    admit: int
    admit_ns: int

    def __post_init__(self) -> None:
        if (self.policy == "fill") != (self.fill_to > 0):
            raise ValueError(f"fill_to {self.fill_to} does not go with policy {self.policy}")
        if self.report_ns <= 0:
            raise ValueError(f"report_ns must be positive, got {self.report_ns}")
        if (self.admit > 0) != (self.admit_ns > 0):
            raise ValueError(f"admit {self.admit} does not go with admit_ns {self.admit_ns}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """What an interior site runs: receives one copy, sends one to each child.

    Attributes
    ----------
    site : id
    processing_ns : ns between a packet's arrival and its copies' entry into the egress
    egresses : one or more; at most one per carrier and at most one for the rest; of a pool its
        servers, alike but for their names
    pool : how the servers share the lines; None: there is no pool
    full : share of an egress's or server's time that it does not exceed by taking another line, by
        the mean rates of the streams; 0: no limit
    mode : `compose` ends whatever comes up to it, and may send streams of its own instead
    transcoding_ns : ns by which those leave later than they are due; 0 unless it composes
    select : most origins whose `up` streams it passes on; 0: no limit
    ports : most sources it takes from below; 0: no limit
    standby : what takes over where it dies; None: nothing
    """

    site: str
    processing_ns: int
    egresses: tuple[Egress, ...]
    pool: Pool | None
    full: float
    mode: Mode
    transcoding_ns: int
    select: int
    ports: int
    standby: Vrrp | None

    def __post_init__(self) -> None:
        for name in ("transcoding_ns", "select", "ports"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if any(bool(egress.server) != bool(self.pool) for egress in self.egresses):
            raise ValueError("the egresses of a pool, and only those, are servers")
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
        return self.media_bps + 8 * self.overhead_bytes * self.packets_per_s

    @property
    def packets_per_s(self) -> Fraction:
        """The mean rate of its packets; frames count with their mean size."""
        frames = max(self.key_every, 1)
        packets = -(-self.frame_bytes // self.packet_bytes) * frames
        if self.key_every:
            packets += -(-self.key_bytes // self.packet_bytes)
            packets -= -(-self.frame_bytes // self.packet_bytes)
        return 10**9 * packets / (frames * self.interval_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A stretch of the agenda: `site` has the floor in [at_ns, until_ns)."""

    at_ns: int
    until_ns: int
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong, and comes back.

    Attributes
    ----------
    label : the user's words, for reports and charts
    action : `fail` takes the parts down, `degrade` slows lines and egresses or adds loss to lines,
        `grey` makes relays forward only some streams while they answer
    at_ns, until_ns : half-open interval in which it holds; `FOREVER_NS`: never repaired
    down_ns, up_ns : of what flaps, how long it is down and then up, over and over; both 0: it
        holds all the time
    lines : names of the lines that are concerned, both directions; see `line_names`
    relays : ids of sites whose relay is concerned (degraded: its egresses)
    rooms : ids of sites whose endpoint is concerned (only `fail`)
    sites : ids of sites that are out as a whole, so that no standby takes over (only `fail`)
    rate_factor : factor on the rates, > 0; 1 leaves them
    added_loss : probability of a further, independent loss on each line
    passes : ids of the streams that a grey relay still forwards
    """

    label: str
    action: Literal["fail", "degrade", "grey"]
    at_ns: int
    until_ns: int
    down_ns: int
    up_ns: int
    lines: tuple[str, ...]
    relays: tuple[str, ...]
    rooms: tuple[str, ...]
    sites: tuple[str, ...]
    rate_factor: float
    added_loss: float
    passes: tuple[str, ...]

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield the half-open intervals in which it acts, in order of time; at most endless."""
        if not self.down_ns:
            yield self.at_ns, self.until_ns
            return
        for at_ns in range(self.at_ns, self.until_ns, self.down_ns + self.up_ns):
            yield at_ns, min(at_ns + self.down_ns, self.until_ns)


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
    detection, failover : by tier, from the root down; what noticing leads to nothing, too
    requirements : in the file's order
    joining : when rooms come and go
    signalling : how sites ask to be let in
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
    detection: tuple[Detection, ...]
    failover: tuple[Failover, ...]
    requirements: tuple[Requirement, ...]
    joining: JoiningRules
    signalling: SignallingRules
    key_requests: KeyRequests | None
    check: Check
