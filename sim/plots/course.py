"""What goes on in a meeting, as charts over time mark it: who has the floor, and faults.

Turns are blue bars with letters, faults are shaded and numbered; a key below explains both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.language.language import Language
from sim.plots import style
from sim.results.clock import clock
from sim.results.stored import Stored

MS_PER_S = 1000
NS_PER_S = 10**9
FLOOR_IN = 0.35  # height of the strip that shows who has the floor
MOST_NAMED = 8
_MINUTES_FROM_S = 180
_LETTER_WIDTH = 0.015  # of the chart's width, below which a letter does not fit into its bar


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
            letter=ascii_uppercase[t] if t < MOST_NAMED else "",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is marked over a time axis.

    Attributes
    ----------
    turns, faults : in order of time
    scale : seconds that one unit of the axis stands for
    width : length of the meeting, in units of the axis
    """

    turns: Sequence[Floor]
    faults: Sequence[Mark]
    scale: int
    width: float

    @property
    def named(self) -> int:
        """How many lines the key has."""
        return sum(min(len(each), MOST_NAMED + 1) for each in (self.turns, self.faults))


def course(stored: Stored) -> Course:
    """Return what goes on in a run, over an axis in minutes or, if it is short, in seconds."""
    duration_s = stored.duration_ms / MS_PER_S
    scale = 60 if duration_s >= _MINUTES_FROM_S else 1
    return Course(turns=floors(stored), faults=marks(stored), scale=scale, width=duration_s / scale)


def panels(
    figure: Figure,
    what: Course,
    heights_in: Sequence[float],
    language: Language,
    *,
    apart_in: Sequence[float] = (),
) -> list[Axes]:
    """Return axes below each other over the meeting's time, below who has the floor.

    Those of `apart_in` come last, and have a horizontal axis of their own.
    """
    heights = [*([FLOOR_IN] if what.turns else []), *heights_in]
    rows = np.atleast_1d(
        figure.subplots(len(heights) + len(apart_in), 1, height_ratios=[*heights, *apart_in])
    )
    axes: list[Axes] = rows.tolist()
    lowest = axes[len(heights) - 1]
    for each in axes[: len(heights) - 1]:
        each.sharex(lowest)
        each.tick_params(labelbottom=False)
    if what.turns:
        _draw_floor(axes.pop(0), what, language)
    time_axis(lowest, what, language)
    lowest.set_xlim(0, what.width)
    return axes


def time_axis(axes: Axes, what: Course, language: Language) -> None:
    """Say what an axis of time counts."""
    axes.set_xlabel(
        language.say("Time in the meeting (min)")
        if what.scale > 1
        else language.say("Time in the meeting (s)")
    )
    style.figure_ticks(axes.xaxis, language)


def mark(axes: Axes, what: Course) -> None:
    """Shade the faults, and draw a line where somebody takes the floor."""
    for fault in what.faults:
        axes.axvspan(
            fault.start_s / what.scale,
            min(fault.end_s / what.scale, what.width),
            color=style.PALE_YELLOW,  # opaque, so that faults at one time are not darker
            linewidth=0,
            zorder=0,
        )
        axes.axvline(fault.start_s / what.scale, color=style.BLACK, linewidth=0.8, linestyle=":")
    for turn in what.turns:
        axes.axvline(turn.start_s / what.scale, color=style.BLUE, linewidth=0.8, zorder=0.5)


def number(axes: Axes, what: Course) -> None:
    """Write each fault's number over its beginning, those that begin together side by side."""
    taken = -np.inf
    for fault in what.faults[:MOST_NAMED]:
        x = max(fault.start_s / what.scale, taken)
        taken = x + 0.025 * what.width
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


def write_key(figure: Figure, what: Course, language: Language) -> None:
    """Write below the chart what its letters and numbers mean."""
    key = [*_turn_key(what.turns, language), *_fault_key(what.faults, language)]
    if key:
        figure.supxlabel("\n".join(key), x=0.02, ha="left", fontsize=9)


def _draw_floor(axes: Axes, what: Course, language: Language) -> None:
    """Draw who has the floor: a bar for each turn, its letter in it."""
    for i, turn in enumerate(what.turns):
        start, length = turn.start_s / what.scale, (turn.end_s - turn.start_s) / what.scale
        axes.barh(
            0,
            length,
            left=start,
            height=1,
            color=style.SKY if i % 2 else style.BLUE,
            edgecolor="white",
            linewidth=0.6,
        )
        if length > _LETTER_WIDTH * what.width:
            axes.text(
                start + length / 2,
                0,
                turn.letter,
                ha="center",
                va="center",
                color=style.BLACK if i % 2 else "white",
                fontsize=9,
                fontweight="bold",
            )
    axes.set_ylim(-0.5, 0.5)
    axes.set_yticks([])
    axes.set_ylabel(language.say("Floor"), rotation=0, ha="right", va="center")
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)


def _span(start_s: float, end_s: float, language: Language) -> str:
    start = clock(round(start_s * NS_PER_S))
    if end_s == math.inf:
        return language.say("{start} to the end", start=language.figure(start))
    end = clock(round(end_s * NS_PER_S))
    return language.say("{start} to {end}", start=language.figure(start), end=language.figure(end))


def _turn_key(turns: Sequence[Floor], language: Language) -> list[str]:
    lines = [
        f"{turn.letter}  {style.label(turn.speaker, longest=70)}, "
        f"{_span(turn.start_s, turn.end_s, language)}"
        for turn in turns[:MOST_NAMED]
    ]
    if len(turns) > MOST_NAMED:
        more = len(turns) - MOST_NAMED
        lines.append(language.say_count(more, "and {n} more speaker", "and {n} more speakers"))
    return lines


def _fault_key(faults: Sequence[Mark], language: Language) -> list[str]:
    lines = [
        f"{fault.number}  {style.label(fault.label, longest=70)}, "
        f"{_span(fault.start_s, fault.end_s, language)}"
        for fault in faults[:MOST_NAMED]
    ]
    if len(faults) > MOST_NAMED:
        more = len(faults) - MOST_NAMED
        lines.append(language.say_count(more, "and {n} more fault", "and {n} more faults"))
    return lines
