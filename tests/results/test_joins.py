"""Joining in results: who called, was let in, was turned away, and how busy the servers were."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from sim.control.server import ServerLoad
from sim.language.language import ENGLISH
from sim.report import page
from sim.results.files import write
from sim.results.join_figures import busiest, join_figures, server_figures
from sim.scenario.joining_model import Arrival, JoiningRules
from sim.simulation import simulate
from sim.terminal import Reader
from tests.results.conftest import nobody_joins
from tests.results.meetings import MS, S
from tests.scenario.files import small

JOINING = """\
signalling:
  servers: {central: {rate: 1 in 900 ms, queue: 1}}
joining: {start: 5 s, arrive: {from: 4 s, shape: uniform}}
"""
SLOW = ("rate: 2 Mbit/s, frames: 30/s", "rate: 200 kbit/s, frames: 30/s")


def load(site: int, steps: list[tuple[int, int, int]], **others: object) -> ServerLoad:
    at_ns, waiting, busy = np.array(steps, dtype=np.int64).T
    plain = {"workers": 2, "served": 0, "full": 0, "limited": 0}
    plain["waited_ns"] = np.zeros(0, dtype=np.int64)
    return ServerLoad(site=site, at_ns=at_ns, waiting=waiting, busy=busy, **plain | others)


@pytest.fixture
def joined(results):
    """Communes: 00 and 01 of district 760 join, 02 gives up, 76900 is still calling at the end.

    All others are there from the beginning; the meeting starts at 4 s.
    """
    network = results.network
    first, second, third, fourth = (network.index[s] for s in ("76000", "76001", "76002", "76900"))
    none = nobody_joins(network)
    columns = {
        field.name: getattr(none, field.name).copy()
        for field in dataclasses.fields(none)
        if field.name not in ("start_ns", "room", "servers")
    }
    for site, called_ns, joined_ns, tries, refusals, timeouts in (
        (first, S, S + 300 * MS, 1, 0, 0),
        (second, 2 * S, 5 * S, 3, 1, 1),
        (third, 2 * S, -1, 2, 2, 0),
        (fourth, 9 * S, -1, 1, 0, 0),
    ):
        columns["called_ns"][site], columns["joined_ns"][site] = called_ns, joined_ns
        columns["tries"][site] = tries
        columns["refusals"][site], columns["timeouts"][site] = refusals, timeouts
    columns["gave_up_ns"][third] = 6 * S
    columns["left_ns"][first] = 8 * S
    servers = (
        load(0, [(0, 0, 0), (S, 0, 1), (2 * S, 0, 2), (3 * S, 4, 2), (5 * S, 0, 0)]),
        load(
            network.index["79"],
            [(0, 0, 0), (9 * S, 0, 1)],
            workers=1,
            served=3,
            full=2,
            limited=1,
            waited_ns=np.array([0, 20 * MS, 10 * MS]),
        ),
    )
    joins = dataclasses.replace(none, start_ns=4 * S, servers=servers, **columns)
    rooms = tuple(
        Arrival(site=network.sites[s].id, calls_ns=int(columns["called_ns"][s]), leaves_ns=-1)
        for s in (first, second, third, fourth)
    )
    scenario = dataclasses.replace(
        results.scenario, joining=JoiningRules(start_ns=4 * S, rooms=rooms)
    )
    return dataclasses.replace(results, scenario=scenario, joins=joins)


def test_rooms_are_counted_by_what_became_of_them(joined):
    everybody, *tiers = join_figures(joined)
    assert [each.tier for each in tiers] == ["province", "district", "commune"]
    communes = tiers[-1]
    assert (communes.rooms, everybody.rooms) == (8, 10)
    for each in (communes, everybody):
        assert (each.called, each.joined, each.gave_up) == (4, 2, 1)
        assert (each.refused, each.unanswered, each.retried) == (2, 1, 2)
        assert (each.p50_ns, each.p95_ns, each.max_ns) == (300 * MS, 3 * S, 3 * S)
    # There at the start: all but the second, third and fourth.
    assert (communes.present, everybody.present) == (5, 7)
    assert np.isnan(tiers[0].p50_ns)


def test_servers_are_counted_by_steps(joined):
    root, province = server_figures(joined)
    assert (root.longest_queue, root.queue_at_ns) == (4, 3 * S)
    # One worker for 1 s, two for 3 s, of two for 10 s.
    assert root.busy == pytest.approx(7 / 20)
    assert province.busy == pytest.approx(1 / 10)
    assert (province.waited_p95_ns, province.waited_max_ns) == (20 * MS, 20 * MS)
    assert np.isnan(root.waited_max_ns)
    assert busiest([province, root]) == [root, province]


def test_the_report_says_it(joined):
    out = Console(file=io.StringIO(), width=200, no_color=True)
    page.print_report(joined, Path("run"), Reader(out, ENGLISH))
    lines = out.file.getvalue().splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith("Joining,"))
    cells = [line.split() for line in lines[row + 3 : row + 7]]
    assert [each[0] for each in cells] == ["province", "district", "commune", "all"]
    expected = "all 10 4 2 300 ms 3 s 3 s 3 s 2 1 2 1 7 70"
    assert " ".join(cells[-1]) == expected
    servers = next(i for i, line in enumerate(lines) if "signalling servers" in line)
    assert " ".join(lines[servers + 3].split()) == "vn Trung ương 2 0 4 0:03 – – 35 0 0"


def test_the_folder_has_a_row_for_each_room_and_each_step(joined, tmp_path):
    summary = write(joined, tmp_path, created=datetime(2021, 9, 5, tzinfo=UTC))
    rooms = {row["site"]: row for row in pq.read_table(tmp_path / "joins.parquet").to_pylist()}
    assert list(rooms) == [joined.network.sites[s].id for s in joined.measures.endpoints.site]
    first, third, always = rooms["76000"], rooms["76002"], rooms["79"]
    assert (first["called_ms"], first["joined_ms"], first["took_ms"]) == (1000, 1300, 300)
    assert (first["left_ms"], first["gave_up_ms"], first["branch"]) == (8000, None, "79")
    assert (third["joined_ms"], third["took_ms"], third["gave_up_ms"]) == (None, None, 6000)
    assert (always["called_ms"], always["joined_ms"], always["took_ms"]) == (None, 0, None)
    steps = pq.read_table(tmp_path / "servers.parquet").to_pylist()
    assert [(step["at_ms"], step["waiting"], step["busy"]) for step in steps[:5]] == [
        (0, 0, 0),
        (1000, 0, 1),
        (2000, 0, 2),
        (3000, 4, 2),
        (5000, 0, 0),
    ]
    assert json.loads((tmp_path / "summary.json").read_text())["joins"] == summary["joins"]
    assert summary["joins"]["join_ms"] == {"p50": 300, "p95": 3000, "p99": 3000, "max": 3000}
    assert summary["joins_at"]["commune"]["present_at_start"] == 5
    assert summary["servers"][1]["waited_ms"] == {"p95": 20, "max": 20}


def test_a_scenario_without_joining_says_nothing_of_it(results, folder):
    assert not (folder / "joins.parquet").exists()
    assert not (folder / "servers.parquet").exists()
    out = Console(file=io.StringIO(), width=200, no_color=True)
    page.print_report(results, Path("run"), Reader(out, ENGLISH))
    assert "Joining" not in out.file.getvalue()


def test_a_run_hands_over_what_its_control_plane_did():
    results = simulate(small(SLOW, append=JOINING), engine="reference")
    everybody = join_figures(results)[0]
    assert (everybody.called, everybody.rooms) == (3, 3)
    assert everybody.joined == sum(entry.event == "has joined" for entry in results.journal)
    assert everybody.joined > 0
    (server,) = server_figures(results)
    assert server.full > 0
    assert server.busy == pytest.approx(0.9 * server.served / 10, rel=0.1)
