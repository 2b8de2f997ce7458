"""The policer of the reference engine: a bucket of tokens one can look into.

The rules: the bucket holds at most its burst and starts full; tokens drip in at its rate for as
long as it is not full; a packet that finds tokens for all its bits takes them and passes, another
is lost and takes none. Nothing waits here.
"""

from __future__ import annotations

from collections import Counter

from sim.dataplane.reference.clock import Clock
from sim.dataplane.reference.encounter import Encounter
from sim.scenario.model import Policer

PER_BIT = 10**9  # tokens are billionths of a bit: a rate in bit/s is tokens per ns
BITS = 8


class LivePolicer:
    """The bucket of one line, and how full it was when last looked into.

    Attributes
    ----------
    tokens : in the bucket at `looked_ns`, billionths of a bit
    looked_ns : when that was
    """

    def __init__(self, clock: Clock, encounters: Counter[Encounter], policer: Policer) -> None:
        self._clock = clock
        self._encounters = encounters
        self._tokens_per_ns = policer.rate_bps
        self._most = policer.burst_bytes * BITS * PER_BIT
        self.tokens = self._most
        self.looked_ns = clock.now_ns

    def admits(self, size_bytes: int) -> bool:
        """Return whether a packet that comes now passes; if so, it has taken its tokens."""
        self._drip()
        price = size_bytes * BITS * PER_BIT
        if price > self.tokens:
            self._encounters[Encounter.POLICER_LOSS] += 1
            return False
        self._encounters[Encounter.LAST_TOKEN] += price == self.tokens
        self.tokens -= price
        return True

    def _drip(self) -> None:
        """Add what has come since the last look, as far as there is room."""
        dripped = (self._clock.now_ns - self.looked_ns) * self._tokens_per_ns
        self.tokens = min(self.tokens + dripped, self._most)
        self.looked_ns = self._clock.now_ns
