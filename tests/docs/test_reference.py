"""The reference page is the schema's: every field is there, and every link leads to a section."""

from __future__ import annotations

import json
import re

import pytest

from sim.scenario.reference import kinds_of, reference_text
from sim.scenario.schema import schema_text
from tests.docs.session import ROOT

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
SCHEMA = json.loads(schema_text())


def sections() -> dict[str, list[str]]:
    """Return the rows of each section by its heading."""
    heads = re.split(r"^## (.*)$", PAGE, flags=re.MULTILINE)[1:]
    return {
        heading: [line for line in body.splitlines() if line.startswith("| ")][1:]
        for heading, body in zip(heads[::2], heads[1::2], strict=True)
    }


def test_the_page_is_up_to_date() -> None:
    """If not: python -m sim schema --markdown > docs/reference.md."""
    assert reference_text() == PAGE


def test_every_mapping_has_a_section_with_all_its_fields() -> None:
    _, *found = ([row.split(" | ")[0].strip("| `") for row in rows] for rows in sections().values())
    mappings = [SCHEMA, *SCHEMA["$defs"].values()]
    expected = [
        [*rule["properties"], *(["a name"] if rule["additionalProperties"] else [])]
        for rule in mappings
    ]
    assert sorted(found) == sorted(expected)


def test_what_is_needed_is_said() -> None:
    needed = [name for name in SCHEMA["properties"] if name in SCHEMA["required"]]
    said = [row.split("`")[1] for row in sections()["The file"] if "| needed |" in row]
    assert said == needed


def test_every_link_leads_to_a_section() -> None:
    # As GitHub makes them: lower case, marks left out, blanks as hyphens.
    anchors = {re.sub(r"[^a-z0-9_ -]", "", head.lower()).replace(" ", "-") for head in sections()}
    links = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert len(links) > 20
    assert links <= anchors


def test_a_row_has_four_cells() -> None:
    for heading, rows in sections().items():
        columns = 3 if heading == "Kinds of value" else 4
        for row in rows:
            assert len(re.findall(r"(?<!\\)\|", row)) == columns + 1, row


def test_a_pattern_of_no_kind_is_an_error() -> None:
    assert [kind.name for kind in kinds_of(r"^([0-9]+ ?packets)$")] == ["packets"]
    with pytest.raises(ValueError, match="no kind of value fits"):
        kinds_of("^(furlongs)$")
