"""How rooms joined, over those of each tier; and what signalling servers had to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.metrics.histogram import order_statistic
from sim.results.run import Results

if TYPE_CHECKING:
    from sim.control.server import ServerLoad

Bools = NDArray[np.bool_]

PERCENTILES = (0.5, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupJoins:
    """How a group of rooms joined.

    Attributes
    ----------
    tier : of the rooms; empty: all
    rooms : how many there are, also those that never came
    called, joined : rooms that called, and those of them that were let in
    p50_ns, p95_ns, p99_ns, max_ns : from the first call to being let in, within which that share
        of those that joined had done so; NaN: none joined
    refused, unanswered, retried : rooms refused at least once, not answered at least once, and
        those that called more than once
    gave_up : rooms that called and stopped trying
    present : rooms that were there when the meeting started
    """

    tier: str
    rooms: int
    called: int
    joined: int
    p50_ns: float
    p95_ns: float
    p99_ns: float
    max_ns: float
    refused: int
    unanswered: int
    retried: int
    gave_up: int
    present: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFigures:
    """What one signalling server had to do.

    Attributes
    ----------
    site : number of its site
    workers : how many it has
    served : requests that its workers took
    longest_queue : most requests that waited at once
    queue_at_ns : when as many did first
    busy : share of its workers' time in the run in which they were at work
    waited_p95_ns, waited_max_ns : how long 95 % and all of the requests waited at most; NaN: none
    full, limited : requests that found the queue full, and calls that the limit of joins refused
    """

    site: int
    workers: int
    served: int
    longest_queue: int
    queue_at_ns: int
    busy: float
    waited_p95_ns: float
    waited_max_ns: float
    full: int
    limited: int


def are_joins(results: Results) -> bool:
    """Return whether any room of the scenario comes or goes."""
    return bool(results.scenario.joining.rooms)


def join_figures(results: Results) -> list[GroupJoins]:
    """Return how all rooms joined, then those of each tier that has any."""
    joins, network = results.joins, results.network
    present = joins.present(joins.start_ns)
    found = [_of_group(results, "", joins.room, present)]
    for t, tier in enumerate(network.tiers):
        rooms = joins.room & (network.tier == t)
        if rooms.any():
            found.append(_of_group(results, tier, rooms, present))
    return found


def server_figures(results: Results) -> list[ServerFigures]:
    """Return what each signalling server had to do, by site."""
    return [_of_server(load, results.scenario.duration_ns) for load in results.joins.servers]


def busiest(figures: list[ServerFigures]) -> list[ServerFigures]:
    """Return servers by how many waited there at once, then by how busy their workers were."""
    return sorted(figures, key=lambda each: (-each.longest_queue, -each.busy, each.site))


def _of_group(results: Results, tier: str, rooms: Bools, present: Bools) -> GroupJoins:
    """Return how some rooms joined; `present` is who was there at the start, (n,)."""
    joins = results.joins
    called = rooms & (joins.called_ns >= 0)
    joined = called & (joins.joined_ns >= 0)
    took_ns = (joins.joined_ns - joins.called_ns)[joined].astype(np.float64)
    if took_ns.size:
        p50_ns, p95_ns, p99_ns, max_ns = (order_statistic(took_ns, q)[1] for q in PERCENTILES)
    else:
        p50_ns = p95_ns = p99_ns = max_ns = np.nan
    return GroupJoins(
        tier=tier,
        rooms=int(np.count_nonzero(rooms)),
        called=int(np.count_nonzero(called)),
        joined=int(np.count_nonzero(joined)),
        p50_ns=p50_ns,
        p95_ns=p95_ns,
        p99_ns=p99_ns,
        max_ns=max_ns,
        refused=int(np.count_nonzero(joins.refusals[called])),
        unanswered=int(np.count_nonzero(joins.timeouts[called])),
        retried=int(np.count_nonzero(joins.tries[called] > 1)),
        gave_up=int(np.count_nonzero(joins.gave_up_ns[called] >= 0)),
        present=int(np.count_nonzero(present[rooms])),
    )


def _of_server(load: ServerLoad, duration_ns: int) -> ServerFigures:
    spans_ns = np.diff(load.at_ns, append=duration_ns)
    fullest = int(load.waiting.argmax())
    waited_ns = load.waited_ns.astype(np.float64)
    some = bool(waited_ns.size)
    return ServerFigures(
        site=load.site,
        workers=load.workers,
        served=load.served,
        longest_queue=int(load.waiting[fullest]),
        queue_at_ns=int(load.at_ns[fullest]),
        busy=int((load.busy * spans_ns).sum()) / (load.workers * duration_ns),
        waited_p95_ns=order_statistic(waited_ns, 0.95)[1] if some else np.nan,
        waited_max_ns=float(waited_ns.max()) if some else np.nan,
        full=load.full,
        limited=load.limited,
    )
