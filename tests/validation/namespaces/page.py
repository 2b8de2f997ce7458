"""What docs/validation.md shows of the measurement in namespaces: a table."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from tests.validation.namespaces.measure import MEASURED, PERCENTS

NAMES = {0: "least delay", 50: "median delay", 95: "95 % of delays", 99: "99 %", 100: "largest"}


def table() -> str:
    """Return where and when it was measured, and a row for each figure of each room."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    runs = measured["runs"]
    text = (
        f"Measured on {measured['date']} with Linux {measured['kernel']} on "
        f"{measured['processor']}, {len(runs)} runs of {measured['duration_s']} s; of these the "
        "median, and the range.\n\n| room | quantity | simulated | measured |\n|---|---|---|---|\n"
    )
    for site, model in measured["simulated"].items():
        found = [run["rooms"][site] for run in runs]
        rows = [
            ("packets sent", model["sent"], [room["sent"] for room in found]),
            ("delivered", model["delivered"], [room["delivered"] for room in found]),
            ("lost in queues", model["lost_queue"], [room["lost_queue"] for room in found]),
            ("lost by lines", model["lost_line"], [room["lost_line"] for room in found]),
        ]
        text += "".join(_row(site, *row, number=k) for k, row in enumerate(rows))
        for place, percent in enumerate(PERCENTS):
            delays = [room["delay_ms"][place] for room in found]
            text += _row(site, f"{NAMES[percent]}, ms", model["delay_ms"][place], delays, number=1)
    late = [run["late_ms"] for run in runs]
    for place, percent in enumerate(PERCENTS):
        if percent in (50, 99):
            name = f"sent late, {'median' if percent == 50 else '99 %'}, ms"
            rows_late = [each[place] for each in late]
            text += _row("source and relay", name, 0.0, rows_late, number=int(percent != 50))
    return text


def _row(site: str, name: str, model: Any, found: list[Any], *, number: int) -> str:
    """Return a line of the table; the first of a room has its name."""
    places = 0 if isinstance(model, int) else 2
    spread = f" ({min(found):.{places}f} to {max(found):.{places}f})"
    spread = spread if min(found) != max(found) else ""
    shown = f"{median(found):.{places}f}{spread}"
    return f"| {site if number == 0 else ''} | {name} | {model:.{places}f} | {shown} |\n"
