"""The live line of a run: how far it is, how fast, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.live import Live
from rich.text import Text

from sim.language.language import ENGLISH, Language
from sim.results.clock import clock
from sim.results.run import Progress
from sim.terminal import Reader

NS_PER_S = 10**9
Watch = Callable[[Progress], None]


def starting(language: Language) -> str:
    """Return what stands on the live line before there is progress."""
    return language.say("Starting … (the first run ever compiles its kernels: a minute or two)")


def progress_line(progress: Progress, wall_s: float, language: Language = ENGLISH) -> str:
    """Return the live line.

    Parameters
    ----------
    wall_s : seconds since the run began

    Examples
    --------
    >>> seen = Progress(
    ...     now_ns=150 * 10**9, duration_ns=600 * 10**9, packet_hops=1_234_567_890, rooms_dark=12
    ... )
    >>> progress_line(seen, 5.0)
    '2:30 of 10:00, 0:15 left, 12 rooms dark, 30 × real time, 1,235 million packet-hops'
    """
    done_ns = min(progress.now_ns, progress.duration_ns)
    left_ns = progress.duration_ns - done_ns
    paced = wall_s > 0 and done_ns > 0
    say, figure = language.say, language.figure
    done, whole = figure(clock(done_ns)), figure(clock(progress.duration_ns))
    # What matters most comes first: a narrow terminal cuts the end.
    parts = [say("{done} of {whole}", done=done, whole=whole)]
    if paced:
        left_s = round(wall_s * left_ns / done_ns)
        parts.append(say("{time} left", time=clock(left_s * NS_PER_S)))
    parts.append(say("{n} rooms dark", n=figure(f"{progress.rooms_dark:,}")))
    if paced:
        pace = figure(f"{done_ns / NS_PER_S / wall_s:,.3g}")
        parts.append(say("{pace} × real time", pace=pace))
    millions = figure(f"{progress.packet_hops / 1e6:,.0f}")
    parts.append(say("{n} million packet-hops", n=millions))
    return ", ".join(parts)


@contextmanager
def live_line(reader: Reader, *, wanted: bool, label: str = "") -> Iterator[Watch]:
    """Give a watcher that keeps one line up to date while the block runs; it begins with `label`.

    It shows nothing where it is not wanted or there is no terminal, and leaves nothing behind.
    """
    if not (wanted and reader.out.is_terminal):
        yield lambda progress: None
        return
    began_s = time.monotonic()
    first = Text(label + starting(reader.language))
    with Live(first, console=reader.out, refresh_per_second=8, transient=True) as live:

        def watch(progress: Progress) -> None:
            line = label + progress_line(progress, time.monotonic() - began_s, reader.language)
            live.update(Text(line, no_wrap=True, overflow="ellipsis"))

        yield watch
