"""Video: the quality formula of ITU-T G.1070, as an indicator and no more.

It ranks settings of one codec and size against each other. It is no opinion score of a meeting:

- Its coefficients are provisional, for handset screens of QVGA and VGA up to about 2 Mbit/s. No
  set for 720p, 1080p or H.265 is known to this program, and none was made up.
- With `H264_VGA` any loss at 2 Mbit/s is a catastrophe (3 % give 1.17 of 5): the robustness it
  was fitted with falls with the bit rate. Compare losses at one rate only.
- Frames that freeze, delay and what sound does to sight are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """The fit to one codec, screen and size.

    Attributes
    ----------
    name : for people
    v : v1 to v12 as the Recommendation numbers them; bit rates in kbit/s, loss in per cent
    source : where they come from
    """

    name: str
    v: tuple[float, ...]
    source: str

    def __post_init__(self) -> None:
        if len(self.v) != 12:
            raise ValueError(f"v must be 12 coefficients, got {len(self.v)}")


MPEG4_QVGA = Coefficients(
    name="MPEG-4, QVGA",
    v=(1.431, 0.02228, 3.759, 184.1, 1.161, 1.446, 0.0003881, 2.116, 467.4, 2.736, 15.28, 4.17),
    source="ITU-T G.1070 (2007), appendix I, as quoted by the open-source program VideoTester",
)
# Public quotations of this set write the exponent of the bit rate as 5; the model has v5 there.
H264_VGA = Coefficients(
    name="H.264, VGA, 9.2 inches",
    v=(5.517, 0.0129, 3.459, 178.53, 1.02, 1.15, 0.000355, 0.114, 513.77, 0.736, -6.451, 13.684),
    source="ITU-T G.1070 (2012), as quoted in public code",
)

VIDEO_CODECS = {"mpeg4": MPEG4_QVGA, "h264": H264_VGA}


def video_indicator(
    rate_bps: ArrayLike,
    frames_per_s: ArrayLike,
    loss: ArrayLike,
    *,
    coefficients: Coefficients = H264_VGA,
) -> FloatArray:
    """Return Vq of G.1070: a relative indicator from 1 to 5, see this module's limits.

    Parameters
    ----------
    rate_bps : array_like, bit rate of the video, bit/s
    frames_per_s : array_like
    loss : array_like, fraction of packets lost, 0 to 1

    Returns
    -------
    ndarray of float64, the broadcast shape

    Raises
    ------
    ValueError
        If a bit or frame rate is NaN or not positive, a loss is NaN or not a fraction, or the
        coefficients are used so far outside their range that loss would make a picture better.

    Source
    ------
    ITU-T G.1070, the video quality estimation function.

    Examples
    --------
    >>> video_indicator(1_000_000, [20, 30], [0.005, 0.01]).round(2).tolist()
    [3.45, 2.93]
    """
    rate_kbps = np.asarray(rate_bps, dtype=np.float64) / 1000
    frames = np.asarray(frames_per_s, dtype=np.float64)
    loss = np.asarray(loss, dtype=np.float64)
    if not (np.all(rate_kbps > 0) and np.all(frames > 0)):
        raise ValueError("rate_bps and frames_per_s must be positive")
    if not np.all((loss >= 0) & (loss <= 1)):
        raise ValueError("loss must be fractions from 0 to 1; a picture in outage has no quality")
    v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12 = coefficients.v
    best_frames = np.clip(v1 + v2 * rate_kbps, 1, 30)
    best = np.clip(v3 - v3 / (1 + (rate_kbps / v4) ** v5), 0, 4)
    spread = v6 + v7 * rate_kbps
    coding = best * np.exp(-((np.log(frames / best_frames)) ** 2) / (2 * spread**2))
    robustness = v10 + v11 * np.exp(-frames / v8) + v12 * np.exp(-rate_kbps / v9)
    if not np.all(robustness > 0):
        raise ValueError(f"too few frames per second for the coefficients of {coefficients.name}")
    quality: FloatArray = 1 + coding * np.exp(-100 * loss / robustness)
    return quality
