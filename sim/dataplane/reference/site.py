"""A site of the reference engine: where a packet goes that is sent here, or comes here."""

from __future__ import annotations

from collections.abc import Sequence

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.direction import LiveDirection
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.gate import Gate
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.listener import listen
from sim.dataplane.reference.packet import Packet
from sim.dataplane.reference.relay import LiveRelay
from sim.dataplane.reference.room import LiveRoom
from sim.scenario.model import Stream


class LiveSite:
    """A room, a relay and the up line, as far as the site has them.

    A `down` packet or a composite is sent by the relay, another by the room. What comes down feeds
    the room, unless it was sent here, and then the relay. What comes up is stopped by the gate of
    the living relay, passes the relay or ends at it;
    a floor packet ends its way up at the root whether the relay is alive or not, and from then
    on it is on its way down.

    Attributes
    ----------
    relay, room : what is here, or None
    up : the up line in use, or None
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        number: int,
        tier: int,
        relay: LiveRelay | None,
        gate: Gate | None,
        room: LiveRoom | None,
        up: LiveDirection | None,
        streams: Sequence[Stream],
    ) -> None:
        self.relay = relay
        self.room = room
        self._clock = clock
        self._ledger = ledger
        self._number = number
        self._tier = tier
        self._gate = gate
        self.up = up
        self._streams = streams
        self._ended = False  # whether an `up` packet has ended here

    def send(self, packet: Packet) -> None:
        """Send a packet that is due now, or lose it."""
        from_room = packet.direction != "down" and not packet.composite
        if from_room and self.room is not None and not self.room.present:
            self._ledger.leave_out(packet)
            self._ledger.encounters[Encounter.ABSENT_SOURCE] += 1
            return
        self._ledger.send(packet)
        if packet.direction == "down":
            self._ledger.encounters[Encounter.LOCAL_ORIGIN] += self.up is not None
            self._send_on_down(packet)
        elif from_room and self.room is not None and not self.room.alive:
            self._ledger.lose_at_source(self._own_up_hop(), packet)
            self._ledger.encounters[Encounter.OWN_AT_DEAD_ROOM] += 1
        elif self.up is None:
            self._end(packet, self._own_up_hop())
        elif self.relay is not None and not self.relay.alive:
            self._ledger.lose_in_relay(self.up.hop, self._number, packet)
            self._ledger.encounters[Encounter.OWN_AT_DEAD_RELAY] += 1
        else:
            if self.room is not None and not self.room.alive:
                self._ledger.encounters[Encounter.COMPOSITE_OF_DEAD_ROOM] += 1
            self.up.doorway.reach(packet)

    def come_down(self, packet: Packet) -> None:
        """Feed the room and the relay with a packet that has come from above."""
        if self.room is not None and packet.origin != self._number:
            self.room.doorway.reach(packet)
        self._send_on_down(packet)

    def come_up(self, packet: Packet, hop: int) -> None:
        """Pass on or end a packet that has come from below over `hop`."""
        assert self.relay is not None, "a site with sites below it has a relay"
        assert self._gate is not None, "every relay has a gate"
        fate = self._gate.stops(packet, self._clock.now_ns) if self.relay.alive else None
        if fate is not None:
            self._ledger.stop(hop, self._number, packet, fate)
        elif self._tier <= packet.ends_tier:
            self._end(packet, hop)
        else:
            self._ledger.encounters[Encounter.PASSED_AN_END] += self._ended
            self.relay.send_up(packet)

    def _own_up_hop(self) -> int:
        """Return the hop on which what the site's room sends begins; see the ledger."""
        return self._ledger.root_hop if self.up is None else self.up.hop

    def _send_on_down(self, packet: Packet) -> None:
        if self.relay is not None:
            self.relay.send_down(packet)

    def _end(self, packet: Packet, hop: int) -> None:
        dead = self.relay is not None and not self.relay.alive
        if packet.direction == "floor":
            self._ledger.end(hop, packet)
            self._ledger.encounters[Encounter.FLOOR_AT_DEAD_ROOT] += dead
            self.come_down(packet)
            return
        self._ended = True
        if dead:
            self._ledger.lose_at_end(hop, self._number, packet)
            self._ledger.encounters[Encounter.ENDS_AT_DEAD_RELAY] += 1
            return
        self._ledger.end(hop, packet)
        listen(
            self._ledger.tally.stream[packet.origin, packet.stream],
            packet,
            now_ns=self._clock.now_ns,
            playout_ns=self._streams[packet.stream].playout_ns,
            encounters=self._ledger.encounters,
        )
