"""Random failures: what fails, and how often, against closed forms.

Expected values: `availability.json` in this folder.
"""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from sim.scenario.lifetimes import Lifetime, downtimes, expected
from sim.scenario.model import FOREVER_NS
from tests.scenario.files import small
from tests.scenario.test_resolved import assert_same

HOUR_NS = 3600 * 10**9
CASES = {
    case["id"]: case
    for case in json.loads(
        (Path(__file__).parent / "availability.json").read_text(encoding="utf-8")
    )["cases"]
}


def lifetime(mttf_h: float, mttr_h: float, *, shape: float = 1.0, sigma: float = 0.5) -> Lifetime:
    return Lifetime(
        mttf_ns=round(mttf_h * HOUR_NS),
        shape=shape,
        median_ns=mttr_h * HOUR_NS / np.exp(sigma**2 / 2),
        sigma=sigma,
    )


def down_ns(kind: Lifetime, *, parts: int, hours: float, seed: int = 3) -> np.ndarray:
    """Return how long each of many parts is down, ns."""
    end_ns = round(hours * HOUR_NS)
    names = [f"line/{number}" for number in range(parts)]
    down = dict.fromkeys(names, 0)
    for name, at_ns, until_ns in downtimes(kind, seed=seed, names=names, duration_ns=end_ns):
        down[name] += min(until_ns, end_ns) - at_ns
    return np.array(list(down.values()), dtype=np.float64)


@pytest.mark.parametrize("case", ["single_1710_10", "single_2190_12"])
def test_availability_of_one_part(case):
    """Mean of independent parts within four standard errors, which are below a fifth of it."""
    params, wanted = CASES[case]["params"], CASES[case]["expected"]["availability"]
    kind = lifetime(params["mean_up_h"], params["mttr_h"])
    assert abs(kind.availability - wanted) < 1e-12
    hours = 24 * 365.0
    down = down_ns(kind, parts=1500, hours=hours) / (hours * HOUR_NS)
    error = down.std(ddof=1) / sqrt(down.size)
    assert abs(down.mean() - (1 - wanted)) < 4 * error
    assert 4 * error < 0.2 * (1 - wanted), "too few to notice a fifth"


@pytest.mark.parametrize("shape", [0.6, 1.0, 3.0])
@pytest.mark.parametrize("hours", [2.0, 60.0])
def test_the_steady_state_holds_from_the_start(shape, hours):
    """However short the meeting: no part is younger or better repaired at its start."""
    kind = lifetime(50, 10, shape=shape, sigma=0.8)
    down = down_ns(kind, parts=6000, hours=hours) / (hours * HOUR_NS)
    error = down.std(ddof=1) / sqrt(down.size)
    assert abs(down.mean() - 1 / 6) < 4 * error
    assert 4 * error < 0.12 / 6, "too few to notice an eighth"


@pytest.mark.parametrize("shape", [0.6, 1.0, 3.0])
def test_how_often_parts_fail(shape):
    """The renewal rate in equilibrium, 1 / (MTTF + MTTR), holds exactly at any time."""
    kind = lifetime(50, 10, shape=shape)
    end_ns = round(30 * HOUR_NS)
    names = [f"relay/{number}" for number in range(6000)]
    times = sum(1 for _ in downtimes(kind, seed=5, names=names, duration_ns=end_ns))
    wanted = expected(kind, parts=6000, duration_ns=end_ns)
    assert wanted == pytest.approx(6000 * (1 / 6 + 30 / 60))
    assert abs(times - wanted) < 4 * sqrt(6000 * 0.6)
    assert 4 * sqrt(6000 * 0.6) < 0.07 * wanted


def test_one_of_two_with_repair():
    """A room with two lines is dark only while both are down."""
    case = CASES["kofn_1of2_1000_20"]
    kind = lifetime(1000, 20)
    hours, pairs = 24 * 365.0, 4000
    end_ns = round(hours * HOUR_NS)
    names = [f"line/{number}{way}" for number in range(pairs) for way in ("", "/backup-1")]
    spans: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    for name, at_ns, until_ns in downtimes(kind, seed=11, names=names, duration_ns=end_ns):
        spans[name].append((at_ns, min(until_ns, end_ns)))
    both = np.array(
        [
            sum(
                max(0, min(a[1], b[1]) - max(a[0], b[0]))
                for a in spans[f"line/{number}"]
                for b in spans[f"line/{number}/backup-1"]
            )
            for number in range(pairs)
        ]
    )
    dark = both / (hours * HOUR_NS)
    error = dark.std(ddof=1) / sqrt(pairs)
    wanted = 1 - case["expected"]["availability"]
    assert abs(dark.mean() - wanted) < 4 * error
    assert 4 * error < 0.2 * wanted, "too few to notice a fifth"


def test_lines_interrupted_or_down_in_a_meeting():
    """9,043 lines, 8,760 h and 6 h, two hours: 8.25 are hit (`meeting_9043_8760_6_2`)."""
    case = CASES["meeting_9043_8760_6_2"]
    wanted = case["expected"]["expected_links_interrupted_or_down"]
    kind = lifetime(8760, 6)
    names = [f"line/{number}" for number in range(9043)]
    meetings = 60
    hit = [
        len(
            {
                name
                for name, _, _ in downtimes(kind, seed=seed, names=names, duration_ns=2 * HOUR_NS)
            }
        )
        for seed in range(meetings)
    ]
    error = sqrt(wanted / meetings)
    assert abs(np.mean(hit) - wanted) < 4 * error
    assert 4 * error < 0.2 * wanted


def test_one_part_s_luck_is_its_own():
    """Other parts, and how long the meeting is, change nothing."""
    kind = lifetime(2, 1)
    alone = list(downtimes(kind, seed=1, names=["line/b"], duration_ns=50 * HOUR_NS))
    names = ["line/a", "line/b", "line/c"]
    among = list(downtimes(kind, seed=1, names=names, duration_ns=90 * HOUR_NS))
    assert len(alone) > 5
    assert [each for each in among if each[0] == "line/b"][: len(alone)] == alone


FAILURES = """\
failures:
  lines:
    tier/commune: {mttf: 30 s, repair: {median: 3 s}}
    "26734": {mttf: 1 s, shape: 0.7, repair: {mean: 1 s, sigma: 0}}
    carrier/viettel in region/Delta: {mttf: 1 s, repair: {median: 1 s}}
  relays: {tier/province: {mttf: 5 s, repair: {mean: 2 s, sigma: 1.5}}}
  rooms: {tier/commune in site/80: {mttf: 2 s, repair: {mean: 2 s}}}
"""
BACKUP = ("buffer: 100 packets}", "buffer: 100 packets, backup: {delay: 1 ms}}")


def test_what_fails_becomes_ordinary_faults():
    scenario = small(BACKUP, append=FAILURES + "events: [{at: 2 s, fail: line/80, for: 1 s}]\n")
    assert_same(scenario)
    labels = [fault.label for fault in scenario.faults]
    assert set(labels) >= {"fail line/26734", "fail relay/79", "fail room/27688", "fail line/80"}
    assert not any("central" in label or "line/79" in label for label in labels)
    times = [fault.at_ns for fault in scenario.faults]
    assert times == sorted(times)
    assert max(times) < scenario.duration_ns
    fixed = [fault for fault in scenario.faults if fault.label == "fail line/26734"]
    assert {fault.until_ns - fault.at_ns for fault in fixed if fault.at_ns} == {10**9}


def test_backups_fail_by_themselves():
    text = "failures: {lines: {tier/commune: {mttf: 1 s, repair: {median: 1 s}}}}\n"
    names = {name for fault in small(BACKUP, append=text).faults for name in fault.lines}
    assert names == {"26734", "26737", "26737/backup-1", "27688", "27688/backup-1"}


def test_a_repair_beyond_the_longest_time_is_none():
    text = "failures: {rooms: {tier/commune: {mttf: 1 s, repair: {mean: 876000 h, sigma: 0}}}}\n"
    scenario = small(append=text)
    assert {fault.until_ns for fault in scenario.faults} == {FOREVER_NS}
    assert_same(scenario)
