"""Lines: each site's connection to its parent, from tier, class, inventory and exceptions.

What wins, from weak to strong: the tier, the access class the site drew, the inventory's row, the
exceptions in the file's order. Which backups a site has follows the same order, one list in place
of another; what a backup is, is its tier, then the class that describes it or that its row names,
then its own fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from sim.scenario import draws
from sim.scenario.background import read_load
from sim.scenario.backups import BackupPlan
from sim.scenario.classes import read_scheduling
from sim.scenario.document import Document
from sim.scenario.inventory import Inventory, InventoryRow, read_inventory
from sim.scenario.line_builder import LineBuilder, Spec, Tier, Values
from sim.scenario.mapping import given
from sim.scenario.model import Line
from sim.scenario.network_schema import (
    BackupFields,
    LineFields,
    LinkFields,
    PolicerFields,
    TierLineFields,
)
from sim.scenario.selectors import Selector, candidates, read_selector
from sim.scenario.sites import Tree

FIELDS = ("carrier", "rate", "down", "up", "buffer", "loss", "delay", "mtu")


def read_lines(document: Document, tree: Tree, seed: int) -> tuple[Line, ...]:
    """Return every line: by site, the primary first, then backups in the inventory's order."""
    tiers = _tiers(document, tree)
    inventory = read_inventory(document, tree)
    _check_classes(document, tiers, inventory)
    builder = LineBuilder(document, tree, inventory)
    drawing = [
        site.id
        for site in tree.sites.values()
        if site.tier in tiers and tiers[site.tier].classes and site.id != tree.root
    ]
    uniforms = dict(zip(drawing, draws.uniforms(seed, drawing, "class"), strict=True))
    exceptions = _exceptions(document, tree, tiers, inventory)
    concerned = candidates(selector for selector, _ in exceptions)
    lines: list[Line] = []
    for site in tree.sites.values():
        if site.id == tree.root or site.tier not in tiers:
            continue
        tier = tiers[site.tier]
        row = inventory.primary.get(site.id)
        named = _class_of(tier, row)
        drawn = tier.drawn(uniforms[site.id]) if site.id in uniforms else tier.base
        spec = named or drawn
        if row is not None:
            spec = spec.under(row.values)
        applied = []
        for number in concerned.of(site.id):
            selector, values = exceptions[number]
            if _matches(selector, site.id, site.tier, spec):
                spec = spec.under(values)
                applied.append(number)
        key = None if row else (site.tier, spec.access_class, *applied)
        place = row.place if row else None
        lines += builder.line(spec, site.id, site.parent, "primary", key=key, place=place)
        excepted = any("backup" in exceptions[number][1] for number in applied)
        rows = inventory.backups.get(site.id, ())
        for backup in () if excepted else rows:
            backup_spec = (_class_of(tier, backup) or tier.base).under(backup.values)
            parent = backup.parent or site.parent
            lines += builder.line(
                backup_spec, site.id, parent, "backup", key=None, place=backup.place
            )
        if excepted or not rows:
            lines += builder.backups(spec, tier, site.id)
    return tuple(lines)


def _values(document: Document, fields: LinkFields, path: tuple[str | int, ...]) -> Values:
    values: Values = {
        name: (getattr(fields, name), document.place(*path, name))
        for name in given(fields, *FIELDS)
    }
    if given(fields, "policer"):
        policer, place = fields.policer, document.place(*path, "policer")
        rate_bps, burst_bytes = 0, 0  # `none`, which takes away what the tier or class gives
        if isinstance(policer, PolicerFields):
            rate_bps, burst_bytes = policer.rate, policer.burst
        values["policer_rate"] = (rate_bps, place)
        values["policer_burst"] = (burst_bytes, place)
    if fields.scheduling is not None:
        place = document.place(*path, "scheduling")
        scheduling = read_scheduling(document, fields.scheduling, *path, "scheduling")
        values["scheduling"] = (scheduling, place)
    if fields.background is not None:
        place = document.place(*path, "background")
        values["background"] = (read_load(document, fields.background, *path, "background"), place)
    if isinstance(fields, LineFields) and fields.backup is not None:
        plans = _plans(document, fields.backup, (*path, "backup"))
        values["backup"] = (plans, document.place(*path, "backup"))
    return values


def _plans(
    document: Document, given: str | BackupFields | list[BackupFields], path: tuple[str | int, ...]
) -> tuple[BackupPlan, ...]:
    """Return the backups that a description gives, in order; none for `none`."""
    if isinstance(given, str):
        return ()
    several = isinstance(given, list)
    of_class = path[1] != "except" and path[2] == "classes"
    if given == []:
        document.problems.add(document.place(*path), "needs a backup, or 'none'")
    plans = []
    for number, fields in enumerate(given if isinstance(given, list) else [given]):
        own = (*path, number) if several else path
        plans.append(
            BackupPlan(
                to=fields.to or "",
                values=_values(document, fields, own),
                access_class=str(path[3]) if of_class else "",
                place=document.place(*own),
                to_place=document.place(*own, "to"),
            )
        )
    return tuple(plans)


def check_line_fields(document: Document) -> None:
    """Record what is wrong with the lines as they are described, whatever sites they lead to."""
    for name, fields in (document.file.lines.__pydantic_extra__ or {}).items():
        _tier(document, name, fields)
    for text, own in document.file.lines.except_.items():
        _values(document, own, ("lines", "except", text))


def _tiers(document: Document, tree: Tree) -> dict[str, Tier]:
    problems = document.problems
    tiers = {}
    described = document.file.lines.__pydantic_extra__ or {}
    for name, fields in described.items():
        if name == tree.tiers[0]:
            text = f"the root tier '{name}' has no line; a line goes to the tier above"
            problems.add(document.key_place("lines", name), text)
        elif name not in tree.tiers:
            choices = [*tree.tiers[1:], "route", "inventory", "except"]
            text = f"no tier '{name}'{problems.suggest(name, choices)}"
            problems.add(document.key_place("lines", name), text)
        else:
            tiers[name] = _tier(document, name, fields)
    for name in tree.tiers[1:]:
        needed = [site.id for site in tree.sites.values() if site.tier == name]
        if needed and name not in described and not document.any_left_out("lines", name):
            text = f"no description for the lines of tier '{name}', such as that of "
            problems.add(document.place("lines"), text + tree.title(needed[0]))
    # Where a class could not be read, its sites would draw another.
    return {name: tier for name, tier in tiers.items() if not document.any_left_out("lines", name)}


def _tier(document: Document, name: str, fields: TierLineFields) -> Tier:
    base = Spec("", {}).under(_values(document, fields, ("lines", name)))
    tier = Tier(base)
    if fields.classes is None:
        return tier
    shares = []
    for class_name, own in fields.classes.items():
        path = ("lines", name, "classes", class_name)
        values = _values(document, own, path)
        tier.classes[class_name] = Spec(class_name, base.under(values).values)
        shares.append(own.share)
    tier.bounds = list(accumulate(shares))
    total = sum(round(share * 10**12) for share in shares)
    if total != 10**12 and not document.any_left_out("lines", name):
        text = f"the shares add up to {total / 10**10:.10g} %, not 100 %"
        document.problems.add(document.place("lines", name, "classes"), text)
    return tier


def _class_of(tier: Tier, row: InventoryRow | None) -> Spec | None:
    """Return the class a row names, if it does."""
    if row is None or "class" not in row.values:
        return None
    name, place = row.values["class"]
    if not tier.classes:
        # A tier without classes: the name is a label, the row says all there is.
        return Spec(name or "", tier.base.values)
    return tier.classes.get(name) or Spec("", {"class": (None, place)})


def _check_classes(document: Document, tiers: dict[str, Tier], inventory: Inventory) -> None:
    """Record classes of the inventory that no tier describes, where tiers have classes."""
    known = {name for tier in tiers.values() for name in tier.classes}
    if not known:
        return
    for row in _rows(inventory):
        name, place = row.values.get("class", (None, row.place))
        if name is not None and name not in known:
            text = f"no class '{name}'{document.problems.suggest(name, known)}"
            document.problems.add(place, text)


def _rows(inventory: Inventory) -> Iterator[InventoryRow]:
    yield from inventory.primary.values()
    for rows in inventory.backups.values():
        yield from rows


def _exceptions(
    document: Document, tree: Tree, tiers: dict[str, Tier], inventory: Inventory
) -> list[tuple[Selector, Values]]:
    problems = document.problems
    fields = document.file.lines.except_
    specs = [spec for tier in tiers.values() for spec in (tier.base, *tier.classes.values())]
    layers = [spec.values for spec in specs] + [row.values for row in _rows(inventory)]
    known = {
        "carrier": {str(layer["carrier"][0]) for layer in layers if "carrier" in layer}
        | {own.carrier for own in fields.values() if own.carrier},
        "class": {name for tier in tiers.values() for name in tier.classes}
        | {str(row.values["class"][0]) for row in _rows(inventory) if "class" in row.values},
    }
    exceptions = []
    for text, own in fields.items():
        place = document.key_place("lines", "except", text)
        selector = read_selector(
            text, ("tier", "carrier", "class"), tree, problems, place, bare="site"
        )
        if selector is None:
            continue
        if selector.kind == "site" and selector.name == tree.root:
            problems.add(place, f"the root {tree.title(tree.root)} has no line")
        names = known.get(selector.kind)
        if names is not None and selector.name not in names and not document.any_left_out("lines"):
            suggestion = problems.suggest(selector.name, names)
            problems.add(place, f"no {selector.kind} '{selector.name}'{suggestion}")
        exceptions.append((selector, _values(document, own, ("lines", "except", text))))
    return exceptions


def known_carriers(document: Document, lines: Iterable[Line]) -> frozenset[str]:
    """Return the carriers of all lines, and those described that no site happened to draw."""
    fields = document.file.lines
    described: list[LineFields] = list(fields.except_.values())
    for tier in (fields.__pydantic_extra__ or {}).values():
        described += [tier, *(tier.classes or {}).values()]
    named = {own.carrier for own in described if own.carrier}
    for own in described:
        backups = own.backup if isinstance(own.backup, list) else [own.backup]
        named |= {
            each.carrier for each in backups if isinstance(each, BackupFields) and each.carrier
        }
    return frozenset(named | {line.carrier for line in lines})


def known_classes(document: Document, lines: Iterable[Line]) -> frozenset[str]:
    """Return the access classes of all lines, and those described that no site happened to draw."""
    tiers = (document.file.lines.__pydantic_extra__ or {}).values()
    described = {name for tier in tiers for name in tier.classes or {}}
    return frozenset(described | {line.access_class for line in lines}) - {""}


def _matches(selector: Selector, site_id: str, tier: str, spec: Spec) -> bool:
    if selector.kind == "site":
        name = site_id
    elif selector.kind == "tier":
        name = tier
    elif selector.kind == "class":
        name = spec.access_class
    else:
        name = spec.values.get("carrier", ("",))[0]
    return selector.name == name and selector.covers(site_id)
