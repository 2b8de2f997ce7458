"""A map: loss by province, and the rooms that lost most.

A branch whose name is that of a province of Viet Nam is drawn as its outline, with Hoàng Sa,
Trường Sa and the other island districts in insets. Elsewhere each room is a point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from sim.language.language import Language
from sim.plots import style
from sim.plots.loss import Province, provinces
from sim.plots.outlines import Outline, plain_name
from sim.plots.outlines import provinces as outlines
from sim.plots.shades import NOTHING, Colour, Scale, handles, scale
from sim.results.stored import Stored

Float64Array = NDArray[np.float64]
Part = tuple[Float64Array, ...]
MOST_POINTS = 1000
LEAST_POINTS = 10
WORST_SHARE = 0.01  # of all rooms are points where no requirement says which
NAMED = 5
_SEA = "#F4F8FB"
_PLAIN_HEIGHT_IN = 7.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of the country in an inset: its name, and degrees."""

    name: str
    west: float
    south: float
    east: float
    north: float


HOANG_SA = Box(name="Quần đảo Hoàng Sa (Đà Nẵng)", west=110.9, south=15.4, east=113.1, north=17.3)
TRUONG_SA = Box(
    name="Quần đảo Trường Sa (Khánh Hòa)", west=109.6, south=7.2, east=116.2, north=11.8
)
ARCHIPELAGOS = {"48": HOANG_SA, "56": TRUONG_SA}  # by the province they belong to
# The other districts that are islands, with their names.
ISLANDS = (
    Box(name="Vân Đồn, Cô Tô", west=107.2, south=20.65, east=107.95, north=21.4),
    Box(name="Cát Hải", west=106.75, south=20.5, east=107.35, north=21.1),
    Box(name="Bạch Long Vĩ", west=107.61, south=20.01, east=107.85, north=20.25),
    Box(name="Cồn Cỏ", west=107.22, south=17.04, east=107.46, north=17.28),
    Box(name="Lý Sơn", west=109.0, south=15.26, east=109.24, north=15.5),
    Box(name="Phú Quý", west=108.82, south=10.4, east=109.07, north=10.65),
    Box(name="Côn Đảo", west=106.46, south=8.54, east=106.8, north=8.88),
    Box(name="Kiên Hải", west=104.15, south=9.5, east=105.05, north=10.4),
    Box(name="Phú Quốc", west=103.6, south=9.8, east=104.3, north=10.5),
)
MAINLAND = Box(name="", west=101.9, south=8.2, east=109.8, north=23.6)
_WHOLE_COUNTRY = 8.0  # degrees of latitude from which a part is shown as the whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Rooms on the map, the worst first.

    Attributes
    ----------
    east, north : (k,) float64, degrees
    loss : (k,) float64, a share
    place : names of the first `NAMED`
    limit : what they lose more than; None: they are the worst part of all rooms
    """

    east: Float64Array
    north: Float64Array
    loss: Float64Array
    place: tuple[str, ...]
    limit: float | None


def worst_rooms(stored: Stored) -> Points | None:
    """Return the rooms that lose more than the strictest requirement allows, or the worst part.

    None where no room has a position.
    """
    rooms = stored.tables["endpoints"]
    north, east = rooms.numbers("latitude"), rooms.numbers("longitude")
    here = ~np.isnan(north)
    if not here.any():
        return None
    loss = np.where(here, np.nan_to_num(rooms.numbers("loss")), -1)
    order = np.lexsort((np.arange(loss.size), -loss))
    order = order[loss[order] > 0]
    limits = stored.limits("rooms", "loss")
    limit = limits[0] if limits else None
    if limit is None:
        order = order[: max(LEAST_POINTS, round(WORST_SHARE * int(here.sum())))]
    else:
        order = order[loss[order] > limit]
    return Points(
        east=east[order],
        north=north[order],
        loss=loss[order],
        place=tuple(rooms.texts("place", order[:NAMED])),
        limit=limit,
    )


def by_outline(stored: Stored) -> dict[str, Province]:
    """Return the branch that each outline shows, by the outline's code.

    A branch is a province if it has the name of one, with or without its kind.
    """
    codes = {plain_name(outline.name): outline.code for outline in outlines()}
    found: dict[str, Province] = {}
    for row in provinces(stored):
        code = codes.get(plain_name(row.name))
        if code is not None:
            found.setdefault(code, row)
    return found


def draw(stored: Stored, language: Language) -> Figure | None:
    """Return the chart; None where no room has a position."""
    points = worst_rooms(stored)
    if points is None:
        return None
    shown = by_outline(stored)
    if not shown:
        return _draw_points(stored, language)
    return _draw_country(stored, shown, points, language)


def _draw_country(
    stored: Stored, shown: Mapping[str, Province], points: Points, language: Language
) -> Figure:
    figure = Figure(figsize=(style.WIDTH_IN, 11.6))
    title = language.say("Where packets were lost – {scenario}", scenario=stored.scenario)
    style.title(figure, title)
    classes = scale([row.loss for row in shown.values()])
    main = _view([outline for outline in outlines() if outline.code in shown])
    axes = figure.add_axes((0.015, 0.135, 0.60, 0.82))
    _draw_box(axes, main, shown, classes, points, size=1.0 if main == MAINLAND else 4.0)
    _letter(axes, shown, main)
    left, width = 0.635, 0.35
    _legend(figure, (left, 0.80, width, 0.15), classes, points, language)
    for box, bottom, height in ((HOANG_SA, 0.645, 0.135), (TRUONG_SA, 0.135, 0.175)):
        _draw_box(
            figure.add_axes((left, bottom, width, height)), box, shown, classes, points, size=2.0
        )
    for number, box in enumerate(ISLANDS):
        row, column = divmod(number, 3)
        where = (left + column * (width + 0.006) / 3, 0.535 - row * 0.108, width / 3 - 0.006, 0.096)
        _draw_box(figure.add_axes(where), box, shown, classes, points, size=1.6)
    _lists(figure, shown, points, language)
    return figure


def _view(shown: Sequence[Outline]) -> Box:
    """Return what the main map shows: the provinces that are there, or the whole mainland."""
    rings = np.concatenate([outline.largest for outline in shown])
    (west, south), (east, north) = rings.min(axis=0), rings.max(axis=0)
    if north - south > _WHOLE_COUNTRY:
        return MAINLAND
    margin = 0.06 * max(east - west, north - south)
    return Box(
        name="",
        west=float(west - margin),
        south=float(south - margin),
        east=float(east + margin),
        north=float(north + margin),
    )


def _draw_box(
    axes: Axes,
    box: Box,
    shown: Mapping[str, Province],
    classes: Scale,
    points: Points,
    *,
    size: float,
) -> None:
    """Draw the outlines and points in a box; `size` is that of the points."""
    west, south, east, north = _fitted(axes, box)
    for outline in outlines():
        row = shown.get(outline.code)
        colour = NOTHING if row is None else classes.colour(row.loss)
        parts = [
            part
            for part in outline.parts
            if (part[0].max(axis=0) > (west, south)).all()
            and (part[0].min(axis=0) < (east, north)).all()
        ]
        if parts:
            axes.add_patch(
                PathPatch(
                    _path(parts),
                    facecolor=colour,
                    edgecolor="#555555",
                    linewidth=0.7 if box.name else 0.45,
                    label=outline.code,
                )
            )
        if ARCHIPELAGOS.get(outline.code) == box:
            _dots(axes, [part for part in parts if part[0][:, 0].min() > box.west], colour)
    # The worst last, so that none hides it.
    axes.scatter(
        points.east[:MOST_POINTS][::-1],
        points.north[:MOST_POINTS][::-1],
        s=7 * size,
        color=style.VERMILION,
        edgecolor="white",
        linewidth=0.35,
        zorder=3,
    )
    _frame(axes, box)


def _dots(axes: Axes, parts: Sequence[Part], colour: Colour) -> None:
    """Draw the islands of an archipelago larger than they are: else nobody would see them."""
    for rings in parts:
        east, north = (rings[0].min(axis=0) + rings[0].max(axis=0)) / 2
        axes.plot(
            east,
            north,
            "o",
            markersize=4,
            markerfacecolor=colour,
            markeredgecolor="#333333",
            markeredgewidth=0.6,
        )


def _frame(axes: Axes, box: Box) -> None:
    west, south, east, north = _fitted(axes, box)
    axes.set_facecolor(_SEA)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(bool(box.name))
    axes.spines[:].set_linewidth(0.6)
    if box.name:
        axes.text(
            0.0,
            1.0,
            box.name,
            transform=axes.transAxes,
            ha="left",
            va="top",
            fontsize=7.5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.85},
            zorder=4,
        )


def _fitted(axes: Axes, box: Box) -> tuple[float, float, float, float]:
    """Return the box made wider or higher, so that it fills the axes without distortion."""
    assert isinstance(axes.figure, Figure)
    figure_width, figure_height = axes.figure.get_size_inches()
    position = axes.get_position()
    shape = position.width * figure_width / (position.height * figure_height)
    # Degrees of longitude are narrower than those of latitude.
    narrow = np.cos(np.radians((box.south + box.north) / 2))
    width, height = (box.east - box.west) * narrow, box.north - box.south
    more_width, more_height = max(shape * height - width, 0.0), max(width / shape - height, 0.0)
    return (
        float(box.west - more_width / narrow / 2),
        box.south - more_height / 2,
        float(box.east + more_width / narrow / 2),
        box.north + more_height / 2,
    )


def _path(parts: Sequence[Part]) -> Path:
    rings = [ring for part in parts for ring in part]
    codes = [
        np.array(
            [Path.MOVETO, *[Path.LINETO] * (len(ring) - 2), Path.CLOSEPOLY], dtype=Path.code_type
        )
        for ring in rings
    ]
    return Path(np.concatenate(rings), np.concatenate(codes))


def _worst_provinces(shown: Mapping[str, Province]) -> list[tuple[str, Province]]:
    rows = [(code, row) for code, row in shown.items() if row.loss > 0]
    return sorted(rows, key=lambda item: (-item[1].loss, item[0]))[:NAMED]


def _letter(axes: Axes, shown: Mapping[str, Province], main: Box) -> None:
    """Write the number of each of the worst provinces on it."""
    by_code = {outline.code: outline for outline in outlines()}
    for number, (code, _) in enumerate(_worst_provinces(shown), start=1):
        ring = by_code[code].largest
        east, north = (ring.min(axis=0) + ring.max(axis=0)) / 2
        axes.text(
            east,
            north,
            str(number),
            ha="center",
            va="center",
            fontsize=6.5,
            fontweight="bold",
            bbox={"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": style.BLACK},
            zorder=5,
            clip_on=True,
        )


def _legend(
    figure: Figure,
    where: tuple[float, float, float, float],
    classes: Scale,
    points: Points,
    language: Language,
) -> None:
    axes = figure.add_axes(where)
    axes.set_axis_off()
    axes.legend(
        handles=[
            *handles(classes, language),
            Line2D(
                [],
                [],
                linestyle="none",
                marker="o",
                markersize=5,
                color=style.VERMILION,
                markeredgecolor="white",
                label=_points_words(points, language),
            ),
        ],
        title=language.say("Lost, of what was due"),
        loc="upper left",
        borderaxespad=0,
        fontsize=8.5,
        title_fontsize=9.5,
        alignment="left",
    )


def _points_words(points: Points, language: Language) -> str:
    n = points.loss.size
    if points.limit is None:
        return language.say_count(n, "{n} room that lost most", "{n} rooms that lost most")
    return language.say_count(
        n,
        "{n} room that lost more than {limit}",
        "{n} rooms that lost more than {limit}",
        limit=style.percent(points.limit, language),
    )


def _lists(
    figure: Figure, shown: Mapping[str, Province], points: Points, language: Language
) -> None:
    """Name the worst provinces and the worst rooms, below the map."""
    axes = figure.add_axes((0.015, 0.01, 0.97, 0.115))
    axes.set_axis_off()
    columns = (
        (
            0.0,
            language.say("Where most was lost"),
            [
                f"{number}  {style.label(row.name)}: {style.percent(row.loss, language)}"
                for number, (_, row) in enumerate(_worst_provinces(shown), start=1)
            ],
        ),
        (
            0.36,
            language.say("Rooms that lost most"),
            [
                f"{style.label(place, longest=58)}: {style.percent(loss, language)}"
                for place, loss in zip(points.place, points.loss.tolist(), strict=False)
            ],
        ),
    )
    for x, heading, lines in columns:
        axes.text(x, 1.0, heading, fontsize=9.5, fontweight="bold", va="top")
        axes.text(x, 0.83, "\n".join(lines) or "–", fontsize=8.5, va="top", linespacing=1.35)


def _draw_points(stored: Stored, language: Language) -> Figure:
    """Draw every room that has a position as a point."""
    rooms = stored.tables["endpoints"]
    north, east, loss = (rooms.numbers(name) for name in ("latitude", "longitude", "loss"))
    here = np.flatnonzero(~np.isnan(north))
    here = here[np.argsort(np.nan_to_num(loss[here]), kind="stable")]
    classes = scale(loss[here].tolist())
    figure = style.figure(_PLAIN_HEIGHT_IN)
    title = language.say("Where packets were lost – {scenario}", scenario=stored.scenario)
    style.title(figure, title)
    axes = figure.add_subplot()
    axes.scatter(
        east[here],
        north[here],
        s=22,
        c=[classes.colour(each) for each in loss[here].tolist()],
        edgecolor="#555555",
        linewidth=0.5,
    )
    middle = float(np.clip((north[here].min() + north[here].max()) / 2, -80, 80))
    axes.set_aspect(1 / np.cos(np.radians(middle)), adjustable="datalim")
    axes.set_xlabel(language.say("Degrees east"))
    axes.set_ylabel(language.say("Degrees north"))
    style.figure_ticks(axes.xaxis, language)
    style.figure_ticks(axes.yaxis, language)
    style.grid(axes, "both")
    figure.legend(
        handles=handles(classes, language),
        title=language.say("Lost, of what was due"),
        loc="outside lower center",
        ncols=4,
        fontsize=8.5,
    )
    return figure
