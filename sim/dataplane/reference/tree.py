"""The tree of the reference engine: all its parts, each with what it is joined to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from sim import rng
from sim.dataplane.reference.background import LiveBackground
from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.direction import LiveDirection
from sim.dataplane.reference.egress import LiveEgress
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.gate import build_gates
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.loss import LossProcess
from sim.dataplane.reference.packet import BackgroundPacket, Packet
from sim.dataplane.reference.relay import LiveRelay
from sim.dataplane.reference.room import LiveRoom
from sim.dataplane.reference.site import LiveSite
from sim.network.tree import Network
from sim.scenario.model import Background, Scenario

ROOT = 0


class LiveTree:
    """The parts of a network, empty and up.

    Attributes
    ----------
    directions : by number, s down and n + s up; the root has none
    egresses : by number
    sites : by number
    """

    def __init__(
        self, clock: Clock, ledger: Ledger, *, scenario: Scenario, network: Network
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._scenario = scenario
        self._network = network
        self.directions: dict[int, LiveDirection] = {}
        self._build_directions()
        self.egresses = self._build_egresses()
        self._gates = build_gates(scenario, network, ledger.encounters)
        self.sites = [self._build_site(site) for site in range(len(network.sites))]

    def _build_directions(self) -> None:
        network = self._network
        n = len(network.sites)
        for site, line in enumerate(network.lines):
            if line is None:
                continue
            above = int(network.parent[site])
            for hop, port, tie, arrive in (
                (site, line.down, _tie_down(above), partial(self._come_down, site)),
                (n + site, line.up, Encounter.TIE_ON_WAY_UP, partial(self._come_up, n + site)),
            ):
                direction = LiveDirection(
                    self._clock,
                    self._ledger,
                    hop=hop,
                    port=port,
                    rate_bps=int(network.rate_bps[hop]),
                    propagation_ns=int(network.propagation_ns[site]),
                    losses=LossProcess(
                        port.loss,
                        state_key=_key(network.loss_state_key[hop].tolist()),
                        gap_key=_key(network.loss_gap_key[hop].tolist()),
                    ),
                    tie=tie,
                    arrive=arrive,
                )
                self.directions[hop] = direction
                key = _key(network.background_key[hop].tolist())
                self._add_background(port.background, key, direction.doorway.reach_background)

    def _build_egresses(self) -> list[LiveEgress]:
        network = self._network
        fed = np.split(network.children, network.child_first[1:-1])
        leaves = frozenset(np.flatnonzero(~network.relay).tolist())
        egresses = []
        for number, port in enumerate(network.egresses):
            egress = LiveEgress(
                self._clock,
                self._ledger,
                number=number,
                egress=port,
                rate_bps=int(network.egress_rate_bps[number]),
                lines={site: self.directions[site] for site in fed[number].tolist()},
                leaves=leaves,
                tie=_tie_down(int(network.egress_site[number])),
            )
            egresses.append(egress)
            key = _key(network.egress_background_key[number].tolist())
            if egress.interface is not None:
                self._add_background(port.background, key, egress.offer_background)
        return egresses

    def _build_site(self, site: int) -> LiveSite:
        network, streams = self._network, self._scenario.streams
        hop = len(network.sites) + site
        up = self.directions.get(hop)
        relay = room = None
        if network.relay[site]:
            first, end = network.site_egress_first[site : site + 2].tolist()
            relay = LiveRelay(
                self._clock,
                self._ledger,
                site=site,
                processing_ns=int(network.processing_ns[site]),
                egresses=self.egresses[first:end],
                up=up,
            )
        if network.room[site]:
            room = LiveRoom(
                self._clock,
                self._ledger,
                site=site,
                relay=relay,
                streams=streams,
                dark_after_ns=self._scenario.dark_after_ns,
            )
        return LiveSite(
            self._clock,
            self._ledger,
            number=site,
            own_up_hop=hop,
            relay=relay,
            gate=self._gates.get(site),
            room=room,
            up=up,
            streams=streams,
        )

    def _add_background(
        self,
        background: Background | None,
        key: rng.Key,
        offer: Callable[[BackgroundPacket], None],
    ) -> None:
        if background is not None:
            LiveBackground(
                self._clock,
                background,
                key=key,
                begins_ns=self._scenario.begins_ns,
                until_ns=self._scenario.duration_ns,
                offer=offer,
            )

    def _come_down(self, site: int, packet: Packet) -> None:
        self.sites[site].come_down(packet)

    def _come_up(self, hop: int, packet: Packet) -> None:
        above = int(self._network.parent[hop - len(self._network.sites)])
        self.sites[above].come_up(packet, hop)


def _tie_down(relay: int) -> Encounter:
    """Return what to count when packets of two origins leave a relay downwards at one instant."""
    return Encounter.TIE_AT_ROOT if relay == ROOT else Encounter.TIE_WITH_LOCAL


def _key(words: Sequence[int]) -> rng.Key:
    first, second = words
    return first, second
