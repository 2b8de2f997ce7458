"""Sources: a stream's frames, cut into packets and sent at their own nanosecond.

Sources are replayed span by span. What one sends depends on (seed, stream, origin) and the
frame's number alone, so the way time is cut leaves no trace. A span is planned first, which says
how many packets each source will send, and then written, origin by origin; see `kernels`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim import rng
from sim.media.kernels import arrays
from sim.media.kernels.bursts import advance, enter_first
from sim.media.kernels.emission import write_sites
from sim.media.packets import Packets, Sealed
from sim.media.requests import KeyRequest, Requests
from sim.media.schedule import begins_ns, frames_before, names_of
from sim.scenario.model import FOREVER_NS, Scenario, Stream

Int64Array = NDArray[np.int64]
Uint64Array = NDArray[np.uint64]

FEW_BURSTS = 1024  # room at first
FEW_PACKETS = 1024  # room beyond need
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


class Part(NamedTuple):
    """Neighbouring sources, whose bursts one thread makes.

    Attributes
    ----------
    number : from 0
    sources : the first and the one after the last
    sites : the first site and the one after the last that they are at
    """

    number: int
    sources: tuple[int, int]
    sites: tuple[int, int]


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
        floor = np.array(
            [stream.direction == "floor" for stream in scenario.streams], dtype=np.bool_
        )
        self._of_floor = floor[sources.stream]
        fields = len(arrays.Progress._fields)
        self._progress = arrays.Progress(*np.zeros((fields, sources.origin.size), dtype=np.int64))
        self._requests = Requests(scenario, index, origin=sources.origin, stream=sources.stream)
        # Where the bursts of a source are, how many, and how many packets they make.
        self._of_sources = np.zeros((3, sources.origin.size), dtype=np.int64)
        self._number = np.full(self._sites, -1, dtype=np.int64)
        self._number[self._origins] = np.arange(self._origins.size)
        self._most_sources = int(np.diff(self._source_first).max(initial=0))
        self._largest_bytes = max(
            (stream.packet_bytes + stream.overhead_bytes for stream in scenario.streams), default=0
        )
        self._parts = self._cut(threads)
        self._room = FEW_BURSTS  # for bursts of each part
        self._bursts = self._new_bursts()
        self._next_packet = 0
        self._end_ns = 0
        self._columns = [arrays.new_columns(0), arrays.new_columns(0)]
        enter_first(self._streams, self._sources, self._stretches, self._progress)

    def emit(self, end_ns: int, asked: Sequence[KeyRequest] = ()) -> Packets:
        """Return the packets not yet emitted, up to `end_ns`, sealed.

        Parameters
        ----------
        asked : requests for key frames, each between the last call's `end_ns` and this one's; of a
            stream of the floor whoever has it then is asked, whatever the target

        Raises
        ------
        ValueError
            If a request is dated otherwise, or nobody can answer it; see `Requests.add`.
        """
        self._requests.add(asked, start_ns=self._end_ns, end_ns=end_ns)
        self._end_ns = end_ns
        self._make_bursts(end_ns)
        count = np.zeros(self._sites, dtype=np.int64)
        most_bursts = 0
        if self._origins.size:
            _first, lengths, packets = self._of_sources
            bounds = self._source_first[:-1]
            count[self._origins] = np.add.reduceat(packets, bounds)
            most_bursts = int(np.add.reduceat(lengths, bounds).max())
        origin_first = np.zeros(self._sites + 1, dtype=np.int64)
        np.cumsum(count, out=origin_first[1:])
        sent, first = int(origin_first[-1]), self._next_packet
        self._next_packet += sent
        columns = self._columns_for(sent)
        mail = arrays.Mail(
            sealed=True,
            number=self._number,
            source_first=self._source_first,
            streams=self._streams,
            sources=self._sources,
            progress=self._progress,
            bursts=self._bursts,
        )

        def write_all() -> None:
            self._each_part(
                lambda part: write_sites(
                    *part.sites,
                    origin_first,
                    mail,
                    *new_order(self._most_sources, most_bursts),
                    columns,
                )
            )

        return Packets(
            first=first,
            origin_first=origin_first,
            sent_ns=columns.sent_ns[:sent],
            size_bytes=columns.size_bytes[:sent],
            stream=columns.stream[:sent],
            sequence=columns.sequence[:sent],
            turn=columns.turn[:sent],
            part=columns.part[:sent],
            first_frames=self._first_frames(),
            largest_bytes=self._largest_bytes,
            sealed=Sealed(
                mail=mail,
                columns=columns,
                most_bursts=most_bursts,
                most_sources=self._most_sources,
                write_all=write_all,
            ),
        )

    def _columns_for(self, packets: int) -> arrays.Columns:
        """Return room for the packets of a span and some more, where the span before is not."""
        self._columns.reverse()
        if self._columns[0].sent_ns.size < packets:
            self._columns[0] = arrays.new_columns(packets + packets // 8 + FEW_PACKETS)
        return self._columns[0]

    def _cut(self, threads: int) -> list[Part]:
        """Return parts with about as many sources each; a site is in one of them."""
        shares = np.linspace(0, self._source_first[-1], threads + 1)
        bounds = np.unique(np.searchsorted(self._source_first, shares)).tolist()
        sites = [*self._origins.tolist(), self._sites]
        return [
            Part(
                number,
                (int(self._source_first[low]), int(self._source_first[high])),
                (sites[low], sites[high]),
            )
            for number, (low, high) in enumerate(pairwise(bounds))
        ]

    def _each_part(self, work: Callable[[Part], Any]) -> None:
        if len(self._parts) < 2:
            for part in self._parts:
                work(part)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(work, self._parts))

    def _make_bursts(self, end_ns: int) -> None:
        """Have all sources make their bursts up to `end_ns`; each part has its own rows."""
        self._of_sources[:] = 0
        waiting = self._requests.waiting
        self._progress.asked[:] = waiting.first[:-1]
        reached: dict[Part, int] = {}

        def advance_part(part: Part) -> None:
            begin, row = part.sources[0], part.number * self._room
            if reached.get(part, begin) == part.sources[1]:
                return
            if part in reached:
                begin = reached[part]
                row = int(self._bursts.first[begin] + self._bursts.length[begin])
            reached[part] = advance(
                begin, part.sources[1], row, (part.number + 1) * self._room, end_ns,
                self._streams, self._sources, self._stretches, waiting, self._progress,
                self._bursts,
            )  # fmt: skip

        self._each_part(advance_part)
        while any(begin < part.sources[1] for part, begin in reached.items()):
            self._enlarge()
            self._each_part(advance_part)
        self._requests.answer(self._progress.asked)

    def _enlarge(self) -> None:
        """Double the room for the bursts of each part, and keep those there are."""
        old, room = self._bursts, self._room
        self._room = 2 * room
        self._bursts = self._new_bursts()
        for part in self._parts:
            before = part.number * room
            self._bursts.first[slice(*part.sources)] += before
            for name in ("at_ns", "media_bytes", "mark"):
                kept = getattr(old, name)[before : before + room]
                getattr(self._bursts, name)[2 * before :][:room] = kept

    def _new_bursts(self) -> arrays.Bursts:
        rows = self._room * len(self._parts)
        return arrays.Bursts(
            np.empty(rows, dtype=np.int64),
            np.empty(rows),
            np.empty(rows, dtype=np.int32),
            *self._of_sources,
        )

    def _first_frames(self) -> Int64Array:
        """Return the turn of each packet of this span that is part of a turn's first frame."""
        found = [NOTHING]
        for i in np.flatnonzero(self._of_floor):
            rows = slice(self._bursts.first[i], self._bursts.first[i] + self._bursts.length[i])
            full_bytes = self._streams.packet_bytes[self._sources.stream[i]]
            packets = np.ceil(self._bursts.media_bytes[rows] / full_bytes).astype(np.int64)
            turns = np.repeat(self._bursts.mark[rows].astype(np.int64) >> arrays.PART_BITS, packets)
            found.append(turns[turns >= 0])
        return np.concatenate(found)


def new_order(most_sources: int, most_bursts: int) -> tuple[Int64Array, Int64Array]:
    """Return the working space that `write_site` needs, as `bounds` and `order`."""
    return np.empty(most_sources + 1, dtype=np.int64), np.empty((2, most_bursts), dtype=np.int64)


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
    ones = np.ones(origin.size, dtype=np.int64)
    size_key = np.zeros((origin.size, 2), dtype=np.uint64)
    if stream.size_scale:
        size_key = rng.keys(scenario.seed, names_of(stream, index), "frame size")
    rows = (begins_ns(scenario, stream, index), FOREVER_NS * ones, 0 * ones, NO_TURN * ones)
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
        frames += frames_before(stream, turn.until_ns - turn.at_ns)
    size_key = rng.keys(scenario.seed, [f"stream/{stream.id}"], "frame size")
    return Batch(
        origin=np.array(list(rows), dtype=np.int64),
        stream=np.full(len(rows), number),
        size_key=np.repeat(size_key, len(rows), axis=0),
        stretches=np.array([len(own) for own in rows.values()], dtype=np.int64),
        rows=np.array([row for own in rows.values() for row in own], dtype=np.int64).reshape(-1, 4),
    )
