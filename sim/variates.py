"""Variates of times to failure and to repair, from uniform numbers.

IEEE basic operations, square roots and `sim.rng.logarithm` only, never libm: the same on every
machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ldexp, sqrt

import numpy as np

from sim import rng

LOG_2_HIGH = 0.693147180369123816490  # the first 33 bits of log 2, so that a product is exact
LOG_2_LOW = 1.90821492927058770002e-10
LARGEST = 700.0  # e**700 is 1e304
HALF_LOG_2_PI = 0.9189385332046727418
# Bernoulli terms of Stirling's series, B(2k) / (2k (2k - 1)); from z = 15 the next is below 1e-17.
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
# Wichura, algorithm AS 241 (PPND16), Applied Statistics 37, 1988: numerators, denominators.
CENTRAL = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
MIDDLE = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
TAIL = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)


def log(x: float) -> float:
    """Return the natural logarithm of a positive number."""
    return float(rng.logarithm(np.array(x)))


def exp(x: float) -> float:
    """Return e to the power of x, which is clipped to 700 either way.

    e^x = 2^k e^r with |r| at most half of log 2; the series of e^r stops below 2**-57.

    Examples
    --------
    >>> exp(0.0), round(exp(1.0), 14)
    (1.0, 2.71828182845905)
    """
    x = min(max(x, -LARGEST), LARGEST)
    k = round(x / (LOG_2_HIGH + LOG_2_LOW))
    r = (x - k * LOG_2_HIGH) - k * LOG_2_LOW
    series = 1.0
    for n in range(14, 0, -1):
        series = 1.0 + series * r / n
    return ldexp(series, k)


def power(x: float, exponent: float) -> float:
    """Return a positive number to a power."""
    return exp(exponent * log(x))


def gamma(z: float) -> float:
    """Return the gamma function of a positive number, by Stirling's series from 15 up.

    Source
    ------
    Abramowitz and Stegun, 6.1.15 and 6.1.40.
    """
    product = 1.0
    while z < 15:
        product *= z
        z += 1
    series, step = 0.0, 1 / z
    for term in STIRLING:
        series += term * step
        step /= z * z
    return exp((z - 0.5) * log(z) - z + HALF_LOG_2_PI + series) / product


def normal(u: float) -> float:
    """Return the standard normal quantile of u, 0 < u < 1.

    Source
    ------
    Wichura, algorithm AS 241 (PPND16), Applied Statistics 37, 1988; about 1 part in 10**16.
    """
    q = u - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(CENTRAL, 0.180625 - q * q)
    r = sqrt(-log(min(u, 1 - u)))
    value = _ratio(MIDDLE, r - 1.6) if r <= 5 else _ratio(TAIL, r - 5)
    return -value if q < 0 else value


def weibull(u: float, *, mean: float, shape: float) -> float:
    """Return a Weibull variate: mean / gamma(1 + 1/shape) * (-log u) ** (1/shape)."""
    life = -log(u)
    if shape == 1:
        return mean * life
    return mean / gamma(1 + 1 / shape) * power(life, 1 / shape)


def lognormal(u: float, *, median: float, sigma: float) -> float:
    """Return a log-normal variate: median * exp(sigma * z), z standard normal."""
    return median * exp(sigma * normal(u))


def gamma_variate(uniform: Callable[[int], float], *, shape: float) -> float:
    """Return a gamma variate of scale 1 and a shape of at least 1, from the draws of a key.

    `uniform` gives draw i; attempt j takes the draws 2j and 2j + 1.

    Source
    ------
    Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000.
    """
    if shape < 1:
        raise ValueError(f"shape must be at least 1, got {shape}")
    d = shape - 1 / 3
    c = 1 / sqrt(9 * d)
    attempt = 0
    while True:
        x = normal(uniform(2 * attempt))
        v = (1 + c * x) ** 3
        if v > 0 and log(uniform(2 * attempt + 1)) < x * x / 2 + d - d * v + d * log(v):
            return d * v
        attempt += 1


def _ratio(table: tuple[Sequence[float], Sequence[float]], x: float) -> float:
    values = []
    for coefficients in table:
        value = 0.0
        for coefficient in reversed(coefficients):
            value = value * x + coefficient
        values.append(value)
    return values[0] / values[1]
