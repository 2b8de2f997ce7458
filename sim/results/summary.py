"""The summary of a run: verdict, headline figures, and what they rest on.

Everything but `provenance` is a function of the scenario alone; the fingerprint is a hash of it
and of every value in the tables, so that two runs are equal if their fingerprints are.
"""

from __future__ import annotations

import json
import math
import platform
import resource
import sys
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim import __version__
from sim.metrics.histogram import Delays
from sim.metrics.measures import CAUSES, Waits
from sim.metrics.verdict import Verdict, Worst
from sim.results.columns import NS_PER_MS, NS_PER_S, Table
from sim.results.join_figures import (
    GroupJoins,
    ServerFigures,
    are_joins,
    join_figures,
    server_figures,
)
from sim.results.place import place
from sim.results.quality_figures import GroupQuality, Scores, quality_figures
from sim.results.run import Results
from sim.results.stream_figures import StreamFigures, down_figures, up_figures
from sim.scenario.requirement_model import Requirement

Int64Array = NDArray[np.int64]
Summary = dict[str, Any]
LIBRARIES = ("numpy", "numba", "simpy", "pyarrow")


def summarise(
    results: Results,
    tables: Mapping[str, Table],
    *,
    meeting: str,
    created: datetime,
) -> Summary:
    """Return the content of `summary.json`.

    Parameters
    ----------
    tables : the tables of the run, for the fingerprint
    meeting : the resolved scenario as text, without `check`: what is let pass changes no result
    created : when the run ended, UTC
    """
    findings = _findings(results, meeting)
    fingerprint = _fingerprint(findings, tables)
    wall_s = results.wall_s
    hops = results.measures.packet_hops
    return {
        **findings,
        "engine": results.engine,
        "fingerprint": fingerprint,
        "provenance": {
            "wall_s": wall_s,
            "packet_hops_per_s": hops / wall_s if wall_s > 0 else None,
            "threads": results.threads,
            "peak_memory_bytes": _peak_memory_bytes(),
            "created": created.isoformat(timespec="seconds"),
            "versions": {
                "sim": __version__,
                "python": platform.python_version(),
                **{library: version(library) for library in LIBRARIES},
            },
        },
    }


def dumps(summary: Summary) -> str:
    """Return the summary as JSON for people and programs."""
    return json.dumps(summary, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def limit_in_unit(requirement: Requirement, value: float) -> float | None:
    """Return a measured or required value in ms, or as a share; None for what is unknown."""
    if not math.isfinite(value):
        return None
    return value / NS_PER_MS if requirement.unit == "ns" else value


def _findings(results: Results, meeting: str) -> Summary:
    """Return all of the summary that follows from the scenario: the same for every engine."""
    scenario, network, measures = results.scenario, results.network, results.measures
    rooms = measures.endpoints
    lost = rooms.lost.sum(axis=0)
    due = int(rooms.due.sum())
    quality = quality_figures(results)
    return {
        "scenario": scenario.name,
        "scenario_hash": blake2b(meeting.encode(), digest_size=16).hexdigest(),
        "seed": scenario.seed,
        "sites": _per_tier(results, np.arange(len(network.sites))),
        "endpoints": _per_tier(results, rooms.site),
        "simulated_s": scenario.duration_ns / NS_PER_S,
        "packets": measures.packets,
        "packet_hops": measures.packet_hops,
        "due": due,
        "received": int(rooms.received.sum()),
        "lost": _per_cause(lost.sum(axis=1)),
        "lost_at": {tier: _per_cause(lost[:, t]) for t, tier in enumerate(network.tiers)},
        "loss": int(lost.sum()) / due if due else None,
        "duplicates": int(rooms.duplicates.sum()),
        "delay_ms": _delay(measures.room_delays, 0),
        "delay_ms_at": {
            tier: _delay(measures.tier_delays, t) for t, tier in enumerate(network.tiers)
        },
        "streams": {each.stream: _stream(each) for each in down_figures(results)},
        "sources": {each.stream: _source(each) for each in up_figures(results)},
        "quality": _group_quality(quality[0]),
        "quality_at": {each.id: _group_quality(each) for each in quality if each.kind == "tier"},
        "turns": _turns(results),
        **_joining(results),
        # A run whose books do not balance has no results at all: it ends in an error.
        "conservation": True,
        "requirements": [_requirement(results, verdict) for verdict in results.verdicts],
        "verdict": "met" if results.met else "missed",
    }


def _per_tier(results: Results, sites: Int64Array) -> dict[str, int]:
    network = results.network
    counts = np.bincount(network.tier[sites], minlength=len(network.tiers))
    return dict(zip(network.tiers, counts.tolist(), strict=True))


def _per_cause(counts: Int64Array) -> dict[str, int]:
    return dict(zip(CAUSES, counts.tolist(), strict=True))


def _delay(delays: Delays, row: int) -> dict[str, float | None]:
    figures = {
        "mean": delays.mean_ns,
        "p50": delays.p50_ns,
        "p95": delays.p95_ns,
        "p99": delays.p99_ns,
        "max": delays.max_ns,
    }
    return {name: _in_ms(values_ns[row]) for name, values_ns in figures.items()}


def _stream(figures: StreamFigures) -> Summary:
    return {
        "rooms": figures.pairs,
        "due": figures.due,
        "received": figures.received,
        **_quality(figures),
    }


def _source(figures: StreamFigures) -> Summary:
    return {
        "sites": figures.pairs,
        "sent": figures.due,
        "ended": figures.received,
        "unselected": figures.unselected,
        "composed": figures.composed,
        "lost": figures.lost_by_cause,
        **_quality(figures),
    }


def _quality(figures: StreamFigures) -> Summary:
    return {
        "loss": _known(figures.loss),
        "delay_mean_ms": _in_ms(figures.delay_mean_ns),
        "jitter_max_ms": {
            "p50": _in_ms(figures.jitter_p50_ns),
            "p99": _in_ms(figures.jitter_p99_ns),
            "max": _in_ms(figures.jitter_max_ns),
        },
        "frozen": figures.frozen,
        "freezes": figures.freezes,
        "frozen_max_ms": _in_ms(figures.frozen_max_ns),
    }


def _group_quality(figures: GroupQuality) -> Summary:
    return {
        "rooms": figures.rooms,
        "mos": _scores(figures.mos),
        "video_quality": _scores(figures.video_quality),
        "frozen": figures.frozen,
        "freezes": figures.freezes,
    }


def _scores(scores: Scores) -> dict[str, float | int | None]:
    return {
        "rated": scores.rated,
        "p50": _known(scores.p50),
        "p5": _known(scores.p5),
        "least": _known(scores.least),
    }


def _turns(results: Results) -> list[Summary]:
    taken = results.measures.turns
    return [
        {
            "site": turn.site,
            "at_ms": turn.at_ns / NS_PER_MS,
            "until_ms": turn.until_ns / NS_PER_MS,
            "rooms": int(taken.rooms[t]),
            "first_packet_ms": _waits(taken.first, t),
            "first_frame_ms": _waits(taken.whole, t),
            "rooms_never_whole": int(taken.never_whole[t]),
        }
        for t, turn in enumerate(results.scenario.agenda)
    ]


def _joining(results: Results) -> Summary:
    """Return how the rooms joined, where any comes or goes, and of the servers, where any are."""
    found: Summary = {}
    if are_joins(results):
        everybody, *tiers = join_figures(results)
        found["start_ms"] = results.joins.start_ns / NS_PER_MS
        found["joins"] = _joins(everybody)
        found["joins_at"] = {each.tier: _joins(each) for each in tiers}
    if results.joins.servers:
        found["servers"] = [_server(results, each) for each in server_figures(results)]
    return found


def _joins(figures: GroupJoins) -> Summary:
    return {
        "rooms": figures.rooms,
        "called": figures.called,
        "joined": figures.joined,
        "join_ms": {
            "p50": _in_ms(figures.p50_ns),
            "p95": _in_ms(figures.p95_ns),
            "p99": _in_ms(figures.p99_ns),
            "max": _in_ms(figures.max_ns),
        },
        "refused": figures.refused,
        "unanswered": figures.unanswered,
        "retried": figures.retried,
        "gave_up": figures.gave_up,
        "present_at_start": figures.present,
    }


def _server(results: Results, figures: ServerFigures) -> Summary:
    return {
        "site": results.network.sites[figures.site].id,
        "workers": figures.workers,
        "served": figures.served,
        "longest_queue": figures.longest_queue,
        "longest_queue_at_ms": figures.queue_at_ns / NS_PER_MS,
        "busy": figures.busy,
        "waited_ms": {"p95": _in_ms(figures.waited_p95_ns), "max": _in_ms(figures.waited_max_ns)},
        "queue_full": figures.full,
        "limited": figures.limited,
    }


def _waits(waits: Waits, t: int) -> dict[str, float | None]:
    return {
        "p50": _in_ms(waits.p50_ns[t]),
        "p95": _in_ms(waits.p95_ns[t]),
        "max": _in_ms(waits.max_ns[t]),
    }


def _in_ms(time_ns: float) -> float | None:
    return _known(time_ns / NS_PER_MS)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _requirement(results: Results, verdict: Verdict) -> Summary:
    requirement = verdict.requirement
    return {
        "name": requirement.text,
        "subject": requirement.subject,
        "of": None if requirement.of is None else requirement.of.text,
        "measure": requirement.measure,
        "percentile": requirement.percentile if requirement.measure == "delay" else None,
        "span_ms": requirement.span_ns / NS_PER_MS if requirement.span_ns else None,
        "unit": "ms" if requirement.unit == "ns" else "1",
        "sense": requirement.sense,
        "limit": limit_in_unit(requirement, requirement.limit),
        "value": limit_in_unit(requirement, verdict.value),
        "margin": limit_in_unit(requirement, verdict.margin),
        "margin_share": _known(verdict.margin_share),
        "headroom": _known(verdict.headroom),
        "met": verdict.met,
        "share_required": requirement.share,
        "share": verdict.complying / verdict.subjects if verdict.subjects else None,
        "subjects": verdict.subjects,
        "complying": verdict.complying,
        "worst": _worst(results, requirement, verdict.worst),
    }


def _worst(results: Results, requirement: Requirement, worst: Worst | None) -> Summary | None:
    if worst is None:
        return None
    site = results.network.sites[worst.site]
    return {
        "site": site.id,
        "name": site.name,
        "place": place(results.network, worst.site),
        "detail": worst.detail,
        "at_ms": None if worst.at_ns is None else worst.at_ns / NS_PER_MS,
        "value": limit_in_unit(requirement, worst.value),
    }


def _fingerprint(findings: Summary, tables: Mapping[str, Table]) -> str:
    """Return a hash of all values: of values, not of files, so that no library shows in it."""
    digest = blake2b(digest_size=16)

    def add(content: bytes) -> None:
        # Lengths first, so that no two sequences share one text.
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)

    add(json.dumps(findings, sort_keys=True, allow_nan=False).encode())
    for name, table in tables.items():
        add(name.encode())
        for column in table:
            add(f"{column.name} [{column.unit}]".encode())
            if isinstance(column.values, list):
                add(json.dumps(column.values).encode())
            elif column.values.dtype.kind == "i":
                known = True if column.known is None else column.known
                add(np.where(known, column.values, 0).astype("<i8").tobytes())
            else:
                # NaN has many bit patterns and one meaning.
                values = np.where(np.isnan(column.values), np.nan, column.values)
                add(values.astype("<f8").tobytes())
            if column.known is not None:
                add(column.known.tobytes())
    return digest.hexdigest()


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # getrusage(2): kilobytes on Linux, bytes on macOS.
    return peak if sys.platform == "darwin" else peak * 1024
