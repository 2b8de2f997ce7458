"""What eight lines abreast let in: memory, loss and class, row by row of the board.

The same rules as for one line (`offer`, `queue`), without policers and packets of others. Most rows
fit, lose nothing and overtake nobody; the loop over rows does no more than that, and stops at a row
with an *incident*, which is met outside of it. So the lines' state stays in registers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.compiled import inner, unsigned
from sim.dataplane.kernels.arrays import Abreast
from sim.dataplane.kernels.board import (
    ACCEPTED,
    ARRIVES,
    AT,
    BACKLOG,
    BEGINS,
    BUSY,
    DRAIN,
    FIRST_PACKET,
    FREE,
    HERE,
    LATEST_OFFER,
    NEED,
    NEXT_DRAW,
    OFFERED,
    OFFERED_SIZE,
    PACKETS,
    PRECEDENCE,
    PRIORITY,
    PROPAGATION,
    RANK,
    SERVICE_AT,
    SITE,
    SIZE,
    STREAM,
    cell,
    columns_of,
    field_of,
    lanes_of,
    make_known,
    set_field,
    set_lanes,
)
from sim.dataplane.kernels.loss import step_chain
from sim.dataplane.kernels.offer import refuse
from sim.dataplane.kernels.rules import backlog_with
from sim.dataplane.tally import StreamCount
from sim.lanes import (
    LANES,
    bits_of,
    gather,
    larger,
    load,
    mask_of,
    only,
    spread,
    store,
    where,
)
from sim.media.kernels.emission import write_site

SENT = int(StreamCount.SENT)
MET_REFUSED = int(Abreast.REFUSED)
MET_LOST = int(Abreast.LOST)
MET_OVERTAKEN = int(Abreast.OVERTAKEN)


class Port(NamedTuple):
    """What does not change of eight lines in a span."""

    propagation: Any
    drain: Any
    priority: Any  # Mask: has classes


class Queue(NamedTuple):
    """The state of eight lines, as it is in registers."""

    free: Any
    accepted: Any  # number of the next acceptance
    next_draw: Any
    latest: Any  # when they were last offered anything
    busy: Any  # time needed by what was accepted in the span
    backlog: Any  # the longest in the span
    size: Any  # bytes offered in the span


class Incident(NamedTuple):
    """Lanes in which more happens in a row than that a packet is accepted; masks."""

    refused: Any  # it does not fit
    drawn: Any  # the loss process has to be asked
    waiting: Any  # it waits, and may be of a class that overtakes


@inner
def open_port(board):
    """Return what does not change of the lines on the board."""
    return Port(lanes_of(PROPAGATION, board), lanes_of(DRAIN, board), lanes_of(PRIORITY, board) > 0)


@inner
def open_queue(board):
    """Return the state of the lines on the board."""
    return Queue(
        lanes_of(FREE, board),
        lanes_of(ACCEPTED, board),
        lanes_of(NEXT_DRAW, board),
        lanes_of(LATEST_OFFER, board),
        lanes_of(BUSY, board),
        lanes_of(BACKLOG, board),
        lanes_of(OFFERED_SIZE, board),
    )


@inner
def close_queue(queue, board):
    """Write the state of the lines down on the board."""
    set_lanes(FREE, queue.free, board)
    set_lanes(ACCEPTED, queue.accepted, board)
    set_lanes(NEXT_DRAW, queue.next_draw, board)
    set_lanes(LATEST_OFFER, queue.latest, board)
    set_lanes(BUSY, queue.busy, board)
    set_lanes(BACKLOG, queue.backlog, board)
    set_lanes(OFFERED_SIZE, queue.size, board)


@inner
def happens(incident):
    """Say whether a row has an incident."""
    return bits_of(incident.refused | incident.drawn | incident.waiting) != 0


@inner
def let_in(row, at, need, size, offered, classed, port, queue, board):
    """Offer each lane in `offered` a packet; return the new state and what happens.

    Its stream is on the board; it may overtake others in the lanes in `classed`.
    """
    backlog = backlog_with(need, queue.free, at)
    accepted = offered & (backlog <= port.drain)
    free = at + backlog
    store(board.cells, cell(row, AT), at)
    store(board.cells, cell(row, BEGINS), free - need + port.propagation)
    store(board.cells, cell(row, ARRIVES), free + port.propagation)
    board.accepted[unsigned(row)] = bits_of(accepted)
    board.lost[unsigned(row)] = 0
    waiting = accepted & port.priority & (backlog > need) & classed
    incident = Incident(
        offered & ~accepted, accepted & (queue.accepted == queue.next_draw), waiting
    )
    queue = Queue(
        where(accepted, free, queue.free),
        queue.accepted + only(accepted, spread(1)),
        queue.next_draw,
        where(offered, at, queue.latest),
        queue.busy + only(accepted, need),
        larger(queue.backlog, only(accepted, backlog)),
        queue.size + only(offered, size),
    )
    return queue, incident


@inner
def meet(
    row, head, incident, packet, offset, tree, lines, chains, tables, flow, counts, bench
):  # fmt: skip
    """Refuse what does not fit, ask the loss processes whose number has come, and overtake.

    Lane by lane `packet` is at hand. Before row `head` no lane has a packet that has not begun;
    returns the new head.
    """
    board = bench.board
    refused, drawn = bits_of(incident.refused), bits_of(incident.drawn)
    if refused | drawn:
        set_lanes(HERE, packet, board)
        for lane in range(LANES):
            d = offset + field_of(SITE, lane, board)
            if refused >> lane & 1:
                counts.line[d, OFFERED] += 1
                bench.met[MET_REFUSED] += 1
                here = field_of(HERE, lane, board)
                refuse(d, here, 0, True, lines, tree, flow, counts, bench)
            if drawn >> lane & 1:
                if step_chain(d, field_of(ACCEPTED, lane, board) - 1, chains, tables):
                    board.lost[row] |= 1 << lane
                    board.losses[0] += 1
                    bench.met[MET_LOST] += 1
                next_draw = min(chains.next_loss[d], chains.next_switch[d])
                set_field(NEXT_DRAW, lane, next_draw, board)
    if bits_of(incident.waiting):
        return overtake(row, head, incident.waiting, tree.precedence, bench)
    return head


@inner
def overtake(row, head, waiting, precedences, bench):
    """Let what waits in a row go before what has a higher precedence number and has not begun.

    Returns the new head; see `meet`.
    """
    board, cells = bench.board, bench.board.cells
    now = lanes_of(LATEST_OFFER, board) + lanes_of(PROPAGATION, board)
    precedence = gather(precedences, load(cells, cell(row, STREAM)))
    begins, arrives = load(cells, cell(row, BEGINS)), load(cells, cell(row, ARRIVES))
    need, sooner = arrives - begins, spread(0)
    for other in range(head, row):
        other_begins = load(cells, cell(other, BEGINS))
        unbegun = mask_of(board.accepted[unsigned(other)]) & (other_begins > now)
        if bits_of(unbegun) == 0:
            head += head == other
            continue
        behind = gather(precedences, load(cells, cell(other, STREAM))) > precedence
        moving = unbegun & waiting & behind
        other_arrives = load(cells, cell(other, ARRIVES))
        sooner = sooner + only(moving, other_arrives - other_begins)
        later = only(moving, need)
        store(cells, cell(other, BEGINS), other_begins + later)
        store(cells, cell(other, ARRIVES), other_arrives + later)
    bench.met[MET_OVERTAKEN] += bits_of(sooner > 0) != 0
    store(cells, cell(row, BEGINS), begins - sooner)
    store(cells, cell(row, ARRIVES), arrives - sooner)
    return head


@inner
def offer_copies(
    row, slot, children, everyone, start_ns, end_ns,
    tree, lines, chains, tables, flow, copies, counts, bench,
):  # fmt: skip
    """Offer siblings the copies at `slot` of [start_ns, end_ns), from `row` on; return the rows."""
    board, cells = bench.board, bench.board.cells
    row_packet, row_base, row_step = copies.packet[slot], copies.base_ns[slot], copies.step_ns[slot]
    row_low, row_high = copies.low[slot], copies.high[slot]
    rank, service_at = lanes_of(RANK, board), lanes_of(SERVICE_AT, board)
    sizes, streams, precedences = flow.size_bytes, flow.stream, tree.precedence
    port, all_lanes = open_port(board), mask_of(everyone)
    need, size_known, i, copied, head = spread(0), -1, 0, copies.rows[slot], 0
    while i < copied:
        queue = open_queue(board)
        incident = Incident(mask_of(0), mask_of(0), mask_of(0))
        while i < copied and not happens(incident):
            place = unsigned(i)
            base_ns, step_ns, low, high = (
                row_base[place],
                row_step[place],
                row_low[place],
                row_high[place],
            )
            if base_ns + low * step_ns >= end_ns:
                copied = i
                break
            i += 1
            at, offered = rank * step_ns + base_ns, all_lanes
            whole = low == 0 and high == children
            if not whole or base_ns < start_ns or base_ns + high * step_ns >= end_ns:
                offered = all_lanes & (rank >= low) & ~(rank >= high)
                offered = offered & (at >= start_ns) & (at < end_ns)
                if bits_of(offered) == 0:
                    continue
            packet = row_packet[place]
            size_bytes, stream = sizes[unsigned(packet)], streams[unsigned(packet)]
            if size_bytes != size_known:
                need, size_known = gather(flow.service_ns, service_at + size_bytes), size_bytes
            board.packet[unsigned(row)] = packet
            store(cells, cell(row, STREAM), spread(stream))
            queue, incident = let_in(
                row, at, need, spread(size_bytes), offered,
                mask_of(-(precedences[unsigned(stream)] < tree.lowest)), port, queue, board,
            )  # fmt: skip
            row += 1
        close_queue(queue, board)
        if happens(incident):
            head = meet(
                row - 1, head, incident, spread(board.packet[unsigned(row - 1)]), 0,
                tree, lines, chains, tables, flow, counts, bench,
            )  # fmt: skip
    return row


@inner
def lay_own(lanes, first, offset, tree, lines, flow, counts, bench):
    """Lay what the rooms of the lanes send in the rows from `first` on."""
    board, cells, precedences = bench.board, bench.board.cells, tree.precedence
    columns, sealed = bench.own, flow.mail.sealed
    if not sealed:
        columns = columns_of(flow)
    sizes, streams, sent_ns = columns.size_bytes, columns.stream, columns.sent_ns
    for lane in range(lanes):
        s, place = field_of(SITE, lane, board), unsigned(lane)
        service_ns, sent = flow.service_ns[lines.service[offset + s]], counts.stream[s]
        own = field_of(FIRST_PACKET, lane, board)
        if sealed:
            own = lane * bench.packet.size
            write_site(s, own, flow.mail, bench.mail_bounds, bench.mail_order, columns)
        for row in range(first, first + field_of(PACKETS, lane, board)):
            packet = unsigned(own + row - first)
            size_bytes, stream = sizes[packet], unsigned(streams[packet])
            sent[stream, SENT] += 1
            cells[cell(row, AT) + place] = sent_ns[packet]
            cells[cell(row, STREAM) + place] = stream
            cells[cell(row, PRECEDENCE) + place] = precedences[stream]
            cells[cell(row, SIZE) + place] = size_bytes
            cells[cell(row, NEED) + place] = service_ns[unsigned(size_bytes)]


@inner
def offer_own(
    first, rows, everyone, offset, tree, lines, chains, tables, flow, counts, bench
):  # fmt: skip
    """Offer lines up what their rooms send, which stands in the rows from `first` on."""
    board, cells = bench.board, bench.board.cells
    last_row, own = lanes_of(PACKETS, board) + first, lanes_of(FIRST_PACKET, board) - first
    port, all_lanes, row, head = open_port(board), mask_of(everyone), first, 0
    while row < rows:
        queue = open_queue(board)
        incident = Incident(mask_of(0), mask_of(0), mask_of(0))
        while row < rows and not happens(incident):
            queue, incident = let_in(
                row, load(cells, cell(row, AT)), load(cells, cell(row, NEED)),
                load(cells, cell(row, SIZE)), all_lanes & (last_row > row),
                load(cells, cell(row, PRECEDENCE)) < tree.lowest, port, queue, board,
            )  # fmt: skip
            row += 1
        close_queue(queue, board)
        if happens(incident):
            for lane in range(LANES):
                if bits_of(incident.refused) >> lane & 1:
                    make_known(row - 1, first, lane, flow, bench)
            head = meet(
                row - 1, head, incident, own + (row - 1), offset,
                tree, lines, chains, tables, flow, counts, bench,
            )  # fmt: skip
