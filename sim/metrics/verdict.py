"""The verdict: what the scenario requires, held against what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.metrics.histogram import order_statistic
from sim.metrics.measures import Measures
from sim.network.tree import Network
from sim.scenario.model import Requirement

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The subject that is worst off.

    Attributes
    ----------
    site : number of its site; of an egress, of its relay
    detail : of an egress its carrier, which may be empty; of a line `down` or `up`; of a room's
        jitter or freezes the stream; else empty
    value : what was measured there; NaN where nothing arrived to measure
    """

    site: int
    detail: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One requirement and whether it was met.

    Attributes
    ----------
    requirement : what was asked for
    subjects, complying : how many were judged, and how many keep the limit
    value : the measure that the required share of the subjects does not exceed, in the limit's
        unit: met means value ≤ limit. NaN where some of that share received nothing, or where
        there is no subject
    met : whether enough comply
    worst : None where there is no subject
    """

    requirement: Requirement
    subjects: int
    complying: int
    value: float
    met: bool
    worst: Worst | None


def judge(
    requirements: Sequence[Requirement], network: Network, measures: Measures
) -> tuple[Verdict, ...]:
    """Return a verdict on each requirement, in their order."""
    return tuple(_verdict(requirement, network, measures) for requirement in requirements)


def _verdict(requirement: Requirement, network: Network, measures: Measures) -> Verdict:
    site, details, values = _SUBJECTS[requirement.subject](requirement, network, measures)
    if not site.size:
        return Verdict(
            requirement=requirement, subjects=0, complying=0, value=np.nan, met=True, worst=None
        )
    needed, value = order_statistic(values, requirement.share)
    complying = int(np.count_nonzero(values <= requirement.limit))
    worst = int(np.argmax(np.where(np.isnan(values), np.inf, values)))
    return Verdict(
        requirement=requirement,
        subjects=site.size,
        complying=complying,
        value=value,
        met=complying >= needed,
        worst=Worst(site=int(site[worst]), detail=details[worst], value=float(values[worst])),
    )


def deciding(requirement: Requirement, network: Network, measures: Measures) -> Worst | None:
    """Return the subject at the rank that is required: if it keeps the limit, enough do.

    Of 99 % of 200 rooms it is the third worst. None where there is no subject.
    """
    site, details, values = _SUBJECTS[requirement.subject](requirement, network, measures)
    if not site.size:
        return None
    needed, value = order_statistic(values, requirement.share)
    here = int(np.argsort(values, kind="stable")[max(needed - 1, 0)])
    return Worst(site=int(site[here]), detail=details[here], value=value)


_Subjects = tuple[Int64Array, Sequence[str], Float64Array]


def _rooms(requirement: Requirement, network: Network, measures: Measures) -> _Subjects:
    """Rooms; NaN where a room's delay is asked for and nothing reached it."""
    endpoints = measures.endpoints
    values: Float64Array
    if requirement.measure in ("jitter", "freezes"):
        return _worst_streams(requirement, measures)
    if requirement.measure == "loss":
        # A room that was due nothing has lost nothing.
        values = np.where(endpoints.due > 0, endpoints.loss, 0.0)
    elif requirement.measure == "delay":
        if measures.groups is not None and requirement.percentile < 100:
            raise ValueError(f"no room's own percentile is kept, so not {requirement.text!r}")
        values = endpoints.delays.percentile_ns(requirement.percentile)
        values = np.where(endpoints.due > 0, values, 0.0)
    elif requirement.measure == "dark":
        values = endpoints.dark_ns.astype(np.float64)
    else:
        raise ValueError(f"rooms have no {requirement.measure}")
    return endpoints.site, [""] * endpoints.site.size, values


def _worst_streams(requirement: Requirement, measures: Measures) -> _Subjects:
    """Rooms by their worst stream of those due to them; for freezes, with a play-out delay.

    NaN, worse than anything, where nothing came of a stream that was due; 0 where one packet came,
    which has no jitter, or where no such stream was due.
    """
    listeners, site = measures.listeners, measures.endpoints.site
    quality = listeners.quality
    judged = listeners.due > 0
    if requirement.measure == "jitter":
        values = np.where(quality.received == 1, 0.0, quality.jitter_max_ns)
    else:
        judged &= listeners.playout_ns > 0
        values = quality.freezes
    values = np.where(np.isnan(values), np.inf, values)[judged]
    room, stream = np.searchsorted(site, listeners.site[judged]), listeners.stream[judged]
    worst = np.zeros(site.size)
    np.maximum.at(worst, room, values)
    details = np.full(site.size, "", dtype=object)
    is_worst = values == worst[room]
    details[room[is_worst]] = [measures.streams[j] for j in stream[is_worst]]
    return site, details.tolist(), np.where(np.isinf(worst), np.nan, worst)


def _lines(requirement: Requirement, network: Network, measures: Measures) -> _Subjects:
    """Primary lines, each by the direction of which more is in use."""
    if requirement.measure != "utilisation":
        raise ValueError(f"lines have no {requirement.measure} that is judged")
    n = len(network.sites)
    down, up = measures.lines.utilisation[1:n], measures.lines.utilisation[n + 1 :]
    details = ["up" if more else "down" for more in up > down]
    return np.arange(1, n), details, np.maximum(down, up)


def _egresses(requirement: Requirement, network: Network, measures: Measures) -> _Subjects:
    """Egresses that are shared; one that is not has no utilisation."""
    if requirement.measure != "utilisation":
        raise ValueError(f"egresses have no {requirement.measure} that is judged")
    shared = np.flatnonzero(~np.isnan(measures.egresses.utilisation))
    carriers = [network.egresses[e].carrier for e in shared]
    return network.egress_site[shared], carriers, measures.egresses.utilisation[shared]


_SUBJECTS: dict[str, Callable[[Requirement, Network, Measures], _Subjects]] = {
    "rooms": _rooms,
    "lines": _lines,
    "egresses": _egresses,
}
