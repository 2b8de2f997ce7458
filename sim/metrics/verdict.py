"""The verdict: what the scenario requires, held against what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.metrics.histogram import order_statistic
from sim.metrics.measures import Measures
from sim.metrics.room_times import RoomTimes
from sim.network.tree import Network
from sim.scenario.requirement_model import Requirement

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The subject that is worst off.

    Attributes
    ----------
    site : number of its site; of an egress, of its relay
    detail : of an egress its carrier, which may be empty, or its server; of a line `down` or `up`;
        of a room's jitter, freezes or MOS the stream; else empty
    at_ns : when the worst span begins; None where the whole meeting was judged
    value : what was measured there; NaN where nothing arrived to measure
    """

    site: int
    detail: str
    at_ns: int | None
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One requirement and whether it was met.

    Attributes
    ----------
    requirement : what was asked for
    subjects, complying : how many were judged, and how many keep the limit; 1 where all rooms are
        judged as one
    value : the measure that the required share of the subjects does not exceed (`at most`) or has
        at least, in the limit's unit: met means that it is on the limit's good side, or on the
        limit. NaN where some of that share received nothing, or where there is no subject
    met : whether enough comply
    worst : None where there is no subject
    """

    requirement: Requirement
    subjects: int
    complying: int
    value: float
    met: bool
    worst: Worst | None

    @property
    def margin(self) -> float:
        """How far `value` is from the limit, in its unit; positive: there is room to spare.

        NaN where there is no value.
        """
        return _sign(self.requirement) * (self.requirement.limit - self.value)

    @property
    def margin_share(self) -> float:
        """The margin as a share of the limit; NaN where that is 0."""
        limit = self.requirement.limit
        return self.margin / limit if limit else np.nan

    @property
    def headroom(self) -> float:
        """What utilisation leaves of the rate; NaN of other measures."""
        return 1 - self.value if self.requirement.measure == "utilisation" else np.nan


def judge(
    requirements: Sequence[Requirement],
    network: Network,
    measures: Measures,
    times: RoomTimes | None = None,
) -> tuple[Verdict, ...]:
    """Return a verdict on each requirement, in their order.

    Parameters
    ----------
    times : how soon rooms joined and recovered; needed where a requirement is about that
    """
    return tuple(_verdict(requirement, network, measures, times) for requirement in requirements)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subjects:
    """What is judged, k subjects: number of the site, detail, beginning of a span, and value."""

    site: Int64Array
    detail: NDArray[np.object_]
    at_ns: Int64Array | None
    value: Float64Array

    def take(self, rows: Int64Array) -> _Subjects:
        return _Subjects(
            site=self.site[rows],
            detail=self.detail[rows],
            at_ns=None if self.at_ns is None else self.at_ns[rows],
            value=self.value[rows],
        )


def _sign(requirement: Requirement) -> float:
    return 1.0 if requirement.sense == "at most" else -1.0


def _verdict(
    requirement: Requirement, network: Network, measures: Measures, times: RoomTimes | None
) -> Verdict:
    subjects = _subjects(requirement, network, measures, times)
    if not subjects.site.size:
        return Verdict(
            requirement=requirement, subjects=0, complying=0, value=np.nan, met=True, worst=None
        )
    # What is bad is large now, on whichever side of the limit it is.
    bad = _sign(requirement) * subjects.value
    worst = int(np.argmax(np.where(np.isnan(bad), np.inf, bad)))
    if requirement.measure == "dark_in_total":
        # Integers of any size: the sum of many months is exact.
        bad = np.array([float(sum(map(int, subjects.value.tolist())))])
    needed, value = order_statistic(bad, requirement.share)
    if requirement.is_share:
        # What is limited is the share of those that are there, or that survive.
        complying = int(np.count_nonzero(subjects.value))
        value = -complying / bad.size
    else:
        complying = int(np.count_nonzero(bad <= _sign(requirement) * requirement.limit))
    return Verdict(
        requirement=requirement,
        subjects=bad.size,
        complying=complying,
        value=_sign(requirement) * value,
        met=complying >= needed,
        worst=_at(subjects, worst),
    )


def deciding(
    requirement: Requirement,
    network: Network,
    measures: Measures,
    times: RoomTimes | None = None,
) -> Worst | None:
    """Return the subject at the rank that is required: if it keeps the limit, enough do.

    Of 99 % of 200 rooms it is the third worst; of all rooms together, the worst. None where there
    is no subject.
    """
    subjects = _subjects(requirement, network, measures, times)
    if not subjects.site.size:
        return None
    bad = _sign(requirement) * subjects.value
    needed, _ = order_statistic(bad, requirement.share)
    return _at(subjects, int(np.argsort(bad, kind="stable")[max(needed - 1, 0)]))


def _subjects(
    requirement: Requirement, network: Network, measures: Measures, times: RoomTimes | None
) -> _Subjects:
    """Return what a requirement judges."""
    if requirement.measure in ("recovery", "join_time", "present_at_start"):
        if times is None or requirement.subject != "rooms":
            raise ValueError(f"{requirement.subject} have no {requirement.measure}")
        return _in_time(requirement, network, measures.endpoints.site, times)
    return _SUBJECTS[requirement.subject](requirement, network, measures)


def _in_time(
    requirement: Requirement, network: Network, site: Int64Array, times: RoomTimes
) -> _Subjects:
    """Rooms by how soon they recovered or joined, or 1 if they were there at the start, else 0.

    Only who has called is judged by the time to join: NaN if it was not let in, but who still waits
    at the end, and not for longer than the limit, may yet keep it and is not judged.
    """
    judged = _selected(requirement, network, site)
    values: Float64Array
    if requirement.measure == "recovery":
        values = times.recovery_ns.astype(np.float64)
    elif requirement.measure == "join_time":
        values = times.join_ns
        may_yet = (times.waiting_ns > 0) & (times.waiting_ns <= requirement.limit)
        judged &= times.called & ~may_yet
    else:
        values = times.present_at_start.astype(np.float64)
    rooms = _Subjects(
        site=site, detail=np.full(site.size, "", dtype=object), at_ns=None, value=values
    )
    return rooms.take(np.flatnonzero(judged))


def _at(subjects: _Subjects, row: int) -> Worst:
    return Worst(
        site=int(subjects.site[row]),
        detail=str(subjects.detail[row]),
        at_ns=None if subjects.at_ns is None else int(subjects.at_ns[row]),
        value=float(subjects.value[row]),
    )


def _rooms(requirement: Requirement, network: Network, measures: Measures) -> _Subjects:
    """Rooms; NaN where a room's delay is asked for and nothing reached it."""
    endpoints = measures.endpoints
    at_ns = None
    values: Float64Array
    if requirement.measure in ("jitter", "freezes", "mos"):
        rooms = _by_worst_stream(requirement, measures)
        return rooms.take(np.flatnonzero(_selected(requirement, network, rooms.site)))
    if requirement.measure == "loss" and requirement.span_ns:
        spans = {each.span_ns: each for each in measures.span_losses}[requirement.span_ns]
        values, at_ns = np.where(endpoints.due > 0, spans.loss, 0.0), spans.at_ns
    elif requirement.measure == "loss":
        # A room that was due nothing has lost nothing.
        values = np.where(endpoints.due > 0, endpoints.loss, 0.0)
    elif requirement.measure == "delay":
        if measures.groups is not None and requirement.percentile < 100:
            raise ValueError(f"no room's own percentile is kept, so not {requirement.text!r}")
        values = endpoints.delays.percentile_ns(requirement.percentile)
        values = np.where(endpoints.due > 0, values, 0.0)
    elif requirement.measure in ("dark", "dark_in_total"):
        values = endpoints.dark_ns.astype(np.float64)
    elif requirement.measure == "survives":
        values = measures.survivors[requirement.failing].astype(np.float64)
    else:
        raise ValueError(f"rooms have no {requirement.measure}")
    rooms = _Subjects(
        site=endpoints.site,
        detail=np.full(endpoints.site.size, "", dtype=object),
        at_ns=at_ns,
        value=values,
    )
    return rooms.take(np.flatnonzero(_selected(requirement, network, rooms.site)))


def _by_worst_stream(requirement: Requirement, measures: Measures) -> _Subjects:
    """Rooms by their worst stream of those due to them, whose id is the detail.

    For freezes, of those with a play-out delay; for MOS, of the voices that are rated. NaN, worse
    than anything, where nothing came of a stream that was due. Where one packet came, which has no
    jitter, or where no such stream was due, 0; but who is due no voice is not judged by MOS.
    """
    listeners, site = measures.listeners, measures.endpoints.site
    quality = listeners.quality
    judged = listeners.due > 0
    if requirement.measure == "jitter":
        bad = np.where(quality.received == 1, 0.0, quality.jitter_max_ns)
    elif requirement.measure == "freezes":
        judged &= listeners.playout_ns > 0
        bad = quality.freezes
    else:
        judged &= listeners.voice
        bad = -listeners.mos
    bad = np.where(np.isnan(bad), np.inf, bad)[judged]
    room, stream = np.searchsorted(site, listeners.site[judged]), listeners.stream[judged]
    worst = np.full(site.size, -np.inf)
    np.maximum.at(worst, room, bad)
    names = np.full(site.size, "", dtype=object)
    is_worst = bad == worst[room]
    names[room[is_worst]] = [measures.streams[j] for j in stream[is_worst]]
    value = np.where(np.isposinf(worst), np.nan, _sign(requirement) * worst)
    if requirement.measure != "mos":
        value[np.isneginf(worst)] = 0.0
    rooms = _Subjects(site=site, detail=names, at_ns=None, value=value)
    return rooms.take(np.flatnonzero(~np.isinf(value)))


def _lines(requirement: Requirement, network: Network, measures: Measures) -> _Subjects:
    """Primary lines, each by the direction of which more is in use."""
    if requirement.measure != "utilisation":
        raise ValueError(f"lines have no {requirement.measure} that is judged")
    n = len(network.sites)
    down, up = measures.lines.utilisation[1:n], measures.lines.utilisation[n + 1 :]
    lines = _Subjects(
        site=np.arange(1, n),
        detail=np.where(up > down, "up", "down").astype(object),
        at_ns=None,
        value=np.maximum(down, up),
    )
    return lines.take(np.flatnonzero(_selected(requirement, network, lines.site)))


def _egresses(requirement: Requirement, network: Network, measures: Measures) -> _Subjects:
    """Egresses that are shared; one that is not has no utilisation.

    By what lines are, those that feed such a line are selected; else those of the selected relays.
    """
    if requirement.measure != "utilisation":
        raise ValueError(f"egresses have no {requirement.measure} that is judged")
    utilisation = measures.egresses.utilisation
    if requirement.of is not None and requirement.of.by_line:
        lines = np.flatnonzero(_selected(requirement, network, np.arange(len(network.sites))))
        selected = np.isin(np.arange(utilisation.size), network.feed[lines])
    else:
        selected = _selected(requirement, network, network.egress_site)
    egresses = _Subjects(
        site=network.egress_site,
        detail=np.array([egress.label for egress in network.egresses], dtype=object),
        at_ns=None,
        value=utilisation,
    )
    return egresses.take(np.flatnonzero(selected & ~np.isnan(utilisation)))


def _selected(requirement: Requirement, network: Network, sites: Int64Array) -> NDArray[np.bool_]:
    """Return which of some sites the requirement is about."""
    if requirement.of is None:
        return np.ones(sites.size, dtype=np.bool_)
    wanted = np.array([network.index[site] for site in requirement.of.sites], dtype=np.int64)
    return np.isin(sites, wanted)


_SUBJECTS: dict[str, Callable[[Requirement, Network, Measures], _Subjects]] = {
    "rooms": _rooms,
    "lines": _lines,
    "egresses": _egresses,
}
