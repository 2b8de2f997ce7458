"""Loss draws in kernels: Philox words, geometric gaps, the Gilbert-Elliott chain.

Acceptances of a line are numbered from 0. A chain is kept as the numbers of the next lost
acceptance and of the first acceptance of the next sojourn, so between those nothing is drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.kernels.compiled import entry, kernel
from sim.rng import NEVER, POWERS, squarings
from sim.scenario.model import Loss

# Rows of a loss table: the chain's four probabilities.
P, R, GOOD, BAD = range(4)

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
_MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
_WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
_WEYL_1 = np.uint64(0xBB67AE8584CAA73B)
_SPARE_BITS = np.uint64(12)


def loss_table(loss: Loss) -> NDArray[np.float64]:
    """Return what the kernels need of a chain: shape (4, POWERS + 1), rows P, R, GOOD, BAD.

    Column 0 is the probability, the others are the squarings of its complement.
    """
    return np.array(
        [[x, *squarings(x)] for x in (loss.p, loss.r, loss.good, loss.bad)], dtype=np.float64
    )


@kernel
def _high(a, b):
    """The upper 64 bits of a 128-bit product, from 32-bit halves."""
    a_low, a_high = a & _LOW, a >> _HALF
    b_low, b_high = b & _LOW, b >> _HALF
    middle = a_high * b_low + ((a_low * b_low) >> _HALF)
    other = a_low * b_high + (middle & _LOW)
    return a_high * b_high + (middle >> _HALF) + (other >> _HALF)


@kernel
def philox(key_0, key_1, index):
    """Draw `index` of a key: the index-th output of NumPy's Philox 4x64-10.

    Source: Salmon et al. (SC11), section 3.3; NumPy counts blocks from 1.
    """
    index = np.uint64(index)
    c0 = (index >> np.uint64(2)) + _ONE
    c1, c2, c3 = np.uint64(0), np.uint64(0), np.uint64(0)
    for _ in range(10):
        high_0, low_0 = _high(_MULTIPLIER_0, c0), _MULTIPLIER_0 * c0
        high_1, low_1 = _high(_MULTIPLIER_1, c2), _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = high_1 ^ c1 ^ key_0, low_1, high_0 ^ c3 ^ key_1, low_0
        key_0 += _WEYL_0
        key_1 += _WEYL_1
    lane = index & np.uint64(3)
    if lane == np.uint64(0):
        return c0
    if lane == np.uint64(1):
        return c1
    if lane == np.uint64(2):
        return c2
    return c3


@kernel
def uniform(key, index):
    """As `sim.rng.uniform`."""
    word = philox(key[0], key[1], index)
    return (np.float64(np.int64(word >> _SPARE_BITS)) + 0.5) * 2.0**-52


@kernel
def geometric(key, index, chance):
    """As `sim.rng.geometric`; `chance` is a row of a loss table."""
    if chance[0] == 0.0:
        return NEVER
    u = uniform(key, index)
    failures = 0
    left = 1.0
    for k in range(POWERS - 1, -1, -1):
        if left * chance[k + 1] > u:
            left *= chance[k + 1]
            failures += 1 << k
    return failures


@kernel
def start_chain(s, chains, tables):
    """Draw the state, the sojourn and the gap of the chain of line `s` before any packet."""
    table = tables[chains.row[s]]
    in_bad = table[P, 0] / (table[P, 0] + table[R, 0])
    chains.bad[s] = uniform(chains.state_key[s], 0) < in_bad
    leave = table[R] if chains.bad[s] else table[P]
    chains.next_switch[s] = 1 + geometric(chains.state_key[s], 1, leave)
    chains.state_index[s] = 2
    chains.gap_index[s] = 0
    draw_gap(s, 0, chains, tables)


@kernel
def draw_gap(s, n, chains, tables):
    """Draw which acceptance from `n` on is lost next, under the state the chain is in."""
    table = tables[chains.row[s]]
    chance = table[BAD] if chains.bad[s] else table[GOOD]
    chains.next_loss[s] = n + geometric(chains.gap_key[s], chains.gap_index[s], chance)
    chains.gap_index[s] += 1


@kernel
def step_chain(s, n, chains, tables):
    """Say whether acceptance `n` is lost, where it is the next loss or the next switch."""
    if n == chains.next_switch[s]:
        chains.bad[s] = not chains.bad[s]
        table = tables[chains.row[s]]
        leave = table[R] if chains.bad[s] else table[P]
        sojourn = 1 + geometric(chains.state_key[s], chains.state_index[s], leave)
        chains.state_index[s] += 1
        chains.next_switch[s] = n + sojourn
        draw_gap(s, n, chains, tables)
    if n == chains.next_loss[s]:
        draw_gap(s, n + 1, chains, tables)
        return True
    return False


@entry
def start_chains(chains, tables):
    """Start the chain of every line."""
    for s in range(chains.row.size):
        start_chain(s, chains, tables)
