"""A results folder appears whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from sim.results.folder import run_name, stage


def test_it_appears_when_it_is_published(tmp_path):
    with stage(tmp_path / "results", "tiny") as staged:
        (staged.path / "summary.json").write_text("{}")
        assert staged.path.parent == tmp_path / "results" / "tiny"
        folder = staged.publish("run")
        assert folder == tmp_path / "results" / "tiny" / "run"
    assert [path.name for path in folder.parent.iterdir()] == ["run"]
    assert (folder / "summary.json").read_text() == "{}"
    assert folder.stat().st_mode & 0o777 == 0o777 & ~current_umask()


def test_a_run_never_overwrites_another(tmp_path):
    for expected in ("run", "run-2", "run-3"):
        with stage(tmp_path, "tiny") as staged:
            assert staged.publish("run").name == expected


def test_an_exception_leaves_nothing(tmp_path):
    def fail_half_way():
        with stage(tmp_path, "tiny") as staged:
            (staged.path / "half.parquet").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert list((tmp_path / "tiny").iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path):
    program = (
        "import os, signal, sys; from pathlib import Path; from sim.results.folder import stage\n"
        "with stage(Path(sys.argv[1]), 'tiny') as staged:\n"
        "    (staged.path / 'half').touch(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert run.returncode == -signal.SIGKILL
    (stale,) = (tmp_path / "tiny").iterdir()
    assert stale.name.startswith(".partial-")
    with stage(tmp_path, "tiny") as staged:
        assert not stale.exists()
        assert staged.path.exists()


def test_a_run_that_is_going_on_is_left_alone(tmp_path):
    with stage(tmp_path, "tiny") as first, stage(tmp_path, "tiny") as second:
        assert first.path != second.path
        assert first.path.exists()
        first.publish("one")
        second.publish("two")
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == ["one", "two"]


def test_a_place_that_cannot_be_written_is_an_error_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"), stage(tmp_path / "file", "tiny"):
        pass


def test_the_name_tells_when_and_what():
    created = datetime(2021, 9, 5, 8, 30, tzinfo=UTC)
    assert run_name(created, "0123456789abcdef") == "20210905T083000-01234567"


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
