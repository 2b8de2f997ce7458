"""Variates of failures and repairs against the standard library and closed distributions.

Distributions are compared by Kolmogorov and Smirnov at 1 %; beside each stands a wrong one that so
many draws refuse, which says how small an error would be noticed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import pytest

from sim import rng, variates
from tests.chance.goodness import fits

DRAWS = 4000


def uniforms(name: str, count: int = DRAWS) -> list[float]:
    return rng.uniforms(rng.key(7, name, "test"), 0, count).tolist()


@pytest.mark.parametrize("x", [-700, -20.5, -1, -1e-9, 0, 1e-9, 0.5, 1, 12.25, 690])
def test_exponential_function(x):
    assert math.isclose(variates.exp(x), math.exp(x), rel_tol=4e-16 * max(1, abs(x)))


@pytest.mark.parametrize("z", [1.05, 1.5, 2, 3.7, 6, 14.9, 15, 40])
def test_gamma_function(z):
    assert math.isclose(variates.gamma(z), math.gamma(z), rel_tol=1e-13)


@pytest.mark.parametrize("u", [2.0**-53, 1e-12, 0.001, 0.07, 0.0751, 0.3, 0.5, 0.92, 0.9999999])
def test_normal_quantile(u):
    assert math.isclose(variates.normal(u), NormalDist().inv_cdf(u), rel_tol=1e-13, abs_tol=1e-15)


@pytest.mark.parametrize("shape", [0.5, 1, 1.7, 4])
def test_weibull_lives(shape):
    lives = [variates.weibull(u, mean=1000, shape=shape) for u in uniforms("weibull")]

    def cdf(shape: float) -> Callable[[float], float]:
        scale = 1000 / math.gamma(1 + 1 / shape)
        return lambda x: 1 - math.exp(-((x / scale) ** shape))

    assert fits(lives, cdf(shape))
    assert not fits(lives, cdf(1.15 * shape))


def test_lognormal_repairs():
    repairs = [variates.lognormal(u, median=4, sigma=0.8) for u in uniforms("lognormal")]

    def cdf(median: float) -> Callable[[float], float]:
        return lambda x: NormalDist().cdf(math.log(x / median) / 0.8)

    assert fits(repairs, cdf(4))
    assert not fits(repairs, cdf(4.4))


def erlang(shape: float, x: float) -> float:
    """Return the gamma distribution at x, of a whole or a half shape (Abramowitz, 6.5.22)."""
    below = 1 - math.exp(-x) if shape % 1 == 0 else math.erf(math.sqrt(x))
    step = 1.0 if shape % 1 == 0 else 0.5
    while step < shape:
        below -= x**step * math.exp(-x) / math.gamma(step + 1)
        step += 1
    return below


@pytest.mark.parametrize("shape", [1, 1.5, 2, 3])
def test_gamma_variates(shape):
    def draw(number: int) -> float:
        key = rng.key(7, f"gamma {number}", "test")
        return variates.gamma_variate(lambda i: rng.uniform(key, i), shape=shape)

    values = [draw(number) for number in range(DRAWS // 2)]
    assert fits(values, lambda x: erlang(shape, x))
    assert not fits(values, lambda x: erlang(shape, 0.88 * x))


def test_gamma_variates_of_a_small_shape_are_refused():
    with pytest.raises(ValueError, match="at least 1, got"):
        variates.gamma_variate(lambda _: 0.5, shape=0.5)
