"""Stored runs: what is read back is what was written, and what is wrong is said in a line each."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.errors import ResultsError
from sim.results.stored import find_run, read_run
from sim.results.stored_columns import TABLES

OLDER = "run the scenario again if it was written by an older version"


@pytest.fixture
def run(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "20210905T083000-0123abcd")


def said(run):
    with pytest.raises(ResultsError) as error:
        read_run(run)
    return [str(problem).removeprefix(f"{run}/") for problem in error.value.problems]


def test_what_was_written_is_read(folder, results):
    stored = read_run(folder)
    assert (stored.scenario, stored.duration_ms) == ("small", 10_000)
    assert stored.tiers == results.network.tiers
    assert stored.rooms == {"central": 0, "province": 1, "district": 1, "commune": 8}
    assert stored.limits("lines", "utilisation") == [0.8]
    assert stored.limits("rooms", "dark") == [2000]
    assert stored.limits("rooms", "utilisation") == []
    rooms, measured = stored.tables["endpoints"], results.measures.endpoints
    assert rooms.counts("due").tolist() == measured.due.tolist()
    np.testing.assert_array_equal(rooms.numbers("loss"), measured.loss)
    assert np.isnan(rooms.numbers("latitude")).all()
    assert np.isnan(stored.tables["faults"].numbers("until_ms")[1])


@pytest.mark.parametrize(
    ("field", "value"), [("of", "tier/commune"), ("span_ms", 15_000.0), ("sense", "at least")]
)
def test_a_limit_on_some_or_on_spans_or_from_below_is_no_ceiling(run, field, value):
    assert read_run(run).limits("lines", "utilisation") == [0.8]

    def change(summary):
        (requirement,) = (each for each in summary["requirements"] if each["subject"] == "lines")
        requirement[field] = value

    edited(run, change)
    assert read_run(run).limits("lines", "utilisation") == []


def test_all_that_is_missing_is_said_at_once(tmp_path):
    run = tmp_path / "empty"
    run.mkdir()
    assert said(run) == [
        "summary.json: does not exist",
        *(f"{name}.parquet: does not exist" for name in TABLES),
    ]


def edited(run, change):
    path = run / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    change(summary)
    path.write_text(json.dumps(summary), encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON, or damaged"),
        (b"[" * 100_000, "is not JSON, or damaged"),
        (b"[1]", "is not the summary of a run"),
        (b"\xff", "is not UTF-8 text: line 1 has the byte 0xff"),
        (
            b'{"scenario": "x", "sites": {}, "requirements": []}',
            f"lacks 'simulated_s', 'endpoints', 'delay_ms_at'; {OLDER}",
        ),
    ],
)
def test_a_summary_that_is_none_is_refused(run, content, message):
    (run / "summary.json").write_bytes(content)
    assert said(run) == [f"summary.json: {message}"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scenario", 7),
        ("simulated_s", 0),
        ("simulated_s", "10"),
        ("simulated_s", float("nan")),
        ("simulated_s", True),
        ("sites", {}),
        ("endpoints", {"central": 1.5}),
        ("delay_ms_at", {"central": {"p50": 1}}),
        ("requirements", ["loss"]),
        ("requirements", [{"subject": "rooms", "measure": "loss", "limit": "1 %"}]),
    ],
)
def test_a_summary_with_something_else_in_it_is_refused(run, field, value):
    edited(run, lambda summary: summary.update({field: value}))
    assert said(run) == [f"summary.json: has something else than it should in '{field}'"]


def test_a_damaged_table_is_refused(run):
    path = run / "lines.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    (run / "turns.parquet").write_text("site,place\n", encoding="utf-8")
    content = bytearray((run / "timeline.parquet").read_bytes())
    content[4:400] = bytes(396)
    (run / "timeline.parquet").write_bytes(content)
    assert said(run) == [
        "lines.parquet: is not a table of results, or damaged",
        "turns.parquet: is not a table of results, or damaged",
        "timeline.parquet: is not a table of results, or damaged",
    ]


def rewritten(run, name, change):
    path = run / f"{name}.parquet"
    pq.write_table(change(pq.read_table(path)), path)


def test_a_table_of_another_version_is_refused(run):
    rewritten(run, "endpoints", lambda table: table.drop_columns(["branch", "latitude"]))
    assert said(run) == [f"endpoints.parquet: lacks 'branch', 'latitude'; {OLDER}"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("due", pa.array([1.5] * 10)),
        ("due", pa.array([None] + [1] * 9)),
        ("loss", pa.array(["x"] * 10)),
        ("site", pa.array([1] * 10)),
        ("site", pa.array([None] + ["x"] * 9, pa.string())),
    ],
)
def test_columns_of_another_kind_are_refused(run, column, values):
    rewritten(
        run,
        "endpoints",
        lambda table: table.set_column(table.schema.get_field_index(column), column, values),
    )
    assert said(run) == [f"endpoints.parquet: has something else than it should in '{column}'"]


def test_files_of_different_runs_are_refused(run):
    rewritten(run, "endpoints", lambda table: table.slice(1))
    rewritten(run, "timeline", lambda table: table.slice(1))
    tiers = pa.array(["ward"] * 5)
    rewritten(run, "delays", lambda table: table.slice(0, 5).set_column(0, "tier", tiers))
    assert said(run) == [
        "endpoints.parquet: has 9 rooms where summary.json has 10",
        "delays.parquet: has a tier 'ward' that summary.json lacks",
        "timeline.parquet: is damaged: not every bin has every group",
    ]
    edited(run, lambda summary: summary["sites"].pop("commune"))
    assert "summary.json: has other tiers in one place than in another" in said(run)


@pytest.mark.parametrize("rows", [0, 6, 13, -1])
def test_a_course_with_a_hole_is_refused(run, rows):
    """A bin of this course has six groups."""
    rewritten(
        run,
        "timeline",
        lambda table: table.slice(0, rows) if rows >= 0 else table.take(list(range(1, 7)) * 11),
    )
    if rows == 6:
        read_run(run)  # a whole bin
    else:
        assert said(run) == ["timeline.parquet: is damaged: not every bin has every group"]


def test_the_newest_run_of_a_scenario_is_found(run, tmp_path):
    assert find_run(run) == run
    newer = shutil.copytree(run, tmp_path / "20211001T000000-00000000")
    shutil.copytree(run, tmp_path / ".partial-x")
    (tmp_path / "20990101T000000-00000000").touch()
    assert find_run(tmp_path) == newer
    second = shutil.copytree(run, tmp_path / "20211001T000000-00000000-2")
    os.utime(second, (2**31, 2**31))
    assert find_run(tmp_path) == second


def test_where_no_run_is_it_is_said(run, tmp_path):
    home = tmp_path / "home"
    (home / "small").mkdir(parents=True)
    shutil.copytree(run, home / "small" / run.name)
    (home / "other").mkdir()
    (tmp_path / "file").touch()
    for path, message in (
        (tmp_path / "none", "does not exist"),
        (tmp_path / "file", "is a file; results are a folder"),
        (home / "other", "is no results folder: it has no summary.json, and no run in it"),
        (home, f"holds scenarios, not runs; name one, such as {home / 'small'}"),
    ):
        with pytest.raises(ResultsError) as error:
            find_run(path)
        assert str(error.value) == f"{path}: {message}"
