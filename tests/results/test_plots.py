"""Charts: the data they draw, and that they can draw the odd cases."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib import font_manager

from sim.metrics.measures import Course
from sim.metrics.meters import Meters
from sim.plots import delay_loss, style, timeline, utilisation
from sim.plots.charts import draw_charts
from sim.scenario.model import FOREVER_NS
from tests.results.conftest import FAULTS, Held, hold, results_of
from tests.results.meetings import Meeting, S, scenario


def test_utilisation_has_a_row_for_each_tiers_lines_and_shared_egresses(results):
    rows = utilisation.loads(results)
    assert [(row.label, row.count) for row in rows] == [
        ("egress of central", 1),
        ("line to province", 2),
        ("egress of province", 2),  # of three, one is not shared
        ("line to district", 3),
        ("egress of district", 3),
        ("line to commune", 8),
    ]
    communes = results.measures.lines.utilisation[:14][results.network.tier == 3]
    assert rows[-1].highest == communes.max()
    assert rows[-1].p50 == np.sort(communes)[3]
    assert (
        rows[-1].peak
        == results.measures.lines.utilisation_peak[:14][results.network.tier == 3].max()
    )
    assert utilisation.ceilings(results) == [0.8]


def test_delay_rows_are_the_tiers_with_rooms(results):
    rows = delay_loss.tier_delays(results)
    assert [(row.tier, row.rooms) for row in rows] == [
        ("province", 1),
        ("district", 1),
        ("commune", 8),
    ]
    assert all(row.p50 <= row.p95 <= row.p99 <= row.max for row in rows)
    rooms = results.measures.endpoints
    assert rows[0].max == rooms.delays.max_ns[0] / 1e6


def test_loss_shares_add_up_to_the_loss_of_all_rooms(results):
    rooms = results.measures.endpoints
    total = sum(share for row in delay_loss.tier_losses(results) for share in row.share.values())
    assert total == pytest.approx(rooms.lost.sum() / rooms.due.sum())
    (district,) = (row for row in delay_loss.tier_losses(results) if row.tier == "district")
    assert district.share["outage"] == rooms.lost[:, 0].sum() / rooms.due.sum() > 0


def test_curves_cover_the_meeting_and_not_the_drain(results):
    drawn = timeline.curves(results)
    assert drawn.edges_s.tolist() == list(range(11))
    counts = results.measures.timeline.counts[:10]
    assert drawn.rate_bps[0] == 8 * counts[0, 0, Course.RECEIVED_BYTES] / 10
    assert drawn.worst_loss[4] == 1.0  # the province of the dead district
    assert (drawn.lowest_bps <= drawn.rate_bps).all()
    assert (drawn.rate_bps <= drawn.highest_bps).all()
    assert (drawn.loss <= drawn.worst_loss).all()
    assert drawn.dark[4] == 3


def test_faults_are_marked_where_they_held(results):
    assert [
        (mark.number, mark.label, mark.start_s, mark.end_s) for mark in timeline.marks(results)
    ] == [
        (1, "fail site/794", 3.0, 6.0),
        (2, "degrade line/76900", 8.0, np.inf),
    ]


def text_of(svg):
    """Return the comments in which Matplotlib says which text its glyphs draw."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.parse(svg, parser).getroot()
    return [item.text.strip() for item in root.iter() if item.tag is ElementTree.Comment]


def test_names_from_files_are_drawn_as_they_are(results, tmp_path):
    label = "fail $\\frac{1}$ & <script>alert(1)</script> -- \x1b[2J Huế"
    faults = tuple(dataclasses.replace(fault, label=label) for fault in FAULTS)
    odd = dataclasses.replace(
        results, scenario=dataclasses.replace(results.scenario, faults=faults)
    )
    draw_charts(odd, tmp_path)
    svg = (tmp_path / "timeline.svg").read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "\x1b" not in svg
    text_of(tmp_path / "timeline.svg")  # well-formed


def test_vietnamese_letters_are_in_the_font():
    path = font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    glyphs = font_manager.get_font(path).get_charmap()
    letters = "ăâđêôơưĂÂĐÊÔƠƯáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ×–›…"
    assert [letter for letter in letters if ord(letter) not in glyphs] == []


@pytest.mark.parametrize("case", ["no packets", "many faults", "no loss", "one bin"])
def test_odd_meetings_can_be_drawn(case, tmp_path):
    faults = FAULTS
    if case == "many faults":
        faults = tuple(
            dataclasses.replace(FAULTS[0], at_ns=i * S // 5, until_ns=FOREVER_NS, label="x" * 200)
            for i in range(40)
        )
    wanted = scenario(faults=faults)
    if case in ("no packets", "one bin"):
        meeting = Meeting(wanted)
        meters = Meters(wanted, meeting.network)
        if case == "one bin":
            meeting.send(0, 1000)
        meters.close_bin(10 * S, meeting.tally)
        meters.close_bin(FOREVER_NS, meeting.tally)
        held = Held(meeting, meters)
    else:
        held = hold(Meeting(wanted, loss=0.0 if case == "no loss" else 0.05))
    assert len(draw_charts(results_of(held), tmp_path)) == 6


def test_long_labels_are_cut():
    assert style.label("x" * 100) == "x" * 39 + "…"
    assert style.label("Huế\x1b") == "Huế\\x1b"


def test_both_ways_have_a_row_where_both_are_used(talk_results):
    rows = utilisation.loads(talk_results)
    assert [(row.label, row.count) for row in rows if row.label.startswith("line")] == [
        ("line to province", 2),
        ("line from province", 2),
        ("line to district", 3),
        ("line from district", 3),
        ("line to commune", 8),
        ("line from commune", 8),
    ]
    up = talk_results.measures.lines.utilisation[14:][talk_results.network.tier == 3]
    assert rows[-1].highest == up.max() > 0


def test_turns_are_drawn_while_they_last(talk_results, tmp_path):
    drawn = timeline.floors(talk_results)
    assert [(floor.letter, floor.start_s, floor.end_s) for floor in drawn] == [
        ("A", 1.0, 3.0),
        ("B", 4.0, 6.0),
        ("C", 7.0, 9.0),
    ]
    assert drawn[1].speaker == "794 Tỉnh Long An › Thành phố Tân An"
    draw_charts(talk_results, tmp_path)
    texts = text_of(tmp_path / "timeline.svg")
    assert {"Floor", "A", "B", "C"} <= set(texts)


def test_many_turns_can_be_drawn(talk_results, tmp_path):
    turn = talk_results.scenario.agenda[0]
    agenda = tuple(
        dataclasses.replace(turn, at_ns=i * S // 20, until_ns=(i + 1) * S // 20) for i in range(200)
    )
    many = dataclasses.replace(
        talk_results, scenario=dataclasses.replace(talk_results.scenario, agenda=agenda)
    )
    assert len(draw_charts(many, tmp_path)) == 6
    assert "and 192 more speakers" in text_of(tmp_path / "timeline.svg")
