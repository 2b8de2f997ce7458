"""The schema of requirements: one limit on a share of the rooms, lines or egresses, or a set."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from sim.scenario.fields import (
    Flag,
    LeastScore,
    MostCount,
    MostShare,
    MostTime,
    OneLine,
    PositiveTime,
    ShareOrAll,
    words,
)
from sim.scenario.mapping import TAG, Fields, given, one_of
from sim.scenario.requirement_model import ANY_RELAY
from sim.scenario.requirement_sets import SETS

LIMITS = (
    "loss",
    "delay_p50",
    "delay_p95",
    "delay_p99",
    "delay_max",
    "jitter",
    "mos",
    "freezes",
    "dark",
    "dark_in_total",
    "recovery",
    "join_time",
    "present_at_start",
    "survives",
)

OF_ALL = Field(
    None,
    description="Which of them: tier/NAME, region/NAME, site/ID (and all below), carrier/NAME, "
    "class/NAME or group/NAME, each optionally followed by ` in SCOPE`, which is region/NAME, "
    "site/ID or tier/NAME; default: all.",
    json_schema_extra={"examples": ["tier/commune", "carrier/viettel in site/79"]},
)


class RoomsFields(Fields):
    """A share of the rooms that must keep one limit."""

    model_config = ConfigDict(
        json_schema_extra=one_of(*LIMITS) | {"dependentRequired": {"in_any": ["loss"]}}
    )

    rooms: ShareOrAll = Field(description="Share of the rooms that must keep the limit, or `all`.")
    of: OneLine | None = OF_ALL
    loss: MostShare | None = Field(None, description="Packets lost of those due.")
    in_any: PositiveTime | None = Field(
        None,
        description="With `loss`: in any span of this length, of the packets decided in it; "
        "default: over the whole meeting.",
    )
    delay_p50: MostTime | None = Field(None, description="Median of the one-way delay.")
    delay_p95: MostTime | None = Field(None, description="95th percentile of the one-way delay.")
    delay_p99: MostTime | None = Field(None, description="99th percentile of the one-way delay.")
    delay_max: MostTime | None = Field(None, description="Largest one-way delay.")
    jitter: MostTime | None = Field(
        None,
        description="Largest interarrival jitter (RFC 3550), at any time, of the room's worst "
        "stream.",
    )
    mos: LeastScore | None = Field(
        None,
        description="Opinion score, 1 to 4.5, of the room's worst voice; needs a `codec` of one.",
    )
    freezes: MostCount | None = Field(
        None, description="How often the room's worst stream froze; needs `playout`."
    )
    dark: MostTime | None = Field(None, description="Time without media, in sum.")
    dark_in_total: MostTime | None = Field(
        None, description="That, summed over the rooms; with `rooms: all`."
    )
    recovery: MostTime | None = Field(
        None, description="Longest time without a picture that had to do with a fault."
    )
    join_time: MostTime | None = Field(
        None,
        description="Time from the first call until the room is let in; needs `joining`.",
    )
    present_at_start: Flag | None = Field(
        None,
        description="`true`: the room is there when the meeting starts; needs `joining`.",
        json_schema_extra={"enum": [True]},
    )
    survives: OneLine | None = Field(
        None,
        description="A tier with relays, or `any relay`: whichever single one of them dies, the "
        "room is fed over another way, by a backup and `failover` or by a `standby`.",
        json_schema_extra={"examples": ["province", ANY_RELAY]},
    )

    @model_validator(mode="after")
    def _one_limit(self) -> RoomsFields:
        if len(given(self, *LIMITS)) != 1:
            *most, last = (f"'{name}'" for name in LIMITS)
            raise ValueError(f"needs exactly one limit: {', '.join(most)} or {last}")
        if self.in_any is not None and self.loss is None:
            raise ValueError(f"'in_any' goes with 'loss', not with '{given(self, *LIMITS)[0]}'")
        if self.dark_in_total is not None and self.rooms < 1:
            raise ValueError("'dark_in_total' is of the rooms together; it needs 'rooms: all'")
        if self.present_at_start is False:
            raise ValueError("'present_at_start' can only be 'true'; leave it out otherwise")
        return self


class LinesLimitFields(Fields):
    """A share of the lines that must keep a limit."""

    lines: ShareOrAll = Field(
        description="Share of the lines that must keep the limit in both directions, or `all`."
    )
    of: OneLine | None = OF_ALL
    utilisation: MostShare = Field(description="Share of the rate in use, over the meeting.")


class EgressesLimitFields(Fields):
    """A share of the egresses that must keep a limit."""

    egresses: ShareOrAll = Field(
        description="Share of the egresses that must keep the limit, or `all`."
    )
    of: OneLine | None = OF_ALL
    utilisation: MostShare = Field(description="Share of the rate in use, over the meeting.")


class UseFields(Fields):
    """A ready-made set of requirements on rooms."""

    use: Annotated[str, *words(*SETS)] = Field(description="The set.")
    rooms: ShareOrAll = Field(
        1.0,
        description="Share of the rooms that must keep each limit; default: all.",
        json_schema_extra={"default": "all"},
    )
    of: OneLine | None = OF_ALL


def _requirement_tag(value: object) -> str | None:
    names = value if isinstance(value, dict) else ()
    if "use" in names:
        return f"{TAG}use"
    found = [name for name in ("rooms", "lines", "egresses") if name in names]
    return TAG + found[0] if len(found) == 1 else None


Requirement = Annotated[
    Annotated[RoomsFields, Tag(f"{TAG}rooms")]
    | Annotated[LinesLimitFields, Tag(f"{TAG}lines")]
    | Annotated[EgressesLimitFields, Tag(f"{TAG}egresses")]
    | Annotated[UseFields, Tag(f"{TAG}use")],
    Discriminator(
        _requirement_tag,
        custom_error_type="subject",
        custom_error_message="needs exactly one of 'rooms', 'lines', 'egresses' and 'use'",
    ),
]
