"""Scheduled faults in the report: when they held, and whom they darkened."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from sim.report.figures import time
from sim.results.clock import clock
from sim.results.run import Results
from sim.scenario.model import FOREVER_NS, Fault
from sim.terminal import shown, table
from sim.units import format_share


def touched(results: Results, fault: Fault) -> NDArray[np.bool_]:
    """Return which sites have a room that depends on what a fault names, (n,) bool."""
    network = results.network
    below = np.zeros(len(network.sites), dtype=np.bool_)
    for site in (*fault.lines, *fault.relays):
        s = network.index[site]
        below[s : network.end[s]] = True
    for site in fault.rooms:
        below[network.index[site]] = True
    return below & network.room


def rooms_below(results: Results, fault: Fault) -> int:
    """Return how many rooms depend on what a fault names."""
    return int(np.count_nonzero(touched(results, fault)))


def fault_table(results: Results, out: Console) -> Table:
    """Return each fault, when it held, and what it did."""
    made = table(out, "Scheduled faults", "fault", ">from", ">until", ">rooms below", "effect")
    for fault in results.scenario.faults:
        repaired = fault.until_ns < min(results.scenario.duration_ns, FOREVER_NS)
        made.add_row(
            shown(fault.label),
            clock(fault.at_ns),
            clock(fault.until_ns) if repaired else "the end",
            f"{rooms_below(results, fault):,}",
            _effect(results, fault),
        )
    return made


def _effect(results: Results, fault: Fault) -> str:
    """Return what the fault does and, of rooms below a failed part, what was measured."""
    if fault.action == "fail":
        endpoints = results.measures.endpoints
        dark_ns = endpoints.dark_ns[touched(results, fault)[endpoints.site]]
        if not dark_ns.any():
            return "none of them was dark"
        rooms = np.count_nonzero(dark_ns)
        dark = (
            "1 of them was dark, for" if rooms == 1 else f"{rooms:,} of them were dark, for up to"
        )
        return f"{dark} {time(float(dark_ns.max()))} in all; nothing fails over yet"
    effects = []
    if fault.rate_factor != 1:
        effects.append(f"rate × {fault.rate_factor:g}")
    if fault.added_loss:
        effects.append(f"{format_share(fault.added_loss)} more loss")
    return ", ".join(effects)
