"""Line loss of the reference engine: Gilbert-Elliott, one accepted packet after the other.

Acceptances are counted and never reset. Two independent series of draws decide: how many
acceptances each visit to a state lasts (under the state key), and how many of them survive until
the next loss (under the gap key). Every draw uses the next index of its series, whatever comes
of it.
"""

from __future__ import annotations

from sim import rng
from sim.scenario.model import Loss


class LossProcess:
    """Picks, at its acceptance, whether a packet will be lost at its last bit.

    The process starts in the bad state if draw 0 of the state key is below p / (p + r). Sojourn
    j lasts 1 + geometric(state key, j + 1) acceptances; the state flips before the acceptance
    that follows. A gap is drawn on entering a state, after each loss, and when an edit changes
    the probabilities.
    """

    def __init__(self, loss: Loss, state_key: rng.Key, gap_key: rng.Key) -> None:
        self.loss = loss
        self.switches = 0
        self._state_key = state_key
        self._gap_key = gap_key
        self._gaps_drawn = 0
        self._bad = rng.uniform(state_key, 0) < loss.p / (loss.p + loss.r)
        self._sojourn = self._draw_sojourn()
        self._survivors = self._draw_gap()

    def picks(self) -> bool:
        """Count one acceptance and return whether that packet will be lost."""
        if self._sojourn == 0:
            self.switches += 1
            self._bad = not self._bad
            self._sojourn = self._draw_sojourn()
            self._survivors = self._draw_gap()
        self._sojourn -= 1
        if self._survivors > 0:
            self._survivors -= 1
            return False
        self._survivors = self._draw_gap()
        return True

    def change(self, loss: Loss) -> None:
        """Lose by `loss` from the next acceptance on; the state and its sojourn go on.

        Raises
        ------
        ValueError
            If p or r differ: an edit changes how much each state loses, not the states.
        """
        if (loss.p, loss.r) != (self.loss.p, self.loss.r):
            raise ValueError(f"an edit cannot change p and r, from {self.loss} to {loss}")
        self.loss = loss
        self._survivors = self._draw_gap()

    def _draw_sojourn(self) -> int:
        leave = self.loss.r if self._bad else self.loss.p
        return 1 + rng.geometric(self._state_key, self.switches + 1, leave)

    def _draw_gap(self) -> int:
        index = self._gaps_drawn
        self._gaps_drawn += 1
        return rng.geometric(self._gap_key, index, self.loss.bad if self._bad else self.loss.good)
