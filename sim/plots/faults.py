"""Faults over time, and below them the branches whose rooms they made dark: how many, and when.

A branch, such as a province, is whatever hangs on one child of the root.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from sim.language.language import Language
from sim.plots import course, style
from sim.plots.course import MOST_NAMED, Course, Mark
from sim.plots.instants import Spans, at_worst, bins, steps
from sim.results.stored import Stored

Int64Array = NDArray[np.int64]
MOST_ROWS = 80
BINS = 480
_ROW_IN = 0.172
_FAULT_IN = 0.2
# Upper limits of the shares that look alike, the darker the more; the last is all rooms.
CLASSES = (0.1, 0.25, 0.5, 1.0)
COLOURS = ("#A9D0EA", "#5BA3D0", "#2070B4", "#083370", "#000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """How many rooms of a branch faults kept dark, over time.

    Attributes
    ----------
    id, name : of the child of the root; empty: the root's own room
    rooms : how many it has
    dark : (BINS,) int64, dark rooms at the worst instant of each bin
    most : dark rooms at the worst instant of all
    """

    id: str
    name: str
    rooms: int
    dark: Int64Array
    most: int

    @property
    def classes(self) -> Int64Array:
        """Return the class of each bin, (BINS,): 0 where no room was dark, 5 where all were."""
        found: Int64Array = np.searchsorted(CLASSES, self.dark / self.rooms, side="right") + 1
        return np.where(self.dark > 0, found, 0)


def branches(stored: Stored) -> list[Branch]:
    """Return a row for each branch with rooms that a fault made dark, the hardest hit first.

    That is the one with the largest part of its rooms dark at once.
    """
    table = stored.tables.get("dark")
    if table is None:
        return []
    rooms = stored.tables["endpoints"]
    ids, place = rooms.kinds("branch")
    _, first = np.unique(place, return_index=True)
    names = rooms.texts("branch_name", first)
    counts = np.bincount(place, minlength=len(ids)).tolist()
    hit, of = table.kinds("branch")
    by_fault = ~table.equal("fault", "")
    begins_ms, ends_ms = table.numbers("from_ms"), table.numbers("until_ms")
    edges_ms = bins(0.0, stored.duration_ms, BINS)
    rows = []
    for i, id_ in enumerate(hit):
        mine = by_fault & (of == i)
        if not mine.any():
            continue
        alike = np.zeros(int(mine.sum()), dtype=np.int64)
        dark = at_worst(
            steps(Spans(begins_ms=begins_ms[mine], ends_ms=ends_ms[mine], kind=alike), 1), edges_ms
        )[:, 0]
        where = ids.index(id_)
        rows.append(
            Branch(
                id=id_,
                name=names[where] if id_ else stored.tiers[0],
                rooms=counts[where],
                dark=dark,
                most=int(dark.max()),
            )
        )
    return sorted(rows, key=lambda row: (-row.most / row.rooms, -row.most, row.id.encode()))


def draw(stored: Stored, language: Language) -> Figure | None:
    """Return the chart; None where no fault made a room dark."""
    everyone = branches(stored)
    if not everyone:
        return None
    rows, what = everyone[:MOST_ROWS], course.course(stored)
    named = what.faults[:MOST_NAMED]
    heights = [_FAULT_IN * max(len(named), 1) + 0.1, _ROW_IN * max(len(rows), 3)]
    strip = course.FLOOR_IN if what.turns else 0.0
    figure = style.figure(2.1 + sum(heights) + strip + 0.19 * (what.named + 1))
    tier = style.label(stored.tiers[1]) if len(stored.tiers) > 1 else stored.tiers[0]
    title = language.say(
        "Faults, and dark rooms by {tier} – {scenario}", tier=tier, scenario=stored.scenario
    )
    style.title(figure, title)
    above, below = course.panels(figure, what, heights, language)
    _draw_faults(above, named, what, language)
    _draw_branches(below, rows, what, language)
    if len(everyone) > len(rows):
        more = language.figure(f"{len(everyone) - len(rows):,}")
        words = language.say("and {n} more that were hit less", n=more)
        below.set_xlabel(f"{below.get_xlabel()}\n{words}")
    above.legend(
        handles=_handles(language),
        title=language.say("Part of its rooms that a fault keeps dark"),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(COLOURS),
        fontsize=8.5,
        title_fontsize=9.5,
        alignment="left",
    )
    course.write_key(figure, what, language)
    return figure


def _draw_faults(axes: Axes, faults: Sequence[Mark], what: Course, language: Language) -> None:
    """Draw a bar for each fault, as long as it lasts."""
    for y, fault in enumerate(faults):
        start = fault.start_s / what.scale
        end = min(fault.end_s / what.scale, what.width)
        axes.barh(
            y,
            end - start,
            left=start,
            height=0.66,
            color=style.YELLOW,
            edgecolor=style.BLACK,
            linewidth=0.7,
        )
    axes.set_yticks(range(len(faults)), [str(fault.number) for fault in faults])
    axes.tick_params(axis="y", length=0, labelsize=8.5)
    axes.set_ylim(max(len(faults), 1) - 0.4, -0.6)
    axes.set_ylabel(language.say("Faults"), rotation=0, ha="right", va="center")
    _draw_begins(axes, what)


def _draw_begins(axes: Axes, what: Course) -> None:
    """Draw a line where each fault begins; shading would hide the palest shade of rooms."""
    for fault in what.faults:
        axes.axvline(
            fault.start_s / what.scale, color=style.BLACK, linewidth=0.8, linestyle=":", zorder=0
        )


def _draw_branches(axes: Axes, rows: Sequence[Branch], what: Course, language: Language) -> None:
    """Draw for each branch which part of its rooms is dark, by shade."""
    _draw_begins(axes, what)
    for y, row in enumerate(rows):
        axes.axhline(y, color=style.GRID, linewidth=0.5, zorder=0.4)
        for begin, end, shade in runs(row.classes):
            axes.barh(
                y,
                (end - begin) * what.width / BINS,
                left=begin * what.width / BINS,
                height=0.8,
                color=COLOURS[shade - 1],
                linewidth=0,
            )
    axes.set_yticks(
        range(len(rows)),
        [f"{style.label(row.name)} ({language.figure(f'{row.rooms:,}')})" for row in rows],
    )
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    most = axes.twinx()
    most.set_ylim(axes.get_ylim())
    most.set_yticks(
        range(len(rows)),
        [language.say("at most {n} at once", n=language.figure(f"{row.most:,}")) for row in rows],
    )
    most.tick_params(axis="y", labelsize=7.5, length=0)


def runs(classes: Int64Array) -> list[tuple[int, int, int]]:
    """Return where rooms are dark: first bin, the bin after the last, and the class.

    Examples
    --------
    >>> runs(np.array([0, 2, 2, 5, 0]))
    [(1, 3, 2), (3, 4, 5)]
    """
    changes = np.flatnonzero(np.diff(classes, prepend=-1, append=-1)).tolist()
    return [(begin, end, int(classes[begin])) for begin, end in pairwise(changes) if classes[begin]]


def _handles(language: Language) -> list[Patch]:
    limits = [0.0, *CLASSES]
    words = [
        language.say(
            "{low} to {high}",
            low=style.percent(low, language),
            high=style.percent(high, language),
        )
        for low, high in pairwise(limits)
    ]
    return [
        Patch(facecolor=colour, edgecolor="#555555", linewidth=0.5, label=label)
        for colour, label in zip(COLOURS, [*words, language.say("all of them")], strict=True)
    ]
