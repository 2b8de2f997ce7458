"""All charts of a run."""

from __future__ import annotations

from pathlib import Path

from sim.plots import delay_loss, style, timeline, utilisation
from sim.results.run import Results


def draw_charts(results: Results, folder: Path) -> list[Path]:
    """Draw every chart into an existing folder, as PNG and SVG; return the files.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    charts = {
        "utilisation": utilisation.draw,
        "delay-loss": delay_loss.draw,
        "timeline": timeline.draw,
    }
    written: list[Path] = []
    with style.style():
        for name, draw in charts.items():
            written += style.save(draw(results), folder, name)
    return written
