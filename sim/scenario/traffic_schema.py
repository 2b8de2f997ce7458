"""The schema of traffic that is not the meeting's: on a line or an egress, by the hour."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from sim.scenario.fields import PacketSize, PositiveTime, Rate, Share, Word, words
from sim.scenario.mapping import TAG, Fields

KINDS = ("steady", "poisson", "bursts")


class LoadFields(Fields):
    """What every background has."""

    class_: Word | None = Field(
        None, alias="class", description="Its class; default: the last of `classes`."
    )
    profile: Word | None = Field(
        None, description="How it follows the hours of the day, one of `profiles`; default: not."
    )


class SteadyFields(LoadFields):
    """A share of the rate that others use all the time."""

    steady: Share = Field(description="Share of the rate; some must be left.")


class PoissonFields(LoadFields):
    """Packets of others at random times: exponential gaps."""

    poisson: Rate = Field(description="Mean rate of the packets.")
    packet: PacketSize = Field(description="Size of each, headers included.")


class BurstsFields(LoadFields):
    """Bursts of others' packets, and silence between them, both of exponential length."""

    bursts: Rate = Field(description="Rate within a burst.")
    on: PositiveTime = Field(description="Mean length of a burst.")
    off: PositiveTime = Field(description="Mean length of the silence before and between bursts.")
    packet: PacketSize = Field(description="Size of each packet, headers included.")


def _found(value: object, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in value] if isinstance(value, dict) else []


def _load_tag(value: object) -> str | None:
    if isinstance(value, str):
        return f"{TAG}none"
    found = _found(value, KINDS)
    return TAG + found[0] if len(found) == 1 else None


def _line_load_tag(value: object) -> str | None:
    ways = _found(value, ("down", "up"))
    return f"{TAG}ways" if ways and not _found(value, KINDS) else _load_tag(value)


Load = Annotated[
    Annotated[str, *words("none"), Tag(f"{TAG}none")]
    | Annotated[SteadyFields, Tag(f"{TAG}steady")]
    | Annotated[PoissonFields, Tag(f"{TAG}poisson")]
    | Annotated[BurstsFields, Tag(f"{TAG}bursts")],
    Discriminator(
        _load_tag,
        custom_error_type="load",
        custom_error_message="needs exactly one of 'steady', 'poisson' and 'bursts', or is 'none'",
    ),
]


class WaysFields(Fields):
    """Background that differs by direction; one that is not given has none."""

    down: Load | None = Field(None, description="From the parent to the site.")
    up: Load | None = Field(None, description="From the site to the parent.")


LineLoad = Annotated[
    Annotated[str, *words("none"), Tag(f"{TAG}none")]
    | Annotated[SteadyFields, Tag(f"{TAG}steady")]
    | Annotated[PoissonFields, Tag(f"{TAG}poisson")]
    | Annotated[BurstsFields, Tag(f"{TAG}bursts")]
    | Annotated[WaysFields, Tag(f"{TAG}ways")],
    Discriminator(
        _line_load_tag,
        custom_error_type="load",
        custom_error_message="needs exactly one of 'steady', 'poisson' and 'bursts', or 'down' "
        "and 'up', or is 'none'",
    ),
]
Scheduling = Annotated[str, *words("fifo", "priority")]
