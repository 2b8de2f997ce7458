"""`run`, as a user runs it: results, codes, messages, and what is left after an accident."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from sim.cli import main
from sim.cli.interrupts import AGAIN_S, Interrupted, Interrupts
from tests.cli.conftest import SCENARIO, command, sim


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run of the scenario, and the folder it wrote."""
    home = tmp_path_factory.mktemp("done")
    (home / "hamlet.yaml").write_text(SCENARIO, encoding="utf-8")
    answer = sim("run", home / "hamlet.yaml", "--out", home / "out", "--trace", "8001")
    assert answer.stderr == ""
    (folder,) = (home / "out" / "hamlet").iterdir()
    return answer, folder


OF_DARK = ("dark", "recovery", "faults")  # charts where rooms were dark


def test_it_reports_and_writes_its_folder(done):
    answer, folder = done
    assert answer.returncode == 0
    assert "hamlet: MET, 2 requirements" in answer.stdout
    assert "Phường Bến Nghé" in answer.stdout
    assert "1 of them was dark, for 1." in answer.stdout
    assert answer.stdout.strip().endswith(str(folder))
    assert "\x1b" not in answer.stdout
    assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{8}", folder.name)
    assert {path.name for path in folder.iterdir()} == {
        "summary.json",
        "scenario.yaml",
        "endpoints.parquet",
        "lines.parquet",
        "egresses.parquet",
        "sources.parquet",
        "streams.parquet",
        "turns.parquet",
        "quality.parquet",
        "faults.parquet",
        "timeline.parquet",
        "delays.parquet",
        "dark.parquet",
        "trace-8001.csv",
        *(
            f"{name}.{kind}"
            for name in ("capacity", "loss", "delay", "timeline", "map", *OF_DARK)
            for kind in ("png", "svg")
        ),
    }


def test_the_line_that_failed_is_the_one_that_lost(done):
    _, folder = done
    lines = pd.read_parquet(folder / "lines.parquet").query("direction == 'down'")
    outage = lines.set_index("site").lost_outage
    assert outage["8001"] > 0
    assert outage.drop("8001").sum() == 0
    trace = pd.read_csv(folder / "trace-8001.csv")
    lost = trace[trace.lost_cause == "outage"]
    assert len(lost) == outage["8001"]
    assert (lost.lost_where == "line 8001").all()
    assert lost.lost_at_ns.between(10**9, 2 * 10**9).all()


def test_both_engines_and_any_number_of_threads_give_one_fingerprint(hamlet, tmp_path, capfd):
    found = set()
    for i, options in enumerate(
        (["--engine", "packet"], ["--engine", "reference"], ["--threads", "2"])
    ):
        assert main(["run", str(hamlet), "--json", "--out", str(tmp_path / str(i)), *options]) == 0
        found.add(json.loads(capfd.readouterr().out)["fingerprint"])
    assert len(found) == 1


def test_json_is_the_summary_and_nothing_else(hamlet, tmp_path, capfd):
    assert main(["run", str(hamlet), "--out", str(tmp_path), "--json"]) == 0
    captured = capfd.readouterr()
    (folder,) = (tmp_path / "hamlet").iterdir()
    assert captured.out == (folder / "summary.json").read_text(encoding="utf-8")
    assert captured.err == ""
    assert json.loads(captured.out)["verdict"] == "met"


def test_quiet_prints_nothing(hamlet, tmp_path, capfd):
    assert main(["run", str(hamlet), "--out", str(tmp_path), "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


def test_the_same_run_again_stands_beside_the_first(hamlet, tmp_path):
    for _ in range(2):
        assert main(["run", str(hamlet), "--out", str(tmp_path), "--quiet"]) == 0
    first, second = sorted((tmp_path / "hamlet").iterdir())
    for path in first.iterdir():
        if path.name != "summary.json":
            assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_seed_and_duration_are_the_users(hamlet, tmp_path, capfd):
    options = ["--seed", "8", "--duration", "1500 ms"]
    main(["run", str(hamlet), "--out", str(tmp_path), "--json", *options])
    summary = json.loads(capfd.readouterr().out)
    assert (summary["seed"], summary["simulated_s"]) == (8, 1.5)
    (folder,) = (tmp_path / "hamlet").iterdir()
    resolved = (folder / "scenario.yaml").read_text(encoding="utf-8")
    assert "seed: 8\n" in resolved


def test_the_resolved_scenario_gives_the_same_results(done, tmp_path, capfd):
    _, folder = done
    main(["run", str(folder / "scenario.yaml"), "--out", str(tmp_path), "--json"])
    again = json.loads(capfd.readouterr().out)
    first = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert again["fingerprint"] == first["fingerprint"]


def test_a_missed_requirement_is_code_1(hamlet, tmp_path):
    hamlet.write_text(SCENARIO.replace("at most 80 %", "at most 1 %"), encoding="utf-8")
    answer = sim("run", hamlet, "--out", tmp_path / "out")
    assert answer.returncode == 1
    assert "hamlet: MISSED, 1 of 2 requirements" in answer.stdout


def test_bad_input_is_code_2_and_every_problem_is_said(hamlet, tmp_path):
    wrong = SCENARIO.replace("seed: 7", "sede: 7").replace("100 Mbit/s", "100 Mb")
    hamlet.write_text(wrong, encoding="utf-8")
    answer = sim("run", hamlet, "--out", tmp_path / "out")
    assert answer.returncode == 2
    assert answer.stdout == ""
    lines = answer.stderr.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith(f"{hamlet}:") for line in lines[:-1])
    assert lines[-1] == f"{len(lines) - 1} problems; nothing was simulated."
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trace", "79011"], "--trace: no site '79011'; did you mean '7901'?"),
        (["--trace", "vn"], "--trace: site 'vn' has no room"),
        (["--duration", "5"], "--duration: '5' needs a unit, such as '5 ms'"),
        (["--duration", "0 s"], "--duration: must be positive"),
    ],
)
def test_a_wrong_option_is_said_like_a_wrong_scenario(hamlet, tmp_path, capfd, options, message):
    assert main(["run", str(hamlet), "--out", str(tmp_path / "out"), *options]) == 2
    assert capfd.readouterr().err.splitlines() == [message, "1 problem; nothing was simulated."]
    assert not (tmp_path / "out").exists()


def test_wrong_options_and_a_wrong_scenario_are_said_together(hamlet, tmp_path, capfd):
    hamlet.write_text(SCENARIO.replace("fail: line/8001", "fail: line/800"), encoding="utf-8")
    assert main(["run", str(hamlet), "--out", str(tmp_path / "out"), "--duration", "7"]) == 2
    first, second, count = capfd.readouterr().err.splitlines()
    assert first.startswith("--duration: '7' needs a unit")
    assert "no site '800'" in second
    assert count == "2 problems; nothing was simulated."


@pytest.mark.parametrize(
    "options",
    [["--threads", "0"], ["--seed", "-1"], ["--engine", "fast"], ["--nonsense"], ["one", "two"]],
)
def test_usage_errors_are_code_2(hamlet, options, capfd):
    assert main(["run", str(hamlet), *options]) == 2
    assert "Error" in capfd.readouterr().err


def test_a_missing_file_is_one_line(tmp_path, capfd):
    assert main(["run", str(tmp_path / "none.yaml"), "--out", str(tmp_path)]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "none.yaml" in lines[0]


def test_an_unwritable_results_folder_is_said_before_the_simulation(
    hamlet, tmp_path, capfd, monkeypatch
):
    def simulate(*_, **__):
        raise AssertionError("simulated")

    monkeypatch.setattr("sim.simulation.simulate", simulate)
    (tmp_path / "file").touch()
    assert main(["run", str(hamlet), "--out", str(tmp_path / "file")]) == 2
    first, second = capfd.readouterr().err.splitlines()
    assert first.startswith("--out: cannot write results to ")
    assert second == "1 problem; nothing was simulated."


def test_a_defect_is_code_3_and_leaves_no_folder(hamlet, tmp_path, capfd, monkeypatch):
    def draw_charts(*_, **__):
        raise RuntimeError("no ink")

    monkeypatch.setattr("sim.plots.charts.draw_charts", draw_charts)
    assert main(["run", str(hamlet), "--out", str(tmp_path)]) == 3
    assert list((tmp_path / "hamlet").iterdir()) == []
    assert capfd.readouterr().err.splitlines()[-1] == "Failed: no ink"


def test_a_full_disk_is_code_3_without_a_traceback(hamlet, tmp_path, capfd, monkeypatch):
    def write(*_, **__):
        raise OSError(28, "No space left on device", "endpoints.parquet")

    monkeypatch.setattr("sim.results.files.write", write)
    assert main(["run", str(hamlet), "--out", str(tmp_path)]) == 3
    (line,) = capfd.readouterr().err.splitlines()
    assert "No space left on device" in line


@pytest.mark.parametrize(
    ("engine", "number"),
    [
        ("reference", signal.SIGINT),
        ("reference", signal.SIGTERM),
        ("reference", signal.SIGHUP),
        # The kernels are compiled first, in callbacks that swallow exceptions.
        ("packet", signal.SIGTERM),
    ],
)
def test_a_signal_in_mid_run_leaves_no_half_written_folder(hamlet, tmp_path, engine, number):
    out = tmp_path / "out"
    run = subprocess.Popen(
        command("run", hamlet, "--out", out, "--duration", "10 h", "--engine", engine),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kernels")},
    )
    try:
        deadline_s = time.monotonic() + 60
        while not list(out.glob("hamlet/.partial-*")):
            assert run.poll() is None, run.communicate()
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        time.sleep(2)
        run.send_signal(number)
        output, errors = run.communicate(timeout=100)
    finally:
        run.kill()
    assert run.returncode == 3
    assert output == ""
    assert errors.endswith("Interrupted; nothing half-written is left.\n")
    assert list((out / "hamlet").iterdir()) == []


def test_a_failure_after_a_swallowed_signal_is_called_an_interruption(hamlet, monkeypatch, capsys):
    def stopped_in_a_hook(*arguments):
        with suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        raise RuntimeError("no compiled object yet")

    monkeypatch.setattr("sim.cli.run.run", stopped_in_a_hook)
    assert main(["run", str(hamlet)]) == 3
    assert capsys.readouterr().err == "Interrupted; nothing half-written is left.\n"


def test_a_signal_that_python_swallowed_is_not_forgotten():
    interrupts = Interrupts()
    with interrupts.listening():
        interrupts.check()
        with suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
            pytest.fail("the signal was not heard")
        with pytest.raises(Interrupted):
            interrupts.check()
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        interrupts.hold()
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_that_python_swallowed_is_raised_again():
    interrupts = Interrupts()
    with interrupts.listening():
        with suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(2):
            with pytest.raises(Interrupted):
                time.sleep(60)
        interrupts.hold()
        time.sleep(2 * AGAIN_S)


@pytest.mark.parametrize("how", ["run --json", "run", "validate", "validate --resolved", "schema"])
def test_a_reader_that_goes_away_changes_no_exit_code(hamlet, tmp_path, how):
    words = how.split()
    if words[0] != "schema":
        words.insert(1, str(hamlet))
    if words[0] == "run":
        words += ["--out", str(tmp_path / "o")]
    # `false` reads nothing and is gone before the first word is written.
    shell = f"{shlex.join(command(*words))} | false; echo ${{PIPESTATUS[0]}}"
    answer = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert answer.stderr == ""
    assert answer.stdout == "0\n"


@pytest.mark.parametrize("how", ["run --json --out {}", "validate --resolved"])
def test_text_for_programs_is_utf8_on_any_terminal(hamlet, tmp_path, how):
    verb, *options = how.format(tmp_path / "o").split()
    answer = subprocess.run(
        command(verb, hamlet, *options),
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert answer.returncode == 0
    text = answer.stdout.decode("utf-8")
    assert "Thành phố Hồ Chí Minh" in text or "Phường" in text
    assert "\\x" not in text


@pytest.mark.parametrize("how", ["run --quiet", "validate", "validate --resolved", "schema"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_changes_no_exit_code(hamlet, tmp_path, how, closed):
    words = how.split()
    if words[0] != "schema":
        words.insert(1, str(hamlet))
    if words[0] == "run":
        words += ["--out", str(tmp_path / "o"), "--engine", "reference"]
    answer = subprocess.run(["bash", "-c", f"{shlex.join(command(*words))} {closed}"], check=False)
    assert answer.returncode == 0


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>&-"])
def test_errors_that_cannot_be_printed_keep_their_exit_code(tmp_path, stream):
    """1 would say that a requirement is missed."""
    shell = f"{shlex.join(command('validate', tmp_path / 'none.yaml'))} {stream}"
    assert subprocess.run(["bash", "-c", shell], check=False).returncode == 2


def test_a_full_disk_behind_stdout_is_a_failure_of_one_line(hamlet):
    shell = f"{shlex.join(command('validate', hamlet))} >/dev/full"
    answer = subprocess.run(["bash", "-c", shell], stderr=subprocess.PIPE, text=True, check=False)
    assert answer.returncode == 3
    assert answer.stderr == "Failed: [Errno 28] No space left on device\n"


def test_a_disk_that_takes_no_more_leaves_no_half_written_folder(hamlet, tmp_path):
    """No file may grow beyond 10 kB: as on a full disk, some are written and one is not."""
    out = tmp_path / "out"
    answer = subprocess.run(
        command("run", hamlet, "--out", out, "--engine", "reference"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 3
    assert answer.stdout == ""
    (line,) = answer.stderr.splitlines()
    assert line.startswith("Failed: ")
    assert "File too large" in line
    assert list((out / "hamlet").iterdir()) == []


def test_a_results_folder_without_permission_is_said_before_the_simulation(
    hamlet, tmp_path, capfd, monkeypatch
):
    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert main(["run", str(hamlet), "--out", str(tmp_path / "out")]) == 2
    first, _ = capfd.readouterr().err.splitlines()
    assert first == f"--out: cannot write results to '{tmp_path}/out/hamlet': Permission denied"
