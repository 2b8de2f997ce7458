"""Pools: servers as far as they are given, the whole pool that follows, and who fits into it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sim.scenario.demand import Demand, demands, most_lines
from sim.scenario.document import Document
from sim.scenario.egresses import Interface, read_interface, whole_egress
from sim.scenario.model import Egress, Pool, Relay, Stream
from sim.scenario.pool_schema import Admit, Placing, ServersFields
from sim.scenario.problems import Place
from sim.scenario.sites import Tree

# jitsi/jicofo, pull request 1298: a bridge reports its stress every 5 to 10 seconds.
REPORT_NS = 10 * 10**9
LEAST_LOADED = Placing("least loaded", 0.0)  # assumption
NOTHING = Interface()
EVERYBODY = Admit(0, 0)
LIMITS = ("ports", "streams", "packets")


@dataclass(frozen=True, slots=True)
class Servers:
    """A pool as far as it is given, and where its fields are given."""

    count: int | None = None
    interface: Interface = NOTHING
    policy: Placing = LEAST_LOADED
    report: int = REPORT_NS
    report_delay: int = 0
    ports: int = 0
    streams: int = 0
    packets: int = 0
    admit: Admit = EVERYBODY
    places: Mapping[str, Place] = field(default_factory=dict)


def lay_servers(
    document: Document, base: Servers | None, fields: ServersFields, path: tuple[str, ...]
) -> Servers:
    """Return the servers with what `fields`, which are at `path`, give laid over them."""
    base = base or Servers()
    names = ("count", "policy", "report", "report_delay", *LIMITS, "admit")
    changes: dict[str, Any] = {
        name: value for name in names if (value := getattr(fields, name)) is not None
    }
    return replace(
        base,
        **changes,
        interface=read_interface(document, fields, *path).over(base.interface),
        places={**base.places, **{name: document.place(*path, name) for name in changes}},
    )


def whole_pool(
    document: Document, servers: Servers, path: tuple[str, ...]
) -> tuple[Pool, tuple[Egress, ...]] | None:
    """Return a pool and its servers, or None after recording what is missing at `path`."""
    given = {
        "count": servers.count,
        "rate": servers.interface.rate,
        "buffer": servers.interface.buffer,
    }
    gaps = [name for name, value in given.items() if value is None]
    for name in gaps:
        document.problems.add(document.place(*path, name), "Field required")
    if gaps:
        return None
    assert servers.count is not None
    egress = whole_egress(document, "", servers.interface)
    pool = Pool(
        policy=servers.policy.policy,
        fill_to=servers.policy.fill_to,
        report_ns=servers.report,
        report_delay_ns=servers.report_delay,
        ports=servers.ports,
        streams=servers.streams,
        packets_per_s=servers.packets,
        admit=servers.admit.count,
        admit_ns=servers.admit.span_ns,
    )
    return pool, tuple(replace(egress, server=str(i)) for i in range(1, servers.count + 1))


def check_pools(
    document: Document,
    tree: Tree,
    relays: Iterable[Relay],
    streams: Iterable[Stream],
    places: Mapping[str, Mapping[str, Place]],
    *,
    floor: bool,
    absent: Collection[str] = (),
) -> None:
    """Record pools that do not hold the sites that are below them from the start.

    `places` are those of the limits, by site and limit; of relays that share one the worst is
    named. Sites that are `absent` when the run begins are left out.
    """
    above = {site.id: site.parent for site in tree.sites.values()}
    of_lines: dict[str, Demand] = {}
    short: dict[Place, list[tuple[int, Relay, str, int]]] = defaultdict(list)
    for relay in relays:
        if relay.pool is None:
            continue
        of_lines = of_lines or demands(above, streams, floor=floor)
        here = [site for site in tree.children[relay.site] if site not in absent]
        below, count = len(here), len(relay.egresses)
        each = most_lines(
            of_lines[relay.site],
            ports=relay.pool.ports,
            streams=relay.pool.streams,
            packets_per_s=relay.pool.packets_per_s,
        )
        for limit, most in zip(LIMITS, each, strict=True):
            if 0 <= most * count < below:
                place = places[relay.site][limit]
                short[place].append((below - most * count, relay, limit, most))
    for place, those in short.items():
        more_than, worst, limit, most = max(those, key=lambda one: one[0])
        count, others = len(worst.egresses), len(those) - 1
        more = f", and {others} more pool{'s' * (others > 1)} too small" if others else ""
        servers = "1 server holds" if count == 1 else f"{count} servers hold"
        below = most * count + more_than
        text = (
            f"{tree.title(worst.site)} has {below} sites below it, and "
            f"its {servers} {most * count} by '{limit}', {most} each{more}; make it larger, or "
            "take more servers"
        )
        document.problems.add(place, text)
