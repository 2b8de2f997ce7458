"""Where the parts of the reference engine write down what they decide."""

from __future__ import annotations

from collections import Counter

import numpy as np

from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.packet import Packet
from sim.dataplane.tally import EgressCount, Fate, FateLog, LineCount, Tally


class Ledger:
    """The tally, the fates at watched sites, and what was met on the way.

    Attributes
    ----------
    tally : what was counted so far
    encounters : how often the run met each Encounter
    """

    def __init__(self, tally: Tally, watch: frozenset[int]) -> None:
        self.tally = tally
        self.encounters: Counter[Encounter] = Counter()
        self._watch = watch
        self._fates: list[tuple[int, int, int, int]] = []

    def decide(self, site: int, packet: Packet, fate: Fate, at_ns: int) -> None:
        """Write down the fate of a packet on its way to `site`, or in its room."""
        if site in self._watch:
            self._fates.append((site, packet.number, int(fate), at_ns))

    def lose_copy(self, egress: int, site: int, packet: Packet, fate: Fate, at_ns: int) -> None:
        """Count a copy for `site` that ends in the relay above or at its egress.

        `fate` is EGRESS_OUTAGE or EGRESS_QUEUE.
        """
        if fate == Fate.EGRESS_OUTAGE:
            self.tally.egress[egress, EgressCount.LOST_OUTAGE] += 1
            self.tally.line[site, LineCount.COPY_LOST_OUTAGE] += 1
        else:
            self.tally.egress[egress, EgressCount.LOST_QUEUE] += 1
            self.tally.line[site, LineCount.COPY_LOST_QUEUE] += 1
        self.decide(site, packet, fate, at_ns)

    def fates(self) -> FateLog:
        """Return the fates at watched sites, in the order in which they were decided."""
        columns = np.array(self._fates, dtype=np.int64).reshape(-1, 4)
        return FateLog(
            site=columns[:, 0], packet=columns[:, 1], fate=columns[:, 2], at_ns=columns[:, 3]
        )
