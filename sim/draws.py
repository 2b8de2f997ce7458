"""Draws in kernels: Philox words, uniform, geometric and exponential variates; see `sim.rng`."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sim.compiled import inner, kernel
from sim.rng import NEVER, POWERS

_ONE = np.uint64(1)
_intrinsic: Any = intrinsic  # called like what it makes, which its type does not know

_MULTIPLIER_0 = np.uint64(0xD2E7470EE14C6C93)
_MULTIPLIER_1 = np.uint64(0xCA5A826395121157)
_WEYL_0 = np.uint64(0x9E3779B97F4A7C15)
_WEYL_1 = np.uint64(0xBB67AE8584CAA73B)
_SPARE_BITS = np.uint64(12)

_MANTISSA_BITS = 52
_MANTISSA = (1 << _MANTISSA_BITS) - 1
_EXPONENT_OF_HALF = 1022  # so that a mantissa is in [1/2, 1), as NumPy's frexp has it
_HALF_EXPONENT = _EXPONENT_OF_HALF << _MANTISSA_BITS
_SQRT_HALF = float(np.sqrt(0.5))
_LOG_2 = 0.6931471805599453


@_intrinsic
def _high(typing_context, a, b):
    """The upper 64 bits of a 128-bit product: one instruction, which Python's integers lack."""

    def generate(context, builder, signature, arguments):
        wide = ir.IntType(128)
        product = builder.mul(*[builder.zext(argument, wide) for argument in arguments])
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@inner
def philox_block(key_0, key_1, block):
    """Draws 4 * block to 4 * block + 3 of a key: four outputs of NumPy's Philox 4x64-10.

    Source: Salmon et al. (SC11), section 3.3; NumPy counts blocks from 1.
    """
    c0 = block + _ONE
    c1, c2, c3 = np.uint64(0), np.uint64(0), np.uint64(0)
    for _ in range(10):
        high_0, low_0 = _high(_MULTIPLIER_0, c0), _MULTIPLIER_0 * c0
        high_1, low_1 = _high(_MULTIPLIER_1, c2), _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = high_1 ^ c1 ^ key_0, low_1, high_0 ^ c3 ^ key_1, low_0
        key_0 += _WEYL_0
        key_1 += _WEYL_1
    return c0, c1, c2, c3


@kernel
def philox(key_0, key_1, index):
    """Draw `index` of a key."""
    index = np.uint64(index)
    c0, c1, c2, c3 = philox_block(key_0, key_1, index >> np.uint64(2))
    lane = index & np.uint64(3)
    if lane == np.uint64(0):
        return c0
    if lane == np.uint64(1):
        return c1
    if lane == np.uint64(2):
        return c2
    return c3


@kernel
def uniform_of(word):
    """A word as a number strictly between 0 and 1: its top 52 bits and a half."""
    return (np.float64(np.int64(word >> _SPARE_BITS)) + 0.5) * 2.0**-52


@kernel
def uniform(key, index):
    """As `sim.rng.uniform`."""
    return uniform_of(philox(key[0], key[1], index))


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
def logarithm(x):
    """As `sim.rng.logarithm`, bit for bit, of a normal number."""
    bits = np.float64(x).view(np.int64)
    mantissa = np.int64((bits & _MANTISSA) | _HALF_EXPONENT).view(np.float64)
    exponent = (bits >> _MANTISSA_BITS) - _EXPONENT_OF_HALF
    if mantissa < _SQRT_HALF:
        mantissa *= 2.0
        exponent -= 1
    z = (mantissa - 1.0) / (mantissa + 1.0)
    square = z * z
    series = 1.0 / 23.0
    for odd in range(21, 0, -2):
        series = series * square + 1.0 / odd
    return exponent * _LOG_2 + 2.0 * z * series


@kernel
def laplace(uniform, scale):
    """As `sim.rng.laplaces`, bit for bit, of one uniform number."""
    centred = uniform - 0.5
    # 1 - 2|u| is exact and at least 2**-51: the logarithm is finite.
    return -scale * np.sign(centred) * logarithm(1.0 - 2.0 * abs(centred))


@kernel
def exponential(key, index):
    """Draw `index` of a key as an exponential variate of mean 1: -ln U."""
    return -logarithm(uniform(key, index))
