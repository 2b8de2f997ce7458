"""Packets as columns, in the order in which the origin hands them to its relay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """Packets sent by the root, ordered by (sent_ns, stream, sequence).

    Attributes
    ----------
    first : number of the first packet here; packets are numbered from 0 over the whole run
    sent_ns : (p,) int64, ns
    size_bytes : (p,) int64, bytes on the line, overhead included
    stream : (p,) int64, index into the scenario's streams (sorted by id)
    sequence : (p,) int64, from 0 within each stream
    """

    first: int
    sent_ns: NDArray[np.int64]
    size_bytes: NDArray[np.int64]
    stream: NDArray[np.int64]
    sequence: NDArray[np.int64]

    def __len__(self) -> int:
        return self.sent_ns.size


def join(parts: Sequence[Packets]) -> Packets:
    """Return packets of consecutive spans as one table; of no span, an empty one."""
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        return Packets(
            first=0, sent_ns=nothing, size_bytes=nothing, stream=nothing, sequence=nothing
        )
    return Packets(
        first=parts[0].first,
        sent_ns=np.concatenate([part.sent_ns for part in parts]),
        size_bytes=np.concatenate([part.size_bytes for part in parts]),
        stream=np.concatenate([part.stream for part in parts]),
        sequence=np.concatenate([part.sequence for part in parts]),
    )
