"""`check` as a user runs it: changes planted in scenario files turn it red and name the place."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sim.cli import main
from tests.cli.conftest import SCENARIO, command, sim

ROOT = Path(__file__).parents[2]
LINES_END = "\nstreams:"


@pytest.fixture(scope="module")
def country(tmp_path_factory) -> Path:
    """Return a folder with the shipped province, a minute long, and its baseline."""
    home = tmp_path_factory.mktemp("country")
    (home / "data").mkdir()
    shutil.copy(ROOT / "scenarios/data/vietnam-2021.csv", home / "data")
    text = (ROOT / "scenarios/province.yaml").read_text(encoding="utf-8")
    assert "check: {duration: 5 min}" in text
    text = text.replace("check: {duration: 5 min}", "check: {duration: 1 min, timetable: squeezed}")
    (home / "province.yaml").write_text(text, encoding="utf-8")
    answer = sim("check", "--update", home / "province.yaml", "--baselines", home / "baselines")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[0] == "province: NEW, there was no baseline"
    return home


def planted(country: Path, *edits: tuple[str, str], name="planted.yaml") -> Path:
    """Return the province with texts replaced, beside it."""
    text = (country / "province.yaml").read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = country / name
    path.write_text(text, encoding="utf-8")
    return path


def held(country: Path, path: Path, *options):
    return sim("check", path, "--baselines", country / "baselines", *options)


def failing(answer) -> list[dict]:
    """Return the figures for which a check with --json failed."""
    (scenario,) = json.loads(answer.stdout)["scenarios"]
    return [figure for figure in scenario["figures"] if figure["fails"]]


def test_the_same_scenario_is_equal(country):
    answer = held(country, country / "province.yaml")
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout == "province: EQUAL, by the fingerprint of all results\n"


def test_a_thinner_line_is_named(country):
    """The district of Năm Căn at 2.5 instead of 50 Mbit/s: full at key frames and slides."""
    path = planted(country, (LINES_END, '\n  except: {"971": {rate: 2.5 Mbit/s}}\nstreams:'))
    answer = held(country, path)
    assert answer.returncode == 1
    first = answer.stdout.splitlines()[0]
    assert first.startswith("province: WORSE, ")
    assert "figures; loss of the line to 971 Tỉnh Cà Mau › Huyện Năm Căn, down 0 % → " in first
    command = f"python -m sim check --update --baselines {country / 'baselines'} {path}"
    assert f"If that is meant: {command}" in answer.stdout
    subjects = {
        (figure["part"], figure["subject"]) for figure in failing(held(country, path, "--json"))
    }
    assert ("lines", "971 down") in subjects
    assert ("rooms", "971") in subjects
    assert ("branches", "96") in subjects
    assert ("tiers", "district") in subjects


def test_a_removed_relay_is_named(country):
    """The relay of Năm Căn is taken out, and its communes hang on the province."""
    rows = (country / "data/vietnam-2021.csv").read_text(encoding="utf-8").splitlines()
    kept = [row.replace(",commune,971,", ",commune,96,") for row in rows if row[:4] != "971,"]
    assert len(kept) == len(rows) - 1
    (country / "data/fewer.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    path = planted(country, ("vietnam-2021", "fewer"), ("fail: line/971", "fail: line/970"))
    answer = held(country, path)
    assert answer.returncode == 1
    gone = [line for line in answer.stdout.splitlines() if line.startswith("gone")]
    assert any("line to 971 Tỉnh Cà Mau › Huyện Năm Căn, down" in line for line in gone)
    assert any("egress of 971 Tỉnh Cà Mau › Huyện Năm Căn" in line for line in gone)
    (sites,) = [line for line in answer.stdout.splitlines() if "sites at tier district" in line]
    assert sites.split()[-3:] == ["9", "8", "none"]


def test_a_relay_that_fails_is_named(country):
    path = planted(country, ("fail: line/971", "fail: relay/970"))
    answer = held(country, path)
    assert answer.returncode == 1
    assert "loss of room 970 Tỉnh Cà Mau › Huyện Đầm Dơi" in answer.stdout
    assert "rooms dark in 96 Tỉnh Cà Mau" in answer.stdout


def test_a_longer_delay_is_named(country):
    path = planted(country, (LINES_END, '\n  except: {"970": {delay: 80 ms}}\nstreams:'))
    answer = held(country, path)
    assert answer.returncode == 1
    first = answer.stdout.splitlines()[0]
    assert "figures; largest delay p99 of a room in 96 Tỉnh Cà Mau (worst: " in first
    assert "Huyện Đầm Dơi" in first
    assert "delay p99 of room 970 Tỉnh Cà Mau › Huyện Đầm Dơi" in answer.stdout


def test_a_lossier_class_is_named(country):
    path = planted(country, ("0.5 % in bursts of 4 packets", "2 % in bursts of 4 packets"))
    answer = held(country, path)
    assert answer.returncode == 1
    figures = failing(held(country, path, "--json"))
    worse = {figure["subject"] for figure in figures if figure["part"] == "lines"}
    lines = json.loads((country / "baselines/province.json").read_text(encoding="utf-8"))["lines"]
    # All the lines that lose more are of that class, but for those that the policer stopped before.
    assert worse
    assert not worse & (set(lines["commune fibre"]) | set(lines["commune shared"]))
    assert "loss by line at tier commune" in answer.stdout


def test_a_requirement_that_is_newly_missed_comes_first(country):
    """A looser tolerance does not make it pass."""
    path = planted(
        country,
        ("0.5 % in bursts of 4 packets", "2 % in bursts of 4 packets"),
        ("timetable: squeezed}", "timetable: squeezed, tolerances: {loss: 90 %, complying: 90 %}}"),
    )
    answer = held(country, path)
    assert answer.returncode == 1
    first = answer.stdout.splitlines()[0]
    assert "90 % of rooms: loss at most 1 %: verdict (worst: " in first
    assert first.endswith(") met → missed")


def test_a_requirement_that_is_left_out_or_loosened_is_noticed(country):
    for edits in (
        ("  - {rooms: 90 %, loss: at most 1 %}\n", ""),
        ("loss: at most 1 %}", "loss: at most 2 %}"),
    ):
        answer = held(country, planted(country, edits))
        assert answer.returncode == 1
        assert "90 % of rooms: loss at most 1 %: all figures: gone" in answer.stdout.splitlines()[0]


def test_what_is_better_passes_and_is_said(country):
    """The tolerance of the delays is for the packets that are no longer lost: they arrive late."""
    path = planted(
        country,
        ("0.5 % in bursts of 4 packets", "0 %"),
        ("timetable: squeezed}", "timetable: squeezed, tolerances: {delay: 5 ms, jitter: 5 ms}}"),
    )
    answer = held(country, path)
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.startswith("province: BETTER, ")
    assert "loss of the line to " in answer.stdout.splitlines()[0]


def test_a_change_of_words_alone_changes_no_figure(country):
    answer = held(country, planted(country, ("Cà Mau alone", "Only Cà Mau")))
    assert answer.returncode == 0
    assert answer.stdout.startswith("province: SAME, the fingerprint differs and ")


def test_a_tolerance_lets_pass_what_the_scenario_says(country):
    everything = (
        "{loss: 100 %, delay: 1 h, jitter: 1 h, dark: 1 h, freezes: 1000000, rooms: 1000000, "
        "utilisation: 100 %, complying: 100 %, packets: 1000000}"
    )
    path = planted(
        country,
        (LINES_END, '\n  except: {"971": {rate: 2.7 Mbit/s}}\nstreams:'),
        ("timetable: squeezed}", f"timetable: squeezed, tolerances: {everything}}}"),
    )
    answer = held(country, path)
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.startswith("province: WITHIN TOLERANCE, ")


def test_an_update_shows_the_difference_and_is_equal_then(country, tmp_path):
    baselines = tmp_path / "baselines"
    shutil.copytree(country / "baselines", baselines)
    path = planted(country, (LINES_END, '\n  except: {"971": {rate: 2.5 Mbit/s}}\nstreams:'))
    options = ("--baselines", baselines)
    answer = sim("check", "--update", path, *options)
    assert answer.returncode == 0
    lines = answer.stdout.splitlines()
    assert "loss of the line to 971 Tỉnh Cà Mau › Huyện Năm Căn, down 0 % → " in lines[0]
    assert lines[-1] == f"Written: {baselines}/province.json"
    assert [each.name for each in baselines.iterdir()] == ["province.json"]
    assert sim("check", path, *options).stdout.startswith("province: EQUAL")
    before = (baselines / "province.json").stat().st_mtime_ns
    assert "Written" not in sim("check", "--update", path, *options).stdout
    assert (baselines / "province.json").stat().st_mtime_ns == before


def test_summaries_are_written_for_ci(country, tmp_path):
    path = planted(country, (LINES_END, '\n  except: {"971": {rate: 2.5 Mbit/s}}\nstreams:'))
    xml, summary = tmp_path / "check.xml", tmp_path / "check.md"
    summary.write_text("old", encoding="utf-8")
    answer = held(country, path, "--junit", xml, "--markdown", summary, "--lang", "vi", "--quiet")
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", "")
    cases = ET.parse(xml).getroot().iter("testcase")
    red = [case.get("name") for case in cases if case.find("failure") is not None]
    assert "loss of the line to 971 Tỉnh Cà Mau › Huyện Năm Căn, down" in red
    lines = summary.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("- ❌ **province**: XẤU ĐI, ")
    assert "Tỉnh Cà Mau › Huyện Năm Căn" in lines[0]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["check.md", "check.xml"]


def test_the_result_depends_on_no_number_of_threads(country):
    answer = held(country, country / "province.yaml", "--threads", "3")
    assert answer.stdout.startswith("province: EQUAL")


# From here on a hamlet of six rooms.


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Return a folder as a user has it, with a hamlet in scenarios/, and work there."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/hamlet.yaml").write_text(
        SCENARIO + "check: {duration: 2 s}\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(capfd) -> list[str]:
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err.splitlines()


def test_without_names_all_with_a_section_or_a_baseline_are_checked(home, capfd):
    (home / "scenarios/other.yaml").write_text(
        SCENARIO.replace("name: hamlet", "name: other"), encoding="utf-8"
    )
    assert main(["check", "--update"]) == 0
    assert "other" not in capfd.readouterr().out
    assert main(["check"]) == 0
    assert capfd.readouterr().out == "hamlet: EQUAL, by the fingerprint of all results\n"
    assert main(["check", "--update", "scenarios/other.yaml"]) == 0
    capfd.readouterr()
    assert main(["check"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 2


def test_a_missing_baseline_is_bad_input_and_says_what_to_do(home, capfd):
    assert main(["check"]) == 2
    assert problems(capfd) == [
        (
            "results/baseline/hamlet.json: does not exist; write it: "
            "python -m sim check --update scenarios/hamlet.yaml"
        ),
        "1 problem; nothing was simulated.",
    ]


def test_a_baseline_without_a_scenario_is_bad_input(home, capfd):
    assert main(["check", "--update"]) == 0
    capfd.readouterr()
    Path("scenarios/hamlet.yaml").rename("scenarios/village.yaml")
    text = Path("scenarios/village.yaml").read_text(encoding="utf-8")
    Path("scenarios/village.yaml").write_text(
        text.replace("name: hamlet", "name: village"), encoding="utf-8"
    )
    shutil.copy("results/baseline/hamlet.json", "results/baseline/village.json")
    assert main(["check", "--update"]) == 2
    assert problems(capfd) == [
        (
            "results/baseline/hamlet.json: no scenario in scenarios/ is called 'hamlet'; delete "
            "the baseline, or name the scenarios to check"
        ),
        "1 problem; nothing was simulated.",
    ]


def test_nothing_to_check_is_bad_input(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 2
    assert problems(capfd) == [
        (
            "no scenario is named, and none in scenarios/ has a 'check' section or a baseline in "
            "results/baseline/"
        ),
        "1 problem; nothing was simulated.",
    ]


def test_all_that_is_wrong_is_said_at_once(home, capfd, monkeypatch):
    def simulate(*_, **__):
        raise AssertionError("simulated")

    monkeypatch.setattr("sim.simulation.simulate", simulate)
    Path("wrong.yaml").write_text(SCENARIO.replace("seed: 7", "seed: x"), encoding="utf-8")
    Path("twin.yaml").write_text(SCENARIO, encoding="utf-8")
    Path("results/baseline").mkdir(parents=True)
    Path("results/baseline/hamlet.json").write_text('{\n"baseline" 1}', encoding="utf-8")
    options = ["--junit", "no/where.xml", "--markdown", "results"]
    assert main(["check", "wrong.yaml", "scenarios/hamlet.yaml", *options]) == 2
    assert problems(capfd) == [
        "--junit: cannot write 'no/where.xml': there is no folder 'no'",
        "--markdown: cannot write 'results': is a folder, not a file",
        (
            "results/baseline/hamlet.json:2:12: is not JSON: expecting ':' delimiter; write it "
            "anew: python -m sim check --update scenarios/hamlet.yaml"
        ),
        "wrong.yaml:3:7: seed: 'x' must be a whole number from 0 to 2^63 - 1, without quotes",
        "4 problems; nothing was simulated.",
    ]


def test_two_scenarios_of_one_name_would_share_a_baseline(home, capfd):
    Path("twin.yaml").write_text(SCENARIO, encoding="utf-8")
    assert main(["check", "--update", "scenarios/hamlet.yaml", "twin.yaml"]) == 2
    assert problems(capfd) == [
        (
            "twin.yaml: 'hamlet' is also the name of scenarios/hamlet.yaml: they would share a "
            "baseline"
        ),
        "1 problem; nothing was simulated.",
    ]


def test_the_baseline_of_another_scenario_is_refused(home, capfd):
    assert main(["check", "--update"]) == 0
    path = Path("results/baseline/hamlet.json")
    path.write_text(
        path.read_text(encoding="utf-8").replace('"hamlet"', '"village"'), encoding="utf-8"
    )
    capfd.readouterr()
    assert main(["check"]) == 2
    assert problems(capfd)[0] == (
        "results/baseline/hamlet.json: scenario: is the baseline of 'village'; write it anew: "
        "python -m sim check --update scenarios/hamlet.yaml"
    )
    assert main(["check", "--update"]) == 0
    assert main(["check"]) == 0


def test_a_folder_that_cannot_be_made_is_said_before_the_simulation(home, capfd):
    Path("file").touch()
    assert main(["check", "--update", "--baselines", "file"]) == 2
    assert problems(capfd) == [
        "--baselines: cannot write to 'file': File exists",
        "1 problem; nothing was simulated.",
    ]


def test_a_full_disk_is_code_3_and_leaves_the_old_baseline(home, capfd, monkeypatch):
    assert main(["check", "--update"]) == 0
    before = Path("results/baseline/hamlet.json").read_bytes()
    path = Path("scenarios/hamlet.yaml")
    path.write_text(
        path.read_text(encoding="utf-8").replace("loss: 1 %", "loss: 2 %"), encoding="utf-8"
    )

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sim.compare.whole_file.os.fsync", full)
    capfd.readouterr()
    assert main(["check", "--update"]) == 3
    (line,) = problems(capfd)
    assert "No space left on device" in line
    assert Path("results/baseline/hamlet.json").read_bytes() == before
    assert [each.name for each in Path("results/baseline").iterdir()] == ["hamlet.json"]


def test_faults_after_the_short_form_are_said_to_be_left_out(home, capfd):
    path = Path("scenarios/hamlet.yaml")
    text = path.read_text(encoding="utf-8").replace("duration: 2 s}", "duration: 500 ms}")
    path.write_text(text, encoding="utf-8")
    assert main(["check", "--update"]) == 0
    said = capfd.readouterr().out
    assert "1 fault of the scenario is after the end of the short form: left out." in said


def test_a_signal_leaves_the_old_baselines_and_nothing_else(home):
    assert main(["check", "--update", "--quiet"]) == 0
    baseline = home / "results/baseline/hamlet.json"
    before = baseline.read_bytes()
    path = home / "scenarios/hamlet.yaml"
    text = path.read_text(encoding="utf-8").replace("loss: 1 %", "loss: 2 %")
    path.write_text(text, encoding="utf-8")
    slow = text.replace("name: hamlet", "name: slow").replace("duration: 3 s", "duration: 300 h")
    slow = slow.replace("duration: 2 s", "duration: 300 h").replace("bin: ", "")
    (home / "scenarios/slow.yaml").write_text(
        slow + "window: 1 min\nbin: 1 min\n", encoding="utf-8"
    )
    run = subprocess.Popen(
        command("check", "--update", "--junit", "check.xml"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        time.sleep(6)
        assert run.poll() is None, run.communicate()
        run.send_signal(signal.SIGINT)
        output, errors = run.communicate(timeout=100)
    finally:
        run.kill()
    assert (run.returncode, output) == (3, "")
    assert errors == "Interrupted; nothing half-written is left.\n"
    assert baseline.read_bytes() == before
    assert [each.name for each in baseline.parent.iterdir()] == ["hamlet.json"]
    assert not (home / "check.xml").exists()


def test_a_reader_that_goes_away_changes_no_exit_code(home):
    assert main(["check", "--update", "--quiet"]) == 0
    words = " ".join(command("check", "--json"))
    answer = subprocess.run(
        ["bash", "-c", f"{words} | false; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (answer.stdout, answer.stderr) == ("0\n", "")
