"""Meters: read an engine's cumulative counts as the meeting goes on, and at its end.

A room's losses are what the speakers elsewhere lost on their way up, and the sum along its path
from the root, each booked to the tier where it happened: a line's to the tier of its lower end, an
egress's and a dead relay's to the relay's tier, a room's to its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.edit import Edit
from sim.dataplane.tally import EgressCount, LineCount, RoomCount, Tally
from sim.metrics import conservation
from sim.metrics.attendance import Attendance
from sim.metrics.decided import Decided
from sim.metrics.due import Due
from sim.metrics.fault_losses import FaultLossMeter
from sim.metrics.groups import groups, room_histograms, rooms_together
from sim.metrics.histogram import own_delays
from sim.metrics.measures import DarkIntervals, Egresses, Endpoints, Lines, Listeners, Measures
from sim.metrics.opinion import worst_of
from sim.metrics.span_loss import SpanLossMeter
from sim.metrics.steady import BusyMeter, Steady
from sim.metrics.streams import listeners, sources
from sim.metrics.timeline import TimelineMeter
from sim.metrics.turns import turns
from sim.metrics.way_down import LINE_LOSSES
from sim.network.names import line_number
from sim.network.survival import survivors
from sim.network.transmitter import drain_ns
from sim.network.tree import Network
from sim.scenario.grids import grids
from sim.scenario.model import FOREVER_NS, Fault, Scenario

Int64Array = NDArray[np.int64]


def packet_hops(tally: Tally) -> int:
    """Return the packets offered to a line direction that was open."""
    return int(tally.line[:, LineCount.OFFERED].sum() - tally.line[:, LineCount.REFUSED].sum())


class Meters:
    """Measures one run: `close_bin` at every edge of the timeline, then `finish`.

    And `pass_point` at every point of the grids that requirements need.
    """

    def __init__(self, scenario: Scenario, network: Network) -> None:
        self._scenario = scenario
        self._network = network
        self._due = Due(scenario, network)
        self._attendance = Attendance(scenario, network, self._due)
        self._timeline = TimelineMeter(
            network,
            self._due,
            self._attendance,
            duration_ns=scenario.duration_ns,
        )
        backgrounds = [None if kind is None else kind.background for kind in network.kinds]
        self._line_steady = Steady(
            [backgrounds[k] for k in network.kind.tolist()], begins_ns=scenario.begins_ns
        )
        self._egress_steady = Steady(
            [egress.background for egress in network.egresses], begins_ns=scenario.begins_ns
        )
        self._line_busy = BusyMeter(self._line_steady, network.kind.size)
        self._egress_busy = BusyMeter(self._egress_steady, len(network.egresses))
        self._decided = Decided(network, self._due, self._attendance)
        rooms = self._decided.site.size
        self._fault_losses = FaultLossMeter(
            scenario.faults, rooms, bin_ns=scenario.bin_ns, duration_ns=scenario.duration_ns
        )
        self._span_losses = [SpanLossMeter(grid, rooms) for grid in grids(scenario.requirements)]

    def follow(self, edits: Sequence[Edit], tally: Tally) -> None:
        """Take note of the edits of a span before it is replayed.

        Parameters
        ----------
        tally : cumulative counts up to the beginning of the span
        """
        self._attendance.follow(edits, tally)

    def close_bin(self, end_ns: int, tally: Tally) -> None:
        """Close the timeline bin that ends at `end_ns`.

        Called at every edge of a bin, at the meeting's end, and once more after the drain: what
        was decided after the meeting is a bin of its own.

        Parameters
        ----------
        end_ns : where the engine has got to; the meeting's end is `scenario.duration_ns`
        tally : cumulative counts up to `end_ns`
        """
        self._timeline.close_bin(end_ns, tally)
        if self._fault_losses.is_edge(end_ns):
            self._fault_losses.pass_edge(end_ns, self._decided.counts(tally, end_ns)[1])
        self._attendance.close_bin(tally, end_ns)
        if end_ns <= self._scenario.duration_ns:
            self._line_busy.close_bin(end_ns, tally.line[:, LineCount.BUSY_NS])
            self._egress_busy.close_bin(end_ns, tally.egress[:, EgressCount.BUSY_NS])

    def rooms_dark(self, tally: Tally, now_ns: int) -> int:
        """Return how many rooms are dark now; `tally` has the counts up to `now_ns`."""
        return int(np.count_nonzero(self._attendance.dark_since_ns(tally, now_ns) >= 0))

    def pass_point(self, now_ns: int, tally: Tally) -> None:
        """Take the counts at a point of a grid; called at each within the meeting.

        Parameters
        ----------
        now_ns : where the engine has got to
        tally : cumulative counts up to `now_ns`
        """
        here = [meter for meter in self._span_losses if meter.grid.is_point(now_ns)]
        if here:
            received, lost = self._decided.counts(tally, now_ns)
            for meter in here:
                meter.pass_point(received, lost)

    def finish(
        self,
        tally: Tally,
        *,
        packets_sent: int,
        turn_packets: Int64Array,
        pending: int,
        dark: Int64Array,
    ) -> Measures:
        """Check the books after the drain and return what was measured.

        Parameters
        ----------
        tally : cumulative counts of the drained run
        packets_sent : how many packets all sources have emitted
        turn_packets : (turns,) int64, packets of each turn's first frame
        pending : packets and copies that the engine has still not decided
        dark : (k, 3) int64, dark intervals that are over: site, from, until, ns

        Raises
        ------
        ConservationError
            If any count contradicts another.
        """
        scenario, network = self._scenario, self._network
        conservation.check(
            scenario,
            network,
            tally,
            packets_sent=packets_sent,
            pending=pending,
            still=not self._attendance.changes,
        )
        heard = listeners(scenario, network, tally, self._attendance.counted(tally, FOREVER_NS).due)
        dark_intervals = self._dark(tally, dark)
        endpoints = self._endpoints(tally, heard, dark_intervals)
        conservation.check_endpoints(
            network,
            site=endpoints.site,
            due=endpoints.due,
            received=endpoints.received,
            lost=endpoints.lost_by_cause,
        )
        tier = network.tier[endpoints.site]
        tiers = [endpoints.site[tier == t] for t in range(len(network.tiers))]
        histograms = room_histograms(network.grouping, tally, tiers)
        lines, primary = self._lines(tally), 2 * len(network.sites)
        return Measures(
            duration_ns=scenario.duration_ns,
            packets=packets_sent,
            packet_hops=packet_hops(tally),
            streams=tuple(stream.id for stream in scenario.streams),
            endpoints=endpoints,
            lines=lines.take(np.arange(primary)),
            backups=lines.take(np.arange(primary, network.kind.size)),
            egresses=self._egresses(tally),
            listeners=heard,
            sources=sources(scenario, network, tally),
            turns=turns(scenario, network, tally, turn_packets),
            timeline=self._timeline.finish(),
            room_delays=rooms_together(
                histograms.sum(axis=0, keepdims=True), tally, [endpoints.site]
            ),
            tier_delays=rooms_together(histograms, tally, tiers),
            tier_histograms=histograms,
            groups=groups(network, tally, self._due),
            fault_lost=self._fault_losses.finish(),
            span_losses=tuple(
                meter.finish(*self._decided.counts(tally, FOREVER_NS))
                for meter in self._span_losses
            ),
            dark=dark_intervals,
            survivors={
                failing: survivors(scenario, network, failing)[endpoints.site]
                for failing in {each.failing for each in scenario.requirements} - {""}
            },
        )

    def _dark(self, tally: Tally, over: Int64Array) -> DarkIntervals:
        """Return all dark intervals, those that are not over up to the meeting's end."""
        end_ns = self._scenario.duration_ns
        since_ns = self._attendance.dark_since_ns(tally, end_ns)
        sites = np.flatnonzero(since_ns >= 0)
        rows = np.column_stack([sites, since_ns[sites], np.full(sites.size, end_ns)])
        rows = np.concatenate([over, rows])
        rows = rows[np.lexsort((rows[:, 2], rows[:, 0], rows[:, 1]))]
        return DarkIntervals(site=rows[:, 0], from_ns=rows[:, 1], until_ns=rows[:, 2])

    def _endpoints(self, tally: Tally, heard: Listeners, dark: DarkIntervals) -> Endpoints:
        network, scenario = self._network, self._scenario
        site = np.flatnonzero(network.room)
        room = tally.room[site]
        counted = self._attendance.counted(tally, FOREVER_NS)
        received, lost = counted.received[site], counted.lost[site]
        # What was on its way to a room when it began to count is due to it, too.
        due = np.where(
            self._attendance.whole[site],
            counted.due[site].sum(axis=1),
            received + lost.sum(axis=(1, 2)),
        )
        still_ns = np.maximum(scenario.duration_ns - room[:, RoomCount.LAST_NS], 0)
        still_ns *= self._attendance.present[site]
        return Endpoints(
            site=site,
            due=due,
            received=received,
            duplicates=counted.duplicates[site],
            received_bytes=room[:, RoomCount.RECEIVED_BYTES],
            lost=lost,
            delays=own_delays(
                tally.room_delay,
                site,
                network.grouping,
                count=room[:, RoomCount.RECEIVED],
                sum_ns=room[:, RoomCount.DELAY_SUM_NS],
                max_ns=room[:, RoomCount.DELAY_MAX_NS],
            ),
            gap_max_ns=np.maximum(room[:, RoomCount.GAP_MAX_NS], still_ns),
            dark_ns=dark.total_ns(len(network.sites))[site],
            dark_max_ns=dark.longest_ns(len(network.sites))[site],
            mos=worst_of(site, heard.site, heard.mos),
            video_quality=worst_of(site, heard.site, heard.video_quality),
        )

    def _lines(self, tally: Tally) -> Lines:
        network, line = self._network, tally.line
        buffer_ns = np.array(
            [
                1
                if kind is None
                else drain_ns(
                    rate_bps=rate_bps, buffer_bytes=kind.buffer_bytes, mtu_bytes=kind.mtu_bytes
                )
                for kind, rate_bps in zip(
                    network.kinds, network.kind_rate_bps.tolist(), strict=True
                )
            ],
            dtype=np.float64,
        )[network.kind]
        for fault in _rate_changes(self._scenario):
            slowed = [line_number(network, name) for name in fault.lines]
            buffer_ns[[network.down(line) for line in slowed]] = np.nan
            buffer_ns[[network.up(line) for line in slowed]] = np.nan
        buffer_ns[self._line_steady.varies(self._scenario.duration_ns)] = np.nan
        return Lines(
            offered=line[:, LineCount.OFFERED].copy(),
            offered_bytes=line[:, LineCount.OFFERED_BYTES].copy(),
            refused=line[:, LineCount.REFUSED].copy(),
            delivered=line[:, LineCount.DELIVERED].copy(),
            delivered_bytes=line[:, LineCount.DELIVERED_BYTES].copy(),
            lost=line[:, list(LINE_LOSSES.values())],
            background_offered=line[:, LineCount.BACKGROUND_OFFERED].copy(),
            background_sent=line[:, LineCount.BACKGROUND_SENT].copy(),
            delays=own_delays(
                tally.line_delay,
                np.arange(len(line)),
                network.grouping,
                count=line[:, LineCount.DELIVERED],
                sum_ns=line[:, LineCount.DELAY_SUM_NS],
                max_ns=line[:, LineCount.DELAY_MAX_NS],
            ),
            busy=self._line_busy.busy(),
            utilisation=self._line_busy.utilisation(),
            utilisation_peak=self._line_busy.peak,
            queue_max_ns=line[:, LineCount.BACKLOG_MAX_NS].copy(),
            queue_max=line[:, LineCount.BACKLOG_MAX_NS] / buffer_ns,
        )

    def _egresses(self, tally: Tally) -> Egresses:
        network = self._network
        buffer_ns = np.array(
            [
                np.nan
                if not egress.rate_bps
                else drain_ns(
                    rate_bps=int(rate_bps),
                    buffer_bytes=egress.buffer_bytes,
                    mtu_bytes=egress.mtu_bytes,
                    overhead_ns=egress.overhead_ns,
                )
                for egress, rate_bps in zip(network.egresses, network.egress_rate_bps, strict=True)
            ],
            dtype=np.float64,
        )
        shared = np.where(np.isnan(buffer_ns), np.nan, 1.0)
        for fault in _rate_changes(self._scenario):
            relays = [network.index[site] for site in fault.relays]
            buffer_ns[np.isin(network.egress_site, relays)] = np.nan
        buffer_ns[self._egress_steady.varies(self._scenario.duration_ns)] = np.nan
        egress = tally.egress
        lost = egress[:, [EgressCount.LOST_OUTAGE, EgressCount.LOST_QUEUE]]
        return Egresses(
            offered=egress[:, EgressCount.OFFERED].copy(),
            sent=egress[:, EgressCount.OFFERED] - lost.sum(axis=1),
            lost=lost,
            background_offered=egress[:, EgressCount.BACKGROUND_OFFERED].copy(),
            background_sent=egress[:, EgressCount.BACKGROUND_SENT].copy(),
            busy=self._egress_busy.busy() * shared,
            utilisation=self._egress_busy.utilisation() * shared,
            utilisation_peak=self._egress_busy.peak * shared,
            queue_max_ns=egress[:, EgressCount.BACKLOG_MAX_NS].copy(),
            queue_max=egress[:, EgressCount.BACKLOG_MAX_NS] / buffer_ns,
        )


def _rate_changes(scenario: Scenario) -> list[Fault]:
    return [fault for fault in scenario.faults if fault.rate_factor != 1]
