"""The way of a room: its lines and egresses, and on which of them most is lost or waits longest.

A room's way leads down from the root, through the egress that feeds each line. Where a speaker is
heard, the lines up from the speaker are on it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.metrics.measures import LINE_CAUSES
from sim.results.run import Results

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line's direction, or an egress, on the way of a room.

    Attributes
    ----------
    site : number of the site the line belongs to; of an egress, of its relay
    detail : `down` or `up`; of an egress its carrier, which may be empty
    lost : cause -> share of what this room should have had through it
    packets : lost here, of this room's; of others' packets on a speaker's line a part is taken
    longest_ns : longest time a packet spent here; of an egress, its longest queue
    queue_ns : longest queue
    """

    kind: Literal["line", "egress"]
    site: int
    detail: str
    lost: dict[str, float]
    packets: float
    longest_ns: float
    queue_ns: float


def way_of_room(results: Results, site: int) -> list[Step]:
    """Return the steps of a room's way: from speakers up, then from the root down."""
    network = results.network
    speakers = sorted({network.index[turn.site] for turn in results.scenario.agenda} - {site})
    steps = [step for speaker in speakers for step in _up(results, speaker)]
    for s in network.path(site):
        egress = _egress(results, s)
        # Where no interface is shared, copies die only with their relay.
        if egress.packets or not np.isnan(results.measures.egresses.utilisation[network.feed[s]]):
            steps.append(egress)
        steps.append(line_step(results, s, "down"))
    return steps


def where_most_is_lost(steps: list[Step]) -> Step | None:
    """Return the step that loses most of the room's packets; None if none loses any."""
    worst = max(steps, key=lambda step: step.packets, default=None)
    return worst if worst is not None and worst.packets > 0 else None


def where_it_waits_longest(steps: list[Step]) -> Step | None:
    """Return the step with the longest time from arrival to the far end; None if none is known."""
    known = [step for step in steps if step.longest_ns > 0]
    return max(known, key=lambda step: step.longest_ns, default=None)


def where_the_queue_is_longest(steps: list[Step]) -> Step | None:
    """Return the step with the longest queue; None if none had any."""
    known = [step for step in steps if step.queue_ns > 0]
    return max(known, key=lambda step: step.queue_ns, default=None)


def line_step(results: Results, site: int, way: str) -> Step:
    """Return one direction of a line."""
    lines = results.measures.lines
    row = int(lines.rows(np.array([site]), way)[0])
    offered = max(int(lines.offered[row]), 1)
    lost = lines.lost[row]
    return Step(
        kind="line",
        site=site,
        detail=way,
        lost={
            cause: int(count) / offered
            for cause, count in zip(LINE_CAUSES, lost, strict=True)
            if count
        },
        packets=float(lost.sum()),
        longest_ns=float(np.nan_to_num(lines.delays.max_ns[row])),
        queue_ns=float(lines.queue_max_ns[row]),
    )


def _up(results: Results, speaker: int) -> Iterator[Step]:
    """Yield the lines up from a speaker; what is lost there counts by the speaker's share of it."""
    measures = results.measures
    floor = [j for j, stream in enumerate(results.scenario.streams) if stream.direction == "floor"]
    theirs = (measures.sources.site == speaker) & np.isin(measures.sources.stream, floor)
    spoken = int(measures.sources.sent[theirs].sum())
    for s in reversed(results.network.path(speaker)):
        step = line_step(results, s, "up")
        yield replace(step, packets=spoken * sum(step.lost.values()))


def _egress(results: Results, site: int) -> Step:
    """Return the egress before a site's line; its losses are those of this site's copies.

    A full egress refuses the last of the copies, so siblings do not lose alike. What is not sent
    back to a speaker is not told apart: there a loss is taken for a little less than it is.
    """
    network, egresses = results.network, results.measures.egresses
    e = int(network.feed[site])
    missing, due = _copies_lost(results, site), _copies_due(results, site)
    all_lost = max(int(egresses.lost[e].sum()), 1)
    return Step(
        kind="egress",
        site=int(network.egress_site[e]),
        detail=network.egresses[e].label,
        lost={
            cause: missing / max(due, 1) * int(count) / all_lost
            for cause, count in zip(("outage", "queue"), egresses.lost[e], strict=True)
            if count and missing
        },
        packets=missing,
        longest_ns=float(egresses.queue_max_ns[e]),
        queue_ns=float(egresses.queue_max_ns[e]),
    )


def _copies_due(results: Results, site: int) -> float:
    """Return how many copies the egress owed a site's line: as many as each of its siblings'."""
    network = results.network
    e = int(network.feed[site])
    siblings = int(network.child_first[e + 1] - network.child_first[e])
    return int(results.measures.egresses.offered[e]) / siblings


def _copies_lost(results: Results, site: int) -> float:
    """Return how many of the copies for a site's line the egress lost, all causes."""
    e = int(results.network.feed[site])
    if not results.measures.egresses.lost[e].any():
        return 0.0
    return max(_copies_due(results, site) - int(results.measures.lines.offered[site]), 0.0)
