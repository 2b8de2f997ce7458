"""The schema of the network: sites, relays and lines.

Line and egress fields are optional here: an exception or an inventory may give them, and what is
still missing then is a problem of the resolution.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from sim.scenario.egress_schema import Egress
from sim.scenario.fields import (
    BufferSize,
    BurstSize,
    Count,
    Limit,
    LossProcess,
    OneLine,
    PacketSize,
    PlainFactor,
    Prose,
    Rate,
    Share,
    ShareOrNone,
    SiteCount,
    Time,
    TimePerKm,
    Word,
    words,
)
from sim.scenario.mapping import TAG, Fields, given, none_or_fields, one_of
from sim.scenario.pool_schema import ServersFields
from sim.scenario.protection_schema import Standby
from sim.scenario.traffic_schema import LineLoad, Scheduling


class InlineTable(Fields):
    """A table in the scenario file itself."""

    table: Prose = Field(description="The CSV as a block of text; its first line names columns.")


class SitesFields(Fields):
    """Where the sites come from."""

    model_config = ConfigDict(json_schema_extra=one_of("file", "table", "generate"))

    tiers: list[Word] = Field(description="Names of the tiers from the root down.")
    file: OneLine | None = Field(
        None,
        description="CSV in the scenario's folder, a row per site: id, tier, parent, name, lat, "
        "lon, region.",
    )
    table: Prose | None = Field(None, description="The same CSV as a block of text.")
    generate: dict[Word, SiteCount] | None = Field(
        None,
        description="Sites per tier below the root: a total, or '9 each' for nine per parent.",
    )
    only: list[Word] | None = Field(
        None, description="Keep these sites, all above them and all below them."
    )
    count: dict[Word, Count] | None = Field(
        None,
        description="How many sites of the last tier take part, drawn by the seed, the agenda's "
        "before others; beyond those listed, second sites are added at drawn existing ones, at "
        "most twice as many.",
    )
    rooms: list[Word] = Field(
        default_factory=list,
        description="Tiers whose relay sites have a room too. Sites without children always do.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> SitesFields:
        if len(given(self, "file", "table", "generate")) != 1:
            raise ValueError("needs exactly one of 'file', 'table' and 'generate'")
        return self


Mode = Annotated[str, *words("forward", "compose")]


class RelayFields(Fields):
    """What the relays of a tier, or some of them, are and do with what comes up to them."""

    processing: Time | None = Field(
        None, description="Time from a packet's arrival to its copies' entry into the egress."
    )
    egress: Egress | None = Field(
        None, description="The shared interface; `none`: copies enter their lines at once."
    )
    servers: ServersFields | None = Field(
        None, description="Instead of an egress: servers that share the lines."
    )
    full: ShareOrNone | None = Field(
        None,
        description="Share of the time of an egress, or of a server, that it does not exceed by "
        "taking another line, by the mean rates of the streams; default 100 %.",
    )
    mode: Mode | None = Field(
        None,
        description="`forward` (default) passes on what goes further up; `compose` ends it, for "
        "composite streams to go up instead. The floor always passes.",
    )
    transcoding: Time | None = Field(
        None,
        description="How much later than due a composing relay sends its composites; default 0 s.",
    )
    select: Limit | None = Field(
        None,
        description="Of how many origins below it passes on the streams up: the last that had the "
        "floor, then the first by id; default `none`: of all.",
    )
    ports: Limit | None = Field(
        None,
        description="How many sources, a stream of an origin each, may come up to it; default "
        "`none`: any number.",
    )
    standby: Standby | None = Field(
        None, description="A machine that takes over where the relay dies; default `none`."
    )

    @model_validator(mode="after")
    def _one_way_out(self) -> RelayFields:
        if given(self, "egress") and given(self, "servers"):
            raise ValueError(
                "'servers' send the copies instead of an 'egress'; give one of the two"
            )
        return self


class RelaysFields(Fields):
    """One entry per tier that has sites with children, and exceptions."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, RelayFields] = Field(init=False)

    except_: dict[str, RelayFields] = Field(
        default_factory=dict,
        alias="except",
        description="By site id or tier/NAME, each optionally ' in SCOPE'; later entries win.",
    )


class RouteFields(Fields):
    """Propagation from geography: great-circle distance × factor × per_km."""

    factor: PlainFactor = Field(description="Length of a route over the great-circle distance.")
    per_km: TimePerKm = Field(description="Propagation time per km of route, such as 4.9 us.")


class PolicerFields(Fields):
    """A token bucket before the queue: what does not find its tokens is lost."""

    rate: Rate = Field(description="Rate at which tokens come.")
    burst: BurstSize = Field(
        description="Most tokens the bucket holds; it starts full. At least the largest packet."
    )


Policer = Annotated[
    Annotated[str, *words("none"), Tag(f"{TAG}none")]
    | Annotated[PolicerFields, Tag(f"{TAG}fields")],
    Discriminator(none_or_fields),
]


class LinkFields(Fields):
    """What a line is, primary or backup, but for its ends."""

    carrier: Word | None = Field(None, description="Who runs the line.")
    rate: Rate | None = Field(None, description="Rate of both directions.")
    down: Rate | None = Field(None, description="Rate from the parent to the site.")
    up: Rate | None = Field(None, description="Rate from the site to the parent.")
    buffer: BufferSize | None = Field(
        None,
        description="Memory of each direction for bits not yet sent, the packet being sent "
        "included: a size, a time at the direction's rate, or packets of one mtu.",
    )
    policer: Policer | None = Field(
        None,
        description="What the carrier lets in, each direction: packets above it are lost before "
        "the queue. Default `none`.",
    )
    loss: LossProcess | None = Field(
        None, description="Packets lost on the line, each direction; default 0 %."
    )
    delay: Time | None = Field(
        None, description="Propagation time one way; default: by `route` from the positions."
    )
    mtu: PacketSize | None = Field(
        None, description="Largest packet, headers included; default: the scenario's."
    )
    scheduling: Scheduling | None = Field(
        None,
        description="Which packet is sent next, each direction: the first to come (`fifo`, the "
        "default), or the first of the class that goes first (`priority`).",
    )
    background: LineLoad | None = Field(
        None,
        description="What others send on it, each direction or `down` and `up`; default `none`.",
    )

    @model_validator(mode="after")
    def _one_rate(self) -> Self:
        if given(self, "rate") and given(self, "down", "up"):
            raise ValueError("'rate' is both directions; give either it or 'down' and 'up'")
        return self


class BackupFields(LinkFields):
    """A line that waits for a failover; what is not given is as the tier has it."""

    to: Word | None = Field(
        None,
        description="Where it goes: a site above, `nearest` (the nearest other relay of the "
        "parent's tier, by the positions), or a tier (the site of that tier above); default: the "
        "site's parent.",
    )


def _backup_tag(value: object) -> str:
    if isinstance(value, list):
        return f"{TAG}list"
    return none_or_fields(value)


Backup = Annotated[
    Annotated[str, *words("none"), Tag(f"{TAG}none")]
    | Annotated[BackupFields, Tag(f"{TAG}fields")]
    | Annotated[list[BackupFields], Tag(f"{TAG}list")],
    Discriminator(_backup_tag),
]


class LineFields(LinkFields):
    """A line from a site to its parent."""

    backup: Backup | None = Field(
        None,
        description="Lines that wait for a failover, one or a list in the order in which they are "
        "asked; `none` takes away what the tier or class gives. Default `none`.",
    )


class ClassFields(LineFields):
    """One access class: what a share of the tier's sites have."""

    share: Share = Field(description="Share of the sites; a tier's shares add up to 100 %.")


class TierLineFields(LineFields):
    """The lines of a tier's sites; fields beside `classes` hold for all classes."""

    classes: dict[Word, ClassFields] | None = Field(
        None, description="Access classes; each site draws one by the seed."
    )


def _inventory_tag(value: object) -> str:
    return f"{TAG}file" if isinstance(value, str) else f"{TAG}table"


class LinesFields(Fields):
    """The line of each site to its parent: one entry per tier but the root, and exceptions."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, TierLineFields] = Field(init=False)

    route: RouteFields | None = Field(
        None, description="How far cables go; needed where a line gives no `delay`."
    )
    inventory: (
        Annotated[
            Annotated[OneLine, Tag(f"{TAG}file")] | Annotated[InlineTable, Tag(f"{TAG}table")],
            Discriminator(_inventory_tag),
        ]
        | None
    ) = Field(
        None,
        description="What the carriers really have, a row per line: a CSV file in the scenario's "
        "folder, or a table. Wins over tiers and classes.",
    )
    except_: dict[str, LineFields] = Field(
        default_factory=dict,
        alias="except",
        description="By site id, tier/NAME, carrier/NAME or class/NAME, each optionally "
        "' in SCOPE'; concerns primary lines, wins over all, later entries win.",
    )
