"""Requirements: what the meeting must meet, as limits on measures; sets are taken apart here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sim import grouping
from sim.language.language import ENGLISH
from sim.quality.codecs import CODECS
from sim.scenario.document import Document
from sim.scenario.grids import grid_of
from sim.scenario.model import Line, Relay, Stream
from sim.scenario.problems import Place
from sim.scenario.requirement_model import (
    ANY_RELAY,
    SHARES,
    Measure,
    Requirement,
    Selection,
    Subject,
)
from sim.scenario.requirement_schema import (
    EgressesLimitFields,
    LinesLimitFields,
    RoomsFields,
    UseFields,
)
from sim.scenario.requirement_sets import SETS
from sim.scenario.selections import Selections
from sim.scenario.sentences import sentence
from sim.scenario.sites import Tree

Fields = RoomsFields | LinesLimitFields | EgressesLimitFields
PERCENTILES = {"delay_p50": 50.0, "delay_p95": 95.0, "delay_p99": 99.0, "delay_max": 100.0}
OTHERS: tuple[Measure, ...] = (
    "loss",
    "jitter",
    "mos",
    "freezes",
    "dark",
    "dark_in_total",
    "recovery",
    "join_time",
    "present_at_start",
    "survives",
)
AT_LEAST: tuple[Measure, ...] = ("mos", *SHARES)
OF_JOINING: tuple[Measure, ...] = ("join_time", "present_at_start")
MAX_STEPS = 10**6


def read_requirements(
    document: Document,
    tree: Tree,
    lines: Sequence[Line],
    relays: Sequence[Relay],
    streams: Sequence[Stream],
    *,
    duration_ns: int,
) -> tuple[Requirement, ...]:
    """Return the requirements, in the file's order; those of a set in the set's.

    Where sites share histograms, no percentile of a single room's delay is known.
    """
    selections = Selections(document, tree, lines, relays)
    shared = grouping.is_shared(sum(site.room for site in tree.sites.values()))
    heard = [stream for stream in streams if stream.direction != "up"]
    watched = any(stream.playout_ns for stream in heard)
    rated = any(stream.codec in CODECS for stream in heard)
    found: list[Requirement] = []
    file = document.file
    for given, number in zip(file.requirements, document.kept("requirements"), strict=True):
        of = None
        if given.of is not None:
            place = document.place("requirements", number, "of")
            of = selections.read(given.of, place, _subject(given))
        for name, fields in _single(given):
            place = document.place("requirements", number, name)
            requirement = _read(fields, of)
            if requirement.measure == "freezes" and not watched:
                text = "no stream that rooms receive has a 'playout'; so none can freeze"
                _refuse_stream(document, place, text)
            if requirement.measure == "mos" and not rated:
                text = "no stream that rooms receive has the 'codec' of a voice; so none is rated"
                _refuse_stream(document, place, text)
            if requirement.measure in OF_JOINING and file.joining is None:
                _refuse_joining(document, place)
            if requirement.failing:
                _check_failing(document, place, tree, requirement.failing)
            if shared and requirement.measure == "delay" and requirement.percentile < 100:
                _refuse_percentile(document, place, tree)
            if requirement.span_ns and not document.left_out("duration"):
                where = document.place("requirements", number, "in_any") if name != "use" else place
                _check_span(document, where, requirement.span_ns, duration_ns)
            found.append(requirement)
    return tuple(found)


def _single(given: Fields | UseFields) -> Iterator[tuple[str, Fields]]:
    """Yield the single requirements of an entry, each with the field that is to blame for it."""
    if isinstance(given, UseFields):
        for limits in SETS[given.use]:
            fields = RoomsFields.model_validate({"rooms": "all", **limits})
            yield "use", fields.model_copy(update={"rooms": given.rooms})
    elif isinstance(given, RoomsFields):
        names = (*PERCENTILES, *OTHERS)
        yield next(name for name in names if getattr(given, name) is not None), given
    else:
        yield "utilisation", given


def _subject(given: Fields | UseFields) -> Subject:
    if isinstance(given, LinesLimitFields):
        return "lines"
    return "egresses" if isinstance(given, EgressesLimitFields) else "rooms"


def _read(fields: Fields, of: Selection | None) -> Requirement:
    measure, percentile, limit = _limit(fields)
    requirement = Requirement(
        text="",
        subject=_subject(fields),
        of=of,
        share=_share(fields),
        measure=measure,
        percentile=percentile,
        span_ns=fields.in_any or 0 if isinstance(fields, RoomsFields) else 0,
        sense="at least" if measure in AT_LEAST else "at most",
        limit=limit,
        failing=fields.survives or "" if isinstance(fields, RoomsFields) else "",
    )
    return replace(requirement, text=sentence(requirement, ENGLISH))


def _limit(fields: Fields) -> tuple[Measure, float, float]:
    """Return what is limited, its percentile, and the limit."""
    if not isinstance(fields, RoomsFields):
        return "utilisation", 0.0, fields.utilisation
    for name, percentile in PERCENTILES.items():
        limit_ns = getattr(fields, name)
        if limit_ns is not None:
            return "delay", percentile, float(limit_ns)
    measure = next(each for each in OTHERS if getattr(fields, each) is not None)
    if measure in SHARES:
        return measure, 0.0, fields.rooms
    return measure, 0.0, float(getattr(fields, measure))


def _share(fields: Fields) -> float:
    if isinstance(fields, LinesLimitFields):
        return fields.lines
    return fields.egresses if isinstance(fields, EgressesLimitFields) else fields.rooms


def _refuse_stream(document: Document, place: Place, text: str) -> None:
    if not document.any_left_out("streams"):
        document.problems.add(place, text)


def _refuse_joining(document: Document, place: Place) -> None:
    if not document.left_out("joining"):
        text = "all rooms are there from the beginning; it needs 'joining'"
        document.problems.add(place, text)


def _check_failing(document: Document, place: Place, tree: Tree, failing: str) -> None:
    """Check that relays of a tier can fail: that there is one."""
    if failing == ANY_RELAY:
        return
    if failing not in tree.tiers:
        suggestion = document.problems.suggest(failing, (*tree.tiers, ANY_RELAY))
        document.problems.add(place, f"no tier '{failing}'{suggestion}")
    elif not any(tree.sites[site].tier == failing for site in tree.children):
        document.problems.add(place, f"no site of tier '{failing}' has a relay that could fail")


def _refuse_percentile(document: Document, place: Place, tree: Tree) -> None:
    rooms = sum(site.room for site in tree.sites.values())
    text = (
        "is not kept for single rooms where there are more than "
        f"{grouping.MOST_ROOMS}, and here are {rooms}; require 'delay_max' or "
        "'jitter' instead, or take fewer rooms"
    )
    document.problems.add(place, text)


def _check_span(document: Document, place: Place, span_ns: int, duration_ns: int) -> None:
    if duration_ns * grid_of(span_ns).parts > span_ns * MAX_STEPS:
        text = f"cuts the meeting into more than the limit of {MAX_STEPS} parts; make it longer"
        document.problems.add(place, text)
