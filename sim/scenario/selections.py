"""Selections: which sites the `of` of a requirement means, and that there is something to judge.

`site/ID` is the site and everything below it, as in a scope; a carrier or a class means the sites
whose primary line is of it. A group means the sites its members name: of `line/ID`, `relay/ID` and
`room/ID` the site alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sim.scenario.document import Document
from sim.scenario.line_names import site_of
from sim.scenario.lines import known_carriers, known_classes
from sim.scenario.model import Line, Relay
from sim.scenario.problems import Place, Problems
from sim.scenario.requirement_model import Selection, Subject
from sim.scenario.selectors import SCOPED, Selector, read_selector
from sim.scenario.sites import Tree

KINDS = ("tier", "region", "site", "carrier", "class", "group")
MEMBERS = ("relay", "room", "site", "carrier", "tier", "region")  # of a group, beside lines
SINGULAR: dict[Subject, str] = {"rooms": "room", "lines": "line", "egresses": "shared egress"}


class Selections:
    """Reads the selections of one scenario."""

    def __init__(
        self, document: Document, tree: Tree, lines: Sequence[Line], relays: Sequence[Relay]
    ) -> None:
        self._document = document
        self._tree = tree
        self._primary = [line for line in lines if line.role == "primary"]
        self._relays = relays
        self._names: dict[str, frozenset[str]] = {
            "region": frozenset(tree.regions),
            "carrier": known_carriers(document, lines) - {""},
            "class": known_classes(document, lines),
            "group": frozenset(document.file.groups),
        }

    def read(self, text: str, place: Place, subject: Subject) -> Selection | None:
        """Return what a text selects, or None after recording what is wrong."""
        problems = self._document.problems
        selector = read_selector(text, KINDS, self._tree, problems, place)
        if selector is None or self._unsure(selector):
            return None
        names = self._names.get(selector.kind)
        if names is not None and selector.name not in names:
            what = {"carrier": "no line is of carrier", "class": "no line is of class"}.get(
                selector.kind, f"no {selector.kind}"
            )
            problems.add(place, f"{what} '{selector.name}'{problems.suggest(selector.name, names)}")
            return None
        sites = [site for site in self._sites(selector) if selector.covers(site)]
        selection = Selection(
            text=text.strip(),
            words=self._words(text, selector),
            sites=tuple(sorted(sites, key=str.encode)),
        )
        if not self._any(selection, subject):
            problems.add(place, f"no {SINGULAR[subject]} is of '{text.strip()}'")
            return None
        return selection

    def _unsure(self, selector: Selector) -> bool:
        """Return whether what was refused elsewhere may be what is selected."""
        document = self._document
        by_line = selector.kind in ("carrier", "class", "group")
        of_group = selector.kind == "group" and document.any_left_out("groups")
        return of_group or (by_line and document.any_left_out("lines"))

    def _words(self, text: str, selector: Selector) -> tuple[tuple[str, str], ...]:
        match = SCOPED.fullmatch(text.strip())
        assert match is not None, "a selector was read from it"
        words = [(selector.kind, selector.name)]
        if match["scope"] is not None:
            kind, _, name = match["scope"].partition("/")
            words.append((kind, name))
        return tuple(
            (kind, self._tree.names[name] if kind == "site" else name) for kind, name in words
        )

    def _sites(self, selector: Selector) -> Iterable[str]:
        tree = self._tree
        if selector.kind == "tier":
            return (site.id for site in tree.sites.values() if site.tier == selector.name)
        if selector.kind == "region":
            return tree.regions[selector.name]
        if selector.kind == "site":
            return tree.below(selector.name)
        if selector.kind == "group":
            return self._members(selector.name)
        by: Callable[[Line], str] = (
            (lambda line: line.carrier)
            if selector.kind == "carrier"
            else lambda line: line.access_class
        )
        return (line.site for line in self._primary if by(line) == selector.name)

    def _members(self, group: str) -> set[str]:
        """Return the sites of a group; what is wrong with its members is said with the events."""
        sites: set[str] = set()
        unsaid, nowhere = Problems(), Place("", 0, 0, "")
        for text in self._document.file.groups[group]:
            kind, _, name = text.strip().partition("/")
            if kind == "line":
                sites |= {site_of(name)} & self._tree.sites.keys()
                continue
            member = read_selector(text, MEMBERS, self._tree, unsaid, nowhere)
            if member is None or (
                member.kind == "region" and member.name not in self._tree.regions
            ):
                continue
            if member.kind in ("relay", "room"):
                sites.add(member.name)
            else:
                sites.update(site for site in self._sites(member) if member.covers(site))
        return sites

    def _any(self, selection: Selection, subject: Subject) -> bool:
        """Return whether any room, line or shared egress is selected."""
        sites = set(selection.sites)
        if subject == "rooms":
            return any(self._tree.sites[site].room for site in sites)
        if subject == "lines":
            return bool(sites - {self._tree.root})
        if not selection.by_line:
            return any(
                egress.rate_bps
                for relay in self._relays
                if relay.site in sites
                for egress in relay.egresses
            )
        rates = {
            (relay.site, egress.carrier): egress.rate_bps
            for relay in self._relays
            for egress in relay.egresses
        }
        return any(
            rates.get((line.parent, line.carrier), rates.get((line.parent, "")))
            for line in self._primary
            if line.site in sites
        )
