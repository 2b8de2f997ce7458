"""A doorway of the reference engine: packets that come at one instant go in, in their order.

A relay's packets come from several lines and from its own site, so SimPy may bring those of one
instant in any order. Whatever brings them is done before the last events of the instant, and
nothing that goes in at an instant comes out at the same one: sending takes at least 1 ns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from sim.dataplane.reference.clock import Clock, Last
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.packet import BackgroundPacket, Packet


class Doorway:
    """Gathers what comes at an instant, and lets it in when all of the instant has come.

    Packets of the meeting go in by origin, stream and sequence number, then those of others.
    """

    def __init__(
        self,
        clock: Clock,
        encounters: Counter[Encounter],
        *,
        tie: Encounter,
        enter: Callable[[Packet], None],
        enter_background: Callable[[BackgroundPacket], None],
    ) -> None:
        """Count as `tie` that packets of two origins come at one instant."""
        self._clock = clock
        self._encounters = encounters
        self._tie = tie
        self._enter = enter
        self._enter_background = enter_background
        self._packets: list[Packet] = []
        self._background: list[BackgroundPacket] = []

    def reach(self, packet: Packet) -> None:
        """Come now."""
        self._expect()
        self._packets.append(packet)

    def reach_background(self, packet: BackgroundPacket) -> None:
        """Come now, as a packet of others."""
        self._expect()
        self._background.append(packet)

    def _expect(self) -> None:
        if not self._packets and not self._background:
            Last(self._clock, self._open)

    def _open(self) -> None:
        packets = sorted(self._packets, key=lambda packet: packet.place)
        background = list(self._background)
        self._packets.clear()
        self._background.clear()
        self._note_ties(packets, background)
        for packet in packets:
            self._enter(packet)
        for other in background:
            self._enter_background(other)

    def _note_ties(self, packets: Sequence[Packet], background: Sequence[BackgroundPacket]) -> None:
        sources = {(packet.origin, packet.stream) for packet in packets}
        origins = {origin for origin, _ in sources}
        self._encounters[self._tie] += len(origins) > 1
        self._encounters[Encounter.TIE_OF_STREAMS] += len(sources) > len(origins)
        self._encounters[Encounter.BACKGROUND_TIE] += bool(packets and background)
