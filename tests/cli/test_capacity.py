"""`capacity`, as a user runs it: the answer, wrong commands, Ctrl-C, and what is kept."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sim.cli import main
from sim.cli.capacity import progress_line
from sim.studies.capacity import StudyProgress
from tests.cli.conftest import SCENARIO, command, sim

CORPUS = Path(__file__).parent / "capacity_mistakes.txt"
VARY = ("--vary", "streams.video.rate", "--over", "1..5 Mbit/s")
FILES = {"answer.json", "answer.md", "capacity.png", "capacity.svg", "points", "points.parquet"}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A study of the scenario with one worker, and the folder it wrote."""
    home = tmp_path_factory.mktemp("done")
    (home / "hamlet.yaml").write_text(SCENARIO, encoding="utf-8")
    answer = sim("capacity", home / "hamlet.yaml", *VARY, "--out", home / "out", "--workers", "1")
    assert answer.stderr == ""
    (folder,) = (home / "out" / "capacity" / "hamlet").iterdir()
    return answer, folder, home


def test_it_answers_and_writes_its_folder(done):
    answer, folder, _ = done
    assert answer.returncode == 0
    first, second, third = answer.stdout.splitlines()[1:4]
    assert first == "hamlet: how far streams.video.rate can go, from 1 Mbit/s to 5 Mbit/s"
    assert re.fullmatch(r"streams\.video\.rate can be up to 3\.0\d Mbit/s\.", second)
    # 80 % of 4 Mbit/s are 3.2; headers of 40 B for 1200 B leave 3.1 for the media.
    assert third.startswith("First to break, between 3.0")
    assert "“100 % of lines: utilisation at most 80 %”: line to 79" in third
    assert "\x1b" not in answer.stdout
    assert answer.stdout.strip().endswith(str(folder))
    assert {path.name for path in folder.iterdir()} == FILES
    assert re.fullmatch(r"streams\.video\.rate-[0-9a-f]{8}", folder.name)


def test_the_page_has_the_answer_first_and_every_point(done):
    _, folder, _ = done
    page = (folder / "answer.md").read_text(encoding="utf-8")
    title, answer, *_ = [line for line in page.splitlines() if line]
    assert title.startswith("# hamlet: how far streams.video.rate can go")
    assert answer.startswith("streams.video.rate can be up to 3.0")
    points = list((folder / "points").glob("*.json"))
    assert len(re.findall(r"^\| [\d.]+ Mbit/s \|", page, re.MULTILINE)) == len(points)
    assert "![The capacity curve](capacity.png)" in page
    # What the scenario calls a room is no markup here.
    assert "<" not in page


def test_the_table_says_what_each_requirement_came_to(done):
    _, folder, _ = done
    table = pq.read_table(folder / "points.parquet")
    assert table.schema.field("number").metadata[b"unit"] == b"Mbit/s"
    assert table.schema.field("blame_time_ms").metadata[b"unit"] == b"ms"
    rows = table.to_pylist()
    assert {row["name"] for row in rows} == {
        "80 % of rooms: loss at most 5 %",
        "100 % of lines: utilisation at most 80 %",
    }
    for row in rows:
        assert row["met"] == int(row["value"] <= row["limit"])
        assert row["share_of_limit"] == row["value"] / row["limit"]
    assert [row["number"] for row in rows] == sorted(row["number"] for row in rows)
    lines = [row for row in rows if row["measure"] == "utilisation"]
    assert {row["worst_kind"] for row in lines} == {"line"}
    lost = [row for row in rows if row["measure"] == "loss" and not row["met"]]
    assert {row["blame_kind"] for row in lost} == {"line"}
    assert all(0 < row["blame_lost"] <= 1 for row in lost)


def test_json_is_the_answer_and_nothing_else(done):
    _, folder, home = done
    options = (*VARY, "--out", home / "out", "--json", "--workers", "1")
    answer = sim("capacity", home / "hamlet.yaml", *options)
    assert answer.returncode == 0
    assert answer.stdout == (folder / "answer.json").read_text(encoding="utf-8")
    said = json.loads(answer.stdout)
    assert said["provenance"]["simulated"] == 0
    (span,) = said["spans"]
    assert (span["low"], span["below"], span["above"]["broken"]) == (1.0, None, [1])
    assert {each["state"] for each in said["requirements"]} <= {"met", "missed", "breaks"}


def test_two_workers_give_the_same_files(done, tmp_path):
    _, folder, home = done
    options = (*VARY, "--out", tmp_path, "--workers", "2", "--quiet")
    answer = sim("capacity", home / "hamlet.yaml", *options)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    (other,) = (tmp_path / "capacity" / "hamlet").iterdir()
    assert other.name == folder.name
    names = ["answer.md", "points.parquet", "capacity.svg", "capacity.png"]
    names += [f"points/{path.name}" for path in (folder / "points").iterdir()]
    for name in names:
        assert (other / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_same_command_answers_from_what_is_there(done):
    answer, folder, home = done
    kept = {path: path.stat().st_mtime_ns for path in (folder / "points").iterdir()}
    again = sim("capacity", home / "hamlet.yaml", *VARY, "--out", home / "out")
    assert again.returncode == 0
    assert again.stdout.splitlines()[:4] == answer.stdout.splitlines()[:4]
    assert f"{len(kept)} points, all there already." in again.stdout
    assert {path: path.stat().st_mtime_ns for path in (folder / "points").iterdir()} == kept


def test_fresh_starts_over_and_a_damaged_point_is_said(hamlet, tmp_path, capfd):
    options = ["--over", "1..2 Mbit/s", "--points", "2", "--workers", "1", "--out", str(tmp_path)]
    arguments = ["capacity", str(hamlet), "--vary", "streams.video.rate", *options]
    assert main(arguments) == 0
    assert "2 points, simulated in 0:0" in capfd.readouterr().out
    (damaged,) = tmp_path.glob("capacity/hamlet/*/points/2.json")
    damaged.write_text("{", encoding="utf-8")
    assert main(arguments) == 0
    printed = capfd.readouterr()
    assert printed.err == "points/2.json is damaged and was not used\n"
    assert "1 point simulated in 0:0" in printed.out
    assert main([*arguments, "--fresh"]) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    assert "2 points, simulated in 0:0" in printed.out


def test_the_answer_can_be_vietnamese(done):
    _, folder, home = done
    options = (*VARY, "--out", home / "vi", "--lang", "vi")
    answer = sim("capacity", home / "hamlet.yaml", *options)
    assert answer.returncode == 0
    assert "streams.video.rate có thể lên đến 3,0" in answer.stdout
    assert "tuyến đến" in answer.stdout
    (other,) = (home / "vi" / "capacity" / "hamlet").iterdir()
    assert "Yêu cầu đầu tiên không còn đạt" in (other / "answer.md").read_text(encoding="utf-8")
    assert (other / "points.parquet").read_bytes() == (folder / "points.parquet").read_bytes()


def mistakes() -> list[tuple[list[str], list[str]]]:
    """Return the wrong questions of the corpus, and what must be said of each."""
    found: list[tuple[list[str], list[str]]] = []
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        if line.startswith("$ "):
            found.append((shlex.split(line.removeprefix("$ ")), []))
        elif line and not line.startswith("#"):
            found[-1][1].append(line)
    return found


@pytest.mark.parametrize(("words", "said"), mistakes(), ids=lambda words: shlex.join(words)[:60])
def test_a_wrong_question_is_said(hamlet, tmp_path, capfd, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["capacity", hamlet.name, *words]) == 2
    *problems, count = capfd.readouterr().err.splitlines()
    assert problems == said
    assert count.endswith("; nothing was simulated.")
    assert not (tmp_path / "results").exists()


def test_the_corpus_of_mistakes_is_there():
    assert len(mistakes()) >= 30


def test_without_requirements_there_is_nothing_to_find(hamlet, capfd, tmp_path):
    hamlet.write_text(SCENARIO[: SCENARIO.index("requirements:")], encoding="utf-8")
    assert main(["capacity", str(hamlet), *VARY, "--out", str(tmp_path / "out")]) == 2
    assert capfd.readouterr().err.splitlines()[0] == (
        f"{hamlet}: has no 'requirements', so nothing can break; say what the meeting must meet"
    )


def test_a_wrong_scenario_is_said_as_ever(hamlet, capfd, tmp_path):
    hamlet.write_text(SCENARIO.replace("seed: 7", "sede: 7"), encoding="utf-8")
    assert main(["capacity", str(hamlet), *VARY, "--out", str(tmp_path / "out")]) == 2
    assert "did you mean 'seed'?" in capfd.readouterr().err


def test_an_unwritable_results_folder_is_said(hamlet, tmp_path, capfd):
    (tmp_path / "file").touch()
    assert main(["capacity", str(hamlet), *VARY, "--out", str(tmp_path / "file")]) == 2
    first, second = capfd.readouterr().err.splitlines()
    assert first == f"--out: cannot write results to '{tmp_path / 'file'}': Not a directory"
    assert second == "1 problem; nothing was simulated."


def children(process: int) -> set[int]:
    """Return the processes that a process started and that are still there."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    return {int(child) for child in listed.split()}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers through /proc")
def test_an_interrupted_study_keeps_its_points_and_goes_on_from_there(hamlet, tmp_path):
    arguments = ("capacity", hamlet, *VARY, "--out", tmp_path, "--duration", "4 min")
    begun = subprocess.Popen(
        command(*arguments, "--workers", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as a terminal does, so that the signal goes to all
    )
    try:
        deadline_s = time.monotonic() + 240
        while len(list(tmp_path.glob("capacity/hamlet/*/points/*.json"))) < 2:
            assert begun.poll() is None, begun.communicate()
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        worker = _worker_of(begun)
        os.killpg(begun.pid, signal.SIGINT)
        output, errors = begun.communicate(timeout=60)
    finally:
        begun.kill()
    (folder,) = (tmp_path / "capacity" / "hamlet").iterdir()
    kept = {path: path.stat().st_mtime_ns for path in (folder / "points").iterdir()}
    assert begun.returncode == 3
    assert output == ""
    assert errors.splitlines() == [
        f"{len(kept)} points are kept in {folder}; the same command goes on from there.",
        "Interrupted; nothing half-written is left.",
    ]
    assert 2 <= len(kept) < 5, "the study was over before it was interrupted"
    assert {path.name for path in folder.iterdir()} == {"points"}
    assert not Path(f"/proc/{worker}").exists()

    resumed = sim(*arguments)
    assert resumed.returncode == 0, resumed.stderr
    points = list((folder / "points").iterdir())
    simulated = len(points) - len(kept)
    assert f"{simulated} points simulated in" in resumed.stdout
    assert f"{len(kept)} were there already." in resumed.stdout
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert {path.name for path in folder.iterdir()} == FILES


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers through /proc")
def test_a_worker_that_dies_is_code_3_and_names_its_point(hamlet, tmp_path):
    begun = subprocess.Popen(
        command(
            "capacity", hamlet, *VARY, "--out", tmp_path, "--duration", "1 h", "--workers", "1"
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        victim = _worker_of(begun)
        os.kill(victim, signal.SIGKILL)
        output, errors = begun.communicate(timeout=60)
    finally:
        begun.kill()
    assert (begun.returncode, output) == (3, "")
    kept, failed = errors.splitlines()
    assert kept.endswith("the same command goes on from there.")
    assert failed == (
        "Failed: the worker at 1 Mbit/s was killed by SIGKILL, perhaps for want of memory: fewer "
        "--workers need less"
    )


def _worker_of(process: subprocess.Popen[str]) -> int:
    """Wait for the first worker of a study, and return its process."""
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        for child in children(process.pid):
            words = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"spawn_main" in words:
                return child
        time.sleep(0.02)
    raise AssertionError("no worker was started")


def test_the_live_line_says_what_matters_first():
    unknown = StudyProgress(done=0, expected=12, running={"1 Mbit/s": 0.031}, left_s=None)
    assert progress_line(unknown) == "0 of about 12 points; now 1 Mbit/s 3 %"
    paced = StudyProgress(done=9, expected=12, running={}, left_s=3725.2)
    assert progress_line(paced) == "9 of about 12 points, 1:02:05 left"
