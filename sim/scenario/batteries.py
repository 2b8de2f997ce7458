"""Batteries: how long a site runs on where the mains fails."""

from __future__ import annotations

from sim.scenario.document import Document
from sim.scenario.selectors import Selector, candidates, read_selector
from sim.scenario.sites import Tree


class Batteries:
    """The battery times of all sites; later entries of the file win."""

    def __init__(self, document: Document, tree: Tree) -> None:
        """Read them, and record what is wrong."""
        self._tree = tree
        self._entries: list[tuple[Selector, int]] = []
        for text, lasts_ns in document.file.batteries.items():
            place = document.key_place("batteries", text)
            selector = read_selector(text, ("tier",), tree, document.problems, place, bare="site")
            if selector is not None:
                self._entries.append((selector, lasts_ns))
        self._candidates = candidates(selector for selector, _ in self._entries)

    def of(self, site_id: str) -> int:
        """Return how long the battery of a site lasts, ns; 0 where there is none."""
        lasts_ns = 0
        for number in self._candidates.of(site_id):
            selector, given_ns = self._entries[number]
            tier = self._tree.sites[site_id].tier
            name = tier if selector.kind == "tier" else site_id
            if selector.name == name and selector.covers(site_id):
                lasts_ns = given_ns
        return lasts_ns
