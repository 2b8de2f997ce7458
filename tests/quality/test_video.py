"""The video indicator against reference values, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.quality.video import H264_VGA, MPEG4_QVGA, Coefficients, video_indicator
from tests.quality.closeness import same
from tests.validation.reference import cases

CASES = cases("g1070")
SETS = {"S1_mpeg4_qvga": MPEG4_QVGA, "S5_h264_vga": H264_VGA}


def indicated(case: str, coefficients: Coefficients, *, off: float = 0.0) -> np.ndarray:
    """Return the indicator of a case, whose bit rate is off by a share."""
    params = CASES[case]["params"]
    return video_indicator(
        1000 * params["bitrate_kbps"] * (1 + off),
        params["frame_rate"],
        params["packet_loss_percent"] / 100,
        coefficients=coefficients,
    )


@pytest.mark.parametrize("case", CASES)
def test_reference_values(case: str) -> None:
    coefficients = SETS[CASES[case]["params"]["coefficients"]]
    assert list(coefficients.v) == CASES[case]["params"]["v"]
    reference = CASES[case]["expected"]["Vq"]
    assert same(indicated(case, coefficients), reference)
    assert not same(indicated(case, coefficients, off=1e-5), reference)


# v8 of the H.264 set is so small that its term with v11 is below 1e-30 at 10 frames a second.
UNSEEN = {("S5_h264_vga", 8), ("S5_h264_vga", 11)}


@pytest.mark.parametrize("number", range(1, 13))
@pytest.mark.parametrize("name", SETS)
def test_every_coefficient_is_noticed(name: str, number: int) -> None:
    """A change of 0.01 % of any one is seen in a case; so each is where it belongs."""
    v = list(SETS[name].v)
    v[number - 1] *= 1.0001
    changed = replace(SETS[name], v=tuple(v))
    ours = [case for case in CASES if case.startswith(name)]
    reference = [CASES[case]["expected"]["Vq"] for case in ours]
    unseen = same([indicated(case, changed) for case in ours], reference)
    assert unseen == ((name, number) in UNSEEN)


def test_it_takes_arrays() -> None:
    quality = video_indicator(np.array([[256_000], [1_000_000]]), 15, [0, 0.01, 0.03])
    assert quality.shape == (2, 3)
    assert np.all(np.diff(quality, axis=1) < 0)


@pytest.mark.parametrize(
    ("rate_bps", "frames", "loss", "message"),
    [
        (0, 25, 0, "must be positive"),
        (10**6, np.nan, 0, "must be positive"),
        (10**6, 25, 1.5, "fractions from 0 to 1"),
        (10**6, 25, np.nan, "fractions from 0 to 1"),
        (10**6, 0.01, 0, "too few frames per second"),
    ],
)
def test_what_it_refuses(rate_bps: float, frames: float, loss: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        video_indicator(rate_bps, frames, loss)


def test_there_are_twelve_coefficients() -> None:
    with pytest.raises(ValueError, match="12 coefficients, got 2"):
        Coefficients(name="none", v=(1.0, 2.0), source="none")
