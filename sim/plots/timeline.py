"""The meeting's course: bit rate, loss and dark rooms, with faults and speakers marked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from sim.language.language import Language
from sim.metrics.measures import CAUSES
from sim.plots import style
from sim.results.clock import clock
from sim.results.stored import Stored

Float64Array = NDArray[np.float64]
MS_PER_S = 1000
NS_PER_S = 10**9
_MOST_NAMED = 8
_MINUTES_FROM_S = 180
_STRIP_IN = 0.35  # height of the strip that shows who has the floor
_LETTER_WIDTH = 0.015  # of the chart's width, below which a letter does not fit into its bar


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A fault as it is drawn: its number, its words, and when it held, seconds."""

    number: int
    label: str
    start_s: float
    end_s: float  # inf: not repaired before the meeting's end


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A turn as it is drawn: its letter, the speaker's name, and when, seconds."""

    letter: str
    speaker: str
    start_s: float
    end_s: float


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


def marks(stored: Stored) -> list[Mark]:
    """Return the faults that begin within the meeting, in order of time."""
    faults = stored.tables["faults"]
    return [
        Mark(
            number=number,
            label=label,
            start_s=at_ms / MS_PER_S,
            end_s=math.inf if math.isnan(until_ms) else until_ms / MS_PER_S,
        )
        for number, (label, at_ms, until_ms) in enumerate(
            zip(
                faults.texts("label"),
                faults.numbers("at_ms").tolist(),
                faults.numbers("until_ms").tolist(),
                strict=True,
            ),
            start=1,
        )
    ]


def floors(stored: Stored) -> list[Floor]:
    """Return the turns of the agenda; those after the first letters of the alphabet have none."""
    turns = stored.tables["turns"]
    return [
        Floor(
            letter=ascii_uppercase[t] if t < _MOST_NAMED else "",
            speaker=place if site == place else f"{site} {place}",
            start_s=at_ms / MS_PER_S,
            end_s=until_ms / MS_PER_S,
        )
        for t, (site, place, at_ms, until_ms) in enumerate(
            zip(
                turns.texts("site"),
                turns.texts("place"),
                turns.numbers("at_ms").tolist(),
                turns.numbers("until_ms").tolist(),
                strict=True,
            )
        )
    ]


def draw(stored: Stored, language: Language) -> Figure:
    """Return the chart."""
    lines, faults, turns = curves(stored), marks(stored), floors(stored)
    key = [*_turn_key(turns, language), *_key(faults, language)]
    strip = _STRIP_IN if turns else 0.0
    figure = style.figure(6.4 + strip + 0.2 * (len(key) + 1))
    title = language.say("The meeting's course – {scenario}", scenario=stored.scenario)
    style.title(figure, title)
    minutes = lines.edges_s[-1] >= _MINUTES_FROM_S
    scale = 60 if minutes else 1
    edges = lines.edges_s / scale
    if turns:
        floor, rate, loss, dark = figure.subplots(
            4, 1, sharex=True, height_ratios=[strip, *[(6.4 - strip) / 3] * 3]
        )
        _draw_floor(floor, turns, scale, float(edges[-1]), language)
    else:
        rate, loss, dark = figure.subplots(3, 1, sharex=True)
    branch = style.label(stored.tiers[1]) if len(stored.tiers) > 1 else stored.tiers[0]
    _draw_rate(rate, lines, edges, branch, language)
    _draw_loss(loss, lines, edges, branch, language)
    _draw_dark(dark, lines, edges, language)
    dark.set_xlabel(
        language.say("Time in the meeting (min)")
        if minutes
        else language.say("Time in the meeting (s)")
    )
    dark.set_xlim(0, edges[-1])
    style.figure_ticks(dark.xaxis, language)
    for axes in (rate, loss, dark):
        style.grid(axes, "y")
        _shade(axes, faults, scale, float(edges[-1]))
        for turn in turns:
            axes.axvline(turn.start_s / scale, color=style.BLUE, linewidth=0.8, zorder=0.5)
    _number(rate, faults[:_MOST_NAMED], scale, float(edges[-1]))
    for axes in (rate, loss):
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, fontsize=8.5)
    if key:
        figure.supxlabel("\n".join(key), x=0.02, ha="left", fontsize=9)
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


def _draw_floor(
    axes: Axes, turns: list[Floor], scale: int, width: float, language: Language
) -> None:
    """Draw who has the floor: a bar for each turn, its letter in it."""
    for number, turn in enumerate(turns):
        start, length = turn.start_s / scale, (turn.end_s - turn.start_s) / scale
        axes.barh(
            0,
            length,
            left=start,
            height=1,
            color=style.SKY if number % 2 else style.BLUE,
            edgecolor="white",
            linewidth=0.6,
        )
        if length > _LETTER_WIDTH * width:
            axes.text(
                start + length / 2,
                0,
                turn.letter,
                ha="center",
                va="center",
                color=style.BLACK if number % 2 else "white",
                fontsize=9,
                fontweight="bold",
            )
    axes.set_ylim(-0.5, 0.5)
    axes.set_yticks([])
    axes.set_ylabel(language.say("Floor"), rotation=0, ha="right", va="center")
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)


def _shade(axes: Axes, faults: list[Mark], scale: int, width: float) -> None:
    for fault in faults:
        axes.axvspan(
            fault.start_s / scale,
            min(fault.end_s / scale, width),
            color=style.PALE_YELLOW,  # opaque, so that faults at one time are not darker
            linewidth=0,
            zorder=0,
        )
        axes.axvline(fault.start_s / scale, color=style.BLACK, linewidth=0.8, linestyle=":")


def _number(axes: Axes, faults: list[Mark], scale: int, width: float) -> None:
    """Write each fault's number over its beginning, those that begin together side by side."""
    taken = -np.inf
    for fault in faults:
        x = max(fault.start_s / scale, taken)
        taken = x + 0.025 * width
        axes.annotate(
            str(fault.number),
            (x, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, -3),
            textcoords="offset points",
            va="top",
            fontsize=9,
            fontweight="bold",
        )


def _span(start_s: float, end_s: float, language: Language) -> str:
    start = clock(round(start_s * NS_PER_S))
    if end_s == math.inf:
        return language.say("{start} to the end", start=language.figure(start))
    end = clock(round(end_s * NS_PER_S))
    return language.say("{start} to {end}", start=language.figure(start), end=language.figure(end))


def _turn_key(turns: list[Floor], language: Language) -> list[str]:
    lines = [
        f"{turn.letter}  {style.label(turn.speaker, longest=70)}, "
        f"{_span(turn.start_s, turn.end_s, language)}"
        for turn in turns[:_MOST_NAMED]
    ]
    if len(turns) > _MOST_NAMED:
        more = len(turns) - _MOST_NAMED
        lines.append(language.say_count(more, "and {n} more speaker", "and {n} more speakers"))
    return lines


def _key(faults: list[Mark], language: Language) -> list[str]:
    lines = [
        f"{fault.number}  {style.label(fault.label, longest=70)}, "
        f"{_span(fault.start_s, fault.end_s, language)}"
        for fault in faults[:_MOST_NAMED]
    ]
    if len(faults) > _MOST_NAMED:
        more = len(faults) - _MOST_NAMED
        lines.append(language.say_count(more, "and {n} more fault", "and {n} more faults"))
    return lines
