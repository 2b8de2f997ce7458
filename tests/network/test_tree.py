"""The tree as arrays: preorder, contiguous subtrees, egresses by carrier, luck by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.grouping import Grouping
from sim.network.tree import Network, build_network, left_bps
from sim.scenario.model import HOUR_NS, HOURS, Scenario
from tests.equality import trees


@st.composite
def parents(draw: st.DrawFn) -> dict[str, str]:
    """Draw a tree as site -> parent; ids of one and two digits, so that bytes are not numbers."""
    above, depth = {"0": ""}, {"0": 0}
    for site in map(str, range(1, draw(st.integers(1, 14)))):
        parent = draw(st.sampled_from([s for s in depth if depth[s] < len(trees.TIERS) - 1]))
        above[site], depth[site] = parent, depth[parent] + 1
    return above


@given(above=parents(), data=st.data())
def test_order_of_sites_leaves_no_trace(above: dict[str, str], data: st.DataObject) -> None:
    scenario = trees.scenario(above)
    shuffled = replace(
        scenario,
        sites=tuple(data.draw(st.permutations(scenario.sites))),
        lines=tuple(data.draw(st.permutations(scenario.lines))),
        relays=tuple(data.draw(st.permutations(scenario.relays))),
    )
    one, other = build_network(scenario), build_network(shuffled)
    for kind, left, right in (
        (Network, one, other),
        (Grouping, one.grouping, other.grouping),
    ):
        for field in set(kind.__dataclass_fields__) - {"grouping"}:
            np.testing.assert_array_equal(
                getattr(left, field), getattr(right, field), err_msg=field
            )


@given(above=parents())
def test_subtrees_are_ranges(above: dict[str, str]) -> None:
    network = build_network(trees.scenario(above))
    ids = [site.id for site in network.sites]
    for s, site in enumerate(ids):
        below = {site}
        while True:
            more = {child for child, parent in above.items() if parent in below} - below
            if not more:
                break
            below |= more
        assert set(ids[s : network.end[s]]) == below
        assert ids[: network.end[s]][s] == site
        assert [ids[a] for a in network.path(s)] == path(above, site)


def path(above: dict[str, str], site: str) -> list[str]:
    """Return the sites from just below the root down to `site`."""
    return [*path(above, above[site]), site] if above[site] else []


@given(above=parents())
def test_every_line_has_its_place_at_its_egress(above: dict[str, str]) -> None:
    network = build_network(trees.scenario(above))
    for s in range(1, len(network.sites)):
        e = network.feed[s]
        assert network.egress_site[e] == network.parent[s]
        assert network.children[network.child_first[e] + network.rank[s]] == s
    for e in range(len(network.egresses)):
        fed = network.children[network.child_first[e] : network.child_first[e + 1]]
        ids = [network.sites[child].id.encode() for child in fed]
        assert ids == sorted(ids)


@given(above=parents())
def test_order_is_that_of_ids_as_bytes(above: dict[str, str]) -> None:
    network = build_network(trees.scenario(above))
    by_order = sorted(range(len(network.sites)), key=lambda s: int(network.order[s]))
    assert [network.sites[s].id for s in by_order] == sorted(above, key=str.encode)


def keys(network: Network) -> list[tuple[int, ...]]:
    """Return the keys of all draws of all directions and egresses."""
    own = (
        network.loss_gap_key,
        network.loss_state_key,
        network.background_key,
        network.egress_background_key,
    )
    return [tuple(key) for key in np.concatenate(own).tolist()]


def test_a_new_site_changes_no_other_luck() -> None:
    """Neither down nor up, nor at an egress; and no two draws have one key."""
    few: Scenario = trees.scenario({"0": "", "1": "0", "2": "0"})
    more: Scenario = trees.scenario({"0": "", "1": "0", "15": "1", "2": "0"})
    one, other = build_network(few), build_network(more)
    for site in ("1", "2"):
        for name in ("loss_gap_key", "loss_state_key", "background_key"):
            old, new = getattr(one, name), getattr(other, name)
            s, t = one.index[site], other.index[site]
            np.testing.assert_array_equal(old[s], new[t])
            np.testing.assert_array_equal(old[len(one.sites) + s], new[len(other.sites) + t])
    np.testing.assert_array_equal(one.egress_background_key[0], other.egress_background_key[0])
    everything = keys(other)
    assert len(everything) == 3 * 2 * len(other.sites) + len(other.egresses)
    assert len(set(everything)) == len(everything)


def test_each_direction_has_its_own_rate() -> None:
    """Rates are by direction, s down and n + s up; the root has none."""
    line = trees.line(trees.direction(rate_bps=7), trees.direction(rate_bps=5))
    network = build_network(trees.scenario({"0": "", "1": "0"}, lines={"1": line}))
    assert network.rate_bps.tolist() == [0, 7, 0, 5]
    assert network.egress_rate_bps.tolist() == [0]


def test_each_direction_is_of_a_kind() -> None:
    """Lines that share a direction share a kind; the root's is None."""
    thick, thin = trees.direction(rate_bps=7), trees.direction(rate_bps=5)
    lines = {"1": trees.line(thick, thin), "2": trees.line(thin, thick)}
    network = build_network(trees.scenario({"0": "", "1": "0", "2": "0"}, lines=lines))
    assert network.kinds == (None, thick, thin)
    assert network.kind.tolist() == [0, 1, 2, 0, 2, 1]
    assert network.kind_rate_bps.tolist() == [0, 7, 5]


@pytest.mark.parametrize(
    ("time_of_day_ns", "left"),
    [
        (0, 800),
        (HOUR_NS - 1, 800),
        (HOUR_NS, 600),
        (2 * HOUR_NS - 1, 600),
        (2 * HOUR_NS, 800),
        (24 * HOUR_NS + 1, 800),
        (25 * HOUR_NS, 600),
    ],
)
def test_steady_background_takes_its_share_by_the_hour(time_of_day_ns: int, left: int) -> None:
    """A fifth of 1000 bit/s, and twice that in the second hour of the day."""
    steady = trees.steady(share=0.2, profile=(1.0, 2.0, *[1.0] * (HOURS - 2)))
    ports = trees.direction(rate_bps=1000, background=steady), trees.egress(background=steady)
    for port in ports:
        assert left_bps(port, 1000, time_of_day_ns) == left
        assert left_bps(port, 0, time_of_day_ns) == 0


def test_steady_background_leaves_at_least_a_bit() -> None:
    assert left_bps(trees.direction(background=trees.steady(share=0.9)), 1, 0) == 1


def test_packets_of_others_take_nothing_of_the_rate() -> None:
    others = trees.poisson(rate_bps=900)
    assert left_bps(trees.direction(rate_bps=1000, background=others), 1000, 0) == 1000


def test_a_meeting_begins_with_what_its_hour_leaves() -> None:
    steady = trees.steady(share=0.2, profile=(1.0, 2.0, *[1.0] * (HOURS - 2)))
    scenario = trees.scenario(
        {"0": "", "1": "0"},
        lines={
            "1": trees.line(
                trees.direction(rate_bps=1000, background=steady), trees.direction(rate_bps=500)
            )
        },
        egresses={"0": [trees.egress(rate_bps=2000, background=steady)]},
        begins_ns=HOUR_NS,
    )
    network = build_network(scenario)
    assert network.rate_bps.tolist() == [0, 600, 0, 500]
    assert network.egress_rate_bps.tolist() == [1200]
