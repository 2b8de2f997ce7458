"""The folder of a study: every point as soon as it is there, and the answer when all are.

Its name follows from the question and from what is asked, so the same command finds the points it
left behind. Each file is written aside and renamed; what a killed command left half-written is
removed by the next. One command at a time works in it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sim.studies.point import Point
from sim.studies.spec import Spec

STUDY = "capacity"
PARTIAL = ".partial-"
_LONGEST = 60


class StudyFolder:
    """Where one study keeps its points and its answer.

    Attributes
    ----------
    path : the folder
    damaged : names of point files that could not be used, in order of their numbers
    """

    path: Path
    damaged: list[str]

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.damaged = []
        self._points = path / "points"
        self._identity = identity

    def load(self) -> dict[Decimal, Point]:
        """Return the points that are there; of those that cannot be read the names are kept."""
        found: dict[Decimal, Point] = {}
        for file in sorted(self._points.glob("*.json")):
            try:
                number = Decimal(file.stem)
                found[number] = self._read(file, number)
            except (OSError, ValueError, ArithmeticError, KeyError, TypeError):
                self.damaged.append(file.name)
        return found

    def save(self, number: Decimal, point: Point) -> None:
        """Keep a point.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        body: dict[str, Any] = {
            "identity": self._identity,
            "number": f"{number:f}",
            "point": point.as_data(),
        }
        document = {"digest": _digest(body), **body}
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
        self.write_text(f"points/{number:f}.json", text)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder, whole or not at all.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        with self.writing(name) as aside:
            aside.write_text(text, encoding="utf-8")

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give a path to write to; what is there at the end of the block gets the file's name."""
        target = self.path / name
        aside = target.parent / f"{PARTIAL}{target.name}"
        try:
            yield aside
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all points and answers."""
        for entry in self.path.iterdir():
            _remove(entry)
        self._points.mkdir()

    def _read(self, file: Path, number: Decimal) -> Point:
        document = json.loads(file.read_text(encoding="utf-8"))
        digest = document.pop("digest")
        if digest != _digest(document) or document["identity"] != self._identity:
            raise ValueError("not what was written")
        if Decimal(document["number"]) != number:
            raise ValueError("another point's file")
        return Point.from_data(document["point"])


@contextmanager
def study_folder(out: Path, spec: Spec) -> Iterator[StudyFolder]:
    """Make or open the folder of a study, and keep others out while the block runs.

    Raises
    ------
    BlockingIOError
        If another command is at work in it.
    OSError
        If it cannot be made.
    """
    path = _study_path(out, spec)
    (path / "points").mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = f"another command is at work on this study, in '{path}'; wait for it"
            raise BlockingIOError(text) from None
        for stale in list(path.rglob(f"{PARTIAL}*")):
            _remove(stale)
        yield StudyFolder(path, spec.identity)
    finally:
        os.close(lock)


def is_begun(out: Path, spec: Spec) -> bool:
    """Return whether a command that asked the same has been at work before."""
    return _study_path(out, spec).is_dir()


def study_name(spec: Spec) -> str:
    """Return the name of a study's folder: what is varied, and a hash of all it rests on."""
    words = re.sub(r"[^A-Za-z0-9.]+", "-", spec.over.written.path).strip("-.")
    return f"{words[:_LONGEST]}-{spec.identity[:8]}"


def _study_path(out: Path, spec: Spec) -> Path:
    return out / STUDY / spec.scenario.name / study_name(spec)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink(missing_ok=True)


def _digest(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, allow_nan=False)
    return blake2b(text.encode(), digest_size=16).hexdigest()
