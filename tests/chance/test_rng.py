"""Draws are NumPy's Philox, the kernels draw the same, and variates have their distributions."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import draws, rng


# Kernels have no Python entry of their own.
@numba.njit
def word(key_0, key_1, index):  # type: ignore[no-untyped-def]
    return draws.philox(key_0, key_1, index)


@numba.njit
def gap(key, index, chance):  # type: ignore[no-untyped-def]
    return draws.geometric(key, index, chance)


keys = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


@given(key=keys, first=st.integers(0, 50), count=st.integers(0, 20))
def test_words_are_numpys_philox(key: rng.Key, first: int, count: int) -> None:
    stream = np.random.Philox(key=np.array(key, dtype=np.uint64)).random_raw(first + count)
    np.testing.assert_array_equal(rng.words(key, first, count), stream[first:])


@given(runs=st.lists(st.tuples(keys, st.integers(0, 2**40), st.integers(0, 20)), max_size=6))
def test_words_of_many_keys_are_those_of_each(runs: list[tuple[rng.Key, int, int]]) -> None:
    each = [rng.words(key, first, count) for key, first, count in runs]
    many = np.array([key for key, _, _ in runs], dtype=np.uint64).reshape(len(runs), 2)
    first = np.array([first for _, first, _ in runs], dtype=np.int64)
    count = np.array([count for _, _, count in runs], dtype=np.int64)
    np.testing.assert_array_equal(
        rng.words_of(many, first, count), np.concatenate([rng.words((0, 0), 0, 0), *each])
    )


def test_more_keys_than_are_drawn_at_a_time_draw_the_same() -> None:
    count = rng.CHUNK + 3
    many = np.array([[number, 2**64 - 1 - number] for number in range(count)], dtype=np.uint64)
    ones = np.ones(count, dtype=np.int64)
    words = rng.words_of(many, 7 * ones, ones)
    for number in (0, rng.CHUNK - 1, rng.CHUNK, count - 1):
        assert words[number] == rng.words((number, 2**64 - 1 - number), 7, 1)[0]


@given(key=keys, index=st.integers(0, 2**40))
def test_kernel_draws_the_same_word(key: rng.Key, index: int) -> None:
    assert word(np.uint64(key[0]), np.uint64(key[1]), index) == rng.words(key, index, 1)[0]


@given(key=keys, index=st.integers(0, 2**40), p=st.floats(0, 1))
def test_kernel_draws_the_same_gap(key: rng.Key, index: int, p: float) -> None:
    chance = np.array([p, *rng.squarings(p)])
    assert gap(np.array(key, dtype=np.uint64), index, chance) == rng.geometric(key, index, p)


@given(key=keys, index=st.integers(0, 1000), p=st.sampled_from([0.0, 1e-9, 1e-4, 0.3, 0.999, 1.0]))
def test_geometric_inverts_the_distribution(key: rng.Key, index: int, p: float) -> None:
    gap = rng.geometric(key, index, p)
    if p in (0, 1):
        assert gap == (rng.NEVER if p == 0 else 0)
    else:
        # P(gap >= n) = (1-p)**n: the largest n for which that exceeds u.
        exact = math.log(rng.uniform(key, index)) / math.log1p(-p)
        assert gap == pytest.approx(exact, abs=1 + 1e-6 * exact)


@pytest.mark.parametrize("p", [0.001, 0.05, 0.5])
def test_geometric_has_its_mean(p: float) -> None:
    """E[gap] = (1-p)/p. Would notice p off by 10 %: shown by the same test on a shifted p."""
    draws, expected = 4000, (1 - p) / p
    gaps = np.array([rng.geometric(rng.key(7, "test", f"gap {p}"), i, p) for i in range(draws)])
    half_width = 4 * np.std(gaps, ddof=1) / math.sqrt(draws)
    assert abs(gaps.mean() - expected) < half_width
    shifted = (1 - 1.1 * p) / (1.1 * p)
    assert abs(gaps.mean() - shifted) > half_width


@given(x=st.floats(1e-300, 1e300))
def test_logarithm_is_accurate(x: float) -> None:
    assert float(rng.logarithm(np.array([x]))[0]) == pytest.approx(
        math.log(x), rel=1e-15, abs=4e-16
    )


def test_laplace_has_its_moments_and_tail() -> None:
    """Scale b: standard deviation b*sqrt(2), P(X > x) = exp(-x/b)/2 (RFC 8593, section 5.1)."""
    scale, draws = 0.15, 200_000
    x = rng.laplaces(rng.key(3, "test", "laplace"), 0, draws, scale)
    deviation = scale * math.sqrt(2)
    assert abs(x.mean()) < 4 * deviation / math.sqrt(draws)
    # The variance of X**2 is 20 b**4: E[X**4] = 24 b**4, E[X**2] = 2 b**2.
    assert abs((x**2).mean() - 2 * scale**2) < 4 * math.sqrt(20) * scale**2 / math.sqrt(draws)
    tail = math.exp(-0.5 / scale) / 2
    assert abs((x > 0.5).mean() - tail) < 4 * math.sqrt(tail / draws)
    assert abs((x > 0.5).mean() - 1.2 * tail) > 4 * math.sqrt(tail / draws)


def test_keys_separate_names_and_purposes() -> None:
    names = [("a", "bc"), ("ab", "c"), ("a|b", "c"), ("a", "b|c"), ("", "abc")]
    assert len({rng.key(1, name, purpose) for name, purpose in names}) == len(names)
    assert rng.key(1, "a", "b") != rng.key(2, "a", "b")
