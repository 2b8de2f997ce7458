"""Pools in the tree: every server lists all lines of its relay, and its expected load is even."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.network.capacity import egress_load, first_servers, offered
from sim.network.tree import Network, build_network
from sim.scenario.model import Pool, Scenario
from tests.control.pools import PACKETS_PER_S, pool, without
from tests.equality import trees

SERVERS = 3


def tree(described: Pool, *, overhead_ns: int = 0) -> Scenario:
    """Return a root with relays a, which has a pool and rooms a1 to a4, and b with b1.

    b1 has a backup line to a. Beside others', a's servers are numbered 1 to 3.
    """
    servers = [
        replace(trees.egress(overhead_ns=overhead_ns), server=str(i)) for i in range(1, SERVERS + 1)
    ]
    parents = {"root": "", "a": "root", "b": "root", "b1": "b"}
    parents |= {f"a{i}": "a" for i in range(1, 5)}
    scenario = trees.scenario(
        parents,
        egresses={"a": servers[::-1], "root": [trees.egress()], "b": [trees.egress()]},
        pools={"a": described},
        full={"a": 0.0},
        streams=1,
    )
    (primary,) = (line for line in scenario.lines if line.site == "b1")
    backup = replace(primary, parent="a", role="backup")
    return replace(scenario, lines=(*scenario.lines, backup))


def servers_of(network: Network) -> range:
    a = network.index["a"]
    return range(*network.site_egress_first[a : a + 2].tolist())


def test_every_server_lists_all_lines_in_one_order() -> None:
    network = build_network(tree(pool()))
    servers = servers_of(network)
    assert [network.egresses[e].server for e in servers] == ["1", "2", "3"]
    backup = len(network.sites)
    lines = [*(network.index[f"a{i}"] for i in range(1, 5)), backup]
    for e in servers:
        listed = slice(*network.child_first[e : e + 2].tolist())
        assert network.child_line[listed].tolist() == lines
        assert network.children[listed].tolist() == [*lines[:4], network.index["b1"]]
    for rank, line in enumerate(lines):
        assert network.line_rank[line] == rank
        assert network.line_parent[line] == network.index["a"]
        assert network.line_egress[line] in servers
    # The lines of others are where they were.
    b1 = network.index["b1"]
    assert network.child_line[network.child_first[network.feed[b1]]] == b1


def test_servers_draw_their_own_background() -> None:
    network = build_network(tree(pool()))
    keys = [tuple(network.egress_background_key[e].tolist()) for e in servers_of(network)]
    assert len(set(keys)) == SERVERS


@pytest.mark.parametrize("policy", ["least loaded", "round robin"])
def test_lines_are_spread_one_by_one(policy: str) -> None:
    network = build_network(tree(pool(policy=policy)))
    first = servers_of(network)[0]
    feed = [int(network.feed[network.index[f"a{i}"]]) - first for i in range(1, 5)]
    assert feed == [0, 1, 2, 0]


def test_absent_sites_are_on_no_server() -> None:
    network = build_network(without(tree(pool()), ["a1", "a2"]))
    first = servers_of(network)[0]
    feed = [int(network.feed[network.index[f"a{i}"]]) - first for i in range(1, 5)]
    assert feed == [0, 0, 0, 1]


@pytest.mark.parametrize("policy", ["least loaded", "hash"])
def test_expected_load_of_a_server_is_that_of_an_even_share(policy: str) -> None:
    """Four lines of a byte every 10 ns over three servers, at 1 ns a byte and 2 ns a copy."""
    scenario = tree(pool(policy=policy), overhead_ns=2)
    network = build_network(scenario)
    sums, load = offered(scenario, network), egress_load(scenario, network)
    for e in servers_of(network):
        assert sums.egress_bps[e] == pytest.approx(4 / 3 * PACKETS_PER_S * 8)
        assert sums.egress_packets_per_s[e] == pytest.approx(4 / 3 * PACKETS_PER_S)
        assert load[e] == pytest.approx(4 / 3 * 0.3)
    root = network.site_egress_first[0]
    assert sums.egress_bps[root] == pytest.approx(2 * PACKETS_PER_S * 8)
    assert load[root] == pytest.approx(0.2)


def test_the_first_server_stands_for_its_pool() -> None:
    network = build_network(tree(pool()))
    first = first_servers(network)
    servers = servers_of(network)
    assert first[list(servers)].tolist() == [servers[0]] * SERVERS
    others = np.setdiff1d(np.arange(len(network.egresses)), list(servers))
    assert first[others].tolist() == others.tolist()
