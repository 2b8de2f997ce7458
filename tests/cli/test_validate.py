"""`validate` and `schema`: what a scenario says, and what plain arithmetic says of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim.cli import main
from sim.network.capacity import egress_load, line_load
from sim.network.transmitter import drain_ns
from sim.network.tree import build_network
from tests.cli.conftest import SCENARIO
from tests.results.meetings import scenario


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
    assert len(loads) == 5
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


def test_loads_are_offered_rate_over_capacity():
    network = build_network(scenario())
    lines = line_load(network, offered_bps=2_000_000)
    assert np.isnan(lines[0])
    assert lines[network.index["79"]] == 0.02
    assert lines[network.index["76000"]] == 2 / 3  # of 4 Mbit/s the policer lets 3 in
    egresses = egress_load(network, offered_bps=2_000_000)
    # By relay in preorder: vn, 79 (the rest), 79 (viettel), 760, 769, 80 (none), 794.
    assert egresses.tolist() == pytest.approx(
        [0.004, 0.01, 0.02, 0.06, 0.06, float("nan"), 0.04], nan_ok=True
    )


@pytest.mark.parametrize("packets", [1, 7, 100])
def test_a_buffer_of_n_packets_takes_exactly_n(packets):
    one_ns = drain_ns(rate_bps=3_000_007, buffer_bytes=1500, mtu_bytes=1500)
    assert drain_ns(rate_bps=3_000_007, buffer_bytes=1500 * packets, mtu_bytes=1500) == (
        packets * one_ns
    )


def test_mean_rates_are_those_of_the_packets_sent():
    # 20 frames a second of 1000 bytes in one packet of 1040.
    assert scenario().streams[0].wire_bps == 20 * 1040 * 8
