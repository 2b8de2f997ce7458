"""Packets as columns, in the order in which each origin sends them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.media.kernels.arrays import FIRST, LAST, Columns, Mail

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """Packets sent in a span, by origin; those of an origin by (sent_ns, stream, sequence).

    Integers may be narrower than int64.

    Attributes
    ----------
    first : number of the first packet here; packets are numbered from 0 over the whole run
    origin_first : (n + 1,) int64; those of site s are rows origin_first[s] .. origin_first[s+1]-1
    sent_ns : (p,) int64, ns
    size_bytes : (p,) int64, bytes on the line, overhead included
    stream : (p,) int64, index into the scenario's streams (sorted by id)
    sequence : (p,) int64, from 0 within each stream of an origin
    turn : (p,) int64, the turn of the agenda whose first frame it is part of; -1: none
    part : (p,) int8, flags KEY, FIRST and LAST of `kernels.arrays`: whether it belongs to a key
        frame, is the first packet of its frame, and the last
    first_frames : `turn` of those that are part of one
    largest_bytes : no packet is larger
    sealed : what has yet to be written, if the columns are not
    """

    first: int
    origin_first: Int64Array
    sent_ns: NDArray[np.integer]
    size_bytes: NDArray[np.integer]
    stream: NDArray[np.integer]
    sequence: NDArray[np.integer]
    turn: NDArray[np.integer]
    part: NDArray[np.integer]
    first_frames: NDArray[np.integer]
    largest_bytes: int
    sealed: Sealed | None = None

    @classmethod
    def of(
        cls,
        *,
        first: int,
        origin_first: Int64Array,
        sent_ns: Int64Array,
        size_bytes: Int64Array,
        stream: Int64Array,
        sequence: Int64Array,
        turn: Int64Array,
        part: Int64Array | None = None,
    ) -> Packets:
        """Return packets that are written; without `part` each is an ordinary frame of its own."""
        if part is None:
            part = np.full(sent_ns.size, FIRST | LAST)
        return cls(
            first=first,
            origin_first=origin_first,
            sent_ns=sent_ns,
            size_bytes=size_bytes,
            stream=stream,
            sequence=sequence,
            turn=turn,
            part=part,
            first_frames=turn[turn >= 0],
            largest_bytes=int(size_bytes.max(initial=0)),
        )

    def __len__(self) -> int:
        return self.sent_ns.size

    def written(self) -> Packets:
        """Return the packets with all columns written, and nothing sealed any more.

        Of sealed packets this is done once: each takes its sequence number when it is written.
        """
        if self.sealed is None:
            return self
        self.sealed.write_all()
        return replace(self, sealed=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Packets that have not been written; who writes them site by site needs no `write_all`.

    Attributes
    ----------
    mail : the bursts that they are cut from
    columns : what the columns of `Packets` are the first rows of; what stands behind them is free.
        They stay as they are until the sources emit the span after the next.
    most_bursts : of any one site
    most_sources : of any one site
    write_all : writes the packets of all sites
    """

    mail: Mail
    columns: Columns
    most_bursts: int
    most_sources: int
    write_all: Callable[[], None]
