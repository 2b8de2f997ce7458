"""Real packets in Linux network namespaces, a few seconds of them, against the simulator.

The measurement that docs/validation.md shows is tests/validation/namespaces/measured.json.
"""

from __future__ import annotations

import json

import pytest

from sim.scenario.loader import load
from tests.validation.namespaces.measure import (
    MEASURED,
    SCENARIO,
    Room,
    Run,
    differences,
    line_losses,
    real,
    simulated,
)
from tests.validation.namespaces.tree import Bucket, missing
from tests.validation.report import PAGE, replaced

SECONDS = 3
TRIES = 3  # the machine may be busy with others


@pytest.fixture(scope="module")
def scenario():
    return load(SCENARIO, duration_ns=SECONDS * 10**9)


@pytest.fixture(scope="module")
def model(scenario):
    return simulated(scenario)


@pytest.fixture
def namespaces():
    why_not = missing()
    if why_not:
        pytest.skip(why_not)


def test_a_token_bucket_of_one_packet_is_the_queue_of_equal_packets(scenario):
    """Of N packets one is being sent and N - 1 wait; tbf lets go what the model begins to send."""
    lines = {line.site: line for line in scenario.lines}
    thin = Bucket.of(lines["thin"], 1042)
    assert thin == Bucket(
        rate_bps=2_400_000, burst_bytes=1042, limit_bytes=11 * 1042, advance_ns=3_473_333
    )
    assert Bucket.of(lines["thin"], 1042, slower=2).rate_bps == 1_200_000


def test_the_scenario_has_a_line_that_is_too_thin_and_one_that_loses(model):
    assert model["thin"].lost_queue > 10
    assert model["lossy"].lost_line > 5
    assert [model[site].lost_queue for site in ("lossy", "wide", "near")] == [0, 0, 0]
    for room in model.values():
        assert room.sent == room.delivered + room.lost_queue + room.lost_line > 500


def tried(scenario, model, slower=None) -> list[list[str]]:
    """Return what differs in each of a few runs; one that agrees ends them."""
    found = []
    for number in range(TRIES):
        run = real(scenario, seed=str(number), slower=slower)
        found.append(differences(run.rooms, model, line_losses(scenario)))
        if not found[-1]:
            break
    return found


@pytest.mark.usefixtures("namespaces")
def test_real_queues_agree_with_the_simulator(scenario, model):
    found = tried(scenario, model)
    assert not found[-1], found


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize(("site", "slower"), [("thin", 2), ("wide", 2)])
def test_a_line_of_half_the_rate_would_be_noticed(scenario, model, site, slower):
    run = real(scenario, seed="0", slower={site: slower})
    wrong = differences(run.rooms, model, line_losses(scenario))
    assert any(text.startswith(f"{site}: ") for text in wrong), wrong


def test_the_comparison_notices_each_kind_of_difference(scenario, model):
    losses = line_losses(scenario)
    thin = model["thin"]
    assert differences(model, model, losses) == []
    few, some = thin.lost_queue // 5 + 6, 0.5

    def wrong(**changes) -> list[str]:
        values = {name: getattr(thin, name) for name in thin.__dataclass_fields__} | changes
        return differences({"thin": Room(**values)}, model, losses)

    assert len(wrong(delivered=thin.delivered - 1)) == 1
    assert len(wrong(delivered=thin.delivered - few, lost_queue=thin.lost_queue + few)) == 1
    assert len(wrong(delivered=thin.delivered - 1, lost_line=1)) == 1
    assert len(wrong(delay_ms=(thin.delay_ms[0] - some, *thin.delay_ms[1:]))) == 1
    assert len(wrong(delay_ms=(thin.delay_ms[0], thin.delay_ms[1] + 3, *thin.delay_ms[2:]))) == 1


def test_what_was_measured_is_of_this_scenario():
    """If not, measure again: `python -m tests.validation.namespaces.measure`."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    whole = load(SCENARIO)
    assert measured["duration_s"] == whole.duration_ns // 10**9
    now = {site: json.loads(json.dumps(vars_of(room))) for site, room in simulated(whole).items()}
    assert measured["simulated"] == now
    assert len(measured["runs"]) >= 5


def test_the_page_shows_what_was_measured():
    """If not: `python -m tests.validation.report`, and read what it changed."""
    page = PAGE.read_text(encoding="utf-8")
    assert replaced(page, "namespaces") == page


def vars_of(room: Room | Run) -> dict:
    return {name: getattr(room, name) for name in room.__dataclass_fields__}
