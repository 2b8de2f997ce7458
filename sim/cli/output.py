"""Standard output: text for machines as it is, and readers that may leave."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def write_exactly(text: str) -> None:
    """Write text that a program reads: in UTF-8, whatever the terminal is said to understand."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """Give up what the block still has to say when nobody reads it any more (`| head`).

    That is no failure: the exit code says what the command found.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # So that Python does not complain of what is still in its buffer at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
