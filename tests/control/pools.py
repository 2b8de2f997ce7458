"""Pools for tests: a root whose servers share the lines of some rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sim.control.admission import Admission
from sim.network.tree import build_network
from sim.scenario.joining_model import NEVER_NS, Arrival, JoiningRules
from sim.scenario.model import Policy, Pool, Scenario, Stream
from tests.equality import trees

ROOT = "root"
# A stream of a byte every 10 ns, on servers that send a byte/ns, is a tenth of a server's time.
SHARE = 0.1
PACKETS_PER_S = 10**8


def pool(
    *,
    policy: Policy = "least loaded",
    fill_to: float = 0.0,
    report_ns: int = 10,
    report_delay_ns: int = 0,
    ports: int = 0,
    streams: int = 0,
    packets_per_s: int = 0,
    admit: int = 0,
    admit_ns: int = 0,
) -> Pool:
    """Return a pool without limits: least loaded by reports every 10 ns."""
    return Pool(
        policy=policy,
        fill_to=fill_to,
        report_ns=report_ns,
        report_delay_ns=report_delay_ns,
        ports=ports,
        streams=streams,
        packets_per_s=packets_per_s,
        admit=admit,
        admit_ns=admit_ns,
    )


def meeting(
    described: Pool,
    *,
    servers: int,
    rooms: int,
    full: float = 0.0,
    ports: int = 0,
    overhead_ns: int = 0,
    streams: int | Sequence[Stream] = 1,
    seed: int = 1,
) -> Scenario:
    """Return a root with a pool, and rooms below it called r00, r01 and so on."""
    names = [f"r{number:02}" for number in range(rooms)]
    one = trees.egress(overhead_ns=overhead_ns)
    return trees.scenario(
        {ROOT: "", **dict.fromkeys(names, ROOT)},
        egresses={ROOT: [replace(one, server=str(i)) for i in range(1, servers + 1)]},
        pools={ROOT: described},
        full={ROOT: full},
        ports={ROOT: ports},
        streams=streams,
        seed=seed,
    )


def empty(scenario: Scenario) -> Admission:
    """Return the admission of a meeting to which nobody has come yet."""
    scenario = without(scenario, [site.id for site in scenario.sites])
    return Admission(scenario, build_network(scenario))


def without(scenario: Scenario, sites: Sequence[str]) -> Scenario:
    """Return the scenario with sites that are absent when the run begins."""
    rooms = tuple(Arrival(site=site, calls_ns=0, leaves_ns=NEVER_NS) for site in sites)
    return replace(scenario, joining=JoiningRules(start_ns=0, rooms=rooms))
