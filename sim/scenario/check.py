"""`check` of a scenario file: how the scenario is run against its baseline, and what may differ."""

from __future__ import annotations

from sim.scenario.check_schema import CheckFields
from sim.scenario.document import Document
from sim.scenario.tolerance import DEFAULTS, Check
from sim.units import format_time


def read_check(document: Document, duration_ns: int) -> Check:
    """Return how to check; in a meeting shortened from outside no form is longer than that."""
    fields = document.file.check or CheckFields()
    short_ns, whole_ns = fields.duration, document.file.duration
    if short_ns is not None and short_ns > whole_ns and not document.left_out("duration"):
        text = f"{format_time(short_ns)} is longer than the meeting, {format_time(whole_ns)}"
        document.problems.add(document.place("check", "duration"), text)
    given = fields.tolerances
    tolerances = tuple(
        (name, (getattr(given, name) if given else None) or default)
        for name, default in DEFAULTS.items()
    )
    return Check(
        duration_ns=min(short_ns or whole_ns, duration_ns),
        timetable="squeezed" if fields.timetable == "squeezed" else "cut",
        tolerances=tolerances,
    )
