"""What holds at this moment: the faults, and the hour of the day; and what that makes of things.

Faults may overlap. A thing is up when no fault holds it down; its rate is its own rate times the
factors of all faults that slow it, less the share of steady background at this hour; its added
losses are independent of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

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
    SetRelayPasses,
)
from sim.network.names import line_number
from sim.network.tree import Network, left_bps
from sim.scenario.model import Background, Fault, Loss


class Condition:
    """The condition of all lines, relays and rooms, at the control plane's time."""

    def __init__(self, network: Network, *, begins_ns: int, streams: Sequence[str] = ()) -> None:
        """Let nothing be wrong yet; the meeting begins at the time of day `begins_ns`.

        `streams` are the ids of all streams, of which grey relays forward some.
        """
        self._network = network
        self._streams = streams
        self._time_of_day_ns = begins_ns
        self._on_line: defaultdict[int, list[Fault]] = defaultdict(list)
        self._on_relay: defaultdict[int, list[Fault]] = defaultdict(list)
        self._on_room: defaultdict[int, list[Fault]] = defaultdict(list)
        hourly = [kind is not None and has_hours(kind.background) for kind in network.kinds]
        self._hourly_directions = np.flatnonzero(np.array(hourly)[network.kind]).tolist()
        self._hourly_egresses = [
            e
            for e, egress in enumerate(network.egresses)
            if egress.rate_bps and has_hours(egress.background)
        ]

    @property
    def has_hours(self) -> bool:
        """Whether anything depends on the hour of the day."""
        return bool(self._hourly_directions or self._hourly_egresses)

    def begin(self, fault: Fault, now_ns: int) -> list[Edit]:
        """Let a fault hold from `now_ns` on; return what changes at once."""
        before = self._state(fault)
        for faults in self._concerned(fault):
            faults.append(fault)
        return _changes(before, self._state(fault), now_ns)

    def end(self, fault: Fault, now_ns: int) -> list[Edit]:
        """Let a fault hold no longer; return what changes at once."""
        before = self._state(fault)
        for faults in self._concerned(fault):
            if fault in faults:  # a standby may have taken over
                faults.remove(fault)
        return _changes(before, self._state(fault), now_ns)

    def turn_hour(self, time_of_day_ns: int, now_ns: int) -> list[Edit]:
        """Let it be a new time of day from `now_ns` on; return which rates change at once."""
        before = self._hourly_rates()
        self._time_of_day_ns = time_of_day_ns
        return _changes(before, self._hourly_rates(), now_ns)

    def line_is_up(self, line: int) -> bool:
        """Say whether no fault holds a line down."""
        return not is_down(self._on_line.get(line, []))

    def relay_is_up(self, site: int) -> bool:
        """Say whether no fault holds a site's relay down."""
        return not is_down(self._on_relay.get(site, []))

    def take_over(self, fault: Fault, relay: int, now_ns: int) -> list[Edit]:
        """Let a standby do a relay's work from `now_ns` on in spite of a fault; return changes."""
        before = self._relay_state(relay)
        self._on_relay[relay].remove(fault)
        return _changes(before, self._relay_state(relay), now_ns)

    def _sites(self, ids: tuple[str, ...]) -> list[int]:
        return [self._network.index[site] for site in ids]

    def _lines(self, names: tuple[str, ...]) -> list[int]:
        return [line_number(self._network, name) for name in names]

    def _concerned(self, fault: Fault) -> list[list[Fault]]:
        return [
            *(self._on_line[line] for line in self._lines(fault.lines)),
            *(self._on_relay[s] for s in self._sites(fault.relays)),
            *(self._on_room[s] for s in self._sites(fault.rooms)),
        ]

    def _state(self, fault: Fault) -> list[Edit]:
        """Return the edits that would bring about the state of all things that `fault` concerns.

        Dated 0; comparing two states says which of them to send.
        """
        states = [
            *(self._line_state(line) for line in self._lines(fault.lines)),
            *(self._relay_state(s) for s in self._sites(fault.relays)),
            *(self._room_state(s) for s in self._sites(fault.rooms)),
        ]
        return [edit for state in states for edit in state]

    def _hourly_rates(self) -> list[Edit]:
        return [
            *(self._line_rate(hop) for hop in self._hourly_directions),
            *(self._egress_rate(e) for e in self._hourly_egresses),
        ]

    def _line_state(self, line: int) -> list[Edit]:
        down, up = self._network.down(line), self._network.up(line)
        return [
            (FailLine if is_down(self._on_line[line]) else RestoreLine)(at_ns=0, target=line),
            self._line_rate(down),
            self._line_rate(up),
            self._line_loss(down),
            self._line_loss(up),
        ]

    def _relay_state(self, s: int) -> list[Edit]:
        egresses = range(*self._network.site_egress_first[s : s + 2])
        return [
            (FailRelay if is_down(self._on_relay[s]) else RestoreRelay)(at_ns=0, target=s),
            *(self._egress_rate(e) for e in egresses if self._network.egresses[e].rate_bps),
            self._relay_passes(s),
        ]

    def _room_state(self, s: int) -> list[Edit]:
        return [(FailRoom if is_down(self._on_room[s]) else RestoreRoom)(at_ns=0, target=s)]

    def _relay_passes(self, s: int) -> SetRelayPasses:
        grey = [fault for fault in self._on_relay[s] if fault.action == "grey"]
        passes = [all(stream in fault.passes for fault in grey) for stream in self._streams]
        return SetRelayPasses(at_ns=0, target=s, streams=tuple(passes))

    def _line_rate(self, hop: int) -> SetLineRate:
        direction = self._network.direction(hop)
        slow_bps = slowed(direction.rate_bps, self._on_line[self._line_of(hop)])
        rate_bps = left_bps(direction, slow_bps, self._time_of_day_ns)
        return SetLineRate(at_ns=0, target=hop, rate_bps=rate_bps)

    def _line_loss(self, hop: int) -> SetLineLoss:
        faults = self._on_line[self._line_of(hop)]
        loss = self._network.direction(hop).loss
        # Where no fault adds any, the loss stays what it is to the last bit of its floats.
        for fault in (fault for fault in faults if fault.added_loss):
            loss = Loss(
                p=loss.p,
                r=loss.r,
                bad=1 - (1 - loss.bad) * (1 - fault.added_loss),
                good=1 - (1 - loss.good) * (1 - fault.added_loss),
            )
        return SetLineLoss(at_ns=0, target=hop, loss=loss)

    def _egress_rate(self, e: int) -> SetEgressRate:
        egress = self._network.egresses[e]
        faults = self._on_relay[int(self._network.egress_site[e])]
        rate_bps = left_bps(egress, slowed(egress.rate_bps, faults), self._time_of_day_ns)
        return SetEgressRate(at_ns=0, target=e, rate_bps=rate_bps)

    def _line_of(self, hop: int) -> int:
        """Return the number of the line that a direction is one of."""
        n, backups = len(self._network.lines), len(self._network.backups)
        if hop < 2 * n:
            return hop % n
        return n + (hop - 2 * n) % backups


def is_down(faults: list[Fault]) -> bool:
    """Say whether any of the faults that hold takes the thing down."""
    return any(fault.action == "fail" for fault in faults)


def slowed(rate_bps: int, faults: list[Fault]) -> int:
    """Return a rate under the faults that hold: rounded to the bit/s, at least 1."""
    factor = 1.0
    for fault in faults:
        factor *= fault.rate_factor
    return max(round(rate_bps * factor), 1)


def has_hours(background: Background | None) -> bool:
    """Say whether it takes another share of the rate at one hour than at another."""
    if background is None or background.kind != "steady":
        return False
    return len(set(background.profile)) > 1


def _changes(before: list[Edit], after: list[Edit], now_ns: int) -> list[Edit]:
    return [
        replace(new, at_ns=now_ns) for old, new in zip(before, after, strict=True) if old != new
    ]
