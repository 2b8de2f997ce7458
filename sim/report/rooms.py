"""Rooms in the report: what each tier's waited for, and what was lost where."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from sim.report.figures import ms, percent
from sim.report.lines import lost_headings
from sim.results.run import Results
from sim.terminal import shown, table


def tier_table(results: Results, out: Console) -> Table:
    """Return the rooms of each tier, and what was lost at it."""
    network, measures = results.network, results.measures
    lost = measures.endpoints.lost.sum(axis=0)
    due = max(int(measures.endpoints.due.sum()), 1)
    causes = measures.endpoints.causes
    made = table(
        out,
        "Rooms, and what was lost at each tier of all that was due",
        "tier",
        ">rooms",
        *lost_headings(">lost there %", [cause.name.lower() for cause in causes]),
        ">delay ms\np50",
        ">\np99",
    )
    for t, tier in enumerate(network.tiers):
        made.add_row(
            shown(tier),
            f"{int(network.room[network.tier == t].sum()):,}",
            *(percent(int(lost[cause, t]) / due) for cause in causes),
            ms(measures.tier_delays.p50_ns[t]),
            ms(measures.tier_delays.p99_ns[t]),
        )
    return made
