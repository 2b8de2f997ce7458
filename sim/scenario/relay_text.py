"""Relays as the resolved scenario writes them: a tier's most common one, and the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from sim.scenario.egresses import NO_EGRESS
from sim.scenario.load_text import LoadTexts
from sim.scenario.model import Egress, Pool, Relay, Scenario
from sim.scenario.protection_text import standby_text
from sim.scenario.relays import FULL
from sim.scenario.yaml_text import mapping, quoted
from sim.units import format_share

NO_GATE = {"mode": "forward", "select": "none", "ports": "none"}


def relay_lines(scenario: Scenario, loads: LoadTexts) -> Iterator[str]:
    """Yield the lines of `relays:`."""
    tier_of = {site.id: site.tier for site in scenario.sites}
    by_tier: dict[str, list[Relay]] = {}
    for relay in scenario.relays:
        by_tier.setdefault(tier_of[relay.site], []).append(relay)
    exceptions = []
    for tier, relays in by_tier.items():
        kinds = Counter(replace(relay, site="") for relay in relays)
        kind, _ = kinds.most_common(1)[0]
        if not all(_can_follow(kind.egresses, relay.egresses) for relay in relays):
            # An exception adds to its tier's egress: only from `none` does it start afresh.
            kind = replace(kind, egresses=(NO_EGRESS,), pool=None)
        gated = any(_gate(relay) != NO_GATE for relay in relays)
        limited = any(relay.full != FULL for relay in relays)
        standing_by = any(relay.standby for relay in relays)
        for relay in (kind, *(relay for relay in relays if replace(relay, site="") != kind)):
            fields = {"processing": f"{relay.processing_ns} ns"}
            if gated:
                fields |= _gate(relay)
            if limited:
                fields["full"] = _share(relay.full)
            if standing_by:
                fields["standby"] = standby_text(relay.standby)
            text = mapping(**fields, **_way_out(relay, loads))
            if relay is kind:
                yield f"  {quoted(tier)}: {text}"
            else:
                exceptions.append(f"    {quoted(relay.site)}: {text}")
    if exceptions:
        yield "  except:"
        yield from exceptions


def _can_follow(base: tuple[Egress, ...], egresses: tuple[Egress, ...]) -> bool:
    """Return whether an exception can turn the egresses `base` into `egresses`."""
    if not base[0].rate_bps or not egresses[0].rate_bps:
        return True
    if base[0].server or egresses[0].server:
        return True
    carriers = {egress.carrier for egress in egresses}
    return {egress.carrier for egress in base} <= carriers


def _gate(relay: Relay) -> dict[str, str]:
    """Return all that a relay's gate is; an exception starts from that of its tier."""
    fields: dict[str, str] = {"mode": relay.mode}
    if relay.mode == "compose":
        fields["transcoding"] = f"{relay.transcoding_ns} ns"
    else:
        fields["select"] = str(relay.select or "none")
    return fields | {"ports": str(relay.ports or "none")}


def _way_out(relay: Relay, loads: LoadTexts) -> dict[str, str]:
    """Return a relay's egresses or servers as its last field."""
    egresses = relay.egresses
    if not egresses[0].rate_bps:
        return {"egress": "none"}
    if relay.pool is not None:
        count = str(len(egresses))
        return {"servers": mapping(count=count, **_egress(egresses[0], loads), **_pool(relay.pool))}
    shared: dict[str, str] = {}
    carriers = []
    for egress in egresses:
        own = _egress(egress, loads)
        if egress.carrier:
            carriers.append(f"{quoted(egress.carrier)}: {mapping(**own)}")
        else:
            shared = own
    if carriers:
        shared["carriers"] = "{" + ", ".join(carriers) + "}"
    return {"egress": mapping(**shared)}


def _egress(egress: Egress, loads: LoadTexts) -> dict[str, str]:
    return {
        "rate": f"{egress.rate_bps} bit/s",
        "buffer": f"{egress.buffer_bytes} B",
        "overhead": f"{egress.overhead_ns} ns",
        "mtu": f"{egress.mtu_bytes} B",
        "scheduling": egress.scheduling,
        "background": loads.text(egress.background),
    }


def _pool(pool: Pool) -> dict[str, str]:
    """Return all that is said of a pool beside its servers; each has its place in exceptions."""
    return {
        "policy": f"fill to {_share(pool.fill_to)}" if pool.policy == "fill" else pool.policy,
        "report": f"every {pool.report_ns} ns",
        "report_delay": f"{pool.report_delay_ns} ns",
        "ports": str(pool.ports or "none"),
        "streams": str(pool.streams or "none"),
        "packets": f"{pool.packets_per_s}/s" if pool.packets_per_s else "none",
        "admit": f"{pool.admit} in {pool.admit_ns} ns" if pool.admit else "none",
    }


def _share(share: float) -> str:
    return format_share(share, digits=None) if share else "none"
