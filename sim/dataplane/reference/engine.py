"""The reference engine: the specification as plain SimPy, real packets in real queues.

One step per packet step, written for reading; it keeps every packet in memory and is for small
trees. A packet's way is a chain of the parts it passes, each in a file of its own:

    site -> direction up (transmitter, losses, wire) -> site -> relay (processing) -> ... -> root
    root -> relay -> egress (transmitter) -> direction down -> site: room, relay, and so on

Readings of the text (docs/model.md) where it leaves a choice:

- At one instant edits come first, in the order of the list; they are urgent events. Departures
  and deliveries are ordinary events, whose order within the instant has no influence, for what
  they bring to a transmitter or a room waits in its doorway. Doorways open last, and let it in by
  the order of packets, those of others after the meeting's.
- Packets of one instant are accepted one after the other: the first to find nothing being sent
  has begun when the second comes, whatever its class.
- An egress's OFFERED, WITHHELD and UNSERVED are counted when the copies are made, or when the
  packet is lost before; who gets one is decided then. A packet in processing is pending once.
- A copy is made for a child that is served then. If that changes before it leaves the egress, it
  leaves all the same, and the line refuses it.
- What is on a line that is given up is lost, as if the line had failed. A line not in use goes on
  with the packets of others, and may fail and come back.
- A relay that passes on some streams only loses the others as they come, as a dead one would.
- An egress without interface (rate 0) stays without: a change of its rate changes nothing, and
  no packet of others passes it.
- Packets of others go on at the egresses and down lines of a dead relay: it is the line that is
  down, not the relay, that refuses them. BACKLOG_MAX_NS counts their acceptances too.
- A leaf has no relay, and a site without room no endpoint: edits of these change nothing.
- Gaps of a room, LAST_NS included, are between received packets.
- What the root's own room says has reached the root at once. Its hop, where it ends or is lost,
  is n, which is no direction of a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from simpy.events import ProcessGenerator

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
from sim.dataplane.reference.clock import Clock, First
from sim.dataplane.reference.direction import LiveDirection
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.ledger import Ledger
from sim.dataplane.reference.packet import Packet
from sim.dataplane.reference.tree import LiveTree
from sim.dataplane.reference.way import ends_tier
from sim.dataplane.tally import FateLog, Tally
from sim.media.packets import Packets
from sim.network.tree import Network
from sim.scenario.model import Scenario


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
        self.tally = Tally.zeros(
            network.grouping,
            egresses=len(network.egresses),
            streams=len(scenario.streams),
            turns=len(scenario.agenda),
            tiers=len(network.tiers),
            backups=len(network.backups),
        )
        self._scenario = scenario
        self._network = network
        self._clock = Clock()
        self._ledger = Ledger(self._clock, self.tally, network, watch)
        self.encounters: Counter[Encounter] = self._ledger.encounters
        self._tree = LiveTree(self._clock, self._ledger, scenario=scenario, network=network)

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
        packets = packets.written()
        sent = [self._packets_of(origin, packets) for origin in range(len(self._network.sites))]
        for each in sent:
            _check_dates("packet", [packet.sent_ns for packet in each], start_ns, end_ns)
        _check_dates("edit", [edit.at_ns for edit in edits], start_ns, end_ns)
        self._clock.process(self._edit(edits))
        for origin, each in enumerate(sent):
            self._clock.process(self._emit(origin, each))
        if end_ns > start_ns:
            self._clock.run(until=end_ns)
        for direction in self._tree.directions.values():
            direction.settle()
        for egress in self._tree.egresses:
            egress.settle()

    def pending(self) -> int:
        """Return how many packets and copies are accepted, or in processing, and undecided."""
        relays = [site.relay for site in self._tree.sites if site.relay is not None]
        return (
            sum(relay.pending() for relay in relays)
            + sum(egress.pending() for egress in self._tree.egresses)
            + sum(direction.pending() for direction in self._tree.directions.values())
        )

    def dark(self) -> NDArray[np.int64]:
        """Return the dark intervals of rooms that are over, as (k, 3): site, from, until, ns."""
        intervals = sorted(self._ledger.dark, key=lambda each: (each[1], each[0], each[2]))
        return np.array(intervals, dtype=np.int64).reshape(-1, 3)

    def fates(self) -> FateLog:
        """Return what was decided so far on the lines and in the rooms of the watched sites."""
        return self._ledger.fates()

    def _packets_of(self, origin: int, packets: Packets) -> list[Packet]:
        """Return the packets of one origin as objects, in the order of its rows."""
        sent = []
        for row in range(*packets.origin_first[origin : origin + 2].tolist()):
            index = int(packets.stream[row])
            stream = self._scenario.streams[index]
            sent_ns = int(packets.sent_ns[row])
            transcoding_ns = int(self._network.transcoding_ns[origin]) if stream.composite else 0
            sent.append(
                Packet(
                    number=packets.first + row,
                    origin=origin,
                    origin_order=int(self._network.order[origin]),
                    stream=index,
                    sequence=int(packets.sequence[row]),
                    direction=stream.direction,
                    ends_tier=ends_tier(stream, self._network),
                    composite=stream.composite,
                    precedence=stream.precedence,
                    sent_ns=sent_ns,
                    due_ns=sent_ns - transcoding_ns,
                    size_bytes=int(packets.size_bytes[row]),
                    turn=int(packets.turn[row]),
                    part=int(packets.part[row]),
                )
            )
        return sent

    def _emit(self, origin: int, packets: Sequence[Packet]) -> ProcessGenerator:
        """Have the origin send each packet when it is due."""
        for packet in packets:
            yield self._clock.timeout(packet.sent_ns - self._clock.now_ns)
            self._tree.sites[origin].send(packet)

    def _edit(self, edits: Sequence[Edit]) -> ProcessGenerator:
        """Apply each edit at its instant, before all else that happens then."""
        for edit in edits:
            yield First(self._clock, edit.at_ns)
            self._apply(edit)

    def _apply(self, edit: Edit) -> None:
        match edit:
            case FailLine():
                for direction in self._both_directions(edit):
                    direction.fail()
            case RestoreLine():
                for direction in self._both_directions(edit):
                    direction.restore()
            case SetLineRate():
                self._direction(edit).transmitter.retime(edit.rate_bps)
            case SetLineLoss():
                self._direction(edit).change_loss(edit.loss)
            case SetEgressRate():
                self._tree.egresses[edit.target].retime(edit.rate_bps)
            case UseLine():
                self._tree.use_line(edit.target, edit.line, edit.egress)
            case JoinRoom():
                self._tree.join(edit.target)
            case LeaveRoom():
                self._tree.leave(edit.target)
            case SetRelayPasses():
                relay = self._tree.sites[edit.target].relay
                if relay is not None:
                    relay.passes = edit.streams
            case AskKeyFrame():
                pass  # it is the source that hears it
            case FailRelay() | RestoreRelay() | FailRoom() | RestoreRoom():
                self._apply_to_site(edit)
            case _:
                raise ValueError(f"the reference engine does not know the edit {edit}")

    def _apply_to_site(self, edit: Edit) -> None:
        """Apply an edit of a relay or a room, if there is one."""
        site = self._tree.sites[edit.target]
        part = site.relay if isinstance(edit, FailRelay | RestoreRelay) else site.room
        if part is None:
            return
        if isinstance(edit, FailRelay | FailRoom):
            part.fail()
        else:
            part.restore()

    def _both_directions(self, edit: Edit) -> tuple[LiveDirection, LiveDirection]:
        down, up = self._network.down(edit.target), self._network.up(edit.target)
        if down not in self._tree.directions:
            raise ValueError(f"site {edit.target} has no line to edit: {edit}")
        return self._tree.directions[down], self._tree.directions[up]

    def _direction(self, edit: Edit) -> LiveDirection:
        if edit.target not in self._tree.directions:
            raise ValueError(f"no line has the direction {edit.target}: {edit}")
        return self._tree.directions[edit.target]


def _check_dates(what: str, at_ns: Sequence[int], start_ns: int, end_ns: int) -> None:
    """Raise a ValueError unless the dates are sorted and in [start_ns, end_ns)."""
    for earlier_ns, later_ns in pairwise([start_ns, *at_ns]):
        if not earlier_ns <= later_ns < end_ns:
            raise ValueError(
                f"{what} at {later_ns} is out of order or not in [{start_ns}, {end_ns})"
            )
