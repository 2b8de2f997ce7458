"""Which rooms survive any single relay: by hand, and as the failovers of a run come out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.control.plane import ControlPlane
from sim.dataplane.edit import UseLine
from sim.network.survival import survivors
from sim.network.tree import Network, build_network
from sim.scenario.model import Scenario
from sim.scenario.protection import Bfd, Detection, Failover, Vrrp
from sim.scenario.requirement_model import ANY_RELAY
from tests.control.meetings import LASTING, with_backups
from tests.control.pools import pool
from tests.equality import trees
from tests.equality.trees import BYTE_PER_NS, TIERS

MS, S = 10**6, 10**9
# Who asks over lines to a dead relay waits for SIP's Timer B each time, 32 s.
LONG_NS = 300 * S
PARENTS = {"root": "", "a": "root", "b": "root", "a1": "a", "a2": "a", "a3": "a", "b1": "b"}
STANDBY = Vrrp(interval_ns=5 * MS, priority=100)


def rule(tier: str) -> Failover:
    return Failover(tier=tier, hold_down_ns=0, revert_ns=-1, retry_ns=10 * S)


def detection(tier: str) -> Detection:
    bfd = Bfd(interval_ns=5 * MS, multiplier=2)
    return Detection(tier=tier, bfd=bfd, silence=None, rtcp=None, consent=None, late_ns=0)


def with_rules(scenario: Scenario, *tiers: str) -> Scenario:
    return replace(
        scenario,
        detection=tuple(detection(tier) for tier in tiers),
        failover=tuple(rule(tier) for tier in tiers),
    )


def safe(scenario: Scenario, failing: str) -> str:
    """The ids of the sites that are fed whatever fails."""
    network = build_network(scenario)
    return " ".join(
        network.sites[s].id for s in np.flatnonzero(survivors(scenario, network, failing))
    )


MEETING = with_rules(
    with_backups(trees.scenario(PARENTS), {"a1": ["b"], "a2": ["a", "b"], "b1": ["b"]}), "district"
)


def test_who_has_a_way_past_the_relay_survives() -> None:
    """a3 has no backup, b1 one to the relay that fails; a relay's own room dies with it."""
    assert safe(MEETING, "province") == "root a1 a2"
    assert safe(MEETING, ANY_RELAY) == ""
    assert safe(MEETING, "central") == ""
    assert safe(MEETING, "commune") == "root a a1 a2 a3 b b1"


def test_without_failover_a_backup_is_of_no_use() -> None:
    assert safe(replace(MEETING, failover=()), "province") == "root"


def test_a_standby_saves_all_below_and_the_relays_own_room() -> None:
    relays = [
        replace(relay, standby=STANDBY if relay.site != "b" else None) for relay in MEETING.relays
    ]
    protected = replace(MEETING, relays=tuple(relays))
    assert safe(protected, "province") == "root a a1 a2 a3"
    assert safe(protected, ANY_RELAY) == "root a a1 a2 a3"


@pytest.mark.parametrize(("share", "there"), [(0.19, ""), (0.2, " a1"), (0.3, " a1 a2")])
def test_an_egress_takes_as_many_as_it_may(share: float, there: str) -> None:
    """Each line is a tenth of it, with b1 there: in the order of their ids."""
    relays = [replace(relay, full=share if relay.site == "b" else 1.0) for relay in loaded().relays]
    assert safe(replace(loaded(), relays=tuple(relays)), "province") == "root" + there


def test_a_backup_that_is_full_is_followed_by_the_next() -> None:
    full = [replace(relay, full=0.2 if relay.site == "b" else 1.0) for relay in loaded().relays]
    second = with_backups(replace(loaded(), relays=tuple(full)), {"a2": ["root"], "a3": ["root"]})
    assert safe(second, "province") == "root a1 a2 a3"


def test_a_pool_takes_what_its_servers_may_and_is_never_asked_too_soon() -> None:
    relays = [
        replace(
            relay,
            egresses=tuple(replace(relay.egresses[0], server=server) for server in ("1", "2")),
            pool=pool(ports=1, admit=1, admit_ns=MS),
        )
        if relay.site == "b"
        else relay
        for relay in MEETING.relays
    ]
    assert safe(replace(MEETING, relays=tuple(relays)), "province") == "root a1"


def test_ports_must_be_free_for_what_comes_up() -> None:
    up = trees.stream("up", direction="up", origins=["a1", "a2", "b1"], to="central")
    scenario = replace(MEETING, streams=(*MEETING.streams, up))
    for ports, there in ((1, ""), (2, " a1"), (3, " a1 a2")):
        relays = [
            replace(relay, ports=ports if relay.site == "b" else 0) for relay in scenario.relays
        ]
        assert safe(replace(scenario, relays=tuple(relays)), "province") == "root" + there


def loaded() -> Scenario:
    """a1, a2 and a3 may go to b; each takes a tenth of its egress."""
    scenario = trees.scenario(
        PARENTS, streams=1, egresses={"b": [trees.egress(rate_bps=BYTE_PER_NS)]}
    )
    return with_rules(with_backups(scenario, {"a1": ["b"], "a2": ["b"], "a3": ["b"]}), "district")


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a tree of up to four tiers whose sites have backups to relays of any tier above."""
    parents, tiers = {"0": ""}, {"0": 0}
    for number in range(1, draw(st.integers(2, 10))):
        above = draw(st.sampled_from([site for site in tiers if tiers[site] < len(TIERS) - 1]))
        parents[str(number)] = above
        tiers[str(number)] = draw(st.integers(tiers[above] + 1, len(TIERS) - 1))
    relays = sorted(set(parents.values()) - {""})
    backups = {
        site: draw(
            st.lists(
                st.sampled_from([relay for relay in relays if tiers[relay] < tiers[site]]),
                max_size=2,
            )
        )
        for site in parents
        if site != "0"
    }
    scenario = trees.scenario(
        parents,
        tiers={site: TIERS[tier] for site, tier in tiers.items()},
        duration_ns=LONG_NS,
        window_ns=S,
    )
    scenario = replace(
        scenario,
        relays=tuple(
            replace(relay, standby=draw(st.sampled_from([None, None, STANDBY])))
            for relay in scenario.relays
        ),
    )
    moving = draw(st.lists(st.sampled_from(TIERS[1:]), unique=True, min_size=1))
    return with_rules(with_backups(scenario, backups), *sorted(moving, key=TIERS.index))


def fed_without(scenario: Scenario, network: Network, relay: int) -> set[int]:
    """The sites that are fed long after a relay has died, in a run."""
    fault = replace(LASTING, at_ns=10 * MS, relays=(network.sites[relay].id,))
    plane = ControlPlane(replace(scenario, faults=(fault,)), network)
    above = network.parent.tolist()
    for edit in plane.run_until(scenario.duration_ns):
        if isinstance(edit, UseLine):
            above[edit.target] = int(network.line_parent[edit.line])

    def is_fed(site: int) -> bool:
        return site != relay and (site == 0 or is_fed(above[site]))

    return {site for site in range(len(above)) if is_fed(site)}


@given(scenario=scenarios(), failing=st.sampled_from([*TIERS, ANY_RELAY]))
def test_the_failovers_of_a_run_come_out_so(scenario: Scenario, failing: str) -> None:
    network = build_network(scenario)
    everybody = set(range(len(network.sites)))
    expected = set(everybody)
    for relay in scenario.relays:
        s = network.index[relay.site]
        if relay.standby is None and failing in (network.sites[s].tier, ANY_RELAY):
            expected &= fed_without(scenario, network, s)
    found = survivors(scenario, network, failing)
    assert set(np.flatnonzero(found).tolist()) == expected
