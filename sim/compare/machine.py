"""Comparisons as JSON, for programs: every figure, in the units of the baseline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sim.compare import wording
from sim.compare.comparison import Change
from sim.compare.findings import Value
from sim.compare.page import Checked


def checks_text(checks: Sequence[Checked]) -> str:
    """Return some checks as a JSON document with a final newline."""
    content = {
        "failed": any(check.comparison.failing for check in checks),
        "scenarios": [_check(check) for check in checks],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _check(check: Checked) -> dict[str, Any]:
    comparison = check.comparison
    earlier = comparison.before
    return {
        "scenario": comparison.now.scenario,
        "file": check.path,
        "baseline": check.baseline,
        "written": check.written,
        "state": wording.state(comparison),
        "failed": bool(comparison.failing),
        "fingerprint": comparison.now.fingerprint,
        "fingerprint_before": None if earlier is None else earlier.fingerprint,
        "late_faults": check.late_faults,
        "figures": [_figure(change) for change in comparison.changes],
    }


def _figure(change: Change) -> dict[str, Any]:
    return {
        "part": change.part,
        "subject": change.subject,
        "measure": change.measure or None,
        "place": change.place or None,
        "worst_at": change.at or None,
        "before": _number(change.before),
        "before_is_bound": change.most_before,
        "now": _number(change.now),
        "status": change.status.value,
        "fails": change.fails,
    }


def _number(value: Value) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)
