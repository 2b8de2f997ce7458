"""The arrays that kernels share, as named tuples that Numba passes without a copy.

A *row* of an egress's copies says, for one packet, when the copies of ranks low .. high-1 leave:
the copy of rank j leaves at base_ns + j * step_ns. Equal copies offered at one instant leave one
service time apart, so one row serves all siblings; a rate change splits it, a fault shortens it.

What was accepted and is not decided at the end of a span is *carried*: rows of five integers in
one pool per chunk of the tree, rewritten every span.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.media.kernels.arrays import Columns, Mail

Bools = NDArray[np.bool_]
Float64s = NDArray[np.float64]
Int8s = NDArray[np.int8]
Int16s = NDArray[np.int16]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint32s = NDArray[np.uint32]
Uint64s = NDArray[np.uint64]

ROW_FIELDS = 5  # of a carried row of an egress: packet, base_ns, step_ns, low, high


class Gates(NamedTuple):
    """What relays stop of what comes up to them; see `gate`."""

    stopping: Bools  # (n,) whether it ever stops anything
    composes: Bools  # (n,)
    refused_first: Int64s  # (n + 1,) those of relay s are refused[refused_first[s] : [s+1]]
    refused: Int64s  # sources without a port, sorted: origin * streams + stream
    epoch_first: Int64s  # (n + 1,) the epochs of s are epoch_first[s] .. [s+1]-1; none: no limit
    epoch_ns: Int64s  # when each begins
    chosen_first: Int64s  # (epochs + 1,) of epoch i: chosen[chosen_first[i] : [i+1]]
    chosen: Int64s  # origins, sorted


class Tree(NamedTuple):
    """How the sites hang together; see `Network` for shapes.

    What is of a direction stands in rows. The line that site s uses has rows s, down, and n + s,
    up; those that nobody uses have the rows from 2n on. When a site uses another line, the two
    change places, and what is of the sites follows (see `lodgings`); nothing else ever changes.
    """

    feed: Int64s
    rank: Int64s
    relay: Bools
    room: Bools
    hop: Int64s  # by row, the number of the direction there
    site: Int64s  # by row, the site at its lower end
    rises: Bools  # by row, whether it is a direction up
    watched: Bools  # by row
    plain: Bools  # by row: may be replayed abreast while nothing happens to it, see `abreast`
    processing_ns: Int64s
    propagation_ns: Int64s  # by row
    site_egress_first: Int64s
    child_first: Int64s
    children: Int64s
    child_row: Int64s  # (children,) the row of the line down to each
    serves: Bools  # (children,) whether copies are made for it
    served: Int64s  # (e,) for how many
    leading: Int64s  # (e,) for how many before the first for which none is
    orphan: Bools  # (children,) whether copies may be left for it, which leads to nobody any more
    orphans: Int64s  # (e,) how many there are
    slot: Int64s  # (e,) where an egress's copies stand in `Copies`
    dark_after_ns: int
    parent: Int64s
    chunk: Int64s  # (n,) the part of the tree that it is replayed with
    place: Int64s  # (n,) in preorder
    end: Int64s  # (n,) the places of the sites below it and of itself are place .. end-1
    owner: Int64s  # (e,) the site an egress belongs to
    tier: Int64s
    order: Int64s
    mixed: Bools  # (1,) whether what a source sends up may come to a relay over two children
    ends_next: Bools  # whether all it ever sends up is its own, and ends at the next relay
    sends_down: Bools  # whether its relay is an origin of what goes down
    speaker: Bools  # whether it ever sends what comes back to it
    down: Bools  # (streams,) by direction
    floor: Bools
    goes_down: Bools  # either of them
    ends: Int64s  # (streams,) the lowest tier where the way up ends
    composite: Bools  # (streams,) whether relays send it up
    transcoding_ns: Int64s  # (n,) what its composites' delays have before they are sent
    gates: Gates
    precedence: Int64s  # (streams,)
    lowest: int  # the largest precedence number of any stream
    shows: Bools  # (streams,) whether a dark room is lit again by a whole key frame of it
    pictures: Bools  # (1,) whether any does; else any packet lights a room
    passes: Bools  # (rows, streams) which streams a relay passes on; row 0: all
    playout_ns: Int64s  # (streams,) FOREVER_NS where freezes are not measured
    most_others: int  # packets of others in any one memory
    line_histogram: Int64s  # by row, the row of `Counts.line_delay`
    room_histogram: Int64s  # (n,) row of `Counts.room_delay` and `Counts.up_delay`


class Buckets(NamedTuple):
    """Policers of each direction, by row as in `Tree`; see `policer`."""

    rate_bps: Int64s
    burst_nbit: Int64s  # a full bucket; 0: no policer
    missing_nbit: Int64s  # to a full bucket, just after the last packet that passed
    at_ns: Int64s  # when that was


class Backgrounds(NamedTuple):
    """Sources of background, one or none for each transmitter; see `background`."""

    key: Uint64s  # (transmitters, 2)
    spacing_ns: Float64s  # (kinds of background, 24): mean time between packets, by hour
    begins_ns: int  # time of day at instant 0
    until_ns: int
    # The others have shape (transmitters,).
    kind: Int64s
    spacing: Int64s  # row of `spacing_ns`
    size_bytes: Int64s
    precedence: Int64s
    silence_ns: Int64s
    burst_ns: Int64s
    drawn: Int64s  # draws so far
    next_ns: Int64s  # when the next packet comes
    step_ns: Int64s  # between packets of the present burst
    burst_end_ns: Int64s


class Lines(NamedTuple):
    """State of each direction, by row as in `Tree`; of sites, in the rows below 2n."""

    up: Bools
    in_use: Bools  # by the site, whose room, at a leaf, takes part
    service: Int64s  # row of the service table
    drain_ns: Int64s
    free_ns: Int64s
    buckets: Buckets
    accepted: Int64s  # acceptances so far
    carried_at: Int64s
    carried: Int64s
    room_up: Bools  # the room at the lower end
    fed: Bools  # the relay at the lower end
    present: Bools  # whether that room takes part
    passes: Int64s  # which row of `Tree.passes` the relay at the lower end keeps to
    priority: Bools  # whether classes wait for each other; else all are one class
    others: Backgrounds
    replayed: Bools  # (n,) whether a site was replayed abreast of an earlier one in this walk


class Relays(NamedTuple):
    """State of each site's relay, shape (n,)."""

    up: Bools
    passes: Int64s  # row of `Tree.passes`
    carried_at: Int64s
    carried: Int64s


class Ups(NamedTuple):
    """What each site passes on upwards, shape (n,)."""

    run_at: Int64s  # in the runs of its chunk: what its line delivers and its parent passes on
    run: Int64s
    held_at: Int64s  # in the pool: what its relay is processing on the way up
    held: Int64s


class Egresses(NamedTuple):
    """State of each egress, shape (e,); a service of -1 is no shared interface."""

    service: Int64s
    drain_ns: Int64s
    free_ns: Int64s
    carried_at: Int64s
    carried: Int64s
    priority: Bools
    others: Backgrounds


class Chains(NamedTuple):
    """State of the loss process of each direction, shape (2n,); keys (2n, 2)."""

    row: Int64s  # row of the loss tables
    bad: Bools
    next_loss: Int64s
    next_switch: Int64s
    gap_index: Int64s
    state_index: Int64s
    gap_key: Uint64s
    state_key: Uint64s


class Flow(NamedTuple):
    """The packets alive in a span, and how long each size takes to send.

    A site's own packets may be sealed until the site is visited on the way up. Those of lines that
    go up abreast are then written to the bench; here are only those of which more is heard.
    """

    sent: int  # how many were sent in this span; behind them those that were sent before
    first: int  # number in the run of the first of those sent in this span
    kept_number: Int64s  # numbers of those that were sent before
    origin_first: Int64s  # (n + 1,) where those that a site sent in this span are
    service_ns: Int64s  # (rows, largest size + 1)
    turns_begin: bool  # whether any packet here is part of a turn's first frame
    mail: Mail
    origin: Int32s  # (p,), as all that follow
    stream: Int16s
    sequence: Int64s
    sent_ns: Int64s
    size_bytes: Int32s
    turn: Int16s  # the turn whose first frame it is part of; -1: none
    part: Int8s  # KEY, FIRST and LAST


class Changes(NamedTuple):
    """Edits of a span by target: those of target t are first[t] .. first[t+1]-1."""

    first: Int64s
    at_ns: Int64s
    kind: Int64s
    a: Int64s
    b: Int64s
    c: Int64s


class Copies(NamedTuple):
    """Copies that leave the egresses in a span: (slots, capacity) each, but for the first two."""

    rows: Int64s  # (slots,)
    others: Int64s  # (slots,) no fewer than there are rows of others
    packet: Int64s
    base_ns: Int64s
    step_ns: Int64s
    low: Int64s
    high: Int64s


class Counts(NamedTuple):
    """The arrays of a `Tally`; delays may be a span's, see `Histograms`."""

    line: Int64s
    line_delay: Uint32s
    room: Int64s
    room_delay: Uint32s
    egress: Int64s
    up_delay: Uint32s
    stream: Int64s
    turn: Int64s
    floor_lost: Int64s
    own_lost: Int64s


class Board(NamedTuple):
    """Where lines are replayed abreast, in lanes; all flat, see `board`."""

    cells: Int64s  # (rows * CELLS * LANES,)
    packet: Int64s  # (rows,) the one of all lanes, on the way down
    accepted: Int64s  # (rows,) bits by lane
    lost: Int64s  # (rows,) bits by lane: accepted, and picked for line loss
    losses: Int64s  # (1,) of those in all rows
    lane: Int64s  # (lane fields * LANES,)
    heard: Int64s  # (streams * heard fields * LANES,)


class Bench(NamedTuple):
    """A chunk's own working space; nothing in it outlives a span but the pool and the log."""

    packet: Int64s  # (capacity,) packets that arrived at the site being visited
    offered_ns: Int64s  # when each was offered to the site's line
    arrival_ns: Int64s
    processing: Int64s  # (capacity, 2): packet, arrival_ns
    old: Int64s  # (rows, ROW_FIELDS) carried into this span
    new: Int64s  # (rows, ROW_FIELDS) carried out of it
    log: Int64s  # (rows, 4): hop, packet's number, fate, at_ns
    dark: Int64s  # (rows, 3): site, from, until: dark intervals that were over in the span
    used: Int64s  # (4,): rows used of `new`, of `log`, of `runs` and of `dark`
    met: Int64s  # (len(Abreast),): what lines abreast have met so far
    inbox: Int64s  # (capacity, 2): packet, at_ns; what a relay passes on
    spare: Int64s  # (capacity, 2): room to merge in
    bounds: Int64s  # (children + 2,) where runs begin in `inbox`
    runs: Int64s  # (rows, 2): packet, at_ns; see `Ups`
    offers: Copies  # (1, capacity) what an up line is offered
    board: Board
    own: Columns  # (LANES * capacity,) what lanes send, before they are laid on the board
    mail_bounds: Int64s  # working space of `write_site`
    mail_order: Int64s  # (2, bursts)


class Abreast(IntEnum):
    """What is counted of lines that are replayed abreast, so that tests see what they have met."""

    LINES = 0
    CARRIED = 1  # packets carried into a span
    REFUSED = 2
    LOST = 3  # picked for line loss
    OVERTAKEN = 4  # rows in which a packet went before others
    LONG_WAIT = 5  # rooms whose waits were looked at one by one


# Kinds of `Changes` to a line ...
LINE_DOWN, LINE_UP, UNSENT_DIES, LINE_RATE, LINE_LOSS, ROOM_DOWN, ROOM_UP, UNFED, FED = range(9)
USED, GIVEN_UP, ROOM_JOINED, ROOM_LEFT, UP_PASSES = range(9, 14)
# ... and to a relay.
RELAY_DOWN, RELAY_UP, EGRESS_RATE, SERVED, UNSERVED, RELAY_PASSES = range(6)
