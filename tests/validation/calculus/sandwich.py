"""Simulated maxima beside the bounds of network calculus, transmitter by transmitter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from sim.dataplane.engine import Engine
from sim.dataplane.packet import PacketEngine
from sim.dataplane.tally import EgressCount, LineCount
from sim.media.packets import Packets
from sim.media.sources import Sources
from sim.network.tree import Network, build_network
from sim.scenario.loader import load, load_text
from sim.scenario.model import FOREVER_NS, Scenario
from tests.validation.calculus.tree import Bound, Sent, bounds

SCENARIOS = Path(__file__).parents[3] / "scenarios"
SIMULATED_NS = 10 * 10**9


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One transmitter: its bound, and the most that was simulated.

    Attributes
    ----------
    kind : `line down`, `line up` or `egress`
    tier : of the lower end of a line, of the relay of an egress
    site : id; of a line's lower end, of an egress's relay
    backlog_ns : longest time to send all that it held
    delay_ns : longest time that a packet was in it; None of an egress: not counted
    lost : packets that its memory refused
    """

    kind: str
    tier: str
    site: str
    bound: Bound
    backlog_ns: int
    delay_ns: int | None
    lost: int


def compared(scenario: Scenario, network: Network, engine: Engine, sent: Sent) -> list[Compared]:
    """Return all transmitters of a run that has drained."""
    found = bounds(scenario, sent)
    n = len(network.sites)
    rows = []
    for (site, way), bound in found.lines.items():
        s = network.index[site]
        count = engine.tally.line[s if way == "down" else n + s]
        carried = int(count[LineCount.DELIVERED])
        delay_ns = int(count[LineCount.DELAY_MAX_NS]) - int(network.propagation_ns[s])
        rows.append(
            Compared(
                kind=f"line {way}",
                tier=network.sites[s].tier,
                site=site,
                bound=bound,
                backlog_ns=int(count[LineCount.BACKLOG_MAX_NS]),
                delay_ns=delay_ns if carried else 0,
                lost=int(count[LineCount.LOST_QUEUE]),
            )
        )
    for e, egress in enumerate(network.egresses):
        site = network.sites[network.egress_site[e]]
        bound = found.egresses.get((site.id, egress.carrier))
        if bound is not None:
            count = engine.tally.egress[e]
            rows.append(
                Compared(
                    kind="egress",
                    tier=site.tier,
                    site=site.id,
                    bound=bound,
                    backlog_ns=int(count[EgressCount.BACKLOG_MAX_NS]),
                    delay_ns=None,
                    lost=int(count[EgressCount.LOST_QUEUE]),
                )
            )
    return rows


def sent_in(network: Network, packets: Packets) -> Sent:
    """Return packets as the calculation takes them."""
    columns = packets.written()
    ids = np.array([site.id for site in network.sites])
    origin = np.repeat(np.arange(len(network.sites)), np.diff(columns.origin_first))
    return Sent(
        at_ns=columns.sent_ns.astype(np.int64),
        size_bytes=columns.size_bytes.astype(np.int64),
        stream=columns.stream.astype(np.int64),
        origin=ids[origin],
    )


def simulated(scenario: Scenario) -> list[Compared]:
    """Run a scenario on the packet engine, without its faults, and compare all transmitters."""
    scenario = replace(scenario, faults=())
    network = build_network(scenario)
    engine = PacketEngine(scenario, network)
    sources = Sources(scenario, network.index)
    packets = sources.emit(scenario.duration_ns)
    sent = sent_in(network, packets)
    engine.replay(0, scenario.duration_ns, packets, [])
    nothing = sources.emit(scenario.duration_ns)
    engine.replay(scenario.duration_ns, FOREVER_NS, nothing, [])
    assert engine.pending() == 0
    return compared(scenario, network, engine, sent)


def province() -> Scenario:
    """Return the shipped province, its beginning: one way, first come, first served."""
    return load(SCENARIOS / "province.yaml", duration_ns=SIMULATED_NS)


def both_ways() -> Scenario:
    """Return the national meeting's lines, streams and classes in the same province.

    With audio first on all of them, a steady share of others, rooms that send up, and a speaker.
    """
    path = SCENARIOS / "national.yaml"
    text = path.read_text(encoding="utf-8")
    head, found, _ = text.partition("agenda:")
    assert found, "the national scenario has no agenda"
    head, found, tail = head.partition("  count: {commune: 9043}")
    assert found, "the national scenario counts its communes otherwise"
    nearest = ", {to: nearest, carrier: viettel}"  # of one province there is no other
    assert nearest in tail, "the national scenario's districts have other backups"
    tail = tail.replace(nearest, "")
    text = f'{head}  only: ["96"]{tail}agenda:\n  - {{at: 2 s, floor: "32005"}}\n'
    return load_text(text, path, duration_ns=SIMULATED_NS)


MEETINGS = {"province.yaml": province, "national.yaml in Cà Mau": both_ways}


@cache
def shipped(name: str) -> list[Compared]:
    """Return the transmitters of one of MEETINGS that carry anything."""
    return [row for row in simulated(MEETINGS[name]()) if row.bound.packets]
