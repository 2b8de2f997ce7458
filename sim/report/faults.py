"""Scheduled faults in the report: when they held, and whom they darkened."""

from __future__ import annotations

import numpy as np
from rich.table import Table

from sim.language.language import Language
from sim.report.figures import number, percent, time
from sim.results.clock import clock
from sim.results.fault_figures import fault_figures, touched
from sim.results.run import Results
from sim.scenario.model import FOREVER_NS, Fault
from sim.terminal import Reader, numbers, shown, table
from sim.units import format_share


def fault_table(results: Results, reader: Reader) -> Table:
    """Return each fault, when it held, and what it did."""
    say, figure = reader.language.say, reader.language.figure
    moving = bool(results.scenario.failover)
    made = table(
        reader.out,
        say("Scheduled faults"),
        say("fault"),
        *numbers(say("from"), say("until"), say("rooms below")),
        *numbers("p50", "p95", say("max"), under=say("dark rooms lit after")),
        *(numbers(say("sites"), say("fullest %"), under=say("failover")) if moving else ()),
        *numbers(say("lost by\nothers")),
        say("effect"),
    )
    did = fault_figures(results)
    for place, (fault, figures) in enumerate(zip(results.scenario.faults, did, strict=True)):
        repaired = fault.until_ns < min(results.scenario.duration_ns, FOREVER_NS)
        made.add_row(
            shown(fault.label),
            figure(clock(fault.at_ns)),
            figure(clock(fault.until_ns)) if repaired else say("the end"),
            figure(number(figures.rooms_below)),
            *reader.figures(
                time(figures.recovery_p50_ns),
                time(figures.recovery_p95_ns),
                time(figures.recovery_max_ns),
            ),
            *(
                reader.figures(number(figures.moved), percent(figures.backup_peak))
                if moving
                else ()
            ),
            figure(number(figures.lost_untouched)),
            _effect(results, place, fault, reader.language),
        )
    return made


def _effect(results: Results, place: int, fault: Fault, language: Language) -> str:
    """Return what the fault does and, of rooms below a failed part, for how long it darkened them.

    `place` is that among the faults.
    """
    if fault.action != "degrade":
        found, mine = results.darkness.dark, results.darkness.fault == place
        dark_ns = np.zeros(len(results.network.sites), dtype=np.int64)
        np.add.at(dark_ns, found.site[mine], (found.until_ns - found.from_ns)[mine])
        dark_ns *= touched(results, fault)
        if not dark_ns.any():
            return language.say("none of them was dark")
        rooms, longest = int(np.count_nonzero(dark_ns)), language.figure(time(float(dark_ns.max())))
        return language.say_count(
            rooms,
            "{n} of them was dark, for {longest} in all",
            "{n} of them were dark, for up to {longest} in all",
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
