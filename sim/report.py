"""The report at the end of a run: the verdict, each tier, what is worst and why, and where to look.

Colours and rules are for terminals; elsewhere the same tables are plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.metrics.measures import CAUSES, LINE_CAUSES, Cause
from sim.metrics.verdict import Verdict
from sim.results.clock import clock
from sim.results.place import id_and_place
from sim.results.run import Results
from sim.results.tables import mean_bps
from sim.scenario.model import FOREVER_NS, Fault, Requirement
from sim.terminal import put, shown, table
from sim.units import format_rate, format_share, format_time

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]

WORST_LINES = 10
WORST_EGRESSES = 5
UNKNOWN = "–"
_LOAD_HEADINGS = (">utilisation %\nmean", ">busiest\nbin", ">queue\nms")


def print_report(results: Results, folder: Path, out: Console) -> None:
    """Print what a planner wants to know first; everything else is in `folder`."""
    out.print()
    out.print(verdict_line(results))
    if results.verdicts:
        put(out, _requirements(results, out))
        out.print()
    put(out, _tier_lines(results, out))
    out.print()
    put(out, _tier_rooms(results, out))
    out.print()
    put(out, _worst_lines(results, out))
    out.print()
    if worst_egresses(results).size:
        put(out, _worst_egresses(results, out))
        out.print()
    if results.scenario.faults:
        put(out, _faults(results, out))
        out.print()
    if results.scenario.late_faults:
        late = _count(results.scenario.late_faults, "fault")
        out.print(f"{late} of the scenario after the end of this shorter meeting: left out")
    out.print(shown(totals_line(results)))
    out.print(Text("Results: ") + shown(str(folder)), soft_wrap=True)


def verdict_line(results: Results) -> Text:
    """Return the verdict as a sentence."""
    missed = sum(not verdict.met for verdict in results.verdicts)
    name = shown(f"{results.scenario.name}: ", "bold")
    if not results.verdicts:
        return name + Text("nothing is required, so nothing was missed")
    if missed:
        return name + Text(
            f"MISSED, {missed} of {_count(len(results.verdicts), 'requirement')}", "bold red"
        )
    return name + Text(f"MET, {_count(len(results.verdicts), 'requirement')}", "bold green")


def totals_line(results: Results) -> str:
    """Return what was simulated, what became of it, and how fast."""
    measures = results.measures
    due = int(measures.endpoints.due.sum())
    lost = int(measures.endpoints.lost.sum())
    share = f" ({format_share(lost / due, digits=3)})" if due else ""
    wall_s = max(results.wall_s, 1e-9)
    return (
        f"{due:,} packets were due to {_count(measures.endpoints.site.size, 'room')}; "
        f"{lost:,}{share} were lost. {measures.packet_hops:,} packet-hops in {wall_s:.1f} s: "
        f"{measures.packet_hops / wall_s / 1e6:,.1f} million/s, "
        f"{results.scenario.duration_ns / 1e9 / wall_s:,.1f} × real time."
    )


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


def worst_lines(results: Results) -> Int64Array:
    """Return the sites of the worst lines: by their own loss, then by utilisation.

    What a scheduled fault took is not the line's doing; faults are reported apart.
    """
    lines = results.measures.lines
    own = lines.lost[:, Cause.POLICER :].sum(axis=1)
    loss = own / np.maximum(lines.offered, 1)
    # lexsort's last key is the first to count.
    order = np.lexsort((np.arange(own.size), -lines.busy, -loss))
    return order[order > 0][:WORST_LINES]


def worst_egresses(results: Results) -> Int64Array:
    """Return the worst of the shared egresses: by queue loss, then by utilisation."""
    egresses = results.measures.egresses
    loss = egresses.lost[:, 1] / np.maximum(egresses.offered, 1)
    order = np.lexsort((np.arange(loss.size), -np.nan_to_num(egresses.busy), -loss))
    return order[~np.isnan(egresses.busy[order])][:WORST_EGRESSES]


def _requirements(results: Results, out: Console) -> Table:
    made = table(out, "", "", "requirement", ">measured", ">comply", "worst")
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
    carrier = f" ({verdict.worst.carrier})" if verdict.worst.carrier else ""
    value = _value(verdict.requirement, verdict.worst.value)
    return shown(f"{id_and_place(results.network, verdict.worst.site)}{carrier}: {value}")


def _tier_lines(results: Results, out: Console) -> Table:
    network, measures = results.network, results.measures
    made = table(
        out,
        "Lines, by the tier they lead to",
        "tier",
        ">sites",
        ">line rate",
        ">offered",
        ">utilisation %\np50",
        ">\np99",
        ">\nmax",
    )
    for t, tier in enumerate(network.tiers):
        sites = np.flatnonzero(network.tier == t)
        lines = sites[sites > 0]
        made.add_row(
            shown(tier),
            f"{sites.size:,}",
            _rates(results, lines),
            _offered(results, lines),
            *_utilisation(measures.lines.busy[lines]),
        )
    return made


def _tier_rooms(results: Results, out: Console) -> Table:
    network, measures = results.network, results.measures
    lost = measures.endpoints.lost.sum(axis=0)
    due = max(int(measures.endpoints.due.sum()), 1)
    made = table(
        out,
        "Rooms, and what was lost at each tier of all that was due",
        "tier",
        ">rooms",
        *_lost_headings(">lost there %", CAUSES),
        ">delay ms\np50",
        ">\np99",
    )
    for t, tier in enumerate(network.tiers):
        made.add_row(
            shown(tier),
            f"{int(network.room[network.tier == t].sum()):,}",
            *(_percent(int(lost[i, t]) / due) for i in range(len(CAUSES))),
            _ms(measures.tier_delays.p50_ns[t]),
            _ms(measures.tier_delays.p99_ns[t]),
        )
    return made


def _lost_headings(heading: str, causes: Sequence[str]) -> list[str]:
    """Return headings of a column per cause, below a common one."""
    return [f"{heading}\n{causes[0]}", *(f">\n{cause}" for cause in causes[1:])]


def _rates(results: Results, lines: Int64Array) -> str:
    found = [results.network.lines[s] for s in lines]
    rates = sorted({line.down.rate_bps for line in found if line is not None})
    if not rates:
        return UNKNOWN
    lowest, highest = format_rate(rates[0]), format_rate(rates[-1])
    return lowest if lowest == highest else f"{lowest} to {highest}"


def _offered(results: Results, lines: Int64Array) -> str:
    if not lines.size:
        return UNKNOWN
    offered = mean_bps(results.measures.lines.offered_bytes[lines], results.measures.duration_ns)
    return format_rate(float(offered.mean()), digits=3)


def _utilisation(busy: Float64Array) -> list[str]:
    if not busy.size:
        return [UNKNOWN] * 3
    shares = np.quantile(busy, (0.5, 0.99, 1.0), method="inverted_cdf")
    return [_percent(float(share)) for share in shares]


def _worst_lines(results: Results, out: Console) -> Table:
    measured = results.measures.lines
    made = table(
        out,
        f"The {WORST_LINES} worst lines, by what policer, queue and the line itself lost",
        "line to",
        ">rate",
        *_LOAD_HEADINGS,
        *_lost_headings(">lost %", LINE_CAUSES[Cause.POLICER :]),
    )
    for s in worst_lines(results):
        line = results.network.lines[s]
        assert line is not None
        offered = max(int(measured.offered[s]), 1)
        kind = f"{line.carrier} {line.access_class}".strip()
        made.add_row(
            shown(f"{id_and_place(results.network, int(s))} ({kind})"),
            format_rate(line.down.rate_bps),
            _percent(float(measured.busy[s])),
            _percent(float(measured.busy_peak[s])),
            _ms(float(measured.queue_max_ns[s])),
            *(_percent(int(lost) / offered) for lost in measured.lost[s, Cause.POLICER :]),
        )
    return made


def _worst_egresses(results: Results, out: Console) -> Table:
    network, measured = results.network, results.measures.egresses
    made = table(
        out,
        f"The {WORST_EGRESSES} worst egresses, by what their queue lost",
        "egress of",
        ">rate",
        *_LOAD_HEADINGS,
        ">lost %\nqueue",
        ">\nlines",
    )
    for e in worst_egresses(results):
        egress = network.egresses[e]
        carrier = f" ({egress.carrier})" if egress.carrier else ""
        made.add_row(
            shown(f"{id_and_place(network, int(network.egress_site[e]))}{carrier}"),
            format_rate(egress.rate_bps),
            _percent(float(measured.busy[e])),
            _percent(float(measured.busy_peak[e])),
            _ms(float(measured.queue_max_ns[e])),
            _percent(int(measured.lost[e, 1]) / max(int(measured.offered[e]), 1)),
            f"{int(network.child_first[e + 1] - network.child_first[e]):,}",
        )
    return made


def _faults(results: Results, out: Console) -> Table:
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
        return f"{dark} {_time(float(dark_ns.max()))} in all; nothing fails over yet"
    effects = []
    if fault.rate_factor != 1:
        effects.append(f"rate × {fault.rate_factor:g}")
    if fault.added_loss:
        effects.append(f"{format_share(fault.added_loss)} more loss")
    return ", ".join(effects)


def _value(requirement: Requirement, value: float) -> str:
    if np.isnan(value):
        return "nothing arrived" if requirement.measure == "delay" else UNKNOWN
    if requirement.measure in ("delay", "dark"):
        return _time(value)
    return _share(value)


def _share(share: float) -> str:
    return UNKNOWN if np.isnan(share) else format_share(share, digits=3)


def _percent(share: float) -> str:
    """Return a share for a column whose heading says `%`."""
    return _share(share).removesuffix(" %")


def _ms(time_ns: float) -> str:
    """Return a time for a column whose heading says `ms`."""
    if np.isnan(time_ns):
        return UNKNOWN
    return f"{time_ns / 1e6:.2f}" if time_ns < 1e7 else f"{time_ns / 1e6:,.1f}"


def _time(time_ns: float) -> str:
    if time_ns == 0:
        return "0 s"
    return UNKNOWN if np.isnan(time_ns) else format_time(round(time_ns), digits=3)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
