"""The live line: on a terminal only, and true."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sim.cli.live import live_line, progress_line
from sim.language.language import ENGLISH, Language
from sim.results.run import Progress
from sim.terminal import Reader

HALF = Progress(now_ns=30 * 10**9, duration_ns=60 * 10**9, packet_hops=2_000_000, rooms_dark=3)


def test_time_left_follows_from_the_pace():
    assert progress_line(HALF, 10.0).startswith("0:30 of 1:00, 0:10 left, 3 rooms dark")
    assert "3 × real time" in progress_line(HALF, 10.0)


def test_a_country_fits_a_narrow_terminal_but_for_the_work_done():
    late = Progress(
        now_ns=599 * 10**9, duration_ns=600 * 10**9, packet_hops=12_345_678_901, rooms_dark=9_811
    )
    kept = progress_line(late, 1200.0)[:60]
    assert kept.startswith("9:59 of 10:00, 0:02 left, 9,811 rooms dark, 0.499 × real ")


def test_at_the_beginning_no_pace_is_known():
    start = Progress(now_ns=0, duration_ns=60 * 10**9, packet_hops=0, rooms_dark=0)
    line = progress_line(start, 0.0)
    assert line.startswith("0:00 of 1:00, 0 rooms dark")
    assert "left" not in line
    assert "real time" not in line


def test_the_drain_is_not_more_than_the_whole():
    beyond = Progress(now_ns=61 * 10**9, duration_ns=60 * 10**9, packet_hops=0, rooms_dark=0)
    assert progress_line(beyond, 10.0).startswith("1:00 of 1:00")


def test_a_reader_of_vietnamese_sees_how_far_it_is():
    late = Progress(
        now_ns=599_500_000_000,
        duration_ns=600 * 10**9,
        packet_hops=12_345_678_901,
        rooms_dark=9_811,
    )
    assert progress_line(late, 1200.0, Language("vi")) == (
        "9:59,5 trên 10:00, còn 0:01, 9.811 điểm cầu mất tín hiệu, 0,5 × thời gian thực, "
        "12.346 triệu gói-chặng"
    )


@pytest.mark.parametrize(("terminal", "wanted"), [(False, True), (True, False), (False, False)])
def test_it_shows_nothing_where_nobody_looks(terminal, wanted):
    out = Console(file=io.StringIO(), force_terminal=terminal)
    with live_line(Reader(out, ENGLISH), wanted=wanted) as watch:
        watch(HALF)
    assert out.file.getvalue() == ""


def test_it_shows_one_line_on_a_terminal_and_leaves_none():
    out = Console(file=io.StringIO(), force_terminal=True, width=120)
    with live_line(Reader(out, ENGLISH), wanted=True, label="tiny (1 of 4): ") as watch:
        watch(HALF)
    written = out.file.getvalue()
    assert "tiny (1 of 4): 0:30 of 1:00, " in written
    assert "2 million packet-hops" in written
    # The last thing done is to erase the line.
    assert written.rstrip().endswith("\x1b[2K")
