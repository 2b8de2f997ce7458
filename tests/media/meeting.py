"""A meeting of one site that sends: all that sources look at."""

from __future__ import annotations

from sim.scenario.model import Scenario, Stream

STEADY = Stream(
    id="s",
    origin="root",
    start_ns=0,
    span_ns=10**9,
    frames_per_span=30,
    frame_bytes=8000,
    key_bytes=19250,
    key_every=60,
    size_scale=0.0,
    packet_bytes=1200,
    overhead_bytes=40,
    pace_bps=0,
)


def meeting(streams: list[Stream], *, seed: int) -> Scenario:
    """Return a scenario with these streams and no sites."""
    return Scenario(
        name="meeting",
        about="",
        seed=seed,
        duration_ns=10**9,
        window_ns=10**9,
        bin_ns=10**9,
        dark_after_ns=10**9,
        tiers=("central",),
        sites=(),
        lines=(),
        relays=(),
        streams=tuple(streams),
        faults=(),
        late_faults=0,
        requirements=(),
    )
