"""Streams and turns in the report: how they were received, and how soon a speaker was seen."""

from __future__ import annotations

from rich.table import Table

from sim.language import words
from sim.report.figures import UNKNOWN, ms, number, percent, time
from sim.results.clock import clock
from sim.results.place import id_and_place
from sim.results.run import Results
from sim.results.stream_figures import StreamFigures, down_figures, up_figures
from sim.terminal import Reader, numbers, shown, table

MOST_TURNS = 20


def stream_table(results: Results, reader: Reader) -> Table:
    """Return each stream as the rooms received it, and as it came up from its sites.

    Two columns more say what relays did not pass on, where any did so.
    """
    say = reader.language.say
    rows = [*down_figures(results), *up_figures(results)]
    stopped = any(figures.unselected or figures.composed for figures in rows)
    reasons = say("unselected"), say("composed")
    made = table(
        reader.out,
        say("Streams, as they were received: down by rooms, up where they end"),
        say("stream"),
        say("way"),
        *numbers(say("rooms"), say("lost %")),
        *(numbers(*reasons, under=say("not passed on %")) if stopped else ()),
        *numbers(say("mean"), under=say("delay ms")),
        *numbers("p50", "p99", say("max"), under=say("jitter ms")),
        *numbers(say("frozen\nrooms"), say("longest\nin all")),
    )
    for figures in rows:
        shares = _shares_stopped(figures) if stopped else ()
        made.add_row(
            shown(figures.stream),
            words.way(reader.language, figures.way),
            *reader.figures(
                f"{figures.pairs:,}",
                percent(figures.loss),
                *shares,
                ms(figures.delay_mean_ns),
                ms(figures.jitter_p50_ns),
                ms(figures.jitter_p99_ns),
                ms(figures.jitter_max_ns),
                number(figures.frozen),
                time(figures.frozen_max_ns),
            ),
        )
    return made


def _shares_stopped(figures: StreamFigures) -> tuple[str, str]:
    """Return which shares of a stream's packets relays did not select, and composed."""
    if figures.way == "down":
        return UNKNOWN, UNKNOWN
    due = max(figures.due, 1)
    return percent(figures.unselected / due), percent(figures.composed / due)


def turn_table(results: Results, reader: Reader) -> Table:
    """Return how soon the rooms saw each new speaker; the first turns, if there are many."""
    say = reader.language.say
    agenda, taken = results.scenario.agenda, results.measures.turns
    title = say(
        "Turns, and how soon the other rooms had the speaker's first packet and first frame"
    )
    if len(agenda) > MOST_TURNS:
        first = say("the first {most} of {n}", most=MOST_TURNS, n=len(agenda))
        title = f"{title}: {first}"
    made = table(
        reader.out,
        title,
        say("speaker"),
        *numbers(say("from")),
        *numbers("p50", "p95", under=say("packet ms")),
        *numbers("p50", "p95", say("max"), under=say("whole frame ms")),
        *numbers(say("never whole\nrooms")),
    )
    for t, turn in enumerate(agenda[:MOST_TURNS]):
        due = bool(taken.packets[t])
        made.add_row(
            shown(id_and_place(results.network, int(taken.site[t]))),
            *reader.figures(
                clock(turn.at_ns),
                ms(float(taken.first.p50_ns[t])),
                ms(float(taken.first.p95_ns[t])),
                ms(float(taken.whole.p50_ns[t])),
                ms(float(taken.whole.p95_ns[t])),
                ms(float(taken.whole.max_ns[t])),
                f"{int(taken.never_whole[t]):,}" if due else UNKNOWN,
            ),
        )
    return made
