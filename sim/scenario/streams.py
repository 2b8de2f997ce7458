"""Streams: what a source sends, from rates and intervals to bytes per frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from math import ceil, gcd

from sim.quality.video import VIDEO_CODECS, video_indicator
from sim.scenario import classes
from sim.scenario.document import Document
from sim.scenario.meeting_schema import StreamFields
from sim.scenario.model import PARENT, Line, Relay, Stream
from sim.scenario.problems import FaultyError
from sim.scenario.quantities import Pace
from sim.scenario.sites import Tree
from sim.scenario.ways import Way, find_way
from sim.units import format_rate, format_time

MAX_PACKETS_PER_S = 10**7
MAX_PACKETS_PER_FRAME = 10**7
# A way on which no field of a stream is out of place.
SOMEWHERE = Way("up", ("one", "another"), PARENT)


def read_streams(document: Document, tree: Tree) -> tuple[Stream, ...]:
    """Return the streams, by id."""
    problems = document.problems
    if not document.file.streams and not document.any_left_out("streams"):
        problems.add(document.place("streams"), "needs at least one stream")
    streams = []
    for name, fields in document.file.streams.items():
        try:
            way = find_way(fields.origin, fields.to, tree, problems)
            precedence = classes.precedence(document, fields.class_)
            streams.append(_stream(name, fields, way, precedence, tree.root))
        except FaultyError as error:
            problems.add(document.place("streams", name, *error.field), str(error))
    return tuple(sorted(streams, key=lambda stream: stream.id.encode()))


def check_media(document: Document) -> None:
    """Record what is wrong with streams, whoever sends them."""
    for name, fields in document.file.streams.items():
        try:
            precedence = classes.precedence(document, fields.class_)
            _stream(name, fields, SOMEWHERE, precedence, root="")
        except FaultyError as error:
            document.problems.add(document.place("streams", name, *error.field), str(error))


def check_sizes(
    document: Document, streams: Iterable[Stream], lines: Iterable[Line], relays: Iterable[Relay]
) -> None:
    """Record streams whose packets do not fit every line, policer and egress."""
    smallest = least_burst = 2**62
    where = policed = ""
    for line in lines:
        for direction in (line.down, line.up):
            if direction.mtu_bytes < smallest:
                smallest, where = direction.mtu_bytes, f"the line of '{line.site}'"
            if direction.policer and direction.policer.burst_bytes < least_burst:
                least_burst, policed = direction.policer.burst_bytes, line.site
    for relay in relays:
        for egress in relay.egresses:
            if egress.rate_bps and egress.mtu_bytes < smallest:
                smallest, where = egress.mtu_bytes, f"the egress of '{relay.site}'"
    for stream in streams:
        size_bytes = stream.packet_bytes + stream.overhead_bytes
        if size_bytes > smallest:
            text = (
                f"packets of {stream.packet_bytes} B and {stream.overhead_bytes} B overhead do not "
                f"fit the mtu of {where}, {smallest} B"
            )
            document.problems.add(document.place("streams", stream.id, "packet"), text)
        if size_bytes > least_burst:
            text = (
                f"packets of {stream.packet_bytes} B and {stream.overhead_bytes} B overhead exceed "
                f"the burst of the policer on the line of '{policed}', {least_burst} B: all of "
                "them would be lost"
            )
            document.problems.add(document.place("streams", stream.id, "packet"), text)


def _stream(name: str, fields: StreamFields, way: Way, precedence: int, root: str) -> Stream:
    pace = _pace(fields)
    if fields.packet + fields.overhead > 65_535:
        raise FaultyError(("overhead",), "packet and overhead are more than 65535 B together")
    mean = Fraction(fields.frame or 0)
    if fields.rate is not None:
        mean = fields.rate * pace.interval_ns / (8 * 10**9)
    key_every = _key_every(fields, pace)
    ordinary, key = _frame_bytes(fields, mean, key_every)
    size = ("rate",) if fields.rate is not None else ("frame",)
    if ordinary < 1:
        raise FaultyError(size, "leaves less than 1 B for an ordinary frame")
    _check_packets(fields, pace, ordinary, key, size)
    if fields.composite and way.direction != "up":
        raise FaultyError(("composite",), "a composite goes up; give 'to', a tier or 'parent'")
    if way.direction == "floor" and fields.start:
        raise FaultyError(("start",), "the floor's streams start with each turn")
    if fields.playout is not None and fields.playout < pace.interval_ns:
        interval = format_time(_round(pace.interval_ns))
        text = f"{format_time(fields.playout)} is shorter than a frame, {interval}: it never plays"
        raise FaultyError(("playout",), text)
    stream = Stream(
        id=name,
        direction=way.direction,
        origins=way.origins,
        to=way.to,
        composite=fields.composite,
        meeting=fields.meeting or "",
        precedence=precedence,
        playout_ns=fields.playout or 0,
        codec=fields.codec or "",
        spread_ns=_spread_ns(fields, way, pace, key_every, root),
        start_ns=fields.start,
        span_ns=pace.span_ns,
        frames_per_span=pace.frames,
        frame_bytes=ordinary,
        key_bytes=key,
        key_every=key_every,
        size_scale=fields.sizes,
        packet_bytes=fields.packet,
        overhead_bytes=fields.overhead,
        pace_bps=0,
    )
    _check_codec(stream)
    return replace(stream, pace_bps=_pace_bps(fields, stream.wire_bps))


def _pace(fields: StreamFields) -> Pace:
    if fields.frames is not None:
        return fields.frames
    if fields.every is not None:
        return Pace(fields.every, 1)
    assert fields.rate is not None
    span_ns = fields.packet * 8 * 10**9
    shared = gcd(span_ns, fields.rate)
    return Pace(span_ns // shared, fields.rate // shared)


def _spread_ns(fields: StreamFields, way: Way, pace: Pace, key_every: int, root: str) -> int:
    """Return how far apart the sources may start; 0 where one is drawn no shift."""
    if way.origins in ((), (root,)):
        if fields.spread:
            who = "the root starts at once" if way.origins else "the floor starts with each turn"
            raise FaultyError(("spread",), f"{who}; nothing is spread")
        return 0
    if fields.spread is not None:
        return fields.spread
    return _round(pace.interval_ns * max(key_every, 1)) if len(way.origins) > 1 else 0


def _key_every(fields: StreamFields, pace: Pace) -> int:
    """Return the frames from one key frame to the next; 0: no key frames."""
    if fields.key is None:
        return 0
    every = fields.key.every
    frames = every.amount if every.unit == "frames" else _round(every.amount / pace.interval_ns)
    if frames < 2:
        raise FaultyError(("key", "every"), "must be at least 2 frames")
    return int(frames)


def _frame_bytes(fields: StreamFields, mean: Fraction, key_every: int) -> tuple[int, int]:
    """Return the media bytes of an ordinary and of a key frame."""
    if fields.key is None:
        return _round(mean), _round(mean)
    size = fields.key.size
    if size.unit == "factor":
        if fields.rate is None:
            raise FaultyError(
                ("key", "size"), "a factor needs 'rate'; with 'frame', give the bytes"
            )
        key = Fraction(repr(float(size.amount))) * mean
    else:
        key = Fraction(size.amount)
    if fields.rate is None:
        return _round(mean), _round(key)
    # Ordinary frames shrink so that the mean rate holds.
    ordinary = (key_every * mean - key) / (key_every - 1)
    if ordinary < 1:
        text = f"key frames alone need more than {format_rate(fields.rate)}"
        raise FaultyError(("key", "size"), text)
    return _round(ordinary), max(_round(key), 1)


def _check_packets(
    fields: StreamFields, pace: Pace, ordinary: int, key: int, size: tuple[str, ...]
) -> None:
    packets = max(ceil(Fraction(each, fields.packet)) for each in (ordinary, key))
    if packets > MAX_PACKETS_PER_FRAME:
        text = f"a frame of {packets} packets is above the limit of {MAX_PACKETS_PER_FRAME}"
        raise FaultyError(size, text)
    per_s = _round(packets * 10**9 / pace.interval_ns)
    if per_s > MAX_PACKETS_PER_S:
        text = f"{per_s} packets a second are above the limit of {MAX_PACKETS_PER_S}"
        raise FaultyError(size, text)


def _check_codec(stream: Stream) -> None:
    if stream.codec and stream.direction == "up":
        raise FaultyError(("codec",), "is rated in rooms, and no room receives what goes up")
    if stream.codec in VIDEO_CODECS:
        try:
            video_indicator(
                float(stream.media_bps),
                float(10**9 / stream.interval_ns),
                0,
                coefficients=VIDEO_CODECS[stream.codec],
            )
        except ValueError as error:
            raise FaultyError(("codec",), str(error)) from error


def _pace_bps(fields: StreamFields, wire_bps: Fraction) -> int:
    pacing = fields.pacing
    if pacing is None or pacing.unit == "none":
        return 0
    rate = Fraction(repr(float(pacing.amount))) if pacing.unit == "factor" else Fraction(1)
    pace_bps = _round(rate * wire_bps) if pacing.unit == "factor" else int(pacing.amount)
    if pace_bps < int(wire_bps):
        text = (
            f"paces at {format_rate(pace_bps)}, below the stream's mean rate with overhead, "
            f"{format_rate(float(wire_bps))}: it would fall behind for ever"
        )
        raise FaultyError(("pacing",), text)
    return pace_bps


def _round(number: Fraction | float) -> int:
    """Return the nearest integer, halves up."""
    return int((Fraction(number) + Fraction(1, 2)) // 1)
