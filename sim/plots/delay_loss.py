"""Delay and loss by tier: what the rooms of each tier waited, and where packets were lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from sim.plots import style
from sim.results.run import Results

NS_PER_MS = 10**6
_MARKERS = {
    "p50": ("|", style.BLACK),
    "p95": ("s", style.BLUE),
    "p99": ("D", style.ORANGE),
    "max": ("o", style.VERMILION),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TierDelay:
    """One-way delay of all packets that reached the rooms of a tier, ms; NaN: none did."""

    tier: str
    rooms: int
    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TierLoss:
    """Packets lost at a tier by cause, as shares of all that was due to all rooms."""

    tier: str
    share: dict[str, float]


def tier_delays(results: Results) -> list[TierDelay]:
    """Return a row for each tier that has rooms."""
    network, delays = results.network, results.measures.tier_delays
    rooms = np.bincount(network.tier[network.room], minlength=len(network.tiers))
    return [
        TierDelay(
            tier=tier,
            rooms=int(rooms[t]),
            p50=float(delays.p50_ns[t]) / NS_PER_MS,
            p95=float(delays.p95_ns[t]) / NS_PER_MS,
            p99=float(delays.p99_ns[t]) / NS_PER_MS,
            max=float(delays.max_ns[t]) / NS_PER_MS,
        )
        for t, tier in enumerate(network.tiers)
        if rooms[t]
    ]


def tier_losses(results: Results) -> list[TierLoss]:
    """Return a row for each tier; nothing due is nothing lost."""
    rooms = results.measures.endpoints
    lost = rooms.lost.sum(axis=0)
    due = max(int(rooms.due.sum()), 1)
    return [
        TierLoss(
            tier=tier,
            share={cause.name.lower(): int(lost[cause, t]) / due for cause in rooms.causes},
        )
        for t, tier in enumerate(results.network.tiers)
    ]


def draw(results: Results) -> Figure:
    """Return the chart."""
    figure = style.figure(2.4 + 0.45 * len(results.network.tiers))
    style.title(figure, f"Delay and loss by tier – {results.scenario.name}")
    left, right = figure.subfigures(1, 2, squeeze=False)[0]
    _draw_delay(left.add_subplot(), tier_delays(results))
    _draw_loss(right.add_subplot(), tier_losses(results))
    for half in (left, right):
        half.legend(
            loc="outside lower center",
            ncols=len(results.measures.endpoints.causes),
            columnspacing=0.9,
            handlelength=1.4,
            handletextpad=0.4,
        )
    return figure


def _draw_delay(axes: Axes, rows: list[TierDelay]) -> None:
    axes.set_title("One-way delay of the rooms of a tier")
    for y, row in enumerate(rows):
        values = {"p50": row.p50, "p95": row.p95, "p99": row.p99, "max": row.max}
        axes.plot([row.p50, row.max], [y, y], color=style.GRID, linewidth=4, zorder=1)
        for figure, (marker, colour) in _MARKERS.items():
            axes.plot(
                values[figure],
                y,
                marker,
                color=colour,
                markersize=14 if marker == "|" else 7,
                markeredgewidth=2 if marker == "|" else 1,
                linestyle="none",
                label=figure if y == 0 else None,
            )
    axes.set_yticks(
        range(len(rows)), [f"{style.label(row.tier)}\n(rooms: {row.rooms:,})" for row in rows]
    )
    axes.set_ylim(len(rows) - 0.4, -0.6)
    _scale_delay(axes, [row for row in rows if not np.isnan(row.max)])
    style.grid(axes, "x")


def _scale_delay(axes: Axes, rows: list[TierDelay]) -> None:
    """Scale the delay axis from 0, or by logarithm where tiers differ tenfold or more."""
    lowest = min((row.p50 for row in rows), default=1.0)
    highest = max((row.max for row in rows), default=1.0)
    if highest < 10 * lowest:
        axes.set_xlim(0, 1.08 * highest)
        axes.set_xlabel("Delay (ms)")
        return
    axes.set_xscale("log")
    axes.set_xlim(lowest / 1.3, highest * 1.3)
    # Labels at 1, 2 and 5 would touch each other over more than two decades.
    steps = (1, 2, 5) if highest < 100 * lowest else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("Delay (ms, logarithmic)")


def _draw_loss(axes: Axes, rows: list[TierLoss]) -> None:
    axes.set_title("Loss by the tier where it happened")
    left = np.zeros(len(rows))
    for cause in rows[0].share:
        width = np.array([100 * row.share[cause] for row in rows])
        axes.barh(
            range(len(rows)),
            width,
            left=left,
            height=0.55,
            color=style.CAUSE_COLOURS[cause],
            hatch=style.CAUSE_HATCHES[cause],
            edgecolor="white" if cause == "outage" else style.BLACK,
            linewidth=[0.6 if share else 0.0 for share in width],
            label=cause,
        )
        left += width
    axes.set_yticks(range(len(rows)), [style.label(row.tier) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 1.08 * left.max() if left.max() > 0 else 1.0)
    axes.set_xlabel("Lost (% of the packets due to all rooms)")
    style.grid(axes, "x")
