"""Any small meeting has a baseline, which is read as it was written and compares as no change."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

from sim import grouping
from sim.compare.baseline import baseline_text, read_baseline
from sim.compare.comparison import Status, compare
from sim.compare.survey import survey
from sim.scenario.loader import load
from sim.simulation import simulate
from tests.equality.strategies import rehearsals
from tests.scenario.files import ROOT


def another(findings):
    """Return the findings as of another run, so that their figures are compared."""
    return dataclasses.replace(findings, fingerprint="another")


@given(rehearsal=rehearsals())
def test_a_baseline_holds_what_was_found(tmp_path_factory, rehearsal):
    scenario = rehearsal.scenario
    results = simulate(scenario, engine="reference")
    with pytest.MonkeyPatch.context() as patch:
        # Not all that can be rehearsed can be written in a scenario file.
        patch.setattr("sim.compare.survey.meeting_text", repr)
        found = survey(results, timetable="cut")
    path = tmp_path_factory.mktemp("any") / "b.json"
    path.write_text(baseline_text(found.findings), encoding="utf-8")
    read = read_baseline(path, remedy="")
    assert read == found.findings
    comparison = compare(another(read), found, scenario.check)
    assert {change.status for change in comparison.changes} == {Status.same}


def test_where_sites_share_histograms_a_rooms_own_delay_is_unknown(monkeypatch):
    scenario = load(ROOT / "scenarios" / "tiny.yaml", duration_ns=10**9)
    scenario = dataclasses.replace(scenario, requirements=())
    monkeypatch.setattr(grouping, "MOST_ROOMS", 0)
    found = survey(simulate(scenario, engine="reference"), timetable="cut")
    rooms = found.findings.lists["rooms"].values()
    assert all(row.figures["delay_p99_ms"] is None for listed in rooms for row in listed.values())
    assert found.findings.tables["tiers"]["commune"].figures["delay_p99_ms"] > 0
    comparison = compare(another(found.findings), found, scenario.check)
    assert not comparison.failing


def test_a_flat_tree_has_no_row_for_each_room(monkeypatch):
    scenario = load(ROOT / "scenarios" / "tiny.yaml", duration_ns=10**9)
    results = simulate(scenario, engine="reference")
    assert len(survey(results, timetable="cut").findings.tables["branches"]) == 2
    monkeypatch.setattr("sim.compare.survey.MOST_BRANCHES", 1)
    assert survey(results, timetable="cut").findings.tables["branches"] == {}


@pytest.mark.parametrize("engine", ["packet", "reference"])
def test_both_engines_have_the_same_baseline(engine):
    scenario = load(ROOT / "scenarios" / "tiny.yaml", duration_ns=2 * 10**9)
    found = survey(simulate(scenario, engine=engine), timetable="cut").findings
    other = survey(simulate(scenario, engine="packet"), timetable="cut").findings
    assert baseline_text(found) == baseline_text(other)
