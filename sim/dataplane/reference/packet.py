"""A packet as an object, for engines that keep them one by one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packet:
    """One packet, as the origin sent it; compared by identity.

    Attributes
    ----------
    number : its number in the run, from 0
    sent_ns : when the origin handed it to its relay
    size_bytes : bytes on the line, overhead included
    """

    number: int
    sent_ns: int
    size_bytes: int
