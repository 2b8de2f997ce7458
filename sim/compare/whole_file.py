"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text in UTF-8 beside its file, then put it in the file's place.

    What is there and no file, such as a pipe, is written to.

    Raises
    ------
    OSError
        If it cannot be written; a file that was there before stays.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    aside = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        with aside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def why_not(path: Path) -> str:
    """Return why a file could not be written there; empty if it could, as far as one can tell."""
    if path.is_dir():
        return "is a folder, not a file"
    if not path.parent.is_dir():
        return f"there is no folder '{path.parent}'"
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return "permission denied"
    return ""
