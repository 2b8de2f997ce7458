"""Fibre and routes: sending times, distances and whole ways beside values computed elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.network.transmitter import send_ns
from sim.scenario.geography import distance_km
from sim.scenario.loader import load_text
from sim.simulation import simulate
from tests.validation.reference import cases

FIBRE = cases("fibre")
NOWHERE = Path("fibre.yaml")
TIERS = ("province", "district", "commune")


def of_model(model: str) -> list[str]:
    return [name for name, case in FIBRE.items() if case["model"] == model]


def us_per_km(group_index: float) -> float:
    """Return what a kilometre takes: the index over the speed of light, by the reference."""
    return float(FIBRE[f"group_index_{group_index}"]["expected"]["delay_us_per_km"])


@pytest.mark.parametrize("name", of_model("serialisation"))
def test_sending_takes_what_it_should_to_the_nanosecond(name: str) -> None:
    given = FIBRE[name]["params"]
    expected_ns = round(FIBRE[name]["expected"]["time_us"] * 1000)
    assert send_ns(given["bytes"], rate_bps=int(given["link_bps"])) == expected_ns
    assert send_ns(given["bytes"] + 1, rate_bps=int(given["link_bps"])) != expected_ns


@pytest.mark.parametrize("name", of_model("great-circle distance"))
def test_distances_are_those_of_a_sphere(name: str) -> None:
    a, b = FIBRE[name]["params"]["a"], FIBRE[name]["params"]["b"]
    km = distance_km(a["lat"], a["lon"], b["lat"], b["lon"])
    assert km == pytest.approx(FIBRE[name]["expected"]["km"], rel=1e-9)
    assert distance_km(a["lat"] + 1e-5, a["lon"], b["lat"], b["lon"]) != pytest.approx(km, rel=1e-9)


@pytest.mark.parametrize("name", of_model("great-circle distance"))
def test_a_line_takes_the_time_of_its_route(name: str) -> None:
    """The shipped scenarios' 4.9 us per km is the reference's 4.8974 within 0.06 %."""
    a, b = FIBRE[name]["params"]["a"], FIBRE[name]["params"]["b"]
    scenario = load_text(
        f"""
name: route
seed: 1
duration: 1 s
sites:
  tiers: [central, province]
  table: |
    id, tier, parent, name, lat, lon
    a, central, , A, {a["lat"]}, {a["lon"]}
    b, province, a, B, {b["lat"]}, {b["lon"]}
relays: {{central: {{processing: 0 s, egress: none}}}}
lines:
  route: {{factor: 1.5, per_km: {us_per_km(1.4682):.3f} us}}
  province: {{rate: 1 Gbit/s, buffer: 1 ms}}
streams: {{s: {{frame: 100 B, every: 1 s}}}}
""",
        NOWHERE,
    )
    expected_ns = FIBRE[name]["expected"]["one_way_ms_factor1_5"] * 1e6
    (line,) = scenario.lines
    # A km's time is given in whole ns: 4,897 of 4,897.39.
    assert line.propagation_ns == pytest.approx(expected_ns, rel=1e-4)
    assert line.propagation_ns != pytest.approx(
        expected_ns * us_per_km(1.4676) / us_per_km(1.4682), rel=1e-4
    ), "the other usual index, 0.04 % off, would be noticed"


@pytest.mark.parametrize("engine", ["reference", "packet"])
@pytest.mark.parametrize("name", of_model("store-and-forward path, no queueing"))
def test_a_lone_packet_takes_the_sum_of_its_way(name: str, engine: str) -> None:
    hops = FIBRE[name]["params"]["hops"]
    lines = "".join(
        f"  {tier}: {{rate: {int(hop['bps'])} bit/s, buffer: 2 packets, "
        f"delay: {round(1000 * hop['km'] * us_per_km(1.4682))} ns}}\n"
        for tier, hop in zip(TIERS, hops, strict=True)
    )
    relays = "".join(
        f"  {tier}: {{processing: {round(1000 * hop['proc_ms'])} us, egress: none}}\n"
        for tier, hop in zip(("central", "province", "district"), hops, strict=True)
    )
    (size,) = {hop["bytes"] for hop in hops}
    scenario = load_text(
        f"""
name: way
seed: 1
duration: 1 s
sites: {{tiers: [central, province, district, commune],
        generate: {{province: 1, district: 1, commune: 1}}}}
relays:
{relays}lines:
{lines}streams: {{s: {{frame: {size - 40} B, packet: {size - 40} B, every: 1 s, overhead: 40 B}}}}
""",
        NOWHERE,
    )
    measures = simulate(scenario, engine=engine).measures
    expected_ns = FIBRE[name]["expected"]["one_way_ms"] * 1e6
    # Three lines and three sending times, each rounded to the nanosecond.
    assert abs(float(measures.endpoints.delays.max_ns[-1]) - expected_ns) <= 6
