"""Placement: which egress or server of a relay takes a line, and why none does.

A line goes to the egress of its carrier, or to a server of the relay's pool by the pool's policy.
A server that would break a limit of its own does not take it: policies choose among the others,
as if each were asked in the policy's order until one accepts. Limits are kept by what is true,
policies go by what was reported; who reports what is in `sim.control.reports`.

All lines below a relay carry the same, so what an egress has taken is a number of lines.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Mapping, Sequence
from enum import StrEnum

from sim import rng
from sim.network.others import others_share
from sim.scenario.demand import SPAN_S, Demand, demands
from sim.scenario.model import Egress, Pool, Relay, Scenario

ROUNDING = 1e-9  # a load this little above its limit, relative to it, is a sum of floats


class Refusal(StrEnum):
    """Why a relay does not take a line."""

    PORTS = "ports"  # the relay has no ports for the sources that would come up
    EGRESS = "egress"  # the egress of its carrier would be too full
    SERVER = "server"  # every server is at a limit: ports, streams, packets, or too full
    ADMISSION = "admission"  # those that are not have taken too many lines just now


def order_at_relay(egress: Egress) -> tuple[bytes, int]:
    """Return what egresses of one relay are numbered by: carrier, then server."""
    return egress.carrier.encode(), int(egress.server or 0)


class Desk:
    """The desk of one relay: gives its lines to its egresses, and keeps count.

    Egress i is the i-th of the relay in the order of `order_at_relay`, as in `Network`.
    """

    def __init__(self, relay: Relay, demand: Demand, *, seed: int, begins_ns: int) -> None:
        """Begin with no line; `demand` is that of each, `begins_ns` the time of day."""
        self._relay = relay
        self._seed = seed
        self._demand = demand
        self._egresses = sorted(relay.egresses, key=order_at_relay)
        self._carriers = {egress.carrier: i for i, egress in enumerate(self._egresses)}
        self._others = [others_share(egress, begins_ns) for egress in self._egresses]
        self._busy = [demand.busy(egress) for egress in self._egresses]
        self._lines = [0] * len(self._egresses)
        self._admitted: list[deque[int]] = [deque() for _ in self._egresses]
        self._last = -1

    def copy(self) -> Desk:
        """Return a desk that keeps count of its own from here on."""
        other = copy.copy(self)
        other._lines = self._lines.copy()
        other._admitted = [instants.copy() for instants in self._admitted]
        return other

    @property
    def egresses(self) -> int:
        """How many egresses the relay has."""
        return len(self._egresses)

    @property
    def pool(self) -> Pool | None:
        """The pool of servers, if there is one."""
        return self._relay.pool

    def lines(self, i: int) -> int:
        """Return how many lines egress `i` of the relay has taken."""
        return self._lines[i]

    def load(self, i: int) -> float:
        """Return the largest share in use of what egress `i` of the relay has.

        Its time, by the mean rates of what it sends and of others there; of a server also its
        ports, streams and packets, as far as they are limited. It may be above 1.
        """
        return self._load(i, self._lines[i])

    def place(self, child: str, carrier: str, known: Sequence[float], now_ns: int) -> int | Refusal:
        """Return which egress takes a line from `child`, and count it; or why none does.

        Parameters
        ----------
        child : id of the site at the line's lower end
        carrier : of the line; it chooses the egress where there is no pool
        known : the load of each server as it is known to who places; empty where there is no pool
        now_ns : not before that of the last call
        """
        if self._relay.pool is None:
            i = self._carriers.get(carrier, self._carriers.get("", -1))
            if i < 0 or self._is_full(i):
                return Refusal.EGRESS
        else:
            servers = range(len(self._lines))
            room = [i for i in servers if not (self._limited(i) or self._is_full(i))]
            if not room:
                return Refusal.SERVER
            able = [i for i in room if self._admits(i, now_ns)]
            if not able:
                return Refusal.ADMISSION
            i = self._choose(self._relay.pool, child, able, known)
            self._admitted[i].append(now_ns)
        self.take(i)
        return i

    def place_first(self, child: str, carrier: str) -> int:
        """Return which egress has a line that is there when the meeting begins, and count it.

        Placement knew the true loads then. Admissions of that time are long past, and an egress
        that is too full has its lines nevertheless.

        Raises
        ------
        ValueError
            If no server of the pool has a port, streams or packets left for it.
        """
        pool = self._relay.pool
        if pool is None:
            i = self._carriers.get(carrier, self._carriers.get("", -1))
        else:
            able = [i for i in range(len(self._lines)) if not self._limited(i)]
            if not able:
                raise ValueError(f"the servers of '{self._relay.site}' have no room for '{child}'")
            able = [i for i in able if not self._is_full(i)] or able
            i = self._choose(pool, child, able, [self.load(i) for i in range(len(self._lines))])
        self.take(i)
        return i

    def take(self, i: int) -> None:
        """Count a line at egress `i`, whatever the limits say."""
        self._lines[i] += 1
        self._last = i

    def give_back(self, i: int) -> None:
        """Count a line less at egress `i`; that it was admitted stays so."""
        self._lines[i] -= 1

    def _load(self, i: int, lines: int) -> float:
        load = self._others[i] + lines * self._busy[i]
        pool, demand = self._relay.pool, self._demand
        if pool is None:
            return load
        return max(
            load,
            lines / pool.ports if pool.ports else 0.0,
            lines * demand.streams / pool.streams if pool.streams else 0.0,
            lines * demand.packets / (SPAN_S * pool.packets_per_s) if pool.packets_per_s else 0.0,
        )

    def _is_full(self, i: int) -> bool:
        """Return whether another line would fill an egress's time beyond what it may."""
        full, busy = self._relay.full, self._others[i] + (self._lines[i] + 1) * self._busy[i]
        return bool(full and self._egresses[i].rate_bps and busy > full * (1 + ROUNDING))

    def _limited(self, i: int) -> bool:
        """Return whether another line would break a server's limit of ports, streams or packets."""
        pool, demand, lines = self._relay.pool, self._demand, self._lines[i] + 1
        assert pool is not None
        return bool(
            (pool.ports and lines > pool.ports)
            or (pool.streams and lines * demand.streams > pool.streams)
            or (pool.packets_per_s and lines * demand.packets > SPAN_S * pool.packets_per_s)
        )

    def _admits(self, i: int, now_ns: int) -> bool:
        """Return whether a server took fewer lines in (now - span, now] than it may."""
        pool, admitted = self._relay.pool, self._admitted[i]
        assert pool is not None
        while admitted and admitted[0] <= now_ns - pool.admit_ns:
            admitted.popleft()
        return not pool.admit or len(admitted) < pool.admit

    def _choose(self, pool: Pool, child: str, able: list[int], known: Sequence[float]) -> int:
        """Return which of the servers `able`, in their order, takes a line from `child`."""
        if pool.policy == "round robin":
            return min(able, key=lambda i: (i - self._last - 1) % len(self._lines))
        if pool.policy == "hash":
            return max(able, key=lambda i: (self._weight(i, child), -i))
        if pool.policy == "fill":
            below = [i for i in able if known[i] < pool.fill_to]
            used = [i for i in below if self._lines[i]]
            able = used or below or able
        return min(able, key=lambda i: (known[i], i))

    def _weight(self, i: int, child: str) -> int:
        """Return the weight by which a line likes a server (Thaler and Ravishankar, 1998)."""
        name = f"server/{self._relay.site}/{self._egresses[i].server}/{child}"
        return rng.key(self._seed, name, "placement")[0]


def desks(scenario: Scenario) -> Mapping[str, Desk]:
    """Return a desk for each relay, by the id of its site."""
    above = {site.id: site.parent for site in scenario.sites}
    of_lines = demands(above, scenario.streams, floor=bool(scenario.agenda))
    return {
        relay.site: Desk(
            relay, of_lines[relay.site], seed=scenario.seed, begins_ns=scenario.begins_ns
        )
        for relay in scenario.relays
    }
