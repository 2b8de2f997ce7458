"""Streams and turns in the report: how they were received, and how soon a speaker was seen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from sim.report.figures import UNKNOWN, ms, number, percent, time
from sim.results.clock import clock
from sim.results.place import id_and_place
from sim.results.run import Results
from sim.results.stream_figures import StreamFigures, down_figures, up_figures
from sim.terminal import shown, table

MOST_TURNS = 20


def stream_table(results: Results, out: Console) -> Table:
    """Return each stream as the rooms received it, and as it came up from its sites.

    Two columns more say what relays did not pass on, where any did so.
    """
    rows = [*down_figures(results), *up_figures(results)]
    stopped = any(figures.unselected or figures.composed for figures in rows)
    made = table(
        out,
        "Streams, as they were received: down by rooms, up where they end",
        "stream",
        "way",
        ">rooms",
        ">lost %",
        *((">not passed on %\nunselected", ">\ncomposed") if stopped else ()),
        ">delay ms\nmean",
        ">jitter ms\np50",
        ">\np99",
        ">\nmax",
        ">frozen\nrooms",
        ">longest\nin all",
    )
    for figures in rows:
        shares = _shares_stopped(figures) if stopped else ()
        made.add_row(
            shown(figures.stream),
            figures.way,
            f"{figures.pairs:,}",
            percent(figures.loss),
            *shares,
            ms(figures.delay_mean_ns),
            ms(figures.jitter_p50_ns),
            ms(figures.jitter_p99_ns),
            ms(figures.jitter_max_ns),
            number(figures.frozen),
            time(figures.frozen_max_ns),
        )
    return made


def _shares_stopped(figures: StreamFigures) -> tuple[str, str]:
    """Return which shares of a stream's packets relays did not select, and composed."""
    if figures.way == "down":
        return UNKNOWN, UNKNOWN
    due = max(figures.due, 1)
    return percent(figures.unselected / due), percent(figures.composed / due)


def turn_table(results: Results, out: Console) -> Table:
    """Return how soon the rooms saw each new speaker; the first turns, if there are many."""
    agenda, taken = results.scenario.agenda, results.measures.turns
    title = "Turns, and how soon the other rooms had the speaker's first packet and first frame"
    made = table(
        out,
        title if len(agenda) <= MOST_TURNS else f"{title}: the first {MOST_TURNS} of {len(agenda)}",
        "speaker",
        ">from",
        ">packet ms\np50",
        ">\np95",
        ">whole frame ms\np50",
        ">\np95",
        ">\nmax",
        ">never whole\nrooms",
    )
    for t, turn in enumerate(agenda[:MOST_TURNS]):
        due = bool(taken.packets[t])
        made.add_row(
            shown(id_and_place(results.network, int(taken.site[t]))),
            clock(turn.at_ns),
            ms(float(taken.first.p50_ns[t])),
            ms(float(taken.first.p95_ns[t])),
            ms(float(taken.whole.p50_ns[t])),
            ms(float(taken.whole.p95_ns[t])),
            ms(float(taken.whole.max_ns[t])),
            f"{int(taken.never_whole[t]):,}" if due else UNKNOWN,
        )
    return made
