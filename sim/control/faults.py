"""Scheduled faults: what holds a thing down or slows it, and the edits that follow.

Faults may overlap. A thing is up when no fault holds it down; its rate is its own rate times the
factors of all faults that slow it, and its added losses are independent of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from dataclasses import replace

import simpy

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
from sim.network.tree import Network
from sim.scenario.model import FOREVER_NS, Fault, Loss


def strike(
    env: simpy.Environment, fault: Fault, condition: Condition, edits: list[Edit]
) -> Generator[simpy.Event]:
    """Wait for the fault's time, let it act, wait for its repair, and undo it.

    A fault that is never repaired ends with its first edits.
    """
    yield env.timeout(fault.at_ns)
    edits += condition.begin(fault, fault.at_ns)
    if fault.until_ns < FOREVER_NS:
        yield env.timeout(fault.until_ns - fault.at_ns)
        edits += condition.end(fault, fault.until_ns)


class Condition:
    """Which faults hold on what, at this moment of the control plane's clock."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._on_line: defaultdict[int, list[Fault]] = defaultdict(list)
        self._on_relay: defaultdict[int, list[Fault]] = defaultdict(list)
        self._on_room: defaultdict[int, list[Fault]] = defaultdict(list)

    def begin(self, fault: Fault, now_ns: int) -> list[Edit]:
        """Let a fault hold from `now_ns` on; return what changes at once."""
        before = self._state(fault)
        for faults in self._concerned(fault):
            faults.append(fault)
        return self._edits(fault, before, now_ns)

    def end(self, fault: Fault, now_ns: int) -> list[Edit]:
        """Let a fault hold no longer; return what changes at once."""
        before = self._state(fault)
        for faults in self._concerned(fault):
            faults.remove(fault)
        return self._edits(fault, before, now_ns)

    def _sites(self, ids: tuple[str, ...]) -> list[int]:
        return [self._network.index[site] for site in ids]

    def _concerned(self, fault: Fault) -> list[list[Fault]]:
        return [
            *(self._on_line[s] for s in self._sites(fault.lines)),
            *(self._on_relay[s] for s in self._sites(fault.relays)),
            *(self._on_room[s] for s in self._sites(fault.rooms)),
        ]

    def _state(self, fault: Fault) -> list[list[Edit]]:
        """Return, for each thing that `fault` concerns, the edits that would bring about its state.

        Dated 0; comparing two states says which of them to send.
        """
        return [
            *(self._line_state(s) for s in self._sites(fault.lines)),
            *(self._relay_state(s) for s in self._sites(fault.relays)),
            *(self._room_state(s) for s in self._sites(fault.rooms)),
        ]

    def _edits(self, fault: Fault, before: list[list[Edit]], now_ns: int) -> list[Edit]:
        return [
            replace(new, at_ns=now_ns)
            for old_state, new_state in zip(before, self._state(fault), strict=True)
            for old, new in zip(old_state, new_state, strict=True)
            if old != new
        ]

    def _line_state(self, s: int) -> list[Edit]:
        line = self._network.lines[s]
        assert line is not None, "the root has no line"
        faults = self._on_line[s]
        loss = line.down.loss
        for fault in faults:
            loss = Loss(
                p=loss.p,
                r=loss.r,
                bad=1 - (1 - loss.bad) * (1 - fault.added_loss),
                good=1 - (1 - loss.good) * (1 - fault.added_loss),
            )
        if all(fault.added_loss == 0 for fault in faults):
            loss = line.down.loss
        return [
            (FailLine if is_down(faults) else RestoreLine)(at_ns=0, target=s),
            SetLineRate(at_ns=0, target=s, rate_bps=slowed(line.down.rate_bps, faults)),
            SetLineLoss(at_ns=0, target=s, loss=loss),
        ]

    def _relay_state(self, s: int) -> list[Edit]:
        network, faults = self._network, self._on_relay[s]
        egresses = range(*network.site_egress_first[s : s + 2])
        rates = [(e, network.egresses[e].rate_bps) for e in egresses]
        return [
            (FailRelay if is_down(faults) else RestoreRelay)(at_ns=0, target=s),
            *(
                SetEgressRate(at_ns=0, target=e, rate_bps=slowed(rate_bps, faults))
                for e, rate_bps in rates
                if rate_bps
            ),
        ]

    def _room_state(self, s: int) -> list[Edit]:
        return [(FailRoom if is_down(self._on_room[s]) else RestoreRoom)(at_ns=0, target=s)]


def is_down(faults: list[Fault]) -> bool:
    """Say whether any of the faults that hold takes the thing down."""
    return any(fault.action == "fail" for fault in faults)


def slowed(rate_bps: int, faults: list[Fault]) -> int:
    """Return a rate under the faults that hold: rounded to the bit/s, at least 1."""
    factor = 1.0
    for fault in faults:
        factor *= fault.rate_factor
    return max(round(rate_bps * factor), 1)
