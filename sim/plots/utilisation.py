"""Utilisation by tier against capacity: lines both ways and egresses, on average and at peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.plots import style
from sim.results.run import Results
from sim.units import format_share

Float64Array = NDArray[np.float64]
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Utilisation of one tier's lines or egresses, as shares of their capacity.

    Attributes
    ----------
    label, count : what they are, and how many
    p5, p50, p95, highest : of the averages over the meeting
    peak : highest in any timeline bin
    """

    label: str
    count: int
    p5: float
    p50: float
    p95: float
    highest: float
    peak: float


def loads(results: Results) -> list[Load]:
    """Return a row for each tier's lines and shared egresses, from the root down."""
    network, measures = results.network, results.measures
    lines, egresses = measures.lines, measures.egresses
    rows = []
    for t, tier in enumerate(network.tiers):
        sites = np.flatnonzero((network.tier == t) & (network.parent >= 0))
        for way in lines.ways if sites.size else ():
            hops = lines.rows(sites, way)
            words = f"line to {tier}" if way == "down" else f"line from {tier}"
            rows.append(_load(words, lines.utilisation[hops], lines.utilisation_peak[hops]))
        shared = (network.tier[network.egress_site] == t) & ~np.isnan(egresses.utilisation)
        if shared.any():
            words = f"egress of {tier}"
            rows.append(
                _load(words, egresses.utilisation[shared], egresses.utilisation_peak[shared])
            )
    return rows


def ceilings(results: Results) -> list[float]:
    """Return the utilisation that the scenario allows, if it says so, each value once."""
    requirements = results.scenario.requirements
    return sorted({r.limit for r in requirements if r.measure == "utilisation"})


def draw(results: Results) -> Figure:
    """Return the chart."""
    rows = loads(results)
    figure = style.figure(1.9 + 0.5 * max(len(rows), 2))
    axes = figure.add_subplot()
    style.title(figure, f"Utilisation by tier – {results.scenario.name}")
    for y, row in enumerate(rows):
        axes.barh(
            y,
            100 * (row.p95 - row.p5),
            left=100 * row.p5,
            height=0.5,
            color=style.SKY,
            edgecolor=style.BLUE,
            label="5 % to 95 % of them" if y == 0 else None,
        )
        axes.plot(
            [100 * row.p50] * 2,
            [y - 0.25, y + 0.25],
            color=style.BLACK,
            linewidth=2,
            label="median" if y == 0 else None,
        )
        axes.plot(
            100 * row.highest,
            y,
            "o",
            color=style.BLUE,
            label="highest" if y == 0 else None,
        )
        axes.plot(
            100 * row.peak,
            y,
            "D",
            markerfacecolor="white",
            markeredgecolor=style.VERMILION,
            label=f"highest in any {_bin(results)}" if y == 0 else None,
        )
    axes.axvline(100, color=style.BLACK, linewidth=1.5, label="capacity")
    for limit in ceilings(results):
        axes.axvline(
            100 * limit,
            color=style.VERMILION,
            linewidth=1.2,
            linestyle="--",
            label=f"required: at most {100 * limit:g} %",
        )
    axes.set_yticks(range(len(rows)), [f"{style.label(row.label)} ({row.count:,})" for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, max([105.0, *(108 * row.peak for row in rows)]))
    axes.set_xlabel("Rate in use, by others too (% of the capacity, over the meeting)")
    style.grid(axes, "x")
    _figures_beside(axes, rows)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _figures_beside(axes: Axes, rows: list[Load]) -> None:
    """Write each row's figures on the right, for the rows too near 0 to be read."""
    figures = axes.twinx()
    figures.set_ylim(axes.get_ylim())
    figures.set_yticks(
        range(len(rows)),
        [f"{_percent(row.p50)}, {_percent(row.highest)}, {_percent(row.peak)}" for row in rows],
    )
    figures.tick_params(length=0, labelsize=9)
    figures.text(1.008, 1.02, "median, highest, busiest bin", transform=axes.transAxes, fontsize=8)


def _percent(share: float) -> str:
    return format_share(share, digits=2)


def _load(label: str, mean: Float64Array, peak: Float64Array) -> Load:
    p5, p50, p95 = np.quantile(mean, QUANTILES, method="inverted_cdf").tolist()
    return Load(
        label=label,
        count=mean.size,
        p5=p5,
        p50=p50,
        p95=p95,
        highest=float(mean.max()),
        peak=float(peak.max()),
    )


def _bin(results: Results) -> str:
    return f"{results.scenario.bin_ns / 1e9:g} s"
