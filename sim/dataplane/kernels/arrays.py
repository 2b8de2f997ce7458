"""The arrays that kernels share, as named tuples that Numba passes without a copy.

A *row* of an egress's copies says, for one packet, when the copies of ranks low .. high-1 leave:
the copy of rank j leaves at base_ns + j * step_ns. Equal copies offered at one instant leave one
service time apart, so one row serves all siblings; a rate change splits it, a fault shortens it.

What was accepted and is not decided at the end of a span is *carried*: rows of five integers in
one pool per chunk of the tree, rewritten every span.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Int64s = NDArray[np.int64]
Uint32s = NDArray[np.uint32]
Uint64s = NDArray[np.uint64]

LINE_FIELDS = 4  # of a carried row of a line: packet, offered_ns, departure_ns, lost
ROW_FIELDS = 5  # of a carried row of an egress: packet, base_ns, step_ns, low, high


class Tree(NamedTuple):
    """What never changes in a run; see `Network` for shapes."""

    feed: Int64s
    rank: Int64s
    relay: Bools
    room: Bools
    watched: Bools
    processing_ns: Int64s
    propagation_ns: Int64s
    site_egress_first: Int64s
    child_first: Int64s
    children: Int64s
    slot: Int64s  # (e,) where an egress's copies stand in `Copies`
    dark_after_ns: int


class Buckets(NamedTuple):
    """Policers of the down direction of each site's line, shape (n,); see `policer`."""

    rate_bps: Int64s
    burst_nbit: Int64s  # a full bucket; 0: no policer
    missing_nbit: Int64s  # to a full bucket, just after the last packet that passed
    at_ns: Int64s  # when that was


class Lines(NamedTuple):
    """State of the down direction of each site's line, shape (n,)."""

    up: Bools
    service: Int64s  # row of the service table
    drain_ns: Int64s
    free_ns: Int64s
    buckets: Buckets
    accepted: Int64s  # acceptances so far
    carried_at: Int64s
    carried: Int64s
    room_up: Bools
    fed: Bools  # whether the room's relay is alive


class Relays(NamedTuple):
    """State of each site's relay, shape (n,)."""

    up: Bools
    carried_at: Int64s
    carried: Int64s


class Egresses(NamedTuple):
    """State of each egress, shape (e,); a service of -1 is no shared interface."""

    service: Int64s
    drain_ns: Int64s
    free_ns: Int64s
    carried_at: Int64s
    carried: Int64s


class Chains(NamedTuple):
    """State of the loss process of each site's line, shape (n,); keys (n, 2)."""

    row: Int64s  # row of the loss tables
    bad: Bools
    next_loss: Int64s
    next_switch: Int64s
    gap_index: Int64s
    state_index: Int64s
    gap_key: Uint64s
    state_key: Uint64s


class Flow(NamedTuple):
    """The packets alive in a span, shape (p,), and how long each takes to send."""

    first: int  # number of packet 0 here in the run
    new: int  # from here on, packets were sent in this span
    sent_ns: Int64s
    size_bytes: Int64s
    service_ns: Int64s  # (rows, p)


class Changes(NamedTuple):
    """Edits of a span by target: those of target t are first[t] .. first[t+1]-1."""

    first: Int64s
    at_ns: Int64s
    kind: Int64s
    a: Int64s
    b: Int64s
    c: Int64s


class Copies(NamedTuple):
    """Copies that leave the egresses in a span: (slots, capacity) each, `rows` (slots,)."""

    rows: Int64s
    packet: Int64s
    base_ns: Int64s
    step_ns: Int64s
    low: Int64s
    high: Int64s


class Counts(NamedTuple):
    """The arrays of a `Tally`."""

    line: Int64s
    line_delay: Uint32s
    room: Int64s
    room_delay: Uint32s
    egress: Int64s


class Bench(NamedTuple):
    """A chunk's own working space; nothing in it outlives a span but the pool and the log."""

    packet: Int64s  # (capacity,) packets that arrived at the site being visited
    offered_ns: Int64s  # when each was offered to the site's line
    arrival_ns: Int64s
    queue: Int64s  # (capacity, LINE_FIELDS)
    processing: Int64s  # (capacity, 2): packet, arrival_ns
    old: Int64s  # (rows, ROW_FIELDS) carried into this span
    new: Int64s  # (rows, ROW_FIELDS) carried out of it
    log: Int64s  # (rows, 4): site, packet, fate, at_ns
    used: Int64s  # (2,): rows used of `new` and of `log`


# Kinds of `Changes` to a line ...
LINE_DOWN, LINE_UP, UNSENT_DIES, LINE_RATE, LINE_LOSS, ROOM_DOWN, ROOM_UP, UNFED, FED = range(9)
# ... and to a relay.
RELAY_DOWN, RELAY_UP, EGRESS_RATE = range(3)
