"""Relays: what each site with children runs, from its tier and the exceptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sim.scenario.document import Document
from sim.scenario.egress_schema import EgressFields
from sim.scenario.egresses import NO_EGRESS, Interface, read_interface, whole_egress
from sim.scenario.gates import OPEN, Gate, lay_gate
from sim.scenario.model import Egress, Line, Relay
from sim.scenario.network_schema import RelayFields
from sim.scenario.pools import Servers, lay_servers, whole_pool
from sim.scenario.problems import Place
from sim.scenario.protection import Vrrp
from sim.scenario.protection_schema import StandbyFields
from sim.scenario.selectors import Selector, candidates, read_selector
from sim.scenario.sites import Tree

FULL = 1.0  # assumption: a relay knows the mean rates of its streams, and takes what it can send


@dataclass(frozen=True, slots=True)
class Plan:
    """A relay as far as it is given.

    Its way out is `shared` and `carriers`, or none `without_egress`, or `servers`; at first it is
    not said.
    """

    processing_ns: int | None = None
    shared: Interface | None = None
    carriers: Mapping[str, Interface] = field(default_factory=dict)
    without_egress: bool = False
    gate: Gate = OPEN
    servers: Servers | None = None
    full: float = FULL
    standby: Vrrp | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """Where limits of relays are given, by site: `ports`, and those of a pool by their names."""

    ports: dict[str, Place] = field(default_factory=dict)
    pools: dict[str, Mapping[str, Place]] = field(default_factory=dict)


def read_relays(
    document: Document, tree: Tree, lines: Iterable[Line], known_carriers: frozenset[str]
) -> tuple[tuple[Relay, ...], Given]:
    """Return a relay for each site with children, by id; and where their limits are given.

    `lines` tell which carriers each relay feeds; an egress that would feed none is left out.
    """
    _check_carriers(document, known_carriers)
    plans = _tier_plans(document, tree)
    exceptions = _exceptions(document, tree)
    concerned = candidates(selector for selector, _, _ in exceptions)
    carriers: dict[str, set[str]] = {}
    for line in lines:
        carriers.setdefault(line.parent, set()).add(line.carrier)
    complete: dict[tuple[str, tuple[int, ...]], Relay | None] = {}
    plans_of: dict[tuple[str, tuple[int, ...]], Plan] = {}
    relays = []
    given = Given()
    for site_id in tree.children:
        tier = tree.sites[site_id].tier
        if tier not in plans:
            continue
        applied = tuple(
            number
            for number in concerned.of(site_id)
            if _matches(exceptions[number][0], site_id, tier)
        )
        kind = (tier, applied)
        if kind not in complete:
            plan = plans[tier]
            for number in applied:
                _, fields, path = exceptions[number]
                plan = _layer(document, plan, fields, path, root=tier == tree.tiers[0])
            complete[kind] = _complete(document, tree, plan, site_id)
            plans_of[kind] = plan
        finished = complete[kind]
        if finished is not None:
            fed = carriers.get(site_id, set())
            egresses = _feeding(document, tree, site_id, finished.egresses, fed)
            relays.append(replace(finished, site=site_id, egresses=egresses))
            plan = plans_of[kind]
            if plan.gate.ports_place is not None:
                given.ports[site_id] = plan.gate.ports_place
            if plan.servers is not None:
                given.pools[site_id] = plan.servers.places
    return tuple(sorted(relays, key=lambda relay: relay.site.encode())), given


def _feeding(
    document: Document,
    tree: Tree,
    site_id: str,
    egresses: tuple[Egress, ...],
    carriers: set[str],
) -> tuple[Egress, ...]:
    """Return the egresses that feed a line of the relay, after recording lines that none feeds."""
    own = {egress.carrier for egress in egresses}
    rest = carriers - own
    if rest and "" not in own:
        document.problems.add(
            document.place("relays", tree.sites[site_id].tier, "egress"),
            f"no egress of {tree.title(site_id)} feeds its lines of carrier '{min(rest)}'; "
            "give the egress a rate, or that carrier an egress of its own",
        )
    return tuple(
        egress for egress in egresses if egress.carrier in carriers or (not egress.carrier and rest)
    )


def _tier_plans(document: Document, tree: Tree) -> dict[str, Plan]:
    problems = document.problems
    plans = {}
    described = document.file.relays.__pydantic_extra__ or {}
    for tier, fields in described.items():
        if tier not in tree.tiers:
            text = f"no tier '{tier}'{problems.suggest(tier, [*tree.tiers, 'except'])}"
            problems.add(document.key_place("relays", tier), text)
        elif tier == tree.tiers[-1]:
            text = f"sites of the last tier, '{tier}', have no children and so no relay"
            problems.add(document.key_place("relays", tier), text)
        else:
            root = tier == tree.tiers[0]
            plans[tier] = _layer(document, Plan(), fields, ("relays", tier), root=root)
    for tier in tree.tiers[:-1]:
        needed = [site_id for site_id in tree.children if tree.sites[site_id].tier == tier]
        if needed and tier not in described and not document.any_left_out("relays", tier):
            text = f"no description for the relays of tier '{tier}', such as that of "
            problems.add(document.place("relays"), text + tree.title(needed[0]))
    return plans


def check_relay_fields(document: Document) -> None:
    """Record what is wrong with the relays as they are described, whatever sites they are at."""
    for path, fields in _described(document):
        # Of its mode only a tier or a site can tell whether it fits.
        alone = fields.model_copy(update={"mode": None, "transcoding": None, "select": None})
        _layer(document, Plan(), alone, path, root=False)


def _described(document: Document) -> Iterator[tuple[tuple[str, ...], RelayFields]]:
    """Yield all that describes relays, tiers and exceptions, with its path."""
    relays = document.file.relays
    for tier, fields in (relays.__pydantic_extra__ or {}).items():
        yield ("relays", tier), fields
    for key, fields in relays.except_.items():
        yield ("relays", "except", key), fields


def _exceptions(
    document: Document, tree: Tree
) -> list[tuple[Selector, RelayFields, tuple[str, ...]]]:
    exceptions: list[tuple[Selector, RelayFields, tuple[str, ...]]] = []
    for text, fields in document.file.relays.except_.items():
        place = document.key_place("relays", "except", text)
        selector = read_selector(text, ("tier",), tree, document.problems, place, bare="site")
        if selector is None:
            continue
        if selector.kind == "site" and selector.name not in tree.children:
            title = tree.title(selector.name)
            document.problems.add(place, f"{title} has no children and so no relay")
        exceptions.append((selector, fields, ("relays", "except", text)))
    return exceptions


def _matches(selector: Selector, site_id: str, tier: str) -> bool:
    name = tier if selector.kind == "tier" else site_id
    return selector.name == name and selector.covers(site_id)


def _layer(
    document: Document, plan: Plan, fields: RelayFields, path: tuple[str, ...], *, root: bool
) -> Plan:
    """Return the plan with what `fields` gives laid over it; `root`: it is the root's."""
    standby = plan.standby
    if isinstance(fields.standby, StandbyFields):
        vrrp = fields.standby.vrrp
        standby = Vrrp(interval_ns=vrrp.interval, priority=vrrp.priority)
    elif fields.standby is not None:
        standby = None
    plan = replace(
        plan,
        standby=standby,
        processing_ns=plan.processing_ns if fields.processing is None else fields.processing,
        gate=lay_gate(document, plan.gate, fields, path, root=root),
        full=plan.full if fields.full is None else fields.full,
    )
    if fields.servers is not None:
        servers = lay_servers(document, plan.servers, fields.servers, (*path, "servers"))
        return replace(plan, shared=None, carriers={}, without_egress=False, servers=servers)
    egress = fields.egress
    if egress is None:
        return plan
    plan = replace(plan, servers=None)
    if not isinstance(egress, EgressFields):
        return replace(plan, shared=None, carriers={}, without_egress=True)
    shared = read_interface(document, egress, *path, "egress").over(plan.shared or Interface())
    carriers = dict(plan.carriers)
    for carrier, fields_of in egress.carriers.items():
        own = read_interface(document, fields_of, *path, "egress", "carriers", carrier)
        carriers[carrier] = own.over(carriers.get(carrier, Interface()))
    return replace(plan, shared=shared, carriers=carriers, without_egress=False)


def _complete(document: Document, tree: Tree, plan: Plan, site_id: str) -> Relay | None:
    """Return the relay of a site, or None after recording what is missing."""
    problems, tier = document.problems, tree.sites[site_id].tier
    missing = []
    if plan.processing_ns is None:
        missing.append("processing")
    if plan.shared is None and plan.servers is None and not plan.without_egress:
        missing.append("egress")
    for name in missing:
        problems.add(document.place("relays", tier, name), "Field required")
    if missing:
        return None
    assert plan.processing_ns is not None
    relay = Relay(
        site=site_id,
        processing_ns=plan.processing_ns,
        egresses=(NO_EGRESS,),
        pool=None,
        full=plan.full,
        mode=plan.gate.mode,
        transcoding_ns=plan.gate.transcoding_ns,
        select=plan.gate.select,
        ports=plan.gate.ports,
        standby=plan.standby,
    )
    if plan.servers is not None:
        whole = whole_pool(document, plan.servers, ("relays", tier, "servers"))
        return replace(relay, pool=whole[0], egresses=whole[1]) if whole else None
    if plan.shared is None:
        return relay
    egresses = _interfaces(document, plan, tier)
    return replace(relay, egresses=egresses) if egresses else None


def _interfaces(document: Document, plan: Plan, tier: str) -> tuple[Egress, ...]:
    """Return the egresses of a relay, or none after recording what is missing."""
    assert plan.shared is not None
    interfaces = {carrier: own.over(plan.shared) for carrier, own in plan.carriers.items()}
    if plan.shared.rate is not None or not interfaces:
        interfaces[""] = plan.shared
    egresses, whole = [], True
    for carrier in sorted(interfaces, key=str.encode):
        interface = interfaces[carrier]
        path = ("relays", tier, "egress", *(("carriers", carrier) if carrier else ()))
        gaps = [name for name in ("rate", "buffer") if getattr(interface, name) is None]
        for name in gaps:
            document.problems.add(document.place(*path, name), "Field required")
        if gaps:
            whole = False
        else:
            egresses.append(whole_egress(document, carrier, interface))
    return tuple(egresses) if whole else ()


def _check_carriers(document: Document, carriers: frozenset[str]) -> None:
    """Record egresses for carriers that run no line."""
    if document.any_left_out("lines"):
        return
    for path, fields in _described(document):
        if isinstance(fields.egress, EgressFields):
            for carrier in fields.egress.carriers:
                if carrier not in carriers:
                    text = f"no line is of carrier '{carrier}'"
                    text += document.problems.suggest(carrier, carriers)
                    place = document.key_place(*path, "egress", "carriers", carrier)
                    document.problems.add(place, text)
