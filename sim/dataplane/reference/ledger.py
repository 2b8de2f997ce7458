"""Where the parts of the reference engine write down what they decide."""

from __future__ import annotations

from collections import Counter

import numpy as np

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.packet import Packet
from sim.dataplane.reference.way import NOWHERE
from sim.dataplane.tally import (
    EgressCount,
    Fate,
    FateLog,
    Histogram,
    LineCount,
    LossCause,
    StreamCount,
    Tally,
    bucket,
)
from sim.network.tree import Network

ON_LINE = {
    LossCause.OUTAGE: (LineCount.LOST_OUTAGE, Fate.LINE_OUTAGE),
    LossCause.POLICER: (LineCount.LOST_POLICER, Fate.LINE_POLICER),
    LossCause.QUEUE: (LineCount.LOST_QUEUE, Fate.LINE_QUEUE),
    LossCause.LINE: (LineCount.LOST_LINE, Fate.LINE_LOSS),
}
OF_SOURCE = {
    LossCause.OUTAGE: StreamCount.LOST_OUTAGE,
    LossCause.POLICER: StreamCount.LOST_POLICER,
    LossCause.QUEUE: StreamCount.LOST_QUEUE,
    LossCause.LINE: StreamCount.LOST_LINE,
    LossCause.ENDPOINT: StreamCount.LOST_ENDPOINT,
    LossCause.PORT: StreamCount.LOST_PORT,
}
STOPPED = {Fate.UNSELECTED: StreamCount.UNSELECTED, Fate.COMPOSED: StreamCount.COMPOSED}


class Ledger:
    """The tally, the fates at watched sites, and what was met on the way.

    A hop is the number of a direction, as in `Network`.

    Attributes
    ----------
    root_hop : n, the hop on which what the root's own room says ends
    parent : of each site by number, as they hang now; -1 of the root
    tally : what was counted so far
    dark : (site, from_ns, until_ns) of each dark interval of a room that is over
    encounters : how often the run met each Encounter
    """

    def __init__(self, clock: Clock, tally: Tally, network: Network, watch: frozenset[int]) -> None:
        self.tally = tally
        self.encounters: Counter[Encounter] = Counter()
        self._clock = clock
        self.root_hop = self._sites = len(network.sites)
        self._backups = len(network.backups)
        self._site = network.direction_site.tolist()
        self._shared = network.grouping.shared
        self._group = network.grouping.site.tolist()
        self._groups = network.grouping.groups
        self._tier = network.tier.tolist()
        self.parent: list[int] = network.parent.tolist()
        self._egress_site = network.egress_site.tolist()
        self.dark: list[tuple[int, int, int]] = []
        self._watch = watch
        self._fates: list[tuple[int, int, int, int]] = []

    def line_delay(self, hop: int) -> Histogram:
        """Return the histogram of a direction's delays."""
        row = int(self._goes_up(hop)) * self._groups + self._group[self._site[hop]]
        if hop >= 2 * self._sites and not self._shared:
            row = hop
        delays: Histogram = self.tally.line_delay[row]
        return delays

    def room_delay(self, site: int) -> Histogram:
        """Return the histogram of the delays in a site's room."""
        delays: Histogram = self.tally.room_delay[self._group[site]]
        return delays

    def send(self, packet: Packet) -> None:
        """Count a packet that its source sends, or should."""
        self.tally.stream[packet.origin, packet.stream, StreamCount.SENT] += 1

    def decide(self, hop: int, packet: Packet, fate: Fate) -> None:
        """Write down what becomes of a packet on a hop, or in the room or relay after it."""
        if self._site[hop] in self._watch:
            self._fates.append((hop, packet.number, int(fate), self._clock.now_ns))

    def leave_out(self, packet: Packet) -> None:
        """Count a packet that is not sent, for its room does not take part."""
        self.tally.stream[packet.origin, packet.stream, StreamCount.ABSENT] += 1

    def lose_copy(self, egress: int, hop: int, site: int, packet: Packet, fate: Fate) -> None:
        """Count a copy for `hop`, down to `site`, that ends in the relay above or at its egress.

        `fate` is EGRESS_OUTAGE or EGRESS_QUEUE.
        """
        if fate == Fate.EGRESS_OUTAGE:
            self.tally.egress[egress, EgressCount.LOST_OUTAGE] += 1
            self.tally.line[hop, LineCount.COPY_LOST_OUTAGE] += 1
            cause = LossCause.OUTAGE
        else:
            self.tally.egress[egress, EgressCount.LOST_QUEUE] += 1
            self.tally.line[hop, LineCount.COPY_LOST_QUEUE] += 1
            cause = LossCause.QUEUE
        self.decide(hop, packet, fate)
        self._lose_on_way_back(site, packet, cause, at=self._egress_site[egress])

    def lose_on_line(self, hop: int, packet: Packet, cause: LossCause) -> None:
        """Count a packet that a direction of a line loses; on the way up, also for its source."""
        column, fate = ON_LINE[cause]
        self.tally.line[hop, column] += 1
        self.decide(hop, packet, fate)
        site = self._site[hop]
        if self._goes_up(hop):
            self._lose_for_source(site, packet, cause)
        else:
            self._lose_on_way_back(site, packet, cause, at=site)

    def lose_in_relay(self, hop: int, site: int, packet: Packet) -> None:
        """Count a packet on its way up over `hop` that the relay of `site` before it loses."""
        self.tally.line[hop, LineCount.COPY_LOST_OUTAGE] += 1
        self.decide(hop, packet, Fate.EGRESS_OUTAGE)
        self._lose_for_source(site, packet, LossCause.OUTAGE)

    def lose_at_source(self, hop: int, packet: Packet) -> None:
        """Count a packet that a dead room should send over `hop`."""
        self.decide(hop, packet, Fate.ROOM_DEAD)
        self._lose_for_source(packet.origin, packet, LossCause.ENDPOINT)

    def end(self, hop: int, packet: Packet) -> None:
        """Count a packet whose way up is over; `hop` is its last."""
        self.tally.stream[packet.origin, packet.stream, StreamCount.ENDED] += 1
        self.decide(hop, packet, Fate.ENDED)
        if packet.direction == "up":
            delay_ns = self._clock.now_ns - packet.due_ns
            self.tally.up_delay[self._group[packet.origin], bucket(delay_ns)] += 1

    def lose_at_end(self, hop: int, site: int, packet: Packet) -> None:
        """Count an `up` packet that ends at the dead relay of `site`; `hop` is its last."""
        self.decide(hop, packet, Fate.ENDED_OUTAGE)
        self._lose_for_source(site, packet, LossCause.OUTAGE)

    def stop(self, hop: int, site: int, packet: Packet, fate: Fate) -> None:
        """Count a packet that the relay of `site` stops; `hop` is its last.

        `fate` is REFUSED_PORT, which is a loss, UNSELECTED or COMPOSED.
        """
        self.decide(hop, packet, fate)
        if fate == Fate.REFUSED_PORT:
            self._lose_for_source(site, packet, LossCause.PORT)
        else:
            self.tally.stream[packet.origin, packet.stream, STOPPED[fate]] += 1

    def fates(self) -> FateLog:
        """Return the fates at watched sites, in the order in which they were decided."""
        columns = np.array(self._fates, dtype=np.int64).reshape(-1, 4)
        return FateLog(
            hop=columns[:, 0], packet=columns[:, 1], fate=columns[:, 2], at_ns=columns[:, 3]
        )

    def _lose_for_source(self, site: int, packet: Packet, cause: LossCause) -> None:
        """Count a loss on the way up, at `site` or on the line up from it."""
        self.tally.stream[packet.origin, packet.stream, OF_SOURCE[cause]] += 1
        if packet.direction == "floor":
            self.tally.floor_lost[packet.origin, cause, self._tier[site]] += 1
            self.encounters[Encounter.FLOOR_LOST] += 1

    def _lose_on_way_back(self, site: int, packet: Packet, cause: LossCause, *, at: int) -> None:
        """Count what a speaker's packet loses at `at` on its way down towards its own site."""
        if packet.direction == "floor" and self._leads_to(site, packet.origin):
            self.tally.own_lost[packet.origin, cause, self._tier[at]] += 1

    def _leads_to(self, site: int, origin: int) -> bool:
        """Return whether `origin` is `site` or hangs somewhere below it now."""
        while origin not in (site, NOWHERE):
            origin = self.parent[origin]
        return origin == site

    def _goes_up(self, hop: int) -> bool:
        primaries, backups = 2 * self._sites, self._backups
        return self._sites <= hop < primaries or hop >= primaries + backups
