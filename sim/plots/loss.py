"""Loss by province: how much of what was due to its rooms was lost, and why.

A province is whatever hangs on one child of the root.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from sim.language.language import Language
from sim.metrics.measures import CAUSES
from sim.plots import style
from sim.results.stored import Stored

MOST_ROWS = 80
_ROW_IN = 0.172
_LEAST_DECADES = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """What the rooms of one branch were due, and what of it was lost.

    Attributes
    ----------
    id, name : of the child of the root; empty: the root's own room
    rooms : how many
    due : packets
    lost : packets by cause
    """

    id: str
    name: str
    rooms: int
    due: int
    lost: dict[str, int]

    @property
    def loss(self) -> float:
        """Share of what was due that was lost; NaN where nothing was due."""
        return sum(self.lost.values()) / self.due if self.due else np.nan


def provinces(stored: Stored) -> list[Province]:
    """Return a row for each branch with rooms, the one that lost most first."""
    rooms = stored.tables["endpoints"]
    branches, place = rooms.kinds("branch")
    _, first = np.unique(place, return_index=True)
    names = rooms.texts("branch_name", first)

    def totals(column: str) -> list[int]:
        # By integers: a sum of weights would be one of floating-point numbers.
        sums = np.zeros(len(branches), dtype=np.int64)
        np.add.at(sums, place, rooms.counts(column))
        return sums.tolist()

    due, counts = totals("due"), np.bincount(place, minlength=len(branches)).tolist()
    lost = {cause: totals(f"lost_{cause}") for cause in CAUSES}
    rows = [
        Province(
            id=id_,
            name=names[i] if id_ else stored.tiers[0],
            rooms=counts[i],
            due=due[i],
            lost={cause: lost[cause][i] for cause in CAUSES},
        )
        for i, id_ in enumerate(branches)
    ]
    return sorted(rows, key=lambda row: (-np.nan_to_num(row.loss), row.id.encode()))


def draw(stored: Stored, language: Language) -> Figure:
    """Return the chart."""
    everyone = provinces(stored)
    rows = everyone[:MOST_ROWS]
    causes = [cause for cause in CAUSES if any(row.lost[cause] for row in rows)]
    figure = style.figure(2.0 + _ROW_IN * max(len(rows), 4))
    tier = style.label(stored.tiers[1]) if len(stored.tiers) > 1 else stored.tiers[0]
    title = language.say("Loss by {tier} – {scenario}", tier=tier, scenario=stored.scenario)
    style.title(figure, title)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    _draw_loss(left, rows, stored, language)
    _draw_causes(right, rows, causes, language)
    if len(everyone) > len(rows):
        more = language.figure(f"{len(everyone) - len(rows):,}")
        words = language.say("and {n} more that lost less", n=more)
        left.set_xlabel(f"{left.get_xlabel()}\n{words}")
    if figure.axes[0].get_legend_handles_labels()[0] or causes:
        figure.legend(loc="outside lower center", ncols=len(causes) + 1, columnspacing=1.2)
    return figure


def _draw_loss(axes: Axes, rows: Sequence[Province], stored: Stored, language: Language) -> None:
    """Draw a dot for what each province lost, by a scale that shows a thousandth too."""
    axes.set_title(language.say("Lost, of what was due to its rooms"))
    values = [100 * row.loss for row in rows]
    shown = [value for value in values if value > 0]
    limits = [100 * limit for limit in stored.limits("rooms", "loss") if limit > 0]
    lowest = 10 ** np.floor(np.log10(min([*shown, *limits], default=0.1)))
    highest = max([*shown, *limits, _LEAST_DECADES * lowest])
    for y, value in enumerate(values):
        if value > 0:
            axes.plot([lowest, value], [y, y], color=style.GRID, linewidth=1.2, zorder=1)
    ys = [y for y, value in enumerate(values) if value > 0]
    axes.plot(shown, ys, "o", color=style.BLACK, markersize=5)
    for limit in limits:
        axes.axvline(
            limit,
            color=style.VERMILION,
            linewidth=1.3,
            linestyle="--",
            label=language.say(
                "required: at most {limit}", limit=style.percent(limit / 100, language)
            ),
        )
    axes.set_xscale("log")
    axes.set_xlim(lowest, 2.2 * highest)
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: language.figure(f"{x:g}")))
    axes.set_xlabel(language.say("Lost (% of packets, logarithmic)"))
    axes.set_yticks(
        range(len(rows)),
        [f"{style.label(row.name)} ({language.figure(f'{row.rooms:,}')})" for row in rows],
    )
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    for y, row in enumerate(rows):
        text = "–" if np.isnan(row.loss) else style.percent(row.loss, language)
        axes.text(
            0.995,
            y,
            text,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=7.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
    style.grid(axes, "x")


def _draw_causes(
    axes: Axes, rows: Sequence[Province], causes: Sequence[str], language: Language
) -> None:
    """Draw which part of a province's loss is due to what."""
    axes.set_title(language.say("Why, of all it lost"))
    names = cause_names(language)
    lost = np.array([[row.lost[cause] for cause in causes] for row in rows], dtype=np.float64)
    parts = 100 * lost / np.maximum(lost.sum(axis=1, keepdims=True), 1)
    left = np.zeros(len(rows))
    for i, cause in enumerate(causes):
        axes.barh(
            range(len(rows)),
            parts[:, i],
            left=left,
            height=0.74,
            color=style.CAUSE_COLOURS[cause],
            hatch=style.CAUSE_HATCHES[cause],
            edgecolor="white" if cause == "outage" else style.BLACK,
            linewidth=[0.4 if part else 0.0 for part in parts[:, i]],
            label=names[cause],
        )
        left += parts[:, i]
    axes.set_xlim(0, 100)
    axes.set_xlabel(language.say("% of the packets it lost"))
    axes.tick_params(axis="y", length=0)
    style.figure_ticks(axes.xaxis, language)


def cause_names(language: Language) -> dict[str, str]:
    """Return what each cause of a loss is called."""
    return {
        "outage": language.say("outage"),
        "policer": language.say("policer"),
        "queue": language.say("queue"),
        "line": language.say("line"),
        "endpoint": language.say("room dead"),
        "port": language.say("port"),
    }
