"""What sources send, one packet after the other: slow and obvious."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from sim import rng
from sim.scenario.model import Scenario, Stream, Turn
from tests.media.meeting import INDEX

# sent_ns, stream, sequence, size_bytes, turn, part
Packet = tuple[int, int, int, int, int, int]
# at_ns, site, stream
Request = tuple[int, str, int]
IN_KEY_FRAME, BEGINS_FRAME, ENDS_FRAME = 1, 2, 4


def sent(
    scenario: Scenario, end_ns: int, requests: Sequence[Request] = ()
) -> dict[str, list[Packet]]:
    """Return the packets each site sends before `end_ns`, in order."""
    packets: dict[str, list[Packet]] = {site: [] for site in INDEX}
    for number, stream in enumerate(scenario.streams):
        asked = [(at_ns, site) for at_ns, site, asked in requests if asked == number]
        for origin, rows in _sources(scenario, stream, end_ns, asked):
            sequence = sum(packet[1] == number for packet in packets[origin])
            for at_ns, size_bytes, turn, part in rows:
                packets[origin].append((at_ns, number, sequence, size_bytes, turn, part))
                sequence += 1
    return {site: sorted(own) for site, own in packets.items()}


def _sources(
    scenario: Scenario, stream: Stream, end_ns: int, asked: Sequence[tuple[int, str]]
) -> Iterator[tuple[str, list[tuple[int, int, int, int]]]]:
    """Yield each time somebody sends the stream: who, and (sent_ns, size, turn, part) of each
    packet."""
    if stream.direction != "floor":
        for origin in stream.origins:
            name = f"stream/{stream.id}" if origin == "root" else f"stream/{stream.id}/{origin}"
            shift_ns = 0
            if origin != "root":
                key = rng.key(scenario.seed, name, "spread")
                shift_ns = math.floor(rng.uniform(key, 0) * stream.spread_ns)
            begin_ns = stream.start_ns + shift_ns
            if stream.composite:
                (relay,) = (relay for relay in scenario.relays if relay.site == origin)
                begin_ns += relay.transcoding_ns
            own = [at_ns for at_ns, site in asked if site == origin]
            yield origin, _packets(scenario.seed, stream, name, begin_ns, end_ns, 0, None, own)
        return
    frames = 0
    for number, turn in enumerate(scenario.agenda):
        turn_of = (number, turn)
        own = [at_ns for at_ns, _site in asked if turn.at_ns <= at_ns < turn.until_ns]
        name, until_ns = f"stream/{stream.id}", min(end_ns, turn.until_ns)
        yield (
            turn.site,
            _packets(scenario.seed, stream, name, turn.at_ns, until_ns, frames, turn_of, own),
        )
        frames += _frames(stream, turn)


def _frames(stream: Stream, turn: Turn) -> int:
    k = 0
    while _due_ns(stream, turn.at_ns, k) < turn.until_ns:
        k += 1
    return k


def _due_ns(stream: Stream, begin_ns: int, k: int) -> int:
    exact = Fraction(k * stream.span_ns, stream.frames_per_span)
    return begin_ns + math.floor(exact + Fraction(1, 2))


def _next_frame(stream: Stream, begin_ns: int, at_ns: int) -> int:
    k = 0
    while _due_ns(stream, begin_ns, k) < at_ns:
        k += 1
    return k


def _packets(
    seed: int,
    stream: Stream,
    name: str,
    begin_ns: int,
    end_ns: int,
    first_draw: int,
    turn: tuple[int, Turn] | None,
    asked: Sequence[int],
) -> list[tuple[int, int, int, int]]:
    packets: list[tuple[int, int, int, int]] = []
    answers = [_next_frame(stream, begin_ns, at_ns) for at_ns in asked]
    k, free_ns = 0, 0
    key = rng.key(seed, name, "frame size")
    while (due_ns := _due_ns(stream, begin_ns, k)) < end_ns:
        is_key = (stream.key_every and k % stream.key_every == 0) or k in answers
        left = stream.key_bytes if is_key else stream.frame_bytes
        if stream.size_scale:
            deviation = float(rng.laplaces(key, first_draw + k, 1, stream.size_scale)[0])
            left = max(round(left * (1 + deviation)), 1)
        part = BEGINS_FRAME
        while left > 0:
            if is_key:
                part |= IN_KEY_FRAME
            if left <= stream.packet_bytes:
                part |= ENDS_FRAME
            size_bytes = min(left, stream.packet_bytes) + stream.overhead_bytes
            sent_ns = max(due_ns, free_ns)
            if stream.pace_bps:
                gap = Fraction(size_bytes * 8 * 10**9, stream.pace_bps)
                free_ns = sent_ns + math.floor(gap + Fraction(1, 2))
            if sent_ns < end_ns:
                packets.append((sent_ns, size_bytes, turn[0] if turn and k == 0 else -1, part))
            left -= stream.packet_bytes
            part = 0
        k += 1
    return packets
