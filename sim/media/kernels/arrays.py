"""The arrays that the kernels of sources share.

A *source* is a stream at one origin; sources are numbered by origin, then stream. It sends in
*stretches* of time: a floor's source in each turn of its site, any other in one without an end.
In each stretch its frames begin anew; sequence numbers and draws go on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int8s = NDArray[np.int8]
Int16s = NDArray[np.int16]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint64s = NDArray[np.uint64]

# Flags of a packet's `part`: it belongs to a key frame, is the first of its frame, or the last.
KEY, FIRST, LAST = 1, 2, 4
PART_BITS = 3


class Streams(NamedTuple):
    """What a source takes from its stream, (streams,); see `Stream`.

    Frame k is due `floor((k * span + half) / frames)` ns after the stretch begins, frames being
    those of a span and half = frames // 2. From frame to frame that is `step_ns`, and one more
    whenever `rest`, which grows by `step_rest`, reaches `frames_per_span`: no product can overflow.
    """

    step_ns: Int64s  # span_ns // frames_per_span
    step_rest: Int64s  # span_ns % frames_per_span
    frames_per_span: Int64s
    frame_bytes: Int64s
    key_bytes: Int64s
    key_every: Int64s
    size_scale: Float64s
    packet_bytes: Int64s
    overhead_bytes: Int64s
    pace_bps: Int64s


class Sources(NamedTuple):
    """What never changes of m sources."""

    stream: Int64s  # (m,)
    key: Uint64s  # (m, 2) of the sizes' draws
    stretch_first: Int64s  # (m + 1,) its stretches are stretch_first[i] .. stretch_first[i+1]-1


class Stretches(NamedTuple):
    """When sources send, in order of time: [begin_ns, until_ns)."""

    begin_ns: Int64s
    until_ns: Int64s
    first_draw: Int64s  # number of the draw of frame 0
    turn: Int64s  # of the agenda; -1: none


class Progress(NamedTuple):
    """How far m sources have come, (m,)."""

    stretch: Int64s  # the one they are in, or the next
    frame: Int64s  # number of the next frame to begin
    due_ns: Int64s  # when it is due
    rest: Int64s  # see `Streams`
    left_bytes: Int64s  # media of the frame before it that the pace has not let go yet
    free_ns: Int64s  # when the pace lets the next packet go
    sequence: Int64s  # of the next packet
    key: Int64s  # KEY if the frame before it is a key frame, else 0
    asked: Int64s  # row in `Asked` of the first request that no frame has answered


class Asked(NamedTuple):
    """Requests for key frames, by source, then by time.

    Those of source i are rows first[i] .. first[i+1]-1. A frame answers all that have come by the
    time it is due.
    """

    first: Int64s  # (m + 1,)
    at_ns: Int64s


class Bursts(NamedTuple):
    """What leaves a source at one instant: a frame, or with a pace one packet; by source, time.

    Those of source i are rows first[i] .. first[i] + length[i] - 1.
    """

    at_ns: Int64s
    media_bytes: Float64s  # whole numbers
    # turn << PART_BITS | part; of a frame `part` has both FIRST and LAST. One array, not two: what
    # is merged into a site's packets comes from many places of memory.
    mark: Int32s
    first: Int64s  # (m,)
    length: Int64s  # (m,)
    packets: Int64s  # (m,) how many packets they make


class Columns(NamedTuple):
    """Packets; see `Packets`.

    As narrow as their values allow: a span's packets are written to memory and read from there.
    """

    origin: Int32s
    stream: Int16s
    sequence: Int64s
    sent_ns: Int64s
    size_bytes: Int32s
    turn: Int16s
    part: Int8s


class Mail(NamedTuple):
    """What sites send in a span: their bursts, which have yet to be cut into packets.

    `sealed` says that no packets are written: whoever comes to a site first writes its own.
    """

    sealed: bool
    number: Int64s  # (n,) of a site among those that send anything; -1: it never does
    source_first: Int64s  # sources of number o are source_first[o] .. source_first[o+1]-1
    streams: Streams
    sources: Sources
    progress: Progress
    bursts: Bursts


def no_mail(sites: int) -> Mail:
    """Return the mail of packets that are written."""
    nothing: Any = np.empty(0, dtype=np.int64)
    return Mail(
        sealed=False,
        number=np.full(sites, -1, dtype=np.int64),
        source_first=nothing,
        streams=Streams(**dict.fromkeys(Streams._fields, nothing) | {"size_scale": np.empty(0)}),
        sources=Sources(nothing, np.empty((0, 2), dtype=np.uint64), nothing),
        progress=Progress(*[nothing] * len(Progress._fields)),
        bursts=Bursts(
            nothing,
            np.empty(0),
            np.empty(0, dtype=np.int32),
            *[nothing] * 3,
        ),
    )


def new_columns(count: int) -> Columns:
    """Return room for so many packets."""
    return Columns(
        origin=np.empty(count, dtype=np.int32),
        stream=np.empty(count, dtype=np.int16),
        sequence=np.empty(count, dtype=np.int64),
        sent_ns=np.empty(count, dtype=np.int64),
        size_bytes=np.empty(count, dtype=np.int32),
        turn=np.empty(count, dtype=np.int16),
        part=np.empty(count, dtype=np.int8),
    )
