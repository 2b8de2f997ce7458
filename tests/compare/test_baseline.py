"""Baselines: the same findings are the same bytes, and what is no baseline is one problem."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.compare.baseline import baseline_text, read_baseline
from sim.compare.whole_file import write_whole
from sim.errors import ScenarioError
from tests.compare.made import findings, row

SOME = findings(
    fingerprint="c2a0",
    tables={
        "requirements": {
            '99 % "of" rooms': row(
                {"met": 1, "loss_percent": "0.05", "complying_percent": 100},
                at={"loss_percent": "Xã Đất Mới\n\x1b[2J"},
            )
        },
        "branches": {
            "04": row({"loss_percent": 0, "delay_p99_worst_ms": None}, place="Tỉnh Cao Bằng"),
            "96": row({"loss_percent": "0.00001", "rooms_dark": 1_234_567}, place="Tỉnh Cà Mau"),
        },
    },
    lists={"lines": {"commune radio": {"1 down": row({"loss_percent": "3.412"}, place="Xã A")}}},
)
REMEDY = "python -m sim check --update tiny.yaml"


def test_a_baseline_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "b.json"
    path.write_text(baseline_text(SOME), encoding="utf-8")
    assert read_baseline(path, remedy=REMEDY) == SOME


def test_a_subject_has_a_line_and_the_text_is_json():
    text = baseline_text(SOME)
    line = '    "96": {"place": "Tỉnh Cà Mau", "loss_percent": 0.00001, "rooms_dark": 1234567}'
    assert line in text.splitlines()
    read = json.loads(text)
    assert read["requirements"]['99 % "of" rooms']["met"] is True
    assert read["branches"]["04"]["delay_p99_worst_ms"] is None
    assert text.endswith("}\n")


def told(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "b.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ScenarioError) as caught:
        read_baseline(path, remedy=REMEDY)
    (problem,) = caught.value.problems
    return str(problem).removeprefix(f"{path}")


TEXT = baseline_text(SOME)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1:1: is not JSON: expecting value; write it anew"),
        ("{\n<<<<<<< ours\n", ":2:1: is not JSON: expecting property name enclosed in double"),
        ("[]", ": is not a baseline; write it anew"),
        ("{}", ": baseline: is not of format 1, which this program reads; write it anew"),
        (TEXT.replace('"baseline": 1', '"baseline": 2'), ": baseline: is not of format 1, which"),
        (TEXT.replace('"seed": 1', '"seed": "1"'), ": seed: is missing or not what it should be"),
        (TEXT.replace('"meeting": {\n  }', '"meeting": 5'), ": meeting: is not a mapping; write"),
        (TEXT.replace('"meeting"', '"meetings"'), ": meetings: is no part of a baseline; write"),
        (TEXT.replace('"04": {', '"96": {'), ": 96: is there twice; write it anew"),
        (TEXT.replace("0.00001", "NaN"), ": NaN is no figure; write it anew"),
        (TEXT.replace("0.00001", "-1"), ": -1 is no figure; write it anew"),
        (TEXT.replace("0.00001", "1e999999999"), ": 1e999999999 is no figure; write it anew"),
        (TEXT.replace("0.00001", "1e-999999999"), ": 1e-999999999 is no figure; write it anew"),
        (TEXT.replace("0.00001", "9" * 5000), f": {'9' * 30} is no figure; write it anew"),
        (TEXT.replace("0.00001", "[]"), ": branches.96.loss_percent: is no figure; write it anew"),
        (TEXT.replace("0.00001", '"none"'), ": branches.96.loss_percent: is no figure; write it"),
        ("[" * 100_000, ": is nested too deeply; write it anew"),
        (b"\xff", ": is not UTF-8 text: line 1 has the byte 0xff; write it anew"),
        (
            TEXT[: TEXT.index('"requirements"')].rstrip().rstrip(",") + "}",
            ": holds no figure; write",
        ),
        (TEXT.replace("Xã A", "\\ud800"), ": a text has half a character; write it anew"),
    ],
)
def test_what_is_no_baseline_is_one_problem_with_its_remedy(tmp_path, text, message):
    said = told(tmp_path, text)
    assert said.startswith(message)
    assert said.endswith(f": {REMEDY}")
    assert said.isprintable()


def test_a_missing_baseline_says_how_to_make_it(tmp_path):
    with pytest.raises(ScenarioError) as caught:
        read_baseline(tmp_path / "b.json", remedy=REMEDY)
    assert str(caught.value) == f"{tmp_path}/b.json: does not exist; write it: {REMEDY}"


def test_a_part_that_an_older_program_did_not_keep_is_no_fault(tmp_path):
    path = tmp_path / "b.json"
    path.write_text(TEXT.replace('  "turns": {\n  },\n', ""), encoding="utf-8")
    assert read_baseline(path, remedy=REMEDY) == SOME


@given(data=st.data())
def test_no_damage_to_a_baseline_is_more_than_a_problem(tmp_path_factory, data):
    start = data.draw(st.integers(0, len(TEXT)))
    length = data.draw(st.integers(0, 12))
    piece = data.draw(st.sampled_from(["", "{", "}", '"', ",", "null", "1e9", "\\ud800", "[]"]))
    path = tmp_path_factory.mktemp("damaged") / "b.json"
    path.write_text(TEXT[:start] + piece + TEXT[start + length :], encoding="utf-8")
    said = ""
    try:
        read_baseline(path, remedy=REMEDY)
    except ScenarioError as error:
        said = str(error)
    assert said.isprintable()


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "b.json"
    write_whole(path, "old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sim.compare.whole_file.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert [each.name for each in tmp_path.iterdir()] == ["b.json"]
    assert path.read_text(encoding="utf-8") == "old"


def test_a_file_behind_a_link_is_written_there(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text(encoding="utf-8") == "text"
