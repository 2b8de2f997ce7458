"""The resolved section `signalling` as text."""

from __future__ import annotations

from collections.abc import Iterator

from sim.scenario.model import Site
from sim.scenario.signalling_model import (
    AT_ONCE,
    NO_SEQUENCE,
    ServerRules,
    SignallingRules,
    Step,
)
from sim.scenario.sites import Tree
from sim.scenario.yaml_text import mapping, quoted
from sim.units import format_share


def signalling_text(rules: SignallingRules, tree: Tree) -> Iterator[str]:
    """Yield the lines of the section that reads as exactly these rules."""
    if rules == AT_ONCE:
        return
    yield "signalling:"
    if rules.servers:
        yield "  servers:"
        by_tier = {tree.sites[server.site].tier: server for server in rules.servers}
        for tier in tree.tiers:
            if tier in by_tier:
                yield f"    {quoted(tier)}: {_server(by_tier[tier])}"
    yield f"  sequence: {quoted(rules.sequence)}"
    exceptions = list(_exceptions(rules, tree))
    if exceptions:
        yield "  except:"
        yield from exceptions
    described = [each for each in rules.sequences if each.name != NO_SEQUENCE]
    if described:
        yield "  sequences:"
    for sequence in described:
        yield f"    {quoted(sequence.name)}:"
        yield from (f"      - {_step(step)}" for step in sequence.steps)
    yield f"  timers: {mapping(t1=f'{rules.t1_ns} ns', t2=f'{rules.t2_ns} ns')}"
    retry = rules.retry
    fields = {
        "first": f"{retry.first_ns} ns",
        "most": f"{retry.most_ns} ns",
        "jitter": format_share(retry.jitter, digits=None),
        "tries": str(retry.tries or "none"),
    }
    yield f"  retry: {mapping(**fields)}"


def _server(server: ServerRules) -> str:
    joins = f"{server.joins} in {server.joins_span_ns} ns" if server.joins else "none"
    return mapping(
        rate=f"1 in {server.service_ns} ns",
        service=server.service,
        workers=str(server.workers),
        queue="none" if server.queue < 0 else str(server.queue),
        full=server.full,
        joins=joins,
    )


def _exceptions(rules: SignallingRules, tree: Tree) -> Iterator[str]:
    """Yield where the sequence is another than that of the site above, from the root down."""
    other = dict(rules.other)

    def used(site: Site | None) -> str:
        return rules.sequence if site is None else other.get(site.id, rules.sequence)

    for tier in tree.tiers:
        for site in tree.sites.values():
            if site.tier == tier and used(site) != used(tree.sites.get(site.parent)):
                yield f"    {quoted(f'site/{site.id}')}: {quoted(used(site))}"


def _step(step: Step) -> str:
    whole, half = divmod(step.half_trips, 2)
    return mapping(
        step=quoted(step.name),
        to=quoted(step.to),
        trips=f"{whole}.5" if half else str(whole),
        queue=str(step.queue).lower(),
        resend=step.resend,
        prepare=f"{step.prepare_ns} ns",
        processing=f"{step.processing_ns} ns",
    )
