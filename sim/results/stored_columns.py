"""What is read back of a run: columns of its tables, and fields of its summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sim.metrics import dark_causes
from sim.metrics.measures import CAUSES

Kind = Literal["text", "count", "number"]

# Why a room is dark; a column `<cause>_ms` for each.
DARK_CAUSES = tuple(str(cause) for cause in dark_causes.CAUSES)
SUMMARY = "summary.json"
TABLES: Mapping[str, Mapping[str, Kind]] = {
    "endpoints": {
        **dict.fromkeys(("site", "name", "place", "branch", "branch_name"), "text"),
        **dict.fromkeys(("due", *(f"lost_{cause}" for cause in CAUSES)), "count"),
        **dict.fromkeys(("loss", "latitude", "longitude"), "number"),
    },
    "lines": {
        **dict.fromkeys(("place", "tier", "role", "direction", "carrier", "access_class"), "text"),
        "rate_bps": "count",
        **dict.fromkeys(("utilisation", "utilisation_peak"), "number"),
    },
    "egresses": {
        **dict.fromkeys(("place", "tier", "carrier", "server"), "text"),
        **dict.fromkeys(("rate_bps", "utilisation", "utilisation_peak"), "number"),
    },
    "turns": {
        **dict.fromkeys(("site", "place"), "text"),
        **dict.fromkeys(("at_ms", "until_ms"), "number"),
    },
    "faults": {"label": "text", **dict.fromkeys(("at_ms", "until_ms"), "number")},
    "timeline": {
        **dict.fromkeys(("group", "id"), "text"),
        **dict.fromkeys(("start_ms", "end_ms"), "number"),
        **dict.fromkeys(
            ("rooms", "received", "received_bytes", "rooms_dark"),
            "count",
        ),
        **dict.fromkeys((f"lost_{cause}" for cause in CAUSES), "count"),
    },
    "delays": {
        "tier": "text",
        **dict.fromkeys(("from_ms", "below_ms"), "number"),
        "packets": "count",
    },
}
# Of runs in which there was something to write down, and none of older ones.
OPTIONAL: Mapping[str, Mapping[str, Kind]] = {
    "joins": {
        "site": "text",
        **dict.fromkeys(("called_ms", "joined_ms", "gave_up_ms", "left_ms"), "number"),
    },
    "servers": {
        **dict.fromkeys(("site", "place"), "text"),
        "at_ms": "number",
        **dict.fromkeys(("waiting", "busy", "workers"), "count"),
    },
    "dark": {
        **dict.fromkeys(("site", "branch", "fault", "causes"), "text"),
        **dict.fromkeys(("from_ms", "until_ms"), "number"),
        **dict.fromkeys((f"{cause}_ms" for cause in DARK_CAUSES), "number"),
    },
}
# What the summary must hold, and the type of it.
FIELDS: Mapping[str, type] = {
    "scenario": str,
    "simulated_s": float,
    "sites": dict,
    "endpoints": dict,
    "delay_ms_at": dict,
    "requirements": list,
}
