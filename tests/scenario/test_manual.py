"""The manual's example is a scenario, and the manual names every field there is."""

from __future__ import annotations

import json
import re

from sim.scenario.loader import load_text
from sim.scenario.requirement_schema import LIMITS
from sim.scenario.requirement_sets import SETS
from sim.scenario.schema import schema_text
from sim.scenario.selections import KINDS
from tests.scenario.files import NOWHERE, ROOT
from tests.scenario.test_schema import faults, fields

MANUAL = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")


WHOLE, JOINING, SIGNALLING, REQUIRED = re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)


def test_the_example_loads_and_fits_the_schema():
    scenario = load_text(WHOLE, NOWHERE)
    assert [site.id for site in scenario.sites if site.room] == ["96", "964", "971"]
    assert faults(WHOLE) == []


def test_the_requirements_say_what_stands_beside_them():
    joining = "joining: {start: 30 s, arrive: {from: 20 s}}\n"
    example = WHOLE[: WHOLE.index("requirements:")] + joining + REQUIRED
    scenario = load_text(example, NOWHERE)
    said = [line.split("# ")[1] for line in REQUIRED.splitlines()[1:]]
    assert [requirement.text for requirement in scenario.requirements] == said
    assert faults(example) == []


def test_joining_and_signalling_fit_the_example():
    example = WHOLE.replace("duration: 60 s", "duration: 60 min") + JOINING + SIGNALLING
    scenario = load_text(example, NOWHERE)
    assert faults(example) == []
    (listed,) = (room for room in scenario.joining.rooms if room.site == "964")
    assert (listed.calls_ns, listed.leaves_ns) == (270 * 10**9, 1200 * 10**9)
    assert {each.name for each in scenario.signalling.sequences} == {"sip", "webrtc", "ours"}


def test_every_limit_has_an_example():
    entries = " ".join(REQUIRED.splitlines())
    shown_in_the_table_only = {"delay_p50", "delay_p95"}
    for limit in {*LIMITS, "in_any"} - shown_in_the_table_only:
        assert f"{limit}: " in entries
    assert all(f" {kind}/" in entries for kind in KINDS)


def test_every_ready_made_set_is_told_as_it_is():
    for name, limits in SETS.items():
        row = next(line for line in MANUAL.splitlines() if line.startswith(f"| `{name}` |"))
        assert row.split(" | ")[1] == "; ".join(f"`{_words(each)}`" for each in limits)


def _words(limits: dict[str, str]) -> str:
    return ", ".join(f"{name}: {limit}" for name, limit in limits.items())


def test_every_field_is_in_the_manual():
    names = {name for name, _ in fields(json.loads(schema_text()))}
    assert "processing" in names
    missing = [name for name in sorted(names) if not re.search(rf"\b{name}\b", MANUAL)]
    assert not missing
