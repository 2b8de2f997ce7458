"""When a computed value is the reference value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

TOLERANCE = 1e-9  # absolute, on scales of 100 (ratings) and of 4 (opinions)


def same(computed: ArrayLike, reference: ArrayLike) -> bool:
    """Return whether all values agree within the tolerance."""
    return bool(np.allclose(computed, reference, rtol=0, atol=TOLERANCE))
