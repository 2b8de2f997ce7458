"""Sites: tables, counts, thinning, and draws that no other site changes."""

from __future__ import annotations

import math
import random

import pytest

from sim import rng
from sim.scenario import draws
from tests.scenario.files import SMALL, edited, problems_of, small

TABLE = SMALL.split("  table: |\n")[1].split("relays:")[0]
ROWS = TABLE.splitlines(keepends=True)[1:]
DELAYS = [
    ("buffer: 50 ms}", "buffer: 50 ms, delay: 1 ms}"),
    ("  commune:", "  commune:\n    delay: 1 ms"),
]


def generated(counts: str, *edits: tuple[str, str]):
    return small(("  table: |\n" + TABLE, f"  generate: {counts}\n"), *DELAYS, *edits)


def many(count: int) -> str:
    """Return rows of further communes below the two provinces."""
    return "".join(
        f"    {number:05}, commune, {79 + number % 2}, Xã {number}, 10.5, 106.5,\n"
        for number in range(count)
    )


def by_id(scenario):
    return {site.id: site for site in scenario.sites}


def test_rows_become_sites_with_inherited_regions_and_rooms():
    sites = by_id(small())
    assert list(sites) == sorted(sites, key=str.encode)
    assert sites["26734"].region == "South"
    assert sites["27688"].region == "Delta"
    assert sites["central"].region == ""
    assert [site.id for site in sites.values() if site.room] == ["26734", "26737", "27688"]
    assert sites["79"].name == "Thành phố Hồ Chí Minh"
    assert (sites["79"].latitude, sites["79"].longitude) == (10.8, 106.7)


def test_rooms_of_a_tier_are_added():
    rooms = [
        site.id for site in small(("table: |", "rooms: [province]\n  table: |")).sites if site.room
    ]
    assert rooms == ["26734", "26737", "27688", "79", "80"]


@pytest.mark.parametrize("shuffle", range(5))
def test_the_order_of_sites_in_the_file_leaves_no_trace(shuffle):
    rows = ROWS.copy()
    random.Random(shuffle).shuffle(rows)
    assert rows != ROWS
    assert small(("".join(ROWS), "".join(rows))) == small()


def test_generated_sites_are_spread_evenly_over_their_parents():
    scenario = generated("{province: 3, commune: 10}")
    sites = by_id(scenario)
    parents = [sites[f"commune-{number:02}"].parent for number in range(1, 11)]
    assert parents == [f"province-{i * 3 // 10 + 1}" for i in range(10)]
    assert math.isnan(sites["commune-01"].latitude)
    assert len(sites) == 14


def test_each_means_per_parent():
    scenario = generated("{province: 3, commune: 4 each}")
    parents = [site.parent for site in scenario.sites if site.tier == "commune"]
    assert sorted(parents) == [f"province-{i}" for i in (1, 2, 3) for _ in range(4)]


def test_only_keeps_what_is_above_and_below():
    assert list(by_id(small(("table: |", 'only: ["80"]\n  table: |')))) == [
        "27688",
        "80",
        "central",
    ]
    kept = by_id(small(("table: |", 'only: ["26734", "80"]\n  table: |')))
    assert list(kept) == ["26734", "27688", "79", "80", "central"]


def test_count_keeps_the_smallest_draws():
    text = [("    27688", many(20) + "    27688")]
    listed = [site.id for site in small(*text).sites if site.tier == "commune"]
    word = {i: int(rng.words(rng.key(2, f"site/{i}", "draw"), 0, 1)[0]) for i in listed}
    expected = sorted(sorted(listed, key=word.__getitem__)[:9])
    thinned = small(*text, ("table: |", "count: {commune: 9}\n  table: |"))
    assert [site.id for site in thinned.sites if site.tier == "commune"] == expected


def test_count_beyond_the_list_adds_second_sites():
    scenario = small(("table: |", "count: {commune: 5}\n  table: |"))
    sites = by_id(scenario)
    second = [site for site in sites.values() if site.id.endswith("-2")]
    assert len(second) == 2
    for site in second:
        first = sites[site.id.removesuffix("-2")]
        assert site.name == f"{first.name} (2)"
        assert (site.parent, site.region, site.latitude) == (
            first.parent,
            first.region,
            first.latitude,
        )
    assert len(scenario.lines) == len(sites) - 1


def test_draws_do_not_depend_on_other_sites():
    few, more = small(), small(("    27688", many(50) + "    27688"))
    lines = {line.site: line for line in more.lines}
    assert all(lines[line.site] == line for line in few.lines)


def test_fast_draws_are_the_draws():
    ids = [f"x{number}" for number in range(50)]
    assert draws.uniforms(7, ids, "class") == [
        rng.uniform(rng.key(7, f"site/{i}", "class"), 0) for i in ids
    ]
    assert draws.first_words(7, ids, "draw") == [
        int(rng.words(rng.key(7, f"site/{i}", "draw"), 0, 1)[0]) for i in ids
    ]


def test_a_thousand_faulty_rows_are_all_reported_up_to_a_limit():
    text = edited(("    27688", many(1500).replace("commune", "comune") + "    27688"))
    told = problems_of(text)
    assert len(told) == 1001
    assert told[-1].endswith("500 more problems; only the first 1000 are listed")
