"""Rooms in the report: what each tier's waited for, and what was lost where."""

from __future__ import annotations

from rich.table import Table

from sim.language import words
from sim.report.figures import ms, percent
from sim.results.run import Results
from sim.terminal import Reader, numbers, shown, table


def tier_table(results: Results, reader: Reader) -> Table:
    """Return the rooms of each tier, and what was lost at it."""
    say = reader.language.say
    network, measures = results.network, results.measures
    lost = measures.endpoints.lost.sum(axis=0)
    due = max(int(measures.endpoints.due.sum()), 1)
    causes = measures.endpoints.causes
    made = table(
        reader.out,
        say("Rooms, and what was lost at each tier of all that was due"),
        say("tier"),
        *numbers(say("rooms")),
        *numbers(
            *(words.cause(reader.language, cause.name.lower()) for cause in causes),
            under=say("lost there %"),
        ),
        *numbers("p50", "p99", under=say("delay ms")),
    )
    for t, tier in enumerate(network.tiers):
        made.add_row(
            shown(tier),
            *reader.figures(
                f"{int(network.room[network.tier == t].sum()):,}",
                *(percent(int(lost[cause, t]) / due) for cause in causes),
                ms(measures.tier_delays.p50_ns[t]),
                ms(measures.tier_delays.p99_ns[t]),
            ),
        )
    return made
