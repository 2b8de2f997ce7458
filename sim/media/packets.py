"""Packets as columns, in the order in which each origin sends them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """Packets sent in a span, by origin; those of an origin by (sent_ns, stream, sequence).

    Attributes
    ----------
    first : number of the first packet here; packets are numbered from 0 over the whole run
    origin_first : (n + 1,) int64; those of site s are rows origin_first[s] .. origin_first[s+1]-1
    sent_ns : (p,) int64, ns
    size_bytes : (p,) int64, bytes on the line, overhead included
    stream : (p,) int64, index into the scenario's streams (sorted by id)
    sequence : (p,) int64, from 0 within each stream of an origin
    turn : (p,) int64, the turn of the agenda whose first frame it is part of; -1: none
    """

    first: int
    origin_first: NDArray[np.int64]
    sent_ns: NDArray[np.int64]
    size_bytes: NDArray[np.int64]
    stream: NDArray[np.int64]
    sequence: NDArray[np.int64]
    turn: NDArray[np.int64]

    def __len__(self) -> int:
        return self.sent_ns.size
