"""The tables of the results folder: rooms, lines, egresses, the course, streams and turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import BUCKETS, bucket_edges_ns
from sim.grouping import EVERYWHERE
from sim.metrics.measures import CAUSES, LINE_CAUSES, Course, Groups
from sim.network.tree import Network
from sim.results import join_tables
from sim.results.branches import branch_of
from sim.results.columns import (
    NS_PER_MS,
    Column,
    Table,
    degrees,
    delay_columns,
    integers,
    known_where,
    mean_bps,
    ms,
    numbers,
    packets,
    plain,
    text,
)
from sim.results.dark_tables import dark
from sim.results.fault_figures import fault_figures
from sim.results.join_figures import are_joins
from sim.results.place import places
from sim.results.run import Results
from sim.results.stream_tables import quality, sources, streams, turns

Int64Array = NDArray[np.int64]


def tables(results: Results) -> dict[str, Table]:
    """Return all tables by name.

    `groups` only where the delays of sites are kept together, `joins` where rooms come or go,
    `servers` where signalling has any, and `dark` where any room was.
    """
    where = places(results.network)
    together = results.measures.groups
    shared = {} if together is None else {"groups": groups(results, together)}
    return {
        "endpoints": endpoints(results, where),
        "lines": lines(results, where),
        "egresses": egresses(results, where),
        "streams": streams(results, where),
        "quality": quality(results),
        "sources": sources(results, where),
        "turns": turns(results, where),
        "faults": faults(results),
        "timeline": timeline(results),
        "delays": delays(results),
        **shared,
        **_of_events(results, where),
    }


def _of_events(results: Results, where: Sequence[str]) -> dict[str, Table]:
    found: dict[str, Table] = {}
    if are_joins(results):
        found["joins"] = join_tables.joins(results, where)
    if results.joins.servers:
        found["servers"] = join_tables.servers(results, where)
    if results.darkness.fault.size:
        found["dark"] = dark(results, where)
    return found


def endpoints(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each room, in preorder; `where` is each site's place."""
    rooms, network = results.measures.endpoints, results.network
    sites = [network.sites[s] for s in rooms.site]
    primary = [network.lines[s] for s in rooms.site]
    branches = [network.sites[s] if s else None for s in branch_of(network)[rooms.site]]
    lost = rooms.lost_by_cause
    return (
        text("site", [site.id for site in sites]),
        text("name", [site.name for site in sites]),
        text("place", [where[s] for s in rooms.site]),
        text("tier", [site.tier for site in sites]),
        text("region", [site.region for site in sites]),
        text("parent", [site.parent for site in sites]),
        text("branch", ["" if branch is None else branch.id for branch in branches]),
        text("branch_name", ["" if branch is None else branch.name for branch in branches]),
        degrees("latitude", [site.latitude for site in sites]),
        degrees("longitude", [site.longitude for site in sites]),
        text("carrier", ["" if line is None else line.carrier for line in primary]),
        text("access_class", ["" if line is None else line.access_class for line in primary]),
        packets("due", rooms.due),
        packets("received", rooms.received),
        *(packets(f"lost_{cause}", lost[:, i]) for i, cause in enumerate(CAUSES)),
        *(
            packets(f"lost_{cause}_at_{tier}", rooms.lost[:, i, t])
            for i, cause in enumerate(CAUSES)
            for t, tier in enumerate(network.tiers)
        ),
        plain("loss", rooms.loss),
        packets("duplicates", rooms.duplicates),
        integers("received_bytes", "bytes", rooms.received_bytes),
        *delay_columns(rooms.delays),
        ms("gap_max_ms", rooms.gap_max_ns),
        ms("dark_ms", rooms.dark_ns),
        plain("mos", rooms.mos),
        plain("video_quality", rooms.video_quality),
    )


def lines(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each line and direction, in the scenario's order, down before up.

    On a backup line that no site has used nothing travelled: nothing is known of what it would do
    to packets.
    """
    network, measured = results.network, results.measures.every_line
    rows = [(line, down) for line in results.scenario.lines for down in (True, False)]
    directions = [line.down if down else line.up for line, down in rows]
    policers = [direction.policer for direction in directions]
    sites = [network.sites[network.index[line.site]] for line, _ in rows]
    numbers_of = numbers_by_line(network)
    source = np.array(
        [
            network.down(numbers_of[id(line)]) if down else network.up(numbers_of[id(line)])
            for line, down in rows
        ],
        dtype=np.int64,
    )
    primary = np.array([line.role == "primary" for line, _ in rows], dtype=np.bool_)
    known = primary | np.repeat(measured.offered[source].reshape(-1, 2).sum(axis=1) > 0, 2)
    lost = measured.lost[source]
    measurements = (
        packets("offered", measured.offered[source]),
        packets("refused", measured.refused[source]),
        packets("delivered", measured.delivered[source]),
        *(packets(f"lost_{cause}", lost[:, i]) for i, cause in enumerate(LINE_CAUSES)),
        packets("background_offered", measured.background_offered[source]),
        packets("background_sent", measured.background_sent[source]),
        integers("offered_bytes", "bytes", measured.offered_bytes[source]),
        integers("delivered_bytes", "bytes", measured.delivered_bytes[source]),
        numbers(
            "offered_bps",
            "bit/s",
            mean_bps(measured.offered_bytes[source], results.measures.duration_ns).tolist(),
        ),
        *delay_columns(measured.delays.take(source)),
        plain("busy", measured.busy[source]),
        plain("utilisation", measured.utilisation[source]),
        plain("utilisation_peak", measured.utilisation_peak[source]),
        ms("queue_max_ms", measured.queue_max_ns[source]),
        plain("queue_max", measured.queue_max[source]),
    )
    return (
        text("site", [site.id for site in sites]),
        text("name", [site.name for site in sites]),
        text("place", [where[network.index[site.id]] for site in sites]),
        text("tier", [site.tier for site in sites]),
        text("parent", [line.parent for line, _ in rows]),
        text("role", [line.role for line, _ in rows]),
        text("direction", ["down" if down else "up" for _, down in rows]),
        text("carrier", [line.carrier for line, _ in rows]),
        text("access_class", [line.access_class for line, _ in rows]),
        integers("rate_bps", "bit/s", [direction.rate_bps for direction in directions]),
        integers("buffer_bytes", "bytes", [direction.buffer_bytes for direction in directions]),
        numbers(
            "policer_rate_bps", "bit/s", [each.rate_bps if each else None for each in policers]
        ),
        numbers(
            "policer_burst_bytes",
            "bytes",
            [each.burst_bytes if each else None for each in policers],
        ),
        text("scheduling", [direction.scheduling for direction in directions]),
        ms("propagation_ms", np.array([line.propagation_ns for line, _ in rows], dtype=np.int64)),
        *(known_where(column, known) for column in measurements),
    )


def numbers_by_line(network: Network) -> dict[int, int]:
    """Return the number of each line, by the identity of its description."""
    n = len(network.lines)
    numbers_of = {id(line): s for s, line in enumerate(network.lines) if line is not None}
    return numbers_of | {id(line): n + i for i, line in enumerate(network.backups)}


def egresses(results: Results, where: Sequence[str]) -> Table:
    """Return a row for each egress, by relay and carrier or server; `children` may use it."""
    network, measured = results.network, results.measures.egresses
    owners = network.egress_site
    return (
        text("site", [network.sites[s].id for s in owners]),
        text("name", [network.sites[s].name for s in owners]),
        text("place", [where[s] for s in owners]),
        text("tier", [network.sites[s].tier for s in owners]),
        text("carrier", [egress.carrier for egress in network.egresses]),
        text("server", [egress.server for egress in network.egresses]),
        integers("children", "1", np.diff(network.child_first)),
        numbers("rate_bps", "bit/s", [egress.rate_bps or None for egress in network.egresses]),
        text("scheduling", [egress.scheduling for egress in network.egresses]),
        packets("offered", measured.offered),
        packets("sent", measured.sent),
        packets("lost_outage", measured.lost[:, 0]),
        packets("lost_queue", measured.lost[:, 1]),
        packets("background_offered", measured.background_offered),
        packets("background_sent", measured.background_sent),
        plain("busy", measured.busy),
        plain("utilisation", measured.utilisation),
        plain("utilisation_peak", measured.utilisation_peak),
        ms("queue_max_ms", measured.queue_max_ns),
        plain("queue_max", measured.queue_max),
    )


def groups(results: Results, measured: Groups) -> Table:
    """Return a row for each group of sites whose delays are kept together."""
    network = results.network
    branches = [None if s == EVERYWHERE else network.sites[s] for s in measured.branch]
    return (
        text("tier", [network.tiers[t] for t in measured.tier]),
        text("branch", ["" if site is None else site.id for site in branches]),
        text("branch_name", ["" if site is None else site.name for site in branches]),
        integers("sites", "1", measured.sites),
        integers("rooms", "1", measured.rooms),
        *delay_columns(measured.room_delays),
        *delay_columns(measured.down, prefix="down_delay"),
        *delay_columns(measured.up, prefix="up_delay"),
        *delay_columns(measured.source_delays, prefix="source_delay"),
    )


def faults(results: Results) -> Table:
    """Return a row for each scheduled fault, in order of time.

    Of what is not repaired within the meeting `until_ms` is not known.
    """
    scheduled, duration_ns = results.scenario.faults, results.scenario.duration_ns
    did = fault_figures(results)
    return (
        integers("fault", "1", np.arange(len(scheduled))),
        text("label", [fault.label for fault in scheduled]),
        text("action", [fault.action for fault in scheduled]),
        ms("at_ms", np.array([fault.at_ns for fault in scheduled], dtype=np.int64)),
        numbers(
            "until_ms",
            "ms",
            [
                fault.until_ns / NS_PER_MS if fault.until_ns < duration_ns else None
                for fault in scheduled
            ],
        ),
        integers("lines", "1", [len(fault.lines) for fault in scheduled]),
        integers("relays", "1", [len(fault.relays) for fault in scheduled]),
        integers("rooms", "1", [len(fault.rooms) for fault in scheduled]),
        numbers("rate_factor", "1", [fault.rate_factor for fault in scheduled]),
        numbers("added_loss", "1", [fault.added_loss for fault in scheduled]),
        integers("rooms_below", "1", [each.rooms_below for each in did]),
        integers("rooms_dark", "1", [each.rooms_dark for each in did]),
        integers("rooms_unlit", "1", [each.rooms_unlit for each in did]),
        integers("moved", "1", [each.moved for each in did]),
        ms("recovery_p50_ms", np.array([each.recovery_p50_ns for each in did])),
        ms("recovery_p95_ms", np.array([each.recovery_p95_ns for each in did])),
        ms("recovery_max_ms", np.array([each.recovery_max_ns for each in did])),
        numbers("backup_peak", "1", [each.backup_peak for each in did]),
        integers("lost_untouched", "packets", [each.lost_untouched for each in did]),
        numbers("loss_untouched", "1", [each.loss_untouched for each in did]),
    )


def delays(results: Results) -> Table:
    """Return how many packets the rooms of each tier had with a delay within which limits.

    A row for each tier and bucket that is not empty: `from_ms` <= delay < `below_ms`. What is
    longer than the buckets reach is in the last, which has no upper limit.
    """
    histograms, tiers = results.measures.tier_histograms, results.network.tiers
    tier, bucket = np.nonzero(histograms)
    edges_ns = np.append(bucket_edges_ns()[:BUCKETS], np.nan)
    return (
        text("tier", [tiers[t] for t in tier]),
        ms("from_ms", edges_ns[bucket]),
        ms("below_ms", edges_ns[bucket + 1]),
        packets("packets", histograms[tier, bucket]),
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
        ms("start_ms", np.repeat(course.start_ns, groups)),
        Column(name="end_ms", unit="ms", values=np.repeat(end_ms, groups)),
        text("group", [group.kind for group in course.groups] * bins),
        text("id", [group.id for group in course.groups] * bins),
        text("name", [group.name for group in course.groups] * bins),
        integers("rooms", "1", [group.rooms for group in course.groups] * bins),
        count("due", "packets", Course.DUE),
        count("received", "packets", Course.RECEIVED),
        count("lost_outage", "packets", Course.LOST_OUTAGE),
        count("lost_policer", "packets", Course.LOST_POLICER),
        count("lost_queue", "packets", Course.LOST_QUEUE),
        count("lost_line", "packets", Course.LOST_LINE),
        count("lost_endpoint", "packets", Course.LOST_ENDPOINT),
        count("lost_port", "packets", Course.LOST_PORT),
        count("received_bytes", "bytes", Course.RECEIVED_BYTES),
        count("rooms_dark", "1", Course.ROOMS_DARK),
    )
