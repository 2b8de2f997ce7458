"""The table of dark intervals: whose, when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sim.metrics.dark_causes import CAUSES
from sim.results.columns import Table, ms, text
from sim.results.join_tables import room_columns
from sim.results.run import Results

STEP = " > "


def dark(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each dark interval, in order of its beginning; its causes add up to it."""
    found, faults = results.darkness, results.scenario.faults
    intervals = found.dark
    labels = [faults[number].label if number >= 0 else "" for number in found.fault.tolist()]
    causes = [
        STEP.join(cause for cause, _ in groupby(piece.cause for piece in pieces))
        for pieces in found.pieces
    ]
    return (
        *room_columns(results.network, intervals.site, where),
        ms("from_ms", intervals.from_ns),
        ms("until_ms", intervals.until_ns),
        ms("dark_ms", intervals.until_ns - intervals.from_ns),
        text("fault", labels),
        text("causes", causes),
        *(ms(f"{cause}_ms", found.spent_ns[:, i]) for i, cause in enumerate(CAUSES)),
    )
