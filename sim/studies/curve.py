"""The capacity curve as a table: a row for each number and requirement."""

from __future__ import annotations

import numpy as np

from sim.results.columns import Column, Table, integers, numbers, text
from sim.studies.answer import Answer
from sim.studies.point import Blame, Judged, Spot


def share_of_limit(judged: Judged) -> float | None:
    """Return how much of its limit a requirement uses: above 1 it is missed.

    That is the value over the limit; of what must be at least something, the limit over the value.
    None where the value is not known, or the limit is 0 and the value is not.
    """
    if judged.value is None:
        return None
    if judged.limit == 0:
        return 0.0 if judged.value == 0 else None
    if judged.sense == "at least":
        return judged.limit / judged.value
    return judged.value / judged.limit


def curve_table(answer: Answer) -> Table:
    """Return the rows by number, then by requirement.

    Limits and values are in the unit that the row names, for requirements differ in it.
    """
    rows = [
        (number, r, judged)
        for number, point in zip(answer.numbers, answer.points, strict=True)
        for r, judged in enumerate(point.requirements)
    ]
    all_judged = [judged for _, _, judged in rows]
    return (
        Column(
            name="number",
            unit=answer.over.unit or "1",
            values=np.array([float(number) for number, _, _ in rows]),
        ),
        integers("requirement", "1", [r for _, r, _ in rows]),
        text("name", [judged.sentences["en"] for judged in all_judged]),
        text("measure", [judged.measure for judged in all_judged]),
        text("unit", [judged.unit for judged in all_judged]),
        numbers("limit", "as in unit", [judged.limit for judged in all_judged]),
        numbers("value", "as in unit", [judged.value for judged in all_judged]),
        numbers("share_of_limit", "1", [share_of_limit(judged) for judged in all_judged]),
        integers("met", "1", [int(judged.met) for judged in all_judged]),
        integers("subjects", "1", [judged.subjects for judged in all_judged]),
        integers("complying", "1", [judged.complying for judged in all_judged]),
        *_spot_columns("worst", [judged.worst for judged in all_judged]),
        *_spot_columns("deciding", [judged.deciding for judged in all_judged]),
        *_blame_columns([judged.blame for judged in all_judged]),
    )


def _spot_columns(prefix: str, spots: list[Spot | None]) -> list[Column]:
    return [
        *_texts(prefix, spots, ("kind", "site", "place", "detail")),
        numbers(f"{prefix}_value", "as in unit", [spot.value if spot else None for spot in spots]),
    ]


def _blame_columns(blames: list[Blame | None]) -> list[Column]:
    return [
        *_texts("blame", blames, ("kind", "site", "place", "detail", "reason")),
        numbers("blame_lost", "1", [sum(each.lost.values()) if each else None for each in blames]),
        numbers("blame_time_ms", "ms", [each.time_ms if each else None for each in blames]),
    ]


def _texts(
    prefix: str,
    values: list[Spot | None] | list[Blame | None],
    names: tuple[str, ...],
) -> list[Column]:
    return [
        text(f"{prefix}_{name}", [getattr(value, name) if value else "" for value in values])
        for name in names
    ]
