"""Joining in the report: how long rooms of each tier took, and how the servers bore it."""

from __future__ import annotations

from rich.table import Table

from sim.report.figures import UNKNOWN, number, percent, time
from sim.results.clock import clock
from sim.results.join_figures import (
    GroupJoins,
    busiest,
    join_figures,
    server_figures,
)
from sim.results.place import id_and_place
from sim.results.run import Results
from sim.terminal import Reader, numbers, shown, table

BUSIEST_SERVERS = 5


def join_table(results: Results, reader: Reader) -> Table:
    """Return how the rooms of each tier joined, and all together where there are more tiers."""
    say = reader.language.say
    made = table(
        reader.out,
        say("Joining, from a room's first call until it is let in"),
        say("rooms of"),
        *numbers(say("rooms"), say("called"), say("joined")),
        *numbers("p50", "p95", "p99", say("max"), under=say("time to join")),
        *numbers(say("refused"), say("no\nanswer"), say("retried"), say("gave up")),
        *numbers(say("rooms"), "%", under=say("there at the start")),
    )
    everybody, *tiers = join_figures(results)
    for each in tiers if len(tiers) == 1 else (*tiers, everybody):
        made.add_row(
            shown(each.tier or say("all")),
            *reader.figures(
                number(each.rooms),
                number(each.called),
                number(each.joined),
                *_times(each),
                number(each.refused),
                number(each.unanswered),
                number(each.retried),
                number(each.gave_up),
                number(each.present),
                percent(each.present / each.rooms) if each.rooms else UNKNOWN,
            ),
        )
    return made


def server_table(results: Results, reader: Reader) -> Table:
    """Return the signalling servers at which most requests waited at once."""
    say = reader.language.say
    made = table(
        reader.out,
        say("The {n} busiest signalling servers, by their longest queue", n=BUSIEST_SERVERS),
        say("server at"),
        *numbers(say("workers"), say("requests")),
        *numbers(say("longest"), say("at"), under=say("queue")),
        *numbers("p95", say("max"), under=say("waited")),
        *numbers(say("busy %")),
        *numbers(say("queue full"), say("limit"), under=say("turned away")),
    )
    for each in busiest(server_figures(results))[:BUSIEST_SERVERS]:
        made.add_row(
            shown(id_and_place(results.network, each.site)),
            *reader.figures(
                number(each.workers),
                number(each.served),
                number(each.longest_queue),
                clock(each.queue_at_ns) if each.longest_queue else UNKNOWN,
                time(each.waited_p95_ns),
                time(each.waited_max_ns),
                percent(each.busy),
                number(each.full),
                number(each.limited),
            ),
        )
    return made


def _times(each: GroupJoins) -> list[str]:
    return [time(value) for value in (each.p50_ns, each.p95_ns, each.p99_ns, each.max_ns)]
