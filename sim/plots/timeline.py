"""The meeting's course: bit rate received, loss and dark rooms, with the faults marked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from sim.metrics.measures import Course
from sim.plots import style
from sim.results.clock import clock
from sim.results.place import id_and_place
from sim.results.run import Results
from sim.scenario.model import Fault

Float64Array = NDArray[np.float64]
NS_PER_S = 10**9
_LOST = slice(Course.LOST_OUTAGE, Course.LOST_PORT + 1)
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


def curves(results: Results) -> Curves:
    """Return the curves of a run."""
    timeline, duration_ns = results.measures.timeline, results.scenario.duration_ns
    within = timeline.start_ns < duration_ns
    counts = timeline.counts[within]
    edges_s = np.append(timeline.start_ns[within], duration_ns) / NS_PER_S
    rooms = np.array([group.rooms for group in timeline.groups])
    # Groups: all, the tiers with rooms, then the branches.
    branches = [g for g, group in enumerate(timeline.groups) if group.kind not in ("all", "tier")]
    parts = branches or [0]
    rate_bps = 8 * counts[:, :, Course.RECEIVED_BYTES] / rooms / np.diff(edges_s)[:, None]
    lost = counts[:, :, _LOST].sum(axis=2)
    decided = lost + counts[:, :, Course.RECEIVED]
    loss = np.divide(lost, decided, out=np.full(lost.shape, np.nan), where=decided > 0)
    return Curves(
        edges_s=edges_s,
        rate_bps=rate_bps[:, 0],
        lowest_bps=rate_bps[:, parts].min(axis=1),
        highest_bps=rate_bps[:, parts].max(axis=1),
        loss=loss[:, 0],
        worst_loss=np.fmax.reduce(loss[:, parts], axis=1),
        dark=counts[:, 0, Course.ROOMS_DARK],
    )


def marks(results: Results) -> list[Mark]:
    """Return the faults that begin within the meeting, in order of time."""
    duration_ns = results.scenario.duration_ns
    faults = results.scenario.faults
    return [_mark(number, fault, duration_ns) for number, fault in enumerate(faults, start=1)]


def floors(results: Results) -> list[Floor]:
    """Return the turns of the agenda; those after the first letters of the alphabet have none."""
    network = results.network
    return [
        Floor(
            letter=ascii_uppercase[t] if t < _MOST_NAMED else "",
            speaker=id_and_place(network, network.index[turn.site]),
            start_s=turn.at_ns / NS_PER_S,
            end_s=turn.until_ns / NS_PER_S,
        )
        for t, turn in enumerate(results.scenario.agenda)
    ]


def draw(results: Results) -> Figure:
    """Return the chart."""
    lines, faults, turns = curves(results), marks(results), floors(results)
    named = faults[:_MOST_NAMED]
    key = [*_turn_key(turns), *_key(faults)]
    strip = _STRIP_IN if turns else 0.0
    figure = style.figure(6.4 + strip + 0.2 * (len(key) + 1))
    style.title(figure, f"The meeting's course – {results.scenario.name}")
    minutes = lines.edges_s[-1] >= _MINUTES_FROM_S
    scale = 60 if minutes else 1
    edges = lines.edges_s / scale
    branch = style.label(results.network.tiers[1]) if len(results.network.tiers) > 1 else "branch"
    if turns:
        floor, rate, loss, dark = figure.subplots(
            4, 1, sharex=True, height_ratios=[strip, *[(6.4 - strip) / 3] * 3]
        )
        _draw_floor(floor, turns, scale, float(edges[-1]))
    else:
        rate, loss, dark = figure.subplots(3, 1, sharex=True)

    rate.stairs(
        lines.highest_bps / 1e6,
        edges,
        baseline=lines.lowest_bps / 1e6,
        fill=True,
        color=style.SKY,
        alpha=0.6,
        label=f"lowest to highest {branch}",
    )
    rate.stairs(lines.rate_bps / 1e6, edges, baseline=None, color=style.BLACK, label="all rooms")
    rate.set_ylabel("Received\n(Mbit/s per room)")
    rate.set_ylim(0, 1.12 * max(float(lines.highest_bps.max()) / 1e6, 1e-3))

    loss.stairs(
        100 * lines.worst_loss,
        edges,
        baseline=None,
        color=style.VERMILION,
        linestyle="--",
        label=f"worst {branch}",
    )
    loss.stairs(100 * lines.loss, edges, baseline=None, color=style.BLACK, label="all rooms")
    loss.set_ylabel("Lost\n(% of packets)")
    # A thousandth matters beside a province that is dark: linear to 0.1 %, then logarithmic.
    loss.set_yscale("symlog", linthresh=0.1)
    loss.set_ylim(0, 200)
    loss.set_yticks([0, 0.1, 1, 10, 100], ["0", "0.1", "1", "10", "100"])
    loss.yaxis.set_minor_locator(NullLocator())

    dark.stairs(lines.dark, edges, fill=True, color=style.BLACK)
    dark.set_ylabel("Dark\n(rooms)")
    dark.set_ylim(0, 1.12 * max(int(lines.dark.max()), 1))
    dark.set_xlabel(f"Time in the meeting ({'min' if minutes else 's'})")
    dark.set_xlim(0, edges[-1])

    for axes in (rate, loss, dark):
        style.grid(axes, "y")
        _shade(axes, faults, scale, float(edges[-1]))
        for turn in turns:
            axes.axvline(turn.start_s / scale, color=style.BLUE, linewidth=0.8, zorder=0.5)
    _number(rate, named, scale, float(edges[-1]))
    for axes in (rate, loss):
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, fontsize=8.5)
    if key:
        figure.supxlabel("\n".join(key), x=0.02, ha="left", fontsize=9)
    return figure


def _mark(number: int, fault: Fault, duration_ns: int) -> Mark:
    return Mark(
        number=number,
        label=fault.label,
        start_s=fault.at_ns / NS_PER_S,
        end_s=fault.until_ns / NS_PER_S if fault.until_ns < duration_ns else math.inf,
    )


def _draw_floor(axes: Axes, turns: list[Floor], scale: int, width: float) -> None:
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
    axes.set_ylabel("Floor", rotation=0, ha="right", va="center")
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


def _end(fault: Mark) -> str:
    return "the end" if fault.end_s == math.inf else clock(round(fault.end_s * NS_PER_S))


def _turn_key(turns: list[Floor]) -> list[str]:
    lines = [
        f"{turn.letter}  {style.label(turn.speaker, longest=70)}, "
        f"{clock(round(turn.start_s * NS_PER_S))} to {clock(round(turn.end_s * NS_PER_S))}"
        for turn in turns[:_MOST_NAMED]
    ]
    if len(turns) > _MOST_NAMED:
        lines.append(f"and {len(turns) - _MOST_NAMED} more speakers")
    return lines


def _key(faults: list[Mark]) -> list[str]:
    lines = [
        f"{fault.number}  {style.label(fault.label, longest=70)}, "
        f"{clock(round(fault.start_s * NS_PER_S))} to {_end(fault)}"
        for fault in faults[:_MOST_NAMED]
    ]
    if len(faults) > _MOST_NAMED:
        lines.append(f"and {len(faults) - _MOST_NAMED} more")
    return lines
