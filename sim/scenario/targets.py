"""Targets of faults: which lines, relays and rooms a text such as `site/79` concerns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from sim.scenario.model import Line
from sim.scenario.problems import Place, Problems
from sim.scenario.selectors import Selector, read_selector
from sim.scenario.sites import Tree

KINDS = ("line", "relay", "site", "carrier", "group")

Action = Literal["fail", "degrade"]


@dataclass(slots=True)
class Parts:
    """Ids of sites whose primary line, relay or endpoint is concerned."""

    lines: set[str] = field(default_factory=set)
    relays: set[str] = field(default_factory=set)
    rooms: set[str] = field(default_factory=set)


class Targets:
    """Finds the parts of a target.

    `lines` tell the carrier of each primary line; `carriers` may be more, if chance gave one of
    them no line. `groups` are the members of each risk group.
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
        for line in lines:
            if line.role == "primary":
                self._by_carrier.setdefault(line.carrier, []).append(line.site)

    def parts(self, action: Action, text: str, place: Place, problems: Problems) -> Parts:
        """Return what a target concerns; empty after recording what is wrong."""
        parts = Parts()
        kind, _, name = text.strip().partition("/")
        if kind == "group":
            if name not in self._groups:
                suggestion = problems.suggest(name, list(self._groups))
                problems.add(place, f"no group '{name}'{suggestion}")
            for member, member_place in self._groups.get(name, ()):
                self._add(parts, action, member, member_place, KINDS[:-1], problems)
        else:
            self._add(parts, action, text, place, KINDS, problems)
        return parts

    def _add(
        self,
        parts: Parts,
        action: Action,
        text: str,
        place: Place,
        kinds: tuple[str, ...],
        problems: Problems,
    ) -> None:
        selector = read_selector(text, kinds, self._tree, problems, place)
        if selector is None:
            return
        if selector.scope is not None and selector.kind != "carrier":
            problems.add(place, f"only a carrier can have a scope, not a {selector.kind}")
        elif selector.kind == "carrier":
            parts.lines |= self._carrier_lines(selector, place, problems)
        elif selector.kind == "line":
            if selector.name == self._tree.root:
                problems.add(place, f"the root '{selector.name}' has no line")
            else:
                parts.lines.add(selector.name)
        elif selector.kind == "relay":
            if selector.name in self._tree.children:
                parts.relays.add(selector.name)
            else:
                title = self._tree.title(selector.name)
                problems.add(place, f"{title} has no relay: it has no children")
        else:
            self._add_site(parts, action, selector.name)

    def _carrier_lines(self, selector: Selector, place: Place, problems: Problems) -> set[str]:
        if selector.name not in self._carriers:
            suggestion = problems.suggest(selector.name, self._carriers)
            problems.add(place, f"no line is of carrier '{selector.name}'{suggestion}")
            return set()
        return {site for site in self._by_carrier.get(selector.name, ()) if selector.covers(site)}

    def _add_site(self, parts: Parts, action: Action, site_id: str) -> None:
        if site_id in self._tree.children:
            parts.relays.add(site_id)
        if action == "fail" and self._tree.sites[site_id].room:
            parts.rooms.add(site_id)
        if action == "degrade" and site_id != self._tree.root:
            parts.lines.add(site_id)
