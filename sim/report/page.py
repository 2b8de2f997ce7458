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
from sim.language import words
from sim.language.language import Language
from sim.metrics.verdict import Verdict
from sim.report import faults, joining, lines, quality, rooms, streams
from sim.report.figures import UNKNOWN, share, time
from sim.results.clock import clock
from sim.results.join_figures import are_joins
from sim.results.place import id_and_place
from sim.results.quality_figures import is_rated
from sim.results.run import Results
from sim.scenario.model import HOUR_NS
from sim.scenario.requirement_model import Requirement
from sim.scenario.sentences import sentence
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
    if are_joins(results):
        tables.append(joining.join_table(results, reader))
    if results.joins.servers:
        tables.append(joining.server_table(results, reader))
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
    language = reader.language
    say = language.say
    made = table(
        reader.out,
        "",
        "",
        say("requirement"),
        *numbers(say("measured"), say("margin"), say("comply")),
        say("worst"),
    )
    made.title = None
    for verdict in results.verdicts:
        made.add_row(
            Text(say("met"), "green") if verdict.met else Text(say("missed"), "bold red"),
            shown(sentence(verdict.requirement, language)),
            _measured(verdict, language),
            _margin(verdict, language),
            _complying(verdict, language),
            _worst(results, verdict, language),
        )
    return made


def _measured(verdict: Verdict, language: Language) -> str:
    value = _value(verdict.requirement, verdict.value, language)
    if np.isnan(verdict.headroom):
        return value
    headroom = language.figure(share(verdict.headroom))
    return language.say("{share}, headroom {headroom}", share=value, headroom=headroom)


def _complying(verdict: Verdict, language: Language) -> str:
    if verdict.requirement.measure == "dark_in_total":
        return UNKNOWN
    return language.say(
        "{complying} of {subjects}",
        complying=language.figure(f"{verdict.complying:,}"),
        subjects=language.figure(f"{verdict.subjects:,}"),
    )


def _margin(verdict: Verdict, language: Language) -> str:
    """Return the margin in the measure's unit; the summary has it as a share of the limit too."""
    margin = verdict.margin
    if np.isnan(margin):
        return UNKNOWN
    unit = verdict.requirement.unit
    if unit == "share":
        points = format_share(margin, digits=3).removesuffix(" %")
        text = language.say("{number} points", number=language.figure(points))
    else:
        text = _value(verdict.requirement, margin, language)
    return f"+{text}" if margin > 0 else text


def _worst(results: Results, verdict: Verdict, language: Language) -> Text:
    worst = verdict.worst
    if worst is None:
        return Text(UNKNOWN)
    if verdict.requirement.is_share:
        where = id_and_place(results.network, worst.site)
        if verdict.requirement.measure == "survives":
            absent = language.say("{place}: no other way", place=where)
        else:
            absent = language.say("{place}: not there", place=where)
        return Text(UNKNOWN) if worst.value else shown(absent)
    if worst.value == 0:
        return Text(UNKNOWN)
    details = [worst.detail] if worst.detail else []
    if verdict.requirement.subject == "lines":
        details = [words.way(language, worst.detail)]
    elif verdict.requirement.subject == "egresses" and worst.detail:
        details = [words.port(language, worst.detail)]
    if worst.at_ns is not None:
        details.append(language.say("from {time}", time=clock(worst.at_ns)))
    detail = f" ({', '.join(details)})" if details else ""
    value = _value(verdict.requirement, worst.value, language)
    return shown(f"{id_and_place(results.network, worst.site)}{detail}: {value}")


def _value(requirement: Requirement, value: float, language: Language) -> str:
    if np.isnan(value):
        if requirement.span_ns:
            return language.say("too few packets")
        if requirement.measure == "join_time":
            return language.say("not let in")
        nothing = requirement.measure in ("delay", "jitter", "freezes", "mos")
        return language.say("nothing arrived") if nothing else UNKNOWN
    if requirement.unit == "ns":
        return language.figure(_time(value))
    if requirement.unit == "count":
        return language.figure(f"{value:,.0f}")
    if requirement.unit == "score":
        return language.figure(f"{value:.2f}")
    return language.figure(share(value))


def _time(value_ns: float) -> str:
    """Return a time; from an hour on, as sums over rooms have them, in hours."""
    hours = value_ns / HOUR_NS
    if abs(hours) < 1:
        return time(value_ns)
    return f"{hours:,.0f} h" if abs(hours) >= 1000 else f"{hours:.3g} h"
