"""How long rooms took to be lit again, fault by fault.

A fault that comes again, as one that flaps, is one row: its times are those of each occurrence. The
time counts from the beginning of the occurrence to the end of the room's first dark interval in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from sim.language.language import Language
from sim.plots import style
from sim.plots.course import MS_PER_S, marks
from sim.results.stored import Stored

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
MOST_ROWS = 16
_ROW_IN = 0.95
_BINS_PER_DECADE = 16
_LEAST_S = 0.01
_MOST_NUMBERS = 3
_MARKERS = {
    50: ("|", style.BLACK),
    95: ("D", style.ORANGE),
    100: ("o", style.VERMILION),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What one fault did to rooms.

    Attributes
    ----------
    numbers : of its occurrences, as charts over time count them
    label : its words
    rooms : how many it made dark, each once
    took_s : (k,) float64, from its beginning until a room was lit again, in no order
    unlit : how often a room was not lit again: it was dark to the end, or until it left
    """

    numbers: tuple[int, ...]
    label: str
    rooms: int
    took_s: Float64Array
    unlit: int

    def percentile_s(self, percentile: int) -> float:
        """Return a percentile of the times by nearest rank; NaN without any."""
        if not self.took_s.size:
            return np.nan
        rank = -(-percentile * self.took_s.size // 100)
        return float(np.sort(self.took_s)[rank - 1])


def recoveries(stored: Stored) -> list[Recovery]:
    """Return a row for each fault that made rooms dark, by the number of its first occurrence."""
    table = stored.tables.get("dark")
    if table is None:
        return []
    labels, place = table.kinds("fault")
    sites = table.kinds("site")[1]
    from_ms, until_ms = table.numbers("from_ms"), table.numbers("until_ms")
    unlit = until_ms >= np.minimum(_leaves_ms(stored), stored.duration_ms)
    occurrences: dict[str, list[tuple[int, float, float]]] = {}
    for mark in marks(stored):
        found = (mark.number, mark.start_s * MS_PER_S, mark.end_s * MS_PER_S)
        occurrences.setdefault(mark.label, []).append(found)
    rows = []
    for i, label in enumerate(labels):
        if label not in occurrences:
            continue
        mine = np.flatnonzero(place == i)
        starts_ms = np.array([start for _, start, _ in occurrences[label]])
        ends_ms = np.array([end for _, _, end in occurrences[label]])
        which = _occurrence(from_ms[mine], until_ms[mine], starts_ms, ends_ms)
        # Intervals are in order of time: the first of each room and occurrence counts.
        _, first = np.unique(np.stack([sites[mine], which]), axis=1, return_index=True)
        took_s = (until_ms[mine] - starts_ms[which])[first] / MS_PER_S
        lit = ~unlit[mine][first]
        numbers = [number for number, _, _ in occurrences[label]]
        rows.append(
            Recovery(
                numbers=tuple(numbers[o] for o in np.unique(which).tolist()),
                label=label,
                rooms=np.unique(sites[mine]).size,
                took_s=took_s[lit],
                unlit=int(np.count_nonzero(~lit)),
            )
        )
    return sorted(rows, key=lambda row: row.numbers)


def _leaves_ms(stored: Stored) -> Float64Array:
    """Return when the room of each dark interval left, (k,); inf: it did not."""
    sites = stored.tables["dark"].texts("site")
    if "joins" not in stored.tables:
        return np.full(len(sites), np.inf)
    joins = stored.tables["joins"]
    left_ms = np.where(np.isnan(joins.numbers("left_ms")), np.inf, joins.numbers("left_ms"))
    by_site = dict(zip(joins.texts("site"), left_ms.tolist(), strict=True))
    return np.array([by_site.get(site, np.inf) for site in sites])


def _occurrence(
    from_ms: Float64Array, until_ms: Float64Array, starts_ms: Float64Array, ends_ms: Float64Array
) -> Int64Array:
    """Return which occurrence of its fault each interval belongs to, (k,).

    A room is dark from the last packet before the fault, so an interval may begin a little before
    it: it belongs to the first occurrence that is not over when it begins, if that begins before
    the interval ends; else to the last one before.
    """
    first = np.searchsorted(ends_ms, from_ms, side="right")
    latest = np.maximum(np.searchsorted(starts_ms, until_ms, side="left") - 1, 0)
    return np.minimum(first, latest)


def draw(stored: Stored, language: Language) -> Figure | None:
    """Return the chart; None where no fault made a room dark."""
    everything = recoveries(stored)
    if not everything:
        return None
    # Where there are many, those that touched most rooms, still in order of time.
    most = sorted(everything, key=lambda row: (-row.rooms, row.numbers))
    rows = sorted(most[:MOST_ROWS], key=lambda row: row.numbers)
    figure = style.figure(2.0 + _ROW_IN * max(len(rows), 2))
    title = language.say("Time until rooms were lit again – {scenario}", scenario=stored.scenario)
    style.title(figure, title)
    axes = figure.add_subplot()
    limits_s = [limit / MS_PER_S for limit in stored.limits("rooms", "recovery")]
    lowest, highest = _range(rows, limits_s)
    edges_s = _edges(lowest, highest)
    for y, row in enumerate(rows):
        _draw_row(axes, y, row, edges_s, language)
    for limit in limits_s:
        axes.axvline(
            limit,
            color=style.VERMILION,
            linewidth=1.3,
            linestyle="--",
            label=language.say("required: at most {limit}", limit=language.figure(f"{limit:,g} s")),
        )
    axes.set_ylim(len(rows) - 0.5, -0.62)
    _finish(axes, rows, lowest, highest, language)
    if len(everything) > len(rows):
        more = len(everything) - len(rows)
        words = language.say_count(
            more, "and {n} more fault, of fewer rooms", "and {n} more faults, of fewer rooms"
        )
        axes.set_xlabel(f"{axes.get_xlabel()}\n{words}")
    figure.legend(loc="outside lower center", ncols=4, columnspacing=1.2)
    return figure


def _range(rows: Sequence[Recovery], limits_s: Sequence[float]) -> tuple[float, float]:
    known = np.concatenate([*(row.took_s for row in rows), np.array(limits_s)])
    if not known.size:
        return 1.0, 10.0
    lowest = max(float(known.min()), _LEAST_S) / 1.5
    return lowest, max(1.5 * float(known.max()), 10 * lowest)


def _edges(lowest: float, highest: float) -> Float64Array:
    """Return bins of one width on a logarithmic axis."""
    first = np.floor(np.log10(lowest) * _BINS_PER_DECADE)
    last = np.ceil(np.log10(highest) * _BINS_PER_DECADE)
    edges: Float64Array = 10 ** (np.arange(first, last + 1) / _BINS_PER_DECADE)
    return edges


def _draw_row(axes: Axes, y: int, row: Recovery, edges_s: Float64Array, language: Language) -> None:
    """Draw the times of one fault as a hill, and its figures at its foot."""
    foot = y + 0.38
    if row.took_s.size:
        rooms, _ = np.histogram(np.maximum(row.took_s, edges_s[0]), edges_s)
        axes.stairs(
            foot - 0.8 * rooms / rooms.max(),
            edges_s,
            baseline=foot,
            fill=True,
            color=style.SKY,
            edgecolor=style.BLUE,
            linewidth=0.6,
        )
    axes.axhline(foot, color=style.BLACK, linewidth=0.5)
    words = _words(language)
    for percentile, (marker, colour) in _MARKERS.items():
        axes.plot(
            row.percentile_s(percentile),
            foot,
            marker,
            color=colour,
            markersize=15 if marker == "|" else 7,
            markeredgewidth=2.2 if marker == "|" else 1,
            markeredgecolor=style.BLACK,
            linestyle="none",
            label=words[percentile] if y == 0 else None,
        )


def _words(language: Language) -> dict[int, str]:
    return {
        50: language.say("median"),
        95: language.say("95 % within"),
        100: language.say("longest"),
    }


def _finish(
    axes: Axes, rows: Sequence[Recovery], lowest: float, highest: float, language: Language
) -> None:
    ys = [y + 0.1 for y in range(len(rows))]
    axes.set_yticks(ys, [_name(row, language) for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_xscale("log")
    axes.set_xlim(lowest, highest)
    axes.xaxis.set_major_locator(
        LogLocator(subs=(1, 2, 5) if highest < 1000 * lowest else (1,), numticks=20)
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: language.figure(f"{x:,g}")))
    axes.set_xlabel(
        language.say("From the beginning of the fault until a room was lit again (s, logarithmic)")
    )
    style.grid(axes, "x")
    words = _words(language)
    figures = axes.twinx()
    figures.set_ylim(axes.get_ylim())
    figures.set_yticks(
        ys,
        [
            "\n".join(
                f"{words[percentile]} {_seconds(row.percentile_s(percentile), language)}"
                for percentile in _MARKERS
            )
            for row in rows
        ],
    )
    figures.tick_params(length=0, labelsize=9)


def _seconds(value_s: float, language: Language) -> str:
    return "–" if np.isnan(value_s) else language.figure(f"{value_s:,.3g} s")


def _name(row: Recovery, language: Language) -> str:
    """Return a fault's number and words, how many rooms it made dark, and how many stayed so."""
    times = len(row.numbers)
    numbers = ", ".join(map(str, row.numbers[:_MOST_NUMBERS]))
    if times > _MOST_NUMBERS:
        numbers += ", …"
    lines = [f"{numbers}  {style.label(row.label, longest=34)}"]
    if times > 1:
        lines.append(language.say_count(times, "{n} time", "{n} times"))
    lines.append(language.say_count(row.rooms, "{n} room dark", "{n} rooms dark"))
    if row.unlit:
        lines.append(language.say_count(row.unlit, "{n} not lit again", "{n} not lit again"))
    return "\n".join(lines)
