"""Two counts that must agree, and what is said where they do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]


class ConservationError(RuntimeError):
    """The counts of a run contradict each other: a defect of an engine, not of the scenario."""


def equal(
    left: Int64Array,
    right: Int64Array,
    place: Callable[[int], str],
    numbers: Mapping[str, Int64Array],
) -> None:
    """Check that two columns are equal.

    Parameters
    ----------
    left, right : (k,) int64
    place : what row i is, and the rule it breaks
    numbers : what to say of a row, by name: (k,) or (k, m) int64

    Raises
    ------
    ConservationError
        Names the first row where they differ, with its numbers.
    """
    _raise_at(np.flatnonzero(left != right), left.size, place, numbers)


def at_most(
    left: Int64Array,
    right: Int64Array,
    place: Callable[[int], str],
    numbers: Mapping[str, Int64Array],
) -> None:
    """Check that no value on the left exceeds the one on the right; as `equal`."""
    _raise_at(np.flatnonzero(left > right), left.size, place, numbers)


def _raise_at(
    wrong: NDArray[np.intp],
    places: int,
    place: Callable[[int], str],
    numbers: Mapping[str, Int64Array],
) -> None:
    if wrong.size:
        first = int(wrong[0])
        said = ", ".join(f"{name} {values[first].tolist()}" for name, values in numbers.items())
        raise ConservationError(
            f"{place(first)} does not hold ({said}); so at {wrong.size} of {places} places"
        )
