"""Packets as objects, for engines that keep them one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packet:
    """One packet of the meeting, as its source sent it; compared by identity.

    Attributes
    ----------
    number : its number in the run, from 0
    origin : number of the site that sends it
    origin_order : the site's place among all ids
    stream : index into the scenario's streams
    sequence : from 0 within the stream of the origin
    direction : its stream's
    ends_tier : the first relay of this tier or a higher one ends its way up; -1: it has none
    composite : whether the relay sends it, not the room
    precedence : its class, 0 goes first
    sent_ns : when its source sends it
    due_ns : from when its delay counts: `sent_ns`, a composite's earlier by transcoding
    size_bytes : bytes on the line, overhead included
    turn : the turn of the agenda whose first frame it is part of; -1: none
    part : whether it belongs to a key frame, begins its frame, ends it; as in `Packets`
    """

    number: int
    origin: int
    origin_order: int
    stream: int
    sequence: int
    direction: Literal["down", "up", "floor"]
    ends_tier: int
    composite: bool
    precedence: int
    sent_ns: int
    due_ns: int
    size_bytes: int
    turn: int
    part: int

    @property
    def place(self) -> tuple[int, int, int]:
        """Its place among the packets of one instant."""
        return self.origin_order, self.stream, self.sequence


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BackgroundPacket:
    """One packet of others: it passes a single transmitter and is gone.

    Attributes
    ----------
    precedence : its class, 0 goes first
    size_bytes : bytes on the line
    """

    precedence: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carriage:
    """A packet of the meeting in a transmitter; compared by identity."""

    packet: Packet

    @property
    def precedence(self) -> int:
        """The packet's class."""
        return self.packet.precedence

    @property
    def size_bytes(self) -> int:
        """The packet's size, bytes."""
        return self.packet.size_bytes
