"""What delay and loss take from the rating of a voice, on the scale of R of ITU-T G.107.

Times are ns and losses fractions, as everywhere in this program; the formulas convert them to the
milliseconds and per cent of the Recommendation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.quality.codecs import Codec
from sim.quality.terminals import DEFAULT, Terminals

FloatArray = NDArray[np.float64]

NS_PER_MS = 10**6


def delay_impairment(one_way_ns: ArrayLike, *, terminals: Terminals = DEFAULT) -> FloatArray:
    """Return Idd: what delay alone costs, without any echo.

    Parameters
    ----------
    one_way_ns : array_like, any shape, ns from mouth to ear, play-out buffer included

    Returns
    -------
    ndarray of float64, same shape
        On the scale of R; 0 up to 100 ms.

    Raises
    ------
    ValueError
        If a delay is NaN or negative.

    Source
    ------
    ITU-T G.107, equations 7-27 and 7-28.

    Examples
    --------
    >>> delay_impairment([100e6, 150e6, 400e6]).round(3).tolist()
    [0.0, 0.164, 24.07]
    """
    one_way_ms = delay_in_ms("one_way_ns", one_way_ns)
    power = 6 * terminals.delay_sensitivity
    octaves = np.log2(np.maximum(one_way_ms / terminals.least_delay_ms, 1))
    impairment: FloatArray = 25 * (
        (1 + octaves**power) ** (1 / power) - 3 * (1 + (octaves / 3) ** power) ** (1 / power) + 2
    )
    return impairment


def equipment_impairment(
    loss: ArrayLike, burst_ratio: ArrayLike = 1.0, *, codec: Codec
) -> FloatArray:
    """Return Ie_eff: what the codec and the packets it misses cost.

    Parameters
    ----------
    loss : array_like, fraction of packets not played, 0 to 1; what comes too late counts too
    burst_ratio : array_like, broadcasts with `loss`; see `burst_ratio_of_runs`

    Returns
    -------
    ndarray of float64, the broadcast shape
        On the scale of R, from the codec's Ie up; 95 is all, and long bursts exceed it.

    Raises
    ------
    ValueError
        If a loss is NaN or not a fraction, or a burst ratio is NaN or not positive.

    Source
    ------
    ITU-T G.107, equation 7-29.

    Examples
    --------
    >>> g711 = Codec(name="G.711 with concealment", ie=0, bpl=25.1, source="ITU-T G.113")
    >>> equipment_impairment([0, 0.01, 0.05], codec=g711).round(2).tolist()
    [0.0, 3.64, 15.78]
    """
    loss = np.asarray(loss, dtype=np.float64)
    ratio = np.asarray(burst_ratio, dtype=np.float64)
    if not np.all((loss >= 0) & (loss <= 1)):
        raise ValueError("loss must be fractions from 0 to 1; a call in outage has no rating")
    if not np.all(ratio > 0):
        raise ValueError("burst_ratio must be positive, and 1 where nothing was lost")
    percent = 100 * loss
    impairment: FloatArray = codec.ie + (95 - codec.ie) * percent / (percent / ratio + codec.bpl)
    return impairment


def burst_ratio_of_runs(mean_run: ArrayLike, loss: ArrayLike) -> FloatArray:
    """Return how much longer runs of lost packets are than if loss were random.

    Parameters
    ----------
    mean_run : array_like, mean number of packets lost in a row; anything where nothing was lost
    loss : array_like, fraction of packets lost, 0 to 1, broadcasts with `mean_run`

    Returns
    -------
    ndarray of float64, the broadcast shape
        1 where nothing, or everything, was lost.

    Source
    ------
    ITU-T G.107: random loss has runs of `1 / (1 - loss)` packets on average.

    Examples
    --------
    >>> burst_ratio_of_runs([3, 1 / 0.98, 0], [0.01, 0.02, 0]).round(2).tolist()
    [2.97, 1.0, 1.0]
    """
    loss = np.asarray(loss, dtype=np.float64)
    some = (loss > 0) & (loss < 1)
    return np.where(some, np.asarray(mean_run, dtype=np.float64) * (1 - loss), 1.0)


def delay_in_ms(name: str, delay_ns: ArrayLike) -> FloatArray:
    """Return delays in ms as an array; raise a ValueError if one is NaN or negative."""
    delay_ms: FloatArray = np.asarray(delay_ns, dtype=np.float64) / NS_PER_MS
    if not np.all(delay_ms >= 0):
        raise ValueError(f"{name} must be at least 0 and not NaN; a call in outage has no delay")
    return delay_ms
