"""What is sent: Poisson arrivals, bursts of frames, clocks out of step.

Draws are numbered (`sim.rng`), so an experiment has the same packets on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.rng import key, logarithm, uniforms
from tests.validation.theory.road import Traffic

Int64Array = NDArray[np.int64]


def one_size(sent_ns: Int64Array, size_bytes: int = 1000) -> Traffic:
    """Return packets of one size and stream."""
    return Traffic(
        sent_ns=sent_ns,
        size_bytes=np.full(sent_ns.size, size_bytes, dtype=np.int64),
        stream=np.zeros(sent_ns.size, dtype=np.int64),
    )


def poisson_ns(seed: int, *, gap_ns: float, arrivals: int, purpose: str = "gap") -> Int64Array:
    """Return the instants of a Poisson process, rounded to the ns."""
    gaps = -logarithm(uniforms(key(seed, "theory", purpose), 0, arrivals))
    return np.rint(gap_ns * np.cumsum(gaps)).astype(np.int64)


def poisson(seed: int, *, gap_ns: float, packets: int) -> Traffic:
    """Return Poisson packets that take 1 ms."""
    return one_size(poisson_ns(seed, gap_ns=gap_ns, arrivals=packets))


def mixed(
    seed: int, *, gap_ns: float, packets: int, sizes: Sequence[int], shares: Sequence[float]
) -> Traffic:
    """Return Poisson packets, each of one of the sizes."""
    drawn = uniforms(key(seed, "theory", "size"), 0, packets)
    which = np.searchsorted(np.cumsum(shares)[:-1], drawn)
    return Traffic(
        sent_ns=poisson_ns(seed, gap_ns=gap_ns, arrivals=packets),
        size_bytes=np.array(sizes, dtype=np.int64)[which],
        stream=np.zeros(packets, dtype=np.int64),
    )


def exponential_sizes(seed: int, *, gap_ns: float, packets: int, mean_bytes: int) -> Traffic:
    """Return Poisson packets of exponential size, at least 1 byte."""
    drawn = -logarithm(uniforms(key(seed, "theory", "size"), 0, packets))
    return Traffic(
        sent_ns=poisson_ns(seed, gap_ns=gap_ns, arrivals=packets),
        size_bytes=np.maximum(1, np.rint(mean_bytes * drawn)).astype(np.int64),
        stream=np.zeros(packets, dtype=np.int64),
    )


def bursts(seed: int, *, gap_ns: float, frames: int, packets: int, size_bytes: int) -> Traffic:
    """Return frames at Poisson instants, each of so many packets at once."""
    sent_ns = poisson_ns(seed, gap_ns=gap_ns, arrivals=frames)
    return one_size(np.repeat(sent_ns, packets), size_bytes)


def classes(seed: int, *, gaps_ns: Sequence[float], sizes: Sequence[int], until_ns: int) -> Traffic:
    """Return a Poisson stream per class up to an instant, merged."""
    parts = []
    for k, gap_ns in enumerate(gaps_ns):
        # Far more than will come: the mean and ten deviations.
        many = int(until_ns / gap_ns + 10 * (until_ns / gap_ns) ** 0.5)
        sent_ns = poisson_ns(seed, gap_ns=gap_ns, arrivals=many, purpose=f"gap {k}")
        parts.append(sent_ns[sent_ns < until_ns])
    stream = np.repeat(np.arange(len(parts)), [part.size for part in parts])
    sent_ns = np.concatenate(parts)
    order = np.lexsort((stream, sent_ns))
    return Traffic(
        sent_ns=sent_ns[order],
        size_bytes=np.array(sizes, dtype=np.int64)[stream[order]],
        stream=stream[order],
    )


def clocks(seed: int, *, sources: int, period_ns: int, draws: int) -> Traffic:
    """Return periodic sources whose phases are drawn anew again and again.

    Each draw lasts for three periods: the sources send in two of them and are silent in the
    third, in which a queue empties. So draws are independent of each other.
    """
    uniform = uniforms(key(seed, "theory", "phase"), 0, sources * draws)
    phases_ns = np.sort(np.floor(uniform * period_ns).astype(np.int64).reshape(draws, sources))
    starts_ns = 3 * period_ns * np.arange(draws, dtype=np.int64)[:, None]
    twice = np.concatenate([phases_ns, phases_ns + period_ns], axis=1)
    return one_size((starts_ns + twice).ravel())
