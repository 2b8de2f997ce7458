"""Selectors: texts such as `79`, `tier/commune in region/Southeast` or `carrier/viettel`.

A selector has a kind, a name and perhaps a scope. A scope is `region/NAME`, `site/ID` (the site
and everything below it) or `tier/NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sim.scenario.problems import Place, Problems
from sim.scenario.sites import Tree

SCOPED = re.compile(r"(?P<what>.+?)(?: in (?P<scope>(?:region|site|tier)/.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """What a text selects.

    Attributes
    ----------
    kind : what stands before the `/`; `site` where there is none
    name : what stands after it
    scope : ids of the sites concerned; None: all
    """

    kind: str
    name: str
    scope: frozenset[str] | None

    def covers(self, site_id: str) -> bool:
        """Return whether a site is in scope."""
        return self.scope is None or site_id in self.scope


@dataclass(frozen=True, slots=True)
class Candidates:
    """Numbers of the selectors that may concern a site, in the file's order."""

    everywhere: tuple[int, ...]
    at_site: dict[str, list[int]]

    def of(self, site_id: str) -> tuple[int, ...]:
        """Return the numbers to look at for a site."""
        own = self.at_site.get(site_id)
        return self.everywhere if own is None else tuple(sorted((*own, *self.everywhere)))


def candidates(selectors: Iterable[Selector]) -> Candidates:
    """Return which selectors concern one site by its id, and which may concern any."""
    everywhere: list[int] = []
    at_site: dict[str, list[int]] = {}
    for number, selector in enumerate(selectors):
        if selector.kind == "site":
            at_site.setdefault(selector.name, []).append(number)
        else:
            everywhere.append(number)
    return Candidates(tuple(everywhere), at_site)


def read_selector(
    text: str,
    kinds: Sequence[str],
    tree: Tree,
    problems: Problems,
    place: Place,
    *,
    bare: str = "",
) -> Selector | None:
    """Return what a text selects, or None after recording what is wrong.

    `bare` is the kind of a text without a `/`; empty: every text must say its kind. Names of
    sites and tiers and scopes are checked here; other names by the caller.
    """
    match = SCOPED.fullmatch(text.strip())
    if match is None:
        problems.add(place, "needs a target")
        return None
    kind, slash, name = match["what"].strip().partition("/")
    if not slash:
        kind, name = bare, kind
    if not kind or (slash and kind not in kinds):
        listed = ", ".join([*(["a site id"] if bare else []), *(f"{kind}/…" for kind in kinds)])
        what = f"unknown kind '{kind}'" if kind else f"'{text}' does not say what it is"
        remedy = problems.suggest(kind, kinds) or f"; write one of {listed}"
        problems.add(place, what + remedy)
        return None
    if kind in ("site", "line", "relay", "room") and not check_site(name, tree, problems, place):
        return None
    if kind == "tier" and not _check_tier(name, tree, problems, place):
        return None
    if match["scope"] is None:
        return Selector(kind=kind, name=name, scope=None)
    scope = _read_scope(match["scope"], tree, problems, place)
    return None if scope is None else Selector(kind=kind, name=name, scope=scope)


def check_site(site_id: str, tree: Tree, problems: Problems, place: Place) -> bool:
    """Record a problem unless there is such a site."""
    if site_id in tree.sites:
        return True
    problems.add(place, f"no site '{site_id}'{problems.suggest(site_id, tree.names)}")
    return False


def _check_tier(tier: str, tree: Tree, problems: Problems, place: Place) -> bool:
    if tier in tree.tiers:
        return True
    problems.add(place, f"no tier '{tier}'{problems.suggest(tier, tree.tiers)}")
    return False


def _read_scope(text: str, tree: Tree, problems: Problems, place: Place) -> frozenset[str] | None:
    kind, _, name = text.partition("/")
    if kind == "region":
        if name in tree.regions:
            return tree.regions[name]
        problems.add(place, f"no region '{name}'{problems.suggest(name, list(tree.regions))}")
        return None
    if kind == "tier":
        if not _check_tier(name, tree, problems, place):
            return None
        return frozenset(site.id for site in tree.sites.values() if site.tier == name)
    if not check_site(name, tree, problems, place):
        return None
    return frozenset(tree.below(name))
