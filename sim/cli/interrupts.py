"""Signals that ask a run to stop: heard at once, and not lost where Python swallows exceptions.

An exception raised by a handler may land in a callback of a library (a weak reference, a
compiler's hook), where Python prints it and goes on. So a signal is remembered, and raised again
until something is stopped by it; a run also asks for it after every span and before it publishes.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN_S = 0.5  # after the exception: longer than it takes to unwind a run, if it was not swallowed


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP. Not a KeyboardInterrupt, which Typer would take for its own."""


class Interrupts:
    """The signals of one command; `heard` says whether any came.

    Every signal raises `Interrupted`, the second as the first, and again every `AGAIN_S`, but
    while cleaning up goes on: then they are only remembered.
    """

    def __init__(self) -> None:
        self.heard = False
        self._held = False

    def check(self) -> None:
        """Raise `Interrupted` if a signal came, also one whose exception was swallowed."""
        if self.heard:
            raise Interrupted

    def hold(self) -> None:
        """Let the clean-up that follows be undisturbed."""
        self._held = True
        signal.setitimer(signal.ITIMER_REAL, 0)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear signals as long as the block runs; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        heard = (*SIGNALS, signal.SIGALRM)
        before = [signal.signal(number, self._hear) for number in heard]
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in zip(heard, before, strict=True):
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.heard = True
        if not self._held:
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
            raise Interrupted
