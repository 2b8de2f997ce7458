"""Steady background takes another share at each full hour, and faults that hold go on holding."""

from __future__ import annotations

from dataclasses import replace

from sim.control.plane import ControlPlane
from sim.dataplane.edit import Edit, SetEgressRate, SetLineRate
from sim.network.tree import build_network
from sim.scenario.model import HOUR_NS, HOURS, Fault, Scenario
from tests.equality import trees

# 20 % of the rate from 8:00, 40 % from 9:00 and from 10:00, 20 % again from 11:00.
PROFILE = tuple(2.0 if hour in (9, 10) else 1.0 for hour in range(HOURS))
BUSY = trees.steady(share=0.2, profile=PROFILE)
ALIKE = trees.steady(share=0.2)
BEGINS_NS = 8 * HOUR_NS + HOUR_NS // 2
TO_NINE_NS, TO_TEN_NS, TO_ELEVEN_NS = (hour * HOUR_NS - BEGINS_NS for hour in (9, 10, 11))
SLOW = Fault(
    label="",
    action="degrade",
    at_ns=10,
    until_ns=TO_ELEVEN_NS + 10,
    down_ns=0,
    up_ns=0,
    lines=("a",),
    relays=("root",),
    rooms=(),
    sites=(),
    rate_factor=0.5,
    added_loss=0.0,
    passes=(),
)


def meeting(duration_ns: int, *faults: Fault) -> Scenario:
    """Return root - a - b; only what comes down to a, and the root's egress, know hours."""
    scenario = trees.scenario(
        {"root": "", "a": "root", "b": "a"},
        lines={
            "a": trees.line(
                trees.direction(rate_bps=1000, background=BUSY), trees.direction(rate_bps=1000)
            ),
            "b": trees.line(trees.direction(rate_bps=1000, background=ALIKE)),
        },
        egresses={"root": [trees.egress(rate_bps=5000, background=BUSY)]},
        duration_ns=duration_ns,
        window_ns=HOUR_NS,
        begins_ns=BEGINS_NS,
    )
    return replace(scenario, faults=faults)


def edits(scenario: Scenario, *ends_ns: int) -> list[Edit]:
    plane = ControlPlane(scenario, build_network(scenario))
    return [edit for end_ns in ends_ns for edit in plane.run_until(end_ns)]


def test_rates_change_where_the_share_does_and_only_then() -> None:
    scenario = meeting(4 * HOUR_NS)
    assert build_network(scenario).rate_bps.tolist() == [0, 800, 800, 0, 1000, 800]
    assert edits(scenario, 4 * HOUR_NS) == [
        SetLineRate(at_ns=TO_NINE_NS, target=1, rate_bps=600),
        SetEgressRate(at_ns=TO_NINE_NS, target=0, rate_bps=3000),
        SetLineRate(at_ns=TO_ELEVEN_NS, target=1, rate_bps=800),
        SetEgressRate(at_ns=TO_ELEVEN_NS, target=0, rate_bps=4000),
    ]


def test_an_hour_at_the_meetings_end_is_not_of_the_meeting() -> None:
    assert edits(meeting(TO_NINE_NS), TO_NINE_NS, 2 * HOUR_NS) == []
    assert len(edits(meeting(TO_NINE_NS + 1), TO_NINE_NS, TO_NINE_NS + 1)) == 2


def test_a_meeting_that_begins_on_the_hour_has_that_hours_rate_already() -> None:
    scenario = replace(meeting(HOUR_NS), begins_ns=9 * HOUR_NS)
    assert build_network(scenario).rate_bps[1] == 600
    assert edits(scenario, HOUR_NS) == []


def test_midnight_is_an_hour_like_any_other() -> None:
    profile = tuple(2.0 if hour == 0 else 1.0 for hour in range(HOURS))
    night = trees.steady(share=0.2, profile=profile)
    scenario = trees.scenario(
        {"root": "", "a": "root"},
        lines={"a": trees.line(trees.direction(rate_bps=1000, background=night))},
        duration_ns=2 * HOUR_NS,
        begins_ns=23 * HOUR_NS + HOUR_NS // 2,
    )
    assert [(edit.at_ns, edit.rate_bps) for edit in edits(scenario, 2 * HOUR_NS)] == [  # type: ignore[attr-defined]
        (HOUR_NS // 2, 600),
        (HOUR_NS // 2, 600),
        (3 * HOUR_NS // 2, 800),
        (3 * HOUR_NS // 2, 800),
    ]


def test_a_slow_line_keeps_the_share_and_an_hour_the_fault() -> None:
    scenario = meeting(4 * HOUR_NS, SLOW)
    rates = edits(scenario, 4 * HOUR_NS)
    assert [(e.at_ns, e.rate_bps) for e in rates if isinstance(e, SetEgressRate)] == [
        (10, 2000),
        (TO_NINE_NS, 1500),
        (TO_ELEVEN_NS, 2000),
        (TO_ELEVEN_NS + 10, 4000),
    ]
    lines = [edit for edit in rates if isinstance(edit, SetLineRate)]
    assert [(e.at_ns, e.rate_bps) for e in lines if e.target == 1] == [
        (10, 400),
        (TO_NINE_NS, 300),
        (TO_ELEVEN_NS, 400),
        (TO_ELEVEN_NS + 10, 800),
    ]
    assert [(e.at_ns, e.rate_bps) for e in lines if e.target == 4] == [
        (10, 500),
        (TO_ELEVEN_NS + 10, 1000),
    ]


def test_a_fault_at_the_full_hour_and_the_hour_both_hold() -> None:
    for until_ns in (TO_TEN_NS, TO_ELEVEN_NS):
        fault = replace(SLOW, at_ns=TO_NINE_NS, until_ns=until_ns)
        rates = [
            edit.rate_bps
            for edit in edits(meeting(4 * HOUR_NS, fault), TO_NINE_NS + 1)
            if isinstance(edit, SetLineRate) and edit.target == 1
        ]
        assert rates[-1] == 300
