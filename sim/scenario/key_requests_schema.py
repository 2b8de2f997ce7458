"""The schema of `key_requests`: who can show nothing asks for a key frame, and relays merge."""

from __future__ import annotations

from pydantic import Field

from sim.scenario.fields import Flag, PositiveTime
from sim.scenario.mapping import Fields

# mediasoup waits so long before it asks a source again (KeyFrameRetransmissionWaitTime, 1000 ms, in
# RTC/KeyFrameRequestManager.cpp). Others do less: libwebrtc's encoder answers once in 300 ms
# (kMinKeyframeSendIntervalMs), Jitsi's bridge asks once in 100 ms (KeyframeRequester).
MIN_INTERVAL_NS = 10**9


class KeyRequestsFields(Fields):
    """Rooms that have joined and sites that have moved ask for key frames; relays merge that."""

    min_interval: PositiveTime = Field(
        MIN_INTERVAL_NS,
        description="Least time between two requests for one source that a relay passes on; "
        "default 1 s.",
        json_schema_extra={"default": "1 s"},
    )
    after_loss: Flag = Field(
        False,
        description="Whether a room asks, too, at the end of each window in which it has missed "
        "packets of a stream with key frames, or was dark and got some.",
    )
