"""The schema of `signalling`: servers, sequences of steps, timers and back-off."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import Field

from sim.scenario.fields import (
    Count,
    Flag,
    HowOften,
    HowOftenAtMost,
    Limit,
    PositiveTime,
    QueueLength,
    Share,
    Time,
    Trips,
    Word,
    words,
)
from sim.scenario.mapping import Fields
from sim.scenario.signalling_model import Full, Resend, Service


def _default(value: Any) -> dict[str, Any]:
    return {"default": value}


class ServerFields(Fields):
    """The signalling server at each relay site of a tier."""

    rate: HowOften = Field(description="Requests that a worker serves, on average.")
    service: Annotated[Service, *words(*get_args(Service))] = Field(
        "fixed",
        description="Whether each request takes a worker the same time, or an exponential one of "
        "that mean; default fixed.",
        json_schema_extra=_default("fixed"),
    )
    workers: Count = Field(
        1, description="Requests served at one time; default 1.", json_schema_extra=_default(1)
    )
    queue: QueueLength = Field(
        -1,
        description="Most requests that wait beside those being served; default none: no limit.",
        json_schema_extra=_default("none"),
    )
    full: Annotated[Full, *words(*get_args(Full))] = Field(
        "refuse",
        description="What becomes of a request that finds the queue full: refused at once "
        "(default), or dropped without an answer.",
        json_schema_extra=_default("refuse"),
    )
    joins: HowOftenAtMost | None = Field(
        None,
        description="Calls that each server admits in any span of that length, at most; others "
        "are refused. Default none: no limit.",
        json_schema_extra=_default("none"),
    )


class StepFields(Fields):
    """Round trips between a site and a server, or the relay above."""

    step: Word = Field(description="What it is called.")
    to: Word = Field(
        "server",
        description="Whom it asks: `server`, the nearest on the way up (default); a tier, the "
        "first server of it or of a higher one; or `parent`, the relay at the line's upper end.",
        json_schema_extra=_default("server"),
    )
    trips: Trips = Field(
        2,
        description="Round trips, each a request of its own; 1.5 ends with a message that has no "
        "answer. Default 1.",
        json_schema_extra=_default(1),
    )
    queue: Flag | None = Field(
        None,
        description="Whether its requests take a worker of the server; default true, of `to: "
        "parent` false.",
    )
    resend: Annotated[Resend, *words(*get_args(Resend))] = Field(
        "request",
        description="When a request without an answer is sent again: by RFC 3261's Timer E "
        "(request, default) or A (invite), as in DTLS (dtls), or never, over TCP (none).",
        json_schema_extra=_default("request"),
    )
    prepare: Time = Field(
        0,
        description="Time the site takes before the first request; default 0 s.",
        json_schema_extra=_default("0 s"),
    )
    processing: Time = Field(
        0,
        description="Time the other end takes for each round trip, beside queue and service; "
        "default 0 s.",
        json_schema_extra=_default("0 s"),
    )


class TimersFields(Fields):
    """Timers of RFC 3261; a request without an answer has failed after 64 × `t1`."""

    t1: PositiveTime = Field(
        500_000_000,
        description="T1, the first pause before a request is sent again; default 500 ms.",
        json_schema_extra=_default("500 ms"),
    )
    t2: PositiveTime = Field(
        4_000_000_000,
        description="T2, the longest such pause but of an INVITE; default 4 s.",
        json_schema_extra=_default("4 s"),
    )


class RetryFields(Fields):
    """When a site calls again after a call that was refused or had no answer."""

    first: PositiveTime = Field(
        2_000_000_000,
        description="Pause after the first call; each is twice the one before. Default 2 s.",
        json_schema_extra=_default("2 s"),
    )
    most: PositiveTime = Field(
        60_000_000_000,
        description="Longest pause; default 60 s.",
        json_schema_extra=_default("60 s"),
    )
    jitter: Share = Field(
        0.5,
        description="A pause is shorter by a share drawn between 0 and this; default 50 %.",
        json_schema_extra=_default("50 %"),
    )
    tries: Limit = Field(
        0,
        description="Calls in all before the site gives up; default none: until the run's end.",
        json_schema_extra=_default("none"),
    )


class SignallingFields(Fields):
    """How sites ask to be let in: when they join, and when they fail over."""

    servers: dict[Word, ServerFields] = Field(
        default_factory=dict, description="Signalling servers, one at each relay site of a tier."
    )
    sequence: Word = Field(
        "sip",
        description="The steps of a call: sip (default), webrtc, none, or one of `sequences`.",
        json_schema_extra=_default("sip"),
    )
    except_: dict[str, Word] = Field(
        default_factory=dict,
        alias="except",
        description="Sites with another sequence: its name, by a selection as in `of` of "
        "requirements; later entries win.",
    )
    sequences: dict[Word, list[StepFields]] = Field(
        default_factory=dict,
        description="Sequences of your own; one called sip or webrtc takes that one's place.",
    )
    timers: TimersFields | None = Field(None, description="When requests are sent again.")
    retry: RetryFields | None = Field(None, description="When sites call again.")
