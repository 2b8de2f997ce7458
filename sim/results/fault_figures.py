"""What each fault did: whom it darkened and for how long, who moved, and what that cost others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.control.journal import Event
from sim.metrics.histogram import order_statistic
from sim.metrics.measures import share
from sim.results.run import Results
from sim.scenario.line_names import is_primary
from sim.scenario.model import FOREVER_NS, Fault

Bools = NDArray[np.bool_]
Spans = list[tuple[int, int]]

UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultFigures:
    """What one fault did.

    Attributes
    ----------
    rooms_below : rooms that depend on what it names
    rooms_dark, rooms_unlit : rooms it made dark, and those of them still dark at the end
    recovery_p50_ns, recovery_p95_ns : from its beginning, or what flaps from that outage's, until
        so many of the rooms that it made dark were lit; NaN: fewer were, or none was dark
    recovery_max_ns : the longest of those that were lit
    moved : sites that went to another line because of it
    backup_peak : share of its rate in use on the fullest backup line that they went to, in its
        busiest bin; NaN: none did
    lost_untouched : packets lost, while it lasted, by rooms that it neither darkened nor moved and
        that do not depend on what it names
    loss_untouched : largest share of all that was due to such a room that it lost then; NaN: none
        was due
    """

    rooms_below: int
    rooms_dark: int
    rooms_unlit: int
    recovery_p50_ns: float
    recovery_p95_ns: float
    recovery_max_ns: float
    moved: int
    backup_peak: float
    lost_untouched: int
    loss_untouched: float


def fault_figures(results: Results) -> list[FaultFigures]:
    """Return what each fault did, in the scenario's order."""
    spans = _spans(results)
    moves: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for entry in results.journal:
        if entry.event is Event.MOVED:
            moves[entry.fault].append((entry.site, entry.line))
    return [
        _of_fault(results, number, fault, spans[number], moves[number])
        for number, fault in enumerate(results.scenario.faults)
    ]


def touched(results: Results, fault: Fault) -> Bools:
    """Return which sites have a room that depends on what a fault names, (n,) bool.

    On a backup line none does before it is used.
    """
    network = results.network
    primary = filter(is_primary, fault.lines)
    below = _below(results, (network.index[site] for site in (*primary, *fault.relays)))
    for site in fault.rooms:
        below[network.index[site]] = True
    return below & network.room


def _of_fault(
    results: Results, number: int, fault: Fault, spans: Spans, moves: list[tuple[int, int]]
) -> FaultFigures:
    network, rooms = results.network, results.measures.endpoints.site
    dark = results.darkness.dark
    mine = results.darkness.fault == number
    site, until_ns = dark.site[mine], dark.until_ns[mine]
    since_ns = np.array(
        [_since_ns(spans, from_ns) for from_ns in dark.from_ns[mine].tolist()], dtype=np.int64
    )
    took_ns = np.where(until_ns < results.scenario.duration_ns, until_ns - since_ns, np.inf)
    worst_ns = np.zeros(len(network.sites))
    np.maximum.at(worst_ns, site, took_ns)
    darkened = np.unique(site)
    p50_ns, p95_ns, max_ns = _recovery(worst_ns[darkened])
    affected = touched(results, fault) | _below(results, (mover for mover, _ in moves))
    affected[darkened] = True
    others = ~affected[rooms]
    lost = results.measures.fault_lost[number, others]
    losses = share(lost, results.measures.endpoints.due[others])
    n = len(network.sites)
    backups = sorted({line - n for _, line in moves if line >= n})
    both_ways = results.measures.backups.utilisation_peak.reshape(2, -1)
    known = bool((~np.isnan(losses)).any())
    return FaultFigures(
        rooms_below=int(np.count_nonzero(touched(results, fault))),
        rooms_dark=darkened.size,
        rooms_unlit=int(np.count_nonzero(np.isinf(worst_ns[darkened]))),
        recovery_p50_ns=p50_ns,
        recovery_p95_ns=p95_ns,
        recovery_max_ns=max_ns,
        moved=len({mover for mover, _ in moves}),
        backup_peak=float(both_ways[:, backups].max()) if backups else UNKNOWN,
        lost_untouched=int(lost.sum()),
        loss_untouched=float(np.nanmax(losses)) if known else UNKNOWN,
    )


def _recovery(took_ns: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the recovery of half and of 95 % of the rooms, and the longest; inf: never lit."""
    if not took_ns.size:
        return UNKNOWN, UNKNOWN, UNKNOWN
    known = [order_statistic(took_ns, q)[1] for q in (0.5, 0.95)]
    p50_ns, p95_ns = (value if np.isfinite(value) else UNKNOWN for value in known)
    lit = took_ns[np.isfinite(took_ns)]
    return p50_ns, p95_ns, float(lit.max()) if lit.size else UNKNOWN


def _spans(results: Results) -> list[Spans]:
    """Return for each fault the intervals in which it acted, in order; at least one."""
    spans: list[Spans] = [[] for _ in results.scenario.faults]
    for entry in results.journal:
        if entry.event is Event.FAULT:
            spans[entry.fault].append((entry.at_ns, FOREVER_NS))
        elif entry.event is Event.REPAIR:
            spans[entry.fault][-1] = (spans[entry.fault][-1][0], entry.at_ns)
    return [
        acted or [(fault.at_ns, fault.until_ns)]
        for acted, fault in zip(spans, results.scenario.faults, strict=True)
    ]


def _since_ns(spans: Spans, from_ns: int) -> int:
    """Return since when a fault acts at an instant; if it does not yet, when it will next."""
    return next(at_ns for at_ns, until_ns in spans if until_ns > from_ns)


def _below(results: Results, sites: Iterable[int]) -> Bools:
    below = np.zeros(len(results.network.sites), dtype=np.bool_)
    for site in sites:
        below[site : results.network.end[site]] = True
    return below
