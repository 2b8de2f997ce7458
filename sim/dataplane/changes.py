"""Edits as the kernels read them: changes to directions of lines and to relays, by target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.dataplane.edit import (
    Edit,
    FailLine,
    FailRelay,
    FailRoom,
    RestoreLine,
    RestoreRelay,
    RestoreRoom,
    SetEgressRate,
    SetLineLoss,
    SetLineRate,
)
from sim.dataplane.kernels import arrays
from sim.dataplane.losses import LossTables
from sim.dataplane.services import Services
from sim.network.tree import Network

Change = tuple[int, int, int, int, int, int]  # target, at_ns, kind, a, b, c

BOTH_WAYS = {
    FailLine: arrays.LINE_DOWN,
    RestoreLine: arrays.LINE_UP,
    FailRoom: arrays.ROOM_DOWN,
    RestoreRoom: arrays.ROOM_UP,
}


def changes(
    edits: Sequence[Edit],
    network: Network,
    services: Services,
    losses: LossTables,
    dead: set[int],
) -> tuple[arrays.Changes, arrays.Changes]:
    """Return a span's edits as changes to directions, and to relays.

    A direction's changes tell of the room and the relay at its lower end too: they decide what
    arrives there, and what is sent from there.

    Parameters
    ----------
    dead : the relays that are down; brought up to date. A dead relay does not die again, with
        what others have sent since at its lines and egresses.
    """
    n = len(network.sites)
    lines: list[Change] = []
    relays: list[Change] = []
    for edit in edits:
        at_ns, target = edit.at_ns, edit.target
        match edit:
            case FailRelay() | RestoreRelay() if not network.relay[target]:
                pass  # a leaf has no relay
            case FailRoom() | RestoreRoom() if not network.room[target]:
                pass  # not every site has a room
            case FailRelay() if target in dead:
                pass
            case FailRelay():
                dead.add(target)
                relays.append((target, at_ns, arrays.RELAY_DOWN, 0, 0, 0))
                lines += [
                    (target, at_ns, arrays.UNFED, 0, 0, 0),
                    (n + target, at_ns, arrays.UNFED, 0, 0, 0),
                    (n + target, at_ns, arrays.UNSENT_DIES, 0, 0, 0),
                ]
                first, last = network.site_egress_first[target : target + 2]
                children = network.children[network.child_first[first] : network.child_first[last]]
                lines += [
                    (child, at_ns, arrays.UNSENT_DIES, 0, 0, 0) for child in children.tolist()
                ]
            case RestoreRelay():
                dead.discard(target)
                relays.append((target, at_ns, arrays.RELAY_UP, 0, 0, 0))
                lines += [
                    (target, at_ns, arrays.FED, 0, 0, 0),
                    (n + target, at_ns, arrays.FED, 0, 0, 0),
                ]
            case SetEgressRate(rate_bps=rate_bps):
                egress = network.egresses[target]
                if not egress.rate_bps:
                    continue  # there is no interface to slow down
                row = services.row(rate_bps, egress.overhead_ns)
                full_ns = services.full_ns(egress, rate_bps, egress.overhead_ns)
                site = int(network.egress_site[target])
                relays.append((site, at_ns, arrays.EGRESS_RATE, target, row, full_ns))
            case SetLineRate(rate_bps=rate_bps):
                port = network.direction(target)
                row, full_ns = services.row(rate_bps, 0), services.full_ns(port, rate_bps, 0)
                lines.append((target, at_ns, arrays.LINE_RATE, row, full_ns, 0))
            case SetLineLoss(loss=loss):
                lines.append((target, at_ns, arrays.LINE_LOSS, losses.row(loss), 0, 0))
            case _:
                kind = BOTH_WAYS[type(edit)]
                lines += [(target, at_ns, kind, 0, 0, 0), (n + target, at_ns, kind, 0, 0, 0)]
    return _by_target(lines, 2 * n), _by_target(relays, n)


def _by_target(changes: list[Change], targets: int) -> arrays.Changes:
    """Return changes by target; those of one target stay in order."""
    changes.sort(key=lambda change: change[0])
    table = np.array(changes, dtype=np.int64).reshape(-1, 6)
    per_target = np.bincount(table[:, 0], minlength=targets)
    at_ns, kind, a, b, c = np.ascontiguousarray(table[:, 1:].T)
    first = np.concatenate([[0], np.cumsum(per_target)])
    return arrays.Changes(first=first, at_ns=at_ns, kind=kind, a=a, b=b, c=c)
