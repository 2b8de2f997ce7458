"""The schema of events: what goes wrong when, and comes back."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from sim.scenario.fields import Factor, OneLine, PositiveTime, Share, Time, Word, words
from sim.scenario.mapping import TAG, Fields, given

ACTIONS = ("fail", "degrade", "flap", "power", "grey", "restore")


class EventFields(Fields):
    """Something that happens at a time."""

    at: Time = Field(description="When, from the start of the meeting.")
    label: OneLine | None = Field(
        None, description="What reports call it; default: the action and the target."
    )


class FailFields(EventFields):
    """Parts go down."""

    fail: OneLine = Field(
        description="line/ID, line/ID/backup-N, relay/ID, room/ID, site/ID, carrier/NAME "
        "[in SCOPE] or group/NAME; a scope is region/NAME, site/ID or tier/NAME."
    )
    for_: PositiveTime | None = Field(
        None, alias="for", description="How long; default: until a `restore` of the same target."
    )


class DegradeFields(EventFields):
    """Parts get worse."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["rate"]}, {"required": ["loss"]}]}
    )

    degrade: OneLine = Field(description="The target, as of `fail`.")
    rate: Factor | None = Field(None, description="Factor on the rates, at most × 1.")
    loss: Share | None = Field(None, description="Further, independent loss on the lines.")
    for_: PositiveTime | None = Field(None, alias="for", description="How long, as of `fail`.")

    @model_validator(mode="after")
    def _does_something(self) -> DegradeFields:
        if not given(self, "rate", "loss"):
            raise ValueError("needs 'rate', 'loss' or both")
        if self.rate is not None and self.rate > 1:
            raise ValueError("'rate' must be at most × 1; a degraded line is not faster")
        return self


class FlapFields(EventFields):
    """Parts go down and come back, again and again."""

    flap: OneLine = Field(description="The target, as of `fail`.")
    down: PositiveTime = Field(description="How long they are down each time; that comes first.")
    up: PositiveTime = Field(description="How long they are up in between.")
    for_: PositiveTime | None = Field(None, alias="for", description="How long, as of `fail`.")


class PowerFields(EventFields):
    """The mains fails at sites; relay and room run on while the battery lasts."""

    power: OneLine = Field(
        description="site/ID, tier/NAME [in SCOPE], region/NAME, or group/NAME of sites."
    )
    battery: Time | None = Field(
        None, description="How long the battery lasts; default: by `batteries`."
    )
    for_: PositiveTime | None = Field(
        None, alias="for", description="How long the mains is off, as of `fail`."
    )


def _passes_tag(value: object) -> str:
    return f"{TAG}none" if isinstance(value, str) else f"{TAG}streams"


class GreyFields(EventFields):
    """Relays answer as if they were well, and forward only some streams."""

    grey: OneLine = Field(description="relay/ID, or group/NAME of relays.")
    passes: Annotated[
        Annotated[str, *words("none"), Tag(f"{TAG}none")]
        | Annotated[list[Word], Tag(f"{TAG}streams")],
        Discriminator(_passes_tag),
    ] = Field(description="The streams that they still forward; `none`: nothing.")
    for_: PositiveTime | None = Field(None, alias="for", description="How long, as of `fail`.")


class RestoreFields(Fields):
    """Parts come back."""

    at: Time = Field(description="When, from the start of the meeting.")
    restore: OneLine = Field(description="The target, in the same words as when it failed.")


def _event_tag(value: object) -> str | None:
    names: Any = value if isinstance(value, dict) else ()
    found = [name for name in ACTIONS if name in names]
    return TAG + found[0] if len(found) == 1 else None


Event = Annotated[
    Annotated[FailFields, Tag(f"{TAG}fail")]
    | Annotated[DegradeFields, Tag(f"{TAG}degrade")]
    | Annotated[FlapFields, Tag(f"{TAG}flap")]
    | Annotated[PowerFields, Tag(f"{TAG}power")]
    | Annotated[GreyFields, Tag(f"{TAG}grey")]
    | Annotated[RestoreFields, Tag(f"{TAG}restore")],
    Discriminator(
        _event_tag,
        custom_error_type="action",
        custom_error_message="needs exactly one of 'fail', 'degrade', 'flap', 'power', 'grey' and "
        "'restore'",
    ),
]
