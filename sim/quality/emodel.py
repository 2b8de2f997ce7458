"""Voice: the E-model of ITU-T G.107, from what a network does to a rating and an opinion.

`R = Ro - Is - Id - Ie_eff + A`, on a scale to 100. What the terminals are is in `Terminals`; what
the network does (delay, loss) comes as arrays. Two models, not to be mixed:

- `rate` has every term. Echo counts: at 150 ms R is 89.5, for a telephone leaves some.
- `meeting_rating` is for rooms with echo control: `R = 93.2 - Idd - Ie_eff`, 93.0 at 150 ms.

The text of the Recommendation was not at hand: the formulas agree with an open implementation of
the whole model, and give the published default R = 93.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.quality.codecs import CODECS, Codec
from sim.quality.impairment import delay_impairment, delay_in_ms, equipment_impairment
from sim.quality.opinion import mos_from_r
from sim.quality.terminals import DEFAULT, Terminals

FloatArray = NDArray[np.float64]

BEST_R = 93.2  # the rating of a connection of default terminals that nothing impairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A rating and what it is made of: arrays that broadcast, on the scale of R.

    Attributes
    ----------
    signal_to_noise : Ro
    simultaneous : Is, what comes with the voice: loudness, sidetone, quantising
    talker_echo, listener_echo : Idte, Idle
    delay : Idd
    equipment : Ie_eff
    advantage : A
    """

    signal_to_noise: float
    simultaneous: FloatArray
    talker_echo: FloatArray
    listener_echo: FloatArray
    delay: FloatArray
    equipment: FloatArray
    advantage: float

    @property
    def r(self) -> FloatArray:
        """R; of bad connections it is below 0, of very good ones it may be above 100."""
        impaired = self.signal_to_noise - self.simultaneous - self.talker_echo
        rated: FloatArray = (
            impaired - self.listener_echo - self.delay - self.equipment + self.advantage
        )
        return rated


def rate(
    *,
    echo_ns: ArrayLike = 0,
    round_trip_ns: ArrayLike = 0,
    one_way_ns: ArrayLike = 0,
    loss: ArrayLike = 0.0,
    burst_ratio: ArrayLike = 1.0,
    codec: Codec = CODECS["g711-plain"],
    terminals: Terminals = DEFAULT,
) -> Rating:
    """Return the full E-model's rating, term by term.

    Parameters
    ----------
    echo_ns : array_like, T: mean one-way delay of the echo path, ns
    round_trip_ns : array_like, Tr: round trip in the four-wire loop, ns
    one_way_ns : array_like, Ta: absolute one-way delay, ns
    loss, burst_ratio : array_like, see `equipment_impairment`

    Returns
    -------
    Rating
        Its arrays have the shapes of what each depends on.

    Raises
    ------
    ValueError
        If a delay is NaN or negative, or as in `equipment_impairment`.

    Source
    ------
    ITU-T G.107, clause 7; for sidetone masking ratings of 9 to 20 dB.

    Examples
    --------
    >>> float(rate().r.round(1))
    93.2
    >>> ms = 10**6
    >>> rating = rate(echo_ns=[0, 150 * ms], round_trip_ns=[0, 300 * ms], one_way_ns=[0, 150 * ms])
    >>> rating.r.round(2).tolist()
    [93.21, 89.54]
    """
    echo_ms = delay_in_ms("echo_ns", echo_ns)
    return Rating(
        signal_to_noise=terminals.signal_to_noise,
        simultaneous=_simultaneous(terminals, echo_ms),
        talker_echo=_talker_echo(terminals, echo_ms),
        listener_echo=_listener_echo(terminals, delay_in_ms("round_trip_ns", round_trip_ns)),
        delay=delay_impairment(one_way_ns, terminals=terminals),
        equipment=equipment_impairment(loss, burst_ratio, codec=codec),
        advantage=terminals.advantage,
    )


def meeting_rating(
    loss: ArrayLike,
    burst_ratio: ArrayLike,
    one_way_ns: ArrayLike,
    *,
    codec: Codec,
    best: float = BEST_R,
) -> FloatArray:
    """Return R of rooms whose equipment leaves no echo: `best - Idd - Ie_eff`.

    Parameters
    ----------
    loss, burst_ratio : array_like, see `equipment_impairment`
    one_way_ns : array_like, mean one-way delay, ns; see `delay_impairment`

    Returns
    -------
    ndarray of float64, the broadcast shape

    Raises
    ------
    ValueError
        As `equipment_impairment` and `delay_impairment`.

    Source
    ------
    ITU-T G.107 with default terminals, without its echo terms.

    Examples
    --------
    >>> meeting_rating([0, 0.02], 1, [50e6, 200e6], codec=CODECS["g711"]).round(1).tolist()
    [93.2, 83.1]
    """
    rating: FloatArray = (
        best - delay_impairment(one_way_ns) - equipment_impairment(loss, burst_ratio, codec=codec)
    )
    return rating


def meeting_mos(
    loss: ArrayLike, burst_ratio: ArrayLike, one_way_ns: ArrayLike, *, codec: Codec
) -> FloatArray:
    """Return the opinion score of a voice in each of many rooms; see `meeting_rating`.

    Examples
    --------
    >>> meeting_mos([0, 0.02], [1, 2], [50e6, 200e6], codec=CODECS["opus"]).round(2).tolist()
    [4.41, 4.13]
    """
    return mos_from_r(meeting_rating(loss, burst_ratio, one_way_ns, codec=codec))


def _simultaneous(terminals: Terminals, echo_ms: FloatArray) -> FloatArray:
    """Return Is: too loud a connection, sidetone and quantising distortion."""
    noise = terminals.noise_dbm0p
    loudness = (terminals.olr_db + 0.2 * (64 + noise - terminals.rlr_db)) / 8
    too_loud = 20 * ((1 + loudness**8) ** (1 / 8) - loudness)
    masking = -10 * np.log10(
        10 ** (-terminals.stmr_db / 10) + np.exp(-echo_ms / 4) * 10 ** (-terminals.telr_db / 10)
    )
    sidetone = (
        12 * (1 + ((masking - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((masking + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((masking - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    q = 37 - 15 * np.log10(terminals.qdu)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y = (terminals.signal_to_noise - 100) / 15 + 46 / 8.4 - g / 9
    z = 46 / 30 - g / 40
    quantising = 15 * np.log10(1 + 10**y + 10**z)
    impairment: FloatArray = too_loud + sidetone + quantising
    return impairment


def _talker_echo(terminals: Terminals, echo_ms: FloatArray) -> FloatArray:
    """Return Idte: the talker's own voice, come back."""
    loudness = (
        terminals.telr_db
        - 40 * np.log10((1 + echo_ms / 10) / (1 + echo_ms / 150))
        + 6 * np.exp(-0.3 * echo_ms**2)
    )
    echo = 80 + 2.5 * (loudness - 14)
    half = (-1.5 * (terminals.noise_dbm0p - terminals.rlr_db) - echo) / 2
    impairment: FloatArray = (half + np.sqrt(half**2 + 100) - 1) * (1 - np.exp(-echo_ms))
    return impairment


def _listener_echo(terminals: Terminals, round_trip_ms: FloatArray) -> FloatArray:
    """Return Idle: the talker's voice, heard twice."""
    echo = 10.5 * (terminals.wepl_db + 7) * (round_trip_ms + 1) ** -0.25
    half = (terminals.signal_to_noise - echo) / 2
    impairment: FloatArray = half + np.sqrt(half**2 + 169)
    return impairment
