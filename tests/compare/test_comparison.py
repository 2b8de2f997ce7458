"""What counts as worse: by direction, by tolerance, by presence, and by the bound of a list."""

from __future__ import annotations

import pytest

from sim.compare.comparison import Status
from sim.compare.measure import MEASURES
from sim.language.language import Language
from sim.scenario.tolerance import KINDS
from tests.compare.made import findings, held, lines, of_meeting, row

EN = Language("en")


def only(comparison):
    (change,) = comparison.changes
    return change.status, change.fails


@pytest.mark.parametrize(
    ("measure", "before", "now", "expected"),
    [
        # Less is better; 0.01 % or × 1.05.
        ("loss_percent", "0.05", "0.9", (Status.worse, True)),
        ("loss_percent", "0.9", "0.05", (Status.better, False)),
        ("loss_percent", "0.05", "0.06", (Status.within, False)),
        ("loss_percent", "0.05", "0.0601", (Status.worse, True)),
        ("loss_percent", "10", "10.5", (Status.within, False)),
        ("loss_percent", "10", "10.51", (Status.worse, True)),
        ("loss_percent", "0", "0.011", (Status.worse, True)),
        ("loss_percent", "0.05", "0.05", (Status.same, False)),
        # Times are in ms here, in ns there; 0.5 ms or × 1.05.
        ("delay_p99_ms", "2", "2.5", (Status.within, False)),
        ("delay_p99_ms", "2", "2.51", (Status.worse, True)),
        ("dark_ms", "0", "101", (Status.worse, True)),
        # More is better; 0.1 %.
        ("complying_percent", "99", "98.9", (Status.within, False)),
        ("complying_percent", "99", "98.89", (Status.worse, True)),
        ("complying_percent", "98", "99", (Status.better, False)),
        ("mos_p5", "4.1", "4.05", (Status.within, False)),
        ("mos_p5", "4.1", "4.04", (Status.worse, True)),
        ("mos_p5", "4.1", "4.4", (Status.better, False)),
        ("met", 1, 0, (Status.missed, True)),
        ("met", 0, 1, (Status.better, False)),
        ("met", 0, 0, (Status.same, False)),
        # No way is better: a change is said, and fails outside the tolerance, either way.
        ("packets_due", 10_000, 10_100, (Status.changed, False)),
        ("packets_due", 10_000, 10_101, (Status.changed, True)),
        ("packets_due", 10_101, 10_000, (Status.changed, True)),
        ("sites", 9, 8, (Status.changed, True)),
        ("sites", 8, 9, (Status.changed, True)),
        # What is not known.
        ("loss_percent", None, None, (Status.same, False)),
        ("delay_p50_ms", "5", None, (Status.gone, True)),
        ("delay_p50_ms", None, "5", (Status.new, False)),
    ],
)
def test_a_figure_is_judged_by_its_direction_and_tolerance(measure, before, now, expected):
    assert only(of_meeting({measure: before}, {measure: now})) == expected


def test_every_measure_has_a_unit_a_direction_and_a_tolerance_that_can_be_given():
    for name, measure in MEASURES.items():
        assert name.endswith("_percent") == (measure.unit == "%"), name
        assert name.endswith("_ms") == (measure.unit == "ms"), name
        assert measure.tolerance in KINDS or name == "met"
        kind = KINDS.get(measure.tolerance, "count")
        assert kind in {"%": ("share",), "ms": ("time",), "": ("count", "score")}[measure.unit], (
            name
        )


def test_equal_fingerprints_are_equal_whatever_the_figures():
    """A program that keeps other figures than the baseline's found the same results."""
    comparison = held(
        findings(tables={"meeting": {"all": row({"loss_percent": 1})}}),
        findings(tables={"meeting": {"all": row({"loss_percent": 2})}}),
    )
    assert comparison.equal
    assert comparison.changes == ()
    assert not comparison.failing


def test_figures_on_one_side_are_new_or_gone():
    comparison = of_meeting({"loss_percent": 1, "mos_lowest": 4}, {"loss_percent": 1, "sites": 3})
    assert [(change.measure, change.status, change.fails) for change in comparison.changes] == [
        ("mos_lowest", Status.gone, True),
        ("loss_percent", Status.same, False),
        ("sites", Status.new, False),
    ]


def test_subjects_on_one_side_are_new_or_gone_as_a_whole():
    figures = row({"loss_percent": 1, "jitter_p99_ms": 2})
    comparison = held(
        findings(fingerprint="a", tables={"streams": {"video down": figures}}),
        findings(fingerprint="b", tables={"streams": {"film down": figures}}),
    )
    assert [(c.subject, c.measure, c.status, c.fails) for c in comparison.changes] == [
        ("video down", "", Status.gone, True),
        ("film down", "", Status.new, False),
    ]


def test_a_requirement_that_is_gone_or_newly_missed_comes_first():
    kept = {"met": 1, "loss_percent": 1}
    comparison = held(
        findings(
            fingerprint="a",
            tables={
                "branches": {"96": row({"loss_percent": 1})},
                "requirements": {"a": row(kept), "b": row(kept), "c": row(kept)},
            },
        ),
        findings(
            fingerprint="b",
            tables={
                "branches": {"96": row({"loss_percent": 99})},
                "requirements": {
                    "a": row(kept),
                    "b": row({"met": 0, "loss_percent": 2}, at={"loss_percent": "Huế"}),
                },
            },
        ),
    )
    seen = [(change.part, change.subject, change.status) for change in comparison.failing]
    assert seen == [
        ("requirements", "b", Status.missed),
        ("requirements", "c", Status.gone),
        ("branches", "96", Status.worse),
        ("requirements", "b", Status.worse),
    ]
    # The verdict's place is where what it judges was worst.
    assert comparison.failing[0].at == "Huế"


def listed(values):
    """Return the findings of a run in which lines lost this much, with the list as it would be."""
    found = lines(values)
    return findings(fingerprint=str(values), lists={"lines": found.worst()}), found


def test_the_worst_are_the_ten_largest_of_a_kind_and_never_0():
    values = {f"s{i:02}": float(i) for i in range(15)}
    assert list(lines(values).worst()["commune"]) == [f"s{i:02}" for i in range(5, 15)]
    assert lines({"a": 0.0}).worst() == {}


def test_a_line_that_was_among_the_worst_is_compared_wherever_it_is_now():
    before, _ = listed({f"s{i:02}": 1 + i / 10 for i in range(11)})
    now, found = listed({f"s{i:02}": 0.5 if i == 10 else 1 + i / 10 for i in range(11)})
    comparison = held(before, now, of_lines=found)
    (better,) = comparison.having(Status.better)
    assert (better.subject, float(better.now)) == ("s10", 0.5)
    assert better.place == "place of s10"
    assert not comparison.failing


def test_a_line_that_rose_among_the_worst_is_held_against_what_it_did_not_exceed():
    values = {f"s{i:02}": 1 + i / 10 for i in range(11)}
    before, _ = listed(values)
    # s00 was not listed: it lost 1 %, and the last that was lost 1.1 %.
    now, found = listed({**values, "s00": 1.2})
    (failing,) = held(before, now, of_lines=found).failing
    assert (failing.subject, float(failing.before), failing.most_before) == ("s00", 1.1, True)
    # 1.15 is 4.5 % above that: within the tolerance, as 1 to 1.15 would not be, but nobody knows 1.
    now, found = listed({**values, "s00": 1.15})
    assert not held(before, now, of_lines=found).failing


def test_what_is_not_on_a_list_that_is_not_full_was_0():
    before, _ = listed({"a": 1.0, "b": 0.0})
    now, found = listed({"a": 1.0, "b": 0.02})
    (failing,) = held(before, now, of_lines=found).failing
    assert (failing.subject, float(failing.before), float(failing.now)) == ("b", 0.0, 0.02)


def test_a_listed_line_that_is_no_more_is_gone():
    before, _ = listed({"a": 1.0, "b": 2.0})
    now, found = listed({"a": 1.0})
    (failing,) = held(before, now, of_lines=found).failing
    assert (failing.subject, failing.measure, failing.status) == ("b", "", Status.gone)


def test_a_line_that_is_of_another_kind_now_is_still_the_same_line():
    before, _ = listed({"a": 1.0})
    moved = lines({"a": 3.0}, kind="commune radio")
    now = findings(fingerprint="b", lists={"lines": moved.worst()})
    (failing,) = held(before, now, of_lines=moved).failing
    assert (failing.subject, float(failing.before), float(failing.now)) == ("a", 1.0, 3.0)


def test_within_a_part_what_is_farthest_off_comes_first():
    comparison = held(
        findings(
            fingerprint="a",
            tables={"branches": {"x": row({"loss_percent": 1}), "y": row({"loss_percent": 2})}},
        ),
        findings(
            fingerprint="b",
            tables={"branches": {"x": row({"loss_percent": 3}), "y": row({"loss_percent": 9})}},
        ),
    )
    assert [change.subject for change in comparison.failing] == ["y", "x"]
