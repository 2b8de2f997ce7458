"""Load reports: what is known of the servers of a pool, which is what they said last.

A server reports at instants of its own, `report_ns` apart from a drawn phase on, since long before
the meeting. A report says what the load was just before it, and is known from `report_delay_ns`
later on. At one instant reports come before placements.

Nothing ticks: what a report said is looked up in the dated history when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left

from sim import rng

BEGINNING_NS = -(2**62)  # what holds when the run begins has held since long before


def phase_ns(seed: int, site: str, server: str, report_ns: int) -> int:
    """Return when a server first reports at or after instant 0: even in [0, report_ns)."""
    u = rng.uniform(rng.key(seed, f"server/{site}/{server}", "report phase"), 0)
    return min(int(u * report_ns), report_ns - 1)


class Reports:
    """The reports of one server."""

    def __init__(self, *, phase_ns: int, report_ns: int, delay_ns: int, load: float) -> None:
        """Begin with the load that the server has when the run begins."""
        self._phase_ns = phase_ns
        self._report_ns = report_ns
        self._delay_ns = delay_ns
        self._dates_ns = [BEGINNING_NS]
        self._loads = [load]

    def note(self, now_ns: int, load: float) -> None:
        """Let the load be another from `now_ns` on, which is not before the last change."""
        self._dates_ns.append(now_ns)
        self._loads.append(load)

    def known(self, now_ns: int) -> float:
        """Return the load of the last report that is known at `now_ns`."""
        return self._loads[bisect_left(self._dates_ns, self.last_ns(now_ns)) - 1]

    def last_ns(self, now_ns: int) -> int:
        """Return when the report was made that is the last known at `now_ns`."""
        since = now_ns - self._delay_ns - self._phase_ns
        return self._phase_ns + since // self._report_ns * self._report_ns

    def history(self) -> list[tuple[int, float]]:
        """Return the true load from each date on, the first since before the run."""
        return list(zip(self._dates_ns, self._loads, strict=True))
