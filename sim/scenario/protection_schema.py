"""The schema of protection: how sites notice faults, where they go then, and what stands by."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag, model_validator

from sim.scenario.fields import Multiplier, PositiveTime, Priority, Revert, Time, Word, words
from sim.scenario.mapping import TAG, Fields, given

SEEN = ("bfd", "silence", "rtcp", "consent")


class BfdFields(Fields):
    """Hellos over the line, both ways, between the site and the relay above (RFC 5880)."""

    interval: PositiveTime = Field(
        300 * 10**6,
        description="Time between hellos, of which each is up to a quarter early; default 300 ms "
        "(usual in software; an assumption).",
        json_schema_extra={"default": "300 ms"},
    )
    multiplier: Multiplier = Field(
        3,
        description="So many intervals without a hello, and the line is gone; default 3 (usual; "
        "an assumption).",
        json_schema_extra={"default": 3},
    )


class SilenceFields(Fields):
    """No packet of some streams."""

    after: PositiveTime = Field(description="So long.")
    streams: list[Word] | None = Field(
        None, description="Any packet of these ends it; default: of all that come down."
    )


class RtcpFields(Fields):
    """No packet of the relay, media or RTCP, for several intervals (RFC 3550, 6.3.5)."""

    interval: PositiveTime = Field(
        5 * 10**9,
        description="Interval of RTCP reports, of which each is half as long to half as long "
        "again; default 5 s (RFC 3550, 6.2).",
        json_schema_extra={"default": "5 s"},
    )
    multiplier: Multiplier = Field(
        5,
        description="Intervals without a packet; default 5 (RFC 3550, 6.3.5).",
        json_schema_extra={"default": 5},
    )


class ConsentFields(Fields):
    """No answer to STUN consent checks (RFC 7675)."""

    interval: PositiveTime = Field(
        5 * 10**9,
        description="Time between checks, each × 0.8 to × 1.2; default 5 s (RFC 7675, 5.1).",
        json_schema_extra={"default": "5 s"},
    )
    expiry: PositiveTime = Field(
        30 * 10**9,
        description="So long after the last answer consent is gone; default 30 s (RFC 7675, 5.1).",
        json_schema_extra={"default": "30 s"},
    )

    @model_validator(mode="after")
    def _checked_in_time(self) -> ConsentFields:
        if 5 * self.expiry <= 6 * self.interval:
            raise ValueError("'expiry' must be more than 1.2 times 'interval'")
        return self


def _silence_tag(value: object) -> str:
    return f"{TAG}time" if isinstance(value, str) else f"{TAG}fields"


class DetectionFields(Fields):
    """By what a tier's sites notice that line or relay is gone; of several the first counts."""

    bfd: BfdFields | None = Field(None, description="Hellos; `{}` for the defaults.")
    silence: (
        Annotated[
            Annotated[PositiveTime, Tag(f"{TAG}time")]
            | Annotated[SilenceFields, Tag(f"{TAG}fields")],
            Discriminator(_silence_tag),
        ]
        | None
    ) = Field(
        None,
        description="No packet for so long, such as 2.5 s (libwebrtc's), seen at the end of a "
        "`window`; of sites with a room.",
    )
    rtcp: RtcpFields | None = Field(None, description="RTCP timeouts; `{}` for the defaults.")
    consent: ConsentFields | None = Field(None, description="ICE consent; `{}` for the defaults.")
    late: Time = Field(
        0,
        description="How much later the site learns of it: a monitor that sees late; default 0 s.",
        json_schema_extra={"default": "0 s"},
    )

    @model_validator(mode="after")
    def _by_something(self) -> DetectionFields:
        if not given(self, *SEEN):
            raise ValueError("needs one of 'bfd', 'silence', 'rtcp' and 'consent', or several")
        return self


class FailoverFields(Fields):
    """What a tier's sites do when they have noticed: ask their other lines in order."""

    hold_down: Time = Field(
        0,
        description="How long they wait before they act, in case it comes back; default 0 s.",
        json_schema_extra={"default": "0 s"},
    )
    revert: Revert = Field(
        -1,
        description="When they go back to the primary line: `never` (default), `at once`, or "
        "`after` it has been up for a time.",
        json_schema_extra={"default": "never"},
    )
    retry: PositiveTime = Field(
        10 * 10**9,
        description="How long they wait when no line took them; default 10 s (an assumption).",
        json_schema_extra={"default": "10 s"},
    )


class VrrpFields(Fields):
    """A standby that takes over when the relay's advertisements stop (RFC 5798)."""

    interval: PositiveTime = Field(
        10**9,
        description="Time between advertisements; default 1 s (RFC 5798, 6.1).",
        json_schema_extra={"default": "1 s"},
    )
    priority: Priority = Field(
        100,
        description="Of the standby, 1 to 254: it waits 3 intervals and (256 - priority) / 256 of "
        "one; default 100 (RFC 5798, 6.1).",
        json_schema_extra={"default": 100},
    )


class StandbyFields(Fields):
    """A second machine beside a relay, ready to do its work."""

    vrrp: VrrpFields = Field(description="How it takes over; `{}` for the defaults.")


def _standby_tag(value: object) -> str:
    return f"{TAG}none" if isinstance(value, str) else f"{TAG}fields"


Standby = Annotated[
    Annotated[str, *words("none"), Tag(f"{TAG}none")]
    | Annotated[StandbyFields, Tag(f"{TAG}fields")],
    Discriminator(_standby_tag),
]
