"""Counter-based chance: every draw is a pure function of (seed, name, purpose, index).

A key is a hash of the first three; draw `i` of a key is the i-th 64-bit output of NumPy's
Philox 4x64-10 under that key (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
SC11). Variates use IEEE basic operations only, never libm, so they are the same on every
machine.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

NEVER = 2**62  # a geometric variate whose event has probability 0
POWERS = 48  # squarings kept of 1 - p; a gap of 2**48 packets outlasts any run

Key = tuple[int, int]


def key(seed: int, name: str, purpose: str) -> Key:
    """Return the 128-bit key of the draws of `name` for `purpose`."""
    # Lengths first, so that no two triples share one text.
    text = f"{seed}|{len(name)}|{name}|{purpose}"
    digest = blake2b(text.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def words(key: Key, first: int, count: int) -> NDArray[np.uint64]:
    """Return draws `first` to `first + count - 1` of `key` as 64-bit words, shape (count,)."""
    bits = np.random.Philox(key=np.array(key, dtype=np.uint64))
    block, lane = divmod(first, 4)
    bits.advance(block)
    return bits.random_raw(lane + count)[lane:]


def uniforms(key: Key, first: int, count: int) -> NDArray[np.float64]:
    """Return draws as numbers strictly between 0 and 1, shape (count,).

    The top 52 bits and a half: every value is exact in binary64 and none is 0 or 1.
    """
    return ((words(key, first, count) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def uniform(key: Key, index: int) -> float:
    """Return draw `index` of `key`, strictly between 0 and 1."""
    return float(uniforms(key, index, 1)[0])


def squarings(p: float) -> NDArray[np.float64]:
    """Return (1-p)**(2**k) for k = 0 .. POWERS-1, by repeated squaring, shape (POWERS,)."""
    powers = np.empty(POWERS)
    powers[0] = 1.0 - p
    for k in range(1, POWERS):
        powers[k] = powers[k - 1] * powers[k - 1]
    return powers


def geometric(key: Key, index: int, p: float) -> int:
    """Return how many trials of probability `p` fail before the first success.

    By inversion: the largest n with (1-p)**n > u, found bit by bit from the squarings of 1-p.
    `NEVER` where p is 0.

    Examples
    --------
    >>> geometric(key(1, "line", "loss"), 0, 1.0)
    0
    """
    if p == 0:
        return NEVER
    u = uniform(key, index)
    powers = squarings(p)
    failures, left = 0, 1.0
    for k in range(POWERS - 1, -1, -1):
        if left * powers[k] > u:
            left *= powers[k]
            failures += 1 << k
    return failures


def logarithm(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the natural logarithm of positive numbers, same shape, from basic operations.

    log(m 2^e) = e log 2 + 2 artanh((m-1)/(m+1)) with m in [sqrt(1/2), sqrt(2)); the series
    stops where its next term is below 2**-57.
    """
    mantissa, exponent = np.frexp(x)
    low = mantissa < np.sqrt(0.5)
    mantissa = np.where(low, mantissa * 2, mantissa)
    exponent = np.where(low, exponent - 1, exponent)
    z = (mantissa - 1) / (mantissa + 1)
    square = z * z
    series = np.full_like(z, 1 / 23)
    for odd in range(21, 0, -2):
        series = series * square + 1 / odd
    result: NDArray[np.float64] = exponent * 0.6931471805599453 + 2 * z * series
    return result


def laplaces(key: Key, first: int, count: int, scale: float) -> NDArray[np.float64]:
    """Return Laplace variates with mean 0 and deviation scale * sqrt(2), shape (count,)."""
    centred = uniforms(key, first, count) - 0.5
    # 1 - 2|u| is exact and at least 2**-51: the logarithm is finite.
    return -scale * np.sign(centred) * logarithm(1 - 2 * np.abs(centred))
