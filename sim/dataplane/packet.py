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
from sim.dataplane.changes import Changes
from sim.dataplane.chunks import cut
from sim.dataplane.edit import Edit, UseLine
from sim.dataplane.flow import Alive
from sim.dataplane.histograms import Histograms
from sim.dataplane.initial import new_egresses, new_lines, new_tree
from sim.dataplane.kernels import arrays
from sim.dataplane.kernels.abreast import rise
from sim.dataplane.kernels.background import QUIET
from sim.dataplane.kernels.up import walk_unused, walk_up
from sim.dataplane.kernels.walk import DRAINED_NS, walk_down
from sim.dataplane.lodgings import Lodgings, exchange, of_lines
from sim.dataplane.losses import LossTables, new_chains
from sim.dataplane.services import Services
from sim.dataplane.tally import FateLog, Tally
from sim.lanes import LANES
from sim.media.packets import Packets
from sim.network.layout import first_layout, lay_out
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
            backups=len(network.backups),
        )
        self._layout = first_layout(network)
        self._chunks = cut(network, self._layout, threads=threads)
        self._histograms = self._new_histograms()
        self._counts = self._new_counts(self.tally.line)
        self._services, self._losses = Services(), LossTables()
        self._lodgings = Lodgings(network)
        self._changes = Changes(
            network, self._lodgings, self._services, self._losses, streams=len(scenario.streams)
        )
        self._lines = new_lines(scenario, network, self._services)
        self._egresses = new_egresses(scenario, network, self._services)
        self._tree = new_tree(
            scenario, network, self._layout, self._chunks, self._histograms, watch
        )
        self._chains = new_chains(network, self._losses)
        self._relays = arrays.Relays(
            up=np.ones(n, dtype=np.bool_),
            passes=np.zeros(n, dtype=np.int64),
            carried_at=np.zeros(n, dtype=np.int64),
            carried=np.zeros(n, dtype=np.int64),
        )
        self._ups = arrays.Ups(*np.zeros((4, n), dtype=np.int64))
        self._alive = Alive(n)
        self._end_ns = 0
        self._moved = False
        self._dark: list[Int64Array] = []
        # A packet may come to a site once from each parent that it has had.
        self._parents = [{int(above)} for above in network.parent]
        self._times = 1
        self._child_down = np.array(
            [network.down(line) for line in network.child_line.tolist()], dtype=np.int64
        )
        self._copies = benches.new_copies(self._chunks.slots, 0)
        children = np.bincount(network.line_parent[1:], minlength=n)
        self._widest, self._streams = int(children.max(initial=0)), len(scenario.streams)
        self._logs = bool(watch)
        self._benches = [self._new_bench() for _ in self._chunks.visits]

    def _new_bench(self) -> arrays.Bench:
        return benches.new_bench(widest=self._widest, streams=self._streams, logs=self._logs)

    def _new_histograms(self) -> Histograms:
        network = self._network
        return Histograms(network.grouping, self._chunks.chunk, network.direction_site, self.tally)

    def _new_counts(self, line: Int64Array) -> arrays.Counts:
        """Return what kernels count in; `line` has the counts of the direction in each row."""
        return arrays.Counts(
            line=line,
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

    def replay(self, start_ns: int, end_ns: int, packets: Packets, edits: Sequence[Edit]) -> None:
        """Carry the packets of [start_ns, end_ns) under its edits; see `Engine`."""
        self._services.reach(packets.largest_bytes)
        self._move([edit for edit in edits if isinstance(edit, UseLine)], start_ns)
        line_changes, relay_changes = self._changes.of(edits)
        if len(self._tree.passes) < len(self._changes.passes):
            self._tree = self._tree._replace(passes=self._changes.passes)
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
                    bench = self._enough_down(
                        bench,
                        int(visits[position]),
                        span_ns=end_ns - start_ns,
                        edits=line_changes.at_ns.size,
                    )
            self._benches[chunk] = bench

        self._replay_unused(start_ns, end_ns, flow, line_changes)
        self._each_chunk(go_up)
        self._hand_runs_to_crown()
        go_up(0)
        self._make_room_for_copies(flow, len(edits))
        go_down(0)
        self._each_chunk(go_down)
        self._histograms.add_up()
        self._forget_orphans()
        for bench in self._benches:
            self._dark.append(bench.dark[: bench.used[3]].copy())
            bench.used[3] = 0
        if self._moved:
            self.tally.line = self._counts.line[self._lodgings.row]

    def _move(self, moves: Sequence[UseLine], start_ns: int) -> None:
        """Have sites use other lines from the beginning of a span on.

        Raises
        ------
        ValueError
            If it is not at the beginning, or a site moves twice.
        """
        if not moves:
            return
        late = [edit for edit in moves if edit.at_ns != start_ns]
        if late or len({edit.target for edit in moves}) < len(moves):
            raise ValueError(f"a site can use another line once, as a span begins: {moves}")
        network, tree, lodgings = self._network, self._tree, self._lodgings
        self._gather_pools()
        self._moved = True
        self._counts = self._counts._replace(line=self._counts.line.copy())
        grown = False
        for edit in moves:
            s = edit.target
            old = int(self._changes.place[s])
            tree.orphan[old] = True
            pairs = lodgings.use(s, edit.line)
            rows = of_lines(self._lines, self._chains)
            rows += [tree.hop, tree.plain, tree.propagation_ns, self._counts.line]
            exchange(pairs, rows)
            tree.feed[s] = edit.egress
            first, last = network.child_first[edit.egress : edit.egress + 2]
            tree.rank[s] = network.child_line[first:last].tolist().index(edit.line)
            tree.orphan[first + tree.rank[s]] = False
            tree.parent[s] = network.line_parent[edit.line]
            if tree.parent[s] not in self._parents[s]:
                self._parents[s].add(int(tree.parent[s]))
                tree.mixed[0] |= network.relay[s]
                grown = True
            if tree.gates.stopping[tree.parent[s]]:
                tree.plain[len(network.sites) + s] = False
        tree.child_row[:] = lodgings.row[self._child_down]
        if grown:
            self._times = most_times(self._parents, network.tier)
        self._lay_out()

    def _lay_out(self) -> None:
        """Put the sites in order as they hang together now."""
        network = self._network
        self._layout = lay_out(self._tree.parent)
        self._chunks = cut(network, self._layout, threads=self._threads)
        if network.grouping.shared:
            self._histograms = self._new_histograms()
            self._counts = self._new_counts(self._counts.line)
        line_row = self._histograms.line_row
        self._tree = self._tree._replace(
            chunk=self._chunks.chunk,
            place=self._layout.place,
            end=self._layout.end,
            slot=self._chunks.slot,
            line_histogram=line_row[self._lodgings.hop],
            room_histogram=self._histograms.room_row,
        )
        self._count_orphans()
        if self._chunks.slots > self._copies.rows.size:
            self._copies = benches.new_copies(self._chunks.slots, self._copies.packet.shape[1])
        while len(self._benches) < len(self._chunks.visits):
            bench = self._new_bench()
            first = self._benches[0]
            self._benches.append(bench._replace(new=first.new.copy()))
            self._benches[-1].used[0] = first.used[0]

    def _gather_pools(self) -> None:
        """Give all benches all that is carried: after a move any may have to do with any site."""
        network, chunk = self._network, self._chunks.chunk
        used = np.array([bench.used[0] for bench in self._benches])
        pool = np.concatenate(
            [bench.new[:count] for bench, count in zip(self._benches, used, strict=True)]
        )
        begins = np.cumsum(used) - used
        of_rows = np.zeros(network.kind.size, dtype=np.int64)
        of_rows[: 2 * chunk.size] = np.tile(chunk, 2)
        self._lines.carried_at[:] += begins[of_rows]
        self._relays.carried_at[:] += begins[chunk]
        self._ups.held_at[:] += begins[chunk]
        self._egresses.carried_at[:] += begins[chunk[network.egress_site]]
        for number, bench in enumerate(self._benches):
            self._benches[number] = bench._replace(new=pool.copy())
            bench.used[0] = len(pool)

    def _replay_unused(
        self, start_ns: int, end_ns: int, flow: arrays.Flow, changes: arrays.Changes
    ) -> None:
        """Replay the directions that no site uses and that something happens to."""
        own = 2 * len(self._network.sites)
        busy = self._lines.others.kind[own:] != QUIET
        busy |= np.diff(changes.first)[own:] > 0
        busy |= self._lines.carried[own:] > 0
        rows = own + np.flatnonzero(busy)
        position, bench = 0, self._benches[0]
        while position < rows.size:
            position = walk_unused(
                rows, position, start_ns, end_ns, self._tree, self._lines, self._chains,
                self._losses.tables, flow, changes, self._counts, bench,
            )  # fmt: skip
            if position < rows.size:
                wide = int(self._lines.carried[rows[position]]) + 2 * self._tree.most_others
                bench = benches.widened(bench, wide)
                bench = benches.enlarged(bench, new=2 * wide, log=3 * wide, runs=0)
        self._benches[0] = bench

    def _count_orphans(self) -> None:
        tree = self._tree
        places = np.flatnonzero(tree.orphan)
        egress = np.searchsorted(tree.child_first, places, side="right") - 1
        tree.orphans[:] = np.bincount(egress, minlength=tree.orphans.size)

    def _forget_orphans(self) -> None:
        """Look no more for copies for lines whose egress has none left."""
        tree = self._tree
        for place in np.flatnonzero(tree.orphan).tolist():
            e = int(np.searchsorted(tree.child_first, place, side="right")) - 1
            rank, s = place - int(tree.child_first[e]), int(tree.owner[e])
            rows = self._rows(s, int(self._egresses.carried_at[e]), int(self._egresses.carried[e]))
            waiting = (rows[:, 0] >= 0) & (rows[:, 3] <= rank) & (rank < rows[:, 4])
            tree.orphan[place] = bool(waiting.any())
        self._count_orphans()

    def pending(self) -> int:
        """Return how many packets and copies are not decided yet; see `Engine`."""
        network, tree = self._network, self._tree
        lines, relays, egresses = self._lines, self._relays, self._egresses
        waiting = int(self._ups.held.sum())
        for d in np.flatnonzero(lines.carried).tolist():
            site = d % tree.relay.size if d < 2 * tree.relay.size else 0
            rows = self._rows(site, lines.carried_at[d], lines.carried[d])
            waiting += int((rows[:, 0] >= 0).sum())
        waiting += int(relays.carried.sum())
        for e in np.flatnonzero(egresses.carried).tolist():
            s = int(network.egress_site[e])
            rows = self._rows(s, egresses.carried_at[e], egresses.carried[e])
            packet, base_ns, step_ns, low, high = rows.T
            sent = np.clip(-((base_ns - self._end_ns) // np.maximum(step_ns, 1)), low, high)
            waiting += int((high - sent)[packet >= 0].sum())
        return waiting

    def dark(self) -> Int64Array:
        """Return the dark intervals of rooms that are over; see `Engine`."""
        rows = np.concatenate([np.empty((0, benches.DARK_FIELDS), dtype=np.int64), *self._dark])
        self._dark = [rows]
        return rows[np.lexsort((rows[:, 2], rows[:, 0], rows[:, 1]))]

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
        others = range(1, len(self._chunks.visits))
        if self._threads == 1:
            for chunk in others:
                replay(chunk)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(replay, others))

    def _hand_runs_to_crown(self) -> None:
        """Copy what the chunks pass on to relays of the crown onto the crown's bench."""
        crown, ups = self._chunks.visits[0], self._ups
        passing = np.flatnonzero((ups.run > 0) & np.isin(self._layout.parent, crown))
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
        alive *= self._times
        self._histograms.check(alive)
        # A packet may have a row for each run of children, and split another; as many may be of
        # others, and what waits.
        rows = 3 * self._most_runs(edits) * alive + edits + 1
        rows += int(self._egresses.carried.max(initial=0))
        rows += 2 * self._tree.most_others
        if rows > self._copies.packet.shape[1]:
            self._copies = benches.new_copies(self._chunks.slots, rows + rows // 4)
        if self._tree.mixed[0]:
            # What ends at the root stands in its inbox too.
            alive += int(self._ups.run[self._layout.parent == 0].sum())
        wide = alive + 2 * self._tree.most_others
        self._benches = [benches.widened(bench, wide) for bench in self._benches]

    def _most_runs(self, edits: int) -> int:
        """Return at most how many runs of children that get a copy an egress may have in a span.

        Each edit may split one; who has sent a packet gets none, and splits another.
        """
        tree = self._tree
        begins = tree.serves & ~np.append(False, tree.serves[:-1])
        runs = np.add.reduceat(np.append(begins, False), tree.child_first[:-1], dtype=np.int64)
        most = int(runs[np.diff(tree.child_first) > 0].max(initial=0)) + 1
        widest = int(np.diff(tree.child_first).max(initial=0))
        return min(most + edits, widest + 1) + 1

    def _enough_up(self, bench: arrays.Bench, site: int, flow: arrays.Flow) -> arrays.Bench:
        """Return the bench with room enough for the up line of `site`."""
        n = self._tree.relay.size
        children = np.flatnonzero(self._layout.parent == site)
        packets = int(np.diff(flow.origin_first[site : site + 2])[0])
        packets += int(self._ups.run[children].sum() + self._ups.held[site])
        packets += int(self._lines.carried[n + site]) + 2 * self._tree.most_others
        bench = benches.widened(bench, packets)
        return benches.enlarged(bench, new=2 * packets, log=3 * packets, runs=packets)

    def _enough_down(
        self, bench: arrays.Bench, site: int, *, span_ns: int, edits: int
    ) -> arrays.Bench:
        """Return the bench with room enough to go on down at `site`, in a span with some edits."""
        network, capacity = self._network, self._copies.packet.shape[1]
        egresses = slice(*network.site_egress_first[site : site + 2])
        children = int(np.diff(network.child_first)[egresses].sum())
        if site:
            offered = int(self._copies.rows[self._tree.slot[self._tree.feed[site]]])
            bench = benches.with_board(bench, offered + int(self._lines.carried.max()))
        # Of a copy that is left for nobody the log may hear as of one for a child.
        rows = capacity * (2 + egresses.stop - egresses.start)
        wide = bench.packet.size + bench.board.packet.size + 2
        dark = min(span_ns, DRAINED_NS) // (self._tree.dark_after_ns + 1) + 2
        dark = LANES * min(dark, wide) + edits
        return benches.enlarged(bench, new=rows, log=capacity * (2 + children), runs=0, dark=dark)


def most_times(parents: Sequence[set[int]], tier: Int64Array) -> int:
    """Return how often one packet may come to a site, by the parents that each site has had."""
    times = [1] * len(parents)
    for s in np.argsort(tier, kind="stable")[1:].tolist():
        times[s] = sum(times[above] for above in parents[s])
    return max(times)
