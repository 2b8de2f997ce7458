"""Ways: which sites send a stream, and whether it goes down, up, or with the floor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sim.scenario.model import PARENT
from sim.scenario.problems import FaultyError, Problems
from sim.scenario.sites import Tree

ROOMS, SPEAKER = "rooms", "speaker"


@dataclass(frozen=True, slots=True)
class Way:
    """Direction, origins and end of a stream, as `Stream` has them."""

    direction: Literal["down", "up", "floor"]
    origins: tuple[str, ...]
    to: str


def find_way(origin: str | None, to: str, tree: Tree, problems: Problems) -> Way:
    """Return the way of a stream by its `from`, None where that is not given, and its `to`.

    Raises
    ------
    FaultyError
        If there is none; `problems` only finds a close spelling.
    """
    if origin == SPEAKER:
        if to != ROOMS:
            raise FaultyError(("to",), f"'{to}' must be 'rooms': all follow the speaker")
        return Way("floor", (), "")
    if to == ROOMS:
        return Way("down", _ordered(_above_rooms(origin, tree, problems)), "")
    if to != PARENT and to not in tree.tiers:
        suggestion = problems.suggest(to, [ROOMS, PARENT, *tree.tiers])
        raise FaultyError(("to",), f"'{to}' must be 'rooms', 'parent' or a tier{suggestion}")
    return Way("up", _ordered(_below(origin, to, tree, problems)), to)


def _ordered(site_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(site_ids, key=str.encode))


def _above_rooms(origin: str | None, tree: Tree, problems: Problems) -> list[str]:
    """Return the origins of what goes down: sites with children."""
    if origin is None:
        return [tree.root]
    if origin == ROOMS:
        raise FaultyError(("from",), "rooms send up; give 'to', a tier or 'parent'")
    found = [site_id for site_id in _named(origin, tree, problems) if site_id in tree.children]
    if not found and origin in tree.tiers:
        raise FaultyError(("from",), f"no site of tier '{origin}' has rooms below it")
    if not found:
        raise FaultyError(("from",), f"{tree.title(origin)} has no rooms below it")
    return found


def _below(origin: str | None, to: str, tree: Tree, problems: Problems) -> list[str]:
    """Return the origins of what goes up to `to`."""

    def is_below(site_id: str) -> bool:
        tier = tree.sites[site_id].tier
        return site_id != tree.root and (
            to == PARENT or tree.tiers.index(tier) > tree.tiers.index(to)
        )

    end = "the root's relay" if to == PARENT else f"tier '{to}'"
    if origin is None:
        raise FaultyError(("from",), "what goes up needs 'from': 'rooms', a tier or a site")
    if origin == ROOMS:
        found = [site.id for site in tree.sites.values() if site.room and is_below(site.id)]
        if not found:
            raise FaultyError(("to",), f"no room is below {end}")
        return found
    found = _named(origin, tree, problems)
    if not found or not is_below(found[0]):  # sites of one tier are all below, or none is
        title = f"tier '{origin}'" if origin in tree.tiers else tree.title(origin)
        why = f"is not below {end}" if found else "has no sites"
        raise FaultyError(("from",), f"{title} {why}")
    return found


def _named(origin: str, tree: Tree, problems: Problems) -> list[str]:
    """Return the sites of a tier, or the site itself."""
    if origin in tree.tiers:
        return [site.id for site in tree.sites.values() if site.tier == origin]
    if origin in tree.sites:
        return [origin]
    choices = tree.names | {name: name for name in (*tree.tiers, ROOMS, SPEAKER)}
    text = f"no site or tier '{origin}'{problems.suggest(origin, choices)}"
    raise FaultyError(("from",), text)


def way_texts(way: Way, tree: Tree) -> tuple[str, str]:
    """Return `from` and `to` that mean exactly this way."""
    if way.direction == "floor":
        return SPEAKER, ROOMS
    to = way.to or ROOMS
    problems = Problems()
    for origin in (*way.origins[:1], ROOMS, *tree.tiers):
        try:
            if find_way(origin, to, tree, problems) == way:
                return origin, to
        except FaultyError:
            continue
    raise ValueError(f"no text means the origins {way.origins}")
