"""Events: scheduled faults, each with its beginning, its end and the parts it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sim.scenario.batteries import Batteries
from sim.scenario.document import Document
from sim.scenario.event_schema import (
    DegradeFields,
    FailFields,
    FlapFields,
    GreyFields,
    PowerFields,
    RestoreFields,
)
from sim.scenario.model import FOREVER_NS, Fault, Line, Stream
from sim.scenario.problems import Place
from sim.scenario.sites import Tree
from sim.scenario.targets import Action, Parts, Targets
from sim.units import format_factor, format_share, format_time

MAX_FLAPS = 10_000  # of one event

Beginning = FailFields | DegradeFields | FlapFields | PowerFields | GreyFields


@dataclass(slots=True)
class Draft:
    """A fault whose end may still be unknown (`until_ns` None)."""

    action: Action
    target: str
    fields: Beginning
    until_ns: int | None
    parts: Parts
    place: Place


def read_faults(
    document: Document,
    tree: Tree,
    lines: tuple[Line, ...],
    carriers: frozenset[str],
    streams: tuple[Stream, ...],
    duration_ns: int,
) -> tuple[tuple[Fault, ...], int]:
    """Return the faults that begin before `duration_ns`, by time, then as in the file.

    And how many do not.

    An event at or after the end of the file's own duration is a problem; where the run was
    shortened from outside, later events do not happen. A cut of the mains is a fault for each time
    at which batteries are empty, and none where they outlast it.
    """
    groups = _groups(document)
    targets = Targets(tree, lines, carriers, groups)
    numbers = document.kept("events")
    events = sorted(
        zip(document.file.events, numbers, strict=True), key=lambda item: (item[0].at, item[1])
    )
    batteries = Batteries(document, tree)
    drafts: list[Draft] = []
    check_times(document)
    for event, number in events:
        if isinstance(event, RestoreFields):
            _restore(document, event, number, drafts)
        else:
            drafts.append(_draft(document, targets, event, number, drafts))
            if isinstance(event, GreyFields):
                _check_streams(document, event, number, streams)
    _check_groups(document, targets, groups, drafts)
    happening = [draft for draft in drafts if draft.fields.at < duration_ns]
    for draft in happening:
        _check_flaps(document, draft, duration_ns)
    faults = [fault for draft in happening for fault in _faults(document, batteries, draft)]
    in_time = [fault for fault in faults if fault.at_ns < duration_ns]
    in_time.sort(key=lambda fault: fault.at_ns)
    return tuple(in_time), len(drafts) - len(happening)


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
    event: Beginning,
    number: int,
    earlier: list[Draft],
) -> Draft:
    action, target = _aim(event)
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
        same = draft.action == action != "degrade" and draft.target == target
        if same and draft.until_ns is None:
            text = f"'{target}' is already down since {format_time(draft.fields.at)}"
            document.problems.add(place, text)
    until_ns = None if event.for_ is None else event.at + event.for_
    return Draft(action, target, event, until_ns, parts, place)


def _aim(event: Beginning) -> tuple[Action, str]:
    """Return what an event does, and to what."""
    if isinstance(event, FailFields):
        return "fail", event.fail
    if isinstance(event, DegradeFields):
        return "degrade", event.degrade
    if isinstance(event, FlapFields):
        return "flap", event.flap
    if isinstance(event, PowerFields):
        return "power", event.power
    return "grey", event.grey


def _depends(target: str) -> bool:
    # A backup line is known by what all lines are.
    return target.startswith(("carrier/", "group/")) or "/backup-" in target


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
            targets.check_group(name, document.problems)


def _check_streams(
    document: Document, event: GreyFields, number: int, streams: tuple[Stream, ...]
) -> None:
    """Record streams that a grey relay should pass and nobody sends."""
    names = [stream.id for stream in streams]
    if isinstance(event.passes, str) or document.any_left_out("streams"):
        return
    if not event.passes:
        text = "needs a stream, or 'none'"
        document.problems.add(document.place("events", number, "passes"), text)
    for place, name in enumerate(event.passes):
        if name not in names:
            text = f"no stream '{name}'{document.problems.suggest(name, names)}"
            document.problems.add(document.place("events", number, "passes", place), text)


def _check_flaps(document: Document, draft: Draft, duration_ns: int) -> None:
    """Record what flaps more often than the limit."""
    fields = draft.fields
    if not isinstance(fields, FlapFields):
        return
    until_ns = min(duration_ns, draft.until_ns or FOREVER_NS)
    flaps = -(-(until_ns - fields.at) // (fields.down + fields.up))
    if flaps > MAX_FLAPS:
        text = f"goes down {flaps} times, more than the limit of {MAX_FLAPS}; make it slower"
        document.problems.add(draft.place, text)


def _faults(document: Document, batteries: Batteries, draft: Draft) -> list[Fault]:
    """Return what a draft becomes: a fault, or of a cut of the mains one for each battery time."""
    if not isinstance(draft.fields, PowerFields):
        return [_fault(draft, draft.fields.at, draft.parts)]
    own, until_ns = draft.fields.battery, draft.until_ns or FOREVER_NS
    by_time: dict[int, set[str]] = {}
    for site in draft.parts.sites:
        at_ns = draft.fields.at + (batteries.of(site) if own is None else own)
        by_time.setdefault(at_ns, set()).add(site)
    if by_time and min(by_time) >= until_ns:
        document.problems.add(draft.place, "every battery outlasts the cut: nothing would happen")
    return [
        _fault(
            draft,
            at_ns,
            Parts(relays=draft.parts.relays & sites, rooms=draft.parts.rooms & sites, sites=sites),
        )
        for at_ns, sites in sorted(by_time.items())
        if at_ns < until_ns
    ]


def _fault(draft: Draft, at_ns: int, parts: Parts) -> Fault:
    fields = draft.fields
    rate_factor, added_loss, down_ns, up_ns = 1.0, 0.0, 0, 0
    action: Literal["fail", "degrade", "grey"] = "fail"
    passes: tuple[str, ...] = ()
    label = f"{draft.action} {draft.target}"
    if isinstance(fields, DegradeFields):
        action = "degrade"
        rate_factor, added_loss = fields.rate or 1.0, fields.loss or 0.0
        label = degrade_label(draft.target, rate_factor, added_loss)
    elif isinstance(fields, FlapFields):
        down_ns, up_ns = fields.down, fields.up
    elif isinstance(fields, GreyFields):
        action = "grey"
        passes = _ordered(() if isinstance(fields.passes, str) else fields.passes)
    return Fault(
        label=fields.label or label,
        action=action,
        at_ns=at_ns,
        until_ns=FOREVER_NS if draft.until_ns is None else draft.until_ns,
        down_ns=down_ns,
        up_ns=up_ns,
        lines=_ordered(parts.lines),
        relays=_ordered(parts.relays),
        rooms=_ordered(parts.rooms),
        sites=_ordered(parts.sites),
        rate_factor=rate_factor,
        added_loss=added_loss,
        passes=passes,
    )


def degrade_label(target: str, rate_factor: float, added_loss: float) -> str:
    """Return what a degradation is called where the user gives no label.

    Examples
    --------
    >>> degrade_label("carrier/viettel", 0.5, 0.01)
    'degrade carrier/viettel, rate × 0.5, loss 1 %'
    """
    label = f"degrade {target}"
    if rate_factor != 1:
        label += f", rate {format_factor(rate_factor)}"
    if added_loss:
        label += f", loss {format_share(added_loss, digits=None)}"
    return label


def _ordered(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(ids), key=str.encode))
