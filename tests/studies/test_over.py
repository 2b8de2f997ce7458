"""Ranges: how they are written, and which numbers a study may try in them."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.scenario.varied import Written
from sim.studies.over import DECADES, Over, read_over, with_tolerance


def written(number: str = "2", unit: str = "Mbit/s", before: str = "", after: str = "") -> Written:
    return Written(
        steps=("streams", "video", "rate"),
        before=before,
        number=Decimal(number),
        unit=unit,
        after=after,
        whole=before != "× ",
    )


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        ("1..8 Mbit/s", written(), ("1", "8", "Mbit/s", False)),
        ("1 Mbit/s..8 Mbit/s", written(), ("1", "8", "Mbit/s", False)),
        (" 1.50 .. 8Mbit/s", written(), ("1.5", "8", "Mbit/s", False)),
        ("500 kbit/s..8 Mbit/s", written(), ("500", "8000", "kbit/s", False)),
        ("0.5 Mbit/s..800 kbit/s", written(), ("500", "800", "kbit/s", False)),
        ("30 s..2 h", written(unit="min"), ("30", "7200", "s", False)),
        ("0..60 %", written(unit="%"), ("0", "60", "%", False)),
        ("2..40", written(unit=""), ("2", "40", "", True)),
        ("4..40 packets", written(unit="packets"), ("4", "40", "packets", True)),
        ("5..50 ms", written(unit="packets"), ("5", "50", "ms", False)),
        ("10..60 /s", written(unit="/s"), ("10", "60", "/s", False)),
        ("0.1..1", written(unit="", before="× "), ("0.1", "1", "", False)),
        ("× 0.1..× 1", written(unit="", before="× "), ("0.1", "1", "", False)),
    ],
)
def test_a_range_is_read_in_the_smaller_of_its_units(text, number, expected):
    over = read_over(text, number)
    assert (f"{over.low:f}", f"{over.high:f}", over.unit, over.whole) == expected


@pytest.mark.parametrize(
    ("text", "number", "message"),
    [
        ("1..8", written(), "'1..8' needs a unit, such as '1..4 Mbit/s'"),
        ("8", written(), "'8' is not a range; write it like '1..4 Mbit/s'"),
        ("1-8 Mbit/s", written(), "'1-8 Mbit/s' is not a range; write it like '1..4 Mbit/s'"),
        ("1...8 Mbit/s", written(), "'1...8 Mbit/s' is not a range; write it like '1..4 Mbit/s'"),
        ("-1..8 Mbit/s", written(), "'-1..8 Mbit/s' is not a range; write it like '1..4 Mbit/s'"),
        ("nan..8 Mbit/s", written(), "'nan..8 Mbit/s' is not a range; write it like '1..4 Mbit/s'"),
        ("1..8", written("80", "%"), "'1..8' needs a unit, such as '40..100 %'"),
        ("1..8", written("9", "each"), "'1..8' needs a unit, such as '4..18 each'"),
        (
            "8..1 Mbit/s",
            written(),
            "'8..1 Mbit/s' must go up: its first number must be below its second",
        ),
        (
            "8..8 Mbit/s",
            written(),
            "'8..8 Mbit/s' must go up: its first number must be below its second",
        ),
        (
            "1 ms..8 Mbit/s",
            written(),
            "'1 ms..8 Mbit/s' has two units, 'ms' and 'Mbit/s', that are not of a kind",
        ),
        (
            "2.5..40",
            written(unit=""),
            "'2.5..40' must have whole numbers; there is no half of what it counts",
        ),
    ],
)
def test_what_is_no_range_is_said(text, number, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_over(text, number)


@pytest.mark.parametrize(
    ("tolerance", "unit", "message"),
    [
        (
            "fine",
            "Mbit/s",
            "'fine' is no tolerance; write a share of the range, such as '1 %', or '0.07 Mbit/s'",
        ),
        (
            "0 %",
            "Mbit/s",
            "'0 %' is no tolerance; write a share of the range, such as '1 %', or '0.07 Mbit/s'",
        ),
        (
            "5 ms",
            "Mbit/s",
            "'5 ms' is no tolerance; write a share of the range, such as '1 %', or '0.07 Mbit/s'",
        ),
        ("100 %", "Mbit/s", "'100 %' must be less than the whole range"),
        ("7 Mbit/s", "Mbit/s", "'7 Mbit/s' must be less than the whole range"),
    ],
)
def test_what_is_no_tolerance_is_said(tolerance, unit, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        with_tolerance(read_over(f"1..8 {unit}", written(unit=unit)), tolerance)


def test_a_tolerance_may_have_another_unit_of_the_kind():
    assert with_tolerance(read_over("1..8 Mbit/s", written()), "50 kbit/s").tolerance == Decimal(
        "0.05"
    )


def test_a_number_is_written_as_the_file_has_it():
    number = written(number="0.5", unit="%", after=" in bursts of 4 packets")
    over = read_over("0..5 %", number)
    assert over.change(Decimal("2.5")).text == "2.5 % in bursts of 4 packets"
    limit = written(number="150", unit="ms", before="at most ")
    assert read_over("50..200 ms", limit).change(Decimal(60)).text == "at most 60 ms"
    assert read_over("10..60/s", written(unit="/s")).change(Decimal(25)).text == "25/s"


def test_first_points_are_evenly_spaced_and_round():
    over = read_over("1..8 Mbit/s", written())
    assert [f"{number:f}" for number in over.first(5)] == ["1", "2.75", "4.5", "6.25", "8"]
    assert [f"{number:f}" for number in over.first(2)] == ["1", "8"]


def test_first_points_have_equal_factors_where_the_range_spans_decades():
    over = read_over("0.1..1000 Mbit/s", written())
    assert over.by_factors
    assert [f"{number:f}" for number in over.first(5)] == ["0.1", "1", "10", "100", "1000"]


def test_few_counts_are_each_tried_once():
    assert read_over("2..4", written(unit="")).first(9) == [Decimal(2), Decimal(3), Decimal(4)]


ranges = st.tuples(
    st.decimals("0.001", 1000, places=3),
    st.decimals("0.001", 100_000, places=3),
    st.sampled_from(["0.1 %", "1 %", "7 %"]),
)


@given(ranges, st.lists(st.booleans(), min_size=60, max_size=60), st.integers(2, 12))
def test_bisection_always_ends_within_the_tolerance(ends, luck, count):
    """Whatever the verdicts: each number lies strictly between, and the last gap is allowed."""
    low, width, tolerance = ends
    over = with_tolerance(read_over(f"{low}..{low + width} Mbit/s", written()), tolerance)
    first = over.first(count)
    assert first[0] == over.low
    assert first[-1] == over.high
    assert all(a < b for a, b in pairwise(first))
    low, high = first[0], first[1]
    for turn in luck:
        number = over.between(low, high)
        if number is None:
            break
        assert low < number < high
        low, high = (number, high) if turn else (low, number)
    assert high - low <= over.gap(low)
    assert over.by_factors == (over.high >= DECADES * over.low)


@given(st.integers(1, 1000), st.integers(1, 10_000), st.booleans())
def test_counts_stay_whole_and_are_found_exactly(low, width, upper):
    over = with_tolerance(read_over(f"{low}..{low + width}", written(unit="")), "0.001 %")
    bottom, top = over.low, over.high
    while (number := over.between(bottom, top)) is not None:
        assert number == number.to_integral_value()
        bottom, top = (number, top) if upper else (bottom, number)
    # Spaced by factors or not, neighbours are one apart, or as near as the share says.
    assert top - bottom <= max(over.gap(bottom), 1)


def test_the_files_own_number_is_said_in_the_ranges_unit():
    assert read_over("500 kbit/s..8 Mbit/s", written()).own == 2000
    assert read_over("5..50 ms", written(unit="packets")).own is None
    assert isinstance(read_over("1..8 Mbit/s", written()), Over)
