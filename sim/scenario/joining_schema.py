"""The schema of `joining`: when rooms call, and when they leave."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from sim.scenario.fields import OneLine, PositiveTime, Prose, Share, Time, words
from sim.scenario.mapping import TAG, Fields, given, one_of


def _tag(value: object) -> str:
    return f"{TAG}none" if isinstance(value, str) else f"{TAG}fields"


class ArriveFields(Fields):
    """When rooms call before the start: in a window of one shape, or by shares of your own."""

    model_config = ConfigDict(json_schema_extra=one_of("from", "shares"))

    from_: PositiveTime | None = Field(
        None, alias="from", description="The window opens so long before the start."
    )
    shape: Annotated[str, *words("late", "uniform")] = Field(
        "late",
        description="How the calls spread over the window: late (default), most of them at its "
        "end, half in its last 16 %; or uniform.",
        json_schema_extra={"default": "late"},
    )
    shares: dict[PositiveTime, Share] | None = Field(
        None,
        description="Which share calls from this time before the start to the next one, evenly; "
        "they add up to 100 %.",
    )
    until: Time = Field(
        0,
        description="The window closes so long before the start; default 0 s.",
        json_schema_extra={"default": "0 s"},
    )

    @model_validator(mode="after")
    def _one_window(self) -> ArriveFields:
        if len(given(self, "from_", "shares")) != 1:
            raise ValueError("needs exactly one of 'from' and 'shares'")
        if self.shares is not None and given(self, "shape"):
            raise ValueError("'shares' is a shape of its own; leave 'shape' out")
        return self


class LateFields(Fields):
    """Rooms that call only after the start."""

    share: Share = Field(description="Share of the rooms, each drawn.")
    within: PositiveTime = Field(description="They call so long after the start at most, evenly.")


class LeaveFields(Fields):
    """Rooms that leave before the end."""

    share: Share = Field(description="Share of the rooms, each drawn.")
    after: Time = Field(
        0,
        description="They leave no earlier than so long after the start; default 0 s.",
        json_schema_extra={"default": "0 s"},
    )
    within: PositiveTime | None = Field(
        None, description="And within so much time from then, evenly; default: until the run's end."
    )


Arrive = Annotated[
    Annotated[str, *words("none"), Tag(f"{TAG}none")]
    | Annotated[ArriveFields, Tag(f"{TAG}fields")],
    Discriminator(_tag),
]
Late = Annotated[
    Annotated[str, *words("none"), Tag(f"{TAG}none")] | Annotated[LateFields, Tag(f"{TAG}fields")],
    Discriminator(_tag),
]
Leave = Annotated[
    Annotated[str, *words("none"), Tag(f"{TAG}none")] | Annotated[LeaveFields, Tag(f"{TAG}fields")],
    Discriminator(_tag),
]


class ProfileFields(Fields):
    """How rooms come and go."""

    arrive: Arrive | None = Field(
        None,
        description="When they call before the start; default none: they are there from the "
        "beginning of the run.",
    )
    late: Late | None = Field(
        None, description="Those of them that call only after the start; default none."
    )
    leave: Leave | None = Field(None, description="Those that leave before the end; default none.")


class JoiningFields(ProfileFields):
    """How rooms come and go: of all rooms, of some, and of single ones."""

    start: Time = Field(
        description="When the meeting starts, from the beginning of the run; before it rooms join."
    )
    except_: dict[str, ProfileFields] = Field(
        default_factory=dict,
        alias="except",
        description="Rooms that come or go otherwise, by a selection as in `of` of requirements; "
        "later entries win.",
    )
    file: OneLine | None = Field(
        None,
        description="Rooms of which it is known: a CSV with the columns site, calls and leaves, "
        "in the scenario's folder. Wins over all else.",
    )
    table: Prose | None = Field(None, description="The same CSV as a block of text.")

    @model_validator(mode="after")
    def _one_table(self) -> JoiningFields:
        if len(given(self, "file", "table")) == 2:
            raise ValueError("'file' and 'table' are both the same; give one")
        return self
