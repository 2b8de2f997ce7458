"""Requirements: what the meeting must meet, as limits on measures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from sim import grouping
from sim.scenario.document import Document
from sim.scenario.meeting_schema import EgressesLimitFields, LinesLimitFields, RoomsFields
from sim.scenario.model import Requirement, Stream
from sim.units import format_share, format_time

Fields = RoomsFields | LinesLimitFields | EgressesLimitFields
PERCENTILES = {"delay_p50": 50.0, "delay_p95": 95.0, "delay_p99": 99.0, "delay_max": 100.0}


def read_requirements(
    document: Document, streams: Iterable[Stream], *, rooms: int
) -> tuple[Requirement, ...]:
    """Return the requirements, in the file's order; `rooms` is how many rooms there are.

    Where sites share histograms, no percentile of a single room's delay is known.
    """
    watched = any(stream.playout_ns and stream.direction != "up" for stream in streams)
    file = document.file
    for fields, number in zip(file.requirements, document.kept("requirements"), strict=True):
        freezes = isinstance(fields, RoomsFields) and fields.freezes is not None
        if freezes and not watched and not document.any_left_out("streams"):
            text = "no stream that rooms receive has a 'playout'; so none can freeze"
            document.problems.add(document.place("requirements", number, "freezes"), text)
        for name in PERCENTILES if grouping.is_shared(rooms) else ():
            if name != "delay_max" and getattr(fields, name, None) is not None:
                text = (
                    "is not kept for single rooms where there are more than "
                    f"{grouping.MOST_ROOMS}, and here are {rooms}; require 'delay_max' or "
                    "'jitter' instead, or take fewer rooms"
                )
                document.problems.add(document.place("requirements", number, name), text)
    return tuple(_read(fields) for fields in file.requirements)


def _read(fields: Fields) -> Requirement:
    if isinstance(fields, LinesLimitFields):
        return _requirement("lines", fields.lines, "utilisation", 0.0, fields.utilisation)
    if isinstance(fields, EgressesLimitFields):
        return _requirement("egresses", fields.egresses, "utilisation", 0.0, fields.utilisation)
    if fields.loss is not None:
        return _requirement("rooms", fields.rooms, "loss", 0.0, fields.loss)
    if fields.dark is not None:
        return _requirement("rooms", fields.rooms, "dark", 0.0, float(fields.dark))
    if fields.jitter is not None:
        return _requirement("rooms", fields.rooms, "jitter", 0.0, float(fields.jitter))
    if fields.freezes is not None:
        return _requirement("rooms", fields.rooms, "freezes", 0.0, float(fields.freezes))
    for name, percentile in PERCENTILES.items():
        limit_ns = getattr(fields, name)
        if limit_ns is not None:
            return _requirement("rooms", fields.rooms, "delay", percentile, float(limit_ns))
    raise ValueError("a requirement on rooms has exactly one limit")


def _requirement(
    subject: Literal["rooms", "lines", "egresses"],
    share: float,
    measure: Literal["loss", "delay", "jitter", "freezes", "dark", "utilisation"],
    percentile: float,
    limit: float,
) -> Requirement:
    what: str = measure
    if measure == "delay":
        what = "delay max" if percentile == 100 else f"delay p{percentile:g}"
    if measure == "freezes":
        most = f"{int(limit)}"
    elif measure in ("delay", "jitter", "dark"):
        most = format_time(int(limit), digits=None)
    else:
        most = format_share(limit, digits=None)
    return Requirement(
        text=f"{format_share(share, digits=None)} of {subject}: {what} at most {most}",
        subject=subject,
        share=share,
        measure=measure,
        percentile=percentile,
        limit=limit,
    )
