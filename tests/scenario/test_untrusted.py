"""Untrusted files: whatever they hold, only ScenarioError comes out, soon."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import ScenarioError
from sim.scenario.loader import load, load_text
from sim.scenario.resolved import resolved_text
from tests.scenario.files import NOWHERE, SMALL, edited
from tests.scenario.test_resolved import EDITS, EVERYTHING

EVERYWHERE = edited(*EDITS, append=EVERYTHING)
TABLE = "  table: |\n" + SMALL.split("  table: |\n")[1].split("relays:")[0]


def refused(path: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        load(path)
    return str(caught.value)


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_bytes(data)
    return path


def test_a_missing_file(tmp_path):
    assert refused(tmp_path / "none.yaml") == f"{tmp_path}/none.yaml: does not exist"


def test_a_folder(tmp_path):
    assert refused(tmp_path).endswith("is a folder, not a file")


def test_a_name_with_a_nul():
    assert refused(Path("a\0b")).endswith("the name has a NUL character")


def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    assert refused(tmp_path / "pipe.yaml").endswith("is not a regular file")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"name: \xff\xfe", "is not UTF-8 text: line 1 has the byte 0xff"),
        ("name: a".encode("utf-16"), "is not UTF-8 text"),
        (b"seed: 1\nname: a\0b", "is not text: line 2 has a NUL character"),
        (b"name: a\x07b", "1:8: the character U+0007 is not allowed"),
        (b"a: &a [x]\nb: [*a, *a]", "anchors (&name) are not allowed"),
        (b"%YAML 9999999999999999999.1\n---\na: 1", "found incompatible YAML document"),
        (b'name: "\\UFFFFFFFF"', "not valid YAML"),
        (b"[" * 100_000, "nested deeper than 16 levels"),
        (b"{a: " * 100_000, "nested deeper than 16 levels"),
        (b"- " * 100_000, "nested deeper than 16 levels"),
        (b"? [a, b]\n: c", "a key must be a text"),
        (b"seed: " + b"9" * 10_000, "must be a whole number"),
    ],
)
def test_broken_texts(tmp_path, data, told):
    assert told in refused(written(tmp_path, data))


def test_a_byte_order_mark_is_no_fault(tmp_path):
    assert load(written(tmp_path, b"\xef\xbb\xbf" + SMALL.encode())).name == "small"


def test_windows_line_ends_are_no_fault(tmp_path):
    path = written(tmp_path, SMALL.replace("\n", "\r\n").encode())
    assert load(path) == load_text(SMALL, NOWHERE)


def test_a_table_beyond_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "secret.csv").write_text("id,tier,parent\n", encoding="utf-8")
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    path = folder / "scenario.yaml"
    path.write_text(edited((TABLE, "  file: link.csv\n")), encoding="utf-8")
    assert "'link.csv' lies outside the scenario's folder" in refused(path)


def test_a_table_behind_a_link_within_the_folder_is_read(tmp_path):
    (tmp_path / "real.csv").write_text("id,tier,parent\n", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    path = written(tmp_path, edited((TABLE, "  file: link.csv\n")).encode())
    assert f"{tmp_path}/link.csv:1: tier: no site is in the root tier 'central'" in refused(path)


def test_names_that_would_command_a_terminal_are_shown_escaped(tmp_path):
    path = written(tmp_path, edited(("lines:", 'lines:\n  "\\x1b[2J\\u202e": {}')).encode())
    told = refused(path)
    assert "no tier '\\x1b[2J\\u202e'" in told
    assert all(line.isprintable() for line in told.splitlines())


def test_a_negative_seed_or_duration_from_outside_is_refused(tmp_path):
    path = written(tmp_path, SMALL.encode())
    with pytest.raises(ScenarioError, match="--seed: -1 must be from 0") as caught:
        load(path, seed=-1, duration_ns=0)
    assert "--duration: 0 ns must be more than 0" in str(caught.value)


PIECES = (
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "&a ",
        "*a",
        "!t ",
        '"',
        "'",
        "|\n",
        "#",
        "%",
        ",",
        "? ",
        "<<",
    ),
    *("0", "-1", "1e9", "nan", ".inf", "~", "× 0", "\t", "\n", "\n  "),
)


WORDS = (
    "rooms",
    "speaker",
    "parent",
    "none",
    "priority",
    "central",
    "commune",
    "79",
    "0 s",
    "100 %",
)


@given(st.data())
def test_a_damaged_scenario_is_refused_or_resolves_to_itself(data):
    text = data.draw(st.sampled_from([SMALL, EVERYWHERE]))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 12, len(text))))
        put = data.draw(st.one_of(st.text(max_size=6), st.sampled_from(PIECES + WORDS)))
        text = text[:start] + put + text[end:]
    try:
        scenario = load_text(text, NOWHERE)
    except ScenarioError as error:
        told = error.problems
    else:
        assert load_text(resolved_text(scenario), NOWHERE) == scenario
        return
    assert told
    assert all(str(problem).isprintable() for problem in told)


@given(st.binary(max_size=200))
def test_bytes_are_refused(tmp_path_factory, data):
    path = written(tmp_path_factory.getbasetemp(), data)
    with pytest.raises(ScenarioError):
        load(path)
