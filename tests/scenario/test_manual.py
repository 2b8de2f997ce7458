"""The manual's example is a scenario, and the manual names every field there is."""

from __future__ import annotations

import json
import re

from sim.scenario.loader import load_text
from sim.scenario.schema import schema_text
from tests.scenario.files import NOWHERE, ROOT
from tests.scenario.test_schema import faults, fields

MANUAL = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")


def test_the_example_loads_and_fits_the_schema():
    (example,) = re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)
    scenario = load_text(example, NOWHERE)
    assert [site.id for site in scenario.sites if site.room] == ["96", "964", "971"]
    assert faults(example) == []


def test_every_field_is_in_the_manual():
    names = {name for name, _ in fields(json.loads(schema_text()))}
    assert "processing" in names
    missing = [name for name in sorted(names) if not re.search(rf"\b{name}\b", MANUAL)]
    assert not missing
