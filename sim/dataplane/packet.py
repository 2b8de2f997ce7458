"""The packet engine: compiled kernels over integer arrays, for whole countries.

One row of copies serves all siblings; lines to leaves store no packets but those undecided at a
span's end. See `walk` for the order and `arrays` for what is where.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.chunks import cut
from sim.dataplane.edit import (
    Edit,
    FailLine,
    FailRelay,
    FailRoom,
    RestoreLine,
    RestoreRelay,
    RestoreRoom,
    SetEgressRate,
    SetLineLoss,
    SetLineRate,
)
from sim.dataplane.kernels import arrays
from sim.dataplane.kernels.loss import loss_table, start_chains
from sim.dataplane.kernels.policer import full_buckets
from sim.dataplane.kernels.relay import NO_INTERFACE
from sim.dataplane.kernels.walk import walk
from sim.dataplane.tally import FateLog, Tally
from sim.media.packets import Packets
from sim.network.transmitter import drain_ns, send_ns
from sim.network.tree import Network
from sim.scenario.model import Direction, Egress, Loss, Scenario

Int64Array = NDArray[np.int64]

PLAIN_KINDS = {
    FailLine: arrays.LINE_DOWN,
    RestoreLine: arrays.LINE_UP,
    FailRoom: arrays.ROOM_DOWN,
    RestoreRoom: arrays.ROOM_UP,
}
Change = tuple[int, int, int, int, int, int]  # target, at_ns, kind, a, b, c


def full_ns(port: Direction | Egress, rate_bps: int, overhead_ns: int) -> int:
    """Return how long the full buffer of a line or egress takes to send at a rate."""
    return drain_ns(
        rate_bps=rate_bps,
        buffer_bytes=port.buffer_bytes,
        mtu_bytes=port.mtu_bytes,
        overhead_ns=overhead_ns,
    )


class Services:
    """The distinct ways to send a packet, numbered as they come up."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], int] = {}

    def row(self, rate_bps: int, overhead_ns: int) -> int:
        """Return the number of a rate and overhead."""
        return self._rows.setdefault((rate_bps, overhead_ns), len(self._rows))

    def table(self, size_bytes: Int64Array) -> Int64Array:
        """Return the ns each size takes under each row, shape (rows, sizes)."""
        if not self._rows:
            return np.empty((1, size_bytes.size), dtype=np.int64)
        return np.stack(
            [
                send_ns(size_bytes, rate_bps=rate_bps, overhead_ns=overhead_ns)
                for rate_bps, overhead_ns in self._rows
            ]
        )


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
        self.tally = Tally.zeros(n, e)
        self._counts = arrays.Counts(
            line=self.tally.line,
            line_delay=self.tally.line_delay,
            room=self.tally.room,
            room_delay=self.tally.room_delay,
            egress=self.tally.egress,
        )
        chunks = cut(network, threads=threads)
        self._visits, self._slots = chunks.visits, chunks.slots
        watched = np.zeros(n, dtype=np.bool_)
        watched[list(watch)] = True
        self._tree = arrays.Tree(
            feed=network.feed,
            rank=network.rank,
            relay=network.relay,
            room=network.room,
            watched=watched,
            processing_ns=network.processing_ns,
            propagation_ns=network.propagation_ns,
            site_egress_first=network.site_egress_first,
            child_first=network.child_first,
            children=network.children,
            slot=chunks.slot,
            dark_after_ns=scenario.dark_after_ns,
        )
        self._services = Services()
        self._loss_rows: dict[Loss, int] = {}
        self._tables: list[NDArray[np.float64]] = []
        self._lines, self._egresses = self._new_lines(), self._new_egresses()
        self._relays = arrays.Relays(
            up=np.ones(n, dtype=np.bool_),
            carried_at=np.zeros(n, dtype=np.int64),
            carried=np.zeros(n, dtype=np.int64),
        )
        self._chains = self._new_chains()
        # The packets alive: those from number `_first_alive` on.
        self._first_alive = 0
        self._sent_ns = np.empty(0, dtype=np.int64)
        self._size_bytes = np.empty(0, dtype=np.int64)
        self._end_ns = 0
        self._copies = self._new_copies(0)
        self._benches = [self._new_bench() for _ in self._visits]

    def replay(self, start_ns: int, end_ns: int, packets: Packets, edits: Sequence[Edit]) -> None:
        """Carry the packets of [start_ns, end_ns) under its edits; see `Engine`."""
        line_changes, relay_changes = self._changes(edits)
        flow = self._flow(packets)
        capacity = flow.sent_ns.size + int(self._egresses.carried.max(initial=0)) + len(edits) + 1
        if capacity > self._copies.packet.shape[1]:
            capacity *= 2
            self._copies = self._new_copies(capacity)
        else:
            capacity = self._copies.packet.shape[1]
        tables = self._loss_tables()
        self._end_ns = end_ns

        def visit(chunk: int) -> None:
            visits = self._visits[chunk]
            bench = self._turn_over(self._benches[chunk], capacity)
            position = 0
            while True:
                position = walk(
                    visits, position, start_ns, end_ns,
                    self._tree, self._lines, self._relays, self._egresses, self._chains, tables,
                    flow, line_changes, relay_changes, self._copies, self._counts, bench,
                )  # fmt: skip
                if position == visits.size:
                    break
                bench = self._enlarge(bench, int(visits[position]))
            self._benches[chunk] = bench

        visit(0)
        others = range(1, len(self._visits))
        if self._threads == 1:
            for chunk in others:
                visit(chunk)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(visit, others))

    def pending(self) -> int:
        """Return how many packets and copies are not decided yet; see `Engine`."""
        network = self._network
        copies = np.zeros(len(network.sites), dtype=np.int64)
        np.add.at(copies, network.egress_site, np.diff(network.child_first))
        waiting = int(self._lines.carried.sum() + (copies * self._relays.carried).sum())
        chunk_of = np.empty(len(network.sites), dtype=np.int64)
        for chunk, visits in enumerate(self._visits):
            chunk_of[visits] = chunk
        for e in np.flatnonzero(self._egresses.carried):
            pool = self._benches[chunk_of[network.egress_site[e]]].new
            first = self._egresses.carried_at[e]
            _, base_ns, step_ns, low, high = pool[first : first + self._egresses.carried[e]].T
            sent = np.clip(-((base_ns - self._end_ns) // step_ns), low, high)
            waiting += int((high - sent).sum())
        return waiting

    def fates(self) -> FateLog:
        """Return the decided fates at the watched sites; see `Engine`."""
        log = np.concatenate([bench.log[: bench.used[1]] for bench in self._benches])
        site, packet, fate, at_ns = log.T
        return FateLog(site=site, packet=packet, fate=fate, at_ns=at_ns)

    def _new_lines(self) -> arrays.Lines:
        """Return every line up, idle and empty."""
        n = len(self._network.sites)
        service, drain_ns = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        for s, line in enumerate(self._network.lines):
            if line is not None:
                rate_bps = line.down.rate_bps
                service[s] = self._services.row(rate_bps, 0)
                drain_ns[s] = full_ns(line.down, rate_bps, 0)
        return arrays.Lines(
            up=np.ones(n, dtype=np.bool_),
            service=service,
            drain_ns=drain_ns,
            free_ns=np.zeros(n, dtype=np.int64),
            buckets=full_buckets(self._network.lines),
            accepted=np.zeros(n, dtype=np.int64),
            carried_at=np.zeros(n, dtype=np.int64),
            carried=np.zeros(n, dtype=np.int64),
            room_up=np.ones(n, dtype=np.bool_),
            fed=np.ones(n, dtype=np.bool_),
        )

    def _new_egresses(self) -> arrays.Egresses:
        """Return every egress idle and empty."""
        e = len(self._network.egresses)
        service, drain_ns = np.full(e, NO_INTERFACE, dtype=np.int64), np.zeros(e, dtype=np.int64)
        for i, egress in enumerate(self._network.egresses):
            if egress.rate_bps:
                rate_bps, overhead_ns = egress.rate_bps, egress.overhead_ns
                service[i] = self._services.row(rate_bps, overhead_ns)
                drain_ns[i] = full_ns(egress, rate_bps, overhead_ns)
        return arrays.Egresses(
            service=service,
            drain_ns=drain_ns,
            free_ns=np.zeros(e, dtype=np.int64),
            carried_at=np.zeros(e, dtype=np.int64),
            carried=np.zeros(e, dtype=np.int64),
        )

    def _new_chains(self) -> arrays.Chains:
        """Return every loss chain with its first draws made."""
        n = len(self._network.sites)
        row = np.zeros(n, dtype=np.int64)
        self._loss_row(Loss(p=0.0, r=1.0, bad=0.0, good=0.0))
        for s, line in enumerate(self._network.lines):
            if line is not None:
                row[s] = self._loss_row(line.down.loss)
        chains = arrays.Chains(
            row=row,
            bad=np.zeros(n, dtype=np.bool_),
            next_loss=np.zeros(n, dtype=np.int64),
            next_switch=np.zeros(n, dtype=np.int64),
            gap_index=np.zeros(n, dtype=np.int64),
            state_index=np.zeros(n, dtype=np.int64),
            gap_key=self._network.loss_gap_key,
            state_key=self._network.loss_state_key,
        )
        start_chains(chains, self._loss_tables())
        return chains

    def _loss_row(self, loss: Loss) -> int:
        return self._loss_rows.setdefault(loss, len(self._loss_rows))

    def _loss_tables(self) -> NDArray[np.float64]:
        """Return the tables of all loss processes so far, shape (rows, 4, POWERS + 1)."""
        while len(self._tables) < len(self._loss_rows):
            self._tables.append(loss_table(list(self._loss_rows)[len(self._tables)]))
        return np.stack(self._tables)

    def _flow(self, packets: Packets) -> arrays.Flow:
        """Return the packets of this span behind those still undecided."""
        undecided = [bench.new[: bench.used[0], 0] for bench in self._benches]
        first = min([packets.first, *(int(rows.min()) for rows in undecided if rows.size)])
        kept = slice(first - self._first_alive, None)
        self._first_alive = first
        self._sent_ns = np.concatenate([self._sent_ns[kept], packets.sent_ns])
        self._size_bytes = np.concatenate([self._size_bytes[kept], packets.size_bytes])
        return arrays.Flow(
            first=first,
            new=packets.first - first,
            sent_ns=self._sent_ns,
            size_bytes=self._size_bytes,
            service_ns=self._services.table(self._size_bytes),
        )

    def _changes(self, edits: Sequence[Edit]) -> tuple[arrays.Changes, arrays.Changes]:
        """Return a span's edits as changes to lines and to relays."""
        network = self._network
        lines: list[Change] = []
        relays: list[Change] = []
        for edit in edits:
            at_ns, target = edit.at_ns, edit.target
            match edit:
                case FailRelay() | RestoreRelay() if not network.relay[target]:
                    pass  # a leaf has no relay
                case FailRelay():
                    relays.append((target, at_ns, arrays.RELAY_DOWN, 0, 0, 0))
                    lines.append((target, at_ns, arrays.UNFED, 0, 0, 0))
                    for e in range(*network.site_egress_first[target : target + 2]):
                        children = network.children[slice(*network.child_first[e : e + 2])]
                        lines += [
                            (int(child), at_ns, arrays.UNSENT_DIES, 0, 0, 0) for child in children
                        ]
                case RestoreRelay():
                    relays.append((target, at_ns, arrays.RELAY_UP, 0, 0, 0))
                    lines.append((target, at_ns, arrays.FED, 0, 0, 0))
                case SetEgressRate(rate_bps=rate_bps):
                    egress = network.egresses[target]
                    if not egress.rate_bps:
                        continue  # there is no interface to slow down
                    row = self._services.row(rate_bps, egress.overhead_ns)
                    drain_ns = full_ns(egress, rate_bps, egress.overhead_ns)
                    site = int(network.egress_site[target])
                    relays.append((site, at_ns, arrays.EGRESS_RATE, target, row, drain_ns))
                case SetLineRate(rate_bps=rate_bps):
                    line = network.lines[target]
                    assert line is not None, "the root has no line"
                    row = self._services.row(rate_bps, 0)
                    drain_ns = full_ns(line.down, rate_bps, 0)
                    lines.append((target, at_ns, arrays.LINE_RATE, row, drain_ns, 0))
                case SetLineLoss(loss=loss):
                    lines.append((target, at_ns, arrays.LINE_LOSS, self._loss_row(loss), 0, 0))
                case _:
                    lines.append((target, at_ns, PLAIN_KINDS[type(edit)], 0, 0, 0))
        return self._by_target(lines), self._by_target(relays)

    def _by_target(self, changes: list[Change]) -> arrays.Changes:
        """Return changes by target; those of one target stay in order."""
        changes.sort(key=lambda change: change[0])
        table = np.array(changes, dtype=np.int64).reshape(-1, 6)
        per_site = np.bincount(table[:, 0], minlength=len(self._network.sites))
        at_ns, kind, a, b, c = np.ascontiguousarray(table[:, 1:].T)
        first = np.concatenate([[0], np.cumsum(per_site)])
        return arrays.Changes(first=first, at_ns=at_ns, kind=kind, a=a, b=b, c=c)

    def _new_copies(self, capacity: int) -> arrays.Copies:
        columns = np.zeros((5, self._slots, capacity), dtype=np.int64)
        return arrays.Copies(np.zeros(self._slots, dtype=np.int64), *columns)

    def _turn_over(self, bench: arrays.Bench, capacity: int) -> arrays.Bench:
        """Return a bench on which what was carried out of the last span is carried in."""
        new = bench.old
        if new.shape[0] < bench.used[0] + 4 * capacity:
            new = np.empty((2 * bench.used[0] + 8 * capacity, arrays.ROW_FIELDS), dtype=np.int64)
        bench.used[0] = 0
        if bench.packet.size < capacity:
            bench = bench._replace(
                packet=np.empty(capacity, dtype=np.int64),
                offered_ns=np.empty(capacity, dtype=np.int64),
                arrival_ns=np.empty(capacity, dtype=np.int64),
                queue=np.empty((capacity, arrays.LINE_FIELDS), dtype=np.int64),
                processing=np.empty((capacity, 2), dtype=np.int64),
            )
        return bench._replace(old=bench.new, new=new)

    def _enlarge(self, bench: arrays.Bench, site: int) -> arrays.Bench:
        """Return the bench with room enough to go on at `site`."""
        network, capacity = self._network, bench.packet.size
        egresses = slice(*network.site_egress_first[site : site + 2])
        children = int(np.diff(network.child_first)[egresses].sum())
        rows = bench.used[0] + capacity * (2 + egresses.stop - egresses.start)
        fates = bench.used[1] + capacity * (2 + children) if self._tree.watched.any() else 0
        return bench._replace(
            new=grown(bench.new, int(bench.used[0]), int(rows)),
            log=grown(bench.log, int(bench.used[1]), int(fates)),
        )

    def _new_bench(self) -> arrays.Bench:
        log_rows = 1 if self._tree.watched.any() else 0
        return arrays.Bench(
            packet=np.empty(0, dtype=np.int64),
            offered_ns=np.empty(0, dtype=np.int64),
            arrival_ns=np.empty(0, dtype=np.int64),
            queue=np.empty((0, arrays.LINE_FIELDS), dtype=np.int64),
            processing=np.empty((0, 2), dtype=np.int64),
            old=np.empty((0, arrays.ROW_FIELDS), dtype=np.int64),
            new=np.empty((0, arrays.ROW_FIELDS), dtype=np.int64),
            log=np.empty((log_rows, 4), dtype=np.int64),
            used=np.zeros(2, dtype=np.int64),
        )


def grown(rows: Int64Array, used: int, needed: int) -> Int64Array:
    """Return `rows` itself if it has `needed` rows, else twice that many with the used ones."""
    if rows.shape[0] >= needed:
        return rows
    larger = np.empty((2 * needed, rows.shape[1]), dtype=np.int64)
    larger[:used] = rows[:used]
    return larger
