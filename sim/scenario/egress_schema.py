"""The schema of egresses: the interfaces through which relays send their copies down."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from sim.scenario.fields import BufferSize, PacketSize, Rate, Time, Word, words
from sim.scenario.mapping import TAG, Fields, none_or_fields
from sim.scenario.traffic_schema import Load, Scheduling


class CarrierEgress(Fields):
    """The interface towards one carrier; what is not given is as in the relay's shared one."""

    rate: Rate | None = Field(None, description="Sending rate.")
    buffer: BufferSize | None = Field(
        None, description="Memory for bits not yet sent: a size, a time at `rate`, or packets."
    )
    overhead: Time | None = Field(None, description="Time a copy costs beside its bits.")
    mtu: PacketSize | None = Field(None, description="Largest packet, headers included.")
    scheduling: Scheduling | None = Field(
        None,
        description="Which copy is sent next: the first to come (`fifo`, the default), or the "
        "first of the class that goes first (`priority`).",
    )
    background: Load | None = Field(
        None, description="What others send through it; default `none`."
    )


class EgressFields(CarrierEgress):
    """The interface through which a relay sends its copies down."""

    carriers: dict[Word, CarrierEgress] = Field(
        default_factory=dict,
        description="Interfaces of their own for carriers; the base feeds the other lines.",
    )


Egress = Annotated[
    Annotated[str, *words("none"), Tag(f"{TAG}none")]
    | Annotated[EgressFields, Tag(f"{TAG}fields")],
    Discriminator(none_or_fields),
]
