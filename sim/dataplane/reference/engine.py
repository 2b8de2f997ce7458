"""The reference engine: the specification as plain SimPy, real packets in real queues.

One step per packet step, written for reading; it keeps every packet in memory and is for small
trees. A packet's way down is a chain of the parts it passes, each in a file of its own:

    root -> relay (processing) -> egress (transmitter) -> line (transmitter, losses, wire)
         -> site: room, and the next relay, and so on

Readings of the text where it leaves a choice:

- At one instant edits come first, in the order of the list; they are urgent events. All else
  is ordinary events, whose order within the instant has no influence: at each transmitter
  packets come from one place in one order, and bits whose last leaves now are not counted as
  unsent.
- An egress's OFFERED is counted when the packet reaches the relay, dead or alive; so between
  spans OFFERED is what entered the lines, was lost, or is pending, copies in processing included.
- An egress without interface (rate 0) stays without: a change of its rate changes nothing.
- A leaf has no relay, and a site without room no endpoint: edits of these change nothing.
- Gaps of a room, LAST_NS included, are between received packets.
- The root sends and has no room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from simpy.events import ProcessGenerator

from sim import rng
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
from sim.dataplane.reference.clock import Clock, First
from sim.dataplane.reference.egress import LiveEgress
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.line import LiveLine
from sim.dataplane.reference.loss import LossProcess
from sim.dataplane.reference.packet import Packet
from sim.dataplane.reference.relay import LiveRelay
from sim.dataplane.reference.room import LiveRoom
from sim.dataplane.tally import FateLog, Tally
from sim.media.packets import Packets
from sim.network.tree import Network
from sim.scenario.model import Scenario

ROOT = 0


class ReferenceEngine:
    """Replays spans of the meeting event by event.

    Attributes
    ----------
    tally : what was counted so far
    encounters : how often the run met each Encounter
    """

    def __init__(
        self, scenario: Scenario, network: Network, *, watch: frozenset[int] = frozenset()
    ) -> None:
        """Build the tree, empty and up; `watch` has the numbers of the sites to log fates of."""
        self.tally = Tally.zeros(len(network.sites), len(network.egresses))
        self._clock = Clock()
        self._ledger = Ledger(self.tally, watch)
        self.encounters: Counter[Encounter] = self._ledger.encounters
        self._lines: dict[int, LiveLine] = {}
        self._relays: dict[int, LiveRelay] = {}
        self._rooms: dict[int, LiveRoom] = {}
        self._build_lines(network)
        self._egresses = self._build_egresses(network)
        self._build_sites(network, scenario.dark_after_ns)

    def replay(self, start_ns: int, end_ns: int, packets: Packets, edits: Sequence[Edit]) -> None:
        """Carry the packets of [start_ns, end_ns), under the edits dated in it.

        Raises
        ------
        ValueError
            If the span does not follow the last one, if a packet or an edit is out of order or
            not in the span, or if an edit is of a line that does not exist.
        """
        if start_ns != self._clock.now_ns:
            raise ValueError(f"the last span ended at {self._clock.now_ns}, not at {start_ns}")
        _check_dates("packet", packets.sent_ns.tolist(), start_ns, end_ns)
        _check_dates("edit", [edit.at_ns for edit in edits], start_ns, end_ns)
        self._clock.process(self._edit(edits))
        self._clock.process(self._emit(packets))
        if end_ns > start_ns:
            self._clock.run(until=end_ns)
        for line in self._lines.values():
            line.settle()
        for egress in self._egresses:
            egress.settle()

    def pending(self) -> int:
        """Return how many packets and copies are accepted, or in processing, and undecided."""
        return (
            sum(relay.pending() for relay in self._relays.values())
            + sum(egress.pending() for egress in self._egresses)
            + sum(line.pending() for line in self._lines.values())
        )

    def fates(self) -> FateLog:
        """Return what was decided so far on the lines and in the rooms of the watched sites."""
        return self._ledger.fates()

    def _build_lines(self, network: Network) -> None:
        for site, line in enumerate(network.lines):
            if line is not None:
                self._lines[site] = LiveLine(
                    self._clock,
                    self._ledger,
                    site=site,
                    line=line,
                    losses=LossProcess(
                        line.down.loss,
                        state_key=_key(network.loss_state_key[site].tolist()),
                        gap_key=_key(network.loss_gap_key[site].tolist()),
                    ),
                    arrive=partial(self._arrive, site),
                )

    def _build_egresses(self, network: Network) -> list[LiveEgress]:
        fed = np.split(network.children, network.child_first[1:-1])
        return [
            LiveEgress(
                self._clock,
                self._ledger,
                number=number,
                egress=egress,
                lines={site: self._lines[site] for site in fed[number].tolist()},
            )
            for number, egress in enumerate(network.egresses)
        ]

    def _build_sites(self, network: Network, dark_after_ns: int) -> None:
        for site in range(len(network.sites)):
            if network.relay[site]:
                first, end = network.site_egress_first[site : site + 2].tolist()
                self._relays[site] = LiveRelay(
                    self._clock,
                    self._ledger,
                    processing_ns=int(network.processing_ns[site]),
                    egresses=self._egresses[first:end],
                )
            if network.room[site]:
                self._rooms[site] = LiveRoom(
                    self._clock,
                    self._ledger,
                    site=site,
                    relay=self._relays.get(site),
                    dark_after_ns=dark_after_ns,
                )

    def _emit(self, packets: Packets) -> ProcessGenerator:
        """Hand each packet to the root when it is sent."""
        rows = zip(
            packets.sent_ns.tolist(),
            packets.size_bytes.tolist(),
            packets.stream.tolist(),
            strict=True,
        )
        last = (-1, -1)
        for number, (sent_ns, size_bytes, stream) in enumerate(rows, start=packets.first):
            yield self._clock.timeout(sent_ns - self._clock.now_ns)
            packet = Packet(number=number, sent_ns=sent_ns, size_bytes=size_bytes)
            if last[0] == sent_ns and last[1] != stream:
                self.encounters[Encounter.TIE_AT_MERGE] += 1
            last = (sent_ns, stream)
            if ROOT in self._relays:
                self._relays[ROOT].receive(packet)

    def _arrive(self, site: int, packet: Packet) -> None:
        """Feed the room, then the relay, of a site that a packet has reached."""
        if site in self._rooms:
            self._rooms[site].receive(packet)
        if site in self._relays:
            self._relays[site].receive(packet)

    def _edit(self, edits: Sequence[Edit]) -> ProcessGenerator:
        """Apply each edit at its instant, before all else that happens then."""
        for edit in edits:
            yield First(self._clock, edit.at_ns)
            self._apply(edit)

    def _apply(self, edit: Edit) -> None:
        match edit:
            case FailLine():
                self._line(edit).fail()
            case RestoreLine():
                self._line(edit).restore()
            case SetLineRate():
                self._line(edit).transmitter.retime(edit.rate_bps)
            case SetLineLoss():
                self._line(edit).change_loss(edit.loss)
            case SetEgressRate():
                self._egresses[edit.target].retime(edit.rate_bps)
            case FailRelay() if edit.target in self._relays:
                self._relays[edit.target].fail()
            case RestoreRelay() if edit.target in self._relays:
                self._relays[edit.target].restore()
            case FailRoom() if edit.target in self._rooms:
                self._rooms[edit.target].fail()
            case RestoreRoom() if edit.target in self._rooms:
                self._rooms[edit.target].restore()
            case FailRelay() | RestoreRelay() | FailRoom() | RestoreRoom():
                pass  # there is none at this site
            case _:
                raise ValueError(f"the reference engine does not know the edit {edit}")

    def _line(self, edit: Edit) -> LiveLine:
        if edit.target not in self._lines:
            raise ValueError(f"site {edit.target} has no line to edit: {edit}")
        return self._lines[edit.target]


def _key(words: Sequence[int]) -> rng.Key:
    first, second = words
    return first, second


def _check_dates(what: str, at_ns: Sequence[int], start_ns: int, end_ns: int) -> None:
    """Raise a ValueError unless the dates are sorted and in [start_ns, end_ns)."""
    for earlier_ns, later_ns in pairwise([start_ns, *at_ns]):
        if not earlier_ns <= later_ns < end_ns:
            raise ValueError(
                f"{what} at {later_ns} is out of order or not in [{start_ns}, {end_ns})"
            )
