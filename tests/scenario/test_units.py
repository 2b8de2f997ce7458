"""Units: what is written is read back exactly, and what is wrong is explained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import units
from sim.units import (
    format_factor,
    format_rate,
    format_share,
    format_size,
    format_time,
    parse_factor,
    parse_rate_bps,
    parse_share,
    parse_size_bytes,
    parse_time_ns,
)

SHARES = st.floats(0, 1, allow_subnormal=False)


@given(st.integers(1, units.MAX_RATE_BPS))
def test_rates_round_trip(rate_bps):
    assert parse_rate_bps(format_rate(rate_bps, digits=None)) == rate_bps


@given(st.integers(0, units.MAX_TIME_NS))
def test_times_round_trip(time_ns):
    assert parse_time_ns(format_time(time_ns, digits=None)) == time_ns


@given(st.integers(0, units.MAX_SIZE_BYTES))
def test_sizes_round_trip(size_bytes):
    assert parse_size_bytes(format_size(size_bytes, digits=None)) == size_bytes


@given(SHARES)
def test_shares_round_trip(share):
    assert parse_share(format_share(share, digits=None)) == share


@given(st.floats(1e-9, 1e6))
def test_factors_round_trip(factor):
    assert parse_factor(format_factor(factor)) == factor


@given(st.integers(1, 10**15), st.integers(1, 8))
def test_rounding_for_people_keeps_the_leading_digits(rate_bps, digits):
    shown = parse_rate_bps(format_rate(rate_bps, digits=digits))
    assert abs(shown - rate_bps) <= max(rate_bps / 10 ** (digits - 1) / 2, 0.5)


@given(SHARES)
def test_only_one_is_shown_as_all_and_only_zero_as_none(share):
    assert (format_share(share) == "100 %") == (share == 1)
    assert (format_share(share) == "0 %") == (share == 0)


@pytest.mark.parametrize("unit", [unit for unit in units.TIMES if unit.endswith("s")])
def test_the_space_before_a_unit_is_optional(unit):
    assert parse_time_ns(f"3{unit}") == parse_time_ns(f" 3 {unit} ") == 3 * units.TIMES[unit]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5 ns", 1),
        ("0.4999 ns", 0),
        ("4.9 us", 4900),
        ("0.1 s", 100_000_000),
        ("1.5 h", 5400 * 10**9),
    ],
)
def test_decimals_are_exact_and_rounded_half_up_once(text, expected):
    assert parse_time_ns(text) == expected


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_rate_bps, "20 Mb", "'20 Mb' is a size, not a rate; did you mean '20 Mbit/s'?"),
        (parse_rate_bps, "20 Mbps", "'20 Mbps' has an unknown unit; did you mean '20 Mbit/s'?"),
        (parse_rate_bps, "2 MB/s", "'2 MB/s' has an unknown unit; did you mean '16 Mbit/s'?"),
        (parse_rate_bps, "4", "'4' needs a unit, such as '4 Mbit/s'"),
        (parse_rate_bps, "-5", "'-5' must be positive"),
        (parse_rate_bps, "", "needs a value, such as '4 Mbit/s'"),
        (parse_rate_bps, "0.4 bit/s", "'0.4 bit/s' must be at least 1 bit/s"),
        (parse_rate_bps, "9999999 Gbit/s", "is above the limit of 1000000 Gbit/s"),
        (parse_rate_bps, "٣ Mbit/s", "'٣ Mbit/s' is not a rate; write it like '4 Mbit/s'"),
        (parse_rate_bps, "nan Mbit/s", "is not a rate"),
        (parse_rate_bps, "1e400 Mbit/s", "has an unknown unit"),
        (parse_rate_bps, "9" * 5000 + " Mbit/s", "is not a rate"),
        (parse_time_ns, "5 sec", "'5 sec' has an unknown unit; did you mean '5 s'?"),
        (parse_time_ns, "5 kB", "'5 kB' is a size, not a time"),
        (parse_size_bytes, "5 Mb", "'5 Mb' has an unknown unit; did you mean '0.625 MB'?"),
        (parse_size_bytes, "5 Mbit/s", "'5 Mbit/s' is a rate, not a size; did you mean '5 MB'?"),
        (parse_share, "0.5", "'0.5' needs a unit: write '0.5 %' or '50 %'"),
        (parse_share, "101 %", "'101 %' is more than 100 %"),
        (parse_factor, "0.5", "'0.5' is not a factor; write it like '× 0.5'"),
        (parse_factor, "× 0", "'× 0' must be more than 0"),
    ],
)
def test_a_wrong_quantity_is_explained(parse, text, message):
    with pytest.raises(ValueError, match=r".") as caught:
        parse(text)
    assert message in str(caught.value)


@given(st.text(max_size=30))
def test_no_text_breaks_a_reader(text):
    for parse in (parse_rate_bps, parse_time_ns, parse_size_bytes, parse_share, parse_factor):
        try:
            value = parse(text)
        except ValueError:
            continue
        assert value >= 0


@given(st.text())
def test_what_is_shown_cannot_command_a_terminal(text):
    assert units.printable(text).isprintable()


def test_bidirectional_overrides_are_escaped():
    assert units.printable("a\u202eb\x1b[2Jc") == "a\\u202eb\\x1b[2Jc"
