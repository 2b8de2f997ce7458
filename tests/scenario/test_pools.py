"""Relays as pools of servers: what a file says, what exceptions change, what fits."""

from __future__ import annotations

import pytest

from sim.errors import ScenarioError
from sim.scenario.loader import load_text
from sim.scenario.model import Pool, Relay
from sim.scenario.resolved import resolved_text
from tests.scenario.files import NOWHERE, edited, problems_of, small

S = 10**9
EGRESS = "egress: {rate: 100 Mbit/s, buffer: 20 ms}}\n"
ALL = """\
servers: {count: 12, rate: 1 Gbit/s, buffer: 20 ms, overhead: 20 us, mtu: 1400 B, ports: 100,
             streams: 300, packets: 50000/s, policy: fill to 80 %, report: every 5 s,
             report_delay: 1 s, admit: 30/min, scheduling: priority,
             background: {steady: 2 %}}, full: 90 %}
"""
FEW = "servers: {count: 2, rate: 1 Gbit/s, buffer: 20 ms}}\n"


def pooled(*edits):
    """Return the small scenario with texts replaced, and two classes of streams."""
    return small(("seed: 2", "classes: [one, two]\nseed: 2"), *edits)


def relay_of(scenario, site) -> Relay:
    return next(relay for relay in scenario.relays if relay.site == site)


def test_a_pool_is_as_it_is_described():
    relay = relay_of(pooled((EGRESS, ALL)), "79")
    assert relay.pool == Pool(
        policy="fill",
        fill_to=0.8,
        report_ns=5 * S,
        report_delay_ns=S,
        ports=100,
        streams=300,
        packets_per_s=50_000,
        admit=30,
        admit_ns=60 * S,
    )
    assert relay.full == 0.9
    assert [server.server for server in relay.egresses] == [str(i) for i in range(1, 13)]
    for server in relay.egresses:
        assert (server.carrier, server.rate_bps, server.overhead_ns) == ("", 10**9, 20_000)
        assert (server.mtu_bytes, server.scheduling) == (1400, "priority")
        assert server.background is not None


def test_what_is_not_said_of_a_pool():
    relay = relay_of(pooled((EGRESS, FEW)), "79")
    assert relay.pool == Pool(
        policy="least loaded",
        fill_to=0.0,
        report_ns=10 * S,
        report_delay_ns=0,
        ports=0,
        streams=0,
        packets_per_s=0,
        admit=0,
        admit_ns=0,
    )
    assert relay.full == 1.0
    assert relay_of(small(), "79").pool is None


@pytest.mark.parametrize(
    ("text", "pace"),
    [("5 in 10 s", (5, 10 * S)), ("7/s", (7, S)), ("1/h", (1, 3600 * S)), ("none", (0, 0))],
)
def test_admissions_may_be_written_in_several_ways(text, pace):
    pool = relay_of(pooled((EGRESS, FEW.replace("count", f"admit: {text}, count"))), "79").pool
    assert (pool.admit, pool.admit_ns) == pace


@pytest.mark.parametrize("policy", ["least loaded", "round robin", "hash"])
def test_policies(policy):
    pool = relay_of(pooled((EGRESS, FEW.replace("count", f"policy: {policy}, count"))), "79").pool
    assert (pool.policy, pool.fill_to) == (policy, 0.0)


EXCEPT = """\
  except:
    "79": {servers: {count: 3, admit: 30/min}}
    "80": {egress: {rate: 1 Gbit/s, buffer: 10 ms}}
"""


def test_an_exception_gives_only_what_differs_or_an_egress_instead():
    scenario = pooled((EGRESS, ALL + EXCEPT))
    more, other = relay_of(scenario, "79"), relay_of(scenario, "80")
    assert (len(more.egresses), more.pool.admit, more.pool.ports) == (3, 30, 100)
    assert (other.pool, other.egresses[0].rate_bps, other.egresses[0].mtu_bytes) == (
        None,
        10**9,
        1500,
    )


def test_an_exception_may_be_a_pool_where_the_tier_has_egresses():
    scenario = pooled((EGRESS, EGRESS + f'  except:\n    "79": {{{FEW}'))
    assert len(relay_of(scenario, "79").egresses) == 2
    assert relay_of(scenario, "80").pool is None


@pytest.mark.parametrize(
    "relays",
    [
        ALL,
        FEW,
        ALL + EXCEPT,
        EGRESS + f'  except:\n    "79": {{{FEW}',
        EGRESS + '  except:\n    "79": {full: none}\n',
        ALL.replace("full: 90 %", "full: none"),
        FEW + '  except:\n    "79": {full: 12.3 %, servers: {policy: fill to 7.7 %}}\n',
        FEW + '  except:\n    "80": {egress: none}\n',
        FEW + '  except:\n    "80": {egress: {carriers: {vnpt: {rate: 1 Gbit/s, buffer: 9 kB},'
        " viettel: {rate: 2 Gbit/s, buffer: 9 kB}}}}\n",
    ],
)
def test_the_resolved_text_is_the_same_scenario(relays):
    scenario = pooled((EGRESS, relays))
    text = resolved_text(scenario)
    assert load_text(text, NOWHERE) == scenario
    assert resolved_text(load_text(text, NOWHERE)) == text


def test_nothing_is_said_of_pools_where_there_is_none():
    text = resolved_text(small())
    assert "servers" not in text
    assert "full" not in text


@pytest.mark.parametrize(
    ("limit", "fits"),
    [("ports: 2", "ports: 1"), ("streams: 2", "streams: 1"), ("packets: 600/s", "packets: 599/s")],
)
def test_who_is_there_from_the_start_must_fit(limit, fits):
    """Two rooms are below 79; of the video, 300 packets/s go to each: 10 in each frame."""
    one = (EGRESS, FEW.replace("count: 2", f"count: 1, {limit}"))
    video = ("frames: 30/s", "frames: 30/s, packet: 834 B, overhead: 0 B, sizes: constant")
    pooled(one, video)
    text = FEW.replace("count: 2", f"count: 1, {fits}")
    with pytest.raises(ScenarioError, match="has 2 sites below it, and its 1 server holds 1 by"):
        pooled((EGRESS, text), video)


def test_all_that_is_wrong_with_a_pool_is_said_at_once():
    text = ALL.replace("count: 12", "count: 0").replace("30/min", "30").replace("5 s", "often")
    assert len(problems_of(edited((EGRESS, text)))) == 3
