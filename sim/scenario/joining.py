"""Joining: from profiles of arrival to the instants at which each room calls and hangs up.

Draws depend on the seed and the site's own id, so what is changed for one room moves no other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sim.scenario import draws
from sim.scenario.document import Document
from sim.scenario.joining_model import EVERYBODY_IS_THERE, NEVER_NS, Arrival, JoiningRules
from sim.scenario.joining_schema import ArriveFields, LateFields, LeaveFields, ProfileFields
from sim.scenario.model import Line, Relay
from sim.scenario.selections import Selections
from sim.scenario.selectors import check_site
from sim.scenario.sites import Tree, open_table
from sim.units import format_time, parse_time_ns

COLUMNS = ("site", "calls", "leaves")


@dataclass(frozen=True, slots=True)
class Profile:
    """How a room comes and goes; None: it does not."""

    arrive: ArriveFields | None = None
    late: LateFields | None = None
    leave: LeaveFields | None = None


def read_joining(
    document: Document, tree: Tree, lines: Sequence[Line], relays: Sequence[Relay], seed: int
) -> JoiningRules:
    """Return when rooms come and go; without the section all are there from beginning to end."""
    fields = document.file.joining
    if fields is None:
        return EVERYBODY_IS_THERE
    check_times(document)
    profiles = _profiles(document, tree, lines, relays)
    rooms = {room.site: room for room in _drawn(document, profiles, seed)}
    if fields.file is not None or fields.table is not None:
        rooms |= _listed(document, tree)
    return JoiningRules(
        start_ns=fields.start,
        rooms=tuple(
            rooms[site]
            for site in sorted(rooms, key=str.encode)
            if (rooms[site].calls_ns, rooms[site].leaves_ns) != (NEVER_NS, NEVER_NS)
        ),
    )


def check_times(document: Document) -> None:
    """Record what is wrong with times and shares, whatever sites they are about."""
    fields = document.file.joining
    if fields is None:
        return
    duration_ns = document.file.duration
    if fields.start >= duration_ns and not document.left_out("duration"):
        text = f"{format_time(fields.start)} is not before the end of the run, "
        document.problems.add(document.place("joining", "start"), text + format_time(duration_ns))
    _check_profile(document, fields, ("joining",))
    for text, profile in fields.except_.items():
        _check_profile(document, profile, ("joining", "except", text))


def _check_profile(document: Document, fields: ProfileFields, path: tuple[str, ...]) -> None:
    problems, arrive = document.problems, fields.arrive
    if isinstance(arrive, ArriveFields):
        opens_ns = max(arrive.shares, default=0) if arrive.shares is not None else arrive.from_
        last_ns = min(arrive.shares, default=0) if arrive.shares is not None else arrive.from_
        if arrive.shares is not None:
            total = sum(round(share * 10**12) for share in arrive.shares.values())
            if total != 10**12:
                text = f"the shares add up to {total / 10**10:.10g} %, not 100 %"
                problems.add(document.place(*path, "arrive", "shares"), text)
            if list(arrive.shares) != sorted(arrive.shares, reverse=True):
                text = "give the times in order, the longest before the start first"
                problems.add(document.place(*path, "arrive", "shares"), text)
        if opens_ns and last_ns is not None and arrive.until >= last_ns:
            text = f"{format_time(arrive.until)} before the start is not after "
            text += f"{format_time(last_ns)} before it"
            problems.add(document.place(*path, "arrive", "until"), text)


def _profiles(
    document: Document, tree: Tree, lines: Sequence[Line], relays: Sequence[Relay]
) -> dict[str, Profile]:
    """Return the profile of each room, by site."""
    fields = document.file.joining
    assert fields is not None
    base = _laid_over(Profile(), fields)
    profiles = {site.id: base for site in tree.sites.values() if site.room}
    selections = Selections(document, tree, lines, relays)
    for text, own in fields.except_.items():
        place = document.key_place("joining", "except", text)
        selection = selections.read(text, place, "rooms")
        for site in selection.sites if selection else ():
            if site in profiles:
                profiles[site] = _laid_over(profiles[site], own)
    return profiles


def _laid_over(base: Profile, fields: ProfileFields) -> Profile:
    """Return a profile with what `fields` give in place of its own; a text is `none`."""
    if fields.arrive is not None:
        arrive = fields.arrive if isinstance(fields.arrive, ArriveFields) else None
        base = replace(base, arrive=arrive)
    if fields.late is not None:
        base = replace(base, late=fields.late if isinstance(fields.late, LateFields) else None)
    if fields.leave is not None:
        base = replace(base, leave=fields.leave if isinstance(fields.leave, LeaveFields) else None)
    return base


def _drawn(document: Document, profiles: dict[str, Profile], seed: int) -> Iterator[Arrival]:
    """Yield when each room comes and goes by its profile; every purpose has a draw of its own."""
    fields = document.file.joining
    assert fields is not None
    moving = [site for site, profile in profiles.items() if profile != Profile()]
    purposes = ("arrives", "is late", "late by", "leaves", "leaves at")
    columns = zip(*(draws.uniforms(seed, moving, purpose) for purpose in purposes), strict=True)
    for site, (arrives, is_late, late_by, leaves, leaves_at) in zip(moving, columns, strict=True):
        profile, calls_ns = profiles[site], NEVER_NS
        if profile.late is not None and is_late < profile.late.share:
            calls_ns = fields.start + int(late_by * profile.late.within)
        elif profile.arrive is not None:
            calls_ns = fields.start - before_ns(profile.arrive, arrives)
        calls_ns = max(calls_ns, NEVER_NS)  # before the run begins it has joined
        leaves_ns = NEVER_NS
        if profile.leave is not None and leaves < profile.leave.share:
            first_ns = fields.start + profile.leave.after
            end_ns = document.file.duration
            if profile.leave.within is not None:
                end_ns = first_ns + profile.leave.within
            first_ns = max(first_ns, calls_ns + 1)
            if first_ns < end_ns:
                leaves_ns = first_ns + int(leaves_at * (end_ns - first_ns))
        yield Arrival(site=site, calls_ns=calls_ns, leaves_ns=leaves_ns)


def before_ns(arrive: ArriveFields, u: float) -> int:
    """Return how long before the start a room calls, of a number drawn evenly from (0, 1).

    `late` is the fourth root of an even draw (assumption): the rate of calls grows as the cube of
    the time since the window opened, and half of them come in its last 16 %.
    """
    if arrive.from_ is not None:
        opens_ns, closes_ns = arrive.from_, arrive.until
        passed = math.sqrt(math.sqrt(u)) if arrive.shape == "late" else u
        return opens_ns - int(passed * (opens_ns - closes_ns))
    assert arrive.shares is not None
    times = [*arrive.shares, arrive.until]
    below = 0.0
    for place, share in enumerate(arrive.shares.values()):
        last = place == len(arrive.shares) - 1
        if u < below + share or last:
            passed = min((u - below) / share, 1.0) if share else 0.0
            return times[place] - int(passed * (times[place] - times[place + 1]))
        below += share
    raise AssertionError("the last share takes all that is left")


def _listed(document: Document, tree: Tree) -> dict[str, Arrival]:
    """Return the rooms of the table."""
    fields, problems = document.file.joining, document.problems
    assert fields is not None
    table = open_table(document, ("joining",), fields.file, fields.table)
    if table is None:
        return {}
    rooms: dict[str, Arrival] = {}
    for line, (site, calls, leaves) in table.rows(COLUMNS, ("site",), problems):
        place = table.place(line, "site")
        if not check_site(site, tree, problems, place):
            continue
        if not tree.sites[site].room:
            problems.add(place, f"{tree.title(site)} has no room")
            continue
        if site in rooms:
            problems.add(place, f"{tree.title(site)} is given twice")
            continue
        instants = []
        for name, cell in (("calls", calls), ("leaves", leaves)):
            try:
                instants.append(parse_time_ns(cell) if cell else NEVER_NS)
            except ValueError as error:
                problems.add(table.place(line, name), str(error))
        if len(instants) < 2:
            continue
        calls_ns, leaves_ns = instants
        if leaves_ns != NEVER_NS and leaves_ns <= calls_ns:
            text = f"{leaves} is not after {calls}, when it calls"
            problems.add(table.place(line, "leaves"), text)
            continue
        rooms[site] = Arrival(site=site, calls_ns=calls_ns, leaves_ns=leaves_ns)
    return rooms


def joining_text(rules: JoiningRules) -> Iterator[str]:
    """Yield the lines of the section that reads as exactly these rules."""
    if rules == EVERYBODY_IS_THERE:
        return
    yield "joining:"
    yield f"  start: {rules.start_ns} ns"
    if rules.rooms:
        yield "  table: |"
        yield f"    {','.join(COLUMNS)}"
        for room in rules.rooms:
            cells = (room.site, _instant(room.calls_ns), _instant(room.leaves_ns))
            yield f"    {','.join(cells)}"


def _instant(at_ns: int) -> str:
    return "" if at_ns == NEVER_NS else f"{at_ns} ns"
