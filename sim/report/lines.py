"""Lines and egresses in the report: each tier's, and the worst of all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from sim.language import words
from sim.language.language import Language
from sim.metrics.measures import LINE_CAUSES, Cause
from sim.report.figures import UNKNOWN, ms, percent
from sim.results.columns import mean_bps
from sim.results.place import id_and_place
from sim.results.run import Results
from sim.scenario.model import Direction
from sim.terminal import Reader, numbers, shown, table
from sim.units import format_rate

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]

WORST_LINES = 10
WORST_EGRESSES = 5


def worst_lines(results: Results) -> Int64Array:
    """Return the worst directions of lines: by their own loss, then by utilisation.

    Numbers as in `Lines`. What a scheduled fault took is not the line's doing; faults are reported
    apart.
    """
    lines = results.measures.lines
    own = lines.lost[:, Cause.POLICER :].sum(axis=1)
    loss = own / np.maximum(lines.offered, 1)
    # lexsort's last key is the first to count.
    order = np.lexsort((np.arange(own.size), -lines.utilisation, -loss))
    used = np.isin(order % len(results.network.sites), 0, invert=True)
    if lines.ways == ("down",):
        used &= order < len(results.network.sites)
    return order[used][:WORST_LINES]


def worst_egresses(results: Results) -> Int64Array:
    """Return the worst of the shared egresses: by queue loss, then by utilisation."""
    egresses = results.measures.egresses
    loss = egresses.lost[:, 1] / np.maximum(egresses.offered, 1)
    order = np.lexsort((np.arange(loss.size), -np.nan_to_num(egresses.utilisation), -loss))
    return order[~np.isnan(egresses.utilisation[order])][:WORST_EGRESSES]


def tier_table(results: Results, reader: Reader) -> Table:
    """Return how full the lines of each tier were, each way that was used."""
    say = reader.language.say
    network, measured = results.network, results.measures.lines
    made = table(
        reader.out,
        say("Lines, by the tier they lead to"),
        say("tier"),
        say("way"),
        *numbers(say("sites"), say("line rate"), say("offered")),
        *numbers("p50", "p99", say("max"), under=say("utilisation %")),
    )
    for t, tier in enumerate(network.tiers):
        sites = np.flatnonzero(network.tier == t)
        lines = sites[sites > 0]
        for way in measured.ways if lines.size else ("",):
            hops = measured.rows(lines, way)
            made.add_row(
                shown(tier),
                words.way(reader.language, way) if way else UNKNOWN,
                *reader.figures(
                    f"{sites.size:,}",
                    _rates(results, hops, reader.language),
                    _offered(results, hops),
                    *_quantiles(measured.utilisation[hops]),
                ),
            )
    return made


def worst_lines_table(results: Results, reader: Reader) -> Table:
    """Return the worst directions of lines, and what they lost."""
    language = reader.language
    say = language.say
    measured = results.measures.lines
    made = table(
        reader.out,
        say("The {n} worst lines, by what policer, queue and the line itself lost", n=WORST_LINES),
        say("line to"),
        say("way"),
        *numbers(say("rate")),
        *_load_headings(language),
        *numbers(
            *(words.cause(language, cause) for cause in LINE_CAUSES[Cause.POLICER :]),
            under=say("lost %"),
        ),
    )
    n = len(results.network.sites)
    for hop in worst_lines(results).tolist():
        line = results.network.lines[hop % n]
        assert line is not None
        offered = max(int(measured.offered[hop]), 1)
        kind = f"{line.carrier} {line.access_class}".strip()
        place = id_and_place(results.network, hop % n)
        made.add_row(
            shown(f"{place} ({kind})" if kind else place),
            words.way(language, "down" if hop < n else "up"),
            *reader.figures(
                format_rate(_direction(results, hop).rate_bps),
                percent(float(measured.utilisation[hop])),
                percent(float(measured.utilisation_peak[hop])),
                ms(float(measured.queue_max_ns[hop])),
                *(percent(int(lost) / offered) for lost in measured.lost[hop, Cause.POLICER :]),
            ),
        )
    return made


def worst_egresses_table(results: Results, reader: Reader) -> Table:
    """Return the worst egresses, and what they lost."""
    say = reader.language.say
    network, measured = results.network, results.measures.egresses
    made = table(
        reader.out,
        say("The {n} worst egresses, by what their queue lost", n=WORST_EGRESSES),
        say("egress of"),
        *numbers(say("rate")),
        *_load_headings(reader.language),
        *numbers(words.cause(reader.language, "queue"), under=say("lost %")),
        *numbers(say("lines")),
    )
    for e in worst_egresses(results):
        egress = network.egresses[e]
        carrier = f" ({words.port(reader.language, egress.label)})" if egress.label else ""
        made.add_row(
            shown(f"{id_and_place(network, int(network.egress_site[e]))}{carrier}"),
            *reader.figures(
                format_rate(egress.rate_bps),
                percent(float(measured.utilisation[e])),
                percent(float(measured.utilisation_peak[e])),
                ms(float(measured.queue_max_ns[e])),
                percent(int(measured.lost[e, 1]) / max(int(measured.offered[e]), 1)),
                f"{int(network.child_first[e + 1] - network.child_first[e]):,}",
            ),
        )
    return made


def _load_headings(language: Language) -> list[str]:
    return [
        *numbers(language.say("mean"), under=language.say("utilisation %")),
        *numbers(language.say("busiest\nbin"), language.say("queue\nms")),
    ]


def _direction(results: Results, hop: int) -> Direction:
    n = len(results.network.sites)
    line = results.network.lines[hop % n]
    assert line is not None, "the root has no line"
    return line.down if hop < n else line.up


def _rates(results: Results, hops: Int64Array, language: Language) -> str:
    rates = sorted({_direction(results, hop).rate_bps for hop in hops.tolist()})
    if not rates:
        return UNKNOWN
    lowest, highest = format_rate(rates[0]), format_rate(rates[-1])
    if lowest == highest:
        return lowest
    return language.say("{lowest} to {highest}", lowest=lowest, highest=highest)


def _offered(results: Results, hops: Int64Array) -> str:
    if not hops.size:
        return UNKNOWN
    offered = mean_bps(results.measures.lines.offered_bytes[hops], results.measures.duration_ns)
    return format_rate(float(offered.mean()), digits=3)


def _quantiles(utilisation: Float64Array) -> list[str]:
    if not utilisation.size:
        return [UNKNOWN] * 3
    shares = np.quantile(utilisation, (0.5, 0.99, 1.0), method="inverted_cdf")
    return [percent(float(share)) for share in shares]
