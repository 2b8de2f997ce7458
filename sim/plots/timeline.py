"""The meeting's course: bit rate, loss and dark rooms, with faults and speakers marked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from sim.language.language import Language
from sim.metrics.measures import CAUSES
from sim.plots import course, style
from sim.results.stored import Stored

Float64Array = NDArray[np.float64]
MS_PER_S = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What is drawn, over the b bins of the meeting (not of the drain after it).

    Attributes
    ----------
    edges_s : (b + 1,) float64, the bins' edges
    rate_bps : (b,) float64, received by a room on average
    lowest_bps, highest_bps : (b,) float64, the same in the branch where it is least and most
    loss, worst_loss : (b,) float64, share of the packets decided in the bin that were lost, of
        all rooms and of the branch where it is largest; NaN where nothing was decided
    dark : (b,) int64, dark rooms at the bin's end
    """

    edges_s: Float64Array
    rate_bps: Float64Array
    lowest_bps: Float64Array
    highest_bps: Float64Array
    loss: Float64Array
    worst_loss: Float64Array
    dark: NDArray[np.int64]


def curves(stored: Stored) -> Curves:
    """Return the curves of a run."""
    timeline = stored.tables["timeline"]
    starts = np.flatnonzero(timeline.equal("group", "all"))
    groups = int(starts[1]) if starts.size > 1 else timeline.counts("rooms").size

    def by_bin(values: NDArray[np.int64] | Float64Array) -> Float64Array:
        return values.reshape(-1, groups).astype(np.float64)

    starts_ms = by_bin(timeline.numbers("start_ms"))[:, 0]
    within = starts_ms < stored.duration_ms
    edges_s = np.append(starts_ms[within], stored.duration_ms) / MS_PER_S
    kinds = timeline.texts("group", np.arange(groups))
    rooms = by_bin(timeline.counts("rooms"))[0]
    branches = [g for g, kind in enumerate(kinds) if kind not in ("all", "tier")]
    parts = branches or [0]
    received_bytes = by_bin(timeline.counts("received_bytes"))[within]
    rate_bps = 8 * received_bytes / rooms / np.diff(edges_s)[:, None]
    lost = by_bin(np.sum([timeline.counts(f"lost_{cause}") for cause in CAUSES], axis=0))[within]
    decided = lost + by_bin(timeline.counts("received"))[within]
    loss = np.divide(lost, decided, out=np.full(lost.shape, np.nan), where=decided > 0)
    return Curves(
        edges_s=edges_s,
        rate_bps=rate_bps[:, 0],
        lowest_bps=rate_bps[:, parts].min(axis=1),
        highest_bps=rate_bps[:, parts].max(axis=1),
        loss=loss[:, 0],
        worst_loss=np.fmax.reduce(loss[:, parts], axis=1),
        dark=timeline.counts("rooms_dark").reshape(-1, groups)[within, 0],
    )


def draw(stored: Stored, language: Language) -> Figure:
    """Return the chart."""
    lines, what = curves(stored), course.course(stored)
    strip = course.FLOOR_IN if what.turns else 0.0
    figure = style.figure(6.4 + strip + 0.2 * (what.named + 1))
    title = language.say("The meeting's course – {scenario}", scenario=stored.scenario)
    style.title(figure, title)
    edges = lines.edges_s / what.scale
    rate, loss, dark = course.panels(figure, what, [(6.4 - strip) / 3] * 3, language)
    branch = style.label(stored.tiers[1]) if len(stored.tiers) > 1 else stored.tiers[0]
    _draw_rate(rate, lines, edges, branch, language)
    _draw_loss(loss, lines, edges, branch, language)
    _draw_dark(dark, lines, edges, language)
    for axes in (rate, loss, dark):
        style.grid(axes, "y")
        course.mark(axes, what)
    course.number(rate, what)
    for axes in (rate, loss):
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, fontsize=8.5)
    course.write_key(figure, what, language)
    return figure


def _draw_rate(
    axes: Axes, lines: Curves, edges: Float64Array, branch: str, language: Language
) -> None:
    axes.stairs(
        lines.highest_bps / 1e6,
        edges,
        baseline=lines.lowest_bps / 1e6,
        fill=True,
        color=style.SKY,
        alpha=0.6,
        label=language.say("lowest to highest {tier}", tier=branch),
    )
    axes.stairs(
        lines.rate_bps / 1e6,
        edges,
        baseline=None,
        color=style.BLACK,
        linewidth=1.0,
        label=language.say("all rooms"),
    )
    axes.set_ylabel(language.say("Received\n(Mbit/s per room)"))
    axes.set_ylim(0, 1.12 * max(float(lines.highest_bps.max()) / 1e6, 1e-3))
    style.figure_ticks(axes.yaxis, language)


def _draw_loss(
    axes: Axes, lines: Curves, edges: Float64Array, branch: str, language: Language
) -> None:
    axes.stairs(
        100 * lines.worst_loss,
        edges,
        baseline=None,
        color=style.VERMILION,
        linewidth=1.2,
        linestyle="--",
        label=language.say("worst {tier}", tier=branch),
    )
    axes.stairs(
        100 * lines.loss,
        edges,
        baseline=None,
        color=style.BLACK,
        linewidth=1.0,
        label=language.say("all rooms"),
    )
    axes.set_ylabel(language.say("Lost\n(% of packets)"))
    # A thousandth matters beside a province that is dark: linear to 0.1 %, then logarithmic.
    axes.set_yscale("symlog", linthresh=0.1)
    axes.set_ylim(0, 200)
    ticks = [0, 0.1, 1, 10, 100]
    axes.set_yticks(ticks, [language.figure(f"{tick:g}") for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())


def _draw_dark(axes: Axes, lines: Curves, edges: Float64Array, language: Language) -> None:
    axes.stairs(lines.dark, edges, fill=True, color=style.BLACK)
    axes.set_ylabel(language.say("Dark\n(rooms)"))
    axes.set_ylim(0, 1.12 * max(int(lines.dark.max()), 1))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    style.figure_ticks(axes.yaxis, language)
