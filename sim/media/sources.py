"""Sources: a stream's frames, cut into packets and sent at their own nanosecond.

A source is replayed span by span. Frame k's size depends on (seed, stream, k) alone, so the
way time is cut leaves no trace.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim import rng
from sim.media.packets import Packets
from sim.scenario.model import Scenario, Stream

Int64Array = NDArray[np.int64]


class Source:
    """One stream at its origin: emits packets in order of time."""

    def __init__(self, stream: Stream, *, seed: int) -> None:
        self._stream = stream
        self._size_key = rng.key(seed, f"stream/{stream.id}", "frame size")
        self._next_frame = 0
        self._next_sequence = 0
        self._pacer_free_ns = 0
        # Paced packets whose turn comes after the span in which their frame was due.
        self._held_ns: Int64Array = np.empty(0, dtype=np.int64)
        self._held_bytes: Int64Array = np.empty(0, dtype=np.int64)

    def emit(self, end_ns: int) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return (sent_ns, size_bytes, sequence) of the packets not yet emitted, up to `end_ns`."""
        due_ns, frame_bytes = self._frames(end_ns)
        frame_ns, size_bytes = self._packets(due_ns, frame_bytes)
        sent_ns = np.concatenate([self._held_ns, self._pace(frame_ns, size_bytes)])
        size_bytes = np.concatenate([self._held_bytes, size_bytes])
        now = int(np.searchsorted(sent_ns, end_ns))
        self._held_ns, self._held_bytes = sent_ns[now:], size_bytes[now:]
        sequence = np.arange(self._next_sequence, self._next_sequence + now)
        self._next_sequence += now
        return sent_ns[:now], size_bytes[:now], sequence

    def _frames(self, end_ns: int) -> tuple[Int64Array, Int64Array]:
        """Return (due_ns, media bytes) of the frames due before `end_ns`, each once."""
        stream = self._stream
        half = stream.frames_per_span // 2
        # The first frame with (k * span + half) // frames_per_span >= end_ns - start_ns.
        numerator = (end_ns - stream.start_ns) * stream.frames_per_span - half
        first, end = self._next_frame, max(self._next_frame, -(-numerator // stream.span_ns))
        self._next_frame = end
        k = np.arange(first, end, dtype=np.int64)
        due_ns = stream.start_ns + frame_ns(stream, k)
        mean_bytes = np.full(k.size, stream.frame_bytes)
        if stream.key_every:
            mean_bytes[k % stream.key_every == 0] = stream.key_bytes
        if not stream.size_scale:
            return due_ns, mean_bytes
        deviation = rng.laplaces(self._size_key, first, k.size, stream.size_scale)
        # The Laplace tail below -1 (0.06 % at scale 0.15) is cut: a frame has at least one byte.
        noisy_bytes = np.maximum(np.rint(mean_bytes * (1 + deviation)), 1).astype(np.int64)
        return due_ns, noisy_bytes

    def _packets(
        self, due_ns: Int64Array, frame_bytes: Int64Array
    ) -> tuple[Int64Array, Int64Array]:
        """Return (frame's due_ns, size on the line) of each packet: full ones, then the rest."""
        stream = self._stream
        pieces = -(-frame_bytes // stream.packet_bytes)
        media_bytes = np.full(int(pieces.sum()), stream.packet_bytes)
        last = np.cumsum(pieces) - 1
        media_bytes[last] = frame_bytes - (pieces - 1) * stream.packet_bytes
        return np.repeat(due_ns, pieces), media_bytes + stream.overhead_bytes

    def _pace(self, frame_ns: Int64Array, size_bytes: Int64Array) -> Int64Array:
        """Return when each packet leaves: with its frame, but no faster than the pacer."""
        rate_bps = self._stream.pace_bps
        if not rate_bps or not frame_ns.size:
            return frame_ns
        gap_ns = (size_bytes * (8 * 10**9) + rate_bps // 2) // rate_bps
        before_ns = np.cumsum(gap_ns) - gap_ns
        ready_ns = np.maximum(frame_ns, self._pacer_free_ns) - before_ns
        sent_ns: Int64Array = before_ns + np.maximum.accumulate(ready_ns)
        self._pacer_free_ns = int(sent_ns[-1] + gap_ns[-1])
        return sent_ns


class Sources:
    """All streams of a scenario, merged in the order of the contract."""

    def __init__(self, scenario: Scenario) -> None:
        self._sources = [Source(stream, seed=scenario.seed) for stream in scenario.streams]
        self._next_packet = 0

    def emit(self, end_ns: int) -> Packets:
        """Return the packets not yet emitted, up to `end_ns`, by (sent_ns, stream, sequence)."""
        parts = [source.emit(end_ns) for source in self._sources]
        nothing: list[Int64Array] = [np.empty(0, dtype=np.int64)]
        sent_ns = np.concatenate(nothing + [part[0] for part in parts])
        size_bytes = np.concatenate(nothing + [part[1] for part in parts])
        sequence = np.concatenate(nothing + [part[2] for part in parts])
        stream = np.repeat(np.arange(len(parts)), [part[0].size for part in parts])
        # Streams stand in order of their ids and each in order of time: a stable sort is enough.
        order = np.argsort(sent_ns, kind="stable")
        first = self._next_packet
        self._next_packet += order.size
        return Packets(
            first=first,
            sent_ns=sent_ns[order],
            size_bytes=size_bytes[order],
            stream=stream[order],
            sequence=sequence[order],
        )


def frame_ns(stream: Stream, k: Int64Array) -> Int64Array:
    """Return when frames are due after the stream's start: k spans' shares, to the nearest ns.

    Odd bit rates give spans so long that products pass 2**63; those are Python's integers.
    """
    small = stream.span_ns * (stream.frames_per_span + 1) < 2**63
    frames = stream.frames_per_span
    k = k if small else k.astype(object)
    part_ns = (k % frames * stream.span_ns + frames // 2) // frames
    due_ns: Int64Array = (k // frames * stream.span_ns + part_ns).astype(np.int64)
    return due_ns
