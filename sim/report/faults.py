"""Scheduled faults in the report: when they held, and whom they darkened."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from sim.language.language import Language
from sim.report.figures import time
from sim.results.clock import clock
from sim.results.run import Results
from sim.scenario.line_names import is_primary
from sim.scenario.model import FOREVER_NS, Fault
from sim.terminal import Reader, numbers, shown, table
from sim.units import format_share


def touched(results: Results, fault: Fault) -> NDArray[np.bool_]:
    """Return which sites have a room that depends on what a fault names, (n,) bool.

    On a backup line none does before it is used.
    """
    network = results.network
    below = np.zeros(len(network.sites), dtype=np.bool_)
    primary = filter(is_primary, fault.lines)
    for site in (*primary, *fault.relays):
        s = network.index[site]
        below[s : network.end[s]] = True
    for site in fault.rooms:
        below[network.index[site]] = True
    return below & network.room


def rooms_below(results: Results, fault: Fault) -> int:
    """Return how many rooms depend on what a fault names."""
    return int(np.count_nonzero(touched(results, fault)))


def fault_table(results: Results, reader: Reader) -> Table:
    """Return each fault, when it held, and what it did."""
    say, figure = reader.language.say, reader.language.figure
    made = table(
        reader.out,
        say("Scheduled faults"),
        say("fault"),
        *numbers(say("from"), say("until"), say("rooms below")),
        say("effect"),
    )
    for fault in results.scenario.faults:
        repaired = fault.until_ns < min(results.scenario.duration_ns, FOREVER_NS)
        made.add_row(
            shown(fault.label),
            figure(clock(fault.at_ns)),
            figure(clock(fault.until_ns)) if repaired else say("the end"),
            figure(f"{rooms_below(results, fault):,}"),
            _effect(results, fault, reader.language),
        )
    return made


def _effect(results: Results, fault: Fault, language: Language) -> str:
    """Return what the fault does and, of rooms below a failed part, what was measured."""
    if fault.action != "degrade":
        endpoints = results.measures.endpoints
        dark_ns = endpoints.dark_ns[touched(results, fault)[endpoints.site]]
        if not dark_ns.any():
            return language.say("none of them was dark")
        rooms, longest = int(np.count_nonzero(dark_ns)), language.figure(time(float(dark_ns.max())))
        if results.scenario.failover:
            return language.say_count(
                rooms,
                "{n} of them was dark, for {longest} in all",
                "{n} of them were dark, for up to {longest} in all",
                longest=longest,
            )
        return language.say_count(
            rooms,
            "{n} of them was dark, for {longest} in all; nothing fails over yet",
            "{n} of them were dark, for up to {longest} in all; nothing fails over yet",
            longest=longest,
        )
    effects = []
    if fault.rate_factor != 1:
        factor = language.figure(f"{fault.rate_factor:g}")
        effects.append(language.say("rate × {factor}", factor=factor))
    if fault.added_loss:
        share = language.figure(format_share(fault.added_loss))
        effects.append(language.say("{share} more loss", share=share))
    return ", ".join(effects)
