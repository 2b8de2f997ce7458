"""Survival: which rooms would be fed over another way if any one relay died for good.

Found from the topology and by placement as in a run, without a packet: what a failover costs the
rooms meanwhile, a run with the fault tells.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from sim.network.placement import Desk, Refusal, desks
from sim.network.tree import Network
from sim.network.ways import sources_up
from sim.scenario.model import Scenario
from sim.scenario.requirement_model import ANY_RELAY

Bools = NDArray[np.bool_]


def survivors(scenario: Scenario, network: Network, failing: str) -> Bools:
    """Return at which sites a room is fed whichever single relay fails, (n,) bool.

    A hot standby does a relay's work, for its own room too. Else every site right below it asks its
    backup lines in order, as `failover` of its tier lets it, when all sites are there on their
    primary lines: the higher tier first, then by id. Refused for too many at once it asks again
    later, refused for want of ports or rate it is lost, with all below it.

    Parameters
    ----------
    failing : the tier of the relays, or `ANY_RELAY`
    """
    safe = np.ones(len(network.sites), dtype=np.bool_)
    standby = {relay.site for relay in scenario.relays if relay.standby is not None}
    topology = _Topology(scenario, network)
    for relay in np.flatnonzero(network.relay).tolist():
        site = network.sites[relay]
        if failing in (site.tier, ANY_RELAY) and site.id not in standby:
            below = slice(relay, int(network.end[relay]))
            safe[below] &= topology.without(relay)[below]
    return safe


class _Topology:
    """All sites on their primary lines, and what each relay can take beside."""

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self._network = network
        self._moving = {own.tier for own in scenario.failover}
        self._desks = {network.index[site]: desk for site, desk in desks(scenario).items()}
        self._first: list[int] = network.site_egress_first.tolist()
        self._sources = sources_up(scenario, network)
        self._ports_used: Counter[int] = Counter()
        for line in range(1, len(network.sites)):
            relay = int(network.line_parent[line])
            self._ports_used[relay] += self._sources[line]
            self._desks[relay].take(int(network.line_egress[line]) - self._first[relay])

    def without(self, relay: int) -> Bools:
        """Return which sites are fed without a relay, (n,) bool, for good."""
        network = self._network
        fed = np.ones(len(network.sites), dtype=np.bool_)
        fed[relay : network.end[relay]] = False
        asked: dict[int, Desk] = {}
        taken: Counter[int] = Counter()
        now_ns = 0
        children = np.flatnonzero(network.parent == relay)
        for s in children[np.lexsort((network.order[children], network.tier[children]))].tolist():
            if network.sites[s].tier not in self._moving:
                continue
            for line in network.lines_of(s)[1:]:
                above = int(network.line_parent[line])
                if not fed[above] or self._lacks_ports(above, s, taken):
                    continue
                if above not in asked:
                    asked[above] = self._desks[above].copy()
                desk = asked[above]
                now_ns += desk.pool.admit_ns if desk.pool else 0  # so that it is never too soon
                loads = [desk.load(i) for i in range(desk.egresses)] if desk.pool else []
                carrier, child = network.line(line).carrier, network.sites[s].id
                if not isinstance(desk.place(child, carrier, loads, now_ns), Refusal):
                    taken[above] += self._sources[s]
                    fed[s : network.end[s]] = True
                    break
        return fed

    def _lacks_ports(self, above: int, site: int, taken: Counter[int]) -> bool:
        ports = int(self._network.ports[above])
        used = self._ports_used[above] + taken[above] + self._sources[site]
        return bool(ports) and used > ports
