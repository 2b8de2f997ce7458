"""`check` of a scenario: tolerances, defaults, and the short form."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from sim.errors import ScenarioError
from sim.scenario.loader import load
from sim.scenario.model import FOREVER_NS, Turn
from sim.scenario.resolved import meeting_text
from sim.scenario.short_form import short_form
from sim.scenario.tolerance import DEFAULTS, KINDS, Tolerance, parse_tolerance
from tests.scenario.files import SHIPPED, small

S = 10**9
EVENTS = """\
events:
  - {at: 1 s, fail: line/79, for: 500 ms}
  - {at: 4 s, fail: relay/80}
  - {at: 8 s, fail: line/80, for: 1 s}
"""


def test_without_a_section_the_whole_meeting_is_run_with_the_defaults():
    check = small().check
    assert (check.duration_ns, check.timetable) == (10 * S, "cut")
    assert check.tolerances == tuple(DEFAULTS.items())
    assert short_form(small()).duration_ns == 10 * S


def test_what_is_given_stands_beside_the_other_defaults():
    check = small(append="check: {tolerances: {loss: 0.5 %}}\n").check
    assert check.tolerance("loss") == Tolerance(most=Decimal("0.005"), factor=Decimal(1))
    assert check.tolerance("delay") == DEFAULTS["delay"]


@pytest.mark.parametrize(
    ("written", "before", "within", "beyond"),
    [
        # From 1 % more or less, and from a factor up or down: each by the smallest step too far.
        ("0.01 %", "0.0005", ["0.0004", "0.0006"], ["0.00039", "0.00061"]),
        ("× 1.25", "0.01", ["0.008", "0.0125"], ["0.00799", "0.01251"]),
        ("0.1 % or × 1.25", "0.001", ["0", "0.002"], ["0.00201"]),
        ("0.1 % or × 1.25", "0.1", ["0.08", "0.125"], ["0.0799", "0.1251"]),
        ("none", "0.1", ["0.1"], ["0.10000001", "0.09999999"]),
    ],
)
def test_a_tolerance_allows_either_a_difference_or_a_factor(written, before, within, beyond):
    tolerance = parse_tolerance(written, "share")
    assert all(tolerance.allows(Decimal(before), Decimal(now)) for now in within)
    assert not any(tolerance.allows(Decimal(before), Decimal(now)) for now in beyond)


def test_tenths_that_binary_numbers_lack_are_exact():
    """0.8 - 0.7 is more than 0.1 in binary64."""
    tenth = Tolerance(most=Decimal("0.1"), factor=Decimal(1))
    assert tenth.allows(Decimal("0.7"), Decimal("0.8"))


def test_tolerances_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="must not be negative"):
        Tolerance(most=Decimal(-1), factor=Decimal(1))
    with pytest.raises(ValueError, match="at least 1"):
        Tolerance(most=Decimal(0), factor=Decimal("0.9"))


def test_every_measure_has_a_default():
    assert list(DEFAULTS) == list(KINDS)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_cut_form_is_what_a_shorter_duration_loads(path: Path):
    scenario = load(path)
    for seconds in (1, 13, 70):
        if seconds * S >= scenario.duration_ns:
            continue
        check = replace(scenario.check, duration_ns=seconds * S, timetable="cut")
        short = short_form(replace(scenario, check=check))
        assert replace(short, check=scenario.check) == replace(
            load(path, duration_ns=seconds * S), check=scenario.check
        )


def test_a_squeezed_form_has_every_fault_and_turn_in_proportion():
    scenario = small(append=EVENTS + "check: {duration: 1 s, timetable: squeezed}\n")
    scenario = replace(
        scenario,
        agenda=(Turn(at_ns=0, until_ns=3, site="79"), Turn(at_ns=S, until_ns=9 * S, site="")),
    )
    short = short_form(scenario)
    assert [(fault.at_ns, fault.until_ns) for fault in short.faults] == [
        (S // 10, 15 * S // 100),
        (4 * S // 10, FOREVER_NS),
        (8 * S // 10, 9 * S // 10),
    ]
    # A turn of three ns has no tenth.
    assert [(turn.at_ns, turn.until_ns) for turn in short.agenda] == [(S // 10, 9 * S // 10)]
    assert short.late_faults == 0
    assert short.streams == scenario.streams


def test_no_result_follows_from_what_is_let_pass():
    text = meeting_text(small())
    assert meeting_text(small(append="check: {duration: 1 s, tolerances: {loss: none}}\n")) == text


def test_a_run_that_is_shortened_from_outside_checks_no_more_than_that(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(
        SHIPPED[-1].read_text(encoding="utf-8").replace("check: {", "check: {timetable: cut, "),
        encoding="utf-8",
    )
    assert load(path, duration_ns=S).check.duration_ns == S


def test_a_short_form_that_is_longer_is_no_second_problem_of_a_wrong_duration():
    with pytest.raises(ScenarioError) as caught:
        small(("duration: 10 s", "duration: 10"), append="check: {duration: 40 min}\n")
    assert len(caught.value.problems) == 1
