"""`--lang vi`: what is shown is in Vietnamese on any terminal, and files and errors are not."""

from __future__ import annotations

import json

import pytest

from sim.cli import main
from sim.scenario.loader import load
from tests.cli.conftest import SCENARIO, sim
from tests.language.leftovers import names, not_vietnamese

BOTH_WAYS = SCENARIO.replace(
    "streams:\n",
    """\
streams:
  camera: {from: rooms, to: parent, rate: 100 kbit/s, frames: 25/s}
  desk: {from: rooms, to: central, rate: 100 kbit/s, frames: 25/s}
  speech: {from: speaker, rate: 40 kbit/s, every: 20 ms}
""",
).replace(
    "  commune: {carrier: vnpt, rate: 4 Mbit/s,",
    """\
  inventory:
    table: |
      site, role, parent, carrier
      7901, backup, vn, viettel
  commune: {carrier: vnpt, rate: 4 Mbit/s, policer: {rate: 2.5 Mbit/s, burst: 30 kB},""",
)


@pytest.mark.parametrize("how", ["option", "environment"])
def test_validate_speaks_vietnamese(hamlet, capfd, monkeypatch, how):
    hamlet.write_text(BOTH_WAYS + "agenda: [{at: 0 s, floor: '7901'}]\n", encoding="utf-8")
    if how == "environment":
        monkeypatch.setenv("SIM_LANG", "vi")
    assert main(["validate", str(hamlet), *(["--lang", "vi"] if how == "option" else [])]) == 0
    text = capfd.readouterr().out
    assert text.splitlines()[0] == "hamlet hợp lệ: 6 nút, 5 điểm cầu, 3 s, hạt giống 7"
    assert "2,5 Mbit/s, 30 kB" in text
    assert "commune   dự phòng  –    viettel" in text
    assert not not_vietnamese(text, names(load(hamlet)))


def test_validate_in_english_is_noticed(hamlet, capfd):
    assert main(["validate", str(hamlet)]) == 0
    left = not_vietnamese(capfd.readouterr().out, names(load(hamlet)))
    assert {"sites", "lines", "primary", "averages"} <= left


def test_the_resolved_scenario_is_the_same_in_any_language(hamlet, capfd):
    texts = []
    for code in ("en", "vi"):
        assert main(["validate", str(hamlet), "--resolved", "--lang", code]) == 0
        texts.append(capfd.readouterr().out)
    assert texts[0] == texts[1]


def test_run_speaks_vietnamese_and_writes_the_same_files(hamlet, tmp_path, capfd):
    printed, found = {}, {}
    for code in ("en", "vi"):
        out = tmp_path / code
        assert main(["run", str(hamlet), "--out", str(out), "--lang", code]) == 0
        printed[code] = capfd.readouterr().out
        (folder,) = (out / "hamlet").iterdir()
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        del summary["provenance"]
        tables = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
        found[code] = summary, tables
    assert found["en"] == found["vi"]
    assert "hamlet: ĐẠT cả 2 yêu cầu" in printed["vi"]
    assert "1 điểm cầu mất tín hiệu, tổng tới 1," in printed["vi"]
    assert "Kết quả: " in printed["vi"]
    assert "Results: " in printed["en"]


@pytest.mark.parametrize("verb", ["validate", "run"])
@pytest.mark.parametrize(
    ("environment", "encoding"),
    [({"PYTHONIOENCODING": "ascii"}, "ascii"), ({"LC_ALL": "C", "LANG": "C"}, "utf-8")],
)
def test_a_terminal_without_vietnamese_letters_shows_escapes(
    hamlet, tmp_path, verb, environment, encoding
):
    options = ["--out", tmp_path / "out"] if verb == "run" else []
    answer = sim(verb, hamlet, "--lang", "vi", *options, **environment)
    assert (answer.returncode, answer.stderr) == (0, "")
    title = "Tuyến, theo cấp" if verb == "run" else "10 tuyến có tải"
    if encoding == "ascii":
        assert answer.stdout.isascii()
        title = title.encode("ascii", "backslashreplace").decode("ascii")
    assert title in answer.stdout


@pytest.mark.parametrize("verb", ["validate", "run"])
def test_errors_are_in_english(hamlet, verb, capfd):
    hamlet.write_text(SCENARIO.replace("duration: 3 s", "duration: 3"), encoding="utf-8")
    assert main([verb, str(hamlet), "--lang", "vi"]) == 2
    first, last = capfd.readouterr().err.splitlines()
    assert "duration: '3' needs a unit" in first
    assert last == "1 problem; nothing was simulated."


def test_a_language_there_is_not_is_a_usage_error(hamlet, capfd):
    assert main(["validate", str(hamlet), "--lang", "fr"]) == 2
    assert "'fr' is not one of 'en', 'vi'" in capfd.readouterr().err
