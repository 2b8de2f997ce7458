"""All charts of a run, drawn from what its folder holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from sim.language.language import ENGLISH, Language
from sim.plots import (
    capacity,
    country,
    dark,
    delay,
    faults,
    joins,
    loss,
    recovery,
    style,
    timeline,
)
from sim.plots.names import Chart
from sim.results.stored import Stored

DRAWERS: dict[Chart, Callable[[Stored, Language], Figure | None]] = {
    Chart.capacity: capacity.draw,
    Chart.loss: loss.draw,
    Chart.delay: delay.draw,
    Chart.timeline: timeline.draw,
    Chart.map: country.draw,
    Chart.joins: joins.draw,
    Chart.faults: faults.draw,
    Chart.dark: dark.draw,
    Chart.recovery: recovery.draw,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What became of the charts asked for.

    Attributes
    ----------
    files : those written
    notes : a sentence for each chart that there is not
    """

    files: tuple[Path, ...]
    notes: Mapping[Chart, str]


def draw_charts(
    stored: Stored,
    folder: Path,
    *,
    language: Language = ENGLISH,
    charts: Iterable[Chart] = tuple(Chart),
) -> Drawn:
    """Draw charts into an existing folder, as PNG and SVG.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    files: list[Path] = []
    notes: dict[Chart, str] = {}
    with style.style():
        for chart in charts:
            figure = DRAWERS[chart](stored, language)
            if figure is None:
                notes[chart] = _why_not(chart, stored, language)
            else:
                files += style.save(figure, folder, chart.value)
    return Drawn(files=tuple(files), notes=notes)


def _why_not(chart: Chart, stored: Stored, language: Language) -> str:
    """Return why a run has nothing that a chart could show."""
    if chart == Chart.map:
        return language.say("No map: no room has a position.")
    if chart == Chart.joins:
        return language.say("No chart 'joins': all rooms are there from beginning to end.")
    if not dark.are_any(stored):
        return language.say("No chart '{chart}': the run tells of no dark room.", chart=chart.value)
    return language.say("No chart '{chart}': no fault made a room dark.", chart=chart.value)
