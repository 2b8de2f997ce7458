"""All charts of a run, drawn from what its folder holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from sim.language.language import ENGLISH, Language
from sim.plots import capacity, country, delay, loss, style, timeline
from sim.plots.names import Chart
from sim.results.stored import Stored

DRAWERS: dict[Chart, Callable[[Stored, Language], Figure | None]] = {
    Chart.capacity: capacity.draw,
    Chart.loss: loss.draw,
    Chart.delay: delay.draw,
    Chart.timeline: timeline.draw,
    Chart.map: country.draw,
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
    notes: tuple[str, ...]


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
    notes: list[str] = []
    with style.style():
        for chart in charts:
            figure = DRAWERS[chart](stored, language)
            if figure is None:
                notes.append(language.say("No map: no room has a position."))
            else:
                files += style.save(figure, folder, chart.value)
    return Drawn(files=tuple(files), notes=tuple(notes))
