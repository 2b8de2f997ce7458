"""Delay by tier: how the one-way delays of its rooms are distributed, and what people notice.

ITU-T G.114 (05/2003): below 150 ms most uses do not notice the delay; above 400 ms it is
unacceptable for general planning.
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
from sim.results.stored import Stored

Float64Array = NDArray[np.float64]
NOTICED_MS = 150.0
UNACCEPTABLE_MS = 400.0
_ROW_IN = 0.95
_MARKERS = {
    "p50": ("|", style.BLACK),
    "p99": ("D", style.ORANGE),
    "max": ("o", style.VERMILION),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TierDelay:
    """One-way delay of all packets that reached the rooms of a tier.

    Attributes
    ----------
    tier, rooms : which, and how many
    from_ms, below_ms : (b,) float64, limits of the buckets with packets; NaN: no upper limit
    packets : (b,) int64
    figures_ms : p50, p99 and max; NaN: nothing arrived
    """

    tier: str
    rooms: int
    from_ms: Float64Array
    below_ms: Float64Array
    packets: NDArray[np.int64]
    figures_ms: dict[str, float]

    @property
    def density(self) -> Float64Array:
        """Share of the packets for each factor of two of delay, in each bucket."""
        closed_ms = np.where(np.isnan(self.below_ms), 2 * self.from_ms, self.below_ms)
        # A bucket from 0 has no logarithm; delays below 1 ns do not exist.
        octaves = np.log2(closed_ms / np.maximum(self.from_ms, 1e-6))
        return self.packets / max(int(self.packets.sum()), 1) / octaves


def tier_delays(stored: Stored) -> list[TierDelay]:
    """Return a row for each tier that has rooms."""
    buckets = stored.tables["delays"]
    rows = []
    for name in stored.tiers:
        if not stored.rooms[name]:
            continue
        mine = buckets.equal("tier", name)
        figures = stored.summary["delay_ms_at"][name]
        rows.append(
            TierDelay(
                tier=name,
                rooms=stored.rooms[name],
                from_ms=buckets.numbers("from_ms")[mine],
                below_ms=buckets.numbers("below_ms")[mine],
                packets=buckets.counts("packets")[mine],
                figures_ms={
                    figure: np.nan if figures[figure] is None else float(figures[figure])
                    for figure in _MARKERS
                },
            )
        )
    return rows


def draw(stored: Stored, language: Language) -> Figure:
    """Return the chart."""
    rows = tier_delays(stored)
    figure = style.figure(2.2 + _ROW_IN * max(len(rows), 1))
    title = language.say("One-way delay by tier – {scenario}", scenario=stored.scenario)
    style.title(figure, title)
    axes = figure.add_subplot()
    lowest, highest = _range(rows)
    _draw_limits(axes, lowest, highest, language)
    for y, row in enumerate(rows):
        _draw_row(axes, y, row, language)
    axes.set_yticks(
        [y + 0.1 for y in range(len(rows))],
        [
            f"{style.label(row.tier)}\n" + language.say_count(row.rooms, "{n} room", "{n} rooms")
            for row in rows
        ],
    )
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.62)
    axes.set_xscale("log")
    axes.set_xlim(lowest, highest)
    # Labels at 1, 2 and 5 would touch each other over more than three decades.
    steps = (1, 2, 5) if highest < 1000 * lowest else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: language.figure(f"{x:,g}")))
    axes.set_xlabel(language.say("One-way delay, from the sender to the room (ms, logarithmic)"))
    style.grid(axes, "x")
    _figures_beside(axes, rows, language)
    figure.legend(loc="outside lower center", ncols=3, columnspacing=1.2)
    return figure


def _range(rows: Sequence[TierDelay]) -> tuple[float, float]:
    """Return what the axis spans: all delays, and both limits."""
    smallest = min((float(row.from_ms.min()) for row in rows if row.from_ms.size), default=1.0)
    largest = np.nanmax([UNACCEPTABLE_MS, *(row.figures_ms["max"] for row in rows)])
    return max(smallest, 1e-3) / 1.25, 1.6 * float(largest)


def _draw_limits(axes: Axes, lowest: float, highest: float, language: Language) -> None:
    """Draw what G.114 says of delays, darker where it is worse."""
    axes.axvspan(NOTICED_MS, UNACCEPTABLE_MS, color=style.PALE, linewidth=0, zorder=0)
    axes.axvspan(UNACCEPTABLE_MS, highest, color=style.GRID, linewidth=0, zorder=0)
    limits = (
        (NOTICED_MS, "--", language.say("ITU-T G.114: not noticed below 150 ms")),
        (UNACCEPTABLE_MS, "-", language.say("ITU-T G.114: unacceptable above 400 ms")),
    )
    for limit, dashes, words in limits:
        axes.axvline(limit, color=style.BLACK, linewidth=1.2, linestyle=dashes, label=words)


def _draw_row(axes: Axes, y: int, row: TierDelay, language: Language) -> None:
    """Draw a tier's distribution as a hill, and its figures at its foot."""
    foot = y + 0.38
    if row.packets.size:
        edges, heights = _steps(row)
        axes.stairs(
            foot - 0.86 * heights / heights.max(),
            edges,
            baseline=foot,
            fill=True,
            color=style.SKY,
            edgecolor=style.BLUE,
            linewidth=0.6,
        )
    axes.axhline(foot, color=style.BLACK, linewidth=0.5)
    words = _words(language)
    for figure, (marker, colour) in _MARKERS.items():
        axes.plot(
            row.figures_ms[figure],
            foot,
            marker,
            color=colour,
            markersize=15 if marker == "|" else 7,
            markeredgewidth=2.2 if marker == "|" else 1,
            markeredgecolor=style.BLACK,
            linestyle="none",
            label=words[figure] if y == 0 else None,
        )


def _words(language: Language) -> dict[str, str]:
    return {
        "p50": language.say("median"),
        "p99": language.say("99 % within"),
        "max": language.say("longest"),
    }


def _steps(row: TierDelay) -> tuple[Float64Array, Float64Array]:
    """Return edges and heights without a gap: where a bucket has no packets, 0."""
    closed_ms = np.where(np.isnan(row.below_ms), 2 * row.from_ms, row.below_ms)
    edges = np.unique(np.concatenate([row.from_ms, closed_ms]))
    heights = np.zeros(edges.size - 1)
    heights[np.searchsorted(edges, row.from_ms)] = row.density
    return edges, heights


def _figures_beside(axes: Axes, rows: Sequence[TierDelay], language: Language) -> None:
    words = _words(language)
    figures = axes.twinx()
    figures.set_ylim(axes.get_ylim())
    figures.set_yticks(
        [y + 0.1 for y in range(len(rows))],
        [
            "\n".join(
                f"{words[figure]} "
                + ("–" if np.isnan(value) else language.figure(f"{value:,.3g} ms"))
                for figure, value in row.figures_ms.items()
            )
            for row in rows
        ],
    )
    figures.tick_params(length=0, labelsize=9)
