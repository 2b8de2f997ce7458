"""Line loss in kernels: the Gilbert-Elliott chain.

Acceptances of a line are numbered from 0. A chain is kept as the numbers of the next lost
acceptance and of the first acceptance of the next sojourn, so between those nothing is drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.compiled import entry, kernel
from sim.draws import geometric, uniform
from sim.rng import squarings
from sim.scenario.model import Loss

# Rows of a loss table: the chain's four probabilities.
P, R, GOOD, BAD = range(4)


def loss_table(loss: Loss) -> NDArray[np.float64]:
    """Return what the kernels need of a chain: shape (4, POWERS + 1), rows P, R, GOOD, BAD.

    Column 0 is the probability, the others are the squarings of its complement.
    """
    return np.array(
        [[x, *squarings(x)] for x in (loss.p, loss.r, loss.good, loss.bad)], dtype=np.float64
    )


@kernel
def start_chain(d, chains, tables):
    """Draw the state, the sojourn and the gap of the chain of direction `d` before any packet."""
    table = tables[chains.row[d]]
    in_bad = table[P, 0] / (table[P, 0] + table[R, 0])
    chains.bad[d] = uniform(chains.state_key[d], 0) < in_bad
    leave = table[R] if chains.bad[d] else table[P]
    chains.next_switch[d] = 1 + geometric(chains.state_key[d], 1, leave)
    chains.state_index[d] = 2
    chains.gap_index[d] = 0
    draw_gap(d, 0, chains, tables)


@kernel
def draw_gap(d, n, chains, tables):
    """Draw which acceptance from `n` on is lost next, under the state the chain is in."""
    table = tables[chains.row[d]]
    chance = table[BAD] if chains.bad[d] else table[GOOD]
    chains.next_loss[d] = n + geometric(chains.gap_key[d], chains.gap_index[d], chance)
    chains.gap_index[d] += 1


@kernel
def step_chain(d, n, chains, tables):
    """Say whether acceptance `n` is lost, where it is the next loss or the next switch."""
    if n == chains.next_switch[d]:
        chains.bad[d] = not chains.bad[d]
        table = tables[chains.row[d]]
        leave = table[R] if chains.bad[d] else table[P]
        sojourn = 1 + geometric(chains.state_key[d], chains.state_index[d], leave)
        chains.state_index[d] += 1
        chains.next_switch[d] = n + sojourn
        draw_gap(d, n, chains, tables)
    if n == chains.next_loss[d]:
        draw_gap(d, n + 1, chains, tables)
        return True
    return False


@entry
def start_chains(chains, tables):
    """Start the chain of every direction."""
    for d in range(chains.row.size):
        start_chain(d, chains, tables)
