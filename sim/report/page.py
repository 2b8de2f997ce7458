"""The report at the end of a run: the verdict, each tier, what is worst and why, and where to look.

Colours and rules are for terminals; elsewhere the same tables are plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table
from rich.text import Text

from sim.grouping import MOST_ROOMS
from sim.language.language import Language
from sim.metrics.verdict import Verdict
from sim.report import faults, lines, quality, rooms, streams
from sim.report.figures import UNKNOWN, share, time
from sim.results.place import id_and_place
from sim.results.quality_figures import is_rated
from sim.results.run import Results
from sim.results.summary import TIMES
from sim.scenario.model import Requirement
from sim.terminal import Reader, numbers, put, shown, table
from sim.units import format_share


def print_report(results: Results, folder: Path, reader: Reader, notes: Sequence[str] = ()) -> None:
    """Print what a planner wants to know first; everything else is in `folder`.

    `notes` are sentences on what there is not.
    """
    out, language = reader.out, reader.language
    out.print()
    out.print(verdict_line(results, language))
    if results.verdicts:
        put(out, _requirements(results, reader))
        out.print()
    tables = [
        lines.tier_table(results, reader),
        rooms.tier_table(results, reader),
        streams.stream_table(results, reader),
    ]
    if is_rated(results):
        tables.append(quality.quality_table(results, reader))
    if results.scenario.agenda:
        tables.append(streams.turn_table(results, reader))
    tables.append(lines.worst_lines_table(results, reader))
    if lines.worst_egresses(results).size:
        tables.append(lines.worst_egresses_table(results, reader))
    if results.scenario.faults:
        tables.append(faults.fault_table(results, reader))
    for each in tables:
        put(out, each)
        out.print()
    if results.scenario.late_faults:
        late = language.say_count(
            results.scenario.late_faults,
            "{n} fault of the scenario after the end of this shorter meeting: left out",
            "{n} faults of the scenario after the end of this shorter meeting: left out",
        )
        out.print(late)
    if results.measures.groups is not None:
        grouped = language.say(
            "Of more than {most} rooms the percentiles of delay are kept for groups of sites, "
            "in groups.parquet; of a single room or line its mean and its maximum.",
            most=language.figure(f"{MOST_ROOMS:,}"),
        )
        out.print(grouped)
    out.print(shown(totals_line(results, language)))
    for note in notes:
        out.print(shown(note))
    out.print(shown(language.say("Results: {folder}", folder=folder)), soft_wrap=True)


def verdict_line(results: Results, language: Language) -> Text:
    """Return the verdict as a sentence."""
    missed = sum(not verdict.met for verdict in results.verdicts)
    name = shown(f"{results.scenario.name}: ", "bold")
    if not results.verdicts:
        return name + Text(language.say("nothing is required, so nothing was missed"))
    n = len(results.verdicts)
    if missed:
        missed_text = language.say_count(
            n,
            "MISSED, {missed} of {n} requirement",
            "MISSED, {missed} of {n} requirements",
            missed=missed,
        )
        return name + Text(missed_text, "bold red")
    return name + Text(
        language.say_count(n, "MET, {n} requirement", "MET, {n} requirements"), "bold green"
    )


def totals_line(results: Results, language: Language) -> str:
    """Return what was simulated, what became of it, and how fast."""
    measures = results.measures
    due = int(measures.endpoints.due.sum())
    lost = int(measures.endpoints.lost.sum())
    part = f" ({format_share(lost / due, digits=3)})" if due else ""
    wall_s = max(results.wall_s, 1e-9)
    received = language.say_count(
        measures.endpoints.site.size,
        "{due} packets were due to {n} room; {lost} were lost.",
        "{due} packets were due to {n} rooms; {lost} were lost.",
        due=language.figure(f"{due:,}"),
        lost=language.figure(f"{lost:,}{part}"),
    )
    carried = language.say(
        "{hops} packet-hops in {wall} s: {speed} million/s, {pace} × real time.",
        hops=language.figure(f"{measures.packet_hops:,}"),
        wall=language.figure(f"{wall_s:.1f}"),
        speed=language.figure(f"{measures.packet_hops / wall_s / 1e6:,.1f}"),
        pace=language.figure(f"{results.scenario.duration_ns / 1e9 / wall_s:,.1f}"),
    )
    return f"{received} {carried}"


def _requirements(results: Results, reader: Reader) -> Table:
    say = reader.language.say
    made = table(
        reader.out,
        "",
        "",
        say("requirement"),
        *numbers(say("measured"), say("comply")),
        say("worst"),
    )
    made.title = None
    for verdict in results.verdicts:
        made.add_row(
            Text("met", "green") if verdict.met else Text("missed", "bold red"),
            shown(verdict.requirement.text),
            _value(verdict.requirement, verdict.value),
            f"{verdict.complying:,} of {verdict.subjects:,}",
            _worst(results, verdict),
        )
    return made


def _worst(results: Results, verdict: Verdict) -> Text:
    if verdict.worst is None or verdict.worst.value == 0:
        return Text(UNKNOWN)
    detail = f" ({verdict.worst.detail})" if verdict.worst.detail else ""
    value = _value(verdict.requirement, verdict.worst.value)
    return shown(f"{id_and_place(results.network, verdict.worst.site)}{detail}: {value}")


def _value(requirement: Requirement, value: float) -> str:
    if np.isnan(value):
        nothing = requirement.measure in ("delay", "jitter", "freezes")
        return "nothing arrived" if nothing else UNKNOWN
    if requirement.measure in TIMES:
        return time(value)
    return f"{value:,.0f}" if requirement.measure == "freezes" else share(value)
