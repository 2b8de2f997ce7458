"""Outlines of Viet Nam's 63 provinces as they were in 2021, for maps.

What they are made of, and how, is in `README.md` and `make.py` beside this file. They are right
to a few km: for charts, not for measuring.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
KINDS = ("tỉnh ", "thành phố ")  # of provinces, which people leave out of their names


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A province.

    Attributes
    ----------
    code : of the General Statistics Office, two digits
    name : official, with its kind
    parts : its polygons, each a list of rings, the first of them outside; (n, 2) float64 of
        degrees east and north
    """

    code: str
    name: str
    parts: tuple[tuple[Float64Array, ...], ...]

    @property
    def largest(self) -> Float64Array:
        """The outer ring of its largest part, (n, 2)."""
        return max((rings[0] for rings in self.parts), key=_area)


@cache
def provinces() -> tuple[Outline, ...]:
    """Return the 63 provinces, by code."""
    text = (files("sim.plots.outlines") / "vietnam-2021.geojson").read_text(encoding="utf-8")
    return tuple(
        Outline(
            code=feature["properties"]["code"],
            name=feature["properties"]["name"],
            parts=tuple(
                tuple(np.array(ring, dtype=np.float64) for ring in rings)
                for rings in feature["geometry"]["coordinates"]
            ),
        )
        for feature in json.loads(text)["features"]
    )


def plain_name(name: str) -> str:
    """Return the name of a province without its kind, to compare it by.

    Examples
    --------
    >>> plain_name("Tỉnh Cà Mau"), plain_name("Cà Mau"), plain_name("Thành phố Hà Nội")
    ('cà mau', 'cà mau', 'hà nội')
    """
    name = " ".join(name.casefold().split())
    for kind in KINDS:
        name = name.removeprefix(kind)
    return name


def _area(ring: Float64Array) -> float:
    """Return the area of a ring in square degrees, by the shoelace formula."""
    x, y = ring[:-1].T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
