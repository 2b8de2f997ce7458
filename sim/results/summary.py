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
from sim.metrics.measures import CAUSES
from sim.metrics.verdict import Verdict, Worst
from sim.results.place import place
from sim.results.run import Results
from sim.results.tables import NS_PER_MS, NS_PER_S, Table
from sim.scenario.model import Requirement

Int64Array = NDArray[np.int64]
Summary = dict[str, Any]
LIBRARIES = ("numpy", "numba", "simpy", "pyarrow")


def summarise(
    results: Results,
    tables: Mapping[str, Table],
    *,
    resolved: str,
    created: datetime,
) -> Summary:
    """Return the content of `summary.json`.

    Parameters
    ----------
    tables : the tables of the run, for the fingerprint
    resolved : the resolved scenario as text
    created : when the run ended, UTC
    """
    findings = _findings(results, resolved)
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
    return value / NS_PER_MS if requirement.measure in ("delay", "dark") else value


def _findings(results: Results, resolved: str) -> Summary:
    """Return all of the summary that follows from the scenario: the same for every engine."""
    scenario, network, measures = results.scenario, results.network, results.measures
    rooms = measures.endpoints
    lost = rooms.lost.sum(axis=0)
    due = int(rooms.due.sum())
    return {
        "scenario": scenario.name,
        "scenario_hash": blake2b(resolved.encode(), digest_size=16).hexdigest(),
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
    return {
        name: None if np.isnan(values_ns[row]) else float(values_ns[row]) / NS_PER_MS
        for name, values_ns in figures.items()
    }


def _requirement(results: Results, verdict: Verdict) -> Summary:
    requirement = verdict.requirement
    return {
        "name": requirement.text,
        "subject": requirement.subject,
        "measure": requirement.measure,
        "percentile": requirement.percentile if requirement.measure == "delay" else None,
        "unit": "ms" if requirement.measure in ("delay", "dark") else "1",
        "limit": limit_in_unit(requirement, requirement.limit),
        "value": limit_in_unit(requirement, verdict.value),
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
        "carrier": worst.carrier,
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
                add(column.values.astype("<i8").tobytes())
            else:
                # NaN has many bit patterns and one meaning.
                known = np.where(np.isnan(column.values), np.nan, column.values)
                add(known.astype("<f8").tobytes())
    return digest.hexdigest()


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # getrusage(2): kilobytes on Linux, bytes on macOS.
    return peak if sys.platform == "darwin" else peak * 1024
