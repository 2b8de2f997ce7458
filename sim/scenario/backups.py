"""Backups: what waits for a failover, and where each such line goes.

A backup goes to a relay in a higher tier than its site, so no failover can make a circle: on every
way up the tier only rises, whichever lines are in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.scenario.document import Document
from sim.scenario.problems import Place
from sim.scenario.sites import Tree

NEAREST = "nearest"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """A backup as far as it is described.

    Attributes
    ----------
    to : as the file has it; empty: the site's parent
    values : field -> (value, where it is given)
    access_class : the class that describes it; empty: the tier, or an exception
    place, to_place : of the description, and of its `to`
    """

    to: str
    values: dict[str, tuple[Any, Place]]
    access_class: str
    place: Place
    to_place: Place


class Parents:
    """Finds the upper ends of backups; what is wrong with a description is said once."""

    def __init__(self, document: Document, tree: Tree) -> None:
        self._document = document
        self._tree = tree
        self._refused: set[Place] = set()
        self._relays: dict[str, tuple[list[str], NDArray[np.float64]]] = {}

    def of(self, site_id: str, plan: BackupPlan) -> str | None:
        """Return the id of the relay that a site's backup goes to, or None after recording why."""
        if plan.place in self._refused:
            return None
        found = self._find(site_id, plan.to)
        if isinstance(found, _Refusal):
            self._document.problems.add(plan.to_place, found.text)
            self._refused.add(plan.place)
            return None
        return found

    def _find(self, site_id: str, to: str) -> str | _Refusal:
        tree = self._tree
        if not to:
            return tree.sites[site_id].parent
        if to == NEAREST:
            return self._nearest(site_id)
        if to in tree.tiers:
            return self._above(site_id, to)
        if to not in tree.sites:
            choices = tree.names | {name: name for name in (*tree.tiers, NEAREST)}
            suggestion = self._document.problems.suggest(to, choices)
            return _Refusal(f"no site or tier '{to}'{suggestion}")
        if to == site_id:
            return _Refusal(f"a backup of {tree.title(site_id)} cannot go to itself")
        if not tree.is_above(to, site_id):
            text = f"{tree.title(to)} is not in a tier above {tree.title(site_id)}"
            return _Refusal(f"{text}; a failover could make a circle")
        if to not in tree.children:
            return _Refusal(f"{tree.title(to)} has no relay: it has no children")
        return to

    def _above(self, site_id: str, tier: str) -> str | _Refusal:
        """Return the site of a tier on the way from a site to the root."""
        tree, above = self._tree, self._tree.sites[site_id].parent
        while above and tree.sites[above].tier != tier:
            above = tree.sites[above].parent
        return above or _Refusal(f"no site of tier '{tier}' is above {tree.title(site_id)}")

    def _nearest(self, site_id: str) -> str | _Refusal:
        """Return the nearest other relay of the parent's tier; of equally near ones the first."""
        tree, site = self._tree, self._tree.sites[site_id]
        tier = tree.sites[site.parent].tier
        if tier not in self._relays:
            ids = [each for each in tree.children if tree.sites[each].tier == tier]
            ids.sort(key=str.encode)
            places = [(tree.sites[each].latitude, tree.sites[each].longitude) for each in ids]
            self._relays[tier] = ids, _on_sphere(np.array(places))
        ids, positions = self._relays[tier]
        if len(ids) < 2:
            text = f"there is no other relay of tier '{tier}' than {tree.title(site.parent)}"
            return _Refusal(text)
        lost = [site_id] if isnan(site.latitude) else [ids[i] for i in _unplaced(positions)]
        if lost:
            text = f"{tree.title(lost[0])} has no position, so nobody knows what is nearest"
            return _Refusal(f"{text}; give 'lat' and 'lon', or the id of a site here")
        # The straight line through the Earth grows with the great circle.
        here = _on_sphere(np.array([(site.latitude, site.longitude)]))
        squares = ((positions - here) ** 2).sum(axis=1)
        squares[ids.index(site.parent)] = np.inf
        return ids[int(np.argmin(squares))]


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a backup has no upper end."""

    text: str


def _unplaced(positions: NDArray[np.float64]) -> list[int]:
    return np.flatnonzero(np.isnan(positions[:, 0])).tolist()


def _on_sphere(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points given by latitude and longitude on the unit sphere, (n, 3)."""
    latitude, longitude = np.radians(degrees).T
    return np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=1,
    )
