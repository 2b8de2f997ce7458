"""A study as data: the answer, the curve and what they rest on.

Everything but `provenance` follows from the scenario, the question and the program alone.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from sim import __version__
from sim.results.columns import NS_PER_S
from sim.results.summary import LIBRARIES, Summary
from sim.studies.answer import Answer, Edge, Span, Standing
from sim.studies.capacity import Searched
from sim.studies.program import program_digest
from sim.studies.spec import Spec


def summarise(spec: Spec, answer: Answer, searched: Searched, *, workers: int) -> Summary:
    """Return the content of `answer.json`; numbers of the range are in its unit."""
    over = answer.over
    return {
        "study": "capacity",
        "scenario": spec.scenario.name,
        "seed": spec.scenario.seed,
        "simulated_s": spec.scenario.duration_ns / NS_PER_S,
        "vary": over.written.path,
        "unit": over.unit or "1",
        "low": float(over.low),
        "high": float(over.high),
        "spans": [_span(span) for span in answer.spans],
        "requirements": [_standing(standing) for standing in answer.standings],
        "points": [
            {"number": float(number), **point.as_data()}
            for number, point in zip(answer.numbers, answer.points, strict=True)
        ],
        "identity": spec.identity,
        "provenance": {
            "wall_s": searched.wall_s,
            "simulated": searched.simulated,
            "workers": workers,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "program": program_digest(),
            "versions": {
                "sim": __version__,
                "python": platform.python_version(),
                **{library: version(library) for library in LIBRARIES},
            },
        },
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "name": standing.sentences["en"],
        "state": standing.state,
        "crossings": [
            {"low": float(each.low), "high": float(each.high), "breaks": each.breaks}
            for each in standing.crossings
        ],
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "low": float(span.low),
        "high": float(span.high),
        "below": _edge(span.below),
        "above": _edge(span.above),
    }


def _edge(edge: Edge | None) -> dict[str, Any] | None:
    if edge is None:
        return None
    return {"met": float(edge.met), "missed": float(edge.missed), "broken": list(edge.broken)}
