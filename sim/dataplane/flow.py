"""The packets alive: those sent in this span, behind the few that no one has decided yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.kernels.arrays import Flow
from sim.media.packets import Packets

Int64Array = NDArray[np.int64]

# Narrow columns: a span's packets are read from memory, not from a cache.
COLUMNS: dict[str, type[np.signedinteger]] = {
    "number": np.int64,
    "origin": np.int32,
    "stream": np.int32,
    "sequence": np.int64,
    "sent_ns": np.int64,
    "size_bytes": np.int32,
    "turn_of": np.int16,
}


class Alive:
    """Columns of the packets alive; a packet's place in them changes from span to span."""

    def __init__(self, sites: int) -> None:
        self._sites = np.arange(sites, dtype=np.int32)
        self._columns = {name: np.empty(0, dtype=dtype) for name, dtype in COLUMNS.items()}
        self._count = 0

    def take(self, packets: Packets, pools: Sequence[Int64Array], service_ns: Int64Array) -> Flow:
        """Return the packets of a span behind those that `pools` still name.

        What it returned before is overwritten.

        Parameters
        ----------
        pools : (rows, fields) int64, column 0 a packet's place or -1; rewritten to its new place
        service_ns : (rows, largest size + 1) int64, ns to send a packet of each size
        """
        kept = self._keep(pools)
        count = kept.size + len(packets)
        new = {
            "number": packets.first + np.arange(len(packets)),
            "origin": np.repeat(self._sites, np.diff(packets.origin_first)),
            "stream": packets.stream,
            "sequence": packets.sequence,
            "sent_ns": packets.sent_ns,
            "size_bytes": packets.size_bytes,
            "turn_of": packets.turn,
        }
        for name, column in self._columns.items():
            old = column[kept]
            if column.size < count:
                column = np.empty(count + count // 8, dtype=COLUMNS[name])
                self._columns[name] = column
            column[: kept.size] = old
            column[kept.size : count] = new[name]
        self._count = count
        columns = {name: column[:count] for name, column in self._columns.items()}
        return Flow(
            kept=kept.size,
            origin_first=packets.origin_first + kept.size,
            service_ns=service_ns,
            turns_begin=bool((columns["turn_of"] >= 0).any()),
            **columns,
        )

    def origin_going_down(self, packet: int, floor: NDArray[np.bool_]) -> int:
        """Return the origin of a floor packet by its place; -1 of any other."""
        column = self._columns
        return int(column["origin"][packet]) if floor[column["stream"][packet]] else -1

    def _keep(self, pools: Sequence[Int64Array]) -> Int64Array:
        """Return the places still named, sorted, and have the pools name their new ones."""
        named = np.unique(np.concatenate([pool[:, 0] for pool in pools]))
        kept = named[named >= 0]
        for pool in pools:
            # Others have no place and stay at -1.
            place = np.searchsorted(kept, pool[:, 0])
            pool[:, 0] = np.where(pool[:, 0] >= 0, place, -1)
        return kept
