"""How charts look: colours that survive colour blindness and a grey printer, and quiet axes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sim.language.language import Language
from sim.units import format_share, printable

# Okabe and Ito, "Color universal design" (2008); the lightness differs too, and hatches help.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
CAUSE_COLOURS = {
    "outage": BLACK,
    "policer": YELLOW,
    "queue": ORANGE,
    "line": SKY,
    "endpoint": PURPLE,
    "port": GREEN,
}
CAUSE_HATCHES = {
    "outage": "",
    "policer": "xx",
    "queue": "//",
    "line": "",
    "endpoint": "..",
    "port": "\\\\",
}
GRID = "#CCCCCC"
PALE = "#EEEEEE"
PALE_YELLOW = "#FAF6C8"
WIDTH_IN = 9.0
_DPI = 150
_LONGEST_LABEL = 40

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "figure.titlesize": 12,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    # Names come from files: a dollar sign in one is not mathematics.
    "text.parse_math": False,
    # Ids in the SVG are hashes of this and of what is drawn: the same chart, the same bytes.
    "svg.hashsalt": "relay-tree-sim",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save charts within this block."""
    with matplotlib.rc_context(_RC), warnings.catch_warnings():
        # A name in a script the font lacks is drawn as boxes, which is all one can do about it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def figure(height_in: float) -> Figure:
    """Return an empty figure that makes room for its labels."""
    # Letters are not as wide at every resolution: room is made at the one that is saved.
    return Figure(figsize=(WIDTH_IN, height_in), dpi=_DPI, layout="constrained")


def title(figure: Figure, text: str) -> None:
    """Put a title over the whole figure."""
    figure.suptitle(label(text, longest=90), x=0.01, ha="left", fontweight="bold")


def grid(axes: Axes, axis: str) -> None:
    """Draw faint lines behind the data along one axis: `x` or `y`."""
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis=axis, color=GRID, linewidth=0.6)  # type: ignore[arg-type]


def label(text: str, *, longest: int = _LONGEST_LABEL) -> str:
    """Return a name from a file as one can draw it: printable, and not too long."""
    text = printable(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def figure_ticks(axis: Axis, language: Language) -> None:
    """Write the figures at an axis as the language does."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: language.figure(f"{value:,.10g}")))


def percent(share: float, language: Language, *, digits: int = 2) -> str:
    """Return a share with its `%`, as the language writes it."""
    return language.figure(format_share(share, digits=digits))


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write the figure as PNG and SVG, without a date or a version in them."""
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    # Everything is put in its place once, and not again for each file.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    figure.savefig(png, dpi=_DPI, metadata={"Software": None})
    figure.savefig(svg, metadata={"Date": None, "Creator": None})
    return [png, svg]
