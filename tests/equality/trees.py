"""Small trees, said briefly: every part has a default that does nothing.

At `BYTE_PER_NS` a packet of n bytes takes n ns to send, so times can be worked out by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sim.scenario.model import (
    Direction,
    Egress,
    Line,
    Loss,
    Policer,
    Relay,
    Scenario,
    Site,
    Stream,
)

BYTE_PER_NS = 8 * 10**9  # bit/s
LOSSLESS = Loss(p=0.0, r=1.0, bad=0.0, good=0.0)
TIERS = ("central", "province", "district", "commune")
NO_INTERFACE = Egress(carrier="", rate_bps=0, buffer_bytes=1, mtu_bytes=1, overhead_ns=0)


def direction(
    *,
    rate_bps: int = BYTE_PER_NS,
    buffer_bytes: int = 100,
    mtu_bytes: int = 1,
    loss: Loss = LOSSLESS,
    policer: Policer | None = None,
) -> Direction:
    """Return a direction of a line: 1 byte/ns, room for 100 bytes, no loss, no policer."""
    return Direction(
        rate_bps=rate_bps,
        buffer_bytes=buffer_bytes,
        mtu_bytes=mtu_bytes,
        loss=loss,
        policer=policer,
    )


def line(down: Direction | None = None, *, propagation_ns: int = 0, carrier: str = "vnpt") -> Line:
    """Return a line whose ends `scenario` fills in."""
    down = down or direction()
    return Line(
        site="",
        parent="",
        role="primary",
        carrier=carrier,
        access_class="",
        down=down,
        up=down,
        propagation_ns=propagation_ns,
    )


def egress(
    *,
    carrier: str = "",
    rate_bps: int = BYTE_PER_NS,
    buffer_bytes: int = 100,
    mtu_bytes: int = 1,
    overhead_ns: int = 0,
) -> Egress:
    """Return an egress: 1 byte/ns, room for 100 bytes, for all lines."""
    return Egress(
        carrier=carrier,
        rate_bps=rate_bps,
        buffer_bytes=buffer_bytes,
        mtu_bytes=mtu_bytes,
        overhead_ns=overhead_ns,
    )


def scenario(
    parents: Mapping[str, str],
    *,
    lines: Mapping[str, Line] | None = None,
    processing_ns: Mapping[str, int] | None = None,
    egresses: Mapping[str, Sequence[Egress]] | None = None,
    rooms: Sequence[str] | None = None,
    duration_ns: int = 100,
    window_ns: int = 10,
    dark_after_ns: int = 10,
    seed: int = 1,
    streams: int = 2,
) -> Scenario:
    """Return a scenario of a tree: site id -> id of its parent, empty for the root.

    Lines default to 1 byte/ns without delay or loss, relays to no processing and no interface,
    and every leaf has a room.
    """
    lines, egresses = lines or {}, egresses or {}
    processing_ns = processing_ns or {}
    ids = sorted(parents, key=str.encode)
    interior = set(parents.values()) - {""}
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
        tiers=TIERS,
        sites=tuple(
            Site(
                id=site,
                name=site,
                tier=TIERS[depth(site)],
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
            )
            for site in ids
            if site in interior
        ),
        streams=tuple(_stream(f"stream {number}", parents) for number in range(streams)),
        faults=(),
        late_faults=0,
        requirements=(),
    )


def _stream(stream: str, parents: Mapping[str, str]) -> Stream:
    """Return a stream of the root; rehearsals say packet by packet what it sends."""
    (root,) = (site for site, parent in parents.items() if not parent)
    return Stream(
        id=stream,
        origin=root,
        start_ns=0,
        span_ns=10,
        frames_per_span=1,
        frame_bytes=1,
        key_bytes=1,
        key_every=0,
        size_scale=0.0,
        packet_bytes=1,
        overhead_bytes=0,
        pace_bps=0,
    )
