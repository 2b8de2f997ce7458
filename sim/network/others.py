"""What others send through a port, on average."""

from __future__ import annotations

from sim.scenario.model import HOUR_NS, HOURS, Background, Egress


def others_bps(background: Background | None, time_of_day_ns: int) -> float:
    """Return the mean bit rate of others' packets; steady background sends none."""
    if background is None or background.kind == "steady":
        return 0.0
    rate_bps = background.rate_bps * background.profile[time_of_day_ns // HOUR_NS % HOURS]
    if background.kind == "poisson":
        return rate_bps
    return rate_bps * background.burst_ns / (background.burst_ns + background.silence_ns)


def others_share(egress: Egress, time_of_day_ns: int) -> float:
    """Return the share of an egress's rate that others use; 0 where no interface is shared."""
    background = egress.background
    if background is None or not egress.rate_bps:
        return 0.0
    if background.kind == "steady":
        return background.share * background.profile[time_of_day_ns // HOUR_NS % HOURS]
    return others_bps(background, time_of_day_ns) / egress.rate_bps
