"""The tree of the reference engine: all its parts, each with what it is joined to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from sim import rng
from sim.dataplane.reference.background import LiveBackground
from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.direction import LiveDirection
from sim.dataplane.reference.egress import Child, LiveEgress
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.gate import build_gates
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.loss import LossProcess
from sim.dataplane.reference.packet import BackgroundPacket, Packet
from sim.dataplane.reference.relay import LiveRelay
from sim.dataplane.reference.room import LiveRoom
from sim.dataplane.reference.site import LiveSite
from sim.network.tree import Network
from sim.scenario.model import Background, Scenario, Stream

ROOT = 0


class LiveTree:
    """The parts of a network, empty and up.

    Attributes
    ----------
    directions : by number; the root has none
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
        self._child = {
            child.site: child
            for egress in self.egresses
            for child in egress.children
            if child.in_use
        }
        self._gates = build_gates(scenario, network, ledger.encounters)
        self.sites = [self._build_site(site) for site in range(len(network.sites))]

    def use_line(self, site: int, line: int, egress: int) -> None:
        """Have a site leave the line it has used, and use another, fed by an egress above it."""
        self._give_up(self._child[site])
        down = self.directions[self._network.down(line)]
        (child,) = (child for child in self.egresses[egress].children if child.line is down)
        self._child[site] = child
        child.in_use = True
        up = self.directions[self._network.up(line)]
        self.sites[site].up = up
        relay, room = self.sites[site].relay, self.sites[site].room
        if relay is not None:
            relay.up = up
        self._ledger.parent[site] = int(self._network.line_parent[line])
        self._ledger.encounters[Encounter.MOVED] += 1
        if relay is not None or room is None or room.present:
            self._serve(child)

    def join(self, site: int) -> None:
        """Have the room of a site take part; at a leaf its line is used from now on."""
        room = self.sites[site].room
        if room is None or room.present:
            return
        room.join()
        if self.sites[site].relay is None:
            self._serve(self._child[site])
            self._ledger.encounters[Encounter.JOINED] += 1

    def leave(self, site: int) -> None:
        """Have the room of a site take part no longer; what is on a leaf's line is lost."""
        room = self.sites[site].room
        if room is None or not room.present:
            return
        room.leave()
        if self.sites[site].relay is None:
            self._give_up(self._child[site])
            self._child[site].in_use = True

    def _serve(self, child: Child) -> None:
        child.served = True
        up = self.sites[child.site].up
        assert up is not None, "a child has a line"
        child.line.use()
        up.use()

    def _give_up(self, child: Child) -> None:
        child.in_use = child.served = False
        up = self.sites[child.site].up
        assert up is not None, "a child has a line"
        child.line.give_up()
        up.give_up()

    def _build_directions(self) -> None:
        network = self._network
        for number, line in enumerate((*network.lines, *network.backups)):
            if line is None:
                continue
            site, above = int(network.line_site[number]), int(network.line_parent[number])
            down, up = network.down(number), network.up(number)
            for hop, port, tie, arrive in (
                (down, line.down, _tie_down(above), partial(self._come_down, site)),
                (up, line.up, Encounter.TIE_ON_WAY_UP, partial(self._come_up, above, up)),
            ):
                direction = LiveDirection(
                    self._clock,
                    self._ledger,
                    hop=hop,
                    port=port,
                    rate_bps=int(network.rate_bps[hop]),
                    propagation_ns=int(network.propagation_ns[hop]),
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
                if line.role == "backup":
                    direction.give_up()

    def _build_egresses(self) -> list[LiveEgress]:
        network = self._network
        entries = zip(network.children.tolist(), network.child_line.tolist(), strict=True)
        fed = np.split(np.array(list(entries)).reshape(-1, 2), network.child_first[1:-1])
        leaves = frozenset(np.flatnonzero(~network.relay).tolist())
        egresses = []
        for number, port in enumerate(network.egresses):
            egress = LiveEgress(
                self._clock,
                self._ledger,
                number=number,
                egress=port,
                rate_bps=int(network.egress_rate_bps[number]),
                children=[
                    Child(
                        site=site,
                        line=self.directions[network.down(line)],
                        in_use=line == site and network.feed[site] == number,
                        served=line == site and network.feed[site] == number,
                    )
                    for site, line in fed[number].tolist()
                ],
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
                pictures=pictures(streams, root=network.sites[ROOT].id),
            )
        return LiveSite(
            self._clock,
            self._ledger,
            number=site,
            tier=int(network.tier[site]),
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

    def _come_up(self, above: int, hop: int, packet: Packet) -> None:
        self.sites[above].come_up(packet, hop)


def pictures(streams: Sequence[Stream], *, root: str) -> frozenset[int]:
    """Return the streams that the root sends down and that have key frames, by number."""
    return frozenset(
        number
        for number, stream in enumerate(streams)
        if stream.direction == "down" and stream.key_every and root in stream.origins
    )


def _tie_down(relay: int) -> Encounter:
    """Return what to count when packets of two origins leave a relay downwards at one instant."""
    return Encounter.TIE_AT_ROOT if relay == ROOT else Encounter.TIE_WITH_LOCAL


def _key(words: Sequence[int]) -> rng.Key:
    first, second = words
    return first, second
