"""Draw pictures of the pages from a run, all charts or those that are named.

    python -m tests.docs.pictures results/national
    python -m tests.docs.pictures results/failover dark

The charts in English, with few colours, so that they are small.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from sim.plots.charts import draw_charts
from sim.results.stored import find_run, read_run
from tests.docs.session import ROOT

COLOURS = 256


def draw(run: Path, charts: Sequence[str] = ()) -> None:
    """Write `docs/pictures/<scenario>-<chart>.png` for each chart, or for those that are named."""
    stored = read_run(find_run(run))
    with TemporaryDirectory() as folder:
        for file in draw_charts(stored, Path(folder)).files:
            if file.suffix == ".png" and (not charts or file.stem in charts):
                picture = (
                    Image.open(file).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
                )
                name = f"{stored.scenario}-{file.name}"
                picture.save(ROOT / "docs" / "pictures" / name, optimize=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), sys.argv[2:])
