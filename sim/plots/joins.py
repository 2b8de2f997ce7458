"""Joining: rooms present and calling over time, calls, and what signalling servers had to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sim.language.language import Language
from sim.plots import course, style
from sim.plots.course import MS_PER_S, Course
from sim.plots.instants import Spans, Steps, at_worst, bins, steps
from sim.results.stored import Stored

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
BINS = 480
RATE_BINS = 120
PRESENT, CALLING, GAVE_UP = range(3)
_ROOMS_IN = 2.6
_PANEL_IN = 1.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """How rooms came and went.

    Attributes
    ----------
    states : from instant to instant how many are present, calling, and have given up
    called_ms, joined_ms : (k,) float64, when rooms called first, and when those of them were let in
    rooms : how many the meeting has
    """

    states: Steps
    called_ms: Float64Array
    joined_ms: Float64Array
    rooms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What signalling servers have to do, at the worst instant of each of `BINS` bins.

    Attributes
    ----------
    servers, workers : how many there are, workers of all servers
    waiting, busy : (BINS,) int64, of all servers together
    fullest : place of the server with the longest queue; of several the first
    longest : (BINS,) int64, requests that wait there
    """

    servers: int
    workers: int
    waiting: Int64Array
    busy: Int64Array
    fullest: str
    longest: Int64Array


def rooms(stored: Stored) -> Rooms:
    """Return how the rooms of a run came and went."""
    table, end_ms = stored.tables["joins"], stored.duration_ms
    called_ms, joined_ms, gave_up_ms, left_ms = (
        table.numbers(f"{name}_ms") for name in ("called", "joined", "gave_up", "left")
    )
    has_joined, has_called = ~np.isnan(joined_ms), ~np.isnan(called_ms)
    gave_up = ~np.isnan(gave_up_ms)
    # Who has neither joined nor given up is calling to the end.
    answered_ms = np.fmin(np.fmin(joined_ms, gave_up_ms), np.nan_to_num(left_ms, nan=end_ms))
    begins = (joined_ms[has_joined], called_ms[has_called], gave_up_ms[gave_up])
    ends = (
        np.nan_to_num(left_ms[has_joined], nan=end_ms),
        answered_ms[has_called],
        np.full(int(gave_up.sum()), end_ms),
    )
    kinds = np.repeat([PRESENT, CALLING, GAVE_UP], [each.size for each in begins])
    spans = Spans(begins_ms=np.concatenate(begins), ends_ms=np.concatenate(ends), kind=kinds)
    return Rooms(
        states=steps(spans, 3),
        called_ms=called_ms[has_called],
        joined_ms=joined_ms[has_called & has_joined],
        rooms=table.numbers("called_ms").size,
    )


def load(stored: Stored) -> Load | None:
    """Return what signalling servers had to do; None where there are none."""
    table = stored.tables.get("servers")
    if table is None or not table.numbers("at_ms").size:
        return None
    edges_ms = bins(0.0, stored.duration_ms, BINS)
    sites, place = table.kinds("site")
    at_ms = table.numbers("at_ms")
    _, first = np.unique(place, return_index=True)
    waiting, busy = table.counts("waiting"), table.counts("busy")
    longest = np.zeros(len(sites), dtype=np.int64)
    np.maximum.at(longest, place, waiting)
    fullest = int(np.argmax(longest))
    there = place == fullest
    return Load(
        servers=len(sites),
        workers=int(table.counts("workers")[first].sum()),
        waiting=at_worst(_sum(at_ms, waiting, place), edges_ms)[:, 0],
        busy=at_worst(_sum(at_ms, busy, place), edges_ms)[:, 0],
        fullest=table.texts("place", first[fullest : fullest + 1])[0],
        longest=at_worst(_sum(at_ms[there], waiting[there], place[there]), edges_ms)[:, 0],
    )


def _sum(at_ms: Float64Array, level: Int64Array, server: Int64Array) -> Steps:
    """Return the sum of levels that each server has from each of its instants on."""
    order = np.lexsort((at_ms, server))
    changes = np.diff(level[order], prepend=0)
    starts = np.flatnonzero(np.diff(server[order], prepend=-1))
    changes[starts] = level[order][starts]
    instants, place = np.unique(at_ms[order], return_inverse=True)
    sums = np.zeros((instants.size + 1, 1), dtype=np.int64)
    np.add.at(sums[:, 0], place + 1, changes)
    return Steps(at_ms=np.concatenate([[-np.inf], instants]), counts=sums.cumsum(axis=0))


def draw(stored: Stored, language: Language) -> Figure | None:
    """Return the chart; None where nobody joins during the run."""
    if "joins" not in stored.tables:
        return None
    found, busy, what = rooms(stored), load(stored), course.course(stored)
    heights = [_ROOMS_IN, *[_PANEL_IN] * (1 if busy is None else 3)]
    strip = course.FLOOR_IN if what.turns else 0.0
    figure = style.figure(1.4 + 0.25 * len(heights) + sum(heights) + strip + 0.2 * what.named)
    style.title(
        figure, language.say("Rooms joining the meeting – {scenario}", scenario=stored.scenario)
    )
    present, calls, *rest = course.panels(figure, what, heights, language)
    edges_ms = bins(0.0, stored.duration_ms, BINS)
    edges = edges_ms / MS_PER_S / what.scale
    _draw_rooms(present, found, edges_ms, what, language)
    _draw_calls(calls, found, stored.duration_ms, what, language)
    if busy is not None:
        queue, workers = rest
        _draw_queue(queue, busy, edges, language)
        _draw_workers(workers, busy, edges, language)
    words = language.say("the meeting starts")
    for axes in (present, calls, *rest):
        course.mark(axes, what)
        _mark_start(axes, stored, what, words if axes is present else None)
        style.grid(axes, "y")
        axes.yaxis.set_major_locator(MaxNLocator(integer=axes is not calls, nbins=5))
        style.figure_ticks(axes.yaxis, language)
        axes.legend(
            loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, fontsize=8.5, columnspacing=1.2
        )
    course.number(present, what)
    course.write_key(figure, what, language)
    return figure


def _mark_start(axes: Axes, stored: Stored, what: Course, words: str | None) -> None:
    """Draw a line where the meeting starts, if that is not where the run begins."""
    start_ms = stored.summary.get("start_ms")
    if isinstance(start_ms, int | float) and 0 < start_ms <= stored.duration_ms:
        axes.axvline(
            start_ms / MS_PER_S / what.scale,
            color=style.BLACK,
            linewidth=1.6,
            linestyle="-.",
            label=words,
        )


def _draw_rooms(
    axes: Axes, found: Rooms, edges_ms: Float64Array, what: Course, language: Language
) -> None:
    """Draw how many rooms are there, upon them who calls, and who has given up."""
    counts = _at_ends(found.states, edges_ms)
    edges = edges_ms / MS_PER_S / what.scale
    foot = np.zeros(counts.shape[0])
    for state, colour, hatch, words in (
        (PRESENT, style.SKY, "", language.say("in the meeting")),
        (CALLING, style.YELLOW, "//", language.say("calling")),
        (GAVE_UP, style.BLACK, "", language.say("given up")),
    ):
        if not counts[:, state].any() and state != PRESENT:
            continue
        top = foot + counts[:, state]
        axes.stairs(
            top,
            edges,
            baseline=foot,
            fill=True,
            facecolor=colour,
            edgecolor=style.BLACK,
            hatch=hatch,
            linewidth=0,
            label=words,
        )
        foot = top
    axes.axhline(
        found.rooms,
        color=style.BLACK,
        linewidth=1.0,
        linestyle="--",
        label=language.say("all rooms"),
    )
    axes.set_ylabel(language.say("Rooms"))
    axes.set_ylim(0, 1.12 * max(found.rooms, 1))


def _at_ends(found: Steps, edges_ms: Float64Array) -> Int64Array:
    """Return the counts just before the end of each bin, (bins, kinds)."""
    return found.counts[np.searchsorted(found.at_ms, edges_ms[1:], side="left") - 1]


def _draw_calls(
    axes: Axes, found: Rooms, duration_ms: float, what: Course, language: Language
) -> None:
    """Draw how many rooms a second begin to call, and how many are let in."""
    edges_ms = bins(0.0, duration_ms, RATE_BINS)
    width_s = float(edges_ms[1] - edges_ms[0]) / MS_PER_S
    edges = edges_ms / MS_PER_S / what.scale
    most = 0.0
    for times_ms, colour, dashes, words in (
        (found.called_ms, style.VERMILION, "--", language.say("call for the first time")),
        (found.joined_ms, style.BLUE, "-", language.say("are let in")),
    ):
        rate = np.histogram(times_ms, edges_ms)[0] / width_s
        axes.stairs(
            rate,
            edges,
            baseline=None,
            color=colour,
            linestyle=dashes,
            linewidth=1.3,
            label=words,
        )
        most = max(most, float(rate.max()))
    axes.set_ylabel(language.say("Calls\n(rooms per s)"))
    axes.set_ylim(0, 1.12 * most or 1.0)


def _draw_queue(axes: Axes, busy: Load, edges: Float64Array, language: Language) -> None:
    axes.stairs(
        busy.waiting,
        edges,
        fill=True,
        color=style.SKY,
        label=language.say_count(
            busy.servers, "at the signalling server", "at {n} signalling servers"
        ),
    )
    if busy.servers > 1:
        axes.stairs(
            busy.longest,
            edges,
            baseline=None,
            color=style.BLACK,
            linewidth=1.1,
            label=language.say("longest queue: {place}", place=style.label(busy.fullest)),
        )
    axes.set_ylabel(language.say("Waiting\n(requests)"))
    axes.set_ylim(0, 1.12 * max(int(busy.waiting.max()), 1))


def _draw_workers(axes: Axes, busy: Load, edges: Float64Array, language: Language) -> None:
    axes.stairs(busy.busy, edges, fill=True, color=style.GREEN, label=language.say("at work"))
    axes.axhline(
        busy.workers,
        color=style.BLACK,
        linewidth=1.0,
        linestyle="--",
        label=language.say("all workers"),
    )
    axes.set_ylabel(language.say("Workers"))
    axes.set_ylim(0, 1.12 * max(busy.workers, 1))
