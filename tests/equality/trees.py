"""Small trees, said briefly: every part has a default that does nothing.

At `BYTE_PER_NS` a packet of n bytes takes n ns to send, so times can be worked out by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from sim.scenario.joining_model import EVERYBODY_IS_THERE
from sim.scenario.model import (
    HOURS,
    Background,
    Direction,
    Egress,
    Line,
    Loss,
    Policer,
    Pool,
    Relay,
    Scenario,
    Scheduling,
    Site,
    Stream,
    Turn,
)
from sim.scenario.signalling_model import AT_ONCE
from sim.scenario.tolerance import DEFAULTS, Check

BYTE_PER_NS = 8 * 10**9  # bit/s
LOSSLESS = Loss(p=0.0, r=1.0, bad=0.0, good=0.0)
TIERS = ("central", "province", "district", "commune")
EVERY_HOUR_ALIKE = (1.0,) * HOURS
NO_INTERFACE = Egress(
    carrier="",
    server="",
    rate_bps=0,
    buffer_bytes=1,
    mtu_bytes=1,
    overhead_ns=0,
    scheduling="fifo",
    background=None,
)


def direction(
    *,
    rate_bps: int = BYTE_PER_NS,
    buffer_bytes: int = 100,
    mtu_bytes: int = 1,
    loss: Loss = LOSSLESS,
    policer: Policer | None = None,
    scheduling: Scheduling = "fifo",
    background: Background | None = None,
) -> Direction:
    """Return a direction of a line: 1 byte/ns, room for 100 bytes, no loss, no policer, FIFO."""
    return Direction(
        rate_bps=rate_bps,
        buffer_bytes=buffer_bytes,
        mtu_bytes=mtu_bytes,
        loss=loss,
        policer=policer,
        scheduling=scheduling,
        background=background,
    )


def line(
    down: Direction | None = None,
    up: Direction | None = None,
    *,
    propagation_ns: int = 0,
    carrier: str = "vnpt",
) -> Line:
    """Return a line whose ends `scenario` fills in; up is like down unless said otherwise."""
    down = down or direction()
    return Line(
        site="",
        parent="",
        role="primary",
        carrier=carrier,
        access_class="",
        down=down,
        up=up or down,
        propagation_ns=propagation_ns,
    )


def egress(
    *,
    carrier: str = "",
    rate_bps: int = BYTE_PER_NS,
    buffer_bytes: int = 100,
    mtu_bytes: int = 1,
    overhead_ns: int = 0,
    scheduling: Scheduling = "fifo",
    background: Background | None = None,
) -> Egress:
    """Return an egress: 1 byte/ns, room for 100 bytes, for all lines, FIFO."""
    return Egress(
        carrier=carrier,
        server="",
        rate_bps=rate_bps,
        buffer_bytes=buffer_bytes,
        mtu_bytes=mtu_bytes,
        overhead_ns=overhead_ns,
        scheduling=scheduling,
        background=background,
    )


def steady(*, share: float, profile: Sequence[float] = EVERY_HOUR_ALIKE) -> Background:
    """Return background that takes a share of a rate."""
    return Background(
        kind="steady",
        share=share,
        rate_bps=0,
        packet_bytes=0,
        burst_ns=0,
        silence_ns=0,
        precedence=0,
        profile=tuple(profile),
    )


def poisson(
    *,
    rate_bps: int,
    packet_bytes: int = 1,
    precedence: int = 0,
    profile: Sequence[float] = EVERY_HOUR_ALIKE,
) -> Background:
    """Return background of packets after exponential gaps."""
    return Background(
        kind="poisson",
        share=0.0,
        rate_bps=rate_bps,
        packet_bytes=packet_bytes,
        burst_ns=0,
        silence_ns=0,
        precedence=precedence,
        profile=tuple(profile),
    )


def bursts(
    *,
    burst_ns: int,
    silence_ns: int,
    rate_bps: int = BYTE_PER_NS,
    packet_bytes: int = 1,
    precedence: int = 0,
    profile: Sequence[float] = EVERY_HOUR_ALIKE,
) -> Background:
    """Return background that is silent and bursts by turns."""
    return Background(
        kind="bursts",
        share=0.0,
        rate_bps=rate_bps,
        packet_bytes=packet_bytes,
        burst_ns=burst_ns,
        silence_ns=silence_ns,
        precedence=precedence,
        profile=tuple(profile),
    )


def stream(
    name: str,
    *,
    direction: Literal["down", "up", "floor"] = "down",
    origins: Sequence[str] = (),
    to: str = "",
    composite: bool = False,
    meeting: str = "",
    precedence: int = 0,
    playout_ns: int = 0,
    key_every: int = 0,
) -> Stream:
    """Return a stream of the origins; rehearsals say packet by packet what they send."""
    return Stream(
        id=name,
        direction=direction,
        origins=tuple(sorted(origins, key=str.encode)),
        to=to,
        composite=composite,
        meeting=meeting,
        precedence=precedence,
        playout_ns=playout_ns,
        codec="",
        spread_ns=0,
        start_ns=0,
        span_ns=10,
        frames_per_span=1,
        frame_bytes=1,
        key_bytes=1,
        key_every=key_every,
        size_scale=0.0,
        packet_bytes=1,
        overhead_bytes=0,
        pace_bps=0,
    )


def scenario(
    parents: Mapping[str, str],
    *,
    tiers: Mapping[str, str] | None = None,
    lines: Mapping[str, Line] | None = None,
    processing_ns: Mapping[str, int] | None = None,
    egresses: Mapping[str, Sequence[Egress]] | None = None,
    transcoding_ns: Mapping[str, int] | None = None,
    select: Mapping[str, int] | None = None,
    ports: Mapping[str, int] | None = None,
    pools: Mapping[str, Pool] | None = None,
    full: Mapping[str, float] | None = None,
    rooms: Sequence[str] | None = None,
    duration_ns: int = 100,
    window_ns: int = 10,
    dark_after_ns: int = 10,
    seed: int = 1,
    streams: int | Sequence[Stream] = 2,
    agenda: Sequence[Turn] = (),
    classes: Sequence[str] = ("all",),
    begins_ns: int = 0,
) -> Scenario:
    """Return a scenario of a tree: site id -> id of its parent, empty for the root.

    Lines default to 1 byte/ns without delay or loss, relays to no processing and no interface,
    and every leaf has a room; a site is one tier below its parent. The relays of `transcoding_ns`
    compose. A number of streams means so
    many from the root down.
    """
    lines, egresses = lines or {}, egresses or {}
    processing_ns, transcoding_ns = processing_ns or {}, transcoding_ns or {}
    select, ports = select or {}, ports or {}
    pools, full = pools or {}, full or {}
    ids = sorted(parents, key=str.encode)
    interior = set(parents.values()) - {""}
    if isinstance(streams, int):
        (root,) = (site for site in ids if not parents[site])
        streams = [stream(f"stream {number}", origins=[root]) for number in range(streams)]
    if rooms is None:
        rooms = [site for site in ids if site not in interior]

    def depth(site: str) -> int:
        return 0 if not parents[site] else 1 + depth(parents[site])

    return Scenario(
        name="rehearsal",
        about="",
        seed=seed,
        duration_ns=duration_ns,
        window_ns=window_ns,
        bin_ns=window_ns,
        dark_after_ns=dark_after_ns,
        begins_ns=begins_ns,
        classes=tuple(classes),
        tiers=TIERS,
        sites=tuple(
            Site(
                id=site,
                name=site,
                tier=tiers[site] if tiers else TIERS[depth(site)],
                parent=parents[site],
                region="",
                latitude=float("nan"),
                longitude=float("nan"),
                room=site in rooms,
            )
            for site in ids
        ),
        lines=tuple(
            replace(lines.get(site, line()), site=site, parent=parents[site])
            for site in ids
            if parents[site]
        ),
        relays=tuple(
            Relay(
                site=site,
                processing_ns=processing_ns.get(site, 0),
                egresses=tuple(egresses.get(site, (NO_INTERFACE,))),
                pool=pools.get(site),
                full=full.get(site, 1.0),
                mode="compose" if site in transcoding_ns else "forward",
                transcoding_ns=transcoding_ns.get(site, 0),
                select=select.get(site, 0),
                ports=ports.get(site, 0),
                standby=None,
            )
            for site in ids
            if site in interior
        ),
        streams=tuple(sorted(streams, key=lambda stream: stream.id.encode())),
        agenda=tuple(agenda),
        faults=(),
        late_faults=0,
        joining=EVERYBODY_IS_THERE,
        signalling=AT_ONCE,
        detection=(),
        failover=(),
        key_requests=None,
        check=Check(duration_ns=duration_ns, timetable="cut", tolerances=tuple(DEFAULTS.items())),
        requirements=(),
    )
