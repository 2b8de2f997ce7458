"""The board: eight lines side by side, one in each lane; row by row, what they are offered.

The first rows are what the lines have carried into the span, lane by lane in order of departure;
in the others each lane has what it is offered, in order of acceptance. A row has CELLS vectors, and
its bits in `accepted` and `lost` say in which lanes there is a packet that was accepted.
"""

from __future__ import annotations

from sim.compiled import inner, unsigned
from sim.dataplane.kernels.arrays import Abreast
from sim.dataplane.kernels.queue import ARRIVES_AT, LOST, OFFERED_AT, PACKET
from sim.dataplane.tally import LineCount
from sim.lanes import LANES, load, store
from sim.media.kernels.arrays import Columns

OFFERED = int(LineCount.OFFERED)
OFFERED_BYTES = int(LineCount.OFFERED_BYTES)
DELIVERED = int(LineCount.DELIVERED)
DELIVERED_BYTES = int(LineCount.DELIVERED_BYTES)
BUSY_NS = int(LineCount.BUSY_NS)
BACKLOG_MAX_NS = int(LineCount.BACKLOG_MAX_NS)
DELAY_SUM_NS = int(LineCount.DELAY_SUM_NS)
DELAY_MAX_NS = int(LineCount.DELAY_MAX_NS)

MET_CARRIED = int(Abreast.CARRIED)

# Cells of a row; BEGINS and ARRIVES are its first and its last bit at the far end.
AT, BEGINS, ARRIVES, STREAM, NEED, SIZE = range(6)
CELLS = 6
PRECEDENCE = BEGINS  # of what has yet to be let in

# So many rows, and what belongs to them, stay in the nearest cache while lanes are seen in turn.
BAND = 16

# Fields of a lane: what the line is, ...
SITE, RANK, PROPAGATION, SERVICE_AT, DRAIN, PRIORITY, CARRIED, FIRST_PACKET, PACKETS = range(9)
# ... its state, ...
FREE, ACCEPTED, NEXT_DRAW, LATEST_OFFER = range(9, 13)
# ... what it has come to in the span, ...
BUSY, OFFERED_SIZE, BACKLOG, COUNT, SIZE_SUM, DELAY_SUM, DELAY_MAX = range(13, 20)
# ... what its room has last received, and the longest wait before anything there, ...
LATEST, GAP = range(20, 22)
# ... and the packet it has in the row at hand.
HERE = 22
FIELDS = 23


@inner
def cell(row, which):
    """Where the lanes of a cell begin."""
    return unsigned((row * CELLS + which) * LANES)


@inner
def lanes_of(field, board):
    """Return a field of all lanes."""
    return load(board.lane, unsigned(field * LANES))


@inner
def set_lanes(field, lanes, board):
    """Write a field of all lanes down."""
    store(board.lane, unsigned(field * LANES), lanes)


@inner
def field_of(field, lane, board):
    """Return a field of one lane."""
    return board.lane[unsigned(field * LANES + lane)]


@inner
def set_field(field, lane, value, board):
    """Write a field of one lane down."""
    board.lane[unsigned(field * LANES + lane)] = value


@inner
def seat(lanes, offset, tree, lines, chains, flow, board):
    """Give the sites of the first lanes' lines, one direction each, their lanes.

    In the others stands the line of lane 0 once more: what it does there is never looked at.
    """
    width = flow.service_ns.shape[1]
    for lane in range(LANES):
        s = field_of(SITE, lane if lane < lanes else 0, board)
        d = offset + s
        set_field(SITE, lane, s, board)
        set_field(RANK, lane, tree.rank[s], board)
        set_field(PROPAGATION, lane, tree.propagation_ns[d], board)
        set_field(SERVICE_AT, lane, lines.service[d] * width, board)
        set_field(DRAIN, lane, lines.drain_ns[d], board)
        set_field(PRIORITY, lane, lines.priority[d], board)
        set_field(CARRIED, lane, lines.carried[d], board)
        set_field(FIRST_PACKET, lane, flow.origin_first[s], board)
        set_field(PACKETS, lane, flow.origin_first[s + 1] - flow.origin_first[s], board)
        set_field(FREE, lane, lines.free_ns[d], board)
        set_field(ACCEPTED, lane, lines.accepted[d], board)
        set_field(NEXT_DRAW, lane, min(chains.next_loss[d], chains.next_switch[d]), board)
        for field in (LATEST_OFFER, BUSY, OFFERED_SIZE, BACKLOG):
            set_field(field, lane, 0, board)


@inner
def most(field, lanes, board):
    """Return the largest value of a field in the lanes that are taken."""
    largest = field_of(field, 0, board)
    for lane in range(1, lanes):
        largest = max(largest, field_of(field, lane, board))
    return largest


@inner
def lay_carried(lanes, rows, offset, tree, lines, flow, bench):
    """Lay what lanes have carried into the span in the first `rows` rows."""
    board = bench.board
    cells = board.cells
    board.losses[0] = 0
    for row in range(rows):
        board.accepted[row], board.lost[row] = 0, 0
    for lane in range(lanes):
        d = offset + field_of(SITE, lane, board)
        # The first of them has begun, whenever that was; see `queue.make_way`.
        begins_ns = 0
        for row in range(lines.carried[d]):
            entry = bench.old[lines.carried_at[d] + row]
            if row > 0:
                begins_ns = max(begins_ns, entry[OFFERED_AT] + tree.propagation_ns[d])
            cells[cell(row, AT) + unsigned(lane)] = entry[OFFERED_AT]
            cells[cell(row, BEGINS) + unsigned(lane)] = begins_ns
            cells[cell(row, ARRIVES) + unsigned(lane)] = entry[ARRIVES_AT]
            cells[cell(row, STREAM) + unsigned(lane)] = flow.stream[entry[PACKET]]
            board.accepted[row] |= 1 << lane
            board.lost[row] |= entry[LOST] << lane
            board.losses[0] += entry[LOST]
            bench.met[MET_CARRIED] += 1
            begins_ns = entry[ARRIVES_AT]


@inner
def packet_at(row, lane, first, d, offset, tree, lines, bench):
    """Return the packet of a lane in a row; offered ones begin at row `first`."""
    board = bench.board
    if row < first:
        return bench.old[lines.carried_at[d] + row, PACKET]
    if offset:
        return field_of(FIRST_PACKET, lane, board) + row - first
    return board.packet[row]


@inner
def columns_of(flow):
    """Return the columns of the packets alive."""
    return Columns(
        flow.origin, flow.stream, flow.sequence, flow.sent_ns, flow.size_bytes, flow.turn, flow.part
    )


@inner
def make_known(row, first, lane, flow, bench):
    """Write the packet that a lane has in a row, of its own, where packets alive are."""
    if flow.mail.sealed:
        packet = unsigned(field_of(FIRST_PACKET, lane, bench.board) + row - first)
        own = unsigned(lane * bench.packet.size + row - first)
        flow.origin[packet] = bench.own.origin[own]
        flow.stream[packet] = bench.own.stream[own]
        flow.sequence[packet] = bench.own.sequence[own]
        flow.sent_ns[packet] = bench.own.sent_ns[own]
        flow.size_bytes[packet] = bench.own.size_bytes[own]
        flow.turn[packet] = bench.own.turn[own]
        flow.part[packet] = bench.own.part[own]


@inner
def undecided(row, lane, d, end_ns, tree, board):
    """Say whether a lane has a packet in a row that is not decided before `end_ns`."""
    if not board.accepted[row] >> lane & 1:
        return False
    decided_ns = board.cells[cell(row, ARRIVES) + unsigned(lane)]
    if board.lost[row] >> lane & 1:
        decided_ns -= tree.propagation_ns[d]
    return decided_ns >= end_ns


@inner
def carry_out(lanes, first, first_open, rows, offset, end_ns, tree, lines, flow, bench):
    """Carry what lanes have not decided out of the span, in order of departure.

    Of the rows offered in the span, those before `first_open` are decided.
    """
    board, new = bench.board, bench.new
    for lane in range(lanes):
        d = offset + field_of(SITE, lane, board)
        begin = end = bench.used[0]
        row = 0
        while row < rows:
            if row == first:
                row = first_open
                if row == rows:
                    break
            if undecided(row, lane, d, end_ns, tree, board):
                arrives_ns = board.cells[cell(row, ARRIVES) + unsigned(lane)]
                if offset and row >= first:
                    make_known(row, first, lane, flow, bench)
                place = end
                while place > begin and new[place - 1, ARRIVES_AT] > arrives_ns:
                    for column in range(LOST + 1):
                        new[place, column] = new[place - 1, column]
                    place -= 1
                new[place, PACKET] = packet_at(row, lane, first, d, offset, tree, lines, bench)
                new[place, OFFERED_AT] = board.cells[cell(row, AT) + unsigned(lane)]
                new[place, ARRIVES_AT] = arrives_ns
                new[place, LOST] = board.lost[row] >> lane & 1
                end += 1
            row += 1
        lines.carried_at[d], lines.carried[d] = begin, end - begin
        bench.used[0] = end


@inner
def leave(lanes, offset, start_ns, end_ns, lines, counts, board):
    """Write down what the lanes' lines have come to: their state, and their counts of the span."""
    for lane in range(lanes):
        d = offset + field_of(SITE, lane, board)
        line, free_ns = counts.line[d], field_of(FREE, lane, board)
        line[OFFERED] += field_of(ACCEPTED, lane, board) - lines.accepted[d]
        line[OFFERED_BYTES] += field_of(OFFERED_SIZE, lane, board)
        line[BUSY_NS] += max(lines.free_ns[d] - start_ns, 0) - max(free_ns - end_ns, 0)
        line[BUSY_NS] += field_of(BUSY, lane, board)
        line[BACKLOG_MAX_NS] = max(line[BACKLOG_MAX_NS], field_of(BACKLOG, lane, board))
        line[DELIVERED] += field_of(COUNT, lane, board)
        line[DELIVERED_BYTES] += field_of(SIZE_SUM, lane, board)
        line[DELAY_SUM_NS] += field_of(DELAY_SUM, lane, board)
        line[DELAY_MAX_NS] = max(line[DELAY_MAX_NS], field_of(DELAY_MAX, lane, board))
        lines.free_ns[d], lines.accepted[d] = free_ns, field_of(ACCEPTED, lane, board)
