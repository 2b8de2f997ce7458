"""`validate` and `schema`: what a scenario says, and what plain arithmetic says of it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from sim.cli import main
from sim.network.capacity import egress_load, line_load, offered
from sim.network.transmitter import drain_ns
from sim.network.tree import build_network
from sim.scenario.loader import load
from tests.cli.conftest import SCENARIO
from tests.equality import trees
from tests.results.meetings import CAM, STEADY, scenario, talk


def test_it_describes_the_scenario(hamlet, capfd):
    assert main(["validate", str(hamlet)]) == 0
    text = capfd.readouterr().out
    assert text.splitlines()[0] == "hamlet is valid: 6 sites, 5 rooms, 3 s, seed 7"
    rows = [line.split() for line in text.splitlines()]
    assert ["province", "2", "2", "2"] in rows
    assert ["commune", "3", "3", "0"] in rows
    commune = ["commune", "primary", "–", "vnpt", "3", "4", "Mbit/s", "4", "Mbit/s", "–", "1", "%"]
    assert commune in rows
    assert "[bold]and[/bold]" in text
    assert "\x1b" not in text


def test_the_fullest_lines_come_first_with_their_load(hamlet, capfd):
    main(["validate", str(hamlet)])
    text = capfd.readouterr().out
    lines = text[text.index("fullest lines") : text.index("fullest egresses")].splitlines()
    loads = [float(line.split()[-2]) for line in lines if line.endswith("%")]
    assert len(loads) == 10
    assert loads[5:] == [0] * 5, "nothing goes up"
    assert loads == sorted(loads, reverse=True)
    # 1 Mbit/s of media and 40 bytes with each packet, on 4 Mbit/s.
    assert 25 < loads[0] < 28


def test_a_policers_rate_is_what_a_line_can_sustain(hamlet, capfd):
    policed = "rate: 4 Mbit/s, policer: {rate: 2 Mbit/s, burst: 30 kB}"
    hamlet.write_text(SCENARIO.replace("rate: 4 Mbit/s", policed), encoding="utf-8")
    assert main(["validate", str(hamlet)]) == 0
    text = capfd.readouterr().out
    assert "4 Mbit/s  2 Mbit/s, 30 kB  " in text
    fullest = text[text.index("fullest lines") :].splitlines()[2]
    assert " 2 Mbit/s  " in fullest
    assert 50 < float(fullest.split()[-2]) < 56


def test_resolved_is_a_scenario_again(hamlet, tmp_path, capfd):
    assert main(["validate", str(hamlet), "--resolved"]) == 0
    resolved = capfd.readouterr().out
    again = tmp_path / "resolved.yaml"
    again.write_text(resolved, encoding="utf-8")
    assert main(["validate", str(again), "--resolved"]) == 0
    assert capfd.readouterr().out == resolved


def test_a_wrong_scenario_is_code_2(hamlet, capfd):
    hamlet.write_text(SCENARIO.replace("duration: 3 s", "duration: 3"), encoding="utf-8")
    assert main(["validate", str(hamlet)]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "hamlet.yaml:4:11: duration:" in captured.err


def test_schema_is_a_json_schema(capfd):
    assert main(["schema"]) == 0
    schema = json.loads(capfd.readouterr().out)
    assert {"name", "sites", "streams"} <= set(schema["properties"])


ONE_BPS = 20 * 1040 * 8  # of each of the streams below


def test_loads_are_offered_rate_over_capacity():
    """Two streams come down to all."""
    network = build_network(scenario())
    lines = line_load(scenario(), network)
    n = len(network.sites)
    assert np.isnan(lines[[0, n]]).all()
    assert lines[network.index["79"]] == 2 * ONE_BPS / 100e6
    assert lines[network.index["76000"]] == 2 * ONE_BPS / 3e6  # what the policer lets in
    assert (lines[n + 1 :] == 0).all()
    # By relay in preorder: vn, 79 (the rest), 79 (viettel), 760, 769, 80 (none), 794.
    parts = np.array([2 / 1e9, 1 / 2e8, 1 / 1e8, 3 / 1e8, 3 / 1e8, np.nan, 2 / 1e8])
    np.testing.assert_allclose(egress_load(scenario(), network), parts * 2 * ONE_BPS)


def test_loads_of_both_ways_count_who_sends_and_for_how_long():
    """A camera up from each room to its parent, and speakers for 2 of 10 s each."""
    meeting = talk(background=STEADY)
    network = build_network(meeting)
    bps, n = offered(meeting, network).line_bps / ONE_BPS, len(network.sites)
    site = network.index
    assert bps[n + site["76000"]] == pytest.approx(1)
    assert bps[n + site["76001"]] == pytest.approx(1.2)  # it speaks, too
    assert bps[n + site["760"]] == pytest.approx(0.2)  # cameras end here
    assert bps[n + site["79"]] == pytest.approx(1 + 0.2 + 0.2)  # its own room, and it speaks
    assert bps[site["76000"]] == pytest.approx(2 + 0.6)
    assert bps[site["76001"]] == pytest.approx(2 + 0.4)
    assert bps[site["794"]] == pytest.approx(2 + 0.6)  # its own go through it to those below
    assert bps[[0, n]].tolist() == [0, 0]
    load = line_load(meeting, network)
    assert load[site["76000"]] == pytest.approx(2.6 * ONE_BPS / 3e6)
    to_central = dataclasses.replace(meeting.streams[CAM], to="central")
    meeting = dataclasses.replace(meeting, streams=(to_central, *meeting.streams[1:]))
    up = offered(meeting, network).line_bps[n:] / ONE_BPS
    assert up[site["760"]] == pytest.approx(3 + 0.2)
    assert up[site["79"]] == pytest.approx(7 + 0.4)


@pytest.mark.parametrize(
    ("background", "others_bps"),
    [
        (trees.poisson(rate_bps=1_000_000), 1e6),
        (trees.bursts(rate_bps=8_000_000, burst_ns=300, silence_ns=1700), 1.2e6),
        (trees.poisson(rate_bps=1_000_000, profile=(0.5,) * 24), 0.5e6),
    ],
)
def test_packets_of_others_are_load(background, others_bps):
    meeting = scenario(background=background)
    network = build_network(meeting)
    load = line_load(meeting, network)[network.index["76000"]]
    assert load == pytest.approx((2 * ONE_BPS + others_bps) / 3e6)


@pytest.mark.parametrize("packets", [1, 7, 100])
def test_a_buffer_of_n_packets_takes_exactly_n(packets):
    one_ns = drain_ns(rate_bps=3_000_007, buffer_bytes=1500, mtu_bytes=1500)
    assert drain_ns(rate_bps=3_000_007, buffer_bytes=1500 * packets, mtu_bytes=1500) == (
        packets * one_ns
    )


def test_mean_rates_are_those_of_the_packets_sent():
    # 20 frames a second of 1000 bytes in one packet of 1040.
    assert scenario().streams[0].wire_bps == 20 * 1040 * 8


POOL = "servers: {count: 4, rate: 20 Mbit/s, buffer: 20 ms, overhead: 1 ms}"


@pytest.mark.parametrize(
    ("language", "each"), [("en", "4 servers, each"), ("vi", "4 máy chủ, mỗi máy")]
)
def test_a_pool_is_one_row_with_the_load_of_an_even_share(hamlet, capfd, language, each):
    """Central's two lines over four servers: bits at 20 Mbit/s, and 1 ms for each packet."""
    text = SCENARIO.replace("egress: {rate: 1 Gbit/s, buffer: 20 ms}", POOL)
    hamlet.write_text(text, encoding="utf-8")
    assert main(["validate", str(hamlet), "--lang", language]) == 0
    rows = [line for line in capfd.readouterr().out.splitlines() if each in line]
    network = build_network(load(hamlet))
    (stream,) = load(hamlet).streams
    of_line = float(stream.wire_bps) / 20e6 + float(stream.packets_per_s) * 1e-3
    share = egress_load(load(hamlet), network)[network.site_egress_first[0]]
    assert share == pytest.approx(2 * of_line / 4)
    shown = f"{100 * share:.3g}".replace(".", "," if language == "vi" else ".")
    assert len(rows) == 1
    assert rows[0].split()[-2:] == [shown, "%"]


def test_backups_are_counted_and_carry_no_load(hamlet, capfd):
    assert main(["validate", str(hamlet)]) == 0
    plain = capfd.readouterr().out
    assert "backup" not in plain
    backup = "  commune: {backup: {to: central, carrier: mobi, delay: 9 ms}, "
    assert "  commune: {" in SCENARIO
    hamlet.write_text(SCENARIO.replace("  commune: {", backup), encoding="utf-8")
    assert main(["validate", str(hamlet)]) == 0
    text = capfd.readouterr().out
    assert "3 of 5 sites have a backup; of 3 backup lines 3 go to another relay" in text
    backups = [line.split()[:5] for line in text.splitlines() if " backup " in line]
    assert ["commune", "backup", "–", "mobi", "3"] in backups
    fullest = "fullest lines", "Averages hide"
    mine, theirs = (told[told.index(fullest[0]) : told.index(fullest[1])] for told in (text, plain))
    assert mine.split("3 of 5")[0] == theirs
