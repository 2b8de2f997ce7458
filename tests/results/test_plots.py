"""Charts: what is drawn is what was measured, in both languages, and odd cases can be drawn.

What is drawn is read back from Matplotlib; what it should be is worked out from the measures, with
plain sums over rooms and lines.
"""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from babel.messages.pofile import read_po
from matplotlib import font_manager
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from sim.dataplane.tally import bucket, bucket_edges_ns
from sim.language.language import ENGLISH, Language
from sim.metrics.measures import CAUSES, Course
from sim.metrics.meters import Meters
from sim.plots import capacity, charts, course, delay, style
from sim.plots.names import Chart
from sim.results.files import write
from sim.results.stored import read_run
from sim.scenario.model import FOREVER_NS
from tests.results.conftest import FAULTS, Held, hold, results_of
from tests.results.meetings import Meeting, S, scenario


def stored_of(results, folder):
    folder.mkdir(exist_ok=True)
    write(results, folder, created=datetime(2021, 9, 5, 8, 30, tzinfo=UTC))
    return read_run(folder)


@pytest.fixture(scope="session")
def stored(folder):
    return read_run(folder)


@pytest.fixture(scope="session")
def talk_stored(talk_folder):
    return read_run(talk_folder)


def drawn(chart, stored, language=ENGLISH):
    with style.style():
        figure = charts.DRAWERS[chart](stored, language)
        figure.draw_without_rendering()
    return figure


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def marked(axes, marker):
    """Return the points drawn with a marker, in their order, (k, 2)."""
    points = [
        line.get_xydata()
        for line in axes.lines
        if line.get_marker() == marker and len(line.get_xdata())
    ]
    return np.concatenate(points) if points else np.empty((0, 2))


def bars(axes):
    """Return the bars of an axes as (x, y of the middle, width)."""
    return [
        (bar.get_x(), bar.get_y() + bar.get_height() / 2, bar.get_width())
        for container in axes.containers
        for bar in container
    ]


def test_capacity_draws_how_many_lines_are_how_full(talk_stored, talk_results):
    figure = drawn(Chart.capacity, talk_stored)
    axes = figure.axes[0]
    network, lines = talk_results.network, talk_results.measures.lines
    egresses = talk_results.measures.egresses
    n = len(network.sites)
    expected = []
    for t in range(4):
        for way in (0, n):
            hops = [way + s for s in range(1, n) if network.tier[s] == t]
            expected.append([(lines.utilisation[hop], lines.utilisation_peak[hop]) for hop in hops])
        expected.append(
            [
                (egresses.utilisation[e], egresses.utilisation_peak[e])
                for e, site in enumerate(network.egress_site)
                if network.tier[site] == t and network.egresses[e].rate_bps
            ]
        )
    expected = [row for row in expected if row]
    assert [len(row) for row in expected] == [1, 2, 2, 2, 3, 3, 3, 8, 8]
    middles, fullest, peaks = (marked(axes, marker)[:, 0] for marker in ("|", "o", "D"))
    hills = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
    assert len(hills) == len(expected) == len(middles)
    for y, row in enumerate(expected):
        means = sorted(mean for mean, _ in row)
        assert middles[y] == 100 * means[(len(means) + 1) // 2 - 1]
        assert fullest[y] == 100 * means[-1]
        assert peaks[y] == 100 * max(peak for _, peak in row)
        values, edges, foot = hills[y].get_data()
        counts = [sum(low <= 100 * mean < high for mean in means) for low, high in pairwise(edges)]
        heights = foot - values
        np.testing.assert_allclose(heights / heights.max(), np.array(counts) / max(counts))
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "egresses of central (1)",
        "lines down to province (2)",
        "lines up from province (2)",
        "egresses of province (2)",
        "lines down to district (3)",
        "lines up from district (3)",
        "egresses of district (3)",
        "lines down to commune (8)",
        "lines up from commune (8)",
    ]
    upright = sorted({line.get_xdata()[0] for line in axes.lines if line.get_ydata()[:1] == [0]})
    assert upright == [80.0, 100.0]  # the required ceiling, and the capacity


def test_capacity_says_what_the_fullest_have_left(stored, results):
    axes = drawn(Chart.capacity, stored).axes[1]
    network, lines = results.network, results.measures.lines
    used = sorted(
        ((lines.utilisation[s], lines.utilisation_peak[s], s) for s in range(1, 14)),
        key=lambda row: (-row[0], -row[1]),
    )[:10]
    widths = [width for _, _, width in bars(axes)]
    assert widths[:10] == [100 * mean for mean, _, _ in used]
    shared = sorted((u for u in results.measures.egresses.utilisation if u == u), reverse=True)
    assert widths[10:] == [100 * each for each in shared[:5]]
    assert marked(axes, "D")[:10, 0].tolist() == [100 * peak for _, peak, _ in used]
    _, _, fullest = used[0]
    name = network.sites[fullest].name
    first = capacity.worst_lines(stored)[0]
    rate_bps = network.lines[fullest].down.rate_bps
    assert first.left == 0.8 - used[0][0]  # the ceiling of the requirement
    assert first.left_bps == pytest.approx((0.8 - used[0][0]) * rate_bps)
    assert any(name in text and "↓" in text for text in texts_of(axes))


def test_a_scenario_without_a_ceiling_has_its_headroom_to_the_capacity(tmp_path):
    plain = stored_of(results_of(hold(Meeting(scenario()))), tmp_path / "plain")
    first = capacity.worst_lines(plain)[0]
    assert first.left == 1 - first.mean
    texts = texts_of(drawn(Chart.capacity, plain))
    assert "left up to the capacity" in texts
    assert not any(text.startswith("required") for text in texts)


def lost_by_branch(results):
    """Return due and lost by cause of each child of the root, summed room by room."""
    network, rooms = results.network, results.measures.endpoints
    found = {}
    for i, s in enumerate(rooms.site.tolist()):
        branch = network.sites[network.path(s)[0]].id
        due, lost = found.setdefault(branch, [0, [0] * len(CAUSES)])
        found[branch][0] = due + int(rooms.due[i])
        for c in range(len(CAUSES)):
            lost[c] += int(rooms.lost[i, c].sum())
    return found


def test_loss_draws_what_each_province_lost_and_why(stored, results):
    figure = drawn(Chart.loss, stored)
    left, right = figure.axes[:2]
    expected = lost_by_branch(results)
    order = sorted(expected, key=lambda b: -sum(expected[b][1]) / expected[b][0])
    share = {b: sum(lost) / due for b, (due, lost) in expected.items()}
    dots = marked(left, "o")
    assert dots[:, 1].tolist() == list(range(len(order)))
    np.testing.assert_allclose(dots[:, 0], [100 * share[b] for b in order])
    causes = [c for c in range(len(CAUSES)) if any(expected[b][1][c] for b in order)]
    assert len(causes) >= 4
    drawn_bars = bars(right)
    for i, cause in enumerate(causes):
        for y, b in enumerate(order):
            x, middle, width = drawn_bars[i * len(order) + y]
            lost = expected[b][1]
            assert middle == pytest.approx(y)
            assert width == pytest.approx(100 * lost[cause] / sum(lost))
            assert x == pytest.approx(100 * sum(lost[c] for c in causes[:i]) / sum(lost))
    names = {s.id: s.name for s in results.network.sites}
    rooms = {
        b: sum(r.room for r in results.network.sites if _under(results, r.id, b)) for b in order
    }
    assert [label.get_text() for label in left.get_yticklabels()] == [
        f"{names[b]} ({rooms[b]})" for b in order
    ]


def _under(results, site, branch):
    network = results.network
    path = network.path(network.index[site])
    return bool(path) and network.sites[path[0]].id == branch


def test_a_required_loss_is_in_sight_wherever_the_losses_are(stored):
    for limit in (1e-5, 0.02, 0.9):
        ceiling = dataclasses.replace(
            stored.ceilings[0], subject="rooms", measure="loss", limit=limit
        )
        axes = drawn(Chart.loss, dataclasses.replace(stored, ceilings=(ceiling,))).axes[0]
        (line,) = (line for line in axes.lines if line.get_linestyle() == "--")
        assert line.get_xdata()[0] == 100 * limit
        left, right = axes.get_xlim()
        assert left <= 100 * limit < right


def test_sixty_three_provinces_are_legible(stored):
    """No two names at the axis touch, and none is cut."""
    rooms = stored.tables["endpoints"]
    count = rooms.counts("due").size
    many = {
        name: np.tile(values, 7)
        if isinstance(values, np.ndarray)
        else pa.chunked_array([values.combine_chunks()] * 7)
        for name, values in rooms.columns.items()
    }
    assert len(many["branch"]) == 7 * count
    many["branch"] = pa.chunked_array([[f"{i:02}" for i in range(7 * count)]])
    many["branch_name"] = pa.chunked_array([["Tỉnh Bà Rịa - Vũng Tàu"] * (7 * count)])
    tables = {**stored.tables, "endpoints": dataclasses.replace(rooms, columns=many)}
    figure = drawn(Chart.loss, dataclasses.replace(stored, tables=tables))
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 70
    tops = sorted((box.y0, box.y1) for box in boxes)
    assert all(high <= low for (_, high), (low, _) in pairwise(tops))
    assert min(box.x0 for box in boxes) >= 0


def test_delay_draws_every_packet_where_it_belongs(stored, results, held):
    figure = drawn(Chart.delay, stored)
    axes = figure.axes[0]
    hills = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
    network = results.network
    edges_ms = bucket_edges_ns() / 1e6
    tiers = [t for t in range(4) if any(network.room[network.tier == t])]
    assert len(hills) == len(tiers) == 3
    figures = results.measures.tier_delays
    for y, t in enumerate(tiers):
        rows = [s for s in range(len(network.sites)) if network.tier[s] == t and network.room[s]]
        packets = held.meeting.tally.room_delay[rows].sum(axis=0)
        values, edges, foot = hills[y].get_data()
        height = foot - values
        area = height * np.diff(np.log2(edges))
        assert np.count_nonzero(height) == np.count_nonzero(packets)
        for b in np.flatnonzero(packets):
            at = np.flatnonzero(np.isclose(edges[:-1], edges_ms[b], rtol=1e-12))
            assert area[at[0]] / area.sum() == pytest.approx(packets[b] / packets.sum())
        assert marked(axes, "|")[y, 0] == figures.p50_ns[t] / 1e6
        assert marked(axes, "D")[y, 0] == figures.p99_ns[t] / 1e6
        assert marked(axes, "o")[y, 0] == figures.max_ns[t] / 1e6
    upright = {line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]}
    assert upright == {150.0, 400.0}


def test_the_longest_delays_have_no_upper_limit(results, tmp_path):
    histograms = results.measures.tier_histograms.copy()
    histograms[3, bucket(2**50)] = 5
    measures = dataclasses.replace(results.measures, tier_histograms=histograms)
    late = stored_of(dataclasses.replace(results, measures=measures), tmp_path / "late")
    row = delay.tier_delays(late)[-1]
    assert np.isnan(row.below_ms[-1])
    assert row.packets[-1] == 5
    drawn(Chart.delay, late)


def test_the_course_is_drawn_over_the_meeting_and_not_the_drain(stored, results):
    figure = drawn(Chart.timeline, stored)
    rate, lost, dark = figure.axes
    timeline_ = results.measures.timeline
    counts = timeline_.counts[:10]
    groups = timeline_.groups
    provinces = [g for g, group in enumerate(groups) if group.kind == "province"]
    band, mean = (patch.get_data() for patch in rate.patches if isinstance(patch, StepPatch))
    worst, all_rooms = (patch.get_data() for patch in lost.patches if isinstance(patch, StepPatch))
    (rooms_dark,) = (patch.get_data() for patch in dark.patches if isinstance(patch, StepPatch))
    assert mean.edges.tolist() == list(range(11))
    for b in range(10):
        rates = [8 * counts[b, g, Course.RECEIVED_BYTES] / groups[g].rooms / 1e6 for g in provinces]
        assert mean.values[b] == 8 * counts[b, 0, Course.RECEIVED_BYTES] / 10 / 1e6
        assert (band.baseline[b], band.values[b]) == (min(rates), max(rates))
        shares = [_lost_share(counts[b, g]) for g in provinces]
        assert worst.values[b] == pytest.approx(100 * max(shares))
        assert all_rooms.values[b] == pytest.approx(100 * _lost_share(counts[b, 0]))
        assert rooms_dark.values[b] == counts[b, 0, Course.ROOMS_DARK]
    assert worst.values[4] == 100  # the province of the dead district
    assert rooms_dark.values[4] == 3


def _lost_share(row):
    lost = int(row[Course.LOST_OUTAGE : Course.LOST_PORT + 1].sum())
    return lost / (lost + int(row[Course.RECEIVED]))


def test_faults_and_speakers_are_marked_while_they_last(talk_stored, talk_results):
    assert [
        (mark.number, mark.label, mark.start_s, mark.end_s) for mark in course.marks(talk_stored)
    ] == [
        (1, "fail site/794", 3.0, 6.0),
        (2, "degrade line/76900", 8.0, np.inf),
    ]
    figure = drawn(Chart.timeline, talk_stored)
    floor, rate = figure.axes[:2]
    assert [(x, width) for x, _, width in bars(floor)] == [(1.0, 2.0), (4.0, 2.0), (7.0, 2.0)]
    spans = [
        (patch.get_x(), patch.get_x() + patch.get_width())
        for patch in rate.patches
        if not isinstance(patch, StepPatch)
    ]
    assert spans == [(3.0, 6.0), (8.0, 10.0)]
    assert {"Floor", "A", "B", "C", "1", "2"} <= set(texts_of(figure))
    (key,) = (text for text in texts_of(figure) if text.startswith("A  "))
    assert key.splitlines() == [
        "A  76001 Thành phố Hồ Chí Minh › Quận 1 › Phường [1] & <$b$>, 0:01 to 0:03",
        "B  794 Tỉnh Long An › Thành phố Tân An, 0:04 to 0:06",
        "C  79 Thành phố Hồ Chí Minh, 0:07 to 0:09",
        "1  fail site/794, 0:03 to 0:06",
        "2  degrade line/76900, 0:08 to the end",
    ]


FONT = font_manager.get_font(font_manager.findfont("DejaVu Sans", fallback_to_default=False))


@pytest.mark.parametrize("chart", list(Chart)[:4])
def test_every_label_is_drawn_in_vietnamese_with_letters_that_the_font_has(chart, talk_stored):
    vietnamese = texts_of(drawn(chart, talk_stored, Language("vi")))
    glyphs = FONT.get_charmap()
    missing = {c for text in vietnamese for c in text if c != "\n" and ord(c) not in glyphs}
    assert not missing
    english = texts_of(drawn(chart, talk_stored))
    # What both share are names and figures with their units.
    words = {text for text in english if text.isascii() and " " in text and text[0].isalpha()}
    assert len(words) >= 4
    assert not words & set(vietnamese)


def test_the_font_has_every_letter_of_the_catalogue():
    glyphs = FONT.get_charmap()
    with (files("sim.language") / "vi.po").open("rb") as file:
        said = "".join(str(message.string) for message in read_po(file, locale="vi"))
    assert not {c for c in said if c.isprintable() and ord(c) not in glyphs}
    letters = "ăâđêôơưĂÂĐÊÔƠƯáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ×–›…"
    assert not {c for c in letters if ord(c) not in glyphs}


def test_figures_are_written_as_the_language_writes_them(talk_stored):
    texts = texts_of(drawn(Chart.capacity, talk_stored, Language("vi")))
    assert any(re.search(r"\d,\d+ %", text) for text in texts)
    assert not [text for text in texts if re.search(r"\d\.\d", text)]
    english = texts_of(drawn(Chart.capacity, talk_stored))
    assert any(re.search(r"\d\.\d+ %", text) for text in english)


def text_of(svg):
    """Return the comments in which Matplotlib says which text its glyphs draw."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.parse(svg, parser).getroot()
    return [item.text.strip() for item in root.iter() if item.tag is ElementTree.Comment]


def test_names_from_files_are_drawn_as_they_are(results, tmp_path):
    label = "fail $\\frac{1}$ & <script>alert(1)</script> -- \x1b[2J Huế"
    fault = dataclasses.replace(results.scenario.faults[0], label=label)
    other = dataclasses.replace(
        results, scenario=dataclasses.replace(results.scenario, faults=(fault,))
    )
    charts.draw_charts(stored_of(other, tmp_path / "run"), tmp_path)
    svg = (tmp_path / "timeline.svg").read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "\x1b" not in svg
    (shown,) = (text for text in text_of(tmp_path / "timeline.svg") if "frac" in text)
    assert shown.startswith("1  fail $\\frac{1}$ &amp; &lt;script&gt;alert(1)")
    assert any(
        "Phường [1] &amp; &lt;$b$&gt;" in text for text in text_of(tmp_path / "capacity.svg")
    )


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
    for code in ("en", "vi"):
        made = charts.draw_charts(
            stored_of(results_of(held), tmp_path / code), tmp_path, language=Language(code)
        )
        assert {f"{chart.value}.png" for chart in list(Chart)[:4]} <= {f.name for f in made.files}
        assert Chart.map in made.notes  # no room has a position
        assert len(made.files) // 2 + len(made.notes) == len(Chart)


def test_many_turns_can_be_drawn(talk_results, tmp_path):
    turn, taken = talk_results.scenario.agenda[0], talk_results.measures.turns
    agenda = tuple(
        dataclasses.replace(turn, at_ns=i * S // 20, until_ns=(i + 1) * S // 20) for i in range(200)
    )
    first = np.zeros(200, dtype=np.int64)
    waits = {
        name: dataclasses.replace(
            getattr(taken, name),
            **{
                field.name: getattr(getattr(taken, name), field.name)[first]
                for field in dataclasses.fields(getattr(taken, name))
            },
        )
        for name in ("first", "whole")
    }
    turns = dataclasses.replace(
        taken,
        site=taken.site[first],
        packets=taken.packets[first],
        rooms=taken.rooms[first],
        **waits,
    )
    many = dataclasses.replace(
        talk_results,
        scenario=dataclasses.replace(talk_results.scenario, agenda=agenda),
        measures=dataclasses.replace(talk_results.measures, turns=turns),
    )
    figure = drawn(Chart.timeline, stored_of(many, tmp_path / "run"))
    assert any("and 192 more speakers" in text for text in texts_of(figure))


def test_long_labels_are_cut():
    assert style.label("x" * 100) == "x" * 39 + "…"
    assert style.label("Huế\x1b") == "Huế\\x1b"
