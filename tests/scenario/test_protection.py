"""Detection, failover and standbys as the file has them, and their defaults."""

from __future__ import annotations

import pytest

from sim.scenario.model import Scenario
from sim.scenario.protection import (
    NEVER_NS,
    Bfd,
    Consent,
    Detection,
    Failover,
    Rtcp,
    Silence,
    Vrrp,
)
from tests.scenario.files import small
from tests.scenario.test_resolved import assert_same

MS = 10**6
S = 10**9
BACKUPS = (
    "  commune:\n",
    "  commune:\n    backup: {to: nearest, rate: 1 Mbit/s, buffer: 9 packets}\n",
)
NOTHING = {"bfd": None, "silence": None, "rtcp": None, "consent": None, "late_ns": 0}


def protected(append: str, *edits: tuple[str, str]) -> Scenario:
    scenario = small(BACKUPS, *edits, append=append)
    assert_same(scenario)
    return scenario


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("bfd: {}", {"bfd": Bfd(interval_ns=300 * MS, multiplier=3)}),
        ("bfd: {interval: 50 ms}", {"bfd": Bfd(interval_ns=50 * MS, multiplier=3)}),
        ("silence: 2.5 s", {"silence": Silence(after_ns=2500 * MS, streams=())}),
        (
            "silence: {after: 3 s, streams: [video]}, late: 5 s",
            {"silence": Silence(after_ns=3 * S, streams=("video",)), "late_ns": 5 * S},
        ),
        ("rtcp: {}", {"rtcp": Rtcp(interval_ns=5 * S, multiplier=5)}),
        ("consent: {}", {"consent": Consent(interval_ns=5 * S, expiry_ns=30 * S)}),
        (
            "bfd: {multiplier: 255}, rtcp: {interval: 1 s}, consent: {expiry: 7 s}",
            {
                "bfd": Bfd(interval_ns=300 * MS, multiplier=255),
                "rtcp": Rtcp(interval_ns=S, multiplier=5),
                "consent": Consent(interval_ns=5 * S, expiry_ns=7 * S),
            },
        ),
    ],
)
def test_detection(text, seen):
    scenario = protected(f"detection: {{commune: {{{text}}}}}\n")
    assert scenario.detection == (Detection(tier="commune", **NOTHING | seen),)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", (0, NEVER_NS, 10 * S)),
        ("hold_down: 1 s, revert: at once, retry: 3 s", (S, 0, 3 * S)),
        ("revert: after 5 min", (0, 300 * S, 10 * S)),
        ("revert: never", (0, NEVER_NS, 10 * S)),
    ],
)
def test_failover(text, fields):
    section = f"detection: {{commune: {{bfd: {{}}}}}}\nfailover: {{commune: {{{text}}}}}\n"
    hold_down_ns, revert_ns, retry_ns = fields
    assert protected(section).failover == (
        Failover(tier="commune", hold_down_ns=hold_down_ns, revert_ns=revert_ns, retry_ns=retry_ns),
    )


def test_tiers_are_in_their_own_order():
    section = "detection: {commune: {bfd: {}}, province: {bfd: {}}}\n"
    assert [each.tier for each in protected(section).detection] == ["province", "commune"]


def standbys(scenario: Scenario) -> dict[str, Vrrp | None]:
    return {relay.site: relay.standby for relay in scenario.relays}


PROVINCE = "province: {processing: 2 ms, "


def test_a_tier_s_standby_and_exceptions():
    scenario = protected(
        "",
        (PROVINCE, PROVINCE + "standby: {vrrp: {priority: 200}}, "),
        ("lines:\n", '  except: {"80": {standby: none}}\nlines:\n'),
    )
    assert standbys(scenario) == {
        "79": Vrrp(interval_ns=S, priority=200),
        "80": None,
        "central": None,
    }


def test_an_exception_alone_has_a_standby():
    exception = '  except: {"80": {standby: {vrrp: {interval: 100 ms}}}}\nlines:\n'
    scenario = protected("", ("lines:\n", exception))
    assert standbys(scenario) == {
        "79": None,
        "80": Vrrp(interval_ns=100 * MS, priority=100),
        "central": None,
    }


def test_standbys_among_gates():
    scenario = protected(
        "",
        (PROVINCE, PROVINCE + "select: 3, standby: {vrrp: {}}, "),
        ("lines:\n", '  except: {"80": {select: none, ports: 7, standby: none}}\nlines:\n'),
    )
    assert [relay.ports for relay in scenario.relays] == [0, 7, 0]


def test_a_backup_to_the_parent_may_fail_over_below_relays_that_select():
    scenario = small(
        ("  commune:\n", "  commune:\n    backup: {rate: 1 Mbit/s, buffer: 9 packets}\n"),
        (PROVINCE, PROVINCE + "select: 3, "),
        append="detection: {commune: {bfd: {}}}\nfailover: {commune: {}}\n",
    )
    assert_same(scenario)
    assert scenario.failover


def test_backups_elsewhere_that_nobody_moves_to_are_no_matter_to_relays_that_select():
    assert not protected("", (PROVINCE, PROVINCE + "select: 3, ")).failover
