"""Shades of loss on a map: classes that occur, the darker the worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib import colormaps
from matplotlib.lines import Line2D

from sim.language.language import Language
from sim.plots import style

Colour = str | tuple[float, float, float, float]
MOST_CLASSES = 7
NOTHING = "#FFFFFF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Classes of loss that occur, and their colours; what lost nothing is white.

    Attributes
    ----------
    classes : the limits of each, shares, from the lowest; the upper one belongs to the next class
    """

    classes: tuple[tuple[float, float], ...]

    @property
    def colours(self) -> list[Colour]:
        """Of the classes: the darker, the worse, for the colour-blind and in grey too."""
        # One hue; its palest part is left out, which is as good as white.
        n = len(self.classes)
        steps = np.linspace(0.14, min(0.4 + 0.2 * n, 1.0), n) if n > 1 else [0.5]
        return [(r, g, b, a) for r, g, b, a in colormaps["Blues"](steps).tolist()]

    def colour(self, loss: float) -> Colour:
        """Return the colour of a loss; white for none, or none known."""
        if np.isnan(loss) or loss <= 0:
            return NOTHING
        # Of no class, it is below or above all that the scale was made of.
        uppers = [upper for _, upper in self.classes[:-1]]
        return self.colours[sum(loss >= upper for upper in uppers)]


def scale(losses: Sequence[float]) -> Scale:
    """Return the classes, by 1, 2, 5 or by 1 alone, in which the losses above 0 are."""
    known = np.array([loss for loss in losses if loss > 0])
    found: list[tuple[float, float]] = []
    for steps in ((1, 2, 5), (1,)):
        edges = [
            0.0,
            *(float(f"{step}e{decade}") for decade in range(-9, 0) for step in steps),
            1.0,
        ]
        # Only the last class has its upper limit, 100 %.
        classes = [
            (low, high)
            for low, high in pairwise(edges)
            if ((known >= low) & ((known < high) | (high == 1.0))).any()
        ]
        found = classes
        if len(found) <= MOST_CLASSES:
            break
    return Scale(classes=tuple(found[-MOST_CLASSES:]))


def handles(classes: Scale, language: Language) -> list[Line2D]:
    """Return a square for each class, the worst first."""

    def square(colour: object, words: str) -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="none",
            marker="s",
            markersize=9,
            markerfacecolor=colour,  # type: ignore[arg-type]
            markeredgecolor="#555555",
            label=words,
        )

    made = [
        square(
            colour,
            language.say(
                "{low} to {high}",
                low=style.percent(low, language),
                high=style.percent(high, language),
            ),
        )
        for colour, (low, high) in zip(classes.colours, classes.classes, strict=True)
    ]
    return [*made[::-1], square(NOTHING, language.say("nothing, or not in the meeting"))]
