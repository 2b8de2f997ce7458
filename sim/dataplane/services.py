"""How long packets take to send: a table by distinct transmitter and size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.network.transmitter import drain_ns, send_ns
from sim.scenario.model import Direction, Egress

Int64Array = NDArray[np.int64]


class Services:
    """The distinct ways to send a packet, numbered as they come up.

    Attributes
    ----------
    table_ns : (rows, largest size + 1) int64, ns that a packet of each size takes
    """

    def __init__(self) -> None:
        self._sizes = np.arange(1)
        self._rows: dict[tuple[int, int], int] = {}
        self.table_ns: Int64Array = np.empty((0, 1), dtype=np.int64)

    def reach(self, largest_bytes: int) -> None:
        """Make the table long enough for packets of `largest_bytes`."""
        if largest_bytes >= self._sizes.size:
            self._sizes = np.arange(largest_bytes + 1)
            ways, self._rows = list(self._rows), {}
            self.table_ns = np.empty((0, self._sizes.size), dtype=np.int64)
            for rate_bps, overhead_ns in ways:
                self.row(rate_bps, overhead_ns)

    def row(self, rate_bps: int, overhead_ns: int) -> int:
        """Return the number of a rate and overhead."""
        key = rate_bps, overhead_ns
        if key not in self._rows:
            self._rows[key] = len(self._rows)
            row = send_ns(self._sizes, rate_bps=rate_bps, overhead_ns=overhead_ns)
            self.table_ns = np.concatenate([self.table_ns, row[None]])
        return self._rows[key]

    @staticmethod
    def full_ns(port: Direction | Egress, rate_bps: int, overhead_ns: int) -> int:
        """Return how long the full buffer of a port takes to send at a rate."""
        return drain_ns(
            rate_bps=rate_bps,
            buffer_bytes=port.buffer_bytes,
            mtu_bytes=port.mtu_bytes,
            overhead_ns=overhead_ns,
        )
