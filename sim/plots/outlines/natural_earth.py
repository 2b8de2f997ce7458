"""Natural Earth's outline of Viet Nam and of its archipelagos, out of the package `world-atlas`.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python -m sim.plots.outlines.natural_earth package

writes `natural-earth.geojson` beside this file. `world-atlas` is Natural Earth 4.1.0 at 1:10
million (public domain) as TopoJSON. Natural Earth gives the islands of Hoàng Sa and Trường Sa to
no province, and names the latter in English; here they get their Vietnamese names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Ring = list[tuple[float, float]]
FILE = Path(__file__).parent / "natural-earth.geojson"
DECIMALS = 4  # about 10 m; the package has steps of 0.0018 and 0.0036 degrees
# West, south, east, north. The islands of Hoàng Sa have no name in the package.
HOANG_SA = (111.0, 15.5, 113.0, 17.3)


def polygons(topology: dict[str, Any], layer: str, name: str | None) -> list[list[Ring]]:
    """Return the polygons of a layer, each a list of rings; of one country, or of all."""
    (scale_x, scale_y), (west, south) = (
        topology["transform"]["scale"],
        topology["transform"]["translate"],
    )
    arcs: list[Ring] = []
    for steps in topology["arcs"]:
        x = y = 0
        arc: Ring = []
        for dx, dy in steps:
            x, y = x + dx, y + dy
            arc.append((x * scale_x + west, y * scale_y + south))
        arcs.append(arc)
    found: list[list[Ring]] = []
    for shape in topology["objects"][layer]["geometries"]:
        if name is not None and shape["properties"]["name"] != name:
            continue
        parts = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
        found += [[_ring(arcs, numbers) for numbers in part] for part in parts]
    return found


def _ring(arcs: list[Ring], numbers: list[int]) -> Ring:
    """Join arcs, a negative number being one backwards, without repeating where they meet."""
    ring: Ring = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        ring += arc[1:] if ring else arc
    return [(round(x, DECIMALS), round(y, DECIMALS)) for x, y in ring]


def within(rings: list[Ring], box: tuple[float, float, float, float]) -> bool:
    """Return whether a polygon lies in a box."""
    west, south, east, north = box
    return all(west < x < east and south < y < north for x, y in rings[0])


def extract(package: Path) -> dict[str, Any]:
    """Return the outlines as GeoJSON."""
    countries = json.loads((package / "countries-10m.json").read_text(encoding="utf-8"))
    land = json.loads((package / "land-10m.json").read_text(encoding="utf-8"))
    parts = {
        "Việt Nam": polygons(countries, "countries", "Vietnam"),
        "Hoàng Sa": [p for p in polygons(land, "land", None) if within(p, HOANG_SA)],
        "Trường Sa": polygons(countries, "countries", "Spratly Is."),
    }
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": name},
                "geometry": {"type": "MultiPolygon", "coordinates": coordinates},
            }
            for name, coordinates in parts.items()
        ],
    }


if __name__ == "__main__":
    text = json.dumps(extract(Path(sys.argv[1])), ensure_ascii=False, separators=(",", ":"))
    FILE.write_text(text.replace('{"type":"Feature"', '\n{"type":"Feature"') + "\n", "utf-8")
