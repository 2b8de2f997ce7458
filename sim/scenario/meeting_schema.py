"""The schema of the meeting: streams and agenda."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from sim.quality.codecs import CODECS
from sim.quality.video import VIDEO_CODECS
from sim.scenario.fields import (
    Flag,
    FrameRate,
    FrameSizes,
    KeyInterval,
    KeySize,
    Pacing,
    PacketSize,
    PositiveSize,
    PositiveTime,
    Rate,
    Size,
    Time,
    Word,
    words,
)
from sim.scenario.mapping import Fields, given, one_of


class KeyFields(Fields):
    """Key frames."""

    every: KeyInterval = Field(description="From one key frame to the next: a time, or frames.")
    size: KeySize = Field(
        description="Media bytes of a key frame, or × times the mean frame (needs `rate`)."
    )


class StreamFields(Fields):
    """Media that one or many sites send, down to rooms or up to a relay."""

    model_config = ConfigDict(json_schema_extra=one_of("rate", "frame"))

    origin: Word | None = Field(
        None,
        alias="from",
        description="Who sends it: `rooms`, a tier, a site, or `speaker`, who has the floor by "
        "the agenda; default: the root.",
    )
    to: Word = Field(
        "rooms",
        description="Down to the `rooms` below, which is the default, or up: to the `parent`, or "
        "to a tier.",
    )
    composite: Flag = Field(
        False,
        description="`true`: composing relays send it up, of what they end; all its origins must "
        "be such. Default `false`.",
        json_schema_extra={"default": False},
    )
    class_: Word | None = Field(
        None, alias="class", description="One of `classes`; default: the last."
    )
    meeting: Word | None = Field(
        None, description="Another meeting on the same lines; default: the one rehearsed."
    )
    playout: PositiveTime | None = Field(
        None,
        description="Longest time between packets that does not freeze it; default: freezes are "
        "not counted. At least the time from frame to frame.",
    )
    codec: Annotated[str, *words(*CODECS, *VIDEO_CODECS)] | None = Field(
        None,
        description="What it is coded with: how good it is in each room is then rated, a voice "
        "by the E-model, a video by an indicator; default: not rated.",
    )
    spread: Time | None = Field(
        None,
        description="Sources start up to this much later, drawn for each; default: 0 s of one "
        "source, of several the time from one key frame, else frame, to the next.",
    )
    rate: Rate | None = Field(None, description="Mean rate of media bits, without overhead.")
    frame: PositiveSize | None = Field(None, description="Media bytes of an ordinary frame.")
    frames: FrameRate | None = Field(None, description="Frames per second, or `2997 in 100 s`.")
    every: PositiveTime | None = Field(None, description="Time from one frame to the next.")
    key: KeyFields | None = Field(None, description="Key frames; without: none.")
    sizes: FrameSizes = Field(
        0.0,
        description="How frame sizes vary: constant (default), rfc8593 (Laplace of scale 0.15 "
        "relative to the mean) or laplace with a scale of yours.",
        json_schema_extra={"default": "constant"},
    )
    packet: PacketSize = Field(
        1200,
        description="Most media bytes in a packet; default 1200 B.",
        json_schema_extra={"default": "1200 B"},
    )
    overhead: Size = Field(
        40,
        description="Headers of each packet; default 40 B (IPv4 20, UDP 8, RTP 12).",
        json_schema_extra={"default": "40 B"},
    )
    pacing: Pacing | None = Field(
        None,
        description="How a frame's packets leave: none (default; one burst), a rate, or × times "
        "the stream's mean rate with overhead.",
    )
    start: Time = Field(
        0,
        description="When the first frame is due; default 0 s.",
        json_schema_extra={"default": "0 s"},
    )

    @model_validator(mode="after")
    def _one_size_one_pace(self) -> StreamFields:
        if len(given(self, "rate", "frame")) != 1:
            raise ValueError("needs exactly one of 'rate' and 'frame'")
        if len(given(self, "frames", "every")) == 2:
            raise ValueError("'frames' and 'every' both say how often; give one")
        if not given(self, "frames", "every"):
            if self.frame is not None:
                raise ValueError("'frame' needs 'frames' or 'every', to say how often")
            bad = given(self, "key", "sizes", "pacing")
            if bad:
                raise ValueError(
                    f"'{bad[0]}' needs 'frames' or 'every'; without, the stream is one packet "
                    "at a time"
                )
        return self


class TurnFields(Fields):
    """A turn of the agenda."""

    at: Time = Field(description="When it begins, from the start of the meeting.")
    floor: Word = Field(description="Id of the site that has the floor.")
    for_: PositiveTime | None = Field(
        None, alias="for", description="How long; default: until the next turn, or the end."
    )
