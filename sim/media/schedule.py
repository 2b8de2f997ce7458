"""When frames are due: what sources and who asks them for key frames both need to know.

Frame k of a stretch that begins at 0 is due `floor((k * span + half) / frames)`, frames being
those of a span and half = frames // 2: the nearest ns, halves up. Sizes and packets are not here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sim import rng
from sim.scenario.model import Scenario, Stream

Int64Array = NDArray[np.int64]


def due_ns(stream: Stream, frame: int) -> int:
    """Return when a frame is due after its stretch begins, ns."""
    half = stream.frames_per_span // 2
    return (frame * stream.span_ns + half) // stream.frames_per_span


def frames_before(stream: Stream, length_ns: int) -> int:
    """Return how many frames are due in the first `length_ns` of a stretch.

    It is also the number of the first frame that is due then or later.
    """
    half = stream.frames_per_span // 2
    return max(-((half - length_ns * stream.frames_per_span) // stream.span_ns), 0)


def names_of(stream: Stream, index: Mapping[str, int]) -> list[str]:
    """Return the name of the source at each origin of a stream, for draws."""
    return [
        f"stream/{stream.id}/{site}" if index[site] else f"stream/{stream.id}"
        for site in stream.origins
    ]


def begins_ns(scenario: Scenario, stream: Stream, index: Mapping[str, int]) -> Int64Array:
    """Return when frame 0 is due at each origin of a stream, which is not the floor's.

    Parameters
    ----------
    index : site id -> number; the root's is 0

    Returns
    -------
    (origins,) int64, ns
        Start of the stream, and the origin's shift.
    """
    origin = np.array([index[site] for site in stream.origins], dtype=np.int64)
    shift_ns = np.zeros(origin.size, dtype=np.int64)
    if stream.spread_ns:
        ones = np.ones(origin.size, dtype=np.int64)
        keys = rng.keys(scenario.seed, names_of(stream, index), "spread")
        drawn = rng.uniforms_of(keys, 0 * ones, ones)
        shift_ns = (drawn * stream.spread_ns).astype(np.int64)
        shift_ns[origin == 0] = 0  # the root starts at once
    if stream.composite:
        transcoding_ns = {relay.site: relay.transcoding_ns for relay in scenario.relays}
        shift_ns = shift_ns + np.array([transcoding_ns[site] for site in stream.origins])
    return stream.start_ns + shift_ns
