"""The live line of a run: how far it is, how fast, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sim.results.clock import clock
from sim.results.run import Progress

NS_PER_S = 10**9
STARTING = "Starting … (the first run ever compiles its kernels: a minute or two)"
Watch = Callable[[Progress], None]


def progress_line(progress: Progress, wall_s: float) -> str:
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
    # What matters most comes first: a narrow terminal cuts the end.
    parts = [f"{clock(done_ns)} of {clock(progress.duration_ns)}"]
    if paced:
        left_s = round(wall_s * left_ns / done_ns)
        parts.append(f"{clock(left_s * NS_PER_S)} left")
    parts.append(f"{progress.rooms_dark:,} rooms dark")
    if paced:
        parts.append(f"{done_ns / NS_PER_S / wall_s:,.3g} × real time")
    parts.append(f"{progress.packet_hops / 1e6:,.0f} million packet-hops")
    return ", ".join(parts)


@contextmanager
def live_line(out: Console, *, wanted: bool) -> Iterator[Watch]:
    """Give a watcher that keeps one line up to date while the block runs.

    It shows nothing where it is not wanted or there is no terminal, and leaves nothing behind.
    """
    if not (wanted and out.is_terminal):
        yield lambda progress: None
        return
    began_s = time.monotonic()
    with Live(Text(STARTING), console=out, refresh_per_second=8, transient=True) as live:

        def watch(progress: Progress) -> None:
            line = progress_line(progress, time.monotonic() - began_s)
            live.update(Text(line, no_wrap=True, overflow="ellipsis"))

        yield watch
