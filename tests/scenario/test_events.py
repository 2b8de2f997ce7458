"""Events: when faults begin and end, and what they concern."""

from __future__ import annotations

import pytest

from sim.errors import ScenarioError
from sim.scenario.loader import load
from sim.scenario.model import FOREVER_NS
from tests.scenario.files import edited, small
from tests.scenario.test_resolved import assert_same

SECOND = 10**9


BACKUP = ("buffer: 50 packets", "buffer: 50 packets, backup: {carrier: mobi}")  # of 26734 alone


def faults(*events: str, extra: str = ""):
    lines = "".join(f"  - {{{event}}}\n" for event in events)
    scenario = small(BACKUP, append=f"{extra}events:\n{lines}")
    assert_same(scenario)
    return scenario.faults


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
        ("fail: room/26734", (), (), ("26734",)),
        ("fail: line/26734/backup-1", ("26734/backup-1",), (), ()),
        ("fail: carrier/mobi", ("26734/backup-1",), (), ()),
        ("fail: carrier/mobi in region/South", ("26734/backup-1",), (), ()),
        ("fail: carrier/mobi in site/80", (), (), ()),
        ("flap: carrier/viettel, down: 1 s, up: 1 s", ("26734",), (), ()),
        ("power: site/79", (), ("79",), ()),
        ("power: tier/commune in site/79", (), (), ("26734", "26737")),
        ("power: region/Delta", (), (), ("27688",)),
        ("power: group/mains", (), ("80",), ("27688",)),
        ("grey: relay/79, passes: none", (), ("79",), ()),
        ("grey: group/relays, passes: [video]", (), ("79", "80"), ()),
        ("fail: carrier/viettel", ("26734",), (), ()),
        ("fail: carrier/vnpt in region/South", ("26737", "79", "80"), (), ()),
        ("fail: carrier/vnpt in site/80", ("27688", "80"), (), ()),
        ("fail: carrier/vnpt in tier/commune", ("26737", "27688"), (), ()),
        ("degrade: line/79, rate: × 0.5", ("79",), (), ()),
        ("degrade: relay/79, rate: × 0.5", (), ("79",), ()),
        ("degrade: site/79, rate: × 0.5", ("79",), ("79",), ()),
        ("degrade: site/26734, loss: 2 %", ("26734", "26734/backup-1"), (), ()),
        ("degrade: site/27688, loss: 2 %", ("27688",), (), ()),
        ("fail: group/duct", ("79",), ("80",), ("27688",)),
        ("degrade: group/duct, rate: × 0.1", ("27688", "79"), ("80",), ()),
    ],
)
def test_targets(event, lines, relays, rooms):
    groups = (
        "groups:\n  duct: [line/79, relay/80, site/27688]\n"
        "  mains: [site/80, tier/commune in site/80]\n  relays: [relay/80, relay/79]\n"
    )
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


def test_sites_are_out_as_a_whole_by_site_and_power_only():
    site, relay, power = faults(
        "at: 1 s, fail: site/79, for: 1 s",
        "at: 2 s, fail: relay/79, for: 1 s",
        "at: 3 s, power: site/79, for: 1 s",
    )
    assert (site.sites, relay.sites, power.sites) == (("79",), (), ("79",))


def test_what_flaps_is_down_first_and_up_at_its_end():
    (fault,) = faults("at: 1 s, flap: line/79, down: 1 s, up: 2 s, for: 7.5 s")
    assert fault.label == "flap line/79"
    assert [(at / SECOND, until / SECOND) for at, until in fault.spans()] == [
        (1, 2),
        (4, 5),
        (7, 8),
    ]
    (cut,) = faults("at: 1 s, flap: line/79, down: 2 s, up: 1 s, for: 4 s")
    assert [until / SECOND for _, until in cut.spans()] == [3, 5]


def test_what_flaps_until_it_is_restored_may_end_while_down():
    (fault,) = faults("at: 1 s, flap: line/79, down: 2 s, up: 2 s", "at: 6 s, restore: line/79")
    assert list(fault.spans()) == [(SECOND, 3 * SECOND), (5 * SECOND, 6 * SECOND)]


BATTERIES = 'batteries: {tier/commune: 2 s, tier/commune in site/80: 4 s, "26737": 0 s}\n'


def test_a_battery_keeps_a_site_until_it_is_empty():
    found = faults("at: 1 s, power: tier/commune, for: 5 s", extra=BATTERIES)
    assert [(fault.at_ns / SECOND, fault.sites) for fault in found] == [
        (1, ("26737",)),
        (3, ("26734",)),
        (5, ("27688",)),
    ]
    assert {fault.until_ns for fault in found} == {6 * SECOND}
    assert {fault.label for fault in found} == {"power tier/commune"}


def test_a_battery_that_outlasts_the_cut_prevents_the_fault():
    found = faults("at: 1 s, power: tier/commune, for: 3 s", extra=BATTERIES)
    assert [fault.sites for fault in found] == [("26737",), ("26734",)]


def test_an_event_s_own_battery_wins():
    (fault,) = faults("at: 1 s, power: tier/commune, battery: 500 ms, for: 3 s", extra=BATTERIES)
    assert fault.at_ns == SECOND * 3 // 2
    assert fault.rooms == ("26734", "26737", "27688")


def test_a_battery_that_outlasts_the_meeting_leaves_nothing():
    assert faults("at: 1 s, power: site/79, battery: 1 h") == ()


def test_a_grey_relay_says_what_it_passes():
    voice = "at: 1 s, grey: relay/79, passes: [video]"
    some, none = faults(voice, "at: 2 s, grey: relay/80, passes: none")
    assert (some.action, some.passes, none.passes) == ("grey", ("video",), ())
