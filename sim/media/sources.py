"""Sources: a stream's frames, cut into packets and sent at their own nanosecond.

Sources are replayed span by span. What one sends depends on (seed, stream, origin) and the
frame's number alone, so the way time is cut leaves no trace. A span is planned first, which says
how many packets each source will send, and then written, origin by origin; see `kernels`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim import rng
from sim.media.kernels import arrays
from sim.media.kernels.bursts import advance, enter_first
from sim.media.kernels.emission import emit
from sim.media.packets import Packets
from sim.scenario.model import FOREVER_NS, Scenario, Stream, Turn

Int64Array = NDArray[np.int64]
Uint64Array = NDArray[np.uint64]

FEW_BURSTS = 1024  # room at first
NO_TURN = -1


class Batch(NamedTuple):
    """Sources of one or more streams.

    Attributes
    ----------
    origin, stream : (m,) int64, numbers
    size_key : (m, 2) uint64, of the draws of their sizes
    stretches : (m,) int64, how many each has
    rows : (sum of them, 4) int64, as in `arrays.Stretches`, source by source
    """

    origin: Int64Array
    stream: Int64Array
    size_key: Uint64Array
    stretches: Int64Array
    rows: Int64Array


NOTHING = np.empty(0, dtype=np.int64)
NO_SOURCES = Batch(
    origin=NOTHING,
    stream=NOTHING,
    size_key=np.empty((0, 2), dtype=np.uint64),
    stretches=NOTHING,
    rows=np.empty((0, 4), dtype=np.int64),
)


class Part:
    """Neighbouring origins, which one thread emits; it keeps the memory for doing so.

    Attributes
    ----------
    origins : the first origin and the one after the last, counted among those that send
    sources : the same of their sources
    bursts : of its sources
    """

    def __init__(
        self, origins: tuple[int, int], sources: tuple[int, int], of_sources: Int64Array
    ) -> None:
        self.origins = origins
        self.sources = sources
        self.bursts = _new_bursts(FEW_BURSTS, of_sources)

    def enlarge(self) -> None:
        """Double the room for bursts, and keep those there are."""
        old, size = self.bursts, self.bursts.at_ns.size
        self.bursts = _new_bursts(2 * size, (old.first, old.length, old.packets))
        for name in ("at_ns", "media_bytes", "turn"):
            getattr(self.bursts, name)[:size] = getattr(old, name)


class Sources:
    """All streams of a scenario at all their origins, merged in the order of the contract.

    `index` maps the ids of the scenario's sites to their numbers. No result depends on how many
    `threads` there are.
    """

    def __init__(self, scenario: Scenario, index: Mapping[str, int], *, threads: int = 1) -> None:
        sources = _sources(scenario, index)
        self._sites = len(index)
        self._threads = threads
        self._origins, first = np.unique(sources.origin, return_index=True)
        self._source_first = np.append(first, sources.origin.size).astype(np.int64)
        self._streams = _stream_arrays(scenario.streams)
        self._sources = arrays.Sources(
            stream=sources.stream,
            key=sources.size_key,
            stretch_first=np.concatenate([[0], np.cumsum(sources.stretches)]),
        )
        self._stretches = arrays.Stretches(*sources.rows.T.copy())
        self._progress = arrays.Progress(*np.zeros((7, sources.origin.size), dtype=np.int64))
        # Where the bursts of a source are in its part, how many, and how many packets they make.
        self._of_sources = np.zeros((3, sources.origin.size), dtype=np.int64)
        self._parts = self._cut(threads)
        self._columns = _new_columns(0)
        self._next_packet = 0
        enter_first(self._streams, self._sources, self._stretches, self._progress)

    def emit(self, end_ns: int) -> Packets:
        """Return the packets not yet emitted, up to `end_ns`.

        What it returned before is overwritten: the packets of a span may fill gigabytes, and memory
        that is asked for anew has to be cleared by the system each time.
        """
        self._of_sources[:] = 0
        self._each_part(lambda part: self._advance(part, end_ns))
        count = np.zeros(self._sites, dtype=np.int64)
        if self._origins.size:
            _first, _length, packets = self._of_sources
            count[self._origins] = np.add.reduceat(packets, self._source_first[:-1])
        origin_first = np.zeros(self._sites + 1, dtype=np.int64)
        np.cumsum(count, out=origin_first[1:])
        total = int(origin_first[-1])
        if self._columns.sent_ns.size < total:
            self._columns = _new_columns(total + total // 8)
        columns = arrays.Columns(*(column[:total] for column in self._columns))
        self._each_part(lambda part: self._send(part, origin_first, columns))
        first = self._next_packet
        self._next_packet += columns.sent_ns.size
        return Packets(first=first, origin_first=origin_first, **columns._asdict())

    def _cut(self, threads: int) -> list[Part]:
        """Return parts with about as many sources each."""
        shares = np.linspace(0, self._source_first[-1], threads + 1)
        bounds = np.unique(np.searchsorted(self._source_first, shares)).tolist()
        source_first = self._source_first.tolist()
        return [
            Part((low, high), (source_first[low], source_first[high]), self._of_sources)
            for low, high in pairwise(bounds)
        ]

    def _each_part(self, work: Callable[[Part], Any]) -> None:
        if len(self._parts) < 2:
            for part in self._parts:
                work(part)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(work, self._parts))

    def _advance(self, part: Part, end_ns: int) -> None:
        """Have the sources of a part make their bursts."""
        begin, last = part.sources
        row = 0
        while True:
            begin = advance(
                begin, last, row, end_ns, self._streams, self._sources, self._stretches,
                self._progress, part.bursts,
            )  # fmt: skip
            if begin == last:
                return
            row = int(part.bursts.first[begin] + part.bursts.length[begin])
            part.enlarge()

    def _send(self, part: Part, origin_first: Int64Array, columns: arrays.Columns) -> None:
        """Write the packets of a part into its rows of the columns."""
        begin, last = part.origins
        bounds = self._source_first[begin : last + 1]
        most = int(np.add.reduceat(part.bursts.length[: bounds[-1]], bounds[:-1]).max())
        emit(
            begin, last, self._origins, self._source_first, origin_first, self._streams,
            self._sources, self._progress, part.bursts,
            np.empty(int(np.diff(bounds).max()) + 1, dtype=np.int64),
            np.empty((2, most), dtype=np.int64), columns,
        )  # fmt: skip


def _new_bursts(room: int, of_sources: Iterable[Int64Array]) -> arrays.Bursts:
    return arrays.Bursts(
        np.empty(room, dtype=np.int64),
        np.empty(room),
        np.empty(room, dtype=np.int16),
        *of_sources,
    )


def _new_columns(count: int) -> arrays.Columns:
    return arrays.Columns(
        sent_ns=np.empty(count, dtype=np.int64),
        size_bytes=np.empty(count, dtype=np.int64),
        stream=np.empty(count, dtype=np.int64),
        sequence=np.empty(count, dtype=np.int64),
        turn=np.empty(count, dtype=np.int64),
    )


def _stream_arrays(streams: Sequence[Stream]) -> arrays.Streams:
    def column(values: Iterator[int]) -> Int64Array:
        return np.array(list(values), dtype=np.int64)

    return arrays.Streams(
        step_ns=column(stream.span_ns // stream.frames_per_span for stream in streams),
        step_rest=column(stream.span_ns % stream.frames_per_span for stream in streams),
        frames_per_span=column(stream.frames_per_span for stream in streams),
        frame_bytes=column(stream.frame_bytes for stream in streams),
        key_bytes=column(stream.key_bytes for stream in streams),
        key_every=column(stream.key_every for stream in streams),
        size_scale=np.array([stream.size_scale for stream in streams], dtype=np.float64),
        packet_bytes=column(stream.packet_bytes for stream in streams),
        overhead_bytes=column(stream.overhead_bytes for stream in streams),
        pace_bps=column(stream.pace_bps for stream in streams),
    )


def _sources(scenario: Scenario, index: Mapping[str, int]) -> Batch:
    """Return the sources of all streams, by origin and stream."""
    batches = [NO_SOURCES]
    for number, stream in enumerate(scenario.streams):
        if stream.direction == "floor":
            batches.append(_floor_sources(scenario, number, stream, index))
        else:
            batches.append(_sited_sources(scenario, number, stream, index))
    sources = Batch(*(np.concatenate(columns) for columns in zip(*batches, strict=True)))
    order = np.argsort(sources.origin, kind="stable")  # batches are in order of their streams
    place = np.repeat(np.argsort(order, kind="stable"), sources.stretches)
    return Batch(
        origin=sources.origin[order],
        stream=sources.stream[order],
        size_key=sources.size_key[order],
        stretches=sources.stretches[order],
        rows=sources.rows[np.argsort(place, kind="stable")],
    )


def _sited_sources(
    scenario: Scenario, number: int, stream: Stream, index: Mapping[str, int]
) -> Batch:
    """Return the sources of a stream that always comes from the same sites."""
    origin = np.array([index[site] for site in stream.origins], dtype=np.int64)
    names = [
        f"stream/{stream.id}/{site}" if index[site] else f"stream/{stream.id}"
        for site in stream.origins
    ]
    ones = np.ones(origin.size, dtype=np.int64)
    shift_ns = 0 * ones
    if stream.spread_ns:
        drawn = rng.uniforms_of(rng.keys(scenario.seed, names, "spread"), 0 * ones, ones)
        shift_ns = (drawn * stream.spread_ns).astype(np.int64)
        shift_ns[origin == 0] = 0  # the root starts at once
    if stream.composite:
        transcoding_ns = {relay.site: relay.transcoding_ns for relay in scenario.relays}
        shift_ns = shift_ns + np.array([transcoding_ns[site] for site in stream.origins])
    size_key = np.zeros((origin.size, 2), dtype=np.uint64)
    if stream.size_scale:
        size_key = rng.keys(scenario.seed, names, "frame size")
    rows = (stream.start_ns + shift_ns, FOREVER_NS * ones, 0 * ones, NO_TURN * ones)
    return Batch(origin, number * ones, size_key, ones, np.stack(rows, axis=1))


def _floor_sources(
    scenario: Scenario, number: int, stream: Stream, index: Mapping[str, int]
) -> Batch:
    """Return the sources of a stream of the floor: one at each site that ever has it."""
    rows: dict[int, list[tuple[int, int, int, int]]] = {}
    frames = 0
    for place, turn in enumerate(scenario.agenda):
        row = (turn.at_ns, turn.until_ns, frames, place)
        rows.setdefault(index[turn.site], []).append(row)
        frames += _frames_of(stream, turn)
    size_key = rng.keys(scenario.seed, [f"stream/{stream.id}"], "frame size")
    return Batch(
        origin=np.array(list(rows), dtype=np.int64),
        stream=np.full(len(rows), number),
        size_key=np.repeat(size_key, len(rows), axis=0),
        stretches=np.array([len(own) for own in rows.values()], dtype=np.int64),
        rows=np.array([row for own in rows.values() for row in own], dtype=np.int64).reshape(-1, 4),
    )


def _frames_of(stream: Stream, turn: Turn) -> int:
    """Return how many frames are due in a turn.

    The first k with (k * span + half) // frames_per_span >= its length, halves rounding up.
    """
    half, length_ns = stream.frames_per_span // 2, turn.until_ns - turn.at_ns
    return max(-((half - length_ns * stream.frames_per_span) // stream.span_ns), 0)
