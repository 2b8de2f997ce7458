"""The agenda: who has the floor, and when."""

from __future__ import annotations

from sim.scenario.document import Document
from sim.scenario.meeting_schema import TurnFields
from sim.scenario.model import Turn
from sim.scenario.selectors import check_site
from sim.scenario.sites import Tree
from sim.scenario.ways import SPEAKER
from sim.units import format_time

MAX_TURNS = 200


def read_agenda(document: Document, tree: Tree, duration_ns: int) -> tuple[Turn, ...]:
    """Return the turns that begin before `duration_ns`, by time, cut off there.

    A turn beyond the end of the file's own duration is a problem; where the run was shortened
    from outside, later turns do not happen.
    """
    check_turns(document)
    numbered = _numbered(document)
    turns = []
    for place, (fields, number) in enumerate(numbered):
        known = _check_site(document, tree, fields.floor, number)
        if fields.for_ is not None:
            until_ns = fields.at + fields.for_
        else:
            until_ns = numbered[place + 1][0].at if place + 1 < len(numbered) else duration_ns
        if known and fields.at < duration_ns:
            until_ns = min(until_ns, duration_ns)
            turns.append(Turn(at_ns=fields.at, until_ns=until_ns, site=fields.floor))
    return tuple(turns)


def check_turns(document: Document) -> None:
    """Record what is wrong with the agenda, whoever has the floor."""
    _check_streams(document)
    numbered = _numbered(document)
    if len(numbered) > MAX_TURNS:
        text = f"{len(numbered)} turns are above the limit of {MAX_TURNS}"
        document.problems.add(document.place("agenda"), text)
    for place, (fields, number) in enumerate(numbered):
        _check_time(document, fields, number)
        if place:
            _check_order(document, numbered[place - 1][0], fields, number)


def _numbered(document: Document) -> list[tuple[TurnFields, int]]:
    """Return the turns in order of time, each with its number in the file."""
    agenda = document.file.agenda or []
    return sorted(
        zip(agenda, document.kept("agenda"), strict=True), key=lambda turn: (turn[0].at, turn[1])
    )


def _check_streams(document: Document) -> None:
    """Record a floor that nobody has, or that nobody hears."""
    agenda, streams = document.file.agenda, document.file.streams
    following = [name for name, fields in streams.items() if fields.origin == SPEAKER]
    if agenda is None and not document.any_left_out("agenda"):
        for name in following:
            text = "needs an 'agenda', which says who has the floor"
            document.problems.add(document.place("streams", name, "from"), text)
    if agenda and not following and not document.any_left_out("streams"):
        text = "gives the floor, but no stream is 'from: speaker'"
        document.problems.add(document.key_place("agenda"), text)


def _check_site(document: Document, tree: Tree, site_id: str, number: int) -> bool:
    """Return whether there is such a site, after recording why it cannot have the floor."""
    place = document.place("agenda", number, "floor")
    if not check_site(site_id, tree, document.problems, place):
        return False
    if site_id == tree.root:
        text = f"the root {tree.title(site_id)} needs no floor: its streams reach all rooms"
        document.problems.add(place, text)
    elif not tree.sites[site_id].room:
        document.problems.add(place, f"{tree.title(site_id)} has no room to speak from")
    return True


def _check_time(document: Document, fields: TurnFields, number: int) -> None:
    duration_ns = document.file.duration
    if document.left_out("duration"):
        return
    if fields.at >= duration_ns:
        text = f"{format_time(fields.at)} is not before the end of the meeting, "
        place = document.place("agenda", number, "at")
        document.problems.add(place, text + format_time(duration_ns))
    elif fields.for_ is not None and fields.at + fields.for_ > duration_ns:
        text = f"the turn ends at {format_time(fields.at + fields.for_)}, after the meeting, "
        place = document.place("agenda", number, "for")
        document.problems.add(place, text + format_time(duration_ns))


def _check_order(document: Document, before: TurnFields, fields: TurnFields, number: int) -> None:
    place = document.place("agenda", number, "at")
    if before.at == fields.at:
        text = f"two turns begin at {format_time(fields.at)}"
        document.problems.add(place, text)
    elif before.for_ is not None and before.at + before.for_ > fields.at:
        end = format_time(before.at + before.for_)
        text = f"begins before the turn of '{before.floor}' ends, at {end}"
        document.problems.add(place, text)
