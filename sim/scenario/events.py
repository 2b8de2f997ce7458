"""Events: scheduled faults, each with its beginning, its end and the parts it concerns."""

from __future__ import annotations

from dataclasses import dataclass

from sim.scenario.document import Document
from sim.scenario.meeting_schema import DegradeFields, FailFields, RestoreFields
from sim.scenario.model import FOREVER_NS, Fault, Line
from sim.scenario.problems import Place
from sim.scenario.sites import Tree
from sim.scenario.targets import Action, Parts, Targets
from sim.units import format_factor, format_share, format_time


@dataclass(slots=True)
class Draft:
    """A fault whose end may still be unknown (`until_ns` None)."""

    action: Action
    target: str
    fields: FailFields | DegradeFields
    until_ns: int | None
    parts: Parts
    place: Place


def read_faults(
    document: Document,
    tree: Tree,
    lines: tuple[Line, ...],
    carriers: frozenset[str],
    duration_ns: int,
) -> tuple[tuple[Fault, ...], int]:
    """Return the faults that begin before `duration_ns`, by time, then as in the file.

    And how many do not.

    An event at or after the end of the file's own duration is a problem; where the run was
    shortened from outside, later events do not happen.
    """
    groups = _groups(document)
    targets = Targets(tree, lines, carriers, groups)
    numbers = document.kept("events")
    events = sorted(
        zip(document.file.events, numbers, strict=True), key=lambda item: (item[0].at, item[1])
    )
    drafts: list[Draft] = []
    check_times(document)
    for event, number in events:
        if isinstance(event, RestoreFields):
            _restore(document, event, number, drafts)
        else:
            drafts.append(_draft(document, targets, event, number, drafts))
    _check_groups(document, targets, groups, drafts)
    faults = tuple(_fault(draft) for draft in drafts if draft.fields.at < duration_ns)
    return faults, len(drafts) - len(faults)


def _groups(document: Document) -> dict[str, list[tuple[str, Place]]]:
    groups = {}
    for name, members in document.file.groups.items():
        groups[name] = [
            (member, document.place("groups", name, number))
            for number, member in enumerate(members)
        ]
    return groups


def check_times(document: Document) -> None:
    """Record events at or after the end of the meeting."""
    duration_ns = document.file.duration
    if document.left_out("duration"):
        return
    for event, number in zip(document.file.events, document.kept("events"), strict=True):
        if event.at >= duration_ns:
            text = f"{format_time(event.at)} is not before the end of the meeting, "
            place = document.place("events", number, "at")
            document.problems.add(place, text + format_time(duration_ns))


def _draft(
    document: Document,
    targets: Targets,
    event: FailFields | DegradeFields,
    number: int,
    earlier: list[Draft],
) -> Draft:
    action: Action
    if isinstance(event, FailFields):
        action, target = "fail", event.fail
    else:
        action, target = "degrade", event.degrade
    place = document.place("events", number, action)
    left_out = document.any_left_out("lines") or document.any_left_out("groups")
    parts = (
        Parts()
        if left_out and _depends(target)
        else targets.parts(action, target, place, document.problems)
    )
    if isinstance(event, DegradeFields) and event.loss is not None:
        _check_loss(document, document.place("events", number, "loss"), target, parts)
    for draft in earlier:
        if draft.action == action == "fail" and draft.target == target and draft.until_ns is None:
            text = f"'{target}' is already down since {format_time(draft.fields.at)}"
            document.problems.add(place, text)
    until_ns = None if event.for_ is None else event.at + event.for_
    return Draft(action, target, event, until_ns, parts, place)


def _depends(target: str) -> bool:
    return target.startswith(("carrier/", "group/"))


def _check_loss(document: Document, place: Place, target: str, parts: Parts) -> None:
    kind, _, name = target.partition("/")
    members = document.file.groups.get(name, []) if kind == "group" else [target]
    relays = [member for member in members if member.startswith("relay/")]
    if relays:
        text = f"'{relays[0]}': a relay loses nothing itself; degrade its lines, or the site"
        document.problems.add(place, text)
    elif parts.relays and not parts.lines:
        document.problems.add(place, f"'{target}' has no line that could lose packets")


def _restore(document: Document, event: RestoreFields, number: int, drafts: list[Draft]) -> None:
    place = document.place("events", number, "restore")
    same = [draft for draft in drafts if draft.target == event.restore]
    found = [draft for draft in same if draft.until_ns is None]
    for draft in found:
        if draft.fields.at == event.at:
            text = f"'{event.restore}' begins to fail at the same time; restore it later"
            document.problems.add(place, text)
        draft.until_ns = event.at
    if found:
        return
    if any(draft.fields.for_ is not None for draft in same):
        text = f"'{event.restore}' already comes back by its 'for'; leave one of the two out"
    elif same:
        text = f"'{event.restore}' was restored before"
    else:
        targets = [draft.target for draft in drafts if draft.until_ns is None]
        text = f"nothing that failed before is called '{event.restore}'"
        text += document.problems.suggest(event.restore, targets)
    if not document.any_left_out("events"):
        document.problems.add(place, text)


def _check_groups(
    document: Document,
    targets: Targets,
    groups: dict[str, list[tuple[str, Place]]],
    drafts: list[Draft],
) -> None:
    """Check the members of groups that no event names, too."""
    used = {draft.target for draft in drafts}
    for name in groups:
        target = f"group/{name}"
        if target not in used and not document.any_left_out("lines"):
            targets.parts("fail", target, document.place("groups", name), document.problems)


def _fault(draft: Draft) -> Fault:
    fields = draft.fields
    rate_factor, added_loss = 1.0, 0.0
    if isinstance(fields, DegradeFields):
        rate_factor, added_loss = fields.rate or 1.0, fields.loss or 0.0
    return Fault(
        label=fields.label or default_label(draft.action, draft.target, rate_factor, added_loss),
        action=draft.action,
        at_ns=fields.at,
        until_ns=FOREVER_NS if draft.until_ns is None else draft.until_ns,
        lines=_ordered(draft.parts.lines),
        relays=_ordered(draft.parts.relays),
        rooms=_ordered(draft.parts.rooms),
        rate_factor=rate_factor,
        added_loss=added_loss,
    )


def default_label(action: Action, target: str, rate_factor: float, added_loss: float) -> str:
    """Return what a fault is called where the user gives no label.

    Examples
    --------
    >>> default_label("fail", "relay/79", 1.0, 0.0)
    'fail relay/79'
    >>> default_label("degrade", "carrier/viettel", 0.5, 0.01)
    'degrade carrier/viettel, rate × 0.5, loss 1 %'
    """
    label = f"{action} {target}"
    if rate_factor != 1:
        label += f", rate {format_factor(rate_factor)}"
    if added_loss:
        label += f", loss {format_share(added_loss, digits=None)}"
    return label


def _ordered(ids: set[str]) -> tuple[str, ...]:
    return tuple(sorted(ids, key=str.encode))
