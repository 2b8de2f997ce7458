"""The shipped scenarios load, have the sites their names promise, and the schema is up to date."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from sim.scenario.loader import load
from sim.scenario.model import Scenario
from sim.scenario.schema import schema_text

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
NS3 = ROOT / "tests" / "validation" / "ns3"
STORMS = ["failover", "carrier-outage", "join-storm"]
NAMES = ["national", "south", "province", "tiny", *STORMS]
SITES = {
    "national": {"central": 1, "province": 63, "district": 705, "commune": 9_043},
    "south": {"central": 1, "province": 19, "district": 204, "commune": 2_594},
    "province": {"central": 1, "province": 1, "district": 9, "commune": 101},
    "tiny": {"central": 1, "province": 2, "district": 4, "commune": 12},
    "failover": {"central": 1, "province": 3, "district": 27, "commune": 274},
    "carrier-outage": {"central": 1, "province": 5, "district": 44, "commune": 432},
    "join-storm": {"central": 1, "province": 13, "district": 134, "commune": 1_605},
}
BROADCAST = {"video", "voice", "slides"}
TALK = {"room-video", "room-voice", "floor-video", "floor-voice"}
STREAMS = {"national": BROADCAST | TALK, "south": BROADCAST}
ROOMS = {
    "national": 9_811,
    "south": 2_817,
    "province": 111,
    "tiny": 16,
    "failover": 304,
    "carrier-outage": 481,
    "join-storm": 1_752,
}


@cache
def shipped(name: str) -> Scenario:
    return load(SCENARIOS / f"{name}.yaml")


def plain(path: Path) -> Any:
    """Return a YAML file as an editor sees it."""
    return YAML(typ="safe").load(path)


def test_every_shipped_scenario_is_tested() -> None:
    assert sorted(path.stem for path in SCENARIOS.glob("*.yaml")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_has_the_sites_it_promises(name: str) -> None:
    scenario = shipped(name)
    assert scenario.name == name
    assert Counter(site.tier for site in scenario.sites) == SITES[name]
    assert sum(site.room for site in scenario.sites) == ROOMS[name]


@pytest.mark.parametrize("name", ["national", "south"])
def test_a_large_scenario_has_what_a_planner_would_look_for(name: str) -> None:
    scenario = shipped(name)
    assert scenario.duration_ns == 600 * 10**9
    assert {stream.id for stream in scenario.streams} == STREAMS[name]
    classes = Counter(line.access_class for line in scenario.lines if line.access_class)
    communes = SITES[name]["commune"]
    for access_class, share in {"fibre": 0.7, "shared": 0.2, "radio": 0.1}.items():
        # Four standard deviations of a binomial count.
        slack = 4 * (share * (1 - share) * communes) ** 0.5
        assert abs(classes[access_class] - share * communes) < slack
    assert all(egress.rate_bps > 0 for relay in scenario.relays for egress in relay.egresses)
    assert len(scenario.faults) >= 2
    assert all(fault.lines or fault.relays for fault in scenario.faults)
    assert scenario.requirements


def test_the_national_meeting_talks_back() -> None:
    """Every room is seen and heard by its parent, and one site of each tier by all."""
    scenario = shipped("national")
    sites = {site.id: site for site in scenario.sites}
    rooms = tuple(site.id for site in scenario.sites if site.room)
    streams = {stream.id: stream for stream in scenario.streams}
    for stream in (streams["room-video"], streams["room-voice"]):
        assert (stream.direction, stream.to, stream.origins) == ("up", "parent", rooms)
    assert {streams[name].direction for name in TALK if name.startswith("floor")} == {"floor"}
    assert [sites[turn.site].tier for turn in scenario.agenda] == list(scenario.tiers[1:])


def test_audio_goes_first_in_the_national_meeting_and_others_use_its_access_lines() -> None:
    scenario = shipped("national")
    tier = {site.id: site.tier for site in scenario.sites}
    assert scenario.classes[0] == "audio"
    first = {stream.id for stream in scenario.streams if stream.precedence == 0}
    assert first == {"voice", "room-voice", "floor-voice"}
    ports = [port for line in scenario.lines for port in (line.down, line.up)]
    egresses = [egress for relay in scenario.relays for egress in relay.egresses]
    assert {port.scheduling for port in [*ports, *egresses]} == {"priority"}
    for line in scenario.lines:
        for port in (line.down, line.up):
            assert (port.background is not None) == (tier[line.site] == "commune")


def test_storms_are_about_moving_or_joining() -> None:
    for name in ("failover", "carrier-outage"):
        scenario = shipped(name)
        tier = {site.id: site.tier for site in scenario.sites}
        below_central = {"province", "district", "commune"}
        assert {
            tier[line.site] for line in scenario.lines if line.role == "backup"
        } == below_central
        assert {rule.tier for rule in scenario.failover} == below_central
        assert scenario.key_requests is not None
    scenario = shipped("join-storm")
    calls_ns = [room.calls_ns for room in scenario.joining.rooms]
    start_ns = scenario.joining.start_ns
    assert start_ns == 300 * 10**9
    assert 0 <= min(calls_ns) < max(calls_ns) < start_ns + 60 * 10**9
    # The rate of calls grows as the cube of time: half of them come in the last 16 %.
    early = sum(at_ns < 0.84 * start_ns for at_ns in calls_ns)
    assert 0.45 < early / sum(at_ns < start_ns for at_ns in calls_ns) < 0.55


def test_the_south_has_129_second_sites() -> None:
    sites = {site.id: site for site in shipped("south").sites}
    seconds = [site for site in sites.values() if site.id.endswith("-2")]
    assert len(seconds) == 129
    for second in seconds:
        first = sites[second.id.removesuffix("-2")]
        assert (second.parent, second.latitude) == (first.parent, first.latitude)


def test_propagation_follows_the_map() -> None:
    """Hà Nội to Thành phố Hồ Chí Minh: 1,143.5 km × 1.5 × 4.9 µs = 8.4 ms."""
    (line,) = [
        line for line in shipped("national").lines if (line.site, line.role) == ("79", "primary")
    ]
    assert line.propagation_ns == pytest.approx(8.4e6, rel=0.01)


@pytest.mark.parametrize(
    "path",
    [*sorted(SCENARIOS.glob("*.yaml")), *sorted(NS3.glob("*.yaml"))],
    ids=lambda path: path.name,
)
def test_an_editor_finds_no_fault_with_a_shipped_scenario(path: Path) -> None:
    first_line = path.read_text(encoding="utf-8").splitlines()[0]
    named = first_line.removeprefix("# yaml-language-server: $schema=")
    schema_file = path.parent / named
    assert schema_file.resolve() == SCENARIOS / "scenario.schema.json"
    jsonschema.validate(plain(path), json.loads(schema_file.read_text(encoding="utf-8")))


def test_an_editor_finds_a_misspelt_field() -> None:
    scenario = plain(SCENARIOS / "tiny.yaml")
    scenario["duratoin"] = scenario.pop("duration")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(scenario, json.loads(schema_text()))


def test_the_schema_file_is_up_to_date() -> None:
    """If not: python -m sim schema > scenarios/scenario.schema.json."""
    shipped_text = (SCENARIOS / "scenario.schema.json").read_text(encoding="utf-8")
    assert shipped_text == schema_text()
