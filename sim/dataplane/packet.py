"""The packet engine: compiled kernels over integer arrays, for whole countries.

One row of copies serves all siblings; lines to leaves store no packets but those undecided at a
span's end. In each span all up directions come first, children before parents, then the way down
from the root. See `walk` and `up` for the order and `arrays` for what is where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from sim.dataplane import bench as benches
from sim.dataplane.changes import changes
from sim.dataplane.chunks import cut
from sim.dataplane.edit import Edit
from sim.dataplane.flow import Alive
from sim.dataplane.histograms import Histograms
from sim.dataplane.initial import new_egresses, new_lines, new_tree
from sim.dataplane.kernels import arrays
from sim.dataplane.kernels.abreast import rise
from sim.dataplane.kernels.up import walk_up
from sim.dataplane.kernels.walk import walk_down
from sim.dataplane.losses import LossTables, new_chains
from sim.dataplane.services import Services
from sim.dataplane.tally import FateLog, Tally
from sim.media.packets import Packets
from sim.network.tree import Network
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]


class PacketEngine:
    """Replays spans of a meeting with kernels; keeps `Engine`'s protocol.

    Attributes
    ----------
    tally : what was counted so far
    """

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        *,
        threads: int = 1,
        watch: frozenset[int] = frozenset(),
    ) -> None:
        n, e = len(network.sites), len(network.egresses)
        self._network = network
        self._threads = threads
        self.tally = Tally.zeros(
            network.grouping,
            egresses=e,
            streams=len(scenario.streams),
            turns=len(scenario.agenda),
            tiers=len(network.tiers),
        )
        self._chunks = cut(network, threads=threads)
        self._histograms = Histograms(network.grouping, self._chunks.chunk, self.tally)
        self._counts = arrays.Counts(
            line=self.tally.line,
            line_delay=self._histograms.line,
            room=self.tally.room,
            room_delay=self._histograms.room,
            egress=self.tally.egress,
            up_delay=self._histograms.up,
            stream=self.tally.stream,
            turn=self.tally.turn,
            floor_lost=self.tally.floor_lost,
            own_lost=self.tally.own_lost,
        )
        self._services, self._losses = Services(), LossTables()
        self._lines = new_lines(scenario, network, self._services)
        self._egresses = new_egresses(scenario, network, self._services)
        self._tree = new_tree(scenario, network, self._chunks.slot, self._histograms, watch)
        self._chains = new_chains(network, self._losses)
        self._relays = arrays.Relays(
            up=np.ones(n, dtype=np.bool_),
            carried_at=np.zeros(n, dtype=np.int64),
            carried=np.zeros(n, dtype=np.int64),
        )
        self._ups = arrays.Ups(*np.zeros((4, n), dtype=np.int64))
        self._alive = Alive(n)
        self._dead: set[int] = set()
        self._end_ns = 0
        self._copies = benches.new_copies(self._chunks.slots, 0)
        children = np.bincount(network.parent[1:], minlength=n)
        self._benches = [
            benches.new_bench(
                widest=int(children.max(initial=0)),
                streams=len(scenario.streams),
                logs=bool(watch),
            )
            for _ in self._chunks.visits
        ]

    def replay(self, start_ns: int, end_ns: int, packets: Packets, edits: Sequence[Edit]) -> None:
        """Carry the packets of [start_ns, end_ns) under its edits; see `Engine`."""
        self._services.reach(packets.largest_bytes)
        line_changes, relay_changes = changes(
            edits, self._network, self._services, self._losses, self._dead
        )
        pools = [bench.new[: bench.used[0]] for bench in self._benches]
        flow = self._alive.take(packets, pools, self._services.table_ns)
        self._benches = [
            benches.with_order(benches.turned_over(bench), packets.sealed)
            for bench in self._benches
        ]
        self._end_ns = end_ns

        def go_up(chunk: int) -> None:
            visits, bench = self._chunks.visits[chunk], self._benches[chunk]
            position = 0
            while position < visits.size:
                position = rise(
                    visits, position, start_ns, end_ns, self._tree, self._lines, self._chains,
                    self._losses.tables, self._ups, flow, line_changes, self._counts, bench,
                )  # fmt: skip
                if position < visits.size:
                    bench = self._enough_up(bench, int(visits[position]), flow)
            position = visits.size - 1
            while position >= 0:
                position = walk_up(
                    visits, position, start_ns, end_ns, self._tree, self._lines, self._chains,
                    self._losses.tables, self._ups, flow, line_changes, self._counts, bench,
                )  # fmt: skip
                if position >= 0:
                    bench = self._enough_up(bench, int(visits[position]), flow)
            self._benches[chunk] = bench

        def go_down(chunk: int) -> None:
            visits, bench = self._chunks.visits[chunk], self._benches[chunk]
            position = 0
            while position < visits.size:
                position = walk_down(
                    visits, position, start_ns, end_ns, self._tree, self._lines, self._relays,
                    self._egresses, self._chains, self._losses.tables, self._ups,
                    flow, line_changes, relay_changes, self._copies, self._counts, bench,
                )  # fmt: skip
                if position < visits.size:
                    bench = self._enough_down(bench, int(visits[position]))
            self._benches[chunk] = bench

        self._each_chunk(go_up)
        self._hand_runs_to_crown()
        go_up(0)
        self._make_room_for_copies(flow, len(edits))
        go_down(0)
        self._each_chunk(go_down)
        self._histograms.add_up()

    def pending(self) -> int:
        """Return how many packets and copies are not decided yet; see `Engine`."""
        network, tree = self._network, self._tree
        lines, relays, egresses = self._lines, self._relays, self._egresses
        waiting = int(self._ups.held.sum())
        for d in np.flatnonzero(lines.carried).tolist():
            rows = self._rows(d % tree.relay.size, lines.carried_at[d], lines.carried[d])
            waiting += int((rows[:, 0] >= 0).sum())
        for s in np.flatnonzero(relays.carried).tolist():
            fed = range(*network.site_egress_first[s : s + 2])
            for packet in self._rows(s, relays.carried_at[s], relays.carried[s])[:, 0]:
                origin = self._alive.origin_going_down(int(packet), tree.floor)
                for e in fed:
                    first, last = network.child_first[e : e + 2]
                    waiting += int(last - first)
                    waiting -= origin > 0 and not tree.relay[origin] and network.feed[origin] == e
        for e in np.flatnonzero(egresses.carried).tolist():
            s = int(network.egress_site[e])
            rows = self._rows(s, egresses.carried_at[e], egresses.carried[e])
            packet, base_ns, step_ns, low, high = rows.T
            sent = np.clip(-((base_ns - self._end_ns) // np.maximum(step_ns, 1)), low, high)
            waiting += int((high - sent)[packet >= 0].sum())
        return waiting

    def met_abreast(self) -> dict[str, int]:
        """Return what the lines that were replayed abreast have met so far, by its name."""
        met = np.sum([bench.met for bench in self._benches], axis=0)
        return {each.name: int(met[each]) for each in arrays.Abreast}

    def _rows(self, site: int, first: int, count: int) -> Int64Array:
        """Return rows that the bench of a site carries on."""
        bench: arrays.Bench = self._benches[self._chunks.chunk[site]]
        return bench.new[first : first + count]

    def fates(self) -> FateLog:
        """Return the decided fates at the watched sites; see `Engine`."""
        log = np.concatenate([bench.log[: bench.used[1]] for bench in self._benches])
        hop, packet, fate, at_ns = log.T
        return FateLog(hop=hop, packet=packet, fate=fate, at_ns=at_ns)

    def _each_chunk(self, replay: Callable[[int], None]) -> None:
        """Replay all chunks but the crown."""
        others = range(1, len(self._benches))
        if self._threads == 1:
            for chunk in others:
                replay(chunk)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(replay, others))

    def _hand_runs_to_crown(self) -> None:
        """Copy what the chunks pass on to relays of the crown onto the crown's bench."""
        crown, ups = self._chunks.visits[0], self._ups
        passing = np.flatnonzero((ups.run > 0) & np.isin(self._network.parent, crown))
        if not passing.size:
            return
        rows = [
            self._benches[self._chunks.chunk[s]].runs[ups.run_at[s] : ups.run_at[s] + ups.run[s]]
            for s in passing
        ]
        count = int(ups.run[passing].sum())
        bench = benches.enlarged(self._benches[0], new=0, log=0, runs=count)
        bench.runs[:count] = np.concatenate(rows)
        bench.used[2] = count
        ups.run_at[passing] = np.cumsum(ups.run[passing]) - ups.run[passing]
        self._benches[0] = bench

    def _make_room_for_copies(self, flow: arrays.Flow, edits: int) -> None:
        """Make benches and copies wide enough for every packet alive that goes down."""
        alive = int(np.count_nonzero(self._tree.goes_down[flow.stream[flow.sent :]]))
        alive += int(np.diff(flow.origin_first)[self._tree.sends_down | self._tree.speaker].sum())
        self._histograms.check(alive)
        # A packet may have two rows and split a third; as many may be of others, and what waits.
        rows = 6 * alive + int(self._egresses.carried.max(initial=0)) + edits + 1
        rows += 2 * self._tree.most_others
        if rows > self._copies.packet.shape[1]:
            self._copies = benches.new_copies(self._chunks.slots, rows + rows // 4)
        wide = alive + 2 * self._tree.most_others
        self._benches = [benches.widened(bench, wide) for bench in self._benches]

    def _enough_up(self, bench: arrays.Bench, site: int, flow: arrays.Flow) -> arrays.Bench:
        """Return the bench with room enough for the up line of `site`."""
        network, n = self._network, self._tree.relay.size
        children = np.flatnonzero(network.parent == site)
        packets = int(np.diff(flow.origin_first[site : site + 2])[0])
        packets += int(self._ups.run[children].sum() + self._ups.held[site])
        packets += int(self._lines.carried[n + site]) + 2 * self._tree.most_others
        bench = benches.widened(bench, packets)
        return benches.enlarged(bench, new=2 * packets, log=3 * packets, runs=packets)

    def _enough_down(self, bench: arrays.Bench, site: int) -> arrays.Bench:
        """Return the bench with room enough to go on down at `site`."""
        network, capacity = self._network, self._copies.packet.shape[1]
        egresses = slice(*network.site_egress_first[site : site + 2])
        children = int(np.diff(network.child_first)[egresses].sum())
        if site:
            offered = int(self._copies.rows[self._tree.slot[network.feed[site]]])
            bench = benches.with_board(bench, offered + int(self._lines.carried.max()))
        rows = capacity * (2 + egresses.stop - egresses.start)
        return benches.enlarged(bench, new=rows, log=capacity * (2 + children), runs=0)
