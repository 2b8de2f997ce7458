"""Kernels on a tree of a root and its children, with arrays made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.compiled import entry
from sim.dataplane.bench import enlarged, new_bench, new_copies, turned_over, widened
from sim.dataplane.kernels import arrays
from sim.dataplane.kernels.arrival import NO_ROOM
from sim.dataplane.kernels.background import quiet_backgrounds, start_backgrounds
from sim.dataplane.kernels.line import carry_line
from sim.dataplane.kernels.loss import loss_table, start_chains
from sim.dataplane.kernels.policer import full_buckets
from sim.dataplane.kernels.relay import carry_relay
from sim.dataplane.tally import Tally
from sim.grouping import alone
from sim.media.kernels.arrays import FIRST, LAST, no_mail
from sim.scenario.model import FOREVER_NS, Background, Loss
from tests.dataplane.ticks import Edit, Offer

KEY = (7, 11)
SIZES = 6  # packets are smaller than this, bytes
CAPACITY = 400  # rows; far more than the rehearsals here need
UNTOUCHED = -9
LINE_KINDS = {
    "down": arrays.LINE_DOWN,
    "up": arrays.LINE_UP,
    "unsent": arrays.UNSENT_DIES,
    "rate": arrays.LINE_RATE,
}
RELAY_KINDS = {
    "unsent": arrays.RELAY_DOWN,
    "up": arrays.RELAY_UP,
    "rate": arrays.EGRESS_RATE,
}


@entry
def carry(d, slot, rank, room, start, end, tree, lines, chains, tables, flow, changes, copies, counts, bench):  # noqa: E501  # fmt: skip
    """Let Python call `carry_line`."""
    return carry_line(
        d, slot, rank, room, start, end,
        tree, lines, chains, tables, flow, changes, copies, counts, bench,
    )  # fmt: skip


@entry
def relay(s, arrived, start, end, tree, relays, egresses, flow, changes, copies, counts, bench):
    """Let Python call `carry_relay`."""
    carry_relay(
        s, arrived, start, end, tree, relays, egresses, flow, changes, copies, counts, bench
    )


@dataclass
class Workbench:
    """All arrays for one direction of a line, and one egress (0) that feeds `children` lines.

    `most_others` is how many packets of others a memory may hold at once.
    """

    children: int
    offers: Sequence[Offer]
    precedence: Sequence[int]  # by stream; a packet's stream is its precedence
    services: Sequence[Sequence[int]]  # need_ns by row and size
    drain_ns: int
    classes: bool
    propagation_ns: int
    loss: float
    background: Background | None
    until_ns: int
    direction: int = 1
    most_others: int = 0

    def __post_init__(self) -> None:
        n = self.children + 1
        streams = len(self.precedence)
        self.tally = Tally.zeros(
            alone(np.zeros(n, dtype=np.int64)),
            backups=0,
            egresses=1,
            streams=streams,
            turns=1,
            tiers=2,
        )
        self.counts = arrays.Counts(
            line=self.tally.line,
            line_delay=self.tally.line_delay,
            room=self.tally.room,
            room_delay=self.tally.room_delay,
            egress=self.tally.egress,
            up_delay=self.tally.up_delay,
            stream=self.tally.stream,
            turn=self.tally.turn,
            floor_lost=self.tally.floor_lost,
            own_lost=self.tally.own_lost,
        )
        ints = lambda *values: np.array(values, dtype=np.int64)  # noqa: E731
        zeros = lambda count: np.zeros(count, dtype=np.int64)  # noqa: E731
        yes, no = np.ones(2 * n, dtype=np.bool_), np.zeros(2 * n, dtype=np.bool_)
        self.tree = arrays.Tree(
            feed=np.array([-1] + [0] * self.children),
            rank=np.arange(-1, self.children),
            relay=np.array([True] + [False] * self.children),
            room=yes[:n].copy(),
            hop=np.arange(2 * n),
            site=np.tile(np.arange(n), 2),
            rises=np.repeat([False, True], n),
            watched=no.copy(),
            plain=no.copy(),
            processing_ns=zeros(n),
            propagation_ns=np.full(2 * n, self.propagation_ns),
            site_egress_first=ints(0, *[1] * n),
            child_first=ints(0, self.children),
            children=np.arange(1, n),
            child_row=np.arange(1, n),
            serves=yes[1:n].copy(),
            served=ints(self.children),
            leading=ints(self.children),
            orphan=no[1:n].copy(),
            orphans=ints(0),
            slot=ints(0),
            dark_after_ns=FOREVER_NS,
            parent=ints(-1, *[0] * self.children),
            chunk=zeros(n),
            place=np.arange(n),
            end=np.array([n, *range(2, n + 1)]),
            owner=ints(0),
            tier=ints(0, *[1] * self.children),
            order=np.arange(n),
            mixed=no[:1].copy(),
            ends_next=no[:n].copy(),
            sends_down=no[:n].copy(),
            speaker=no[:n].copy(),
            down=np.zeros(streams, dtype=np.bool_),
            floor=np.ones(streams, dtype=np.bool_),
            goes_down=np.ones(streams, dtype=np.bool_),
            ends=zeros(streams),
            composite=np.zeros(streams, dtype=np.bool_),
            transcoding_ns=zeros(n),
            gates=arrays.Gates(
                stopping=no[:n].copy(),
                composes=no[:n].copy(),
                refused_first=zeros(n + 1),
                refused=zeros(0),
                epoch_first=zeros(n + 1),
                epoch_ns=zeros(0),
                chosen_first=zeros(1),
                chosen=zeros(0),
            ),
            shows=np.zeros(streams, dtype=np.bool_),
            pictures=no[:1].copy(),
            passes=np.ones((1, streams), dtype=np.bool_),
            playout_ns=np.full(streams, FOREVER_NS),
            precedence=ints(*self.precedence),
            lowest=max(self.precedence),
            most_others=self.most_others,
            line_histogram=np.arange(2 * n),
            room_histogram=np.arange(n),
        )
        keys = np.tile(np.array(KEY, dtype=np.uint64), (2 * n, 1))
        others = [self.background] * (2 * n)
        self.lines = arrays.Lines(
            up=yes.copy(),
            in_use=yes.copy(),
            service=zeros(2 * n),
            drain_ns=np.full(2 * n, self.drain_ns),
            free_ns=zeros(2 * n),
            buckets=full_buckets([None] * (2 * n)),
            accepted=zeros(2 * n),
            carried_at=zeros(2 * n),
            carried=zeros(2 * n),
            room_up=yes.copy(),
            fed=yes.copy(),
            present=yes.copy(),
            passes=zeros(2 * n),
            priority=np.full(2 * n, self.classes),
            others=quiet_backgrounds(others, keys, begins_ns=0, until_ns=self.until_ns),
            replayed=no[:n].copy(),
        )
        self.egresses = arrays.Egresses(
            service=zeros(1),
            drain_ns=ints(self.drain_ns),
            free_ns=zeros(1),
            carried_at=zeros(1),
            carried=zeros(1),
            priority=np.full(1, self.classes),
            others=quiet_backgrounds(others[:1], keys[:1], begins_ns=0, until_ns=self.until_ns),
        )
        start_backgrounds(self.lines.others)
        start_backgrounds(self.egresses.others)
        self.relays = arrays.Relays(
            up=yes[:n].copy(), passes=zeros(n), carried_at=zeros(n), carried=zeros(n)
        )
        self.chains = arrays.Chains(
            row=zeros(2 * n),
            bad=no.copy(),
            next_loss=zeros(2 * n),
            next_switch=zeros(2 * n),
            gap_index=zeros(2 * n),
            state_index=zeros(2 * n),
            gap_key=keys,
            state_key=keys,
        )
        self.tables = loss_table(Loss(p=0.0, r=1.0, bad=0.0, good=self.loss))[np.newaxis]
        start_chains(self.chains, self.tables)
        packets = len(self.offers)
        self.flow = arrays.Flow(
            sent=packets,
            first=0,
            kept_number=zeros(0),
            origin_first=zeros(n + 1),
            service_ns=np.array(self.services, dtype=np.int64),
            origin=np.zeros(packets, dtype=np.int32),
            stream=np.array([offer.precedence for offer in self.offers], dtype=np.int16),
            sequence=np.arange(packets, dtype=np.int64),
            sent_ns=ints(*[offer.at_ns for offer in self.offers]),
            size_bytes=np.array([offer.size_bytes for offer in self.offers], dtype=np.int32),
            turn=np.full(packets, -1, dtype=np.int16),
            part=np.full(packets, FIRST | LAST, dtype=np.int8),
            turns_begin=False,
            mail=no_mail(n),
        )
        self.copies = new_copies(1, CAPACITY)
        self.bench = enlarged(
            widened(new_bench(widest=self.children, streams=1, logs=False), CAPACITY),
            new=CAPACITY,
            log=0,
            runs=CAPACITY,
            dark=CAPACITY,
        )
        self.bench = self.bench._replace(old=self.bench.new.copy())
        self.bench.packet[:] = UNTOUCHED

    def line_span(self, start_ns: int, end_ns: int, edits: Sequence[Edit]) -> list[tuple[int, int]]:
        """Carry the line's packets of a span; return (packet, arrival_ns)."""
        for packet, offer in enumerate(self.offers):
            self.copies.packet[0, packet] = packet
            self.copies.base_ns[0, packet] = offer.at_ns
            self.copies.high[0, packet] = 1
        self.copies.rows[0] = len(self.offers)
        d = self.direction
        changes = self._changes(d, start_ns, end_ns, edits, LINE_KINDS)
        self.bench = turned_over(self.bench)
        arrived = carry(
            d, 0, 0, NO_ROOM, start_ns, end_ns, self.tree, self.lines, self.chains, self.tables,
            self.flow, changes, self.copies, self.counts, self.bench,
        )  # fmt: skip
        # The engine makes benches this wide, and no wider.
        wide = len(self.offers) + 2 * self.most_others
        assert (self.bench.packet[wide:] == UNTOUCHED).all()
        packets = self.bench.packet[:arrived].tolist()
        return list(zip(packets, self.bench.arrival_ns[:arrived].tolist(), strict=True))

    def egress_span(
        self, start_ns: int, end_ns: int, edits: Sequence[Edit]
    ) -> list[tuple[int, int, int]]:
        """Copy a span's packets; return (packet, rank, instant of the last bit) in order."""
        arrived = 0
        for packet, offer in enumerate(self.offers):
            if start_ns <= offer.at_ns < end_ns:
                self.bench.packet[arrived], self.bench.arrival_ns[arrived] = packet, offer.at_ns
                arrived += 1
        changes = self._changes(0, start_ns, end_ns, edits, RELAY_KINDS)
        self.bench = turned_over(self.bench)
        relay(
            0, arrived, start_ns, end_ns, self.tree, self.relays, self.egresses, self.flow,
            changes, self.copies, self.counts, self.bench,
        )  # fmt: skip
        left = []
        for i in range(int(self.copies.rows[0])):
            low, high = int(self.copies.low[0, i]), int(self.copies.high[0, i])
            for rank in range(low, high):
                leaves_ns = int(self.copies.base_ns[0, i] + rank * self.copies.step_ns[0, i])
                if leaves_ns < end_ns:
                    left.append((int(self.copies.packet[0, i]), rank, leaves_ns))
        return [copy for copy in left if copy[2] >= start_ns]

    def _changes(
        self, target: int, start_ns: int, end_ns: int, edits: Sequence[Edit], kinds: dict[str, int]
    ) -> arrays.Changes:
        here = [edit for edit in edits if start_ns <= edit.at_ns < end_ns]
        columns = [
            (
                edit.at_ns,
                kinds[edit.kind],
                *(
                    (0, self._row(edit), edit.drain_ns)
                    if target == 0
                    else (self._row(edit), edit.drain_ns, 0)
                ),
            )
            for edit in here
        ]
        at_ns, kind, a, b, c = np.array(columns, dtype=np.int64).reshape(-1, 5).T.copy()
        sites = 2 * (self.children + 1)
        first = np.array([0] * (target + 1) + [len(here)] * (sites - target), dtype=np.int64)
        return arrays.Changes(first=first, at_ns=at_ns, kind=kind, a=a, b=b, c=c)

    def _row(self, edit: Edit) -> int:
        needs = [tuple(row) for row in self.services]
        return needs.index(edit.need_ns) if edit.need_ns else 0
