"""The report: true figures, names as they are, and nothing a terminal would obey."""

from __future__ import annotations

import dataclasses
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from sim.language.language import ENGLISH, Language
from sim.metrics.measures import DarkIntervals
from sim.report import page
from sim.report.lines import worst_egresses, worst_lines
from sim.results.fault_figures import touched
from sim.scenario.model import FOREVER_NS
from sim.terminal import Reader
from tests.results.conftest import FAULTS, unexplained, with_many_turns


@pytest.fixture
def plain():
    return Console(file=io.StringIO(), width=160, no_color=True)


def text_of(results, out, language=ENGLISH):
    page.print_report(results, Path("results/small/run"), Reader(out, language))
    return out.file.getvalue()


def test_it_begins_with_the_verdict_and_ends_with_the_folder(results, plain):
    lines = text_of(results, plain).strip().splitlines()
    assert lines[0] == "small: MISSED, 1 of 5 requirements"
    assert lines[-1] == "Results: results/small/run"


def test_it_is_plain_where_there_is_no_terminal(results, plain):
    text = text_of(results, plain)
    assert "\x1b" not in text
    assert "─" not in text


def test_it_is_coloured_on_a_terminal_unless_it_must_not_be(results, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = Console(file=io.StringIO(), force_terminal=True, width=160)
    assert "\x1b[1;31m" in text_of(results, coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Console(file=io.StringIO(), force_terminal=True, width=160)
    assert "\x1b[1;31m" not in text_of(results, plain)


def test_what_relays_did_not_pass_on_is_said_only_where_there_is_any(talk_results, plain):
    assert "unselected" not in text_of(talk_results, plain)
    measures = talk_results.measures
    cam = measures.sources.stream == talk_results.measures.streams.index("cam")
    sources = dataclasses.replace(
        measures.sources,
        unselected=np.where(cam, measures.sources.sent // 4, 0),
        composed=np.where(cam, measures.sources.sent // 2, 0),
    )
    stopped = dataclasses.replace(
        talk_results, measures=dataclasses.replace(measures, sources=sources)
    )
    out = Console(file=io.StringIO(), width=200, no_color=True)
    rows = [line.split() for line in text_of(stopped, out).splitlines()]
    (cam_row,) = (row for row in rows if row[:2] == ["cam", "up"])
    assert [float(cell) for cell in cam_row[4:6]] == pytest.approx([25, 50], rel=0.02)
    (down,) = (row for row in rows if row[:2] == ["video", "down"])
    assert down[4:6] == [down[4]] * 2
    assert not down[4][0].isdigit()


def test_the_worst_lines_lost_most(results):
    order = worst_lines(results)
    assert len(order) == 10
    assert 0 not in order
    lines = results.measures.lines
    loss = lines.lost[:, 1:].sum(axis=1) / np.maximum(lines.offered, 1)
    others = np.setdiff1d(np.arange(1, len(results.network.sites)), order)
    assert (np.diff(loss[order]) <= 0).all()
    assert loss[order].min() >= loss[others].max()


def test_without_loss_the_fullest_lines_are_the_worst(results):
    measures = results.measures
    lines = dataclasses.replace(measures.lines, lost=np.zeros_like(measures.lines.lost))
    calm = dataclasses.replace(results, measures=dataclasses.replace(measures, lines=lines))
    busy = measures.lines.utilisation[worst_lines(calm)]
    assert (np.diff(busy) <= 0).all()
    assert busy[0] == measures.lines.utilisation.max()


def test_a_line_of_no_carrier_and_class_is_named_by_its_place(results, plain):
    lines = tuple(
        None if line is None else dataclasses.replace(line, carrier="", access_class="")
        for line in results.network.lines
    )
    network = dataclasses.replace(results.network, lines=lines)
    text = text_of(dataclasses.replace(results, network=network), plain)
    rows = text.split("worst lines")[1].splitlines()[3:13]
    assert len(rows) == 10
    assert not any("(" in row for row in rows)


def test_worst_egresses_are_shared_ones(results):
    order = worst_egresses(results)
    assert len(order) == 5
    assert not np.isnan(results.measures.egresses.utilisation[order]).any()


def test_rooms_below_a_fault_are_counted_once(results):
    network = results.network
    fault = dataclasses.replace(FAULTS[0], lines=("79400", "80"), relays=("794",), rooms=("79",))
    assert touched(results, fault).sum() == 4
    everything = dataclasses.replace(FAULTS[0], relays=("vn",), rooms=())
    assert touched(results, everything).sum() == network.room.sum()


def darkened(*rows):
    """Return dark intervals as given: site, from, until and fault."""
    site, from_ns, until_ns, fault = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    plain = unexplained(DarkIntervals(site=site, from_ns=from_ns, until_ns=until_ns))
    return dataclasses.replace(plain, fault=fault)


def test_faults_say_how_many_rooms_below_were_dark_and_for_how_long(results, plain):
    forever = dataclasses.replace(FAULTS[0], until_ns=FOREVER_NS, label="never repaired")
    scenario = dataclasses.replace(results.scenario, faults=(*FAULTS, forever))
    below = np.flatnonzero(touched(results, FAULTS[0]))
    darkness = darkened(
        (below[0], 3_000_000_000, 5_000_000_000, 0),
        (below[0], 5_500_000_000, 6_000_000_000, 0),
        (below[1], 8_000_000_000, 9_000_000_000, -1),  # by no fault
        (results.network.index["76900"], 1_000_000_000, 9_900_000_000, 1),
    )
    lost = results.measures.fault_lost[[0, 1, 0]]
    measures = dataclasses.replace(results.measures, fault_lost=lost)
    told = dataclasses.replace(results, scenario=scenario, measures=measures, darkness=darkness)
    rows = {line.split("  ")[0]: line for line in text_of(told, plain).splitlines()}
    assert "1 of them was dark, for 2.5 s in all" in rows["fail site/794"]
    assert " 0:03 " in rows["fail site/794"]
    assert " 0:06 " in rows["fail site/794"]
    assert " the end " in rows["never repaired"]
    assert "none of them was dark" in rows["never repaired"]
    assert "rate × 0.5" in rows["degrade line/76900"]


def test_a_fault_too_short_to_notice_darkens_nobody(results, plain):
    scenario = dataclasses.replace(results.scenario, faults=FAULTS)
    told = dataclasses.replace(results, scenario=scenario, darkness=darkened())
    text = text_of(told, plain)
    assert "none of them was dark" in text
    assert "of them was dark, for" not in text


def test_faults_that_a_shorter_meeting_leaves_out_are_counted(results, plain):
    assert "left out" not in text_of(results, plain)
    scenario = dataclasses.replace(results.scenario, faults=(), late_faults=2)
    wide = Console(file=io.StringIO(), width=160, no_color=True)
    text = text_of(dataclasses.replace(results, scenario=scenario), wide)
    assert "2 faults of the scenario after the end of this shorter meeting: left out" in text
    assert "Scheduled faults" not in text


def test_names_are_not_markup_and_not_commands(results, plain):
    evil = "[red]Huế[/red]\x1b[2J\u202e"
    faults = tuple(dataclasses.replace(fault, label=evil) for fault in FAULTS)
    odd = dataclasses.replace(
        results, scenario=dataclasses.replace(results.scenario, faults=faults)
    )
    text = text_of(odd, plain)
    assert "[red]Huế[/red]\\x1b[2J\\u202e" in text
    assert "\x1b" not in text


def test_tier_figures_are_those_of_the_measures(results, plain):
    rows = [line.split() for line in text_of(results, plain).splitlines()]
    lines, rooms = (row for row in rows if row and row[0] == "commune")
    assert lines[1:5] == ["down", "8", "4", "Mbit/s"]
    busy = np.sort(results.measures.lines.utilisation[:14][results.network.tier == 3])
    assert [float(cell) for cell in lines[7:]] == pytest.approx(100 * busy[[3, 7, 7]], rel=5e-3)
    measured = results.measures.endpoints
    lost = measured.lost.sum(axis=0)[:, 3] / measured.due.sum()
    assert rooms[1] == "8"
    assert [float(cell) for cell in rooms[2:7]] == pytest.approx(100 * lost[:5], rel=5e-3)
    assert not lost[5], "nothing was lost for want of a port, and no column says so"
    delays = results.measures.tier_delays
    assert [float(cell) for cell in rooms[7:]] == pytest.approx(
        [delays.p50_ns[3] / 1e6, delays.p99_ns[3] / 1e6], abs=0.05
    )


@pytest.mark.parametrize("code", ["en", "vi"])
@pytest.mark.parametrize("width", [40, 60, 76, 80, 100, 200])
def test_no_figure_is_cut_on_a_narrow_terminal(results, width, code):
    language = Language(code)
    narrow = Console(file=io.StringIO(), force_terminal=True, width=width, no_color=True)
    text = text_of(results, narrow, language)
    assert "…" not in text
    wide = Console(file=io.StringIO(), force_terminal=True, width=300, no_color=True)
    numbers = Counter(
        word for word in text_of(results, wide, language).split() if word[0].isdigit()
    )
    assert numbers.total() > 100
    assert numbers - Counter(text.split()) == Counter()


def test_without_requirements_nothing_is_claimed(results):
    free = dataclasses.replace(results, verdicts=())
    assert "MET" not in page.verdict_line(free, ENGLISH).plain
    assert "nothing is required" in page.verdict_line(free, ENGLISH).plain


def test_streams_and_turns_have_their_tables(talk_results, plain):
    text = text_of(talk_results, plain)
    rows = [line.split() for line in text.splitlines()]
    down, up = (row for row in rows if row and row[0] == "speak")
    heard = talk_results.measures.listeners
    mine = heard.stream == 1
    loss = 100 * (1 - heard.quality.received[mine].sum() / heard.due[mine].sum())
    assert (down[1], down[2], float(down[3])) == ("down", "10", pytest.approx(loss, rel=5e-3))
    sent = talk_results.measures.sources
    spoken = sent.stream == 1
    loss = 100 * sent.lost[spoken].sum() / sent.sent[spoken].sum()
    assert (up[1], up[2], float(up[3])) == ("up", "3", pytest.approx(loss, rel=5e-3))
    assert up[4:] == ["–"] * 6
    turn = next(line for line in text.splitlines() if " 0:04 " in line)
    taken = talk_results.measures.turns
    assert turn.startswith("794 Tỉnh Long An › Thành phố Tân An")
    assert turn.split()[-2:] == [f"{taken.whole.max_ns[1] / 1e6:.1f}", str(taken.never_whole[1])]


def test_worst_lines_are_of_both_directions(talk_results, plain):
    order = worst_lines(talk_results)
    n = len(talk_results.network.sites)
    assert {hop >= n for hop in order} == {True, False}
    assert not {0, n} & set(order)
    rows = text_of(talk_results, plain).split("worst lines")[1].splitlines()[3:13]
    assert [" up  " in row for row in rows] == [hop >= n for hop in order]


def test_only_the_first_of_many_turns_are_told(talk_results, plain):
    text = text_of(with_many_turns(talk_results), plain)
    assert "the first 20 of 60" in text
    assert sum(" 0:04 " in line for line in text.splitlines()) == 7
