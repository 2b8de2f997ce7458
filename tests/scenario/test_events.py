"""Events: when faults begin and end, and what they concern."""

from __future__ import annotations

import pytest

from sim.errors import ScenarioError
from sim.scenario.loader import load
from sim.scenario.model import FOREVER_NS
from tests.scenario.files import edited, small

SECOND = 10**9


def faults(*events: str, extra: str = ""):
    lines = "".join(f"  - {{{event}}}\n" for event in events)
    return small(append=f"{extra}events:\n{lines}").faults


def parts(event: str, extra: str = ""):
    (fault,) = faults(event, extra=extra)
    return fault.lines, fault.relays, fault.rooms


def test_a_fault_ends_by_its_for_by_a_restore_or_never():
    first, second, third = faults(
        "at: 3 s, fail: line/80",
        "at: 1 s, fail: relay/79, for: 500 ms",
        "at: 2 s, fail: line/79",
        "at: 4 s, restore: line/80",
    )
    assert (first.at_ns, first.until_ns) == (SECOND, SECOND * 3 // 2)
    assert (second.at_ns, second.until_ns) == (2 * SECOND, FOREVER_NS)
    assert (third.at_ns, third.until_ns) == (3 * SECOND, 4 * SECOND)
    assert first.label == "fail relay/79"


@pytest.mark.parametrize(
    ("event", "lines", "relays", "rooms"),
    [
        ("fail: line/79", ("79",), (), ()),
        ("fail: relay/79", (), ("79",), ()),
        ("fail: site/79", (), ("79",), ()),
        ("fail: site/26734", (), (), ("26734",)),
        ("fail: carrier/viettel", ("26734",), (), ()),
        ("fail: carrier/vnpt in region/South", ("26737", "79", "80"), (), ()),
        ("fail: carrier/vnpt in site/80", ("27688", "80"), (), ()),
        ("fail: carrier/vnpt in tier/commune", ("26737", "27688"), (), ()),
        ("degrade: line/79, rate: × 0.5", ("79",), (), ()),
        ("degrade: relay/79, rate: × 0.5", (), ("79",), ()),
        ("degrade: site/79, rate: × 0.5", ("79",), ("79",), ()),
        ("degrade: site/26734, loss: 2 %", ("26734",), (), ()),
        ("fail: group/duct", ("79",), ("80",), ("27688",)),
        ("degrade: group/duct, rate: × 0.1", ("27688", "79"), ("80",), ()),
    ],
)
def test_targets(event, lines, relays, rooms):
    groups = "groups:\n  duct: [line/79, relay/80, site/27688]\n"
    assert parts(f"at: 1 s, {event}, for: 1 s", groups) == (lines, relays, rooms)


def test_a_degradation_carries_its_numbers():
    (fault,) = faults("at: 1 s, degrade: line/79, rate: × 0.25, loss: 3 %")
    assert (fault.rate_factor, fault.added_loss) == (0.25, 0.03)
    assert fault.label == "degrade line/79, rate × 0.25, loss 3 %"


def test_a_shorter_duration_from_outside_drops_later_events(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(
        edited(append="events:\n  - {at: 2 s, fail: line/79}\n  - {at: 5 s, fail: line/80}\n"),
        encoding="utf-8",
    )
    assert len(load(path).faults) == 2
    assert [fault.at_ns for fault in load(path, duration_ns=5 * SECOND).faults] == [2 * SECOND]
    assert load(path, duration_ns=5 * SECOND).duration_ns == 5 * SECOND
    assert load(path, duration_ns=5 * SECOND).late_faults == 1
    assert load(path).late_faults == 0


def test_an_event_beyond_the_file_s_own_end_is_wrong_however_long_the_run(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(edited(append="events:\n  - {at: 12 s, fail: line/79}\n"), encoding="utf-8")
    with pytest.raises(ScenarioError, match="12 s is not before the end of the meeting, 10 s"):
        load(path, duration_ns=20 * SECOND)


def test_requirements_are_sentences_and_numbers():
    scenario = small(
        append="requirements:\n  - {rooms: 95 %, delay_p99: at most 150 ms}\n"
        "  - {lines: 100 %, utilisation: at most 80 %}\n"
    )
    delay, use = scenario.requirements
    assert delay.text == "95 % of rooms: delay p99 at most 150 ms"
    assert (delay.share, delay.percentile, delay.limit) == (0.95, 99.0, 150e6)
    assert (use.subject, use.measure, use.limit) == ("lines", "utilisation", 0.8)
