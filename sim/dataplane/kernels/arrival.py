"""What arrives at the far end of a line, counted for the line and for the room.

A room counts for itself and for each stream that it hears. Streams come in runs: the packets of a
frame follow each other, so a stream's counts stay in registers while its run lasts.
"""

from __future__ import annotations

import numpy as np

from sim.compiled import inner, kernel, unsigned
from sim.dataplane.kernels.prefetch import prefetch
from sim.dataplane.kernels.rules import bucket, next_jitter
from sim.dataplane.tally import (
    SUBBUCKETS,
    Fate,
    LineCount,
    RoomCount,
    StreamCount,
    TurnCount,
)
from sim.media.kernels.arrays import FIRST, KEY, LAST

DELIVERED = int(LineCount.DELIVERED)
DELIVERED_BYTES = int(LineCount.DELIVERED_BYTES)
DELAY_SUM_NS = int(LineCount.DELAY_SUM_NS)
DELAY_MAX_NS = int(LineCount.DELAY_MAX_NS)

ROOM_RECEIVED = int(RoomCount.RECEIVED)
ROOM_BYTES = int(RoomCount.RECEIVED_BYTES)
ROOM_LOST_OUTAGE = int(RoomCount.LOST_OUTAGE)
ROOM_LOST_ENDPOINT = int(RoomCount.LOST_ENDPOINT)
ROOM_DELAY_SUM_NS = int(RoomCount.DELAY_SUM_NS)
ROOM_DELAY_MAX_NS = int(RoomCount.DELAY_MAX_NS)
ROOM_LAST_NS = int(RoomCount.LAST_NS)
ROOM_GAP_MAX_NS = int(RoomCount.GAP_MAX_NS)
ROOM_DARK_NS = int(RoomCount.DARK_NS)
ROOM_DUPLICATES = int(RoomCount.DUPLICATES)
ROOM_ABSENT = int(RoomCount.ABSENT)
ROOM_DARK_SINCE = int(RoomCount.DARK_SINCE)

HEARD = int(StreamCount.RECEIVED)
HEARD_DELAY_SUM_NS = int(StreamCount.DELAY_SUM_NS)
HEARD_DELAY_MAX_NS = int(StreamCount.DELAY_MAX_NS)
HEARD_LAST_NS = int(StreamCount.LAST_NS)
HEARD_TRANSIT_NS = int(StreamCount.LAST_TRANSIT_NS)
JITTER_16NS = int(StreamCount.JITTER_16NS)
JITTER_MAX_16NS = int(StreamCount.JITTER_MAX_16NS)
FREEZES = int(StreamCount.FREEZES)
FROZEN_NS = int(StreamCount.FROZEN_NS)
LOSS_RUNS = int(StreamCount.LOSS_RUNS)
LOSS_RUN_PACKETS = int(StreamCount.LOSS_RUN_PACKETS)
NEXT_SEQUENCE = int(StreamCount.NEXT_SEQUENCE)
LAST_ORIGIN = int(StreamCount.LAST_ORIGIN)
KEY_NEXT = int(StreamCount.KEY_NEXT)

TURN_FIRST_NS = int(TurnCount.FIRST_NS)
TURN_PACKETS = int(TurnCount.PACKETS)
TURN_LAST_NS = int(TurnCount.LAST_NS)

ARRIVED = int(Fate.ARRIVED)
FATE_RECEIVED = int(Fate.ROOM_RECEIVED)
FATE_ROOM_OUTAGE = int(Fate.ROOM_OUTAGE)
FATE_ROOM_DEAD = int(Fate.ROOM_DEAD)
FATE_ROOM_DUPLICATE = int(Fate.ROOM_DUPLICATE)
FATE_ROOM_ABSENT = int(Fate.ROOM_ABSENT)

_BUCKETS_PER_CACHE_LINE = 16  # of 4 bytes in 64

NO_ROOM = -1
CAME_BEFORE = -1  # instead of when a packet was offered, once it is known as a duplicate
NO_TURN = -1


@kernel
def note(hop, packet, fate, at_ns, flow, bench):
    """Write a decided fate on a watched hop into the log."""
    number = flow.first + packet
    if packet >= flow.sent:
        number = flow.kept_number[packet - flow.sent]
    row = bench.used[1]
    bench.log[row, 0] = hop
    bench.log[row, 1] = number
    bench.log[row, 2] = fate
    bench.log[row, 3] = at_ns
    bench.used[1] = row + 1


@inner
def ask_for_delays(delays, shortest, longest):
    """Ask for the memory of some buckets of a histogram."""
    for k in range(shortest, longest + 1, _BUCKETS_PER_CACHE_LINE):
        prefetch(delays, k)


@inner
def ask_for_counts(d, room, tree, counts):
    """Ask for the memory where arrivals will be counted, while they are still on their way.

    Delays are expected between the propagation and the longest so far; in a room, in the three
    octaves below the longest. Elsewhere a count only has to wait.
    """
    shortest = bucket(tree.propagation_ns[d])
    longest = bucket(counts.line[d, DELAY_MAX_NS])
    ask_for_delays(counts.line_delay[tree.line_histogram[d]], shortest, longest)
    listener = room
    if tree.rises[d]:
        # Most of what goes up ends at the next relay, so its delay is that of the line.
        listener = tree.site[d]
        ask_for_delays(counts.up_delay[tree.room_histogram[listener]], shortest, longest)
    elif room != NO_ROOM:
        longest = bucket(counts.room[room, ROOM_DELAY_MAX_NS])
        shortest = max(longest - 3 * SUBBUCKETS, np.int64(0))
        ask_for_delays(counts.room_delay[tree.room_histogram[room]], shortest, longest)
    if listener != NO_ROOM:
        for stream in range(counts.stream.shape[1]):
            prefetch(counts.stream[listener, stream], HEARD)
            prefetch(counts.stream[listener, stream], LAST_ORIGIN)


@kernel
def room_fate(s, lines):
    """Return what becomes of a packet that reaches the room of `s` now."""
    if not lines.present[s]:
        return FATE_ROOM_ABSENT
    if not lines.room_up[s]:
        return FATE_ROOM_DEAD
    return FATE_RECEIVED if lines.fed[s] else FATE_ROOM_OUTAGE


@inner
def settle(d, first, arrived, tree, flow, counts, bench):
    """Count what direction `d` has delivered: places `first` to `arrived` - 1 on the bench."""
    line, line_delay = counts.line[d], counts.line_delay[tree.line_histogram[d]]
    packet, size_bytes = bench.packet[first:arrived], flow.size_bytes
    offered_ns, arrival_ns = bench.offered_ns[first:arrived], bench.arrival_ns[first:arrived]
    delay_sum_ns, delay_max_ns, size_sum_bytes = 0, line[DELAY_MAX_NS], 0
    for i in range(packet.size):
        delay_ns = arrival_ns[i] - offered_ns[i]
        delay_sum_ns += delay_ns
        delay_max_ns = max(delay_max_ns, delay_ns)
        size_sum_bytes += size_bytes[unsigned(packet[i])]
        line_delay[unsigned(bucket(delay_ns))] += np.uint32(1)
    line[DELIVERED] += arrived - first
    line[DELIVERED_BYTES] += size_sum_bytes
    line[DELAY_SUM_NS] += delay_sum_ns
    line[DELAY_MAX_NS] = delay_max_ns
    if tree.watched[d]:
        for i in range(packet.size):
            note(tree.hop[d], packet[i], ARRIVED, arrival_ns[i], flow, bench)


@inner
def enter_room(s, first, arrived, fate, tree, flow, counts, bench):
    """Give the room of `s` what stands on the bench, where all of it has one `fate`.

    A room does not hear itself: what it has sent comes back to a relay site, not to its room.
    """
    if not tree.speaker[s]:
        meet_room(s, first, arrived, fate, tree, flow, counts, bench)
        return
    i = first
    while i < arrived:
        stretch = i
        while i < arrived and flow.origin[bench.packet[i]] != s:
            i += 1
        meet_room(s, stretch, i, fate, tree, flow, counts, bench)
        i += 1


@kernel
def meet_room(s, first, arrived, fate, tree, flow, counts, bench):
    """Count packets of others under their one fate in the room."""
    if first == arrived:
        return
    duplicates = 0
    if fate == FATE_RECEIVED:
        duplicates, size_bytes, total_ns, longest_ns = receive(
            counts.stream[s], counts.room_delay[tree.room_histogram[s]],
            0, first, arrived, tree, flow, bench,
        )  # fmt: skip
        received = arrived - first - duplicates
        count_room(counts.room[s], received, size_bytes, total_ns, longest_ns)
        counts.room[s, ROOM_DUPLICATES] += duplicates
        watch_room(s, first, arrived, duplicates, tree, flow, counts, bench)
        if flow.turns_begin:
            hear_turns(counts.turn[s], first, arrived, duplicates, flow, bench)
    elif fate == FATE_ROOM_ABSENT:
        counts.room[s, ROOM_ABSENT] += arrived - first
    elif fate == FATE_ROOM_OUTAGE:
        counts.room[s, ROOM_LOST_OUTAGE] += arrived - first
    else:
        counts.room[s, ROOM_LOST_ENDPOINT] += arrived - first
    if tree.watched[s]:
        for i in range(first, arrived):
            again = duplicates > 0 and bench.offered_ns[i] == CAME_BEFORE
            own_fate = FATE_ROOM_DUPLICATE if again else fate
            note(s, bench.packet[i], own_fate, bench.arrival_ns[i], flow, bench)


@inner
def receive(streams, delays, lag_ns, first, arrived, tree, flow, bench):
    """Count what a listener has received, stream by stream; see docs/model.md, section 7.

    `streams` are its rows of `Tally.stream`, `delays` its histogram. Delays count from `lag_ns`
    before a packet was sent. Of what comes down, a packet that comes once more, or after what
    follows it, counts for nothing but is marked CAME_BEFORE on the bench. Returns (how many did,
    bytes of the others, sum of their delays, the longest).
    """
    packet, sent_ns, size_bytes = bench.packet[first:arrived], flow.sent_ns, flow.size_bytes
    arrivals_ns = bench.arrival_ns[first:arrived]
    stream_of, origin_of, playouts_ns = flow.stream, flow.origin, tree.playout_ns
    size_sum_bytes, total_ns, longest_ns, duplicates = 0, 0, 0, 0
    for i in range(packet.size):
        p, arrival_ns = unsigned(packet[i]), arrivals_ns[i]
        delay_ns = arrival_ns - sent_ns[p] + lag_ns
        stream, origin = unsigned(stream_of[p]), origin_of[p]
        if streams[stream, LAST_ORIGIN] != origin + 1:
            # The first packet of a source follows itself: no jitter, no gap.
            streams[stream, LAST_ORIGIN] = origin + 1
            streams[stream, HEARD_LAST_NS] = arrival_ns
            streams[stream, HEARD_TRANSIT_NS] = delay_ns
            streams[stream, JITTER_16NS] = 0
            if tree.goes_down[stream]:
                streams[stream, NEXT_SEQUENCE] = flow.sequence[p]
        waited_ns = arrival_ns - streams[stream, HEARD_LAST_NS]
        if tree.goes_down[stream]:
            number = flow.sequence[p]
            missing = number - streams[stream, NEXT_SEQUENCE]
            if missing < 0:
                bench.offered_ns[first + i] = CAME_BEFORE
                duplicates += 1
                continue
            if missing > 0 and waited_ns <= tree.dark_after_ns:
                streams[stream, LOSS_RUNS] += 1
                streams[stream, LOSS_RUN_PACKETS] += missing
            streams[stream, NEXT_SEQUENCE] = number + 1
        delays[unsigned(bucket(delay_ns))] += np.uint32(1)
        size_sum_bytes += size_bytes[p]
        total_ns += delay_ns
        longest_ns = max(longest_ns, delay_ns)
        jitter_16ns = next_jitter(
            streams[stream, JITTER_16NS], delay_ns, streams[stream, HEARD_TRANSIT_NS]
        )
        streams[stream, JITTER_16NS] = jitter_16ns
        streams[stream, JITTER_MAX_16NS] = max(streams[stream, JITTER_MAX_16NS], jitter_16ns)
        beyond_ns = waited_ns - playouts_ns[stream]
        if beyond_ns > 0:
            streams[stream, FREEZES] += 1
            streams[stream, FROZEN_NS] += beyond_ns
        streams[stream, HEARD] += 1
        streams[stream, HEARD_DELAY_SUM_NS] += delay_ns
        delay_max_ns = max(streams[stream, HEARD_DELAY_MAX_NS], delay_ns)
        streams[stream, HEARD_DELAY_MAX_NS] = delay_max_ns
        streams[stream, HEARD_LAST_NS] = arrival_ns
        streams[stream, HEARD_TRANSIT_NS] = delay_ns
    return duplicates, size_sum_bytes, total_ns, longest_ns


@inner
def count_room(room, packets, size_bytes, total_ns, longest_ns):
    """Count so many packets in a room, their bytes, and their delays' sum and largest."""
    room[ROOM_RECEIVED] += packets
    room[ROOM_BYTES] += size_bytes
    room[ROOM_DELAY_SUM_NS] += total_ns
    room[ROOM_DELAY_MAX_NS] = max(room[ROOM_DELAY_MAX_NS], longest_ns)


@kernel
def darken(s, since_ns, tree, counts):
    """Have the room of `s` be dark from an instant on, until it is shown a whole key frame."""
    counts.room[s, ROOM_DARK_SINCE] = since_ns + 1
    for stream in range(tree.shows.size):
        counts.stream[s, stream, KEY_NEXT] = 0


@kernel
def lighten(s, at_ns, counts, bench):
    """Have the room of `s` be dark no longer, and write down how long it was."""
    since_ns = counts.room[s, ROOM_DARK_SINCE] - 1
    counts.room[s, ROOM_DARK_SINCE] = 0
    counts.room[s, ROOM_DARK_NS] += at_ns - since_ns
    row = bench.used[3]
    bench.dark[row, 0], bench.dark[row, 1], bench.dark[row, 2] = s, since_ns, at_ns
    bench.used[3] = row + 1


@kernel
def shows(s, packet, tree, flow, counts):
    """Say whether a dark room can show something again with a packet: a key frame is whole.

    Its packets come one after the other, or something is missing.
    """
    if not tree.pictures[0]:
        return True
    stream = flow.stream[packet]
    if not tree.shows[stream] or flow.origin[packet] != 0:
        return False
    heard, part, number = counts.stream[s, stream], flow.part[packet], flow.sequence[packet]
    whole_so_far = part & FIRST or heard[KEY_NEXT] == number + 1
    heard[KEY_NEXT] = number + 2 if part & KEY and whole_so_far else 0
    return heard[KEY_NEXT] > 0 and part & LAST > 0


@inner
def watch_room(s, first, arrived, duplicates, tree, flow, counts, bench):
    """Bring a room's longest wait and its dark time up to date, with arrivals in order of time."""
    room = counts.room[s]
    last_ns, gap_max_ns, dark = room[ROOM_LAST_NS], room[ROOM_GAP_MAX_NS], room[ROOM_DARK_SINCE] > 0
    for i in range(first, arrived):
        if duplicates and bench.offered_ns[unsigned(i)] == CAME_BEFORE:
            continue
        arrival_ns = bench.arrival_ns[unsigned(i)]
        gap_ns = arrival_ns - last_ns
        gap_max_ns = max(gap_max_ns, gap_ns)
        if gap_ns > tree.dark_after_ns and not dark:
            darken(s, last_ns, tree, counts)
            dark = True
        if dark and shows(s, bench.packet[unsigned(i)], tree, flow, counts):
            lighten(s, arrival_ns, counts, bench)
            dark = False
        last_ns = arrival_ns
    room[ROOM_LAST_NS] = last_ns
    room[ROOM_GAP_MAX_NS] = gap_max_ns


@kernel
def attend(s, at_ns, joins, tree, counts, bench):
    """Have the room of `s` begin to wait as it joins, in the dark, or cease as it leaves."""
    room = counts.room[s]
    if joins:
        if tree.pictures[0]:
            darken(s, at_ns, tree, counts)
    else:
        gap_ns = at_ns - room[ROOM_LAST_NS]
        room[ROOM_GAP_MAX_NS] = max(room[ROOM_GAP_MAX_NS], gap_ns)
        if room[ROOM_DARK_SINCE] == 0 and gap_ns > tree.dark_after_ns:
            darken(s, room[ROOM_LAST_NS], tree, counts)
        if room[ROOM_DARK_SINCE] > 0:
            lighten(s, at_ns, counts, bench)
    room[ROOM_LAST_NS] = at_ns
    for stream in range(tree.down.size):
        if tree.goes_down[stream]:
            counts.stream[s, stream, LAST_ORIGIN] = 0


@inner
def hear_turn(heard, arrival_ns):
    """Count a packet of a turn's first frame in a room."""
    if heard[TURN_PACKETS] == 0:
        heard[TURN_FIRST_NS] = arrival_ns
    heard[TURN_FIRST_NS] = min(heard[TURN_FIRST_NS], arrival_ns)
    heard[TURN_PACKETS] += 1
    heard[TURN_LAST_NS] = max(heard[TURN_LAST_NS], arrival_ns)


@kernel
def hear_turns(turn_counts, first, arrived, duplicates, flow, bench):
    """Count in a room what has come of the first frames of turns."""
    for i in range(first, arrived):
        turn = flow.turn[bench.packet[i]]
        again = duplicates > 0 and bench.offered_ns[i] == CAME_BEFORE
        if turn != NO_TURN and not again:
            hear_turn(turn_counts[turn], bench.arrival_ns[i])
