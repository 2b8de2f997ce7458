"""From a rating to what people say of it: opinion scores and bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# ITU-T G.109: the lowest rating of each band.
BANDS = {
    "not recommended": -np.inf,
    "poor": 50.0,
    "low": 60.0,
    "medium": 70.0,
    "high": 80.0,
    "best": 90.0,
}


def mos_from_r(r: ArrayLike) -> NDArray[np.float64]:
    """Return the mean opinion score for E-model ratings.

    Parameters
    ----------
    r : array_like of float, any shape
        Transmission rating factor R, dimensionless. Values outside 0..100 are clipped.

    Returns
    -------
    ndarray of float64, same shape
        Estimated conversational MOS, between 1.0 and 4.5.

    Raises
    ------
    ValueError
        If any rating is NaN: a call without a rating is an outage, not a bad call.

    Source
    ------
    ITU-T G.107, annex B.

    Examples
    --------
    >>> mos_from_r([0, 50, 93.2, 120]).round(2).tolist()
    [1.0, 2.58, 4.41, 4.5]
    """
    rating = np.clip(_without_nan(r), 0, 100)
    # The cubic dips below 1 for R under 6.5; the opinion scale starts at 1.
    score: NDArray[np.float64] = np.maximum(
        1.0, 1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating)
    )
    return score


def band(r: ArrayLike) -> NDArray[np.str_]:
    """Return the quality band of each rating: `best`, `high`, `medium`, `low`, `poor`, or less.

    Raises
    ------
    ValueError
        If any rating is NaN.

    Source
    ------
    ITU-T G.109; a band begins at its lower limit.

    Examples
    --------
    >>> band([93.2, 90, 89.9, 49]).tolist()
    ['best', 'best', 'high', 'not recommended']
    """
    reached = np.searchsorted(list(BANDS.values()), _without_nan(r), side="right")
    return np.array(list(BANDS))[reached - 1]


def _without_nan(r: ArrayLike) -> NDArray[np.float64]:
    rating = np.asarray(r, dtype=np.float64)
    if np.isnan(rating).any():
        raise ValueError("r contains NaN; drop calls in outage before scoring them")
    return rating
