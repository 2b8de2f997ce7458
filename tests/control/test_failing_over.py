"""A room that fails over, in packets: dark from its last packet until the first by its backup.

Of the reference engine: what the two engines do alike is held in `tests/equality`.
"""

from __future__ import annotations

import pytest

from sim.control.journal import Event
from sim.control.plane import ControlPlane
from sim.network.tree import build_network
from sim.scenario.model import Scenario
from sim.simulation import simulate
from tests.scenario.files import small

S = 10**9
FRAME_NS = S // 30
FAULT_NS = 3 * S
BACKUP = "{to: nearest, carrier: vnpt, rate: 20 Mbit/s, buffer: 100 packets}"
EDITS = (
    ("  commune:\n", f"  commune:\n    backup: {BACKUP}\n"),
    ("rate: 2 Mbit/s, frames: 30/s", "rate: 200 kbit/s, frames: 30/s"),
    ("duration: 10 s", "duration: 8 s"),
)
BFD = "detection: {commune: {bfd: {interval: 600 ms}}}\nfailover: {commune: {}}\n"
SILENCE = "detection: {commune: {silence: 1.5 s}}\nfailover: {commune: {}}\n"


def dark_ns(scenario: Scenario) -> dict[str, int]:
    results = simulate(scenario, engine="reference")
    endpoints = results.measures.endpoints
    sites = [results.network.sites[s].id for s in endpoints.site]
    return dict(zip(sites, endpoints.dark_ns.tolist(), strict=True))


def moved_ns(scenario: Scenario) -> dict[str, int]:
    """When each room moves, by hellos, which need no packets."""
    network = build_network(scenario)
    plane = ControlPlane(scenario, network)
    plane.run_until(scenario.duration_ns)
    entries = plane.journal.entries
    return {
        network.sites[entry.site].id: entry.at_ns for entry in entries if entry.event is Event.MOVED
    }


def test_rooms_below_a_dead_relay_are_dark_until_they_have_moved():
    scenario = small(*EDITS, append=f"{BFD}events: [{{at: 3 s, fail: relay/79}}]\n")
    moved, dark = moved_ns(scenario), dark_ns(scenario)
    assert set(moved) == {"26734", "26737"}
    assert dark["27688"] == 0
    for room, at_ns in moved.items():
        # The last frame before the fault to the first after the move, and what a way takes.
        assert -FRAME_NS < dark[room] - (at_ns - FAULT_NS) < 2 * FRAME_NS


def test_silence_notices_a_grey_relay_that_hellos_do_not():
    grey = "events: [{at: 3 s, grey: relay/79, passes: none, for: 4 s}]\n"
    deaf = dark_ns(small(*EDITS, append=BFD + grey))
    heard = dark_ns(small(*EDITS, append=SILENCE + grey))
    for room in ("26734", "26737"):
        assert deaf[room] == pytest.approx(4 * S, abs=2 * FRAME_NS)
        # Silent since 3 s less a frame: 1.5 s of it are over at the window's end at 5 s.
        assert heard[room] == pytest.approx(2 * S, abs=2 * FRAME_NS)


def test_a_hot_standby_ends_the_dark_without_anybody_moving():
    standby = ("province: {processing: 2 ms,", "province: {standby: {vrrp: {}}, processing: 2 ms,")
    scenario = small(*EDITS, standby, append="events: [{at: 3 s, fail: relay/79}]\n")
    dark = dark_ns(scenario)
    assert moved_ns(scenario) == {}
    assert dark["26734"] == dark["26737"]
    assert 3_609_375_000 - S - FRAME_NS < dark["26734"] < 3_609_375_000 + 2 * FRAME_NS


def test_a_mains_cut_darkens_rooms_whose_battery_is_empty():
    batteries = 'batteries: {tier/commune: 2 s, "26737": 0 s}\n'
    cut = batteries + "events: [{at: 3 s, power: tier/commune, for: 1.5 s}]\n"
    dark = dark_ns(small(*EDITS, append=cut))
    assert dark["26737"] == pytest.approx(1.5 * S, abs=2 * FRAME_NS)
    assert dark["26734"] == dark["27688"] == 0
