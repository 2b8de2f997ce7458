"""Background, classes and scheduling: of lines and egresses, by direction and by the hour."""

from __future__ import annotations

import pytest

from sim.scenario.model import Background
from tests.scenario.files import small
from tests.scenario.test_lines import line_of

FLAT = (1.0,) * 24
PROVINCE = "rate: 50 Mbit/s, buffer: 50 ms"
CLASSES = ("sites:", "classes: [audio, video]\nsites:")


def background(**values) -> Background:
    fields = {"share": 0.0, "rate_bps": 0, "packet_bytes": 0, "burst_ns": 0, "silence_ns": 0}
    return Background(**(fields | {"precedence": 1, "profile": FLAT} | values))


def line(text: str, *edits: tuple[str, str]):
    return line_of(small(CLASSES, (PROVINCE, f"{PROVINCE}, {text}"), *edits), "79")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{steady: 20 %}", background(kind="steady", share=0.2)),
        (
            "{poisson: 2 Mbit/s, packet: 1500 B, class: audio}",
            background(kind="poisson", rate_bps=2_000_000, packet_bytes=1500, precedence=0),
        ),
        (
            "{bursts: 8 Mbit/s, on: 300 ms, off: 2 s, packet: 1 kB}",
            background(
                kind="bursts",
                rate_bps=8_000_000,
                packet_bytes=1000,
                burst_ns=3 * 10**8,
                silence_ns=2 * 10**9,
            ),
        ),
        ("none", None),
    ],
)
def test_a_background_is_as_described_both_ways(text, expected):
    found = line(f"background: {text}")
    assert found.down.background == found.up.background == expected


def test_directions_may_differ_and_what_is_not_given_has_none():
    found = line("background: {up: {steady: 20 %}}")
    assert found.down.background is None
    assert found.up.background == background(kind="steady", share=0.2)


def test_a_profile_gives_whole_hours_a_factor():
    profiles = "begins: 08:00\nprofiles:\n  day: {07:00-09:00: × 2, 23:00-24:00: × 0.5}\n"
    found = line("background: {steady: 20 %, profile: day}", ("sites:", f"{profiles}sites:"))
    assert found.down.background is not None
    factors = found.down.background.profile
    assert {hour: factor for hour, factor in enumerate(factors) if factor != 1} == {
        7: 2.0,
        8: 2.0,
        23: 0.5,
    }


def test_the_time_of_day_is_kept():
    assert small(("sites:", "begins: 13:30\nsites:")).begins_ns == 13.5 * 3600 * 10**9


def test_scheduling_of_a_tier_is_undone_by_a_class_and_an_exception():
    scenario = small(
        CLASSES,
        ("    classes:", "    scheduling: priority\n    background: {steady: 9 %}\n    classes:"),
        (
            "buffer: 50 packets,",
            "buffer: 50 packets, scheduling: fifo, background: none,",
        ),
        ("streams:", "  except: {'27688': {scheduling: fifo}}\nstreams:"),
    )
    found = {each.site: (each.down.scheduling, each.up.scheduling) for each in scenario.lines}
    classes = {each.site: each.access_class for each in scenario.lines}
    assert found["79"] == ("fifo", "fifo")
    assert found["27688"] == ("fifo", "fifo")
    for site in ("26734", "26737"):
        wanted = "priority" if classes[site] == "fibre" else "fifo"
        assert found[site] == (wanted, wanted)
        assert (line_of(scenario, site).up.background is None) == (classes[site] == "radio")
    assert {classes["26734"], classes["26737"]} == {"fibre", "radio"}


def test_an_inventory_row_says_them_too():
    table = """\
  inventory:
    table: |
      site, scheduling, background
      79, priority, "{down: {steady: 5 %, class: audio}}"
      80, , none
streams:"""
    scenario = small(
        CLASSES,
        (PROVINCE, f"{PROVINCE}, background: {{steady: 20 %}}"),
        ("streams:", table),
    )
    first, second = line_of(scenario, "79"), line_of(scenario, "80")
    assert first.down.background == background(kind="steady", share=0.05, precedence=0)
    assert (first.up.background, first.up.scheduling) == (None, "priority")
    assert (second.down.background, second.down.scheduling) == (None, "fifo")


def test_carriers_of_an_egress_have_what_the_shared_one_has_unless_they_say_otherwise():
    shared = """\
rate: 1 Gbit/s, buffer: 20 ms, scheduling: priority, background: {steady: 20 %},
            carriers: {vnpt: {scheduling: fifo}, other: {background: none}}}"""
    scenario = small(
        CLASSES,
        ("rate: 1 Gbit/s, buffer: 20 ms}", shared),
        ("streams:", "  except: {'80': {carrier: other}}\nstreams:"),
    )
    central = next(relay for relay in scenario.relays if relay.site == "central")
    found = {egress.carrier: egress for egress in central.egresses}
    assert found["vnpt"].scheduling == "fifo"
    assert found["vnpt"].background == background(kind="steady", share=0.2)
    assert found["other"].scheduling == "priority"
    assert found["other"].background is None
