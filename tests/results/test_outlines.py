"""Outlines of the provinces: all there, around their communes, side by side, islands included."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import shapely

from sim.plots import outlines
from sim.plots.outlines import make

SITES = Path(__file__).parents[2] / "scenarios" / "data" / "vietnam-2021.csv"
KM = 1 / 111.2  # in degrees of latitude


@pytest.fixture(scope="module")
def sites():
    with SITES.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def shapes():
    return {
        outline.code: shapely.MultiPolygon(
            [shapely.Polygon(rings[0], rings[1:]) for rings in outline.parts]
        )
        for outline in outlines.provinces()
    }


def communes(sites):
    """Return the province and the point of each commune."""
    return [
        (sites[row["parent"]]["parent"], shapely.Point(float(row["lon"]), float(row["lat"])), row)
        for row in sites.values()
        if row["tier"] == "commune"
    ]


def test_the_file_is_what_its_script_makes():
    """If not: python -m sim.plots.outlines.make."""
    assert make.FILE.read_text(encoding="utf-8") == make.text()


def test_every_province_is_there_with_its_name(sites):
    expected = {id_: row["name"] for id_, row in sites.items() if row["tier"] == "province"}
    found = {outline.code: outline.name for outline in outlines.provinces()}
    assert found == expected
    assert len(found) == 63
    assert len({outlines.plain_name(name) for name in found.values()}) == 63


def test_nearly_all_communes_lie_in_their_province(sites, shapes):
    outside = [
        (shapes[province].distance(point), row)
        for province, point, row in communes(sites)
        if not shapes[province].contains(point)
    ]
    # On islets, and at coasts that are drawn more simply than they are.
    assert len(outside) < 0.02 * 10_599
    far = [row["parent"] for distance, row in outside if distance > 6 * KM]
    assert far == ["576"] * 3  # Trường Sa, whose communes share a point at sea


def test_no_commune_lies_deep_in_another_province(sites, shapes):
    inner = {code: shape.buffer(-3.5 * KM) for code, shape in shapes.items()}
    wrong = [
        row["name"]
        for province, point, row in communes(sites)
        for code, shape in inner.items()
        if code != province and shape.contains(point)
    ]
    assert not wrong


def test_provinces_do_not_overlap(shapes):
    each = list(shapes.values())
    assert all(shape.is_valid for shape in each)
    assert shapely.coverage_is_valid(each)
    assert sum(shape.area for shape in each) == pytest.approx(shapely.union_all(each).area)


@pytest.mark.parametrize(
    ("district", "province"),
    [
        ("203", "22"),  # Vân Đồn
        ("207", "22"),  # Cô Tô
        ("317", "31"),  # Cát Hải
        ("318", "31"),  # Bạch Long Vĩ
        ("471", "45"),  # Cồn Cỏ
        ("498", "48"),  # Hoàng Sa
        ("536", "51"),  # Lý Sơn
        ("601", "60"),  # Phú Quý
        ("755", "77"),  # Côn Đảo
        ("911", "91"),  # Phú Quốc
        ("912", "91"),  # Kiên Hải
    ],
)
def test_island_districts_are_drawn(sites, shapes, district, province):
    row = sites[district]
    assert row["parent"] == province
    point = shapely.Point(float(row["lon"]), float(row["lat"]))
    # The point of Hoàng Sa is in the middle of its islands, some of others between two.
    assert shapes[province].distance(point) < (80 if district == "498" else 12) * KM


def test_the_archipelagos_have_their_islands(shapes):
    hoang_sa = [part for part in shapes["48"].geoms if part.bounds[0] > 110]
    truong_sa = [part for part in shapes["56"].geoms if part.bounds[0] > 110]
    assert (len(hoang_sa), len(truong_sa)) == (6, 15)
    assert shapely.box(111, 15.5, 113, 17.3).contains(shapely.union_all(hoang_sa))
    assert shapely.box(111, 7.5, 116, 11.6).contains(shapely.union_all(truong_sa))
