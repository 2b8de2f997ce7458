"""Help: at once, and with examples."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import sim

ROOT = Path(__file__).parent.parent.parent
COMMANDS = ("run", "check", "capacity", "plot", "validate", "schema")


def test_the_commands_are_listed():
    answer = sim("--help")
    assert answer.returncode == 0
    assert all(f"  {command} " in answer.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_examples(command):
    answer = sim(command, "--help")
    assert answer.returncode == 0
    assert "Example" in answer.stdout
    assert f"python -m sim {command}" in answer.stdout


def test_run_has_all_its_options():
    text = sim("run", "--help").stdout
    options = "--out --seed --duration --threads --engine --trace --quiet --json"
    assert all(option in text for option in options.split())
    assert "packet" in text
    assert "reference" in text


def test_capacity_has_all_its_options():
    text = sim("capacity", "--help").stdout
    options = "--vary --over --tolerance --points --out --seed --duration --workers --fresh"
    assert all(option in text for option in (*options.split(), "--lang", "--quiet", "--json"))


def test_without_a_command_there_is_help():
    answer = sim()
    assert answer.returncode == 2
    assert "Usage" in answer.stdout + answer.stderr


HEAVY = {"numpy", "numba", "matplotlib", "pyarrow", "simpy", "ruamel.yaml"}


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        ([], HEAVY | {"pydantic"}),
        # Typer itself reads the options of a command with pydantic.
        (["run"], HEAVY),
        (["check"], HEAVY),
        (["capacity"], HEAVY),
        (["plot"], HEAVY),
        (["validate"], HEAVY),
        (["schema"], HEAVY),
    ],
)
def test_help_imports_nothing_heavy(arguments, heavy):
    code, modules = imported(*arguments, "--help")
    assert code == "0"
    assert "typer" in modules
    assert heavy & modules == set()


def test_no_scenario_is_read_with_numba(tmp_path):
    """Whether it is right or wrong is said without what only a simulation needs."""
    simulating = {"numba", "matplotlib", "pyarrow", "simpy"}
    code, modules = imported("validate", ROOT / "scenarios" / "tiny.yaml")
    assert code == "0"
    assert simulating & modules == set()
    (tmp_path / "wrong.yaml").write_text("nam: wrong\n", encoding="utf-8")
    code, modules = imported("run", tmp_path / "wrong.yaml")
    assert code == "2"
    assert simulating & modules == set()
    question = ("--vary", "streams.video.rate", "--over", "1..4")
    code, modules = imported("capacity", ROOT / "scenarios" / "tiny.yaml", *question)
    assert code == "2"
    assert simulating & modules == set()


def imported(*arguments):
    """Return the exit code of a command, and all modules it imported."""
    program = (
        "import sys\n"
        "from sim.cli import main\n"
        "code = main(sys.argv[1:])\n"
        "print(code, *sys.modules)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    code, *modules = answer.stdout.splitlines()[-1].split()
    return code, set(modules)


def test_the_examples_of_help_run(tmp_path, monkeypatch):
    """All but the long ones; `jq` may not be there."""
    monkeypatch.chdir(ROOT)
    lines = [line.strip() for verb in COMMANDS for line in sim(verb, "--help").stdout.splitlines()]
    examples = [line for line in lines if line.startswith("python -m sim ")]
    assert len(examples) >= 7
    for line in examples:
        if "national" in line or "province" in line:
            continue
        arguments = shlex.split(
            line.removeprefix("python -m sim ").partition("|")[0].partition(">")[0]
        )
        if arguments[0] in ("run", "capacity"):
            arguments += ["--out", str(tmp_path)]
        assert sim(*arguments).returncode == 0, line
