"""The scenario file's schema: every field with its meaning, for loading and for editors.

The same models read a file and give the JSON Schema.
"""

from __future__ import annotations

import json

from pydantic import Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from sim.scenario.check_schema import CheckFields
from sim.scenario.event_schema import Event
from sim.scenario.failure_schema import FailuresFields
from sim.scenario.fields import (
    Factor,
    HourSpan,
    Name,
    OneLine,
    PacketSize,
    PositiveTime,
    Prose,
    Seed,
    Time,
    TimeOfDay,
    Word,
)
from sim.scenario.joining_schema import JoiningFields
from sim.scenario.key_requests_schema import KeyRequestsFields
from sim.scenario.mapping import Fields
from sim.scenario.meeting_schema import StreamFields, TurnFields
from sim.scenario.network_schema import LinesFields, RelaysFields, SitesFields
from sim.scenario.protection_schema import DetectionFields, FailoverFields
from sim.scenario.requirement_schema import Requirement
from sim.scenario.signalling_schema import SignallingFields


class ScenarioFile(Fields):
    """One meeting over a tree of relays, to be rehearsed packet by packet."""

    name: Name = Field(description="Short name, a-z 0-9 -; also the results folder's.")
    about: Prose = Field("", description="What this scenario is, for people.")
    seed: Seed = Field(description="Root of every draw of chance; any whole number.")
    duration: PositiveTime = Field(description="How long the meeting lasts.")
    window: PositiveTime = Field(
        10**9,
        description="Span after which measurements reach the control plane; default 1 s.",
        json_schema_extra={"default": "1 s"},
    )
    bin: PositiveTime = Field(
        10**9,
        description="Width of a bin of the timeline; default 1 s.",
        json_schema_extra={"default": "1 s"},
    )
    dark_after: PositiveTime = Field(
        10**9,
        description="A room without a packet for longer than this is dark; default 1 s.",
        json_schema_extra={"default": "1 s"},
    )
    mtu: PacketSize = Field(
        1500,
        description="Largest packet of lines and egresses, headers included; default 1500 B.",
        json_schema_extra={"default": "1500 B"},
    )
    begins: TimeOfDay | None = Field(
        None, description="Time of day at which the meeting begins; needed where a profile is used."
    )
    classes: list[Word] = Field(
        ["all"],
        description="Classes of traffic, the one that goes first at the front; default: one, all.",
        json_schema_extra={"default": ["all"]},
    )
    profiles: dict[Word, dict[HourSpan, Factor]] = Field(
        default_factory=dict,
        description="How background follows the day: a factor for spans of hours such as "
        "08:00-12:00; other hours × 1.",
    )
    sites: SitesFields = Field(description="The sites of the tree, and which take part.")
    relays: RelaysFields = Field(description="What sites with children run, by tier.")
    lines: LinesFields = Field(description="The line of each site to its parent, by tier.")
    streams: dict[Word, StreamFields] = Field(description="What is sent, by name.")
    agenda: list[TurnFields] | None = Field(
        None, description="Who has the floor and when; streams `from: speaker` follow it."
    )
    joining: JoiningFields | None = Field(
        None,
        description="When rooms come and go; default: all are there from beginning to end.",
    )
    signalling: SignallingFields | None = Field(
        None, description="How sites ask to be let in; default: at once, without a question."
    )
    key_requests: KeyRequestsFields | None = Field(
        None,
        description="How rooms that have joined and sites that have moved ask for key frames; "
        "default: they wait for the next.",
    )
    groups: dict[Word, list[OneLine]] = Field(
        default_factory=dict,
        description="Targets that fail together, such as all lines of a duct, or sites that "
        "requirements are about.",
    )
    events: list[Event] = Field(default_factory=list, description="Scheduled faults and repairs.")
    batteries: dict[OneLine, Time] = Field(
        default_factory=dict,
        description="How long relay and room run on where the mains fails (`power`), by site id or "
        "tier/NAME, each optionally ' in SCOPE'; later entries win; default 0 s.",
    )
    failures: FailuresFields | None = Field(
        None, description="What fails at random, and how long a repair takes; default: nothing."
    )
    detection: dict[Word, DetectionFields] = Field(
        default_factory=dict,
        description="How the sites of a tier notice that their line or the relay above is gone.",
    )
    failover: dict[Word, FailoverFields] = Field(
        default_factory=dict,
        description="What the sites of a tier do when they have noticed; default: nothing.",
    )
    requirements: list[Requirement] = Field(
        default_factory=list, description="What the meeting must meet."
    )
    check: CheckFields | None = Field(
        None, description="How `check` runs this scenario against its baseline."
    )


class _EditorSchema(GenerateJsonSchema):
    """JSON Schema without the null of fields that may be left out: a file cannot write it."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        rule: JsonSchemaValue = {"type": "object"}
        if "values_schema" in schema:
            rule["additionalProperties"] = self.generate_inner(schema["values_schema"])
        if "keys_schema" in schema:
            rule["propertyNames"] = self.generate_inner(schema["keys_schema"])
        return rule

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schema_text() -> str:
    """Return the JSON Schema (draft 2020-12) of a scenario file, indented, with a final newline."""
    schema = ScenarioFile.model_json_schema(schema_generator=_EditorSchema, mode="validation")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of a meeting over a relay tree",
    } | {key: value for key, value in schema.items() if key != "title"}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
