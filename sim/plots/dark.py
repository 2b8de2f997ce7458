"""Dark rooms over time, by what keeps them dark, and more closely where most of it changes.

A cause that comes several times in one interval is drawn in one piece, where it first came: the
results tell how long it lasted in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from sim.language.language import Language
from sim.plots import course, style
from sim.plots.course import MS_PER_S, NS_PER_S, Course
from sim.plots.instants import Spans, Steps, at_worst, bins, steps
from sim.results.clock import clock
from sim.results.stored import Stored
from sim.results.stored_columns import DARK_CAUSES

Float64Array = NDArray[np.float64]
NS_PER_MS = 10**6
BINS = 480
_PANEL_IN = 3.4
_ZOOM_BELOW = 0.25  # of the meeting's length, from which nothing is shown more closely
# From the bottom up: what lasts lies at the foot.
STACK = (
    "no_backup",
    "unwatched",
    "refused",
    "detecting",
    "holding",
    "signalling",
    "key_frame",
    "joining",
    "loss",
)
COLOURS = {
    "detecting": style.BLUE,
    "holding": style.YELLOW,
    "signalling": style.ORANGE,
    "refused": style.VERMILION,
    "no_backup": style.BLACK,
    "unwatched": "#999999",
    "key_frame": style.GREEN,
    "joining": style.PURPLE,
    "loss": style.SKY,
}
HATCHES = {
    "detecting": "",
    "holding": "//",
    "signalling": "",
    "refused": "xx",
    "no_backup": "",
    "unwatched": "..",
    "key_frame": "\\\\",
    "joining": "oo",
    "loss": "--",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of the meeting that is shown more closely, ms."""

    begin_ms: float
    end_ms: float


def are_any(stored: Stored) -> bool:
    """Return whether a run tells of dark rooms; one of an older version does not."""
    return "dark" in stored.tables and bool(stored.tables["dark"].numbers("from_ms").size)


def spans(stored: Stored) -> Spans:
    """Return a span for each cause of each dark interval; its kind is its place in `DARK_CAUSES`.

    The causes of an interval follow each other in the order in which they came.
    """
    table = stored.tables["dark"]
    lasted_ms = np.stack([table.numbers(f"{cause}_ms") for cause in DARK_CAUSES], axis=1)
    texts, place = table.kinds("causes")
    orders = np.array([_order(text) for text in texts]).reshape(-1, len(DARK_CAUSES))
    order = orders[place]
    ends_ms = table.numbers("from_ms")[:, None] + np.take_along_axis(
        lasted_ms, order, axis=1
    ).cumsum(axis=1)
    begins_ms = np.column_stack([table.numbers("from_ms"), ends_ms[:, :-1]])
    lasting = ends_ms > begins_ms
    return Spans(begins_ms=begins_ms[lasting], ends_ms=ends_ms[lasting], kind=order[lasting])


def _order(text: str) -> list[int]:
    """Return all causes, those of an interval first and in its order."""
    named = [name.strip().replace(" ", "_") for name in text.split(">")]
    first = [cause for cause in dict.fromkeys(named) if cause in DARK_CAUSES]
    rest = [cause for cause in DARK_CAUSES if cause not in first]
    return [DARK_CAUSES.index(cause) for cause in (*first, *rest)]


def window(stored: Stored) -> Window | None:
    """Return where half of all that changes does so in the shortest time, with what surrounds it.

    Only rooms that a fault made dark count, if there are any. None: that is most of the meeting.
    """
    table = stored.tables["dark"]
    by_fault = ~table.equal("fault", "")
    chosen = by_fault if by_fault.any() else np.ones(by_fault.size, dtype=np.bool_)
    changes_ms = np.sort(
        np.concatenate([table.numbers("from_ms")[chosen], table.numbers("until_ms")[chosen]])
    )
    half = changes_ms.size // 2
    widths_ms = changes_ms[half:] - changes_ms[: changes_ms.size - half]
    at = int(np.argmin(widths_ms))
    # At least 2 s: a picture of less shows single packets, not what people notice.
    width_ms = max(float(widths_ms[at]), 2000.0)
    begin_ms = max(float(changes_ms[at]) - width_ms / 2, 0.0)
    end_ms = min(float(changes_ms[at]) + 2.5 * width_ms, stored.duration_ms)
    if end_ms - begin_ms > _ZOOM_BELOW * stored.duration_ms:
        return None
    return Window(begin_ms=begin_ms, end_ms=end_ms)


def draw(stored: Stored, language: Language) -> Figure | None:
    """Return the chart; None where no room was dark."""
    if not are_any(stored):
        return None
    what, close = course.course(stored), window(stored)
    found = spans(stored)
    counted = steps(found, len(DARK_CAUSES))
    strip = course.FLOOR_IN if what.turns else 0.0
    apart_in = [] if close is None else [_PANEL_IN]
    figure = style.figure(2.6 + _PANEL_IN + sum(apart_in) + strip + 0.2 * (what.named + 1))
    style.title(figure, language.say("Dark rooms, and why – {scenario}", scenario=stored.scenario))
    whole, *closely = course.panels(figure, what, [_PANEL_IN], language, apart_in=apart_in)
    shown = [cause for cause in STACK if (found.kind == DARK_CAUSES.index(cause)).any()]
    _draw_stack(whole, counted, bins(0.0, stored.duration_ms, BINS), shown, what)
    course.number(whole, what)
    _finish(whole, language)
    if close is not None:
        _draw_closely(closely[0], counted, close, shown, what, language)
        whole.axvspan(
            close.begin_ms / MS_PER_S / what.scale,
            close.end_ms / MS_PER_S / what.scale,
            facecolor="none",
            edgecolor=style.BLACK,
            linewidth=0.8,
            linestyle="--",
        )
    _legend(whole, found, counted, shown, language)
    course.write_key(figure, what, language)
    return figure


def _draw_stack(
    axes: Axes, counted: Steps, edges_ms: Float64Array, shown: Sequence[str], what: Course
) -> None:
    """Draw how many rooms are dark in each bin, those of a cause upon those of another."""
    counts = at_worst(counted, edges_ms)
    edges = edges_ms / MS_PER_S / what.scale
    foot = np.zeros(counts.shape[0])
    for cause in shown:
        top = foot + counts[:, DARK_CAUSES.index(cause)]
        axes.stairs(
            top,
            edges,
            baseline=foot,
            fill=True,
            facecolor=COLOURS[cause],
            edgecolor="white" if cause == "unwatched" else style.BLACK,
            hatch=HATCHES[cause],
            linewidth=0,
        )
        foot = top
    axes.stairs(foot, edges, baseline=None, color=style.BLACK, linewidth=0.7)
    axes.set_ylim(0, 1.15 * max(float(foot.max()), 1.0))
    course.mark(axes, what)


def _draw_closely(
    axes: Axes,
    counted: Steps,
    close: Window,
    shown: Sequence[str],
    what: Course,
    language: Language,
) -> None:
    """Draw a part of the meeting, its times as a clock shows them."""
    seconds = replace(what, scale=1, width=what.width * what.scale)
    _draw_stack(axes, counted, bins(close.begin_ms, close.end_ms, BINS), shown, seconds)
    axes.set_xlim(close.begin_ms / MS_PER_S, close.end_ms / MS_PER_S)
    axes.set_title(language.say("The framed part more closely"), fontsize=10)
    axes.set_xlabel(language.say("Time in the meeting (h:mm:ss)"))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: language.figure(clock(max(round(x * NS_PER_S), 0))))
    )
    _finish(axes, language)


def _finish(axes: Axes, language: Language) -> None:
    axes.set_ylabel(language.say("Dark\n(rooms)"))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    style.figure_ticks(axes.yaxis, language)
    style.grid(axes, "y")


def _legend(
    axes: Axes, found: Spans, counted: Steps, shown: Sequence[str], language: Language
) -> None:
    """Name the causes, with their part of all the time that rooms were dark, and say the peak."""
    lasted_ms = np.bincount(
        found.kind, weights=found.ends_ms - found.begins_ms, minlength=len(DARK_CAUSES)
    )
    shares = dict(zip(DARK_CAUSES, (lasted_ms / lasted_ms.sum()).tolist(), strict=True))
    names = cause_names(language)
    axes.legend(
        handles=[
            Patch(
                facecolor=COLOURS[cause],
                edgecolor="white" if cause == "unwatched" else style.BLACK,
                hatch=HATCHES[cause],
                linewidth=0,
                label=f"{names[cause]} ({style.percent(shares[cause], language)})",
            )
            for cause in DARK_CAUSES
            if cause in shown
        ],
        title=f"{_peak(counted, language)}\n"
        + language.say("Why (part of the dark time of all rooms):"),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        fontsize=8.5,
        title_fontsize=9,
        alignment="left",
    )


def _peak(counted: Steps, language: Language) -> str:
    """Say how many were dark at the worst instant, and when."""
    total = counted.counts.sum(axis=1)
    worst = int(np.argmax(total))
    return language.say_count(
        int(total[worst]),
        "At most {n} room was dark at once, at {time}.",
        "At most {n} rooms were dark at once, at {time}.",
        time=language.figure(clock(max(round(float(counted.at_ms[worst]) * NS_PER_MS), 0))),
    )


def cause_names(language: Language) -> dict[str, str]:
    """Return what each cause of darkness is called."""
    return {
        "detecting": language.say("not noticed yet"),
        "holding": language.say("noticed, waiting to act"),
        "signalling": language.say("signalling with a new parent"),
        "refused": language.say("refused, waiting to ask again"),
        "no_backup": language.say("no backup left"),
        "unwatched": language.say("dead part that nobody watches"),
        "key_frame": language.say("fed again, waiting for a key frame"),
        "joining": language.say("joined, waiting for a picture"),
        "loss": language.say("packets lost or late"),
    }
