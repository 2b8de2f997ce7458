"""What a planner who reviews a change looks at first: a run's figures, for its baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from sim.compare.findings import Findings, Row, Table, Value, counted, rounded
from sim.compare.worst import Subjects, subjects
from sim.metrics.measures import CAUSES
from sim.metrics.verdict import Verdict
from sim.results.clock import clock
from sim.results.join_figures import are_joins, join_figures
from sim.results.place import id_and_place
from sim.results.quality_figures import GroupQuality, quality_figures
from sim.results.run import Results
from sim.results.stream_figures import StreamFigures, down_figures, up_figures
from sim.results.summary import summarise
from sim.results.tables import tables
from sim.scenario.requirement_model import Requirement
from sim.scenario.resolved import meeting_text

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]

MOST_BRANCHES = 1000  # of a tree whose root has more children, a row each would be no overview
# What a requirement's measure is called here, and how many of its unit are one of a baseline's.
REQUIRED: Mapping[str, tuple[str, float]] = {
    "loss": ("loss_percent", 0.01),
    "utilisation": ("utilisation_percent", 0.01),
    "delay": ("delay_ms", 1e6),
    "jitter": ("jitter_ms", 1e6),
    "mos": ("mos", 1.0),
    "dark": ("dark_ms", 1e6),
    "dark_in_total": ("dark_in_total_ms", 1e6),
    "recovery": ("recovery_ms", 1e6),
    "join_time": ("join_ms", 1e6),
    "present_at_start": ("present_percent", 0.01),
    "survives": ("surviving_percent", 0.01),
    "freezes": ("freezes", 1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A run as `check` sees it.

    Attributes
    ----------
    findings : what a baseline keeps of it
    subjects : all lines, egresses and rooms, by the name of their list
    requirements : what was required, by the name of its row
    """

    findings: Findings
    subjects: Mapping[str, Subjects]
    requirements: Mapping[str, Requirement]


def survey(results: Results, *, timetable: str) -> Survey:
    """Return the figures of a run.

    Parameters
    ----------
    timetable : of the short form that was run
    """
    scenario = results.scenario
    found = subjects(results)
    rated = quality_figures(results)
    required = _named(results.verdicts)
    summary = summarise(
        results, tables(results), meeting=meeting_text(scenario), created=datetime.now(UTC)
    )
    return Survey(
        findings=Findings(
            scenario=scenario.name,
            seed=scenario.seed,
            duration_ns=scenario.duration_ns,
            timetable=timetable,
            fingerprint=summary["fingerprint"],
            tables={
                "requirements": {
                    name: _requirement(results, verdict) for name, verdict in required.items()
                },
                "meeting": {"all": _meeting(results)},
                "tiers": _tiers(results, rated),
                "ways": _ways(results),
                "branches": _branches(results, rated),
                "streams": _streams(results),
                "turns": _turns(results),
            },
            lists={name: each.worst() for name, each in found.items()},
        ),
        subjects=found,
        requirements={name: verdict.requirement for name, verdict in required.items()},
    )


def _named(verdicts: Iterable[Verdict]) -> dict[str, Verdict]:
    """Return verdicts by the words of their requirements."""
    named: dict[str, Verdict] = {}
    for verdict in verdicts:
        name, number = verdict.requirement.text, 1
        while name in named:  # required twice
            number += 1
            name = f"{verdict.requirement.text} ({number})"
        named[name] = verdict
    return named


def _requirement(results: Results, verdict: Verdict) -> Row:
    measure, scale = REQUIRED[verdict.requirement.measure]
    at = {}
    if verdict.worst is not None and verdict.worst.value != 0:
        detail = f" ({verdict.worst.detail})" if verdict.worst.detail else ""
        where = f"{id_and_place(results.network, verdict.worst.site)}{detail}"
        at = {measure: where}
    complying = 100 * verdict.complying / verdict.subjects if verdict.subjects else np.nan
    return Row(
        figures={
            "met": counted(verdict.met),
            measure: rounded(verdict.value / scale),
            "complying_percent": rounded(complying),
        },
        at=at,
    )


def _meeting(results: Results) -> Row:
    measures, rooms = results.measures, results.measures.endpoints
    due = int(rooms.due.sum())
    return Row(
        figures={
            "packets_due": counted(due),
            "loss_percent": rounded(100 * int(rooms.lost.sum()) / due if due else np.nan),
            "rooms_dark": _count(rooms.dark_ns),
            "delay_p50_ms": _ms(measures.room_delays.p50_ns[0]),
            "delay_p99_ms": _ms(measures.room_delays.p99_ns[0]),
            **_joining(results),
        }
    )


def _joining(results: Results) -> dict[str, Value]:
    """Return how the rooms joined, where any comes or goes."""
    if not are_joins(results):
        return {}
    everybody = join_figures(results)[0]
    return {
        "join_p95_ms": _ms(everybody.p95_ns),
        "present_percent": rounded(100 * everybody.present / everybody.rooms),
        "rooms_refused": counted(everybody.refused),
        "rooms_given_up": counted(everybody.gave_up),
    }


def _tiers(results: Results, rated: list[GroupQuality]) -> Table:
    """Return for each tier its sites, and what was lost at it of all that was due to all rooms."""
    scores = {each.id: _scores(each) for each in rated if each.kind == "tier"}
    network, measures = results.network, results.measures
    lost = measures.endpoints.lost.sum(axis=0)
    due = max(int(measures.endpoints.due.sum()), 1)
    return {
        tier: Row(
            figures={
                "sites": _count(network.tier == t),
                "rooms": _count(network.room[network.tier == t]),
                **{
                    f"lost_{cause}_percent": rounded(100 * int(lost[i, t]) / due)
                    for i, cause in enumerate(CAUSES)
                },
                "delay_p50_ms": _ms(measures.tier_delays.p50_ns[t]),
                "delay_p99_ms": _ms(measures.tier_delays.p99_ns[t]),
                **scores.get(tier, {}),
            }
        )
        for t, tier in enumerate(network.tiers)
    }


def _ways(results: Results) -> Table:
    """Return for each tier and direction that was used how full the lines to its sites were."""
    network, lines = results.network, results.measures.lines
    rows = {}
    for t, tier in enumerate(network.tiers):
        sites = np.flatnonzero(network.tier == t)
        sites = sites[sites > 0]
        for way in lines.ways if sites.size else ():
            used = lines.utilisation[lines.rows(sites, way)]
            worst = id_and_place(network, int(sites[np.argmax(used)]))
            p99 = float(np.quantile(used, 0.99, method="inverted_cdf"))
            rows[f"{tier} {way}"] = Row(
                figures={
                    "utilisation_p99_percent": rounded(100 * p99),
                    "utilisation_max_percent": rounded(100 * float(used.max())),
                },
                at={"utilisation_max_percent": worst},
            )
    return rows


def _branches(results: Results, rated: list[GroupQuality]) -> Table:
    """Return for each child of the root the rooms from there down; nothing for very many."""
    network, rooms = results.network, results.measures.endpoints
    children = np.flatnonzero(network.parent == 0)
    if not 0 < children.size <= MOST_BRANCHES:
        return {}
    # Sites are in preorder, so a branch is a span of them.
    first = np.searchsorted(rooms.site, children)
    end = np.searchsorted(rooms.site, network.end[children])
    loss, p99_ns = np.nan_to_num(rooms.loss), rooms.delays.p99_ns
    scores = {each.id: _scores(each) for each in rated if each.kind not in ("all", "tier")}
    rows = {}
    for c, lo, hi in zip(children.tolist(), first.tolist(), end.tolist(), strict=True):
        if lo == hi:
            continue
        here = slice(lo, hi)
        at = {}
        if loss[here].any():
            at["loss_percent"] = id_and_place(network, int(rooms.site[lo + loss[here].argmax()]))
        known = not np.isnan(p99_ns[here]).all()
        if known:
            slowest = int(rooms.site[lo + np.nanargmax(p99_ns[here])])
            at["delay_p99_worst_ms"] = id_and_place(network, slowest)
        due = int(rooms.due[here].sum())
        rows[network.sites[c].id] = Row(
            figures={
                "loss_percent": rounded(100 * int(rooms.lost[here].sum()) / due if due else np.nan),
                "delay_p99_worst_ms": _ms(np.nanmax(p99_ns[here])) if known else None,
                "rooms_dark": _count(rooms.dark_ns[here]),
                **scores.get(network.sites[c].id, {}),
            },
            place=id_and_place(network, c),
            at=at,
        )
    return dict(sorted(rows.items()))


def _streams(results: Results) -> Table:
    both = [*down_figures(results), *up_figures(results)]
    return {f"{each.stream} {each.way}": _stream(each) for each in both}


def _stream(each: StreamFigures) -> Row:
    figures = {
        "loss_percent": rounded(100 * each.loss),
        "delay_mean_ms": _ms(each.delay_mean_ns),
        "jitter_p99_ms": _ms(each.jitter_p99_ns),
    }
    if each.freezes is not None:
        figures["freezes"] = counted(each.freezes)
        figures["rooms_frozen"] = counted(each.frozen or 0)
    return Row(figures=figures)


def _turns(results: Results) -> Table:
    taken = results.measures.turns
    return {
        f"{turn.site} {clock(turn.at_ns)}": Row(
            figures={
                "first_frame_p95_ms": _ms(taken.whole.p95_ns[t]),
                "rooms_never_whole": counted(int(taken.never_whole[t])),
            },
            place=id_and_place(results.network, int(taken.site[t])),
        )
        for t, turn in enumerate(results.scenario.agenda)
    }


def _scores(each: GroupQuality) -> dict[str, Value]:
    """Return what 95 % of the rooms have at least; nothing of what is not rated."""
    figures = {"mos_p5": each.mos.p5, "video_quality_p5": each.video_quality.p5}
    return {name: rounded(value) for name, value in figures.items() if not np.isnan(value)}


def _count(those: NDArray[np.generic]) -> Value:
    return counted(int(np.count_nonzero(those)))


def _ms(time_ns: float) -> Value:
    return rounded(float(time_ns) / 1e6)
