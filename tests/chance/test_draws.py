"""Draws in kernels are those of `sim.rng`, bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim import rng
from sim.compiled import entry
from sim.draws import exponential, logarithm

KEY = rng.key(1, "line/here/down", "background")


@entry
def logarithms(x: NDArray[np.float64], result: NDArray[np.float64]) -> None:
    """Fill `result` with the kernel's logarithms."""
    for i in range(x.size):
        result[i] = logarithm(x[i])


@entry
def exponentials(key: NDArray[np.uint64], result: NDArray[np.float64]) -> None:
    """Fill `result` with the kernel's draws of a key."""
    for i in range(result.size):
        result[i] = exponential(key, i)


def same_bits(left: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    """Return whether two arrays are equal to the last bit."""
    return left.view(np.int64).tolist() == right.view(np.int64).tolist()


def test_logarithms_are_equal_to_the_last_bit() -> None:
    """Random words, powers of two, the square roots where the mantissa is split, and the ends."""
    split = np.sqrt(0.5) * 2.0 ** np.arange(-40, 40)
    edges = np.concatenate([split, np.nextafter(split, 0), np.nextafter(split, 9e99)])
    ends = np.array([2.0**-53, 1 - 2.0**-53, 1.0, np.nextafter(1, 2)])
    x = np.concatenate([rng.uniforms(KEY, 0, 200_000), 2.0 ** np.arange(-60, 60), edges, ends])
    result = np.empty_like(x)
    logarithms(x, result)
    assert same_bits(result, rng.logarithm(x))
    assert np.abs(result - np.log(x)).max() < 1e-13


def test_exponentials_are_those_of_the_key() -> None:
    """Draw i is -ln of word i, whatever lane of its Philox block it stands in."""
    result = np.empty(10_000)
    exponentials(np.array(KEY, dtype=np.uint64), result)
    assert same_bits(result, -rng.logarithm(rng.uniforms(KEY, 0, result.size)))
