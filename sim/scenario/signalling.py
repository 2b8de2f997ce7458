"""Signalling: servers, sequences and timers of a scenario file, resolved for its sites."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Several

from sim.scenario.document import Document
from sim.scenario.model import PARENT, Line, Relay
from sim.scenario.selections import Selections
from sim.scenario.sequences import READY_MADE
from sim.scenario.signalling_model import (
    AT_ONCE,
    NO_SEQUENCE,
    SERVER,
    Retry,
    Sequence,
    ServerRules,
    SignallingRules,
    Step,
)
from sim.scenario.signalling_schema import (
    RetryFields,
    ServerFields,
    SignallingFields,
    StepFields,
    TimersFields,
)
from sim.scenario.sites import Tree
from sim.units import format_time

MOST_STEPS = 20
MOST_WORKERS = 1_000
SHORTEST_PAUSE_NS = 100 * 10**6  # assumption: no device calls again sooner
LONGEST_T1_NS = 60 * 10**9
SECTION = "signalling"


def read_signalling(
    document: Document, tree: Tree, lines: Several[Line], relays: Several[Relay]
) -> SignallingRules:
    """Return how sites ask to be let in; without the section that takes no time."""
    fields = document.file.signalling
    if fields is None:
        return AT_ONCE
    before = len(document.problems)
    check_timers(document)
    known = READY_MADE | {
        name: _sequence(document, tree, name, steps) for name, steps in fields.sequences.items()
    }
    used = _used(document, fields, known, Selections(document, tree, lines, relays))
    servers = tuple(sorted(_servers(document, tree, fields), key=lambda each: each.site.encode()))
    other = {site: name for site, name in used.items() if name != fields.sequence}
    other.pop(tree.root, None)
    names = sorted({fields.sequence, *other.values()}, key=str.encode)
    timers, retry = fields.timers or TimersFields(), fields.retry or RetryFields()
    if len(document.problems) > before:
        return AT_ONCE
    rules = SignallingRules(
        servers=servers,
        sequences=tuple(known[name] for name in names),
        sequence=fields.sequence,
        other=tuple((site, other[site]) for site in sorted(other, key=str.encode)),
        t1_ns=timers.t1,
        t2_ns=timers.t2,
        retry=Retry(
            first_ns=retry.first, most_ns=retry.most, jitter=retry.jitter, tries=retry.tries
        ),
    )
    _check_servers(document, tree, lines, rules)
    return rules


def check_timers(document: Document) -> None:
    """Record what is wrong with timers and pauses."""
    fields, problems = document.file.signalling, document.problems
    if fields is None:
        return
    timers, retry = fields.timers or TimersFields(), fields.retry or RetryFields()
    if timers.t1 > LONGEST_T1_NS:
        text = f"{format_time(timers.t1)} is above the limit of {format_time(LONGEST_T1_NS)}"
        problems.add(document.place(SECTION, "timers", "t1"), text)
    if timers.t2 < timers.t1:
        text = f"{format_time(timers.t2)} is shorter than t1, {format_time(timers.t1)}"
        problems.add(document.place(SECTION, "timers", "t2"), text)
    if retry.first < SHORTEST_PAUSE_NS:
        text = f"{format_time(retry.first)} is below the limit of {format_time(SHORTEST_PAUSE_NS)}"
        problems.add(document.place(SECTION, "retry", "first"), text)
    if retry.most < retry.first:
        text = f"{format_time(retry.most)} is shorter than first, {format_time(retry.first)}"
        problems.add(document.place(SECTION, "retry", "most"), text)


def _sequence(document: Document, tree: Tree, name: str, fields: Several[StepFields]) -> Sequence:
    problems = document.problems
    if name == NO_SEQUENCE:
        text = "'none' has a meaning of its own; name the sequence otherwise"
        problems.add(document.key_place(SECTION, "sequences", name), text)
    if not fields:
        problems.add(document.place(SECTION, "sequences", name), "needs at least one step")
    if len(fields) > MOST_STEPS:
        text = f"{len(fields)} steps are above the limit of {MOST_STEPS}"
        problems.add(document.place(SECTION, "sequences", name), text)
    steps = []
    for number, step in enumerate(fields):
        path = (SECTION, "sequences", name, number)
        if step.to not in (SERVER, PARENT, *tree.tiers):
            suggestion = problems.suggest(step.to, [SERVER, PARENT, *tree.tiers])
            problems.add(document.place(*path, "to"), f"no tier '{step.to}'{suggestion}")
        if step.queue and step.to == PARENT:
            text = "a parent has no queue; leave 'queue' out, or ask a server"
            problems.add(document.place(*path, "queue"), text)
        steps.append(
            Step(
                name=step.step,
                to=step.to,
                half_trips=step.trips,
                queue=step.to != PARENT if step.queue is None else step.queue,
                resend=step.resend,
                prepare_ns=step.prepare,
                processing_ns=step.processing,
            )
        )
    return Sequence(name=name, steps=tuple(steps))


def _used(
    document: Document,
    fields: SignallingFields,
    known: dict[str, Sequence],
    selections: Selections,
) -> dict[str, str]:
    """Return the sequence of each site that an exception names."""
    used: dict[str, str] = {}
    _check_known(document, fields.sequence, known, "sequence")
    for text, name in fields.except_.items():
        _check_known(document, name, known, "except", text)
        place = document.key_place(SECTION, "except", text)
        selection = selections.read(text, place, "lines")
        if selection is not None:
            used |= dict.fromkeys(selection.sites, name)
    return used


def _check_known(document: Document, name: str, known: dict[str, Sequence], *path: str) -> None:
    if name not in known:
        text = f"no sequence '{name}'{document.problems.suggest(name, list(known))}"
        document.problems.add(document.place(SECTION, *path), text)


def _servers(document: Document, tree: Tree, fields: SignallingFields) -> Iterator[ServerRules]:
    """Yield a server for each relay site of the tiers that have them."""
    problems = document.problems
    for tier, own in fields.servers.items():
        place = document.key_place(SECTION, "servers", tier)
        if tier not in tree.tiers:
            problems.add(place, f"no tier '{tier}'{problems.suggest(tier, tree.tiers)}")
            continue
        if own.workers > MOST_WORKERS:
            text = f"{own.workers} workers are above the limit of {MOST_WORKERS}"
            problems.add(document.place(SECTION, "servers", tier, "workers"), text)
        sites = [site for site in tree.children if tree.sites[site].tier == tier]
        if not sites:
            problems.add(place, f"no site of tier '{tier}' has a relay, beside which it would be")
        for site in sites:
            yield _server(site, own)


def _server(site: str, fields: ServerFields) -> ServerRules:
    rate, joins = fields.rate, fields.joins
    return ServerRules(
        site=site,
        service=fields.service,
        service_ns=max((2 * rate.span_ns + rate.count) // (2 * rate.count), 1),
        workers=fields.workers,
        queue=fields.queue,
        full=fields.full,
        joins=joins.count if joins else 0,
        joins_span_ns=joins.span_ns if joins else 0,
    )


def _check_servers(
    document: Document, tree: Tree, lines: Several[Line], rules: SignallingRules
) -> None:
    """Record a site that would ask a server, and has none on the way up."""
    at = {server.site for server in rules.servers}
    sequences = {sequence.name: sequence for sequence in rules.sequences}
    other = dict(rules.other)
    # Rooms call, at relay sites beside their own relay, and so do sites that fail over.
    begins = [
        (site.id, site.id if site.id in tree.children else site.parent)
        for site in tree.sites.values()
        if site.room
    ]
    begins += [(line.site, line.parent) for line in lines if line.role == "backup"]
    for site, first in begins:
        sequence = sequences[other.get(site, rules.sequence)]
        for step in sequence.steps:
            if step.to == PARENT or _finds(tree, at, step, first):
                continue
            what = "a server" if step.to == SERVER else f"a server of tier '{step.to}' or higher"
            text = (
                f"step '{step.name}' of '{sequence.name}' asks {what}, and there is none on the "
                f"way up from {tree.title(site)}; give `servers` one of tier '{tree.tiers[0]}'"
            )
            document.problems.add(document.place(SECTION), text)
            return


def _finds(tree: Tree, at: set[str], step: Step, first: str) -> bool:
    """Say whether a step has somebody to ask at `first` or above it."""
    tier = tree.tiers.index(step.to) if step.to != SERVER else len(tree.tiers)
    site = first
    while site:
        high = tree.tiers.index(tree.sites[site].tier) <= tier
        if high and (site in at or (not step.queue and step.to != SERVER)):
            return True
        site = tree.sites[site].parent
    return False
