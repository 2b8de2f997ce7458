"""The capacity curve: how much of its limit each requirement uses, over what was varied."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from sim.language.language import ENGLISH, Language
from sim.plots import style
from sim.studies.answer import Answer, Edge, Standing
from sim.studies.curve import share_of_limit

Float64Array = NDArray[np.float64]
NAME = "capacity"

# Each differs from the others in colour, dashes and mark; the colours differ in lightness too.
LOOKS: tuple[tuple[str, Any, str], ...] = (
    (style.BLACK, "-", "o"),
    (style.VERMILION, "--", "s"),
    (style.BLUE, "-.", "D"),
    (style.GREEN, ":", "^"),
    (style.PURPLE, (0, (5, 1, 1, 1, 1, 1)), "v"),
    (style.ORANGE, (0, (8, 2)), "P"),
    (style.SKY, (0, (3, 1, 1, 1)), "X"),
)
_MISSED = "#EEEEEE"
_LINEAR_UP_TO = 3.0  # beyond, what is above the limit is drawn by its logarithm
_FOOT = -0.09  # room below 0 for the bar that shows where all is well
_NEAR = 0.035  # of the chart's width, within which two numbers of breaks would touch
_LEVELS = 4  # of the staircase
_LABEL_WIDTH = 12  # characters of a label that names several requirements
_STEPS = (0, 0.25, 0.5, 0.75, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One requirement as it is drawn.

    Attributes
    ----------
    number : as it is counted for people, from 1
    x : (k,) float64, every number that was tried
    y : (k,) float64, the value as a share of the limit; NaN where it is not known, or the limit
        is 0 and the value is not
    met : (k,) bool
    breaks : the middle of each crossing
    """

    number: int
    label: str
    x: Float64Array
    y: Float64Array
    met: NDArray[np.bool_]
    breaks: tuple[float, ...]


def curves(answer: Answer, language: Language = ENGLISH) -> list[Curve]:
    """Return a curve for each requirement, in the scenario's order."""
    x = np.array([float(number) for number in answer.numbers])
    return [
        Curve(
            number=standing.number + 1,
            label=standing.sentences[language.code],
            x=x,
            y=np.array(
                [share_of_limit(point.requirements[standing.number]) for point in answer.points],
                dtype=np.float64,
            ),
            met=np.array([point.requirements[standing.number].met for point in answer.points]),
            breaks=tuple(float(each.low + each.high) / 2 for each in standing.crossings),
        )
        for standing in answer.standings
    ]


def draw(answer: Answer, *, scenario: str, language: Language) -> Figure:
    """Return the chart."""
    drawn = curves(answer, language)
    over = answer.over
    figure = style.figure(4.6 + 0.24 * len(drawn))
    axes = figure.add_subplot()
    style.title(figure, language.say("Capacity curve – {scenario}", scenario=style.label(scenario)))
    top = _scale(axes, drawn, language)
    if over.by_factors:
        axes.set_xscale("log")
        # Labels at 1, 2 and 5 would touch each other over more than three decades.
        steps = (1, 2, 5) if over.high < 1000 * over.low else (1,)
        axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=20))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: language.figure(f"{x:,.10g}")))
    axes.set_xlim(float(over.low), float(over.high))
    unit = f" ({over.unit})" if over.unit else ""
    axes.set_xlabel(f"{style.label(over.written.path, longest=60)}{unit}")
    axes.axhspan(1, top, color=_MISSED, zorder=0, label=language.say("above the limit: missed"))
    axes.axhline(1, color=style.BLACK, linewidth=1.2, zorder=1)
    for curve in drawn:
        _draw_curve(axes, curve, answer.standings[curve.number - 1], answer, language, top)
    _mark_breaks(axes, drawn)
    _draw_spans(axes, answer, language)
    if over.own is not None and over.low <= over.own <= over.high:
        axes.axvline(
            float(over.own),
            color=style.BLACK,
            linewidth=0.9,
            linestyle=(0, (1, 3)),
            zorder=1,
            label=language.say(
                "in the scenario: {number}", number=language.figure(over.amount(over.own))
            ),
        )
    style.grid(axes, "y")
    figure.legend(loc="outside lower left", ncols=1, fontsize=9, handlelength=3.5)
    return figure


def draw_capacity(answer: Answer, folder: Path, *, scenario: str, language: Language) -> list[Path]:
    """Draw the chart into a folder, as PNG and SVG; return the files.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    with style.style():
        return style.save(draw(answer, scenario=scenario, language=language), folder, NAME)


def _scale(axes: Axes, drawn: list[Curve], language: Language) -> float:
    """Scale the axis of shares, by logarithm above the limit if it must be; return its top."""
    values = np.concatenate([curve.y for curve in drawn])
    highest = float(np.nanmax(values)) if not np.isnan(values).all() else 1.0
    if highest <= _LINEAR_UP_TO:
        top = max(1.25, 1.1 * highest)
        axes.set_ylabel(language.say("Measured, over the limit"))
    else:
        axes.set_ylabel(language.say("Measured, over the limit\n(above 1 logarithmic)"))
        # Up to the limit, where all that is well lies, the axis stays linear.
        top = 1.5 * highest
        axes.set_yscale("symlog", linthresh=1, linscale=1)
        axes.yaxis.set_major_locator(FixedLocator([step for step in _STEPS if step <= top]))
        axes.yaxis.set_minor_locator(NullLocator())
    # Scales bring formatters of their own.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: language.figure(f"{y:,.10g}")))
    axes.set_ylim(_FOOT, top)
    return top


def _draw_curve(
    axes: Axes,
    curve: Curve,
    standing: Standing,
    answer: Answer,
    language: Language,
    top: float,
) -> None:
    colour, dashes, mark = LOOKS[(curve.number - 1) % len(LOOKS)]
    axes.plot(
        curve.x,
        curve.y,
        color=colour,
        linestyle=dashes,
        marker=mark,
        markersize=4,
        linewidth=1.5,
        clip_on=False,
        zorder=3,
        label=f"{curve.number}  {style.label(curve.label, longest=80)}: "
        f"{_state(standing, answer, language)}",
    )
    beyond = np.isnan(curve.y) & ~curve.met
    if beyond.any():
        # Nothing arrived, or nothing was allowed: beyond any limit.
        axes.plot(
            curve.x[beyond],
            np.full(int(beyond.sum()), top),
            "x",
            color=colour,
            clip_on=False,
            zorder=4,
        )


def _state(standing: Standing, answer: Answer, language: Language) -> str:
    if standing.state == "met":
        return language.say("met over the whole range")
    if standing.state == "missed":
        return language.say("missed over the whole range")
    parts = ", ".join(
        language.say(
            "between {low} and {high}",
            low=language.figure(f"{each.low:f}"),
            high=language.figure(answer.over.amount(each.high)),
        )
        for each in standing.crossings
    )
    return language.say("breaks {where}", where=parts)


def _mark_breaks(axes: Axes, drawn: list[Curve]) -> None:
    """Mark the breaks on the line of the limit; numbers that would touch stand in a staircase."""
    at: dict[float, list[int]] = {}
    for curve in drawn:
        for x in curve.breaks:
            at.setdefault(x, []).append(curve.number)
    place = axes.transAxes.inverted()
    before, level = -np.inf, 0
    for x, numbers in sorted(at.items()):
        across = place.transform(axes.transData.transform((x, 1)))[0]
        level = (level + 1) % _LEVELS if across - before < _NEAR else 0
        before = across
        alone = len(numbers) == 1
        colour = LOOKS[(numbers[0] - 1) % len(LOOKS)][0] if alone else style.BLACK
        axes.plot(x, 1, "o", color="white", markeredgecolor=colour, markersize=7, zorder=5)
        axes.annotate(
            fill(", ".join(map(str, numbers)), _LABEL_WIDTH),
            (x, 1),
            xytext=(0, 9 + 17 * level),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9,
            fontweight="bold",
            bbox={
                "boxstyle": "circle,pad=0.25" if alone else "round,pad=0.3",
                "facecolor": "white",
                "edgecolor": colour,
            },
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8},
            zorder=6,
        )


def _draw_spans(axes: Axes, answer: Answer, language: Language) -> None:
    """Draw a bar along the foot of the chart where all that can be met is met together."""
    label = language.say("all met together")
    if answer.missed:
        label = language.say("all met together, but what never is")
    for i, span in enumerate(answer.spans):
        axes.plot(
            [_end(span.low, span.below), _end(span.high, span.above)],
            [_FOOT, _FOOT],
            color=style.BLACK,
            linewidth=9,
            solid_capstyle="butt",
            zorder=4,
            label=label if i == 0 else None,
        )


def _end(last: Decimal, edge: Edge | None) -> float:
    """Return where a span ends: half-way to the number that is missed, or with the range."""
    return float(last if edge is None else (edge.met + edge.missed) / 2)
