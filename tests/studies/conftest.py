"""Studies of small meetings, in which one can say beforehand where each requirement breaks."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sim.studies.answer import Answer, answer_of
from sim.studies.capacity import Searched, search
from sim.studies.folder import study_folder
from sim.studies.point import Judged, Point
from sim.studies.spec import Asked, read_spec
from sim.studies.workers import Workers, workers

# One room on one line, and packets of 1240 B one after the other, evenly.
ONE_LINE = """\
name: one-line
seed: 1
duration: 10 s
sites: {tiers: [central, commune], generate: {commune: 1}}
relays: {central: {processing: 1 ms, egress: none}}
lines:
  commune: {carrier: vnpt, rate: 10 Mbit/s, buffer: 100 packets, delay: 5 ms}
streams:
  media: {rate: 4 Mbit/s, packet: 1200 B, overhead: 40 B}
requirements:
  - {lines: 100 %, utilisation: at most 80 %}
  - {rooms: 100 %, delay_max: at most 40 ms}
  - {rooms: 100 %, delay_p50: at most 1 ms}
"""


@pytest.fixture(scope="session")
def pool() -> Iterator[Workers]:
    """One worker for all studies: it compiles, or loads, the kernels once."""
    with workers(1) as made:
        yield made


def asked(
    path: Path,
    vary: str,
    over: str,
    *,
    tolerance: str = "1 %",
    points: int = 5,
    duration_ns: int | None = None,
) -> Asked:
    return Asked(
        path=path,
        vary=vary,
        over=over,
        tolerance=tolerance,
        points=points,
        seed=None,
        duration_ns=duration_ns,
    )


def study(pool: Workers, out: Path, question: Asked) -> tuple[Searched, Answer]:
    """Do a study in a folder."""
    spec = read_spec(question)
    with study_folder(out, spec) as folder:
        searched = search(spec, folder, pool, parallel=1, watch=lambda progress: None)
    return searched, answer_of(spec.over, searched.points)


def judged(met: bool, *, value: float | None = None, limit: float = 1.0, text: str = "r") -> Judged:
    """Return a requirement at a point, invented."""
    return Judged(
        sentences={"en": text, "vi": f"{text} (vi)"},
        measure="loss",
        unit="1",
        sense="at most",
        limit=limit,
        value=(0.5 if met else 2.0) * limit if value is None else value,
        met=met,
        subjects=10,
        complying=10 if met else 5,
        worst=None,
        deciding=None,
        blame=None,
    )


def points(*verdicts: tuple[float, str]) -> dict[Decimal, Point]:
    """Return invented points: a number, and `+` or `-` for each requirement."""
    return {
        Decimal(str(number)): Point(
            amount=f"{number}",
            requirements=tuple(
                judged(sign == "+", text=f"requirement {r}") for r, sign in enumerate(signs)
            ),
            packet_hops=1,
        )
        for number, signs in verdicts
    }
