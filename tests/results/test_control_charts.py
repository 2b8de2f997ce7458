"""Charts of joining, faults and dark rooms: what is drawn is what the tables say.

The tables are written here, with values that are easily counted by hand.
"""

from __future__ import annotations

import dataclasses
import shutil
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib import font_manager
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from sim.errors import ResultsError
from sim.language.language import ENGLISH, Language
from sim.plots import charts, dark, faults, joins, recovery, style
from sim.plots.instants import Spans, at_worst, steps
from sim.plots.names import Chart
from sim.results.stored import Ceiling, read_run
from sim.results.stored_columns import DARK_CAUSES, OPTIONAL

CHARTS = (Chart.joins, Chart.faults, Chart.dark, Chart.recovery)
RELAY, FLAPPING = "fail site/794", "flapping line/76000"
# Site, beginning, fault, and causes with how long each lasted, ms. The meeting lasts 10 s.
DARK = (
    ("76000", 100.0, "", (("joining", 300.0),)),
    ("794", 2990.0, RELAY, (("unwatched", 3010.0), ("key_frame", 200.0))),
    ("79401", 2990.0, RELAY, (("detecting", 510.0), ("holding", 500.0), ("signalling", 1000.0))),
    (
        "79400",
        2990.0,
        RELAY,
        (("detecting", 510.0), ("refused", 500.0), ("signalling", 2000.0), ("refused", 500.0)),
    ),
    ("76000", 6990.0, FLAPPING, (("unwatched", 510.0),)),
    ("76000", 7990.0, FLAPPING, (("unwatched", 710.0),)),
    ("76001", 8000.0, "", (("loss", 500.0),)),
    ("76000", 9000.0, FLAPPING, (("no_backup", 1000.0),)),
)
FAULTS = (
    (RELAY, 3000.0, 6000.0),
    (FLAPPING, 7000.0, 7500.0),
    (FLAPPING, 8000.0, 8500.0),
    (FLAPPING, 9000.0, None),
)
FONT = font_manager.get_font(font_manager.findfont("DejaVu Sans", fallback_to_default=False))


def write_dark(run, rows):
    rooms = pq.read_table(run / "endpoints.parquet").to_pydict()
    branch = dict(zip(rooms["site"], rooms["branch"], strict=True))
    content = []
    for site, from_ms, fault, causes in rows:
        lasted = {cause: sum(ms for name, ms in causes if name == cause) for cause in DARK_CAUSES}
        dark_ms = float(sum(lasted.values()))
        content.append(
            {
                "site": site,
                "name": site,
                "place": site,
                "tier": "",
                "branch": branch[site],
                "from_ms": from_ms,
                "until_ms": from_ms + dark_ms,
                "dark_ms": dark_ms,
                "fault": fault,
                "causes": " > ".join(name for name, _ in causes),
                **{f"{cause}_ms": float(ms) for cause, ms in lasted.items()},
            }
        )
    kinds = {"text": pa.string(), "number": pa.float64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in OPTIONAL["dark"].items()])
    pq.write_table(pa.Table.from_pylist(content, schema=schema), run / "dark.parquet")


def write_faults(run, rows):
    labels, at_ms, until_ms = zip(*rows, strict=True)
    table = {
        "label": pa.array(labels, pa.string()),
        "at_ms": pa.array(at_ms, pa.float64()),
        "until_ms": pa.array(until_ms, pa.float64()),
    }
    pq.write_table(pa.table(table), run / "faults.parquet")


def write_joins(run):
    """Room i calls at i/2 s and joins 200 ms later; the last gives up; the first leaves at 9 s."""
    sites = pq.read_table(run / "endpoints.parquet")["site"].to_pylist()
    n = len(sites)
    called = [500.0 * i for i in range(n)]
    columns = {
        "called_ms": [None, *called[1:]],
        "joined_ms": [0.0, *(ms + 200 for ms in called[1:-1]), None],
        "gave_up_ms": [*[None] * (n - 1), 8000.0],
        "left_ms": [9000.0, *[None] * (n - 1)],
    }
    table = {name: pa.array(values, pa.float64()) for name, values in columns.items()}
    pq.write_table(pa.table({"site": sites, **table}), run / "joins.parquet")


def write_servers(run):
    rows = [
        ("0", "Trung ương", 0.0, 0, 0, 2),
        ("0", "Trung ương", 1000.0, 3, 2, 2),
        ("0", "Trung ương", 1005.0, 0, 2, 2),
        ("0", "Trung ương", 4000.0, 0, 0, 2),
        ("79", "Thành phố Hồ Chí Minh", 0.0, 0, 0, 1),
        ("79", "Thành phố Hồ Chí Minh", 1002.0, 5, 1, 1),
        ("79", "Thành phố Hồ Chí Minh", 3000.0, 0, 1, 1),
        ("79", "Thành phố Hồ Chí Minh", 5000.0, 0, 0, 1),
    ]
    names = ("site", "place", "at_ms", "waiting", "busy", "workers")
    table = {
        name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }
    pq.write_table(pa.table(table), run / "servers.parquet")


@pytest.fixture
def plain(talk_folder, tmp_path):
    """A run as older versions wrote it."""
    run = shutil.copytree(talk_folder, tmp_path / "run")
    for name in OPTIONAL:
        (run / f"{name}.parquet").unlink(missing_ok=True)
    return run


@pytest.fixture
def run(plain):
    write_faults(plain, FAULTS)
    write_dark(plain, DARK)
    write_joins(plain)
    write_servers(plain)
    return plain


def drawn(chart, stored, language=ENGLISH):
    with style.style():
        figure = charts.DRAWERS[chart](stored, language)
        figure.draw_without_rendering()
    return figure


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def hills(axes):
    return [patch.get_data() for patch in axes.patches if isinstance(patch, StepPatch)]


def test_a_bin_shows_its_worst_instant_however_short():
    spans = Spans(
        begins_ms=np.array([0.0, 4.0, 4.2, 20.0, 7.0]),
        ends_ms=np.array([5.0, 4.3, 4.25, 30.0, 7.0]),
        kind=np.array([0, 1, 1, 0, 1]),
    )
    found = at_worst(steps(spans, 2), np.array([0.0, 10.0, 20.0, 25.0, 40.0]))
    assert found.tolist() == [[1, 2], [0, 0], [1, 0], [1, 0]]


def test_dark_rooms_are_stacked_by_cause_at_the_worst_instant_of_each_bin(run):
    figure = drawn(Chart.dark, read_run(run))
    whole = figure.axes[1]
    tops = hills(whole)
    shown = [
        cause
        for cause in dark.STACK
        if any(cause == name for _, _, _, causes in DARK for name, _ in causes)
    ]
    assert len(tops) == len(shown) + 1  # and the outline
    edges = tops[0].edges
    np.testing.assert_allclose(edges, np.linspace(0, 10, dark.BINS + 1))

    def dark_at(at_ms):
        """Count the rooms dark by each cause at an instant; what comes twice is in one piece."""
        counts = dict.fromkeys(DARK_CAUSES, 0)
        for _, from_ms, _, causes in DARK:
            begin = from_ms
            for name in dict.fromkeys(name for name, _ in causes):
                end = begin + sum(ms for each, ms in causes if each == name)
                counts[name] += begin <= at_ms < end
                begin = end
        return counts

    changes = sorted(
        {t for _, at, _, causes in DARK for t in [at, *(at + np.cumsum([m for _, m in causes]))]}
    )
    heights = {name: top.values - top.baseline for name, top in zip(shown, tops, strict=False)}
    for b, (low, high) in enumerate(pairwise(1000 * edges)):
        inside = [low + 1e-9, *(t + 1e-9 for t in changes if low < t < high - 1e-6)]
        most = max(sum(dark_at(t).values()) for t in inside)
        assert tops[-1].values[b] == most, b
        assert {name: int(height[b]) for name, height in heights.items()} in [
            {name: dark_at(t)[name] for name in shown} for t in inside
        ]
    texts = texts_of(figure)
    lasted = sum(ms for *_, causes in DARK for _, ms in causes)
    unwatched = sum(ms for *_, causes in DARK for name, ms in causes if name == "unwatched")
    assert f"dead part that nobody watches ({100 * unwatched / lasted:.2g} %)" in texts
    assert any(text.startswith("At most 3 rooms were dark at once, at 0:02.9") for text in texts)


def test_what_changes_in_a_small_part_of_the_meeting_is_drawn_more_closely(run):
    rows = [
        (site, 2990.0, RELAY, (("detecting", 50.0), ("signalling", float(i))))
        for i, site in enumerate(("79400", "79401", "76001"))
    ]
    write_dark(run, [*rows, DARK[-2]])
    stored = dataclasses.replace(read_run(run), duration_ms=60_000.0)
    close = dark.window(stored)
    assert (close.begin_ms, close.end_ms) == (1990.0, 7990.0)
    figure = drawn(Chart.dark, stored)
    assert len(figure.axes) == 3
    assert figure.axes[2].get_xlim() == (1.99, 7.99)
    assert max(hills(figure.axes[2])[-1].values) == 3
    assert dark.window(read_run(run)) is None


def test_recovery_times_count_from_the_occurrence_of_the_fault(run):
    stored = read_run(run)
    relay, flapping = recovery.recoveries(stored)
    assert (relay.label, relay.numbers, relay.unlit) == (RELAY, (1,), 0)
    assert sorted(relay.took_s) == [2.0, 3.2, 3.5]
    assert [relay.percentile_s(p) for p in (50, 95, 100)] == [3.2, 3.5, 3.5]
    assert (flapping.label, flapping.numbers, flapping.unlit) == (FLAPPING, (2, 3, 4), 1)
    assert sorted(flapping.took_s) == [0.5, 0.7]
    limit = Ceiling(subject="rooms", measure="recovery", limit=10_000.0)
    figure = drawn(Chart.recovery, dataclasses.replace(stored, ceilings=(limit,)))
    axes = figure.axes[0]
    for y, row in enumerate((relay, flapping)):
        top = hills(axes)[y]
        height = top.baseline - top.values
        counts, _ = np.histogram(row.took_s, top.edges)
        np.testing.assert_allclose(height / height.max(), counts / counts.max())
    upright = [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert upright == [10.0]
    texts = texts_of(figure)
    assert "2, 3, 4  flapping line/76000\n3 times\n1 room dark\n1 not lit again" in texts
    assert "median 3.2 s\n95 % within 3.5 s\nlongest 3.5 s" in texts
    assert "required: at most 10 s" in texts


def test_a_room_that_left_in_the_dark_was_not_lit_again(run):
    table = pq.read_table(run / "joins.parquet").to_pydict()
    table["left_ms"][table["site"].index("794")] = 6200.0
    pq.write_table(pa.table(table), run / "joins.parquet")
    relay, _ = recovery.recoveries(read_run(run))
    assert (sorted(relay.took_s), relay.unlit) == ([2.0, 3.5], 1)


def test_faults_shade_the_part_of_a_branch_that_is_dark(run):
    stored = read_run(run)
    rooms = stored.tables["endpoints"]
    size = {b: rooms.texts("branch").count(b) for b in set(rooms.texts("branch"))}
    branch = dict(zip(rooms.texts("site"), rooms.texts("branch"), strict=True))
    rows = faults.branches(stored)
    assert {row.id for row in rows} == {branch[site] for site, _, fault, _ in DARK if fault}
    figure = drawn(Chart.faults, stored)
    below = next(axes for axes in figure.axes if axes.get_xlabel())
    for y, row in enumerate(rows):
        assert row.rooms == size[row.id]
        mine = [
            (at, at + sum(ms for _, ms in causes))
            for site, at, fault, causes in DARK
            if fault and branch[site] == row.id
        ]
        bars = [
            (bar.get_x(), bar.get_x() + bar.get_width(), bar.get_facecolor())
            for container in below.containers
            for bar in container
            if round(bar.get_y() + bar.get_height() / 2) == y
        ]
        # In the middle of every bin in which nothing changes, the shade is that of the share.
        for at_ms in np.arange(0.5, faults.BINS) * 10_000 / faults.BINS:
            near = [t for span in mine for t in span if abs(t - at_ms) < 10_000 / faults.BINS]
            if near:
                continue
            share = sum(begin <= at_ms < end for begin, end in mine) / row.rooms
            under = [colour for low, high, colour in bars if low <= at_ms / 1000 < high]
            if not share:
                assert not under
                continue
            place = sum(share >= limit for limit in (0.1, 0.25, 0.5, 1.0))
            (colour,) = under
            assert [round(255 * part) for part in colour[:3]] == list(
                bytes.fromhex(faults.COLOURS[place][1:])
            )
    above = figure.axes[1]
    lasting = [(bar.get_x(), bar.get_width()) for bars in above.containers for bar in bars]
    assert lasting == [(3.0, 3.0), (7.0, 0.5), (8.0, 0.5), (9.0, 1.0)]


def test_sixty_three_provinces_are_legible(run):
    stored = read_run(run)
    names = ["Tỉnh Bà Rịa - Vũng Tàu"] * 63
    ids = [f"{i:02}" for i in range(63)]
    n = len(ids)

    def table(name, **columns):
        old = stored.tables[name].columns
        repeated = {
            key: np.repeat(values[-1:], n)
            if isinstance(values, np.ndarray)
            else pa.chunked_array([values.slice(0, 1).to_pylist() * n])
            for key, values in old.items()
        }
        new = {key: pa.chunked_array([values]) for key, values in columns.items()}
        return dataclasses.replace(stored.tables[name], columns={**repeated, **new})

    tables = {
        **stored.tables,
        "endpoints": table("endpoints", branch=ids, branch_name=names),
        "dark": table("dark", branch=ids, fault=[RELAY] * n),
    }
    figure = drawn(Chart.faults, dataclasses.replace(stored, tables=tables), Language("vi"))
    below = next(axes for axes in figure.axes if len(axes.get_yticklabels()) == 63)
    boxes = [label.get_window_extent() for label in below.get_yticklabels()]
    tops = sorted((box.y0, box.y1) for box in boxes)
    assert all(high <= low for (_, high), (low, _) in pairwise(tops))
    assert min(box.x0 for box in boxes) >= 0
    most = [label.get_window_extent() for label in figure.axes[-1].get_yticklabels()]
    assert max(box.x1 for box in most) <= figure.bbox.x1


def test_joins_draw_who_is_there_who_calls_and_what_servers_do(run):
    stored = read_run(run)
    figure = drawn(Chart.joins, stored)
    present, calls, queue, workers = figure.axes[1:]
    n = stored.tables["endpoints"].counts("due").size
    there, calling, gave_up = hills(present)
    for b, end_ms in enumerate(1000 * there.edges[1:]):
        before = end_ms - 1e-6
        joined = sum(500 * i + 200 <= before for i in range(1, n - 1)) + (before < 9000)
        on_line = sum(500 * i <= before < 500 * i + 200 for i in range(1, n - 1))
        on_line += 500 * (n - 1) <= before < 8000
        assert there.values[b] == joined
        assert calling.values[b] - calling.baseline[b] == on_line
        assert gave_up.values[b] - gave_up.baseline[b] == (before >= 8000)
    first, let_in = hills(calls)
    width_s = 10 / joins.RATE_BINS
    assert first.values.sum() * width_s == pytest.approx(n - 1)
    assert let_in.values.sum() * width_s == pytest.approx(n - 2)
    # For 3 ms, 3 wait at one server and 5 at the other.
    waiting, longest = hills(queue)
    at = int(np.searchsorted(waiting.edges, 1.0, side="right")) - 1
    assert waiting.values[at] == 8
    assert waiting.values[at + 1] == longest.values[at + 1] == 5
    assert longest.values.max() == 5
    assert max(hills(workers)[0].values) == 3
    texts = texts_of(figure)
    assert "longest queue: Thành phố Hồ Chí Minh" in texts
    assert "at 2 signalling servers" in texts


def test_without_signalling_servers_joins_have_no_queue(run):
    (run / "servers.parquet").unlink()
    assert len(drawn(Chart.joins, read_run(run)).axes) == 3


def test_the_start_of_the_meeting_is_marked(run):
    stored = read_run(run)
    summary = {**stored.summary, "start_ms": 4000.0}
    for axes in drawn(Chart.joins, dataclasses.replace(stored, summary=summary)).axes[1:]:
        (line,) = (line for line in axes.lines if line.get_linestyle() == "-.")
        assert line.get_xdata()[0] == 4.0


def test_an_older_run_has_the_charts_it_had(plain, tmp_path):
    made = charts.draw_charts(read_run(plain), tmp_path)
    assert [file.name for file in made.files if file.suffix == ".png"] == [
        "capacity.png",
        "loss.png",
        "delay.png",
        "timeline.png",
    ]
    assert list(made.notes.values()) == [
        "No map: no room has a position.",
        "No chart 'joins': all rooms are there from beginning to end.",
        "No chart 'faults': the run tells of no dark room.",
        "No chart 'dark': the run tells of no dark room.",
        "No chart 'recovery': the run tells of no dark room.",
    ]


def test_rooms_that_no_fault_made_dark_are_no_recovery(run, tmp_path):
    write_dark(run, [row for row in DARK if not row[2]])
    made = charts.draw_charts(read_run(run), tmp_path, charts=CHARTS)
    assert list(made.notes.values()) == [
        "No chart 'faults': no fault made a room dark.",
        "No chart 'recovery': no fault made a room dark.",
    ]
    assert len(made.files) == 4


def test_no_dark_room_is_no_chart(run, tmp_path):
    write_dark(run, [])
    made = charts.draw_charts(read_run(run), tmp_path, charts=CHARTS)
    assert list(made.notes) == [Chart.faults, Chart.dark, Chart.recovery]


def test_a_table_with_rooms_of_another_run_is_refused(run):
    for name in ("joins", "dark"):
        table = pq.read_table(run / f"{name}.parquet").to_pydict()
        table["site"][0] = "nowhere"
        pq.write_table(pa.table(table), run / f"{name}.parquet")
    with pytest.raises(ResultsError) as error:
        read_run(run)
    assert [str(problem).removeprefix(f"{run}/") for problem in error.value.problems] == [
        "joins.parquet: has a room 'nowhere' that endpoints.parquet lacks",
        "dark.parquet: has a room 'nowhere' that endpoints.parquet lacks",
    ]


@pytest.mark.parametrize("chart", CHARTS)
def test_every_label_is_drawn_in_vietnamese_with_letters_that_the_font_has(chart, run):
    stored = read_run(run)
    vietnamese = texts_of(drawn(chart, stored, Language("vi")))
    glyphs = FONT.get_charmap()
    assert not {c for text in vietnamese for c in text if c != "\n" and ord(c) not in glyphs}
    english = texts_of(drawn(chart, stored))
    words = {text for text in english if text.isascii() and " " in text and text[0].isalpha()}
    assert len(words) >= 2
    assert not words & set(vietnamese)


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("code", ["en", "vi"])
def test_no_text_is_cut_or_lies_on_the_title(chart, code, run):
    figure = drawn(chart, read_run(run), Language(code))
    edge = figure.bbox
    title = figure.get_suptitle()
    (heading,) = (text for text in figure.texts if text.get_text() == title)
    below = heading.get_window_extent().y0
    # Matplotlib keeps labels of ticks that are out of sight.
    ticks = {id(label) for axes in figure.axes for label in axes.get_xticklabels()}
    for text in figure.findobj(Text):
        if id(text) in ticks:
            continue
        box = text.get_window_extent()
        if not text.get_text() or not text.get_visible() or not box.width:
            continue
        assert box.x0 >= 0, text
        assert box.x1 <= edge.x1, text
        assert text is heading or box.y1 <= below + 1, text
