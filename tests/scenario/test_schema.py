"""The JSON Schema: what editors check is what the loader accepts."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from sim.scenario.schema import schema_text
from tests.scenario.files import SHIPPED, edited
from tests.scenario.test_invalid import FOLDER
from tests.scenario.test_resolved import EDITS, EVERYTHING

SCHEMA = json.loads(schema_text())
# Faults of references, sums or tables are beyond a schema; these are not.
SEEN_BY_EDITORS = [
    "line_unknown_field",
    "top_unknown_field",
    "name_missing",
    "name_capitals",
    "name_number",
    "seed_negative",
    "seed_text",
    "duration_bare",
    "duration_unit",
    "duration_empty",
    "duration_list",
    "sites_no_source",
    "sites_two_sources",
    "egress_word",
    "line_rate_is_size",
    "line_rate_bytes",
    "line_buffer_bare",
    "line_loss_bare",
    "line_loss_words",
    "policer_no_burst",
    "policer_rate_is_size",
    "policer_unknown_field",
    "policer_word",
    "share_missing",
    "stream_no_size",
    "stream_two_sizes",
    "stream_key_every_missing",
    "stream_frames_bare",
    "stream_sizes",
    "stream_name",
    "scheduling_word",
    "background_nothing",
    "background_two",
    "background_word",
    "background_no_packet",
    "background_no_off",
    "background_egress_ways",
    "background_share_is_number",
    "profile_half_hour",
    "profile_no_factor",
    "begins_time",
    "begins_hour",
    "agenda_unknown_field",
    "agenda_mapping",
    "requirement_freezes_time",
    "requirement_jitter_share",
    "event_no_action",
    "event_two_actions",
    "event_unknown_field",
    "event_degrade_nothing",
    "event_degrade_rate",
    "groups_list",
    "requirement_below",
    "requirement_no_limit",
    "requirement_two_limits",
    "requirement_unit",
    "requirement_unknown",
    "requirement_all_words",
    "requirement_at_least",
    "requirement_in_any_bare",
    "requirement_in_any_jitter",
    "requirement_mos_at_most",
    "requirement_mos_share",
    "requirement_use_limit",
    "requirement_use_unknown",
    "joining_no_start",
    "joining_start_bare",
    "joining_shape",
    "joining_from_and_shares",
    "joining_no_window",
    "joining_arrive_word",
    "joining_late_bare",
    "joining_late_no_within",
    "joining_unknown_field",
    "signalling_no_rate",
    "signalling_rate_unit",
    "signalling_rate_bare",
    "signalling_workers",
    "signalling_queue",
    "signalling_full",
    "signalling_service",
    "signalling_joins",
    "signalling_step_trips",
    "signalling_step_resend",
    "signalling_step_unknown_field",
    "signalling_tries",
    "check_timetable",
    "check_tolerance_bare",
    "check_tolerance_unit",
    "check_tolerance_words",
    "check_tolerance_count",
    "check_tolerance_unknown",
    "check_unknown_field",
    "check_word",
]


def faults(text: str) -> list[str]:
    data = YAML(typ="safe", pure=True).load(text)
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(data)]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def fields(schema: dict):
    for definition in [schema, *schema["$defs"].values()]:
        yield from definition.get("properties", {}).items()


def test_every_field_is_described():
    bare = [name for name, field in fields(SCHEMA) if "description" not in field]
    assert not bare


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_fit_the_schema(path):
    assert faults(path.read_text(encoding="utf-8")) == []


def test_everything_the_grammar_has_fits_the_schema():
    assert faults(edited(*EDITS, append=EVERYTHING)) == []


@pytest.mark.parametrize("name", SEEN_BY_EDITORS)
def test_faults_are_seen_while_typing(name):
    assert faults((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
