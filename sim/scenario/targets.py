"""Targets of faults: which lines, relays and rooms a text such as `site/79` concerns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from sim.scenario.line_names import line_names, site_of
from sim.scenario.model import Line
from sim.scenario.problems import Place, Problems
from sim.scenario.selectors import Selector, read_selector
from sim.scenario.sites import Tree

Action = Literal["fail", "degrade", "flap", "power", "grey"]

PARTS = ("line", "relay", "room", "site", "carrier")
# What a group may hold, by action; a group may be named, too.
KINDS: dict[Action, tuple[str, ...]] = {
    "fail": PARTS,
    "degrade": PARTS,
    "flap": PARTS,
    "power": ("site", "tier", "region"),
    "grey": ("relay",),
}
SCOPED = ("carrier", "tier")
ALL_KINDS = (*PARTS, "tier", "region")


@dataclass(slots=True)
class Parts:
    """Names of lines, and ids of sites: whose relay or room is concerned, or that are out whole."""

    lines: set[str] = field(default_factory=set)
    relays: set[str] = field(default_factory=set)
    rooms: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)


class Targets:
    """Finds the parts of a target.

    `carriers` may be more than the lines have, if chance gave one of them no line. `groups` are the
    members of each risk group.
    """

    def __init__(
        self,
        tree: Tree,
        lines: Iterable[Line],
        carriers: frozenset[str],
        groups: dict[str, list[tuple[str, Place]]],
    ) -> None:
        self._tree = tree
        self._groups = groups
        self._carriers = carriers
        self._by_carrier: dict[str, list[str]] = {}
        self._by_site: dict[str, list[str]] = {}
        lines = tuple(lines)
        for name, line in zip(line_names(lines), lines, strict=True):
            self._by_carrier.setdefault(line.carrier, []).append(name)
            self._by_site.setdefault(line.site, []).append(name)

    def lines_of(self, site_id: str) -> list[str]:
        """Return the names of a site's lines, the primary first."""
        return self._by_site.get(site_id, [])

    def parts(self, action: Action, text: str, place: Place, problems: Problems) -> Parts:
        """Return what a target concerns; empty after recording what is wrong."""
        parts = Parts()
        kind, _, name = text.strip().partition("/")
        if kind == "group":
            if name not in self._groups:
                suggestion = problems.suggest(name, list(self._groups))
                problems.add(place, f"no group '{name}'{suggestion}")
            for member, member_place in self._groups.get(name, ()):
                self._add(parts, action, member, member_place, problems, grouped=True)
        else:
            self._add(parts, action, text, place, problems, grouped=False)
        return parts

    def check_group(self, name: str, problems: Problems) -> None:
        """Record what is wrong with the members of a group that no event names.

        What they may be depends on what would happen to them.
        """
        for member, place in self._groups[name]:
            kind = member.partition("/")[0]
            action: Action = "power" if kind in ("tier", "region") else "fail"
            self._add(Parts(), action, member, place, problems, grouped=True)

    def _add(
        self,
        parts: Parts,
        action: Action,
        text: str,
        place: Place,
        problems: Problems,
        *,
        grouped: bool,
    ) -> None:
        kind, _, name = text.strip().partition("/")
        kinds = KINDS[action] if grouped else (*KINDS[action], "group")
        if kind in ALL_KINDS and kind not in kinds:
            listed = ", ".join(f"{each}/…" for each in KINDS[action])
            problems.add(place, f"'{text}': '{action}' concerns {listed} and groups of them")
            return
        if kind == "line":
            self._add_line(parts, name, place, problems)
            return
        selector = read_selector(text, kinds, self._tree, problems, place)
        if selector is None:
            return
        if selector.scope is not None and selector.kind not in SCOPED:
            problems.add(place, f"only a carrier can have a scope, not a {selector.kind}")
        elif selector.kind == "carrier":
            parts.lines |= self._carrier_lines(selector, place, problems)
        elif action == "power":
            for site_id in self._powered(selector, place, problems):
                self._add_site(parts, "fail", site_id)
        elif selector.kind == "relay":
            self._add_relay(parts, selector.name, place, problems)
        elif selector.kind == "room":
            self._add_room(parts, action, selector.name, place, problems)
        else:
            self._add_site(parts, action, selector.name)

    def _add_line(self, parts: Parts, name: str, place: Place, problems: Problems) -> None:
        site_id = site_of(name)
        if site_id not in self._tree.sites:
            text = f"no site '{site_id}'{problems.suggest(site_id, self._tree.names)}"
            problems.add(place, text)
        elif name in self.lines_of(site_id):
            parts.lines.add(name)
        elif name == self._tree.root:
            problems.add(place, f"the root '{name}' has no line")
        elif name != site_id:
            backups = self.lines_of(site_id)[1:]
            have = f"its backups are {', '.join(backups)}" if backups else "it has no backup"
            problems.add(place, f"{self._tree.title(site_id)} has no line '{name}': {have}")

    def _add_relay(self, parts: Parts, site_id: str, place: Place, problems: Problems) -> None:
        if site_id in self._tree.children:
            parts.relays.add(site_id)
        else:
            title = self._tree.title(site_id)
            problems.add(place, f"{title} has no relay: it has no children")

    def _add_room(
        self, parts: Parts, action: Action, site_id: str, place: Place, problems: Problems
    ) -> None:
        if not self._tree.sites[site_id].room:
            problems.add(place, f"{self._tree.title(site_id)} has no room")
        elif action == "degrade":
            problems.add(place, "a room has no rate and no line; degrade the site, or its line")
        else:
            parts.rooms.add(site_id)

    def _carrier_lines(self, selector: Selector, place: Place, problems: Problems) -> set[str]:
        if selector.name not in self._carriers:
            suggestion = problems.suggest(selector.name, self._carriers)
            problems.add(place, f"no line is of carrier '{selector.name}'{suggestion}")
            return set()
        names = self._by_carrier.get(selector.name, ())
        return {name for name in names if selector.covers(site_of(name))}

    def _powered(self, selector: Selector, place: Place, problems: Problems) -> list[str]:
        """Return the sites on the mains that a selector names."""
        tree = self._tree
        if selector.kind == "site":
            return [selector.name]
        if selector.kind == "tier":
            sites = tree.sites.values()
            found = [site.id for site in sites if site.tier == selector.name]
            return [site_id for site_id in found if selector.covers(site_id)]
        if selector.name in tree.regions:
            return sorted(tree.regions[selector.name], key=str.encode)
        suggestion = problems.suggest(selector.name, list(tree.regions))
        problems.add(place, f"no region '{selector.name}'{suggestion}")
        return []

    def _add_site(self, parts: Parts, action: Action, site_id: str) -> None:
        if site_id in self._tree.children:
            parts.relays.add(site_id)
        if action == "degrade":
            parts.lines |= set(self.lines_of(site_id))
            return
        parts.sites.add(site_id)
        if self._tree.sites[site_id].room:
            parts.rooms.add(site_id)
