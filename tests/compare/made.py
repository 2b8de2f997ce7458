"""Findings and comparisons made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from sim.compare.comparison import Comparison, compare
from sim.compare.findings import LISTS, TABLES, Findings, Row, Table
from sim.compare.page import Checked
from sim.compare.survey import Survey
from sim.compare.worst import Subjects
from sim.scenario.tolerance import DEFAULTS, Check

CHECK = Check(duration_ns=10**9, timetable="cut", tolerances=tuple(DEFAULTS.items()))
Figures = Mapping[str, float | int | str | None]


def row(figures: Figures, *, place: str = "", at: Mapping[str, str] | None = None) -> Row:
    """Return a row of figures, given as numbers or as decimals in text."""
    values = {
        name: None if value is None else Decimal(str(value)) for name, value in figures.items()
    }
    return Row(figures=values, place=place, at=at or {})


def findings(
    *,
    fingerprint: str = "f",
    tables: Mapping[str, Table] | None = None,
    lists: Mapping[str, Mapping[str, Table]] | None = None,
) -> Findings:
    """Return findings that have but some tables and lists."""
    return Findings(
        scenario="made",
        seed=1,
        duration_ns=10**9,
        timetable="cut",
        fingerprint=fingerprint,
        tables={name: (tables or {}).get(name, {}) for name in TABLES},
        lists={name: (lists or {}).get(name, {}) for name in LISTS},
    )


def lines(values: Mapping[str, float], kind: str = "commune") -> Subjects:
    """Return lines with a loss each, in per cent."""
    return Subjects(
        list(values),
        [kind] * len(values),
        {"loss_percent": np.array(list(values.values()), dtype=np.float64)},
        lambda i: f"place of {list(values)[i]}",
    )


def nothing() -> Subjects:
    return Subjects([], [], {"loss_percent": np.zeros(0)}, str)


def held(before: Findings, now: Findings, *, of_lines: Subjects | None = None) -> Comparison:
    """Compare with the default tolerances."""
    subjects = {"lines": of_lines or nothing(), "egresses": nothing(), "rooms": nothing()}
    return compare(before, Survey(findings=now, subjects=subjects, requirements={}), CHECK)


def of_meeting(before: Figures, now: Figures) -> Comparison:
    """Compare two meetings that have but figures of their own."""
    return held(
        findings(fingerprint="a", tables={"meeting": {"all": row(before)}}),
        findings(fingerprint="b", tables={"meeting": {"all": row(now)}}),
    )


def checked(comparison: Comparison, *, path: str = "made.yaml", written: bool = False) -> Checked:
    return Checked(
        path=path,
        baseline="baseline/made.json",
        comparison=comparison,
        late_faults=0,
        written=written,
        wall_s=1.5,
    )
