"""The shipped list of sites is the country of September 2021."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOUTH_EAST = {"70", "72", "74", "75", "77", "79"}
MEKONG_DELTA = {"80", "82", "83", "84", "86", "87", "89", "91", "92", "93", "94", "95", "96"}
ABOVE = {"province": "central", "district": "province", "commune": "district"}
CODE_LENGTH = {"province": 2, "district": 3, "commune": 5}
ISLANDS_WITHOUT_COMMUNES = {"318", "471", "498", "536", "755"}

Row = dict[str, str]


@pytest.fixture(scope="module")
def sites() -> dict[str, Row]:
    path = ROOT / "scenarios/data/vietnam-2021.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_id = {row["id"]: row for row in rows}
    assert len(by_id) == len(rows), "an id is there twice"
    return by_id


def test_every_division_is_there(sites: dict[str, Row]) -> None:
    tiers = Counter(row["tier"] for row in sites.values())
    assert tiers == {"central": 1, "province": 63, "district": 705, "commune": 10_599}


def test_every_site_hangs_on_the_tier_above(sites: dict[str, Row]) -> None:
    for row in sites.values():
        if row["tier"] != "central":
            assert sites[row["parent"]]["tier"] == ABOVE[row["tier"]], row
            assert len(row["id"]) == CODE_LENGTH[row["tier"]], row


def test_five_island_districts_have_no_commune(sites: dict[str, Row]) -> None:
    parents = {row["parent"] for row in sites.values()}
    leaves = {row["id"] for row in sites.values() if row["tier"] == "district"} - parents
    assert leaves == ISLANDS_WITHOUT_COMMUNES


def test_the_south_has_fewer_communes_than_reported_sites(sites: dict[str, Row]) -> None:
    provinces = SOUTH_EAST | MEKONG_DELTA
    districts = {row["id"] for row in sites.values() if row["parent"] in provinces}
    communes = [row for row in sites.values() if row["parent"] in districts]
    assert (len(districts), len(communes)) == (204, 2_465)


def test_every_province_has_one_of_eight_regions(sites: dict[str, Row]) -> None:
    regions = Counter(row["region"] for row in sites.values() if row["tier"] == "province")
    assert len(regions) == 8
    assert "" not in regions


def test_every_site_has_a_name_and_a_place(sites: dict[str, Row]) -> None:
    for row in sites.values():
        assert row["name"] == unicodedata.normalize("NFC", row["name"]).strip() != ""
        # Hoàng Sa and Trường Sa lie east of the mainland.
        assert 7 < float(row["lat"]) < 24, row
        assert 102 < float(row["lon"]) < 116, row
