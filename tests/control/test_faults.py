"""Scheduled faults become edits at their own nanosecond, and overlapping ones hold together.

Directions: s is down, and 3 + s up, for there are three sites.
"""

from __future__ import annotations

from dataclasses import replace

from sim.control.plane import ControlPlane
from sim.dataplane.edit import (
    Edit,
    FailLine,
    FailRelay,
    FailRoom,
    RestoreLine,
    RestoreRelay,
    RestoreRoom,
    SetEgressRate,
    SetLineLoss,
    SetLineRate,
    SetRelayPasses,
)
from sim.network.tree import build_network
from sim.scenario.model import FOREVER_NS, Fault, Loss
from tests.control.meetings import NOTHING, with_backups
from tests.equality import trees

# root -> a -> b; in preorder these are sites 0, 1, 2.
CHAIN = trees.scenario({"root": "", "a": "root", "b": "a"}, egresses={"root": [trees.egress()]})


def edits(*faults: Fault, ends_ns: tuple[int, ...] = (100,)) -> list[Edit]:
    """Return the edits that the faults lead to, over windows that end at `ends_ns`."""
    scenario = replace(CHAIN, faults=faults)
    plane = ControlPlane(scenario, build_network(scenario))
    return [edit for end_ns in ends_ns for edit in plane.run_until(end_ns)]


def test_a_failed_line_comes_back() -> None:
    fault = replace(NOTHING, lines=("b",))
    assert edits(fault) == [FailLine(at_ns=10, target=2), RestoreLine(at_ns=20, target=2)]


def test_an_edit_at_a_windows_end_belongs_to_the_next() -> None:
    fault = replace(NOTHING, lines=("b",), until_ns=FOREVER_NS)
    assert edits(fault, ends_ns=(10,)) == []
    assert edits(fault, ends_ns=(10, 11)) == [FailLine(at_ns=10, target=2)]


def test_a_site_loses_relay_and_room() -> None:
    fault = replace(NOTHING, relays=("a",), rooms=("a",))
    assert edits(fault) == [
        FailRelay(at_ns=10, target=1),
        FailRoom(at_ns=10, target=1),
        RestoreRelay(at_ns=20, target=1),
        RestoreRoom(at_ns=20, target=1),
    ]


def test_a_line_stays_down_until_the_last_fault_ends() -> None:
    one = replace(NOTHING, lines=("b",))
    other = replace(NOTHING, lines=("a", "b"), at_ns=15, until_ns=30)
    assert edits(one, other) == [
        FailLine(at_ns=10, target=2),
        FailLine(at_ns=15, target=1),
        RestoreLine(at_ns=30, target=1),
        RestoreLine(at_ns=30, target=2),
    ]


def test_overlapping_degradations_multiply() -> None:
    rate_bps = trees.direction().rate_bps
    slow = replace(NOTHING, action="degrade", lines=("b",), rate_factor=0.5)
    slower = replace(slow, at_ns=15, until_ns=30, rate_factor=0.1)
    assert edits(slow, slower) == [
        SetLineRate(at_ns=at_ns, target=target, rate_bps=rate_bps // part)
        for at_ns, part in ((10, 2), (15, 20), (20, 10), (30, 1))
        for target in (2, 5)
    ]


def test_each_direction_is_slowed_from_its_own_rate() -> None:
    lines = {"b": trees.line(trees.direction(rate_bps=900), trees.direction(rate_bps=300))}
    scenario = trees.scenario({"root": "", "a": "root", "b": "a"}, lines=lines)
    fault = replace(NOTHING, action="degrade", lines=("b",), rate_factor=0.5)
    plane = ControlPlane(replace(scenario, faults=(fault,)), build_network(scenario))
    assert plane.run_until(20) == [
        SetLineRate(at_ns=10, target=2, rate_bps=450),
        SetLineRate(at_ns=10, target=5, rate_bps=150),
    ]


def test_added_losses_are_independent() -> None:
    lossy = replace(NOTHING, action="degrade", lines=("b",), added_loss=0.5)
    other = replace(lossy, at_ns=15, until_ns=30)
    losses = [edit for edit in edits(lossy, other) if isinstance(edit, SetLineLoss)]
    for direction in (2, 5):
        good = [edit.loss.good for edit in losses if edit.target == direction]
        assert good == [0.5, 0.75, 0.5, 0.0]
    assert losses[-1].loss == Loss(p=0.0, r=1.0, bad=0.0, good=0.0)


def test_added_loss_is_independent_in_the_bad_state_too() -> None:
    """1 - (1 - 0.6)(1 - 0.5) = 0.8, not 1.1."""
    line = trees.line(
        down=trees.direction(loss=Loss(p=0.1, r=0.5, bad=0.6, good=0.0)), up=trees.direction()
    )
    scenario = trees.scenario(
        {"root": "", "b": "root"},
        lines={"b": line},
    )
    fault = replace(NOTHING, action="degrade", lines=("b",), added_loss=0.5)
    plane = ControlPlane(replace(scenario, faults=(fault,)), build_network(scenario))
    losses = [edit for edit in plane.run_until(100) if isinstance(edit, SetLineLoss)]
    (begin, end) = (edit.loss for edit in losses if edit.target == 1)
    assert (begin.p, begin.r, begin.bad, begin.good) == (0.1, 0.5, 0.8, 0.5)
    assert end == line.down.loss
    assert [edit.loss.good for edit in losses if edit.target == 3] == [0.5, 0.0]


def test_a_degraded_relay_slows_its_egresses() -> None:
    slow = replace(NOTHING, action="degrade", relays=("root",), rate_factor=0.25)
    rate_bps = trees.egress().rate_bps
    assert edits(slow) == [
        SetEgressRate(at_ns=10, target=0, rate_bps=rate_bps // 4),
        SetEgressRate(at_ns=20, target=0, rate_bps=rate_bps),
    ]


def test_a_backup_line_fails_like_another() -> None:
    """Lines: 3 and 4 are the backups of b; 6 and 7 their directions down, 8 and 9 up."""
    scenario = with_backups(CHAIN, {"b": ["a", "root"]})
    dead = replace(NOTHING, lines=("b/backup-1",))
    slow = replace(NOTHING, action="degrade", lines=("b/backup-2",), rate_factor=0.5)
    plane = ControlPlane(replace(scenario, faults=(dead, slow)), build_network(scenario))
    rate_bps = trees.direction().rate_bps // 2
    assert plane.run_until(20) == [
        FailLine(at_ns=10, target=3),
        SetLineRate(at_ns=10, target=7, rate_bps=rate_bps),
        SetLineRate(at_ns=10, target=9, rate_bps=rate_bps),
    ]


def test_a_line_that_flaps_goes_down_again_and_again() -> None:
    flapping = replace(NOTHING, lines=("b",), until_ns=18, down_ns=2, up_ns=1)
    assert edits(flapping) == [
        edit
        for down, up in ((10, 12), (13, 15), (16, 18))
        for edit in (FailLine(at_ns=down, target=2), RestoreLine(at_ns=up, target=2))
    ]


def test_a_flapping_line_stays_down_under_another_fault() -> None:
    flapping = replace(NOTHING, lines=("b",), until_ns=18, down_ns=2, up_ns=1)
    steady = replace(NOTHING, lines=("b",), at_ns=11, until_ns=14)
    assert edits(flapping, steady) == [
        FailLine(at_ns=10, target=2),
        RestoreLine(at_ns=15, target=2),
        FailLine(at_ns=16, target=2),
        RestoreLine(at_ns=18, target=2),
    ]


def test_a_grey_relay_passes_what_all_its_faults_let() -> None:
    one = replace(NOTHING, action="grey", relays=("a",), passes=("stream 0",))
    none = replace(one, at_ns=15, until_ns=30, passes=())
    assert edits(one, none) == [
        SetRelayPasses(at_ns=10, target=1, streams=(True, False)),
        SetRelayPasses(at_ns=15, target=1, streams=(False, False)),
        SetRelayPasses(at_ns=30, target=1, streams=(True, True)),
    ]
