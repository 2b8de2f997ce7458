"""Experiments with losses: how many packets, and in what runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim.scenario.model import Loss
from tests.validation.reference import cases
from tests.validation.theory import formulas
from tests.validation.theory.experiment import PACKETS, Experiment, Quantity
from tests.validation.theory.road import LOST, NS_PER_BYTE, Road, Traffic
from tests.validation.theory.traffic import one_size

SYMBOLS = {"p": "p", "r": "r", "bad": "1−h"}  # of tc's gemodel


def chain(case: str, notices: Mapping[str, float]) -> Experiment:
    """Gilbert-Elliott loss on an idle line: how much is lost, and in what runs."""
    reference = cases("gilbert_elliott")[case]
    params, window = reference["params"], reference["params"]["window"]
    loss = Loss(
        p=params["p"], r=params["r"], bad=params["loss_in_bad"], good=params["loss_in_good"]
    )
    # What makes runs long: staying in a bad state that loses all, or losing most in it.
    lasting = "r" if loss.bad == 1 else "bad"
    random = Loss(p=0.0, r=1.0, bad=0.0, good=loss.mean)
    names = {
        "lost": ("loss_rate", "p", lambda p: replace(loss, p=p).mean),
        "losses in a row": (
            "mean_loss_run",
            lasting,
            lambda value: formulas.loss_run(replace(loss, **{lasting: value})),
        ),
        "packets between": ("mean_gap_run", "p", lambda p: formulas.gap_run(replace(loss, p=p))),
        f"no loss in {window}": (
            f"P_0_losses_in_{window}",
            "p",
            lambda p: formulas.window_losses(replace(loss, p=p), window)[0],
        ),
        f"two or more in {window}": (
            f"P_ge2_losses_in_{window}",
            "p",
            lambda p: 1 - sum(formulas.window_losses(replace(loss, p=p), window)[:2]),
        ),
    }

    def observe(traffic: Traffic, passed_ns: NDArray[np.int64]) -> Mapping[str, float]:
        lost = passed_ns[-1] == LOST
        runs = np.count_nonzero(lost[1:] & ~lost[:-1]) + int(lost[0])
        gaps = np.count_nonzero(~lost[1:] & lost[:-1]) + int(not lost[0])
        windows = lost[: lost.size // window * window].reshape(-1, window).sum(axis=1)
        return {
            "lost": float(lost.mean()),
            "losses in a row": float(lost.sum() / runs),
            "packets between": float((~lost).sum() / gaps),
            f"no loss in {window}": float((windows == 0).mean()),
            f"two or more in {window}": float((windows >= 2).mean()),
        }

    return Experiment(
        name=(
            f"Gilbert–Elliott, p {loss.p:.3g}, r {loss.r:.3g}, 1−h {loss.bad:g}, 1−k {loss.good:g}"
        ),
        topic="gilbert_elliott",
        road=Road(loss=loss),
        traffic=lambda seed: one_size(np.arange(2 * PACKETS, dtype=np.int64) * NS_PER_BYTE, 1),
        observe=observe,
        quantities=tuple(
            Quantity(
                name=name,
                formula=names[name][2],
                main=SYMBOLS[names[name][1]],
                value=getattr(loss, names[name][1]),
                notices=error,
                reference=(case, names[name][0]),
                mistakes=(
                    {"losses at random": formulas.loss_run(random)}
                    if name == "losses in a row"
                    else {}
                ),
            )
            for name, error in notices.items()
        ),
        source="Gilbert 1960, Elliott 1963",
    )
