"""Requirements: what an entry asks for, of whom, and how it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.language.language import ENGLISH, Language
from sim.scenario import memory
from sim.scenario.grids import SHORTEST_STEP_NS, grid_of
from sim.scenario.loader import load_text
from sim.scenario.requirement_sets import SETS
from sim.scenario.resolved import resolved_text
from sim.scenario.sentences import sentence
from tests.scenario.files import edited, problems_of, small

MS = 10**6
S = 10**9
VIETNAMESE = Language("vi")
GROUPS = """\
groups:
  south: [site/79]
  few: [line/26737, relay/80, relay/central]
  viettel: [carrier/viettel, line/80]
"""


def read(entry: str, *edits: tuple[str, str], extra: str = ""):
    return small(*edits, append=f"{extra}requirements:\n  - {{{entry}}}\n").requirements


def one(entry: str, *edits: tuple[str, str], extra: str = ""):
    (requirement,) = read(entry, *edits, extra=extra)
    return requirement


@pytest.mark.parametrize(
    ("entry", "measure", "percentile", "span_ns", "limit"),
    [
        ("rooms: 99 %, loss: at most 1 %", "loss", 0, 0, 0.01),
        ("rooms: 99 %, loss: at most 1 %, in_any: 15 s", "loss", 0, 15 * S, 0.01),
        ("rooms: 99 %, delay_p50: at most 150 ms", "delay", 50, 0, 150 * MS),
        ("rooms: 99 %, delay_p95: at most 150 ms", "delay", 95, 0, 150 * MS),
        ("rooms: 99 %, delay_p99: at most 150 ms", "delay", 99, 0, 150 * MS),
        ("rooms: 99 %, delay_max: at most 150 ms", "delay", 100, 0, 150 * MS),
        ("rooms: 99 %, jitter: at most 30 ms", "jitter", 0, 0, 30 * MS),
        ("rooms: 99 %, mos: at least 3.6", "mos", 0, 0, 3.6),
        ("rooms: 99 %, freezes: at most 3", "freezes", 0, 0, 3),
        ("rooms: 99 %, dark: at most 10 s", "dark", 0, 0, 10 * S),
        ("rooms: all, dark_in_total: at most 1 h", "dark_in_total", 0, 0, 3600 * S),
        ("lines: 99 %, utilisation: at most 80 %", "utilisation", 0, 0, 0.8),
        ("egresses: 99 %, utilisation: at most 80 %", "utilisation", 0, 0, 0.8),
    ],
)
def test_an_entry_is_one_limit(entry, measure, percentile, span_ns, limit):
    found = one(entry, ("frames: 30/s}", "frames: 30/s, playout: 200 ms, codec: opus}"))
    assert found.subject == entry.split(":")[0]
    assert found.share == (1 if "all" in entry else 0.99)
    assert found.of is None
    assert (found.measure, found.percentile, found.span_ns) == (measure, percentile, span_ns)
    assert (found.sense, found.limit) == ("at least" if measure == "mos" else "at most", limit)


@pytest.mark.parametrize(
    ("of", "sites"),
    [
        ("tier/province", "79 80"),
        ("tier/commune in site/79", "26734 26737"),
        ("region/South", "26734 26737 79 80"),
        ("region/Delta", "27688"),
        ("site/79", "26734 26737 79"),
        ("site/26734", "26734"),
        ("carrier/vnpt in tier/province", "79 80"),
        ("group/south", "26734 26737 79"),
        ("group/south in tier/commune", "26734 26737"),
        ("group/few", "26737 80 central"),
        ("  region/Delta ", "27688"),
    ],
)
def test_of_means_these_sites(of, sites):
    found = one(f"lines: all, of: '{of}', utilisation: at most 80 %", extra=GROUPS)
    assert found.of.text == of.strip()
    assert " ".join(found.of.sites) == sites


@pytest.mark.parametrize("of", ["carrier/viettel", "class/radio", "group/viettel"])
def test_carriers_and_classes_are_those_of_the_primary_lines(of):
    found = small(
        append=f"{GROUPS}requirements:\n  - {{lines: all, of: {of}, utilisation: at most 1 %}}\n"
    )
    expected = {
        line.site
        for line in found.lines
        if line.carrier == "viettel" or (of == "group/viettel" and line.site == "80")
    }
    assert expected > {"80"} if of == "group/viettel" else expected
    assert set(found.requirements[0].of.sites) == expected


def test_of_a_class_that_no_site_drew_there_is_nothing_to_judge():
    # A tenth of a thousandth of a per cent: with three communes, no seed draws it.
    edits = (("share: 70 %", "share: 99.9999 %"), ("share: 30 %", "share: 0.0001 %"))
    wanted = "requirements:\n  - {rooms: all, of: class/radio, loss: at most 1 %}\n"
    assert problems_of(edited(*edits, append=wanted)) == [
        "27:22: requirements.0.of: no room is of 'class/radio'"
    ]


def test_an_egress_is_of_a_carrier_if_it_feeds_a_line_of_it():
    own = (
        "egress: {rate: 1 Gbit/s, buffer: 20 ms}}",
        "egress: {carriers: {vnpt: {rate: 1 Gbit/s, buffer: 20 ms}}}}",
    )
    assert one("egresses: all, of: carrier/vnpt, utilisation: at most 1 %", own).of.by_line
    none = [
        ("egress: {rate: 1 Gbit/s, buffer: 20 ms}", "egress: none"),
        ("egress: {rate: 100 Mbit/s, buffer: 20 ms}", "egress: none"),
    ]
    wanted = "requirements:\n  - {egresses: all, of: carrier/vnpt, utilisation: at most 1 %}\n"
    assert problems_of(edited(*none, append=wanted)) == [
        "27:25: requirements.0.of: no shared egress is of 'carrier/vnpt'"
    ]


def test_a_set_becomes_ordinary_requirements():
    found = read("use: teams, of: tier/commune, rooms: 99 %")
    assert [requirement.text for requirement in found] == [
        "99 % of rooms (tier commune): loss at most 1 % in any 15 s",
        "99 % of rooms (tier commune): loss at most 10 % in any 200 ms",
        "99 % of rooms (tier commune): jitter at most 30 ms",
    ]
    assert found[0] == one("rooms: 99 %, of: tier/commune, loss: at most 1 %, in_any: 15 s")
    assert [requirement.text for requirement in read("use: g114")] == [
        "100 % of rooms: delay p99 at most 150 ms"
    ]


@pytest.mark.parametrize("name", SETS)
def test_every_set_can_be_used(name):
    assert len(read(f"use: {name}")) == len(SETS[name])


def test_a_set_may_ask_for_what_so_many_rooms_do_not_keep(monkeypatch):
    monkeypatch.setattr("sim.grouping.MOST_ROOMS", 2)
    (told,) = problems_of(edited(append="requirements:\n  - {use: g114}\n"))
    assert told.startswith("27:11: requirements.0.use: is not kept for single rooms")
    assert read("use: teams")


@pytest.mark.parametrize(
    ("entry", "english", "vietnamese"),
    [
        (
            "rooms: 99.5 %, loss: at most 0.1 %",
            "99.5 % of rooms: loss at most 0.1 %",
            "99,5 % điểm cầu: tỷ lệ mất gói không quá 0,1 %",
        ),
        (
            "rooms: all, of: carrier/vnpt in site/79, loss: at most 10 %, in_any: 200 ms",
            (
                "100 % of rooms (carrier vnpt, Thành phố Hồ Chí Minh and below): loss at most 10 % "
                "in any 200 ms"
            ),
            (
                "100 % điểm cầu (nhà mạng vnpt, Thành phố Hồ Chí Minh và các nút bên dưới): tỷ lệ "
                "mất gói không quá 10 % trong mọi khoảng 200 ms"
            ),
        ),
        (
            "rooms: 95 %, mos: at least 3.6",
            "95 % of rooms: MOS at least 3.6",
            "95 % điểm cầu: điểm MOS không dưới 3,6",
        ),
        (
            "rooms: all, of: group/south in tier/commune, delay_max: at most 150 ms",
            "100 % of rooms (group south, tier commune): delay max at most 150 ms",
            "100 % điểm cầu (nhóm south, cấp commune): độ trễ lớn nhất không quá 150 ms",
        ),
        (
            "rooms: all, of: class/fibre in region/South, dark_in_total: at most 90 min",
            "all rooms together (access class fibre, region South): dark at most 90 min in total",
            (
                "tất cả điểm cầu cộng lại (lớp truy nhập fibre, vùng South): tổng thời gian "
                "mất tín hiệu không quá 90 min"
            ),
        ),
    ],
)
def test_a_requirement_is_a_sentence_in_both_languages(entry, english, vietnamese):
    found = one(entry, ("frames: 30/s}", "frames: 30/s, codec: opus}"), extra=GROUPS)
    assert found.text == sentence(found, ENGLISH) == english
    assert sentence(found, VIETNAMESE) == vietnamese


def test_a_group_keeps_its_name_in_the_resolved_text():
    wanted = """\
events:
  - {at: 1 s, fail: group/fault-1}
requirements:
  - {lines: all, of: group/few, utilisation: at most 1 %}
  - {lines: all, of: group/fault-1 in tier/commune, utilisation: at most 1 %}
  - {lines: all, of: group/fault-1 in site/80, utilisation: at most 1 %}
"""
    scenario = small(append=f"{GROUPS}  fault-1: [site/79, site/27688]\n{wanted}")
    text = resolved_text(scenario)
    again = load_text(text, Path("nothing.yaml"))
    assert again.requirements == scenario.requirements
    assert again.faults == scenario.faults
    assert '"few": ["line/26737", "line/80", "relay/central"]' in text


def test_a_span_is_whole_parts_of_its_grid():
    for span_ns in (1, 7, 99 * MS, 100 * MS, 350 * MS, S + 1, 15 * S, 3600 * S):
        grid = grid_of(span_ns)
        points = [grid.point_ns(i) for i in range(40)]
        assert points == sorted(set(points))
        assert {points[i + grid.parts] - points[i] for i in range(20)} == {span_ns}
        assert [grid.next_ns(point) for point in points[:-1]] == points[1:]
        assert [grid.next_ns(point - 1) for point in points[1:]] == points[1:]
        assert all(map(grid.is_point, points))
        assert not any(grid.is_point(point + 1) for point in points[:-1] if point + 1 not in points)
        assert grid.parts == 1 or points[1] >= SHORTEST_STEP_NS


def test_many_spans_need_memory(monkeypatch):
    monkeypatch.setattr(memory, "MAX_MEMORY_BYTES", 10**6)
    monkeypatch.setattr(memory, "POINT_BYTES", 10**6)
    wanted = "requirements:\n  - {use: teams}\n"
    (told,) = problems_of(edited(append=wanted))
    assert told.startswith("27:3: requirements: a run would need about 57")
    assert told.endswith("; require loss 'in_any' span of fewer lengths")
