"""How good the voices and videos are that rooms receive: opinion scores, and an indicator.

A stream with a codec is rated in each room, by what was lost while the room heard it: runs of
missing packets between two that came, but for those where nothing came for so long that the room
counts as dark. A room in the dark has no quality; that it is dark is said elsewhere.

The delay of a voice is from mouth to ear: a frame is collected, then sent, and played after the
play-out delay, which stands for the buffer against jitter. What comes later than that is not
counted as lost here; freezes tell of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.metrics.measures import Quality, share
from sim.quality.codecs import CODECS
from sim.quality.emodel import meeting_mos
from sim.quality.impairment import burst_ratio_of_runs
from sim.quality.video import VIDEO_CODECS, video_indicator
from sim.scenario.model import Stream

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]


def voice_mos(
    stream: Stream, quality: Quality, runs: Int64Array, missing: Int64Array
) -> Float64Array:
    """Return the opinion score of a voice with each of k listeners.

    Parameters
    ----------
    stream : one whose codec is in `CODECS`
    quality : k rows
    runs, missing : (k,) int64, runs of losses, and the packets lost in them

    Returns
    -------
    (k,) float64
        Between 1.0 and 4.5; NaN where nothing came.

    Source
    ------
    ITU-T G.107 and its annex B; see `sim.quality`.
    """
    heard = quality.received > 0
    loss = share(missing, missing + quality.received)[heard]
    mouth_to_ear_ns = float(stream.interval_ns) + quality.delay_mean_ns[heard] + stream.playout_ns
    mos = np.full(heard.size, np.nan)
    mos[heard] = meeting_mos(
        loss,
        burst_ratio_of_runs(np.nan_to_num(share(missing, runs))[heard], loss),
        mouth_to_ear_ns,
        codec=CODECS[stream.codec],
    )
    return mos


def video_quality(stream: Stream, quality: Quality, missing: Int64Array) -> Float64Array:
    """Return the indicator of a video with each of k listeners, from 1 to 5; NaN: nothing came.

    It compares losses of one stream, and no more; see `sim.quality.video`.

    Parameters
    ----------
    stream : one whose codec is in `VIDEO_CODECS`
    quality : k rows
    missing : (k,) int64, packets lost

    Source
    ------
    ITU-T G.1070, the video quality estimation function.
    """
    heard = quality.received > 0
    indicator = np.full(heard.size, np.nan)
    indicator[heard] = video_indicator(
        float(stream.media_bps),
        float(10**9 / stream.interval_ns),
        share(missing, missing + quality.received)[heard],
        coefficients=VIDEO_CODECS[stream.codec],
    )
    return indicator


def worst_of(site: Int64Array, rated: Int64Array, scores: Float64Array) -> Float64Array:
    """Return the lowest score of each site; NaN where it has none.

    Parameters
    ----------
    site : (r,) int64, sorted
    rated : (k,) int64, the site that each score is of
    scores : (k,) float64; NaN is no score
    """
    known = ~np.isnan(scores)
    worst = np.full(site.size, np.inf)
    np.minimum.at(worst, np.searchsorted(site, rated[known]), scores[known])
    return np.where(np.isinf(worst), np.nan, worst)
