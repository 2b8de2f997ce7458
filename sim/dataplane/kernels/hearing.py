"""What eight lines abreast deliver, counted for the lines and for who listens at their far ends.

The same counts as for one line (`arrival`). Packets of a stream arrive in the order of the rows; of
two streams one may overtake the other, which matters for nothing but a room's longest wait.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.compiled import inner, unsigned
from sim.dataplane.kernels.arrays import Abreast
from sim.dataplane.kernels.arrival import (
    CAME_BEFORE,
    NO_TURN,
    ROOM_BYTES,
    ROOM_DUPLICATES,
    count_room,
    hear_turn,
    hear_turns,
    receive,
    settle,
    watch_room,
)
from sim.dataplane.kernels.board import (
    ARRIVES,
    AT,
    BAND,
    BEGINS,
    COUNT,
    DELAY_MAX,
    DELAY_SUM,
    GAP,
    LATEST,
    NEED,
    SITE,
    SIZE,
    SIZE_SUM,
    STREAM,
    cell,
    field_of,
    lanes_of,
    make_known,
    packet_at,
    set_field,
    set_lanes,
    undecided,
)
from sim.dataplane.kernels.queue import OFFERED_AT, PACKET, decide_special
from sim.dataplane.kernels.rules import bucket, next_jitter
from sim.dataplane.tally import RoomCount, StreamCount
from sim.lanes import LANES, bits_of, larger, load, lowest, mask_of, only, spread, store, where

ROOM_LAST_NS = int(RoomCount.LAST_NS)
ROOM_GAP_MAX_NS = int(RoomCount.GAP_MAX_NS)
ENDED = int(StreamCount.ENDED)
MET_LONG_WAIT = int(Abreast.LONG_WAIT)

# Cells that are used again, for the buckets of delays, when what was let in is settled.
LINE_BUCKET, HEARD_BUCKET, NO_BUCKET = BEGINS, NEED, -1

# What lanes keep of a stream: what a listener has in `StreamCount`, the columns before `SENT`.
RECEIVED, DELAY_TOTAL, DELAY_MOST, LAST, TRANSIT, JITTER, JITTER_MOST, FREEZES, FROZEN = range(9)
RUNS, RUN_PACKETS, NEXT, ORIGIN = range(9, 13)
HEARD = int(StreamCount.SENT)


@inner
def heard_cell(stream, which):
    """Where the lanes of a stream's count begin."""
    return unsigned((stream * HEARD + which) * LANES)


@inner
def take_up(lanes, way_up, tree, counts, board):
    """Take the streams' counts of who listens at the lanes' ends onto the board."""
    heard = board.heard
    for lane in range(lanes):
        rows, place = counts.stream[field_of(SITE, lane, board)], unsigned(lane)
        for stream in range(tree.down.size):
            if tree.goes_down[stream] == way_up:
                continue
            row = rows[unsigned(stream)]
            for which in range(HEARD):
                heard[heard_cell(stream, which) + place] = row[unsigned(which)]


@inner
def put_back(lane, way_up, tree, counts, board):
    """Put the streams' counts of a lane back; return (packets, sum of delays, longest) as new."""
    heard, place = board.heard, unsigned(lane)
    rows = counts.stream[field_of(SITE, lane, board)]
    packets, total_ns, longest_ns = 0, 0, 0
    for stream in range(tree.down.size):
        if tree.goes_down[stream] == way_up:
            continue
        row = rows[unsigned(stream)]
        packets -= row[RECEIVED]
        total_ns -= row[DELAY_TOTAL]
        for which in range(HEARD):
            row[unsigned(which)] = heard[heard_cell(stream, which) + place]
        if way_up:
            row[ENDED] = row[RECEIVED]
        packets += row[RECEIVED]
        total_ns += row[DELAY_TOTAL]
        longest_ns = max(longest_ns, row[DELAY_MOST])
    return packets, total_ns, longest_ns


@inner
def hear(stream, got, arrives, transit, origin, playout_ns, heard):
    """Count packets of one stream in the lanes in `got`; see `arrival.receive`."""
    place = heard_cell(stream, 0)
    each = unsigned(LANES)
    mark = origin + 1
    follows = load(heard, heard_cell(stream, ORIGIN)) == mark
    transits, lasts = (
        load(heard, heard_cell(stream, TRANSIT)),
        load(heard, heard_cell(stream, LAST)),
    )
    jitters = load(heard, heard_cell(stream, JITTER))
    jitter = next_jitter(only(follows, jitters), transit, where(follows, transits, transit))
    beyond = arrives - where(follows, lasts, arrives) - playout_ns
    frozen = got & (beyond > 0)
    if bits_of(frozen):
        where_freezes, where_frozen = heard_cell(stream, FREEZES), heard_cell(stream, FROZEN)
        store(heard, where_freezes, load(heard, where_freezes) + only(frozen, spread(1)))
        store(heard, where_frozen, load(heard, where_frozen) + only(frozen, beyond))
    received, total = load(heard, place), load(heard, place + each)
    longest, worst = (
        load(heard, heard_cell(stream, DELAY_MOST)),
        load(heard, heard_cell(stream, JITTER_MOST)),
    )
    store(heard, place, received + only(got, spread(1)))
    store(heard, place + each, total + only(got, transit))
    store(heard, heard_cell(stream, DELAY_MOST), larger(longest, only(got, transit)))
    store(heard, heard_cell(stream, LAST), where(got, arrives, lasts))
    store(heard, heard_cell(stream, TRANSIT), where(got, transit, transits))
    store(heard, heard_cell(stream, JITTER), where(got, jitter, jitters))
    store(heard, heard_cell(stream, JITTER_MOST), larger(worst, only(got, jitter)))
    origins = load(heard, heard_cell(stream, ORIGIN))
    store(heard, heard_cell(stream, ORIGIN), where(got, mark, origins))


@inner
def miss(stream, got, arrives, number, origin, dark_after_ns, heard):
    """Count runs of losses before packets of one stream in the lanes in `got`, before `hear`.

    Returns the lanes to which it, or what follows it, had come before.
    """
    follows = load(heard, heard_cell(stream, ORIGIN)) == origin + 1
    expected = load(heard, heard_cell(stream, NEXT))
    again = got & mask_of(0)
    unexpected = got & follows & ~(number == expected)
    if bits_of(unexpected):
        again = unexpected & (number < expected)
        waited = arrives - load(heard, heard_cell(stream, LAST))
        missing = unexpected & ~again & (waited <= dark_after_ns)
        runs, packets = heard_cell(stream, RUNS), heard_cell(stream, RUN_PACKETS)
        store(heard, runs, load(heard, runs) + only(missing, spread(1)))
        store(heard, packets, load(heard, packets) + only(missing, number - expected))
    latest = larger(only(follows, expected), number + 1)
    store(heard, heard_cell(stream, NEXT), where(got, latest, expected))
    return again


@inner
def forget(again, row, size_bytes, counts, tree, board):
    """Take back what is counted in rooms of a row's packet in the lanes to which it comes again."""
    while again:
        lane = lowest(again)
        again &= again - 1
        s = field_of(SITE, lane, board)
        counts.room[s, ROOM_DUPLICATES] += 1
        counts.room[s, ROOM_BYTES] -= size_bytes
        number = board.cells[cell(row, HEARD_BUCKET) + unsigned(lane)]
        counts.room_delay[tree.room_histogram[s], number] -= np.uint32(1)
        board.accepted[unsigned(row)] &= ~(1 << lane)


@inner
def decide_lost(first, rows, offset, end_ns, tree, lines, flow, counts, bench):
    """Decide what is picked for line loss and has left before `end_ns`."""
    board = bench.board
    if not board.losses[0]:
        return
    for row in range(rows):
        lost = board.lost[unsigned(row)]
        while lost:
            lane = lowest(lost)
            lost &= lost - 1
            d = offset + field_of(SITE, lane, board)
            if not undecided(row, lane, d, end_ns, tree, board):
                if offset and row >= first:
                    make_known(row, first, lane, flow, bench)
                bench.packet[0] = ~packet_at(row, lane, first, d, offset, tree, lines, bench)
                decide_special(d, 0, tree, flow, counts, bench)


@inner
def settle_carried(lane, first, offset, end_ns, tree, lines, flow, counts, bench):
    """Count what a lane has carried into the span and delivers in it."""
    board, arrived = bench.board, 0
    s = field_of(SITE, lane, board)
    d = offset + s
    for row in range(lines.carried[d]):
        if undecided(row, lane, d, end_ns, tree, board) or board.lost[row] >> lane & 1:
            continue
        bench.packet[arrived] = bench.old[lines.carried_at[d] + row, PACKET]
        bench.offered_ns[arrived] = bench.old[lines.carried_at[d] + row, OFFERED_AT]
        bench.arrival_ns[arrived] = board.cells[cell(row, ARRIVES) + unsigned(lane)]
        arrived += 1
    if not arrived:
        return
    settle(d, 0, arrived, tree, flow, counts, bench)
    delays = counts.up_delay if offset else counts.room_delay
    duplicates, size, total, longest = receive(
        counts.stream[s], delays[tree.room_histogram[s]], 0, 0, arrived, tree, flow, bench
    )
    if offset:
        return
    count_room(counts.room[s], arrived - duplicates, size, total, longest)
    counts.room[s, ROOM_DUPLICATES] += duplicates
    if flow.turns_begin:
        hear_turns(counts.turn[s], 0, arrived, duplicates, flow, bench)
    i = 0
    for row in range(lines.carried[d]):
        if undecided(row, lane, d, end_ns, tree, board) or board.lost[row] >> lane & 1:
            continue
        if duplicates and bench.offered_ns[i] == CAME_BEFORE:
            board.accepted[row] &= ~(1 << lane)  # so that nobody waited for it
        else:
            wait(lane, bench.arrival_ns[i], board)
        i += 1


@inner
def wait(lane, arrival_ns, board):
    """Note an arrival in the room of a lane: how long at most anything was waited for."""
    latest_ns = field_of(LATEST, lane, board)
    set_field(GAP, lane, max(field_of(GAP, lane, board), arrival_ns - latest_ns), board)
    set_field(LATEST, lane, max(latest_ns, arrival_ns), board)


class Delivered(NamedTuple):
    """What lines have delivered from the rows seen so far, as it is in registers."""

    packets: Any
    size: Any
    delay: Any  # sum
    longest: Any  # delay


@inner
def nothing_delivered():
    """Return what no rows deliver."""
    zero = spread(0)
    return Delivered(zero, zero, zero, zero)


@inner
def deliver(got, size, delay, delivered):
    """Count for the lines what one row delivers in the lanes in `got`."""
    return Delivered(
        delivered.packets + only(got, spread(1)),
        delivered.size + only(got, size),
        delivered.delay + only(got, delay),
        larger(delivered.longest, only(got, delay)),
    )


@inner
def close_delivered(delivered, board):
    """Write down on the board what the lines have delivered."""
    set_lanes(COUNT, delivered.packets, board)
    set_lanes(SIZE_SUM, delivered.size, board)
    set_lanes(DELAY_SUM, delivered.delay, board)
    set_lanes(DELAY_MAX, delivered.longest, board)


@inner
def arrived_in(row, end_ns, board):
    """Return in which lanes a row's packet arrives before `end_ns`, and in which it may later."""
    accepted, lost = board.accepted[unsigned(row)], board.lost[unsigned(row)]
    late = mask_of(accepted) & (load(board.cells, cell(row, ARRIVES)) >= end_ns)
    return mask_of(accepted & ~lost) & ~late, late


@inner
def deliver_down(first, rows, end_ns, tree, flow, counts, bench):
    """Count what the rows from `first` on deliver to rooms; return the first row not decided."""
    board = bench.board
    cells, first_open, none = board.cells, rows, spread(NO_BUCKET)
    delivered = nothing_delivered()
    latest, gap = lanes_of(LATEST, board), lanes_of(GAP, board)
    for row in range(first, rows):
        got, late = arrived_in(row, end_ns, board)
        if bits_of(late):
            first_open = min(first_open, row)
        arrives = load(cells, cell(row, ARRIVES))
        packet = unsigned(board.packet[unsigned(row)])
        stream = unsigned(flow.stream[packet])
        delay, transit = arrives - load(cells, cell(row, AT)), arrives - flow.sent_ns[packet]
        store(cells, cell(row, LINE_BUCKET), where(got, bucket(delay), none))
        store(cells, cell(row, HEARD_BUCKET), bucket(transit))
        delivered = deliver(got, spread(flow.size_bytes[packet]), delay, delivered)
        origin = spread(flow.origin[packet])
        number = spread(flow.sequence[packet])
        again = miss(stream, got, arrives, number, origin, tree.dark_after_ns, board.heard)
        if bits_of(again):
            forget(bits_of(again), row, flow.size_bytes[packet], counts, tree, board)
            got = got & ~again
        # An upper bound of the waits: sorted, no two arrivals are farther apart.
        gap = larger(gap, only(got, arrives - latest))
        latest = larger(latest, only(got, arrives))
        hear(stream, got, arrives, transit, origin, tree.playout_ns[stream], board.heard)
        if flow.turns_begin and flow.turn[packet] != NO_TURN:
            hear_turn_abreast(row, bits_of(got), flow.turn[packet], counts, board)
    close_delivered(delivered, board)
    set_lanes(LATEST, latest, board)
    set_lanes(GAP, gap, board)
    return first_open


@inner
def hear_turn_abreast(row, got, turn, counts, board):
    """Count a packet of a turn's first frame in the rooms of the lanes in `got`."""
    while got:
        lane = lowest(got)
        got &= got - 1
        arrival_ns = board.cells[cell(row, ARRIVES) + unsigned(lane)]
        hear_turn(counts.turn[field_of(SITE, lane, board), turn], arrival_ns)


@inner
def deliver_up(first, rows, end_ns, tree, bench):
    """Count what the rows from `first` on deliver to relays, where it ends.

    Returns the first row not decided.
    """
    board = bench.board
    cells, first_open, none = board.cells, rows, spread(NO_BUCKET)
    delivered, origin = nothing_delivered(), lanes_of(SITE, board)
    for row in range(first, rows):
        got, late = arrived_in(row, end_ns, board)
        if bits_of(late):
            first_open = min(first_open, row)
        # The room sends into the line: its delay is all there is.
        arrives = load(cells, cell(row, ARRIVES))
        delay = arrives - load(cells, cell(row, AT))
        store(cells, cell(row, LINE_BUCKET), where(got, bucket(delay), none))
        delivered = deliver(got, load(cells, cell(row, SIZE)), delay, delivered)
        streams, left = load(cells, cell(row, STREAM)), bits_of(got)
        while left:
            stream = unsigned(cells[cell(row, STREAM) + unsigned(lowest(left))])
            of_stream = streams == spread(stream)
            left &= ~bits_of(of_stream)
            hear(
                stream, got & of_stream, arrives, delay, origin, tree.playout_ns[stream],
                board.heard,
            )  # fmt: skip
    close_delivered(delivered, board)
    return first_open


@inner
def count_delays_down(lanes, first, rows, tree, counts, board):
    """Count the delays of what was delivered from row `first` on, line by line and room by room.

    Band by band and lane by lane, so that what is at hand stays in the nearest cache.
    """
    cells = board.cells
    for band in range(first, rows, BAND):
        for lane in range(lanes):
            s, place = field_of(SITE, lane, board), unsigned(lane)
            line_delay = counts.line_delay[tree.line_histogram[s]]
            room_delay = counts.room_delay[tree.room_histogram[s]]
            for row in range(band, min(band + BAND, rows)):
                number = cells[cell(row, LINE_BUCKET) + place]
                if number != NO_BUCKET:
                    line_delay[unsigned(number)] += np.uint32(1)
                    room_delay[unsigned(cells[cell(row, HEARD_BUCKET) + place])] += np.uint32(1)


@inner
def count_delays_up(lanes, first, rows, offset, tree, counts, board):
    """As `count_delays_down`, where the way up is the line alone."""
    cells = board.cells
    for band in range(first, rows, BAND):
        for lane in range(lanes):
            s, place = field_of(SITE, lane, board), unsigned(lane)
            line_delay = counts.line_delay[tree.line_histogram[offset + s]]
            up_delay = counts.up_delay[tree.room_histogram[s]]
            for row in range(band, min(band + BAND, rows)):
                number = cells[cell(row, LINE_BUCKET) + place]
                if number != NO_BUCKET:
                    line_delay[unsigned(number)] += np.uint32(1)
                    up_delay[unsigned(number)] += np.uint32(1)


@inner
def watch_lane(lane, first, rows, end_ns, tree, lines, flow, counts, bench):
    """Bring the longest wait and the dark time of a lane's room up to date."""
    board = bench.board
    s = field_of(SITE, lane, board)
    room, gap_ns = counts.room[s], field_of(GAP, lane, board)
    if gap_ns <= room[ROOM_GAP_MAX_NS] and gap_ns <= tree.dark_after_ns:
        room[ROOM_LAST_NS] = field_of(LATEST, lane, board)
        return
    bench.met[MET_LONG_WAIT] += 1
    arrived = 0
    for row in range(rows):
        if not board.accepted[row] >> lane & 1 or board.lost[row] >> lane & 1:
            continue
        if undecided(row, lane, s, end_ns, tree, board):
            continue
        arrival_ns, place = board.cells[cell(row, ARRIVES) + unsigned(lane)], arrived
        while place > 0 and bench.arrival_ns[place - 1] > arrival_ns:
            bench.arrival_ns[place] = bench.arrival_ns[place - 1]
            bench.packet[place] = bench.packet[place - 1]
            place -= 1
        bench.arrival_ns[place] = arrival_ns
        bench.packet[place] = packet_at(row, lane, first, s, 0, tree, lines, bench)
        arrived += 1
    watch_room(s, 0, arrived, 0, tree, flow, counts, bench)
