"""Benches: each chunk's working space, which grows when a site needs more and is then kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.kernels.arrays import ROW_FIELDS, Abreast, Bench, Board, Copies
from sim.dataplane.kernels.board import CELLS, FIELDS
from sim.dataplane.kernels.hearing import HEARD
from sim.lanes import LANES
from sim.media.kernels.arrays import new_columns
from sim.media.packets import Sealed
from sim.media.sources import new_order

Int64Array = NDArray[np.int64]

RUN_FIELDS = 2  # packet, ns
DARK_FIELDS = 3  # site, from_ns, until_ns
LOG_FIELDS = 4  # hop, packet, fate, ns


def new_copies(slots: int, capacity: int) -> Copies:
    """Return room for `capacity` rows of copies in each slot."""
    columns = np.zeros((5, slots, capacity), dtype=np.int64)
    return Copies(*np.zeros((2, slots), dtype=np.int64), *columns)


def new_bench(*, widest: int, streams: int, logs: bool) -> Bench:
    """Return an empty bench for relays of up to `widest` children."""
    bench = Bench(
        packet=np.empty(0, dtype=np.int64),
        offered_ns=np.empty(0, dtype=np.int64),
        arrival_ns=np.empty(0, dtype=np.int64),
        processing=np.empty((0, RUN_FIELDS), dtype=np.int64),
        old=np.empty((0, ROW_FIELDS), dtype=np.int64),
        new=np.empty((0, ROW_FIELDS), dtype=np.int64),
        log=np.empty((1 if logs else 0, LOG_FIELDS), dtype=np.int64),
        dark=np.empty((0, DARK_FIELDS), dtype=np.int64),
        used=np.zeros(4, dtype=np.int64),
        met=np.zeros(len(Abreast), dtype=np.int64),
        inbox=np.empty((0, RUN_FIELDS), dtype=np.int64),
        spare=np.empty((0, RUN_FIELDS), dtype=np.int64),
        bounds=np.empty(widest + 2, dtype=np.int64),
        runs=np.empty((0, RUN_FIELDS), dtype=np.int64),
        offers=new_copies(1, 0),
        own=new_columns(0),
        mail_bounds=np.empty(0, dtype=np.int64),
        mail_order=np.empty((2, 0), dtype=np.int64),
        board=new_board(0, np.zeros(streams * HEARD * LANES, dtype=np.int64)),
    )
    return widened(bench, 256)


def new_board(rows: int, heard: Int64Array) -> Board:
    """Return a board of so many rows; in each a cell names a stream, so all begin as 0."""
    return Board(
        cells=np.zeros(rows * CELLS * LANES, dtype=np.int64),
        packet=np.zeros(rows, dtype=np.int64),
        accepted=np.zeros(rows, dtype=np.int64),
        lost=np.zeros(rows, dtype=np.int64),
        losses=np.zeros(1, dtype=np.int64),
        lane=np.zeros(FIELDS * LANES, dtype=np.int64),
        heard=heard,
    )


def with_board(bench: Bench, rows: int) -> Bench:
    """Return a bench whose board has room for so many rows."""
    if bench.board.packet.size >= rows:
        return bench
    return bench._replace(board=new_board(rows + rows // 4, bench.board.heard))


def with_order(bench: Bench, sealed: Sealed | None) -> Bench:
    """Return a bench with working space to write what is sealed."""
    if sealed is None or (
        bench.mail_order.shape[1] >= sealed.most_bursts
        and bench.mail_bounds.size > sealed.most_sources
    ):
        return bench
    bounds, order = new_order(sealed.most_sources, sealed.most_bursts + sealed.most_bursts // 8)
    return bench._replace(mail_bounds=bounds, mail_order=order)


def widened(bench: Bench, capacity: int) -> Bench:
    """Return a bench with room for `capacity` packets at one site."""
    if bench.packet.size >= capacity:
        return bench
    capacity += capacity // 2
    offers = new_copies(1, capacity)
    # What goes up is one copy of each packet: rank 0 at its base.
    offers.high[:] = 1
    # A lane may have as many packets carried into a span as another has of its own.
    bench = with_board(bench, 2 * capacity)
    return bench._replace(
        packet=np.empty(capacity, dtype=np.int64),
        offered_ns=np.empty(capacity, dtype=np.int64),
        arrival_ns=np.empty(capacity, dtype=np.int64),
        processing=np.empty((capacity, RUN_FIELDS), dtype=np.int64),
        inbox=np.empty((capacity, RUN_FIELDS), dtype=np.int64),
        spare=np.empty((capacity, RUN_FIELDS), dtype=np.int64),
        offers=offers,
        own=new_columns(LANES * capacity),
    )


def turned_over(bench: Bench) -> Bench:
    """Return a bench on which what was carried out of the last span is carried in."""
    new = bench.old
    if new.shape[0] < bench.used[0]:
        new = np.empty((2 * int(bench.used[0]), ROW_FIELDS), dtype=np.int64)
    bench.used[0] = bench.used[2] = 0
    return bench._replace(old=bench.new, new=new)


def enlarged(bench: Bench, *, new: int, log: int, runs: int, dark: int = 0) -> Bench:
    """Return a bench with room for so many more rows to carry out, to log, and of the others."""
    return bench._replace(
        new=_grown(bench.new, int(bench.used[0]), new),
        log=_grown(bench.log, int(bench.used[1]), log if bench.log.shape[0] else 0),
        runs=_grown(bench.runs, int(bench.used[2]), runs),
        dark=_grown(bench.dark, int(bench.used[3]), dark),
    )


def _grown(rows: Int64Array, used: int, more: int) -> Int64Array:
    """Return `rows` itself if it has room for `more` rows, else larger ones with the used ones."""
    if rows.shape[0] >= used + more:
        return rows
    larger = np.empty((2 * (used + more), rows.shape[1]), dtype=np.int64)
    larger[:used] = rows[:used]
    return larger
