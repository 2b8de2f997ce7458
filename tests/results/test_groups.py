"""A meeting whose sites share histograms says the same as one in which each has its own."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from sim import grouping
from sim.grouping import EVERYWHERE
from sim.language.language import ENGLISH
from sim.metrics.balance import ConservationError
from sim.metrics.histogram import quantiles_ns
from sim.report.page import print_report
from sim.results.files import write
from sim.results.tables import tables
from sim.terminal import Reader
from tests.results.conftest import FAULTS, REQUIREMENTS, finish, hold_talk, results_of
from tests.results.meetings import Meeting, talk

PERCENTILES = ("p50_ns", "p95_ns", "p99_ns")
KEPT = tuple(rule for rule in REQUIREMENTS if rule.measure != "delay")


def held_with(most_rooms, most_groups=grouping.MOST_GROUPS):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouping, "MOST_ROOMS", most_rooms)
        patch.setattr(grouping, "MOST_GROUPS", most_groups)
        return hold_talk(Meeting(talk(requirements=KEPT, faults=FAULTS)))


@pytest.fixture(scope="module")
def own():
    return held_with(grouping.MOST_ROOMS)


@pytest.fixture(scope="module")
def shared():
    return held_with(0)


def all_delays(measures):
    return measures.endpoints.delays, measures.lines.delays, measures.sources.site_delays


def test_a_single_sites_percentiles_are_unknown_and_the_rest_is_as_before(own, shared):
    one, other = (finish(held.meters, held.meeting) for held in (own, shared))
    for delays, unknown in zip(all_delays(one), all_delays(other), strict=True):
        np.testing.assert_array_equal(delays.mean_ns, unknown.mean_ns)
        np.testing.assert_array_equal(delays.max_ns, unknown.max_ns)
        for name in PERCENTILES:
            assert not np.isnan(getattr(delays, name)).all()
            assert np.isnan(getattr(unknown, name)).all()


@pytest.mark.parametrize("most_groups", [grouping.MOST_GROUPS, 0])
def test_tiers_have_the_same_percentiles(own, most_groups):
    held = held_with(0, most_groups)
    one, other = finish(own.meters, own.meeting), finish(held.meters, held.meeting)
    for name in (*PERCENTILES, "mean_ns", "max_ns"):
        for part in ("tier_delays", "room_delays"):
            np.testing.assert_array_equal(
                getattr(getattr(one, part), name), getattr(getattr(other, part), name)
            )


def test_a_group_is_its_sites_together(own, shared):
    network, tally = own.meeting.network, own.meeting.tally
    groups = finish(shared.meters, shared.meeting).groups
    n = len(network.sites)
    assert groups.sites.sum() == n
    assert groups.rooms.sum() == network.room.sum()
    for g, (tier, branch) in enumerate(zip(groups.tier, groups.branch, strict=True)):
        below = [s for s in range(n) if branch == (network.path(s) or [EVERYWHERE])[0]]
        sites = [s for s in below if network.tier[s] == tier]
        assert groups.sites[g] == len(sites)
        for delays, rows in (
            (groups.room_delays, tally.room_delay[sites]),
            (groups.source_delays, tally.up_delay[sites]),
            (groups.down, tally.line_delay[sites]),
            (groups.up, tally.line_delay[[n + s for s in sites]]),
        ):
            together = rows.sum(axis=0, dtype=np.int64)[np.newaxis]
            (p50_ns,) = quantiles_ns(together, (50.0,))[0]
            np.testing.assert_array_equal(
                delays.p50_ns[g], np.fmin(p50_ns, delays.max_ns[g]) if together.any() else np.nan
            )


def test_what_is_not_known_of_a_site_is_null_in_its_file(shared, tmp_path):
    results = results_of(shared)
    write(results, tmp_path, created=datetime(2021, 9, 5, 8, 30, tzinfo=UTC))
    for name, prefix in (("endpoints", ""), ("lines", ""), ("sources", "site_")):
        table = pq.read_table(tmp_path / f"{name}.parquet")
        for figure in ("p50", "p95", "p99"):
            column = table[f"{prefix}delay_{figure}_ms"]
            assert column.null_count == len(column) > 0
        assert table[f"{prefix}delay_max_ms"].null_count < len(table)
    groups = pq.read_table(tmp_path / "groups.parquet").to_pylist()
    assert sum(group["rooms"] for group in groups) == results.network.room.sum()
    assert {group["branch"] for group in groups} == {"", "79", "80"}
    assert any(group["delay_p99_ms"] is not None for group in groups)


def test_a_small_meeting_has_no_table_of_groups(results):
    assert "groups" not in tables(results)


def test_the_report_says_what_is_not_kept(shared, results):
    text = {}
    for name, told in (("shared", results_of(shared)), ("own", results)):
        out = Console(file=StringIO(), width=160)
        print_report(told, Path("run"), Reader(out, ENGLISH))
        text[name] = out.file.getvalue()
    assert "kept for groups of sites, in groups.parquet" in text["shared"]
    assert "groups" not in text["own"]
    assert "nan" not in text["shared"]


def test_no_verdict_is_made_of_what_is_not_known(shared):
    meeting = copy.copy(shared.meeting)
    meeting.scenario = replace(meeting.scenario, requirements=REQUIREMENTS)
    with pytest.raises(ValueError, match="no room's own percentile is kept"):
        results_of(shared._replace(meeting=meeting))


@pytest.mark.parametrize("table", ["line_delay", "room_delay", "up_delay"])
def test_a_delay_too_many_is_noticed(shared, table):
    tally = copy.deepcopy(shared.meeting.tally)
    getattr(tally, table)[-1, 700] += 1
    meeting = copy.copy(shared.meeting)
    meeting.tally = tally
    with pytest.raises(ConservationError, match="tier commune in the branch of 80: delays counted"):
        finish(shared.meters, meeting)
