"""When sites notice: the distributions of detection times, against closed forms and event by event.

Kolmogorov and Smirnov at 1 % with 4,000 draws: a distribution that differs by 0.026 is refused with
certainty if the sample is near its own. Beside each stands a wrong one that is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from sim import rng
from sim.control.detection import (
    Watch,
    age,
    bfd_delay_ns,
    consent_delay_ns,
    rtcp_delay_ns,
)
from sim.scenario.model import FOREVER_NS
from sim.scenario.protection import Bfd, Consent, Detection, Rtcp, Vrrp
from tests.chance.goodness import fits

DRAWS = 4000
MS = 10**6
S = 10**9
UNIFORMS = rng.uniforms(rng.key(3, "phase", "test"), 0, DRAWS).tolist()
BFD = Bfd(interval_ns=300 * MS, multiplier=3)
NOTHING = Detection(tier="a", bfd=None, silence=None, rtcp=None, consent=None, late_ns=0)


def bfd_cdf(multiplier: int, longest: float) -> Callable[[float], float]:
    """P(detected within x intervals): hellos come 3/4 to `longest` of an interval apart.

    The last one is between 0 and `longest` old: with mean m, 1/m dense up to 3/4, then falling
    linearly to 0.
    """
    mean = (0.75 + longest) / 2

    def cdf(x: float) -> float:
        old = multiplier - x
        if old <= 0:
            return 1.0
        if old <= 0.75:
            return 1 - old / mean
        return max(longest - old, 0.0) ** 2 / (2 * mean * (longest - 0.75))

    return cdf


@pytest.mark.parametrize(("multiplier", "longest"), [(1, 0.9), (3, 1.0), (5, 1.0)])
def test_bfd_detection_time(multiplier, longest):
    bfd = Bfd(interval_ns=300 * MS, multiplier=multiplier)
    times = [bfd_delay_ns(bfd, u) / bfd.interval_ns for u in UNIFORMS]
    assert fits(times, bfd_cdf(multiplier, longest))
    assert multiplier - longest < min(times) < multiplier - longest + 0.06
    assert multiplier - 0.01 < max(times) <= multiplier
    # As if hellos had no jitter: P(age <= x) = x. By at most 1/8 of a half off, and seen.
    assert not fits(times, lambda x: min(max(x - multiplier + 1, 0), 1))


def test_bfd_detection_time_hello_by_hello():
    """Hellos sent one after the other, a fault at any time, and the timer of the last one."""
    gaps = rng.uniforms(rng.key(5, "gaps", "test"), 0, 200_000)
    sent = (300 * MS * (1 - gaps / 4)).round().cumsum()
    delays = []
    faults = rng.uniforms(rng.key(5, "faults", "test"), 0, DRAWS) * sent[-1] * 0.99
    for fault in faults.tolist():
        last = sent[sent.searchsorted(fault) - 1] if fault > sent[0] else 0.0
        delays.append((last + 900 * MS - fault) / (300 * MS))
    assert fits(delays, bfd_cdf(3, 1.0))


def test_consent_expires_thirty_seconds_after_the_last_answer():
    """Checks 4 to 6 s apart, mean 5: age x has P = x / 5 up to 4, then 1 - (6 - x)**2 / 20."""
    times = [
        consent_delay_ns(Consent(interval_ns=5 * S, expiry_ns=30 * S), u) / S for u in UNIFORMS
    ]

    def cdf(x: float) -> float:
        old = 30 - x
        return 1 - old / 5 if old <= 4 else (6 - old) ** 2 / 20

    assert fits(times, cdf)
    assert 24 < min(times) < 24.5
    assert 29.9 < max(times) < 30


def test_rtcp_times_out_when_a_report_is_due_after_five_intervals():
    """Reports are 5 s × [0.5, 1.5] / 1.21828 apart (RFC 3550, 6.3.1): at most 6.16 s more."""
    times = [rtcp_delay_ns(Rtcp(interval_ns=5 * S, multiplier=5), u) / S for u in UNIFORMS]
    mean, shortest, longest = 5 / 1.21828, 2.5 / 1.21828, 7.5 / 1.21828

    def cdf(x: float) -> float:
        wait = x - 25
        if wait <= shortest:
            return wait / mean
        return 1 - (longest - wait) ** 2 / (2 * mean * (longest - shortest))

    assert fits(times, cdf)
    assert 25 <= min(times) < 25.05
    assert max(times) < 25 + longest


def test_the_age_of_even_hellos_is_uniform():
    assert age(0.25, shortest=4.0, longest=4.0) == 1.0


def test_the_first_detector_notices_and_the_site_learns_late():
    slow = replace(NOTHING, consent=Consent(interval_ns=5 * S, expiry_ns=30 * S))
    both = replace(slow, bfd=BFD)
    seen = {
        name: Watch(detection, seed=1).notice_ns("79", 100 * S, on_wire_ns=0)
        for name, detection in (
            ("slow", slow),
            ("both", both),
            ("late", replace(both, late_ns=5 * S)),
        )
    }
    assert seen["both"] < 101 * S < seen["slow"]
    assert seen["late"] == seen["both"] + 5 * S


def test_a_detector_without_hellos_never_notices_an_outage():
    watch = Watch(NOTHING, seed=1)
    assert watch.notice_ns("79", 5, on_wire_ns=0) == FOREVER_NS
    assert watch.known_after_ns == FOREVER_NS


def test_what_a_dead_relay_had_sent_still_arrives():
    watch = Watch(replace(NOTHING, bfd=BFD), seed=1)
    wired = watch.notice_ns("79", 5 * S, on_wire_ns=7 * MS)
    assert wired - watch.notice_ns("79", 5 * S, on_wire_ns=0) == 7 * MS


def test_phases_are_draws_of_the_site_and_the_moment():
    watch = Watch(replace(NOTHING, bfd=BFD), seed=1)
    times = [watch.notice_ns("79", at * S, on_wire_ns=0) - at * S for at in range(1, 9)]
    assert len(set(times)) == 8
    assert watch.notice_ns("80", S, on_wire_ns=0) != watch.notice_ns("79", S, on_wire_ns=0)
    assert Watch(replace(NOTHING, bfd=BFD), seed=2).notice_ns("79", S, on_wire_ns=0) != times[0] + S
    assert watch.notice_ns("79", S, on_wire_ns=0) == times[0] + S


def test_vrrp_master_down_interval():
    """RFC 5798, 6.1: 3 × interval + (256 - priority) / 256 × interval."""
    downs = [Vrrp(interval_ns=S, priority=priority).master_down_ns for priority in range(1, 255)]
    assert downs[99] == 3_609_375_000
    assert downs[253] == 3_007_812_500
    assert all(earlier > later for earlier, later in pairwise(downs))
    assert Vrrp(interval_ns=100 * MS, priority=100).master_down_ns == 360_937_500
