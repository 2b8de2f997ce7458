"""Bursts in kernels: when a source's frames are due, how large they are, and their pace.

A frame leaves in one burst when it is due; with a pace each of its packets is a burst, and they
leave no sooner than the pace lets them.
"""

from __future__ import annotations

import numpy as np

from sim.compiled import entry, inner, kernel, unsigned
from sim.draws import laplace, philox_block, uniform_of
from sim.media.kernels.arrays import FIRST, KEY, LAST, PART_BITS

BITS = 8 * 10**9  # so that a rate in bit/s divides to ns
NO_TURN = -1
NO_ROOM = -1  # instead of a row: the bursts do not fit their arrays
WHOLE = FIRST | LAST  # a burst that is a frame


@inner
def next_due(due_ns, rest, stream, streams):
    """When the frame after one is due, and its rest; see `Streams`."""
    due_ns += streams.step_ns[stream]
    rest += streams.step_rest[stream]
    over = rest - streams.frames_per_span[stream]
    return (due_ns + 1, over) if over >= 0 else (due_ns, rest)


@kernel
def draw_uniforms(key_0, key_1, first, result, low, high):
    """Put draws of a key from `first` on into result[low:high], each Philox block drawn once."""
    last = first + high - low
    for block in range(first // 4, (last + 3) // 4):
        words = philox_block(key_0, key_1, np.uint64(block))
        row = low + 4 * block - first
        if row >= low and row + 4 <= high:
            for lane in range(4):
                result[unsigned(row + lane)] = uniform_of(words[lane])
        else:
            for lane in range(4):
                if low <= row + lane < high:
                    result[unsigned(row + lane)] = uniform_of(words[lane])


@kernel
def to_deviations(sizes, low, high, scale):
    """Turn uniform numbers into Laplace variates."""
    for row in range(low, high):
        sizes[unsigned(row)] = laplace(sizes[unsigned(row)], scale)


@kernel
def to_bytes(sizes, low, high, mean_bytes):
    """Turn deviations into media bytes."""
    for row in range(low, high):
        size_bytes = np.rint(mean_bytes * (1.0 + sizes[unsigned(row)]))
        # The Laplace tail below -1 (0.06 % at scale 0.15) is cut: a frame has at least one byte.
        sizes[unsigned(row)] = size_bytes if size_bytes > 1.0 else 1.0


@inner
def deviate(i, draw, streams, sources, sizes, low, high):
    """Put deviations of source `i`, drawn from the number `draw` on, into sizes[low:high]."""
    scale = streams.size_scale[sources.stream[i]]
    if scale > 0.0:
        draw_uniforms(sources.key[i, 0], sources.key[i, 1], draw, sizes, low, high)
        to_deviations(sizes, low, high, scale)
    else:
        for row in range(low, high):
            sizes[unsigned(row)] = 0.0


@inner
def size_frames(i, frame, draw, streams, sources, bursts, low, high):
    """Put the media bytes of source `i`'s frames from `frame` on into rows low .. high-1.

    Those that are key frames by their number are marked. `draw` is that of the first one's draw.
    """
    stream, sizes = sources.stream[i], bursts.media_bytes
    deviate(i, draw, streams, sources, sizes, low, high)
    mean_bytes, every = np.float64(streams.frame_bytes[stream]), streams.key_every[stream]
    if every > 0:
        key = low + (-frame) % every
        while key < high:
            to_bytes(sizes, low, key, mean_bytes)
            to_bytes(sizes, key, key + 1, np.float64(streams.key_bytes[stream]))
            bursts.mark[unsigned(key)] |= KEY
            low, key = key + 1, key + every
    to_bytes(sizes, low, high, mean_bytes)


@kernel
def make_key(i, draw, streams, sources, bursts, row):
    """Make the frame of a row, which has its size, a key frame; `draw` is that of its draw."""
    sizes = bursts.media_bytes
    deviate(i, draw, streams, sources, sizes, row, row + 1)
    to_bytes(sizes, row, row + 1, np.float64(streams.key_bytes[sources.stream[i]]))
    bursts.mark[unsigned(row)] |= KEY


@inner
def answer(i, request, draw, streams, sources, asked, bursts, low, high):
    """Make those frames of rows low .. high-1 key frames that are the first since a request.

    `at_ns` says when they are due. Return the first request from `request` on that none answers.
    """
    row = low
    while request < asked.first[i + 1]:
        while row < high and bursts.at_ns[unsigned(row)] < asked.at_ns[request]:
            row += 1
        if row == high:
            break
        make_key(i, draw + row - low, streams, sources, bursts, row)
        request += 1
    return request


@inner
def send_frames(
    i, stretch, stop_ns, row, limit, streams, sources, stretches, asked, progress, bursts
):
    """Write what leaves before `stop_ns` from `row` on; return the row after it, or NO_ROOM."""
    stream, first = sources.stream[i], row
    frame, due_ns, rest = progress.frame[i], progress.due_ns[i], progress.rest[i]
    while due_ns < stop_ns:
        if row == limit:
            return NO_ROOM
        bursts.at_ns[unsigned(row)] = due_ns
        bursts.mark[unsigned(row)] = NO_TURN << PART_BITS | WHOLE
        due_ns, rest = next_due(due_ns, rest, stream, streams)
        row += 1
    if frame == 0 and row > first:
        bursts.mark[first] = stretches.turn[stretch] << PART_BITS | WHOLE
    draw = stretches.first_draw[stretch] + frame
    size_frames(i, frame, draw, streams, sources, bursts, first, row)
    progress.asked[i] = answer(
        i, progress.asked[i], draw, streams, sources, asked, bursts, first, row
    )
    progress.frame[i], progress.due_ns[i], progress.rest[i] = frame + row - first, due_ns, rest
    return row


@kernel
def send_paced(
    i, stretch, stop_ns, row, limit, streams, sources, stretches, asked, progress, bursts
):
    """As `send_frames`, packet by packet and no faster than the pace."""
    stream = sources.stream[i]
    full_bytes, overhead_bytes = streams.packet_bytes[stream], streams.overhead_bytes[stream]
    pace_bps = streams.pace_bps[stream]
    key, request = progress.key[i], progress.asked[i]
    frame, due_ns, rest = progress.frame[i], progress.due_ns[i], progress.rest[i]
    left, free_ns = progress.left_bytes[i], progress.free_ns[i]
    while True:
        at_ns = free_ns if left > 0 else max(due_ns, free_ns)
        if at_ns >= stop_ns:
            break
        if row == limit:
            return NO_ROOM
        part = 0
        if left == 0:
            # For now the row has the whole frame.
            part, bursts.mark[row], bursts.at_ns[row] = FIRST, 0, due_ns
            draw = stretches.first_draw[stretch] + frame
            size_frames(i, frame, draw, streams, sources, bursts, row, row + 1)
            request = answer(i, request, draw, streams, sources, asked, bursts, row, row + 1)
            key = np.int64(bursts.mark[row])
            left = int(bursts.media_bytes[row])
            due_ns, rest = next_due(due_ns, rest, stream, streams)
            frame += 1
        media_bytes = min(left, full_bytes)
        left -= media_bytes
        bursts.at_ns[row] = at_ns
        bursts.media_bytes[row] = media_bytes
        turn = stretches.turn[stretch] if frame == 1 else NO_TURN
        bursts.mark[row] = turn << PART_BITS | part | key | (0 if left else LAST)
        row += 1
        free_ns = at_ns + ((media_bytes + overhead_bytes) * BITS + pace_bps // 2) // pace_bps
    progress.frame[i], progress.due_ns[i], progress.rest[i] = frame, due_ns, rest
    progress.left_bytes[i], progress.free_ns[i] = left, free_ns
    progress.key[i], progress.asked[i] = key, request
    return row


@inner
def enter(i, stretch, streams, sources, stretches, progress):
    """Have source `i` begin a stretch; what it has not sent in the one before is dropped."""
    progress.stretch[i] = stretch
    progress.frame[i], progress.left_bytes[i], progress.free_ns[i] = 0, 0, 0
    progress.rest[i] = streams.frames_per_span[sources.stream[i]] // 2
    if stretch < sources.stretch_first[i + 1]:
        progress.due_ns[i] = stretches.begin_ns[stretch]


@entry
def enter_first(streams, sources, stretches, progress):
    """Have every source begin its first stretch."""
    for i in range(sources.stream.size):
        enter(i, sources.stretch_first[i], streams, sources, stretches, progress)


@kernel
def count_packets(low, high, packet_bytes, media_bytes):
    """How many packets the bursts of rows low .. high-1 make."""
    full_bytes, packets = np.float64(packet_bytes), 0
    for row in range(low, high):
        packets += int(np.ceil(media_bytes[unsigned(row)] / full_bytes))
    return packets


@entry
def advance(begin, last, row, limit, end_ns, streams, sources, stretches, asked, progress, bursts):
    """Write the bursts of sources begin .. last-1 up to `end_ns` into rows row .. limit-1.

    `bursts.length` is 0 but for what `begin` has written already. Return the source at which it
    stopped because not all of its bursts fit; the caller enlarges the arrays and goes on with it.
    """
    for i in range(begin, last):
        bursts.first[i] = row - bursts.length[i]
        while progress.stretch[i] < sources.stretch_first[i + 1]:
            stretch = progress.stretch[i]
            if stretches.begin_ns[stretch] >= end_ns:
                break
            until_ns = stretches.until_ns[stretch]
            if streams.pace_bps[sources.stream[i]] > 0:
                after = send_paced(
                    i, stretch, min(end_ns, until_ns), row, limit, streams, sources, stretches,
                    asked, progress, bursts,
                )  # fmt: skip
            else:
                after = send_frames(
                    i, stretch, min(end_ns, until_ns), row, limit, streams, sources, stretches,
                    asked, progress, bursts,
                )  # fmt: skip
            if after == NO_ROOM:
                bursts.length[i] = row - bursts.first[i]
                return i
            row = after
            if end_ns < until_ns:
                break
            enter(i, stretch + 1, streams, sources, stretches, progress)
        bursts.length[i] = row - bursts.first[i]
        bursts.packets[i] = count_packets(
            bursts.first[i], row, streams.packet_bytes[sources.stream[i]], bursts.media_bytes
        )
    return last
