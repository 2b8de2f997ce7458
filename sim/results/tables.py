"""The tables of the results folder, as named columns with units.

Delays and other spans are in ms, which is what people read; what is counted stays an integer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.metrics.histogram import Delays
from sim.metrics.measures import CAUSES, LINE_CAUSES, Course
from sim.results.place import places
from sim.results.run import Results
from sim.scenario.model import Line

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]
NS_PER_MS = 10**6
NS_PER_S = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes
    ----------
    unit : `ms`, `bit/s`, `bytes`, `packets`, …; `1` for shares and counts, empty for text
    values : (rows,) int64, float64 (NaN: could not be known) or text
    """

    name: str
    unit: str
    values: Int64Array | Float64Array | list[str]


Table = tuple[Column, ...]


def tables(results: Results) -> dict[str, Table]:
    """Return the four tables by name."""
    where = places(results.network)
    return {
        "endpoints": endpoints(results, where),
        "lines": lines(results, where),
        "egresses": egresses(results, where),
        "timeline": timeline(results),
    }


def endpoints(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each room, in preorder; `where` is each site's place."""
    rooms, network = results.measures.endpoints, results.network
    sites = [network.sites[s] for s in rooms.site]
    primary = [network.lines[s] for s in rooms.site]
    lost = rooms.lost_by_cause
    return (
        _text("site", [site.id for site in sites]),
        _text("name", [site.name for site in sites]),
        _text("place", [where[s] for s in rooms.site]),
        _text("tier", [site.tier for site in sites]),
        _text("region", [site.region for site in sites]),
        _text("parent", [site.parent for site in sites]),
        _text("carrier", ["" if line is None else line.carrier for line in primary]),
        _text("access_class", ["" if line is None else line.access_class for line in primary]),
        Column(name="due", unit="packets", values=rooms.due),
        Column(name="received", unit="packets", values=rooms.received),
        *(
            Column(name=f"lost_{cause}", unit="packets", values=lost[:, i])
            for i, cause in enumerate(CAUSES)
        ),
        *(
            Column(name=f"lost_{cause}_at_{tier}", unit="packets", values=rooms.lost[:, i, t])
            for i, cause in enumerate(CAUSES)
            for t, tier in enumerate(network.tiers)
        ),
        Column(name="loss", unit="1", values=rooms.loss),
        Column(name="duplicates", unit="packets", values=rooms.duplicates),
        Column(name="received_bytes", unit="bytes", values=rooms.received_bytes),
        *_delays(rooms.delays),
        _ms("gap_max_ms", rooms.gap_max_ns),
        _ms("dark_ms", rooms.dark_ns),
    )


def lines(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each line and direction, in the scenario's order, down before up.

    Nothing is sent up or over backup lines; their counts are 0 and their delays unknown.
    """
    network, measured = results.network, results.measures.lines
    rows = [(line, down) for line in results.scenario.lines for down in (True, False)]
    directions = [line.down if down else line.up for line, down in rows]
    policers = [direction.policer for direction in directions]
    sites = [network.sites[network.index[line.site]] for line, _ in rows]
    # Row 0, the root's, stands for every direction that carries nothing: it is all zero.
    source = np.array([_measured_row(results, line) if down else 0 for line, down in rows])

    def packets(name: str, values: Int64Array) -> Column:
        return Column(name=name, unit="packets", values=values[source])

    return (
        _text("site", [site.id for site in sites]),
        _text("name", [site.name for site in sites]),
        _text("place", [where[network.index[site.id]] for site in sites]),
        _text("tier", [site.tier for site in sites]),
        _text("parent", [line.parent for line, _ in rows]),
        _text("role", [line.role for line, _ in rows]),
        _text("direction", ["down" if down else "up" for _, down in rows]),
        _text("carrier", [line.carrier for line, _ in rows]),
        _text("access_class", [line.access_class for line, _ in rows]),
        _integers("rate_bps", "bit/s", [direction.rate_bps for direction in directions]),
        _integers("buffer_bytes", "bytes", [direction.buffer_bytes for direction in directions]),
        _known("policer_rate_bps", "bit/s", [each.rate_bps if each else None for each in policers]),
        _known(
            "policer_burst_bytes",
            "bytes",
            [each.burst_bytes if each else None for each in policers],
        ),
        _ms("propagation_ms", np.array([line.propagation_ns for line, _ in rows], dtype=np.int64)),
        packets("offered", measured.offered),
        packets("refused", measured.refused),
        packets("delivered", measured.delivered),
        *(packets(f"lost_{cause}", measured.lost[:, i]) for i, cause in enumerate(LINE_CAUSES)),
        Column(name="offered_bytes", unit="bytes", values=measured.offered_bytes[source]),
        Column(name="delivered_bytes", unit="bytes", values=measured.delivered_bytes[source]),
        Column(
            name="offered_bps",
            unit="bit/s",
            values=mean_bps(measured.offered_bytes[source], results.measures.duration_ns),
        ),
        *_delays(measured.delays, rows=source),
        Column(name="utilisation", unit="1", values=measured.busy[source]),
        Column(name="utilisation_peak", unit="1", values=measured.busy_peak[source]),
        _ms("queue_max_ms", measured.queue_max_ns[source]),
        Column(name="queue_max", unit="1", values=measured.queue_max[source]),
    )


def egresses(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each egress, by relay and carrier."""
    network, measured = results.network, results.measures.egresses
    owners = network.egress_site
    rates = np.array([egress.rate_bps for egress in network.egresses], dtype=np.float64)
    return (
        _text("site", [network.sites[s].id for s in owners]),
        _text("name", [network.sites[s].name for s in owners]),
        _text("place", [where[s] for s in owners]),
        _text("tier", [network.sites[s].tier for s in owners]),
        _text("carrier", [egress.carrier for egress in network.egresses]),
        Column(name="children", unit="1", values=np.diff(network.child_first)),
        Column(name="rate_bps", unit="bit/s", values=np.where(rates > 0, rates, np.nan)),
        Column(name="offered", unit="packets", values=measured.offered),
        Column(name="sent", unit="packets", values=measured.sent),
        Column(name="lost_outage", unit="packets", values=measured.lost[:, 0]),
        Column(name="lost_queue", unit="packets", values=measured.lost[:, 1]),
        Column(name="utilisation", unit="1", values=measured.busy),
        Column(name="utilisation_peak", unit="1", values=measured.busy_peak),
        _ms("queue_max_ms", measured.queue_max_ns),
        Column(name="queue_max", unit="1", values=measured.queue_max),
    )


def timeline(results: Results) -> Table:
    """Return a row for each bin and group, by bin; the last bin, the drain, has no end."""
    course = results.measures.timeline
    bins, groups = len(course.start_ns), len(course.groups)
    # The drain has no end of its own: it lasts until nothing is left to decide.
    end_ms = np.where(
        course.end_ns <= results.measures.duration_ns, course.end_ns / NS_PER_MS, np.nan
    )

    def count(name: str, unit: str, column: Course) -> Column:
        return Column(name=name, unit=unit, values=course.counts[:, :, column].ravel())

    return (
        _ms("start_ms", np.repeat(course.start_ns, groups)),
        Column(name="end_ms", unit="ms", values=np.repeat(end_ms, groups)),
        _text("group", [group.kind for group in course.groups] * bins),
        _text("id", [group.id for group in course.groups] * bins),
        _text("name", [group.name for group in course.groups] * bins),
        _integers("rooms", "1", [group.rooms for group in course.groups] * bins),
        count("due", "packets", Course.DUE),
        count("received", "packets", Course.RECEIVED),
        count("lost_outage", "packets", Course.LOST_OUTAGE),
        count("lost_policer", "packets", Course.LOST_POLICER),
        count("lost_queue", "packets", Course.LOST_QUEUE),
        count("lost_line", "packets", Course.LOST_LINE),
        count("lost_endpoint", "packets", Course.LOST_ENDPOINT),
        count("received_bytes", "bytes", Course.RECEIVED_BYTES),
        count("rooms_dark", "1", Course.ROOMS_DARK),
    )


def mean_bps(size_bytes: Int64Array, duration_ns: int) -> Float64Array:
    """Return mean bit rates over the meeting."""
    return size_bytes * np.float64(8 * NS_PER_S / duration_ns)


def _measured_row(results: Results, line: Line) -> int:
    return results.network.index[line.site] if line.role == "primary" else 0


def _text(name: str, values: list[str]) -> Column:
    return Column(name=name, unit="", values=values)


def _integers(name: str, unit: str, values: list[int]) -> Column:
    return Column(name=name, unit=unit, values=np.array(values, dtype=np.int64))


def _known(name: str, unit: str, values: list[int | None]) -> Column:
    """Return a column in which what is not there is unknown."""
    known = [np.nan if value is None else value for value in values]
    return Column(name=name, unit=unit, values=np.array(known, dtype=np.float64))


def _ms(name: str, values_ns: Int64Array) -> Column:
    return Column(name=name, unit="ms", values=values_ns / NS_PER_MS)


def _delays(delays: Delays, *, rows: Int64Array | slice = slice(None)) -> list[Column]:
    return [
        Column(name=f"delay_{figure}_ms", unit="ms", values=values_ns[rows] / NS_PER_MS)
        for figure, values_ns in (
            ("mean", delays.mean_ns),
            ("p50", delays.p50_ns),
            ("p95", delays.p95_ns),
            ("p99", delays.p99_ns),
            ("max", delays.max_ns),
        )
    ]
