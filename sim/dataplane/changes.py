"""Edits as the kernels read them: changes to rows of directions and to relays, by target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.dataplane.edit import (
    AskKeyFrame,
    Edit,
    FailLine,
    FailRelay,
    FailRoom,
    JoinRoom,
    LeaveRoom,
    RestoreLine,
    RestoreRelay,
    RestoreRoom,
    SetEgressRate,
    SetLineLoss,
    SetLineRate,
    SetRelayPasses,
    UseLine,
)
from sim.dataplane.kernels import arrays
from sim.dataplane.lodgings import Lodgings
from sim.dataplane.losses import LossTables
from sim.dataplane.services import Services
from sim.network.tree import Network

Change = tuple[int, int, int, int, int, int]  # target, at_ns, kind, a, b, c

OF_LINE = {FailLine: arrays.LINE_DOWN, RestoreLine: arrays.LINE_UP}
OF_ROOM = {FailRoom: arrays.ROOM_DOWN, RestoreRoom: arrays.ROOM_UP}


class Changes:
    """Turns the edits of each span into changes; knows what they have come to so far.

    Attributes
    ----------
    place : (n,) int64, the place in `Network.children` at which each site is fed; -1: the root
    passes : (rows, streams) bool, what relays pass on; row 0: all
    """

    def __init__(
        self,
        network: Network,
        lodgings: Lodgings,
        services: Services,
        losses: LossTables,
        *,
        streams: int,
    ) -> None:
        self._network = network
        self._lodgings = lodgings
        self._services = services
        self._losses = losses
        # A dead relay does not die again, with what others have sent since at its lines.
        self._dead: set[int] = set()
        self._absent: set[int] = set()
        self.place = np.where(
            network.feed < 0, -1, network.child_first[np.maximum(network.feed, 0)] + network.rank
        )
        self.passes = np.ones((1, streams), dtype=np.bool_)
        self._on_lines: list[Change] = []
        self._on_relays: list[Change] = []

    def of(self, edits: Sequence[Edit]) -> tuple[arrays.Changes, arrays.Changes]:
        """Return a span's edits as changes to rows of directions, and to relays.

        The changes to a site's own rows tell of its room and its relay too: they decide what
        arrives there, and what is sent from there. The lodgings are those after all `UseLine`.
        """
        self._on_lines, self._on_relays = [], []
        for edit in edits:
            match edit:
                case FailLine() | RestoreLine():
                    self._both_rows(edit.at_ns, edit.target, OF_LINE[type(edit)])
                case SetLineRate(at_ns=at_ns, target=direction, rate_bps=rate_bps):
                    port = self._network.direction(direction)
                    row = self._services.row(rate_bps, 0)
                    full_ns = self._services.full_ns(port, rate_bps, 0)
                    self._on_row(at_ns, direction, arrays.LINE_RATE, row, full_ns)
                case SetLineLoss(at_ns=at_ns, target=direction, loss=loss):
                    self._on_row(at_ns, direction, arrays.LINE_LOSS, self._losses.row(loss))
                case SetEgressRate():
                    self._set_egress_rate(edit)
                case FailRelay() | RestoreRelay() | SetRelayPasses():
                    if self._network.relay[edit.target]:  # a leaf has none
                        self._change_relay(edit)
                case FailRoom() | RestoreRoom() | JoinRoom() | LeaveRoom():
                    if self._network.room[edit.target]:  # not every site has one
                        self._change_room(edit)
                case UseLine():
                    self._use_line(edit)
                case AskKeyFrame():
                    pass  # it is the source that hears it
                case _:
                    raise ValueError(f"the packet engine does not know the edit {edit}")
        return (
            _by_target(self._on_lines, self._network.kind.size),
            _by_target(self._on_relays, len(self._network.sites)),
        )

    def _on_row(self, at_ns: int, direction: int, kind: int, a: int = 0, b: int = 0) -> None:
        row = int(self._lodgings.row[direction])
        self._on_lines.append((row, at_ns, kind, a, b, 0))

    def _both_rows(self, at_ns: int, line: int, kind: int) -> None:
        self._on_row(at_ns, self._network.down(line), kind)
        self._on_row(at_ns, self._network.up(line), kind)

    def _at_site(self, at_ns: int, site: int, kind: int, a: int = 0) -> None:
        """Add a change to what is at a site, on both of its rows."""
        n = len(self._network.sites)
        self._on_lines += [(site, at_ns, kind, a, 0, 0), (n + site, at_ns, kind, a, 0, 0)]

    def _set_egress_rate(self, edit: SetEgressRate) -> None:
        egress = self._network.egresses[edit.target]
        if not egress.rate_bps:
            return  # there is no interface to slow down
        row = self._services.row(edit.rate_bps, egress.overhead_ns)
        full_ns = self._services.full_ns(egress, edit.rate_bps, egress.overhead_ns)
        site = int(self._network.egress_site[edit.target])
        change = (site, edit.at_ns, arrays.EGRESS_RATE, edit.target, row, full_ns)
        self._on_relays.append(change)

    def _change_relay(self, edit: Edit) -> None:
        at_ns, site = edit.at_ns, edit.target
        if isinstance(edit, SetRelayPasses):
            self.passes = np.concatenate([self.passes, [edit.streams]])
            row = len(self.passes) - 1
            self._on_relays.append((site, at_ns, arrays.RELAY_PASSES, row, 0, 0))
            self._at_site(at_ns, site, arrays.UP_PASSES, row)
        elif isinstance(edit, RestoreRelay):
            self._dead.discard(site)
            self._on_relays.append((site, at_ns, arrays.RELAY_UP, 0, 0, 0))
            self._at_site(at_ns, site, arrays.FED)
        elif site not in self._dead:
            self._dead.add(site)
            self._on_relays.append((site, at_ns, arrays.RELAY_DOWN, 0, 0, 0))
            self._at_site(at_ns, site, arrays.UNFED)
            if site:
                up = self._network.up(self._line_of(site))
                self._on_row(at_ns, up, arrays.UNSENT_DIES)
            for child in self._fed_by(site):
                down = self._network.down(self._line_of(child))
                self._on_row(at_ns, down, arrays.UNSENT_DIES)

    def _line_of(self, site: int) -> int:
        """Return the line that a site uses, at this point of the edits."""
        return int(self._network.child_line[self.place[site]])

    def _fed_by(self, site: int) -> list[int]:
        """Return the children that a relay feeds, at this point of the edits."""
        network = self._network
        first, last = network.site_egress_first[site : site + 2]
        places = np.arange(network.child_first[first], network.child_first[last])
        children: list[int] = network.children[places][
            self.place[network.children[places]] == places
        ].tolist()
        return children

    def _change_room(self, edit: Edit) -> None:
        at_ns, site = edit.at_ns, edit.target
        if isinstance(edit, FailRoom | RestoreRoom):
            self._at_site(at_ns, site, OF_ROOM[type(edit)])
        elif isinstance(edit, JoinRoom) and site in self._absent:
            self._absent.discard(site)
            self._at_site(at_ns, site, arrays.ROOM_JOINED)
            if not self._network.relay[site]:
                self._serve(at_ns, site)
        elif isinstance(edit, LeaveRoom) and site not in self._absent:
            self._absent.add(site)
            self._at_site(at_ns, site, arrays.ROOM_LEFT)
            if not self._network.relay[site]:
                self._give_up(at_ns, site)

    def _use_line(self, edit: UseLine) -> None:
        at_ns, site, network = edit.at_ns, edit.target, self._network
        self._give_up(at_ns, site)
        first, last = network.child_first[edit.egress : edit.egress + 2]
        lines = network.child_line[first:last].tolist()
        self.place[site] = first + lines.index(edit.line)
        if network.relay[site] or site not in self._absent:
            self._serve(at_ns, site)

    def _serve(self, at_ns: int, site: int) -> None:
        self._both_rows(at_ns, self._line_of(site), arrays.USED)
        self._on_parent(at_ns, site, arrays.SERVED)

    def _give_up(self, at_ns: int, site: int) -> None:
        self._both_rows(at_ns, self._line_of(site), arrays.GIVEN_UP)
        self._on_parent(at_ns, site, arrays.UNSERVED)

    def _on_parent(self, at_ns: int, site: int, kind: int) -> None:
        """Add a change to whether the relay above makes copies for a site."""
        network, place = self._network, int(self.place[site])
        e = int(np.searchsorted(network.child_first, place, side="right")) - 1
        self._on_relays.append((int(network.egress_site[e]), at_ns, kind, place, e, 0))


def _by_target(changes: list[Change], targets: int) -> arrays.Changes:
    """Return changes by target; those of one target stay in order."""
    changes.sort(key=lambda change: change[0])
    table = np.array(changes, dtype=np.int64).reshape(-1, 6)
    per_target = np.bincount(table[:, 0], minlength=targets)
    at_ns, kind, a, b, c = np.ascontiguousarray(table[:, 1:].T)
    first = np.concatenate([[0], np.cumsum(per_target)])
    return arrays.Changes(first=first, at_ns=at_ns, kind=kind, a=a, b=b, c=c)
