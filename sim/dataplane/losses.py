"""The loss processes of a run: their tables by row, and the chains with their first draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.kernels.arrays import Chains
from sim.dataplane.kernels.loss import loss_table, start_chains
from sim.network.tree import Network
from sim.scenario.model import Loss

LOSSLESS = Loss(p=0.0, r=1.0, bad=0.0, good=0.0)


class LossTables:
    """The distinct loss processes, numbered as they come up.

    Attributes
    ----------
    tables : (rows, 4, POWERS + 1) float64, see `loss_table`
    """

    def __init__(self) -> None:
        self._rows = {LOSSLESS: 0}
        self.tables: NDArray[np.float64] = loss_table(LOSSLESS)[None]

    def row(self, loss: Loss) -> int:
        """Return the number of a loss process."""
        if loss not in self._rows:
            self._rows[loss] = len(self._rows)
            self.tables = np.concatenate([self.tables, loss_table(loss)[None]])
        return self._rows[loss]


def new_chains(network: Network, losses: LossTables) -> Chains:
    """Return the chain of every direction with its first draws made."""
    directions = network.kind.size
    rows = [0 if kind is None else losses.row(kind.loss) for kind in network.kinds]
    chains = Chains(
        row=np.array(rows, dtype=np.int64)[network.kind],
        bad=np.zeros(directions, dtype=np.bool_),
        next_loss=np.zeros(directions, dtype=np.int64),
        next_switch=np.zeros(directions, dtype=np.int64),
        gap_index=np.zeros(directions, dtype=np.int64),
        state_index=np.zeros(directions, dtype=np.int64),
        gap_key=network.loss_gap_key.copy(),
        state_key=network.loss_state_key.copy(),
    )
    start_chains(chains, losses.tables)
    return chains
