"""A results folder that is written whole or not at all.

Everything is written into a folder `.partial-…` beside the others, which is renamed when it is
complete and removed when something goes wrong. Whoever writes one holds a lock on it, so that
what a killed run left behind is known by its lock being free, and is removed by the next run.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_PARTIAL = ".partial-"
# As `run_name` and `publish` make them.
RUN_NAME = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}(-\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A folder being written.

    Attributes
    ----------
    path : where to write
    """

    path: Path

    def publish(self, name: str) -> Path:
        """Give the complete folder its name, or the next free one; return where it is now."""
        number, target = 1, self.path.parent / name
        while target.exists():
            number += 1
            target = self.path.parent / f"{name}-{number}"
        # mkdtemp lets nobody else look.
        self.path.chmod(0o777 & ~_umask())
        return self.path.rename(target)


@contextmanager
def stage(out: Path, scenario: str) -> Iterator[Staged]:
    """Make a folder to write the results of one run into, under `out/scenario`.

    It is gone at the end of the block unless it was published.

    Raises
    ------
    OSError
        If no folder can be made there.
    """
    home = out / scenario
    home.mkdir(parents=True, exist_ok=True)
    _remove_stale(home)
    path, lock = _locked(home)
    try:
        yield Staged(path=path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def run_name(created: datetime, fingerprint: str) -> str:
    """Return the name of a run's folder: when, and what came out."""
    return f"{created:%Y%m%dT%H%M%S}-{fingerprint[:8]}"


def _locked(home: Path) -> tuple[Path, int]:
    """Return a new folder and a descriptor that holds its lock."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=home))
        # Until it is locked, another run may take it for stale and remove it.
        with suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)


def _remove_stale(home: Path) -> None:
    for path in home.glob(f"{_PARTIAL}*"):
        try:
            lock = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass  # being written by another run
        finally:
            os.close(lock)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
