"""Lifetimes: when a part that fails at random is down during the meeting.

A part lives (Weibull), is repaired (log-normal), lives again, and has done so for ever before the
meeting: at its start it is up with the chance MTTF / (MTTF + MTTR), and what is left of its life or
its repair then is that of a moment chosen at random. Every number is a draw of the part's own keys.

Source: alternating renewal process in equilibrium (Cox, Renewal Theory, 1962, chapters 5 and 7).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sim import rng, variates

LONGEST_NS = 2**61


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """How parts of a kind fail and come back.

    Attributes
    ----------
    mttf_ns : mean life, ns
    shape : of the Weibull distribution; 1 is exponential
    median_ns, sigma : of the log-normal time to repair; sigma is that of its logarithm
    """

    mttf_ns: int
    shape: float
    median_ns: float
    sigma: float

    @property
    def mttr_ns(self) -> float:
        """The mean time to repair, ns."""
        return self.median_ns * variates.exp(self.sigma**2 / 2)

    @property
    def availability(self) -> float:
        """The share of time in which a part is up in the long run."""
        return self.mttf_ns / (self.mttf_ns + self.mttr_ns)


def downtimes(
    lifetime: Lifetime, *, seed: int, names: Sequence[str], duration_ns: int
) -> Iterator[tuple[str, int, int]]:
    """Yield (name, from, until) for each time that one of the parts is down.

    Those that begin before `duration_ns`, part by part in order of time; half-open, ns.
    """
    for name in _possible(lifetime, seed, names, duration_ns):
        part = _Part(lifetime, seed, name)
        for at_ns, until_ns in part.downtimes():
            if at_ns >= duration_ns:
                break
            yield name, at_ns, until_ns


def expected(lifetime: Lifetime, *, parts: int, duration_ns: int) -> float:
    """Return how many times parts are down on average, those down at the start included."""
    cycles = duration_ns / (lifetime.mttf_ns + lifetime.mttr_ns)
    return parts * (1 - lifetime.availability + cycles)


def _possible(
    lifetime: Lifetime, seed: int, names: Sequence[str], duration_ns: int
) -> Sequence[str]:
    """Return the parts that may be down at all: of exponential lives most need one look."""
    if lifetime.shape != 1 or not names:
        return names
    first = np.zeros(len(names), dtype=np.int64)
    state = rng.uniforms_of(rng.keys(seed, names, "failure state"), first, first + 1)
    rest = rng.uniforms_of(rng.keys(seed, names, "failure rest"), first, first + 1)
    rest_ns = -rng.logarithm(rest) * lifetime.mttf_ns
    down = (state >= lifetime.availability) | (rest_ns < duration_ns + 1)
    return [names[i] for i in np.flatnonzero(down).tolist()]


class _Part:
    """A part and its draws."""

    def __init__(self, lifetime: Lifetime, seed: int, name: str) -> None:
        self._lifetime = lifetime
        self._keys = {
            purpose: rng.key(seed, name, f"failure {purpose}")
            for purpose in ("state", "rest", "age", "life", "repair")
        }

    def downtimes(self) -> Iterator[tuple[int, int]]:
        """Yield when it is down, without end."""
        lifetime, now_ns = self._lifetime, 0
        if self._uniform("state", 0) < lifetime.availability:
            now_ns += _whole(self._rest_of_life_ns())
        else:
            now_ns += _whole(self._rest_of_repair_ns())
            yield 0, now_ns
            now_ns += _whole(self._life_ns(0))
        number = 1
        while True:
            until_ns = now_ns + _whole(self._repair_ns(number))
            yield now_ns, until_ns
            now_ns = until_ns + _whole(self._life_ns(number))
            number += 1

    def _uniform(self, purpose: str, index: int) -> float:
        return rng.uniform(self._keys[purpose], index)

    def _life_ns(self, number: int) -> float:
        u = self._uniform("life", number)
        return variates.weibull(u, mean=self._lifetime.mttf_ns, shape=self._lifetime.shape)

    def _repair_ns(self, number: int) -> float:
        u = self._uniform("repair", number)
        return variates.lognormal(u, median=self._lifetime.median_ns, sigma=self._lifetime.sigma)

    def _rest_of_life_ns(self) -> float:
        """A uniform part of a life that is met with a chance in proportion to its length.

        (life / scale) ** shape of such a life is a gamma variate of shape 1 + 1/shape.
        """
        lifetime, u = self._lifetime, self._uniform("rest", 0)
        if lifetime.shape == 1:
            return -variates.log(u) * lifetime.mttf_ns
        inverse = 1 / lifetime.shape
        grown = variates.gamma_variate(lambda i: self._uniform("age", i), shape=1 + inverse)
        scale_ns = lifetime.mttf_ns / variates.gamma(1 + inverse)
        return u * scale_ns * variates.power(grown, inverse)

    def _rest_of_repair_ns(self) -> float:
        """A uniform part of a repair met in proportion to its length, which is log-normal, too."""
        lifetime = self._lifetime
        met_ns = variates.lognormal(
            self._uniform("repair", 0),
            median=lifetime.median_ns * variates.exp(lifetime.sigma**2),
            sigma=lifetime.sigma,
        )
        return self._uniform("rest", 0) * met_ns


def _whole(time_ns: float) -> int:
    """Return a time in whole ns, at least 1 and of an age that still can be added to."""
    return round(min(max(time_ns, 1.0), LONGEST_NS))
