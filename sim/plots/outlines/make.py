"""Outlines of the 63 provinces of 2021, from points of communes and Natural Earth's border.

    python -m sim.plots.outlines.make

reads `scenarios/data/vietnam-2021.csv` and `natural-earth.geojson`, and writes
`vietnam-2021.geojson` beside this file. Needs Shapely, which is among the development packages.

Each commune gets all that is nearer to its point than to any other's (Voronoi, 1908); a
province is the union of its communes', within the border. So a boundary between provinces runs
half-way between the last communes of both: right to a few km, and for charts. Islands that
Natural Earth does not draw are marked by a circle, which is not their shape.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from math import cos, radians
from pathlib import Path
from typing import Any

import shapely
from shapely import Geometry, MultiPolygon, Point, Polygon
from shapely.affinity import scale

HERE = Path(__file__).parent
SITES = HERE.parents[2] / "scenarios" / "data" / "vietnam-2021.csv"
FILE = HERE / "vietnam-2021.geojson"

# At the middle of the country a degree of longitude is this part of one of latitude.
NARROW = cos(radians(16.0))
KM_PER_DEGREE = 111.2  # of latitude: the mean Earth's circumference / 360
OFFSHORE_KM = 5.0  # a point this far from land is on an island that Natural Earth does not draw
CIRCLE_KM = 1.6  # radius of the mark of such an island: assumption, to be seen at all
TOLERANCE_KM = 2.0  # detail that is left out between provinces (Visvalingam and Whyatt, 1993)
SMALLEST_KM2 = 1.0  # of a part that is kept, unless it is its province's largest
DECIMALS = 3  # about 100 m

# To whom the archipelagos belong, and islands of Trường Sa that Natural Earth lacks, degrees
# north and east, written down by the maker.
ARCHIPELAGOS = {"Hoàng Sa": "48", "Trường Sa": "56"}
ISLANDS = {
    "Trường Sa": (8.645, 111.920),
    "Song Tử Tây": (11.429, 114.331),
    "An Bang": (7.892, 112.921),
}
TRUONG_SA = "576"  # its communes share a point that is no island

Row = Mapping[str, str]


def read_sites() -> dict[str, Row]:
    """Return the rows of the list of sites by id."""
    with SITES.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def province_of(sites: Mapping[str, Row], site: str) -> str:
    """Return the id of the province that a district or commune is in."""
    while sites[site]["tier"] != "province":
        site = sites[site]["parent"]
    return site


def seeds(sites: Mapping[str, Row]) -> dict[tuple[float, float], str]:
    """Return a province for each point of a commune, or of a district without any, (x, y)."""
    parents = {row["parent"] for row in sites.values()}
    found: dict[tuple[float, float], str] = {}
    for site, row in sites.items():
        in_archipelago = row["name"] == "Huyện Hoàng Sa" or TRUONG_SA in (site, row["parent"])
        if row["tier"] in ("district", "commune") and site not in parents and not in_archipelago:
            point = float(row["lon"]) * NARROW, float(row["lat"])
            found.setdefault(point, province_of(sites, site))
    return found


def border() -> dict[str, Geometry]:
    """Return Natural Earth's outlines by name, in the plane of the seeds."""
    outlines = json.loads((HERE / "natural-earth.geojson").read_text(encoding="utf-8"))
    return {
        feature["properties"]["name"]: _flat(
            shapely.union_all(
                [
                    shapely.make_valid(Polygon(rings[0], rings[1:]))
                    for rings in feature["geometry"]["coordinates"]
                ]
            )
        )
        for feature in outlines["features"]
    }


def _flat(shape: Geometry) -> Geometry:
    return scale(shape, NARROW, 1.0, origin=(0, 0))


def circle(point: tuple[float, float]) -> Polygon:
    """Return the mark of an island."""
    return Point(point).buffer(CIRCLE_KM / KM_PER_DEGREE, quad_segs=3)


def provinces(points: Mapping[tuple[float, float], str], land: Geometry) -> dict[str, Geometry]:
    """Return each province's part of the land, and marks where a point is far from it."""
    islands = [
        point for point in points if land.distance(Point(point)) * KM_PER_DEGREE > OFFSHORE_KM
    ]
    cells = shapely.voronoi_polygons(
        shapely.MultiPoint(list(points)), extend_to=land, ordered=True
    ).geoms
    codes = sorted(set(points.values()))
    merged = [
        shapely.union_all(
            [cell for cell, code in zip(cells, points.values(), strict=True) if code == each]
        )
        for each in codes
    ]
    clipped = [_without_crumbs(shapely.intersection(shape, land)) for shape in merged]
    simple = shapely.coverage_simplify(
        clipped, TOLERANCE_KM / KM_PER_DEGREE, simplify_boundary=False
    )
    shapes = dict(zip(codes, simple, strict=True))
    for point in islands:
        shapes[points[point]] = shapely.union(shapes[points[point]], circle(point))
    return shapes


def _without_crumbs(shape: Geometry) -> Geometry:
    parts = sorted(_polygons(shape), key=lambda part: -part.area)
    least = SMALLEST_KM2 / KM_PER_DEGREE**2
    return MultiPolygon([part for i, part in enumerate(parts) if i == 0 or part.area >= least])


def _polygons(shape: Geometry) -> Sequence[Polygon]:
    return [part for part in shapely.get_parts(shape) if isinstance(part, Polygon)]


def outlines() -> dict[str, Any]:
    """Return the outlines of all provinces as GeoJSON."""
    sites = read_sites()
    natural_earth = border()
    shapes = provinces(seeds(sites), natural_earth["Việt Nam"])
    for name, code in ARCHIPELAGOS.items():
        more = [natural_earth[name]]
        if name == "Trường Sa":
            more += [circle((east * NARROW, north)) for north, east in ISLANDS.values()]
        shapes[code] = shapely.union_all([shapes[code], *more])
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": sites[code]["name"]},
            "geometry": {"type": "MultiPolygon", "coordinates": _coordinates(shape)},
        }
        for code, shape in sorted(shapes.items())
    ]
    return {"type": "FeatureCollection", "features": features}


def _coordinates(shape: Geometry) -> list[list[list[list[float]]]]:
    """Return a shape's parts from west to east, each a list of rings, in degrees."""
    parts = sorted(_polygons(shape), key=lambda part: part.bounds)
    return [
        [
            [[round(x / NARROW, DECIMALS), round(y, DECIMALS)] for x, y in ring.coords]
            for ring in (part.exterior, *part.interiors)
        ]
        for part in parts
    ]


def text() -> str:
    """Return the content of the file, a line for each province."""
    made = json.dumps(outlines(), ensure_ascii=False, separators=(",", ":"))
    return made.replace('{"type":"Feature"', '\n{"type":"Feature"') + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
