"""`plot`, as a user runs it: the same charts, in another language or folder, and bad input."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from sim.cli import main
from sim.plots.names import Chart
from tests.cli.conftest import SCENARIO, sim

# Nobody joins during that meeting.
DRAWN = [chart for chart in Chart if chart != "joins"]
FILES = sorted(f"{chart.value}.{kind}" for chart in DRAWN for kind in ("png", "svg"))
NOTES = [
    "No chart 'joins': all rooms are there from beginning to end.",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A results root with one run, and its folder."""
    home = tmp_path_factory.mktemp("plot")
    (home / "hamlet.yaml").write_text(SCENARIO, encoding="utf-8")
    assert main(["run", str(home / "hamlet.yaml"), "--out", str(home / "out"), "--quiet"]) == 0
    return home


@pytest.fixture
def run(home, tmp_path):
    """A copy of that run, which a test may spoil."""
    (folder,) = (home / "out" / "hamlet").iterdir()
    return shutil.copytree(folder, tmp_path / "hamlet" / folder.name)


def test_it_draws_what_the_run_drew(run, tmp_path, capfd):
    assert main(["plot", str(run), "--out", str(tmp_path / "again")]) == 0
    captured = capfd.readouterr()
    assert captured.err == ""
    printed = captured.out.splitlines()
    assert sorted(printed[: -len(NOTES)]) == [str(tmp_path / "again" / name) for name in FILES]
    assert printed[-len(NOTES) :] == NOTES
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == FILES


def test_the_newest_run_of_a_scenario_is_redrawn_where_it_is(run, capfd):
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    (run / "loss.png").unlink()
    (run / "map.svg").write_text("spoilt", encoding="utf-8")
    assert main(["plot", str(run.parent), "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_only_the_charts_asked_for_are_drawn(run, tmp_path, capfd):
    arguments = [
        "--chart",
        "map",
        "--chart",
        "loss",
        "--chart",
        "map",
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(["plot", str(run), *arguments]) == 0
    names = [line.rsplit("/", 1)[1] for line in capfd.readouterr().out.splitlines()]
    assert names == ["map.png", "map.svg", "loss.png", "loss.svg"]
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == sorted(names)


def test_charts_are_in_the_language_asked_for(run, tmp_path, monkeypatch):
    assert main(["plot", str(run), "--lang", "vi", "--out", str(tmp_path / "vi")]) == 0
    assert "Độ trễ một chiều theo cấp" in (tmp_path / "vi" / "delay.svg").read_text("utf-8")
    monkeypatch.setenv("SIM_LANG", "vi")
    assert main(["plot", str(run), "--quiet", "--out", str(tmp_path / "again")]) == 0
    for name in FILES:
        assert (tmp_path / "vi" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_run_draws_in_its_language(home, tmp_path):
    scenario = str(home / "hamlet.yaml")
    assert main(["run", scenario, "--out", str(tmp_path), "--lang", "vi", "--quiet"]) == 0
    (folder,) = (tmp_path / "hamlet").iterdir()
    assert "Diễn biến cuộc họp" in (folder / "timeline.svg").read_text("utf-8")


def test_what_cannot_be_drawn_is_said_in_a_line(home, tmp_path, capfd):
    nowhere = SCENARIO.replace("lat, lon, region", "region")
    for place in ("21.03, 105.85, ", "10.78, 106.69, ", "10.53, 106.41, ", "10.79, 106.70, "):
        nowhere = nowhere.replace(place, "")
    nowhere = nowhere.replace("10.54, 106.41, ", "")
    nowhere = nowhere.replace("  route: {factor: 1.5, per_km: 4.9 us}\n", "")
    nowhere = nowhere.replace("buffer: 50 ms}", "buffer: 50 ms, delay: 1 ms}")
    nowhere = nowhere.replace("loss: 1 %}", "loss: 1 %, delay: 1 ms}")
    path = tmp_path / "hamlet.yaml"
    path.write_text(nowhere, encoding="utf-8")
    assert main(["run", str(path), "--out", str(tmp_path / "out")]) == 0
    assert capfd.readouterr().out.splitlines()[-2] == "No map: no room has a position."
    (folder,) = (tmp_path / "out" / "hamlet").iterdir()
    assert not (folder / "map.png").exists()
    assert main(["plot", str(folder), "--chart", "map", "--lang", "vi"]) == 0
    said = "Không có bản đồ: không điểm cầu nào có tọa độ."
    assert capfd.readouterr().out.splitlines() == [said]


def error_of(capfd):
    captured = capfd.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_a_folder_that_is_not_there_is_code_2(tmp_path, capfd):
    assert main(["plot", str(tmp_path / "none")]) == 2
    assert error_of(capfd) == [f"{tmp_path / 'none'}: does not exist"]


def test_a_foreign_folder_is_code_2(tmp_path, capfd):
    (tmp_path / "holiday.png").touch()
    assert main(["plot", str(tmp_path)]) == 2
    assert error_of(capfd) == [
        f"{tmp_path}: is no results folder: it has no summary.json, and no run in it"
    ]


def test_a_results_root_is_code_2_and_says_how_to_go_on(run, capfd):
    root = run.parent.parent
    assert main(["plot", str(root)]) == 2
    assert error_of(capfd) == [
        f"{root}: holds scenarios, not runs; name one, such as {root / 'hamlet'}"
    ]


def test_a_damaged_run_is_code_2_and_nothing_is_drawn(run, tmp_path, capfd):
    (run / "lines.parquet").write_bytes(b"PAR1")
    (run / "delays.parquet").unlink()
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    del summary["simulated_s"]
    (run / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    assert main(["plot", str(run), "--out", str(tmp_path / "out")]) == 2
    older = "run the scenario again if it was written by an older version"
    assert error_of(capfd) == [
        f"{run}/summary.json: lacks 'simulated_s'; {older}",
        f"{run}/lines.parquet: is not a table of results, or damaged",
        f"{run}/delays.parquet: does not exist",
    ]
    assert not (tmp_path / "out").exists()


def test_names_in_messages_are_escaped(tmp_path, capfd):
    name = tmp_path / "x\x1b[2J"
    assert main(["plot", str(name)]) == 2
    assert error_of(capfd) == [f"{tmp_path}/x\\x1b[2J: does not exist"]


def test_a_place_that_cannot_be_written_to_is_code_2(run, tmp_path, capfd):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "charts"
    assert main(["plot", str(run), "--out", str(target)]) == 2
    assert error_of(capfd) == [f"--out: cannot write charts to '{target}': Not a directory"]


@pytest.mark.parametrize(
    "options", [["--chart", "pie"], ["--lang", "fr"], ["--nonsense"], ["one", "two"]]
)
def test_usage_errors_are_code_2(run, options, capfd):
    assert main(["plot", str(run), *options]) == 2
    assert "Error" in capfd.readouterr().err


def test_a_full_disk_leaves_the_old_charts(run, capfd, monkeypatch):
    before = {path.name: path.read_bytes() for path in run.iterdir()}

    def save(figure, folder, name):
        (folder / f"{name}.png").write_bytes(b"half")
        if name == "delay":
            raise OSError(28, "No space left on device", str(folder))
        return [folder / f"{name}.png"]

    monkeypatch.setattr("sim.plots.style.save", save)
    monkeypatch.setattr("sim.plots.charts.DRAWERS", dict.fromkeys(Chart, lambda *_: object()))
    assert main(["plot", str(run)]) == 3
    assert "No space left on device" in capfd.readouterr().err
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_it_runs_as_a_program(run):
    answer = sim("plot", run, "--chart", "delay", COLUMNS="20")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines() == [str(run / "delay.png"), str(run / "delay.svg")]
    assert os.stat(run / "delay.png").st_mode & 0o777 == os.stat(run / "loss.png").st_mode & 0o777
