"""What a baseline keeps of a run, against the run's own tables, added up another way."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import get_args, get_type_hints

import pytest

from sim.compare.comparison import compare
from sim.compare.findings import LISTS, TABLES, WORST, rounded
from sim.compare.measure import MEASURES
from sim.compare.survey import REQUIRED, Survey, survey
from sim.compare.wording import name as said_name
from sim.language.language import Language
from sim.results.run import Results
from sim.results.tables import tables
from sim.scenario.loader import load
from sim.scenario.requirement_model import Requirement
from sim.scenario.sentences import sentence
from sim.scenario.short_form import short_form
from sim.simulation import simulate
from tests.scenario.files import ROOT


@pytest.fixture(scope="module")
def results() -> Results:
    return simulate(short_form(load(ROOT / "scenarios" / "province.yaml", duration_ns=150 * 10**9)))


@pytest.fixture(scope="module")
def found(results) -> Survey:
    return survey(results, timetable="cut")


def rows(results, name):
    """Return a table of the results as one mapping a row, the unknown as None."""
    columns = {}
    for column in tables(results)[name]:
        values = column.values if isinstance(column.values, list) else column.values.tolist()
        columns[column.name] = [None if value != value else value for value in values]
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def near(value: Decimal, expected: float):
    """Four significant digits are half a unit of the fourth off, at most."""
    return float(value) == pytest.approx(expected, rel=5.1e-4)


def test_all_parts_are_there_and_all_measures_are_known(found):
    assert tuple(found.findings.tables) == TABLES
    assert tuple(found.findings.lists) == LISTS
    kept = [*found.findings.tables.values()]
    kept += [kind for kinds in found.findings.lists.values() for kind in kinds.values()]
    measures = {name for table in kept for row in table.values() for name in row.figures}
    assert measures <= set(MEASURES)
    at = {name for table in kept for row in table.values() for name in row.at}
    assert at <= measures


def test_every_measure_of_a_requirement_can_be_kept():
    assert set(REQUIRED) == set(get_args(get_type_hints(Requirement)["measure"]))
    assert {name for name, _ in REQUIRED.values()} <= set(MEASURES)


def test_the_meeting_is_the_sum_of_the_rooms(results, found):
    rooms = rows(results, "endpoints")
    figures = found.findings.tables["meeting"]["all"].figures
    due, received = sum(room["due"] for room in rooms), sum(room["received"] for room in rooms)
    assert figures["packets_due"] == due
    assert near(figures["loss_percent"], 100 * (due - received) / due)
    assert figures["rooms_dark"] == sum(room["dark_ms"] > 0 for room in rooms) > 0


def test_a_branch_is_all_that_hangs_on_a_child_of_the_root(results, found):
    (branch,) = found.findings.tables["branches"].items()
    rooms = rows(results, "endpoints")
    lost = sum(room["due"] - room["received"] for room in rooms)
    assert branch[0] == "96"
    assert branch[1].place == "96 Tỉnh Cà Mau"
    figures, at = branch[1].figures, branch[1].at
    assert near(figures["loss_percent"], 100 * lost / sum(room["due"] for room in rooms))
    slowest = max(rooms, key=lambda room: room["delay_p99_ms"])
    assert near(figures["delay_p99_worst_ms"], slowest["delay_p99_ms"])
    assert at["delay_p99_worst_ms"] == f"{slowest['site']} {slowest['place']}"
    worst = max(rooms, key=lambda room: room["loss"])
    assert at["loss_percent"] == f"{worst['site']} {worst['place']}"


def test_tiers_have_their_sites_and_what_was_lost_at_them(results, found):
    rooms = rows(results, "endpoints")
    due = sum(room["due"] for room in rooms)
    counts = Counter(room["tier"] for room in rooms)
    for tier, row in found.findings.tables["tiers"].items():
        assert row.figures["rooms"] == counts[tier]
        for cause in ("outage", "policer", "queue", "line", "endpoint"):
            lost = sum(room[f"lost_{cause}_at_{tier}"] for room in rooms)
            assert near(row.figures[f"lost_{cause}_percent"], 100 * lost / due)


def test_how_full_lines_were_is_by_nearest_rank(results, found):
    for tier in ("district", "commune"):
        used = sorted(
            line["utilisation"]
            for line in rows(results, "lines")
            if (line["tier"], line["direction"]) == (tier, "down")
        )
        figures = found.findings.tables["ways"][f"{tier} down"].figures
        rank = math.ceil(0.99 * len(used))
        assert near(figures["utilisation_p99_percent"], 100 * used[rank - 1])
        assert near(figures["utilisation_max_percent"], 100 * used[-1])


def test_the_worst_lines_of_each_kind_are_the_first_of_all_sorted(results, found):
    lines = [line for line in rows(results, "lines") if line["role"] == "primary"]
    own = ("lost_policer", "lost_queue", "lost_line")
    for kind, listed in found.findings.lists["lines"].items():
        tier, _, access_class = kind.partition(" ")
        members = {
            f"{line['site']} {line['direction']}": line
            for line in lines
            if (line["tier"], line["access_class"]) == (tier, access_class)
        }
        expected: set[str] = set()
        for value in (
            lambda line: sum(line[name] for name in own) / max(line["offered"], 1),
            lambda line: line["utilisation"],
        ):
            above = [name for name in members if value(members[name]) > 0]
            expected.update(sorted(above, key=lambda name: -value(members[name]))[:WORST])
        assert set(listed) == expected
        for name, row in listed.items():
            lost = sum(members[name][cause] for cause in own)
            assert near(row.figures["loss_percent"], 100 * lost / members[name]["offered"])
            assert near(row.figures["utilisation_percent"], 100 * members[name]["utilisation"])
            assert row.place == f"{members[name]['site']} {members[name]['place']}"


def test_scores_are_what_19_of_20_rooms_reach(results, found):
    """Of each room's worst voice; no video of the province is rated, and none has a figure."""
    rooms = rows(results, "endpoints")
    figures = found.findings.tables["branches"]["96"].figures
    best_first = sorted((room["mos"] for room in rooms), reverse=True)
    assert near(figures["mos_p5"], best_first[math.ceil(len(best_first) * 95 / 100) - 1])
    assert "mos_p5" in found.findings.tables["tiers"]["commune"].figures
    assert all(room["video_quality"] is None for room in rooms)
    assert "video_quality_p5" not in figures


def test_requirements_have_their_verdict_value_and_place(results, found):
    kept = found.findings.tables["requirements"]
    assert [row.figures["met"] for row in kept.values()] == [
        Decimal(verdict.met) for verdict in results.verdicts
    ]
    loss = kept["90 % of rooms: loss at most 1 %"]
    below = sorted(room["loss"] for room in rows(results, "endpoints"))
    rank = math.ceil(len(below) * 9 / 10)
    assert near(loss.figures["loss_percent"], 100 * below[rank - 1])
    share = sum(value <= 0.01 for value in below) / len(below)
    assert near(loss.figures["complying_percent"], 100 * share)


def test_the_same_run_is_equal_to_itself(results, found):
    comparison = compare(found.findings, survey(results, timetable="cut"), results.scenario.check)
    assert comparison.equal


def test_digits_are_rounded_to_the_even_one_of_two():
    assert [str(rounded(value)) for value in (1.23445, 1.23455, 123456.0)] == [
        "1.234",
        "1.235",
        "123500",
    ]


def test_requirements_are_said_in_the_readers_language(found, results):
    name = next(iter(found.findings.tables["requirements"]))
    before = found.findings.tables["requirements"][name]
    rows = {name: replace(before, figures={**before.figures, "met": Decimal(1)}), "gone": before}
    tables = {**found.findings.tables, "requirements": rows}
    baseline = replace(found.findings, fingerprint="other", tables=tables)
    changes = compare(baseline, found, results.scenario.check).changes
    said = {each.subject: said_name(each, Language("vi")) for each in changes}
    assert said[name].startswith(sentence(results.scenario.requirements[0], Language("vi")))
    assert said["gone"].startswith("gone")
