"""A meeting of sites that send: all that sources look at."""

from __future__ import annotations

from collections.abc import Sequence

from sim.scenario.joining_model import EVERYBODY_IS_THERE
from sim.scenario.model import Relay, Scenario, Stream, Turn
from sim.scenario.signalling_model import AT_ONCE
from sim.scenario.tolerance import DEFAULTS, Check

SITES = ("root", "b", "a", "c")  # in order of their numbers
INDEX = {site: number for number, site in enumerate(SITES)}
TRANSCODING_NS = {"a": 0, "b": 7, "c": 13}

STEADY = Stream(
    id="s",
    direction="down",
    origins=("root",),
    to="",
    composite=False,
    meeting="",
    precedence=0,
    playout_ns=0,
    codec="",
    spread_ns=0,
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


def meeting(streams: Sequence[Stream], *, seed: int, agenda: Sequence[Turn] = ()) -> Scenario:
    """Return a scenario with these streams and no sites, but relays of them that compose."""
    return Scenario(
        name="meeting",
        about="",
        seed=seed,
        duration_ns=10**9,
        window_ns=10**9,
        bin_ns=10**9,
        dark_after_ns=10**9,
        begins_ns=0,
        classes=("all",),
        tiers=("central",),
        sites=(),
        lines=(),
        relays=tuple(
            Relay(
                site=site,
                processing_ns=0,
                egresses=(),
                pool=None,
                full=1.0,
                mode="compose",
                transcoding_ns=transcoding_ns,
                select=0,
                ports=0,
                standby=None,
            )
            for site, transcoding_ns in TRANSCODING_NS.items()
        ),
        streams=tuple(streams),
        agenda=tuple(agenda),
        faults=(),
        late_faults=0,
        joining=EVERYBODY_IS_THERE,
        signalling=AT_ONCE,
        detection=(),
        failover=(),
        key_requests=None,
        check=Check(duration_ns=10**9, timetable="cut", tolerances=tuple(DEFAULTS.items())),
        requirements=(),
    )
