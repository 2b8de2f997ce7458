"""A meeting room of the reference engine: receives, or is dead, or its site's relay is."""

from __future__ import annotations

from collections.abc import Sequence

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.doorway import Doorway
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.listener import listen, miss
from sim.dataplane.reference.packet import BackgroundPacket, Packet
from sim.dataplane.reference.relay import LiveRelay
from sim.dataplane.reference.way import ROOT
from sim.dataplane.tally import Fate, RoomCount, StreamCount, TurnCount, bucket
from sim.media.kernels.arrays import FIRST, KEY, LAST
from sim.scenario.model import Stream


class LiveRoom:
    """The endpoint of one site, fed when a packet reaches the site on its way down.

    A room that does not take part passes the packet by. A dead room loses it; else a dead relay
    on the site does; else it is received, unless it or what follows it had come before: after its
    site or one above has moved to another line, a stream may begin again a little earlier.
    Gaps between packets are counted among the received ones.

    Attributes
    ----------
    alive : whether it is up
    present : whether it takes part
    doorway : where packets come in; packets of two speakers may reach the root at one instant
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        site: int,
        relay: LiveRelay | None,
        streams: Sequence[Stream],
        dark_after_ns: int,
        pictures: frozenset[int],
    ) -> None:
        """Take the streams of which a whole key frame lights a dark room, by number."""
        self.alive = True
        self.present = True
        self.doorway = Doorway(
            clock,
            ledger.encounters,
            tie=Encounter.TIE_IN_ROOM,
            enter=self._enter,
            enter_background=_refuse,
        )
        self._clock = clock
        self._ledger = ledger
        self._count = ledger.tally.room[site]
        self._delay = ledger.room_delay(site)
        self._stream_counts = ledger.tally.stream[site]
        self._turn_counts = ledger.tally.turn[site]
        self._site = site
        self._relay = relay
        self._streams = streams
        self._dark_after_ns = dark_after_ns
        self._pictures = pictures

    def fail(self) -> None:
        """Die: lose what comes, and what it should send."""
        self.alive = False

    def restore(self) -> None:
        """Come back."""
        self.alive = True

    def join(self) -> None:
        """Take part from now on, and begin to wait."""
        self.present = True
        if self._pictures:
            self._darken(self._clock.now_ns)
        self._begin()

    def leave(self) -> None:
        """Take part no longer, and cease to wait."""
        self.present = False
        self._wait()
        if self._dark():
            self._lighten()
        self._begin()

    def _begin(self) -> None:
        self._count[RoomCount.LAST_NS] = self._clock.now_ns
        for number, stream in enumerate(self._streams):
            if stream.direction != "up":
                self._stream_counts[number, StreamCount.LAST_ORIGIN] = 0

    def _wait(self) -> None:
        """Count how long nothing has come up to now."""
        count = self._count
        gap_ns = self._clock.now_ns - int(count[RoomCount.LAST_NS])
        count[RoomCount.GAP_MAX_NS] = max(count[RoomCount.GAP_MAX_NS], gap_ns)
        if gap_ns > self._dark_after_ns and not self._dark():
            self._darken(int(count[RoomCount.LAST_NS]))

    def _dark(self) -> bool:
        return bool(self._count[RoomCount.DARK_SINCE] > 0)

    def _darken(self, since_ns: int) -> None:
        """Be dark from an instant on, until a whole key frame is shown."""
        self._count[RoomCount.DARK_SINCE] = since_ns + 1
        self._stream_counts[:, StreamCount.KEY_NEXT] = 0

    def _lighten(self) -> None:
        """Be dark no longer."""
        since_ns = int(self._count[RoomCount.DARK_SINCE]) - 1
        self._count[RoomCount.DARK_SINCE] = 0
        self._count[RoomCount.DARK_NS] += self._clock.now_ns - since_ns
        self._ledger.dark.append((self._site, since_ns, self._clock.now_ns))

    def _shows(self, packet: Packet) -> bool:
        """Return whether something can be shown again: a key frame from the root is whole.

        Without key frames from there any packet does.
        """
        if not self._pictures:
            return True
        if packet.stream not in self._pictures or packet.origin != ROOT:
            return False
        heard = self._stream_counts[packet.stream]
        begins, ends = packet.part & FIRST > 0, packet.part & LAST > 0
        goes_on = heard[StreamCount.KEY_NEXT] == packet.sequence + 1
        whole_so_far = packet.part & KEY > 0 and (begins or goes_on)
        heard[StreamCount.KEY_NEXT] = packet.sequence + 2 if whole_so_far else 0
        self._ledger.encounters[Encounter.LIT_BY_KEY_FRAME] += bool(whole_so_far and ends)
        return bool(whole_so_far and ends)

    def _enter(self, packet: Packet) -> None:
        """Show a packet that reaches the site now, or lose it."""
        relay_dead = self._relay is not None and not self._relay.alive
        heard = self._stream_counts[packet.stream]
        again = heard[StreamCount.LAST_ORIGIN] == packet.origin + 1
        if not self.present:
            self._count[RoomCount.ABSENT] += 1
            self._ledger.encounters[Encounter.ABSENT_BESIDE_RELAY] += 1
            fate = Fate.ROOM_ABSENT
        elif not self.alive:
            self._count[RoomCount.LOST_ENDPOINT] += 1
            self._ledger.encounters[Encounter.BOTH_DEAD] += relay_dead
            fate = Fate.ROOM_DEAD
        elif relay_dead:
            self._count[RoomCount.LOST_OUTAGE] += 1
            fate = Fate.ROOM_OUTAGE
        elif again and packet.sequence < heard[StreamCount.NEXT_SEQUENCE]:
            self._count[RoomCount.DUPLICATES] += 1
            self._ledger.encounters[Encounter.CAME_AGAIN] += 1
            fate = Fate.ROOM_DUPLICATE
        else:
            self._show(packet)
            fate = Fate.ROOM_RECEIVED
        self._ledger.decide(self._site, packet, fate)

    def _show(self, packet: Packet) -> None:
        count, now_ns = self._count, self._clock.now_ns
        delay_ns = now_ns - packet.sent_ns
        count[RoomCount.RECEIVED] += 1
        count[RoomCount.RECEIVED_BYTES] += packet.size_bytes
        count[RoomCount.DELAY_SUM_NS] += delay_ns
        count[RoomCount.DELAY_MAX_NS] = max(count[RoomCount.DELAY_MAX_NS], delay_ns)
        self._delay[bucket(delay_ns)] += 1
        self._wait()
        count[RoomCount.LAST_NS] = now_ns
        if self._dark() and self._shows(packet):
            self._lighten()
        heard = self._stream_counts[packet.stream]
        miss(
            heard,
            packet,
            now_ns=now_ns,
            dark_after_ns=self._dark_after_ns,
            encounters=self._ledger.encounters,
        )
        listen(
            heard,
            packet,
            now_ns=now_ns,
            playout_ns=self._streams[packet.stream].playout_ns,
            encounters=self._ledger.encounters,
        )
        if packet.turn >= 0:
            self._note_turn(packet.turn)

    def _note_turn(self, turn: int) -> None:
        """Count a packet of the first frame of a turn."""
        count = self._turn_counts[turn]
        if count[TurnCount.PACKETS] == 0:
            count[TurnCount.FIRST_NS] = self._clock.now_ns
            self._ledger.encounters[Encounter.TURN_SEEN] += 1
        count[TurnCount.PACKETS] += 1
        count[TurnCount.LAST_NS] = self._clock.now_ns


def _refuse(packet: BackgroundPacket) -> None:
    raise ValueError(f"a room is shown no packet of others: {packet}")
