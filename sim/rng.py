"""Counter-based chance: every draw is a pure function of (seed, name, purpose, index).

A key is a hash of the first three; draw `i` of a key is the i-th 64-bit output of NumPy's
Philox 4x64-10 under that key (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
SC11). Variates use IEEE basic operations only, never libm, so they are the same on every
machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

NEVER = 2**62  # a geometric variate whose event has probability 0
POWERS = 48  # squarings kept of 1 - p; a gap of 2**48 packets outlasts any run

Key = tuple[int, int]
Uint64Array = NDArray[np.uint64]

# Philox 4x64-10 (Salmon et al., section 3.3), for many keys side by side.
ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
CHUNK = 8192  # blocks at a time: what a round touches stays in the second-level cache
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def key(seed: int, name: str, purpose: str) -> Key:
    """Return the 128-bit key of the draws of `name` for `purpose`."""
    # Lengths first, so that no two triples share one text.
    text = f"{seed}|{len(name)}|{name}|{purpose}"
    digest = blake2b(text.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def keys(seed: int, names: Sequence[str], purpose: str) -> Uint64Array:
    """Return `key` of each name, shape (names, 2).

    Examples
    --------
    >>> keys(1, ["a"], "size").tolist() == [list(key(1, "a", "size"))]
    True
    """
    texts = (f"{seed}|{len(name)}|{name}|{purpose}".encode() for name in names)
    digests = b"".join([blake2b(text, digest_size=16).digest() for text in texts])
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2).astype(np.uint64)


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
    return _uniforms(words(key, first, count))


def uniforms_of(
    keys: Uint64Array, first: NDArray[np.int64], count: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return `uniforms` of many keys, one after the other; see `words_of`."""
    return _uniforms(words_of(keys, first, count))


def _uniforms(words: Uint64Array) -> NDArray[np.float64]:
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


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


def words_of(keys: Uint64Array, first: NDArray[np.int64], count: NDArray[np.int64]) -> Uint64Array:
    """Return draws of many keys: `words` of each, one after the other, without a generator each.

    Parameters
    ----------
    keys : (m, 2) uint64
    first, count : (m,) int64, the draws `first` to `first + count - 1` of each

    Returns
    -------
    (sum of count,) uint64

    Examples
    --------
    >>> a, b = key(1, "a", "size"), key(1, "b", "size")
    >>> both = words_of(np.array([a, b], dtype=np.uint64), np.array([3, 0]), np.array([2, 1]))
    >>> both.tolist() == [*words(a, 3, 2).tolist(), *words(b, 0, 1).tolist()]
    True
    """
    block = first // 4
    blocks = np.where(count > 0, (first + count + 3) // 4 - block, 0)
    begin = np.cumsum(blocks) - blocks
    row = np.repeat(np.arange(first.size), blocks)
    number = np.arange(row.size) + np.repeat(block - begin, blocks)
    drawn = _blocks(keys[row], number).ravel()
    # Each key's draws begin at their lane of its first block.
    skipped = 4 * begin + first % 4 - (np.cumsum(count) - count)
    wanted: Uint64Array = drawn[np.arange(int(count.sum())) + np.repeat(skipped, count)]
    return wanted


def _blocks(keys: Uint64Array, number: NDArray[np.int64]) -> Uint64Array:
    """Return block `number` of each key.

    Parameters
    ----------
    keys : (m, 2) uint64
    number : (m,) int64, from 0; block b holds the draws 4b to 4b+3

    Returns
    -------
    (m, 4) uint64
    """
    words = np.empty((number.size, 4), dtype=np.uint64)
    for first in range(0, number.size, CHUNK):
        part = slice(first, first + CHUNK)
        _chunk(keys[part], number[part], words[part])
    return words


def _chunk(keys: Uint64Array, number: NDArray[np.int64], words: Uint64Array) -> None:
    c0 = number.astype(np.uint64) + np.uint64(1)
    c1, c2, c3 = (np.zeros_like(c0) for _ in range(3))
    key_0, key_1 = keys[:, 0].copy(), keys[:, 1].copy()
    scratch = tuple(np.empty_like(c0) for _ in range(4))
    high_0, high_1 = np.empty_like(c0), np.empty_like(c0)
    for _ in range(ROUNDS):
        _high(c0, MULTIPLIERS[0], high_0, scratch)
        _high(c2, MULTIPLIERS[1], high_1, scratch)
        np.multiply(c0, np.uint64(MULTIPLIERS[0]), out=c0)
        np.multiply(c2, np.uint64(MULTIPLIERS[1]), out=c2)
        for high, word, key in ((high_1, c1, key_0), (high_0, c3, key_1)):
            np.bitwise_xor(high, word, out=high)
            np.bitwise_xor(high, key, out=high)
        # What was a counter's memory takes the next product's high half.
        c0, c1, c2, c3, high_0, high_1 = high_1, c2, high_0, c0, c3, c1
        np.add(key_0, np.uint64(WEYL[0]), out=key_0)
        np.add(key_1, np.uint64(WEYL[1]), out=key_1)
    for lane, word in enumerate((c0, c1, c2, c3)):
        words[:, lane] = word


def _high(
    x: Uint64Array, multiplier: int, high: Uint64Array, scratch: tuple[Uint64Array, ...]
) -> None:
    """Put the upper 64 bits of x times a multiplier into `high`, from products of halves."""
    low_m, high_m = np.uint64(multiplier & 0xFFFFFFFF), np.uint64(multiplier >> 32)
    low_x, middle, other, carry = scratch
    np.bitwise_and(x, LOW, out=low_x)
    np.right_shift(x, HALF, out=high)
    np.multiply(low_x, low_m, out=carry)
    np.right_shift(carry, HALF, out=carry)
    np.multiply(high, low_m, out=middle)
    np.add(middle, carry, out=middle)  # below 2**64: (2**32 - 1)**2 + 2**32 - 1
    np.bitwise_and(middle, LOW, out=other)
    np.multiply(low_x, high_m, out=low_x)
    np.add(other, low_x, out=other)
    np.multiply(high, high_m, out=high)
    np.right_shift(middle, HALF, out=middle)
    np.right_shift(other, HALF, out=other)
    np.add(high, middle, out=high)
    np.add(high, other, out=high)
