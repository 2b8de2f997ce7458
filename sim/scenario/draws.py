"""Draws for many sites at once: the first word of each one's stream of chance.

The same numbers as `sim.rng`, without building a generator per site.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sim import rng


def first_words(seed: int, site_ids: Iterable[str], purpose: str) -> list[int]:
    """Return `rng.words(rng.key(seed, "site/<id>", purpose), 0, 1)` of each site.

    Examples
    --------
    >>> first_words(1, ["a"], "class") == rng.words(rng.key(1, "site/a", "class"), 0, 1).tolist()
    True
    """
    bits = np.random.Philox(key=0)
    state = bits.state
    words = []
    for key in rng.keys(seed, [f"site/{site_id}" for site_id in site_ids], purpose):
        # Setting the state costs a tenth of building a generator.
        state["state"]["key"] = key
        bits.state = state
        words.append(int(bits.random_raw()))
    return words


def uniforms(seed: int, site_ids: Iterable[str], purpose: str) -> list[float]:
    """Return `rng.uniform(rng.key(seed, "site/<id>", purpose), 0)` of each site.

    Examples
    --------
    >>> uniforms(1, ["a"], "class") == [rng.uniform(rng.key(1, "site/a", "class"), 0)]
    True
    """
    return [((word >> 12) + 0.5) * 2.0**-52 for word in first_words(seed, site_ids, purpose)]
