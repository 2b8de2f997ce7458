"""Pictures of what the theory tests measure: each interval beside theory, and what it would notice.

Everything is a share of theory's own value, so that waits and losses fit one axis. A dot is what
was measured, with its interval; a bar at either side is where theory's value would be if its main
parameter were off by what the test claims to notice. The interval must hold 100 % and no bar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.validation.theory.experiment import Experiment, measured
from tests.validation.theory.experiments import EXPERIMENTS

# A file, its title, and how the names of its experiments begin.
FAMILIES = {
    "queues": ("Queues with Poisson arrivals", ("M/D/1,", "M/M/1,", "M/G/1,")),
    "memories": ("Queues with a small memory", ("M/D/1/K,",)),
    "clocks-frames": ("Clocks out of step, and frames", ("N·D/D/1,", "M^[X]/D/1,")),
    "priority-tandem": ("Classes, and equal lines in a row", ("non-preemptive", "tandem")),
    "losses": ("Losses in runs", ("Bernoulli", "Gilbert–Elliott")),
}
BLUE, ORANGE = "#0072B2", "#D55E00"  # Okabe and Ito (2008)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One quantity, as shares of its theory's value.

    Attributes
    ----------
    case, quantity : names; `case` is empty where it is that of the row above
    measured, half_width : the interval
    shifted : theory's values with its main parameter off, down and up
    """

    case: str
    quantity: str
    measured: float
    half_width: float
    shifted: tuple[float, float]


def rows(prefixes: Sequence[str]) -> list[Row]:
    """Return the rows of all experiments whose names begin with one of `prefixes`."""
    chosen = [each for each in EXPERIMENTS if each.name.startswith(tuple(prefixes))]
    return [row for each in chosen for row in _rows(each)]


def _rows(experiment: Experiment) -> Iterator[Row]:
    for number, quantity in enumerate(experiment.quantities):
        found, theory = measured(experiment)[quantity.name], quantity.expected
        low, high = (
            quantity.formula(quantity.value * (1 + off)) / theory
            for off in (-quantity.notices, quantity.notices)
        )
        yield Row(
            case=experiment.name if number == 0 else "",
            quantity=quantity.name,
            measured=found.mean / theory,
            half_width=found.half_width / theory,
            shifted=(low, high),
        )


def picture(title: str, shown: Sequence[Row]) -> Figure:
    """Return the picture of some rows, the first at the top."""
    figure = Figure(figsize=(9, 1.3 + 0.21 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(shown))
    axes.axvline(100, color="0.35", linewidth=0.8)
    axes.errorbar(
        [100 * row.measured for row in shown],
        places,
        xerr=[100 * row.half_width for row in shown],
        fmt="o",
        color=BLUE,
        markersize=4,
        capsize=2,
        label="measured, ± 4 standard errors",
    )
    for side in (0, 1):
        axes.plot(
            [100 * row.shifted[side] for row in shown],
            places,
            linestyle="",
            marker="|",
            markersize=10,
            markeredgewidth=2,
            color=ORANGE,
            label="theory, off by what the test notices" if side else None,
        )
    axes.set_yticks(places, [f"{row.case}   {row.quantity}".strip() for row in shown], fontsize=8)
    _frame(axes, shown)
    axes.set_title(title, loc="left", fontweight="bold")
    figure.legend(loc="outside lower right", ncols=2, frameon=False)
    return figure


def _frame(axes: Axes, shown: Sequence[Row]) -> None:
    for place, row in enumerate(shown):
        if row.case and place:
            axes.axhline(place - 0.5, color="0.85", linewidth=0.6)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlabel("% of what theory says")
    axes.spines[["top", "right"]].set_visible(False)


def fingerprint(shown: Sequence[Row]) -> str:
    """Return what a picture shows, as text that its file carries."""
    return "; ".join(
        f"{row.case} {row.quantity} {row.measured:.6f} {row.half_width:.6f} "
        f"{row.shifted[0]:.6f} {row.shifted[1]:.6f}"
        for row in shown
    )


def save_all(folder: Path) -> None:
    """Draw every family into `validation-….png`."""
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 9}):
        for name, (title, prefixes) in FAMILIES.items():
            shown = rows(prefixes)
            picture(title, shown).savefig(
                folder / f"validation-{name}.png",
                dpi=110,
                metadata={"Software": None, "Description": fingerprint(shown)},
            )
