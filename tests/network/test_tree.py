"""The tree as arrays: preorder, contiguous subtrees, egresses by carrier, luck by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.network.tree import Network, build_network
from sim.scenario.model import Scenario
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
    for field in Network.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field), err_msg=field)


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


def test_a_new_site_changes_no_other_luck() -> None:
    few: Scenario = trees.scenario({"0": "", "1": "0", "2": "0"})
    more: Scenario = trees.scenario({"0": "", "1": "0", "15": "1", "2": "0"})
    one, other = build_network(few), build_network(more)
    for site in ("1", "2"):
        for name in ("loss_gap_key", "loss_state_key"):
            old, new = getattr(one, name), getattr(other, name)
            np.testing.assert_array_equal(old[one.index[site]], new[other.index[site]])
    keys = {tuple(key) for key in np.concatenate([other.loss_gap_key, other.loss_state_key])}
    assert len(keys) == 2 * len(other.sites)
