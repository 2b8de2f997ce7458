"""Admission: whether a relay takes a line, through which egress or server, and why not.

The relay's ports are for sources that come up, as in `sim.scenario.gates`: those that the line
would bring must find theirs free. What goes down is for the egress or the pool: see
`sim.network.placement`. Mean rates count, whatever is sent just then.

What comes up over a line is what comes up from the site's own branch of the tree, also where
parts of the branch have moved elsewhere meanwhile (assumption: a branch fails over as a whole or
its streams are few).
"""

from __future__ import annotations

from sim.control.reports import Reports, phase_ns
from sim.network.placement import Desk, Refusal, desks
from sim.network.tree import Network
from sim.network.ways import sources_up
from sim.scenario.model import Scenario

__all__ = ["Admission", "Refusal"]


class Admission:
    """The desks of all relays, and which egress has which line.

    At one instant calls count in their order; who calls sees to it that it does not depend on the
    order of the file.
    """

    def __init__(self, scenario: Scenario, network: Network) -> None:
        """Begin with the primary lines of all sites but leaves that are absent, as in `feed`."""
        away = (network.index[site] for site in scenario.joining.absent)
        absent = frozenset(site for site in away if not network.relay[site])
        self._network = network
        by_id = desks(scenario)
        self._desks = {network.index[site]: desk for site, desk in by_id.items()}
        self._first: list[int] = network.site_egress_first.tolist()
        self._sources = sources_up(scenario, network)
        self._ports_used = [0] * len(network.sites)
        self._egress_of: dict[int, int] = {}
        self._now_ns = 0
        for line in range(1, len(network.sites)):
            if line not in absent:
                self._count(line, int(network.line_egress[line]), 1)
                relay = int(network.line_parent[line])
                self._desks[relay].take(self._egress_of[line] - self._first[relay])
        self._reports: dict[int, list[Reports]] = {
            relay: self._begin_reports(scenario, relay, desk)
            for relay, desk in self._desks.items()
            if desk.pool is not None
        }

    def place(self, line: int, now_ns: int) -> int | Refusal:
        """Let a relay take a line, and return the number of the egress; or why it does not.

        Raises
        ------
        ValueError
            If the line is in use, or `now_ns` lies before an earlier call.
        """
        self._go_on(now_ns)
        if line in self._egress_of:
            raise ValueError(f"line {line} is in use; release it first")
        network = self._network
        relay, site = int(network.line_parent[line]), int(network.line_site[line])
        ports = int(network.ports[relay])
        if ports and self._ports_used[relay] + self._sources[site] > ports:
            return Refusal.PORTS
        known = [reports.known(now_ns) for reports in self._reports.get(relay, ())]
        carrier = network.line(line).carrier
        found = self._desks[relay].place(network.sites[site].id, carrier, known, now_ns)
        if isinstance(found, Refusal):
            return found
        egress = self._first[relay] + found
        self._count(line, egress, 1)
        self._note(relay, found, now_ns)
        return egress

    def release(self, line: int, now_ns: int) -> None:
        """Give back what a line in use has taken.

        Raises
        ------
        ValueError
            If the line is not in use, or `now_ns` lies before an earlier call.
        """
        self._go_on(now_ns)
        if line not in self._egress_of:
            raise ValueError(f"line {line} is not in use")
        relay = int(self._network.line_parent[line])
        i = self._egress_of[line] - self._first[relay]
        self._count(line, self._egress_of[line], -1)
        self._desks[relay].give_back(i)
        self._note(relay, i, now_ns)

    def egress_of(self, line: int) -> int:
        """Return the egress that has a line; -1: none."""
        return self._egress_of.get(line, -1)

    def lines(self, egress: int) -> int:
        """Return how many lines an egress has."""
        relay = int(self._network.egress_site[egress])
        return self._desks[relay].lines(egress - self._first[relay])

    def load(self, egress: int) -> float:
        """Return the true load of an egress now; see `Desk.load`."""
        relay = int(self._network.egress_site[egress])
        return self._desks[relay].load(egress - self._first[relay])

    def ports_used(self, site: int) -> int:
        """Return how many sources may come up to a relay now."""
        return self._ports_used[site]

    def reports(self, egress: int) -> Reports:
        """Return the reports of a server, with the history of its load.

        Raises
        ------
        KeyError
            If the egress is no server.
        """
        relay = int(self._network.egress_site[egress])
        return self._reports[relay][egress - self._first[relay]]

    def _go_on(self, now_ns: int) -> None:
        if now_ns < self._now_ns:
            raise ValueError(f"{now_ns} ns lies before the last call, {self._now_ns} ns")
        self._now_ns = now_ns

    def _count(self, line: int, egress: int, change: int) -> None:
        relay, site = int(self._network.line_parent[line]), int(self._network.line_site[line])
        self._ports_used[relay] += change * self._sources[site]
        if change > 0:
            self._egress_of[line] = egress
        else:
            del self._egress_of[line]

    def _note(self, relay: int, i: int, now_ns: int) -> None:
        if relay in self._reports:
            self._reports[relay][i].note(now_ns, self._desks[relay].load(i))

    def _begin_reports(self, scenario: Scenario, relay: int, desk: Desk) -> list[Reports]:
        pool, site = desk.pool, self._network.sites[relay].id
        assert pool is not None
        servers = self._network.egresses[self._first[relay] : self._first[relay + 1]]
        return [
            Reports(
                phase_ns=phase_ns(scenario.seed, site, egress.server, pool.report_ns),
                report_ns=pool.report_ns,
                delay_ns=pool.report_delay_ns,
                load=desk.load(i),
            )
            for i, egress in enumerate(servers)
        ]
