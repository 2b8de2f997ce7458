"""How busy transmitters are, with the steady background that takes its share beside the meeting.

A transmitter that gives the share x to others sends the meeting's packets at 1 - x of its rate, so
one that is busy for the share b of the time uses x + (1 - x) b of its whole rate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.scenario.model import HOUR_NS, HOURS, Background

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]


class Steady:
    """The shares that steady background takes of k transmitters, by the hour of the day.

    It counts even while a line is down: others' traffic is not said to stop with the meeting's.
    """

    def __init__(self, backgrounds: Sequence[Background | None], *, begins_ns: int) -> None:
        """Take each transmitter's background; the meeting begins at the time of day `begins_ns`."""
        self._begins_ns = begins_ns
        # Thousands of transmitters share few profiles: a row of 24 shares for each.
        row = {background: r for r, background in enumerate(dict.fromkeys([None, *backgrounds]))}
        self._row = np.array([row[background] for background in backgrounds], dtype=np.int64)
        self._shares = np.array([_shares(background) for background in row])

    def share(self, start_ns: int, end_ns: int) -> Float64Array:
        """Return the mean share in [start_ns, end_ns), (k,)."""
        mean = np.zeros(len(self._shares))
        for hour, spent_ns in self._hours(start_ns, end_ns):
            mean += self._shares[:, hour] * (spent_ns / (end_ns - start_ns))
        share: Float64Array = mean[self._row]
        return share

    def varies(self, end_ns: int) -> NDArray[np.bool_]:
        """Return whose share is not the same all the time in [0, end_ns), (k,)."""
        hours = sorted({hour for hour, _ in self._hours(0, end_ns)})
        shares = self._shares[:, hours]
        varying: NDArray[np.bool_] = (shares != shares[:, :1]).any(axis=1)[self._row]
        return varying

    def _hours(self, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
        """Return (hour of the day, ns spent in it) for the hours of a stretch of the meeting."""
        spent = []
        now_ns, end_ns = self._begins_ns + start_ns, self._begins_ns + end_ns
        while now_ns < end_ns:
            until_ns = min((now_ns // HOUR_NS + 1) * HOUR_NS, end_ns)
            spent.append((now_ns // HOUR_NS % HOURS, until_ns - now_ns))
            now_ns = until_ns
        return spent


class BusyMeter:
    """Adds up, bin by bin, how long each of k transmitters was sending.

    In a bin in which an hour begins, the share is the bin's mean.

    Attributes
    ----------
    peak : (k,) float64, share of the whole rate in use in the bin where it was largest
    """

    def __init__(self, steady: Steady, transmitters: int) -> None:
        self.peak = np.zeros(transmitters)
        self._steady = steady
        self._end_ns = 0
        self._busy_ns = np.zeros(transmitters, dtype=np.int64)
        self._used_ns = np.zeros(transmitters)

    def close_bin(self, end_ns: int, busy_ns: Int64Array) -> None:
        """Add the bin that ends at `end_ns`; `busy_ns` counts from time 0."""
        span_ns = end_ns - self._end_ns
        if span_ns <= 0:
            return
        busy = (busy_ns - self._busy_ns) / span_ns
        share = self._steady.share(self._end_ns, end_ns)
        used = share + (1 - share) * busy
        np.maximum(self.peak, used, out=self.peak)
        self._used_ns += used * span_ns
        self._busy_ns, self._end_ns = busy_ns.copy(), end_ns

    def busy(self) -> Float64Array:
        """Return the share of time each was sending, (k,)."""
        return self._busy_ns / max(self._end_ns, 1)

    def utilisation(self) -> Float64Array:
        """Return the share of the whole rate in use, (k,)."""
        return self._used_ns / max(self._end_ns, 1)


def _shares(background: Background | None) -> tuple[float, ...]:
    if background is None or background.kind != "steady":
        return (0.0,) * HOURS
    return tuple(background.share * factor for factor in background.profile)
