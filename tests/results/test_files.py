"""The results folder's files: complete, readable everywhere, and the same every time."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from datetime import UTC, datetime

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from sim.dataplane.tally import Fate, FateLog
from sim.plots.charts import draw_charts
from sim.results.files import write
from sim.results.stored import read_run
from sim.results.tables import tables
from sim.results.trace import assemble, file_name
from sim.results.watched import Watch
from tests.results.conftest import FAULTS, REQUIREMENTS, hold, results_of, trace
from tests.results.meetings import Meeting, scenario, talk

TABLES = (
    "endpoints",
    "lines",
    "egresses",
    "streams",
    "sources",
    "turns",
    "faults",
    "timeline",
    "delays",
)


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def test_the_folder_holds_what_it_should(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "dark.parquet",
        "delays.parquet",
        "egresses.parquet",
        "endpoints.parquet",
        "faults.parquet",
        "lines.parquet",
        "quality.parquet",
        "scenario.yaml",
        "sources.parquet",
        "streams.parquet",
        "summary.json",
        "timeline.parquet",
        "trace-79401.csv",
        "turns.parquet",
    ]


@pytest.mark.parametrize("name", TABLES)
def test_pandas_polars_and_duckdb_read_the_same_values(talk_folder, name):
    path = talk_folder / f"{name}.parquet"
    arrow = pq.read_table(path).to_pylist()
    assert arrow
    polars = pl.read_parquet(path).to_dicts()
    relation = duckdb.sql(f"select * from read_parquet('{path}')")
    duck = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    pandas = pd.read_parquet(path)
    known = pandas.astype(object).where(pandas.notna(), None).to_dict(orient="records")
    assert polars == arrow
    assert duck == arrow
    assert known == arrow


@pytest.mark.parametrize("name", TABLES)
def test_every_number_has_its_unit(talk_folder, name):
    schema = pq.read_schema(talk_folder / f"{name}.parquet")
    by_suffix = {"_ms": "ms", "_bps": "bit/s", "_bytes": "bytes"}
    for field in schema:
        unit = field.metadata[b"unit"].decode()
        if str(field.type) == "string":
            assert unit == ""
            continue
        assert unit in ("ms", "bit/s", "bytes", "packets", "deg", "1")
        for suffix, expected in by_suffix.items():
            if field.name.endswith(suffix):
                assert unit == expected


def test_what_could_not_be_known_is_null(folder):
    lines = pq.read_table(folder / "lines.parquet").to_pylist()
    idle = [row for row in lines if row["direction"] == "up" and row["role"] == "primary"]
    assert len(idle) == 13
    for row in idle:
        assert row["offered"] == row["delivered"] == row["queue_max_ms"] == 0
        assert row["delay_mean_ms"] is row["delay_p99_ms"] is row["delay_max_ms"] is None
    backup = [row for row in lines if row["role"] == "backup"]
    assert [row["direction"] for row in backup] == ["down", "up"]
    said = "site name place tier parent role direction carrier access_class rate_bps buffer_bytes"
    said += " scheduling propagation_ms"
    for row in backup:
        assert {name for name, value in row.items() if value is not None} == set(said.split())
    used = [row for row in lines if row["direction"] == "down" and row["role"] == "primary"]
    assert len(used) == 13
    assert all(row["delay_p50_ms"] > 2 for row in used)
    egresses = pq.read_table(folder / "egresses.parquet").to_pylist()
    assert [row["site"] for row in egresses if row["utilisation"] is None] == ["80"]
    assert [row["site"] for row in egresses if row["rate_bps"] is None] == ["80"]
    drain = pq.read_table(folder / "timeline.parquet").to_pylist()[-1]
    assert (drain["start_ms"], drain["end_ms"]) == (10_000, None)


def test_only_a_line_with_a_policer_has_its_figures(folder):
    lines = pq.read_table(folder / "lines.parquet").to_pylist()
    policed = [row for row in lines if row["policer_rate_bps"] is not None]
    assert len(policed) == 2 * 8
    assert {row["tier"] for row in policed} == {"commune"}
    figures = {(row["policer_rate_bps"], row["policer_burst_bytes"]) for row in policed}
    assert figures == {(3_000_000, 30_000)}
    others = [row for row in lines if row["policer_rate_bps"] is None and row["role"] == "primary"]
    assert {(row["policer_burst_bytes"], row["lost_policer"]) for row in others} == {(None, 0)}
    rooms = pd.read_parquet(folder / "endpoints.parquet")
    assert sum(row["lost_policer"] for row in policed) == rooms.lost_policer_at_commune.sum() > 0


def test_the_tables_agree_with_each_other_and_with_the_summary(folder):
    summary = summary_of(folder)
    rooms = pd.read_parquet(folder / "endpoints.parquet")
    timeline = pd.read_parquet(folder / "timeline.parquet").query("group == 'all'")
    assert summary["due"] == rooms.due.sum() == timeline.due.sum() == 10 * 400
    assert summary["received"] == rooms.received.sum() == timeline.received.sum()
    for cause, count in summary["lost"].items():
        assert count == rooms[f"lost_{cause}"].sum() == timeline[f"lost_{cause}"].sum()
        at = {tier: counts[cause] for tier, counts in summary["lost_at"].items()}
        assert at == {tier: rooms[f"lost_{cause}_at_{tier}"].sum() for tier in at}
    assert summary["due"] == summary["received"] + sum(summary["lost"].values())
    lines = pd.read_parquet(folder / "lines.parquet")
    assert summary["packet_hops"] == lines.offered.sum() - lines.refused.sum()
    assert summary["sites"] == {"central": 1, "province": 2, "district": 3, "commune": 8}
    assert summary["endpoints"] == {"central": 0, "province": 1, "district": 1, "commune": 8}


def test_delays_are_the_packets_that_the_rooms_received(folder, results):
    delays = pd.read_parquet(folder / "delays.parquet")
    rooms = pd.read_parquet(folder / "endpoints.parquet")
    by_tier = delays.groupby("tier").packets.sum()
    assert by_tier.to_dict() == rooms.groupby("tier").received.sum().to_dict()
    assert (delays.packets > 0).all()
    assert (delays.from_ms < delays.below_ms).all()
    for tier, longest_ms in rooms.groupby("tier").delay_max_ms.max().items():
        last = delays[delays.tier == tier].iloc[-1]
        assert last.from_ms <= longest_ms < last.below_ms


def test_a_room_knows_its_branch(folder, results):
    for row in rows_of(folder, "endpoints"):
        path = results.network.path(results.network.index[row["site"]])
        branch = results.network.sites[path[0]]
        assert (row["branch"], row["branch_name"]) == (branch.id, branch.name)
        assert (row["latitude"], row["longitude"]) == (None, None)


def test_faults_are_told_as_they_were_scheduled(folder):
    rows = rows_of(folder, "faults")
    assert [(row["fault"], row["label"], row["action"]) for row in rows] == [
        (0, "fail site/794", "fail"),
        (1, "degrade line/76900", "degrade"),
    ]
    assert [(row["at_ms"], row["until_ms"]) for row in rows] == [(3000, 6000), (8000, None)]
    assert [(row["lines"], row["relays"], row["rooms"]) for row in rows] == [(0, 1, 1), (1, 0, 0)]
    assert [(row["rate_factor"], row["added_loss"]) for row in rows] == [(1, 0), (0.5, 0)]


def test_the_summary_says_all_it_must(folder):
    summary = summary_of(folder)
    expected = (
        "scenario seed engine sites endpoints simulated_s packet_hops due received lost duplicates "
        "conservation requirements verdict fingerprint provenance"
    )
    assert set(expected.split()) <= set(summary)
    assert {
        "wall_s",
        "packet_hops_per_s",
        "threads",
        "peak_memory_bytes",
        "created",
        "versions",
    } == set(summary["provenance"])
    assert summary["conservation"] is True
    assert summary["verdict"] == "missed"
    assert [item["met"] for item in summary["requirements"]] == [True, True, False, True, True]
    for item in summary["requirements"]:
        assert {"name", "limit", "value", "met", "worst"} <= set(item)
        assert item["met"] == (item["value"] <= item["limit"])
        assert item["worst"]["value"] >= item["value"]
    dark = summary["requirements"][2]
    assert (dark["limit"], dark["unit"]) == (2000, "ms")
    assert dark["worst"]["place"].startswith("Tỉnh Long An › Thành phố Tân An")


def test_the_same_run_twice_gives_the_same_bytes_but_for_the_provenance(folder, tmp_path):
    again = hold(Meeting(scenario(requirements=REQUIREMENTS, faults=FAULTS)))
    other = dataclasses.replace(results_of(again, "79401"), threads=4, wall_s=9.0)
    write(other, tmp_path, created=datetime(2022, 1, 1, tzinfo=UTC))
    first, second = summary_of(folder), summary_of(tmp_path)
    assert first.pop("provenance") != second.pop("provenance")
    assert first == second
    for path in folder.iterdir():
        if path.name != "summary.json":
            assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_charts_are_the_same_bytes_every_time(folder, tmp_path):
    contents = []
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        drawn = draw_charts(read_run(folder), tmp_path / name)
        contents.append({path.name: path.read_bytes() for path in drawn.files})
    assert contents[0] == contents[1]
    assert sorted(contents[0]) == [
        "capacity.png",
        "capacity.svg",
        "dark.png",
        "dark.svg",
        "delay.png",
        "delay.svg",
        "loss.png",
        "loss.svg",
        "timeline.png",
        "timeline.svg",
    ]


def test_the_fingerprint_does_not_depend_on_how_it_was_simulated(results, folder, tmp_path):
    other = dataclasses.replace(results, engine="reference", traces=(), threads=2)
    write(other, tmp_path, created=datetime(2022, 1, 1, tzinfo=UTC))
    assert summary_of(tmp_path)["fingerprint"] == summary_of(folder)["fingerprint"]


@pytest.mark.parametrize("seed", [2, 3])
def test_other_luck_gives_another_fingerprint(folder, tmp_path, seed):
    other = hold(Meeting(scenario(requirements=REQUIREMENTS, faults=FAULTS), seed=seed))
    write(results_of(other), tmp_path, created=datetime(2022, 1, 1, tzinfo=UTC))
    assert summary_of(tmp_path)["fingerprint"] != summary_of(folder)["fingerprint"]


def test_any_single_value_changes_the_fingerprint(results, folder, tmp_path):
    gap_max_ns = results.measures.endpoints.gap_max_ns.copy()
    gap_max_ns[4] += 1
    rooms = dataclasses.replace(results.measures.endpoints, gap_max_ns=gap_max_ns)
    other = dataclasses.replace(
        results, measures=dataclasses.replace(results.measures, endpoints=rooms)
    )
    write(other, tmp_path, created=datetime(2022, 1, 1, tzinfo=UTC))
    assert summary_of(tmp_path)["fingerprint"] != summary_of(folder)["fingerprint"]


def test_a_trace_tells_what_became_of_every_packet(folder, held, results):
    with (folder / "trace-79401.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    meeting = held.meeting
    assert len(rows) == len(meeting.sent) == 400
    assert [(int(row["sent_ns"]), int(row["size_bytes"])) for row in rows] == [
        (sent_ns, size_bytes) for sent_ns, size_bytes, *_ in meeting.sent
    ]
    assert {(row["origin"], row["way"]) for row in rows} == {("vn", "down")}
    assert [(row["stream"], int(row["sequence"])) for row in rows[:4]] == [
        ("video", 0),
        ("voice", 0),
        ("video", 1),
        ("voice", 1),
    ]
    rooms = results.measures.endpoints
    i = rooms.site.tolist().index(meeting.network.index["79401"])
    arrived = [row for row in rows if row["arrived_ns"]]
    assert len(arrived) == rooms.received[i]
    assert all(not (row["lost_cause"] or row["lost_where"] or row["lost_at_ns"]) for row in arrived)
    mean_ms = np.mean([int(row["arrived_ns"]) - int(row["sent_ns"]) for row in arrived]) / 1e6
    assert math.isclose(mean_ms, rooms.delays.mean_ns[i] / 1e6)
    lost = [row for row in rows if row["lost_cause"]]
    assert len(lost) + len(arrived) == 400
    assert all(int(row["lost_at_ns"]) >= int(row["sent_ns"]) for row in lost)
    by_cause = [
        sum(row["lost_cause"] == cause for row in lost)
        for cause in ("outage", "policer", "queue", "line")
    ]
    assert all(by_cause)
    assert by_cause == rooms.lost_by_cause[i, :4].tolist()
    assert {row["lost_where"] for row in lost} == {
        "egress vn",
        "line 80",
        "line 794",
        "egress 794",
        "line 79401",
    }


def test_a_trace_into_a_room_names_the_relay_or_the_room():
    meeting = Meeting(scenario(), loss=0.0)
    room = meeting.network.index["79"]
    meeting.send(0, 1000)
    meeting.dead_rooms = {room}
    meeting.send(1, 1000)
    meeting.dead_rooms, meeting.dead_relays = set(), {room}
    meeting.send(2, 1000)
    assert trace(meeting, "79").where.tolist() == ["", "room 79", "relay 79"]


def test_a_trace_with_a_missing_fate_is_an_error(held):
    meeting, fates = held.meeting, held.meeting.fates()
    some = slice(0, len(fates.hop) - 40)
    watch = Watch(meeting.scenario, meeting.network, "79401")
    watch.add(meeting.packets())
    with pytest.raises(RuntimeError, match="no fate"):
        assemble(
            meeting.network,
            watch.finish(),
            FateLog(
                hop=fates.hop[some],
                packet=fates.packet[some],
                fate=fates.fate[some],
                at_ns=fates.at_ns[some],
            ),
        )


def test_an_egress_of_a_carrier_is_named_with_it():
    meeting = Meeting(scenario(), loss=0.0)
    meeting.dead_relays = {meeting.network.index["79"]}
    meeting.send(0, 1000)
    assert trace(meeting, "76000").where.tolist() == ["egress 79 (viettel)"]


@pytest.mark.parametrize("site", ["../../etc/passwd", "a/b", "x" * 300, "Huế\x1b[2J", "."])
def test_a_traces_file_name_is_one_plain_name(site, tmp_path):
    name = file_name(site)
    (tmp_path / name).touch()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert name.isprintable()
    assert file_name(site + "y") != name


def test_tables_have_equally_long_columns(talk_results):
    for table in tables(talk_results).values():
        assert len({len(column.values) for column in table}) == 1
        names = [column.name for column in table]
        assert len(set(names)) == len(names)


def rows_of(folder, name):
    return pq.read_table(folder / f"{name}.parquet").to_pylist()


def test_rooms_streams_and_sources_agree(talk_folder):
    rooms = pd.read_parquet(talk_folder / "endpoints.parquet").set_index("site").sort_index()
    streams = pd.read_parquet(talk_folder / "streams.parquet")
    sources = pd.read_parquet(talk_folder / "sources.parquet")
    summary = summary_of(talk_folder)
    assert (streams.groupby("site").due.sum() == rooms.due).all()
    assert (streams.groupby("site").received.sum() == rooms.received).all()
    lost = sources[[f"lost_{cause}" for cause in summary["lost"]]].sum(axis=1)
    assert (sources.sent == sources.ended + lost).all()
    assert set(summary["streams"]) == set(streams.stream) == {"speak", "video", "voice"}
    assert set(summary["sources"]) == set(sources.stream) == {"cam", "speak"}
    for name, block in summary["streams"].items():
        mine = streams[streams.stream == name]
        assert (block["rooms"], block["due"], block["received"]) == (
            len(mine),
            mine.due.sum(),
            mine.received.sum(),
        )
        assert block["jitter_max_ms"]["max"] == mine.jitter_max_ms.max()
        total = (mine.delay_mean_ms * mine.received).sum() / mine.received.sum()
        assert math.isclose(block["delay_mean_ms"], total)
        if name != "voice":  # it has no play-out delay
            assert block["freezes"] == mine.freezes.sum()
            assert block["frozen"] == (mine.freezes > 0).sum()
    for name, block in summary["sources"].items():
        mine = sources[sources.stream == name]
        assert block["lost"] == {cause: mine[f"lost_{cause}"].sum() for cause in summary["lost"]}
    voice = [row for row in rows_of(talk_folder, "streams") if row["stream"] == "voice"]
    assert {(row["freezes"], row["frozen_ms"]) for row in voice} == {(None, None)}
    spoken = [row for row in rows_of(talk_folder, "sources") if row["stream"] == "speak"]
    assert [row["site"] for row in spoken] == ["79", "76001", "794"]
    assert {row["jitter_max_ms"] for row in spoken} == {None}
    assert all(row["site_delay_p50_ms"] > 2 for row in rows_of(talk_folder, "sources"))


def test_a_trace_has_what_a_site_sends_up_and_what_comes_down(talk_folder, talked):
    with (talk_folder / "trace-76001.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sources = {(row["site"], row["stream"]): row for row in rows_of(talk_folder, "sources")}
    for stream in ("cam", "speak"):
        mine = [row for row in rows if row["way"] == "up" and row["stream"] == stream]
        counted = sources["76001", stream]
        assert {row["origin"] for row in mine} == {"76001"}
        assert len(mine) == counted["sent"]
        assert sum(bool(row["arrived_ns"]) for row in mine) == counted["ended"]
        for cause in ("outage", "policer", "queue", "line", "endpoint", "port"):
            lost = sum(row["lost_cause"] == cause for row in mine)
            assert lost == counted[f"lost_{cause}"]
    streams = {(row["site"], row["stream"]): row for row in rows_of(talk_folder, "streams")}
    heard = [row for row in rows if row["way"] == "down" and row["stream"] == "speak"]
    assert {row["origin"] for row in heard} == {"79", "794"}
    counted = streams["76001", "speak"]
    assert len(heard) == counted["due"]
    assert sum(bool(row["arrived_ns"]) for row in heard) == counted["received"]
    lost = {row["lost_where"] for row in heard if row["lost_cause"]}
    assert {"line 80 up", "line 794 up", "relay 794"} & lost, "nothing lost on another's way up"
    assert all(int(row["sequence"]) >= 0 for row in rows)
    order = [
        (int(row["sent_ns"]), row["origin"].encode(), row["stream"].encode(), int(row["sequence"]))
        for row in rows
    ]
    assert order == sorted(order)


def test_a_way_up_that_ends_at_a_dead_relay_names_it():
    meeting = Meeting(talk(), loss=0.0)
    site, above = meeting.network.index["79400"], meeting.network.index["794"]
    cam = meeting.stream("cam")
    meeting.send(0, 600, stream=cam, origin=site)
    meeting.dead_relays = {above}
    meeting.send(1, 600, stream=cam, origin=site)
    meeting.dead_relays, meeting.dead_rooms = set(), {site}
    meeting.send(2, 600, stream=cam, origin=site)
    traced = trace(meeting, "79400")
    assert traced.where.tolist() == ["", "relay 794", "room 79400"]
    assert traced.fate.tolist() == [Fate.ENDED, Fate.ENDED_OUTAGE, Fate.ROOM_DEAD]


def test_turns_say_how_soon_the_rooms_saw_the_speaker(talk_folder, talk_results):
    rows = rows_of(talk_folder, "turns")
    assert [row["site"] for row in rows] == ["76001", "794", "79"]
    for row, block in zip(rows, summary_of(talk_folder)["turns"], strict=True):
        assert (row["first_frame"], row["rooms"]) == (4, 9)
        assert row["rooms_never_whole"] == 9 - row["first_frame_rooms"]
        assert row["first_frame_max_ms"] == block["first_frame_ms"]["max"]
        assert row["first_packet_p50_ms"] == block["first_packet_ms"]["p50"]
        if row["first_frame_rooms"]:
            assert row["first_frame_max_ms"] > 300  # its fourth packet is sent 300 ms on
        else:
            assert row["first_frame_max_ms"] is None
    assert any(row["first_frame_rooms"] for row in rows)
    assert not all(row["first_frame_rooms"] for row in rows)
