"""Lines that nothing happens to, eight abreast.

Most lines lead to leaves, and nothing happens to most of them in a span: no fault, no change, no
packets of others, no policer. Such lines have no business with each other, so eight of them are
replayed at once, one in each lane of the processor's vectors (`sim.lanes`): siblings on the way
down, which are offered copies of the same packets; on the way up whoever comes next. What they let
in is in `intake`, what comes out in `hearing`, and where it stands between the two in `board`.
"""

from __future__ import annotations

from sim.compiled import entry, inner
from sim.dataplane.kernels.arrays import Abreast
from sim.dataplane.kernels.arrival import NO_ROOM, ROOM_DARK_SINCE, ask_for_counts, count_room
from sim.dataplane.kernels.board import (
    CARRIED,
    GAP,
    LATEST,
    PACKETS,
    SITE,
    SIZE_SUM,
    carry_out,
    field_of,
    lay_carried,
    leave,
    most,
    seat,
    set_field,
)
from sim.dataplane.kernels.hearing import (
    ROOM_LAST_NS,
    count_delays_down,
    count_delays_up,
    decide_lost,
    deliver_down,
    deliver_up,
    put_back,
    settle_carried,
    take_up,
    watch_lane,
)
from sim.dataplane.kernels.intake import lay_own, offer_copies, offer_own
from sim.dataplane.kernels.merge import child_at
from sim.lanes import LANES

LINES = int(Abreast.LINES)
FEWEST = 2  # for fewer the lanes would stand empty
CROWDED = -1  # instead of a number of lines: their rows do not fit the board


@inner
def undisturbed(d, tree, lines, changes):
    """Say whether direction `d` can be replayed abreast in this span."""
    if not tree.plain[d] or changes.first[d] != changes.first[d + 1]:
        return False
    takes_part = lines.present[d] and lines.in_use[d]
    return takes_part and lines.up[d] and lines.room_up[d] and lines.fed[d]


@inner
def rises_alone(s, tree, lines, changes):
    """Say whether the up line of `s` can be replayed abreast, and all ends at the relay above."""
    d, above = tree.relay.size + s, tree.relay.size + tree.parent[s]
    if not undisturbed(d, tree, lines, changes) or not lines.fed[above]:
        return False
    return changes.first[above] == changes.first[above + 1]


@inner
def go_down_abreast(
    s, start_ns, end_ns, tree, lines, chains, tables, flow, changes, copies, counts, bench
):
    """Replay the lines to `s` and some siblings in the same chunk.

    Returns how many; 0 if there are too few; or CROWDED.
    """
    e, board, lanes, carried = tree.feed[s], bench.board, 0, 0
    first_child, end_child = tree.child_first[e], tree.child_first[e + 1]
    for i in range(first_child + tree.rank[s], end_child):
        child = tree.children[i]
        if lanes == LANES:
            break
        # What comes earlier in preorder is replayed already.
        later = tree.place[child] >= tree.place[s] and tree.chunk[child] == tree.chunk[s]
        if not later or child_at(e, i, tree) < 0 or counts.room[child, ROOM_DARK_SINCE] > 0:
            continue
        if not lines.replayed[child] and undisturbed(child, tree, lines, changes):
            set_field(SITE, lanes, child, board)
            carried = max(carried, lines.carried[child])
            lanes += 1
    if lanes < FEWEST:
        return 0
    if carried + copies.rows[tree.slot[e]] > board.packet.size:
        return CROWDED
    for lane in range(lanes):
        child = field_of(SITE, lane, board)
        ask_for_counts(child, child, tree, counts)
        lines.replayed[child] = True
        set_field(LATEST, lane, counts.room[child, ROOM_LAST_NS], board)
        set_field(GAP, lane, 0, board)
    seat(lanes, 0, tree, lines, chains, flow, board)
    first = most(CARRIED, lanes, board)
    lay_carried(lanes, first, 0, tree, lines, flow, bench)
    rows = offer_copies(
        first, tree.slot[e], end_child - first_child, (1 << lanes) - 1, start_ns, end_ns,
        tree, lines, chains, tables, flow, copies, counts, bench,
    )  # fmt: skip
    decide_lost(first, rows, 0, end_ns, tree, lines, flow, counts, bench)
    for lane in range(lanes):
        settle_carried(lane, first, 0, end_ns, tree, lines, flow, counts, bench)
    take_up(lanes, False, tree, counts, board)
    first_open = deliver_down(first, rows, end_ns, tree, flow, counts, bench)
    count_delays_down(lanes, first, rows, tree, counts, board)
    for lane in range(lanes):
        child = field_of(SITE, lane, board)
        packets, total_ns, longest_ns = put_back(lane, False, tree, counts, board)
        count_room(
            counts.room[child], packets, field_of(SIZE_SUM, lane, board), total_ns, longest_ns
        )
        watch_lane(lane, first, rows, end_ns, tree, lines, flow, counts, bench)
    leave(lanes, 0, start_ns, end_ns, lines, counts, board)
    carry_out(lanes, first, first_open, rows, 0, end_ns, tree, lines, flow, bench)
    bench.met[LINES] += lanes
    return lanes


@inner
def go_up_abreast(
    lanes, start_ns, end_ns, tree, lines, chains, tables, ups, flow, counts, bench
):  # fmt: skip
    """Replay the up lines of the sites that sit in the first lanes."""
    n, board = tree.relay.size, bench.board
    for lane in range(lanes):
        s = field_of(SITE, lane, board)
        ask_for_counts(n + s, NO_ROOM, tree, counts)
        lines.replayed[s] = True
        ups.run_at[s], ups.run[s] = bench.used[2], 0
    seat(lanes, n, tree, lines, chains, flow, board)
    first = most(CARRIED, lanes, board)
    lay_carried(lanes, first, n, tree, lines, flow, bench)
    rows = first + most(PACKETS, lanes, board)
    lay_own(lanes, first, n, tree, lines, flow, counts, bench)
    offer_own(first, rows, (1 << lanes) - 1, n, tree, lines, chains, tables, flow, counts, bench)
    decide_lost(first, rows, n, end_ns, tree, lines, flow, counts, bench)
    for lane in range(lanes):
        settle_carried(lane, first, n, end_ns, tree, lines, flow, counts, bench)
    take_up(lanes, True, tree, counts, board)
    first_open = deliver_up(first, rows, end_ns, tree, bench)
    count_delays_up(lanes, first, rows, n, tree, counts, board)
    for lane in range(lanes):
        put_back(lane, True, tree, counts, board)
    leave(lanes, n, start_ns, end_ns, lines, counts, board)
    carry_out(lanes, first, first_open, rows, n, end_ns, tree, lines, flow, bench)
    bench.met[LINES] += lanes


@entry
def rise(
    sites, begin, start_ns, end_ns, tree, lines, chains, tables, ups, flow, changes, counts, bench
):  # fmt: skip
    """Replay the up lines of sites[begin:] that can go abreast; return where it stopped.

    It stops before sites whose rows may not fit the bench; the caller enlarges it and calls again
    from there.
    """
    n, position = tree.relay.size, begin
    while position < sites.size:
        lanes, needed, after = 0, 0, position
        while after < sites.size and lanes < LANES:
            s = sites[after]
            if rises_alone(s, tree, lines, changes):
                own = flow.origin_first[s + 1] - flow.origin_first[s] + lines.carried[n + s]
                needed += own
                if own > bench.packet.size or bench.used[0] + needed > bench.new.shape[0]:
                    break
                set_field(SITE, lanes, s, bench.board)
                lanes += 1
            after += 1
        if after == position:
            return position
        if lanes >= FEWEST:
            go_up_abreast(
                lanes, start_ns, end_ns,
                tree, lines, chains, tables, ups, flow, counts, bench,
            )  # fmt: skip
        position = after
    return position
