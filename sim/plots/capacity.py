"""Capacity: how full the lines and egresses of each tier are, and what the fullest have left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.language.language import Language
from sim.plots import style
from sim.results.stored import Stored, StoredTable
from sim.units import format_rate, format_time

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
WORST_LINES = 10
WORST_EGRESSES = 5
STEP = 0.02  # of utilisation, the width of a bar of a distribution
_ROW_IN = 0.52
_NAMED_ROW_IN = 0.38
_LONGEST_NAME = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Utilisation of one tier's lines in one direction, or of its egresses.

    Attributes
    ----------
    tier : which
    kind : `down`, `up` or `egress`
    mean : of each, over the meeting, as a share of its capacity
    peak : of each, in its busiest bin of the timeline
    """

    tier: str
    kind: str
    mean: Float64Array
    peak: Float64Array

    @property
    def median(self) -> float:
        """The middle one's mean."""
        return float(np.quantile(self.mean, 0.5, method="inverted_cdf"))

    @property
    def shares(self) -> Float64Array:
        """Which part of them is in each `STEP` of utilisation, from 0 to 1."""
        counts, _ = np.histogram(np.clip(self.mean, 0, 1), bins=round(1 / STEP), range=(0.0, 1.0))
        return counts / self.mean.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """One of the fullest lines or egresses.

    Attributes
    ----------
    place, detail : where it is; which carrier, class and direction
    mean, peak : utilisation as in `Load`
    left : what is left up to the required ceiling, or the capacity; a share of the rate
    left_bps : that as a rate, bit/s
    """

    place: str
    detail: str
    mean: float
    peak: float
    left: float
    left_bps: float


def loads(stored: Stored) -> list[Load]:
    """Return a row for each tier's lines and shared egresses, from the root down."""
    lines, egresses = stored.tables["lines"], stored.tables["egresses"]
    mean, peak = lines.numbers("utilisation"), lines.numbers("utilisation_peak")
    of_egress = egresses.numbers("utilisation"), egresses.numbers("utilisation_peak")
    rows = []
    for each in stored.tiers:
        for way in _ways(stored):
            some = lines.equal("tier", each) & lines.equal("direction", way) & ~np.isnan(mean)
            if some.any():
                rows.append(Load(tier=each, kind=way, mean=mean[some], peak=peak[some]))
        shared = egresses.equal("tier", each) & ~np.isnan(of_egress[0])
        if shared.any():
            of_tier = [values[shared] for values in of_egress]
            rows.append(Load(tier=each, kind="egress", mean=of_tier[0], peak=of_tier[1]))
    return rows


def worst_lines(stored: Stored) -> list[Headroom]:
    """Return the fullest directions of lines, by their mean, then by their busiest bin."""
    lines = stored.tables["lines"]
    used = np.any([lines.equal("direction", way) for way in _ways(stored)], axis=0)
    mean = np.where(used, lines.numbers("utilisation"), np.nan)
    order = _fullest(mean, lines.numbers("utilisation_peak"), WORST_LINES)
    arrow = {"down": "↓", "up": "↑"}
    parts = zip(
        lines.texts("carrier", order),
        lines.texts("access_class", order),
        [arrow.get(way, "") for way in lines.texts("direction", order)],
        strict=True,
    )
    details = [" ".join(part for part in each if part) for each in parts]
    ceiling = _ceiling(stored, "lines")
    return _headrooms(lines, order, details, lines.counts("rate_bps")[order], ceiling)


def worst_egresses(stored: Stored, language: Language) -> list[Headroom]:
    """Return the fullest egresses, likewise."""
    egresses = stored.tables["egresses"]
    order = _fullest(
        egresses.numbers("utilisation"), egresses.numbers("utilisation_peak"), WORST_EGRESSES
    )
    details = [
        _port(carrier, server, language)
        for carrier, server in zip(
            egresses.texts("carrier", order), egresses.texts("server", order), strict=True
        )
    ]
    ceiling = _ceiling(stored, "egresses")
    return _headrooms(egresses, order, details, egresses.numbers("rate_bps")[order], ceiling)


def _port(carrier: str, server: str, language: Language) -> str:
    if server:
        return language.say("server {number}", number=server)
    return (
        language.say("egress to {carrier}", carrier=carrier) if carrier else language.say("egress")
    )


def draw(stored: Stored, language: Language) -> Figure:
    """Return the chart."""
    rows = loads(stored)
    named = [*worst_lines(stored), *worst_egresses(stored, language)]
    above, below = 1.7 + _ROW_IN * max(len(rows), 2), 1.0 + _NAMED_ROW_IN * max(len(named), 2)
    figure = style.figure(above + below + 0.4)
    title = language.say("Capacity – {scenario}", scenario=stored.scenario)
    style.title(figure, title)
    tiers, worst = figure.subplots(2, 1, sharex=True, height_ratios=[above, below])
    _draw_tiers(tiers, rows, _bin(stored, language), language)
    _draw_worst(worst, named, stored, language)
    for axes in (tiers, worst):
        axes.axvline(
            100,
            color=style.BLACK,
            linewidth=1.8,
            label=language.say("capacity") if axes is tiers else None,
        )
        for limit in _ceilings(stored):
            axes.axvline(
                100 * limit,
                color=style.VERMILION,
                linewidth=1.3,
                linestyle="--",
                label=language.say("required: at most {limit}", limit=_percent(limit, language))
                if axes is tiers
                else None,
            )
        style.grid(axes, "x")
        style.figure_ticks(axes.xaxis, language)
    tiers.tick_params(labelbottom=True)
    tiers.set_xlim(0, 105)
    worst.set_xlabel(language.say("Rate in use, by others too (% of the capacity)"))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _draw_tiers(axes: Axes, rows: Sequence[Load], span: str, language: Language) -> None:
    """Draw each row's distribution, and mark its middle, its fullest and the busiest bin."""
    edges = 100 * np.linspace(0, 1, round(1 / STEP) + 1)
    axes.set_title(language.say("How full they are, by tier"))
    for y, row in enumerate(rows):
        heights = 0.78 * row.shares / max(float(row.shares.max()), 1e-9)
        axes.stairs(
            y + 0.4 - heights,
            edges,
            baseline=y + 0.4,
            fill=True,
            color=_COLOURS[row.kind],
            edgecolor=style.BLACK,
            linewidth=0.5,
        )
        axes.axhline(y + 0.4, color=style.BLACK, linewidth=0.5)
        first = y == 0
        axes.plot(
            100 * row.median,
            y + 0.4,
            "|",
            color=style.BLACK,
            markersize=15,
            markeredgewidth=2.2,
            label=language.say("middle one") if first else None,
        )
        axes.plot(
            100 * float(row.mean.max()),
            y + 0.4,
            "o",
            color=style.BLUE,
            markeredgecolor="white",
            markersize=8,
            clip_on=False,
            label=language.say("fullest") if first else None,
        )
        axes.plot(
            100 * float(row.peak.max()),
            y + 0.4,
            "D",
            markerfacecolor="white",
            markeredgecolor=style.VERMILION,
            markeredgewidth=1.5,
            clip_on=False,
            label=language.say("fullest in any {span}", span=span) if first else None,
        )
    axes.set_yticks(
        [y + 0.1 for y in range(len(rows))],
        [f"{_words(row, language)} ({language.figure(f'{row.mean.size:,}')})" for row in rows],
    )
    axes.set_ylim(len(rows) - 0.35, -0.55)
    axes.tick_params(axis="y", length=0)
    figures = axes.twinx()
    figures.set_ylim(axes.get_ylim())
    figures.set_yticks(
        [y + 0.1 for y in range(len(rows))],
        [
            "   ".join(
                _percent(value, language)
                for value in (row.median, float(row.mean.max()), float(row.peak.max()))
            )
            for row in rows
        ],
    )
    figures.tick_params(length=0, labelsize=9)
    heading = language.say("middle, fullest, in any {span}", span=span)
    figures.text(1.01, 1.02, heading, transform=axes.transAxes, fontsize=8.5)


_COLOURS = {"down": style.SKY, "up": style.PALE_YELLOW, "egress": style.ORANGE}


def _draw_worst(axes: Axes, rows: Sequence[Headroom], stored: Stored, language: Language) -> None:
    """Draw a bar for each of the fullest, its name above it and what is left beside it."""
    axes.set_title(language.say("The fullest lines and egresses"))
    for y, row in enumerate(rows):
        axes.barh(
            y + 0.22,
            100 * row.mean,
            height=0.34,
            color=style.SKY if "↓" in row.detail else style.ORANGE,
            edgecolor=style.BLACK,
            linewidth=0.5,
        )
        axes.plot(
            100 * row.peak,
            y + 0.22,
            "D",
            markerfacecolor="white",
            markeredgecolor=style.VERMILION,
            markeredgewidth=1.5,
            markersize=5,
            clip_on=False,
        )
        axes.text(
            0.6,
            y - 0.02,
            style.label(f"{row.place} ({row.detail})", longest=_LONGEST_NAME),
            va="bottom",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8},
        )
    axes.set_yticks([])
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    figures = axes.twinx()
    figures.set_ylim(axes.get_ylim())
    figures.set_yticks(
        [y + 0.22 for y in range(len(rows))],
        [
            f"{_percent(row.left, language)}   "
            f"{language.figure(format_rate(row.left_bps, digits=3))}"
            for row in rows
        ],
    )
    figures.tick_params(length=0, labelsize=9)
    heading = (
        language.say("left up to the requirement")
        if _ceilings(stored)
        else language.say("left up to the capacity")
    )
    figures.text(1.01, 1.02, heading, transform=axes.transAxes, fontsize=8.5)


def _fullest(mean: Float64Array, peak: Float64Array, most: int) -> Int64Array:
    """Return the rows with the highest means, then peaks; none where it is not known."""
    # lexsort's last key is the first to count; NaN comes last.
    order = np.lexsort((np.arange(mean.size), -peak, -mean))[:most]
    known: Int64Array = order[~np.isnan(mean[order])]
    return known


def _headrooms(
    table: StoredTable,
    order: Int64Array,
    details: Sequence[str],
    rate_bps: NDArray[np.int64] | Float64Array,
    ceiling: float,
) -> list[Headroom]:
    means = table.numbers("utilisation")[order].tolist()
    peaks = table.numbers("utilisation_peak")[order].tolist()
    return [
        Headroom(
            place=place,
            detail=detail,
            mean=mean,
            peak=peak,
            left=ceiling - mean,
            left_bps=(ceiling - mean) * bps,
        )
        for place, detail, mean, peak, bps in zip(
            table.texts("place", order), details, means, peaks, rate_bps.tolist(), strict=True
        )
    ]


def _ways(stored: Stored) -> list[str]:
    """Return the directions that were used: down, and up if anything went up."""
    lines = stored.tables["lines"]
    up = lines.equal("direction", "up")
    return ["down", "up"] if np.nan_to_num(lines.numbers("utilisation")[up]).any() else ["down"]


def _ceiling(stored: Stored, subject: str) -> float:
    return min([1.0, *stored.limits(subject, "utilisation")])


def _ceilings(stored: Stored) -> list[float]:
    both = ("lines", "egresses")
    return sorted({limit for each in both for limit in stored.limits(each, "utilisation")})


def _bin(stored: Stored, language: Language) -> str:
    """Return how long a bin of the timeline is."""
    timeline = stored.tables["timeline"]
    start_ms, end_ms = timeline.numbers("start_ms")[0], timeline.numbers("end_ms")[0]
    return language.figure(format_time(round((end_ms - start_ms) * 10**6)))


def _words(row: Load, language: Language) -> str:
    tier = style.label(row.tier)
    if row.kind == "down":
        return language.say("lines down to {tier}", tier=tier)
    if row.kind == "up":
        return language.say("lines up from {tier}", tier=tier)
    return language.say("egresses of {tier}", tier=tier)


def _percent(share: float, language: Language) -> str:
    return style.percent(share, language)
