"""Files of a scenario: read whole, as UTF-8, and only from the scenario's own folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sim.units import format_size

MAX_FILE_BYTES = 256 * 1024**2


class UnreadableError(Exception):
    """A file that cannot be taken; the text says why."""


def read_text(path: Path) -> str:
    """Return the text of a regular file.

    Raises
    ------
    UnreadableError
        If it is missing, no regular file, larger than `MAX_FILE_BYTES`, or not UTF-8 text.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UnreadableError("is not a regular file")
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableError("does not exist") from None
    except IsADirectoryError:
        raise UnreadableError("is a folder, not a file") from None
    except ValueError:
        raise UnreadableError("the name has a NUL character") from None
    except OSError as error:
        raise UnreadableError(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableError(f"is larger than the limit of {format_size(MAX_FILE_BYTES)}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableError(
            f"is not UTF-8 text: line {line} has the byte {data[error.start]:#04x}"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UnreadableError(f"is not text: line {line} has a NUL character")
    return text


def inside(folder: Path, name: str) -> Path:
    """Return the path of the file `name` in `folder` or below it.

    Raises
    ------
    UnreadableError
        If the name leads elsewhere, be it by `..`, from the root or through a symbolic link.
    """
    try:
        path = folder / name
        if Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
            raise UnreadableError("lies outside the scenario's folder; copy it there")
    except (ValueError, OSError, RuntimeError):
        raise UnreadableError("is not a usable file name") from None
    return path
