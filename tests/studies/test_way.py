"""The way of a room: what is lost on its steps adds up to what the room lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.metrics.measures import Cause
from sim.results.run import Results
from sim.scenario.loader import load_text
from sim.simulation import simulate
from sim.studies.point import point_of
from sim.studies.way import (
    Step,
    way_of_room,
    where_it_waits_longest,
    where_most_is_lost,
    where_the_queue_is_longest,
)

# A lossy line up from the speaker, a policer, thin egresses, a dead relay: losses of every kind.
MEETING = """\
name: meeting
seed: 3
duration: 6 s
sites:
  tiers: [central, district, commune]
  generate: {district: 3, commune: 12}
  rooms: [district, commune]
relays:
  central: {processing: 1 ms, egress: {rate: 12 Mbit/s, buffer: 20 packets}}
  district: {processing: 1 ms, egress: {rate: 20 Mbit/s, buffer: 24 packets}}
lines:
  district: {carrier: vnpt, rate: 10 Mbit/s, buffer: 20 packets, delay: 5 ms}
  commune: {carrier: vnpt, down: 3 Mbit/s, up: 1 Mbit/s, buffer: 6 packets, delay: 2 ms,
            loss: 1 %, policer: {rate: 2500 kbit/s, burst: 9 kB}}
streams:
  video: {rate: 2 Mbit/s, frames: 30/s, key: {every: 2 s, size: × 4}, sizes: rfc8593}
  floor: {from: speaker, rate: 800 kbit/s, frames: 30/s}
agenda:
  - {at: 1 s, floor: commune-01, for: 2 s}
  - {at: 3 s, floor: commune-12, for: 2 s}
events:
  - {at: 4 s, fail: relay/district-2, for: 1 s}
requirements:
  - {rooms: 90 %, loss: at most 1 %}
  - {rooms: 90 %, delay_max: at most 1 ms}
  - {rooms: 90 %, jitter: at most 1 ms}
  - {rooms: 50 %, dark: at most 0 s}
  - {lines: 100 %, utilisation: at most 50 %}
  - {egresses: 50 %, utilisation: at most 50 %}
"""


@pytest.fixture(scope="module")
def results() -> Results:
    return simulate(load_text(MEETING, Path("meeting.yaml")))


def lost_before_the_room(results: Results, row: int) -> int:
    rooms = results.measures.endpoints
    return int(rooms.lost[row, : Cause.LINE + 1].sum())


def test_what_is_lost_on_the_way_is_what_the_room_lost(results):
    """Exactly, for no egress that feeds a speaker lost a copy for want of room."""
    rooms = results.measures.endpoints
    assert rooms.lost.sum() > 1000
    assert all(rooms.lost[:, cause].any() for cause in range(Cause.LINE + 1))
    for row, site in enumerate(rooms.site.tolist()):
        steps = way_of_room(results, site)
        # A relay's own room is fed on the spot: while the relay is dead, its packets die at it.
        own = int(rooms.lost[row, Cause.OUTAGE, results.network.tier[site]])
        own = own if results.network.relay[site] else 0
        found = sum(step.packets for step in steps)
        assert found == pytest.approx(lost_before_the_room(results, row) - own)


def test_shares_are_those_of_the_tables(results):
    lines, n = results.measures.lines, len(results.network.sites)
    site = results.network.index["commune-05"]
    *_, last = way_of_room(results, site)
    assert (last.kind, last.site, last.detail) == ("line", site, "down")
    assert last.packets == lines.lost[site].sum()
    assert sum(last.lost.values()) == pytest.approx(lines.lost[site].sum() / lines.offered[site])
    up = [step for step in way_of_room(results, site) if step.detail == "up"]
    assert [results.network.sites[step.site].id for step in up] == [
        "commune-01",
        "district-1",
        "commune-12",
        "district-3",
    ]
    speaker = results.network.index["commune-01"]
    # Nothing but the floor goes up, so all that its line lost is the listeners' loss.
    assert up[0].packets == pytest.approx(lines.lost[n + speaker].sum())


def test_a_speaker_is_not_on_its_own_way(results):
    speaker = results.network.index["commune-01"]
    up = [step.site for step in way_of_room(results, speaker) if step.detail == "up"]
    assert speaker not in up


def step(name: int, *, packets: float = 0, longest_ns: float = 0, queue_ns: float = 0) -> Step:
    return Step(
        kind="line",
        site=name,
        detail="down",
        lost={},
        packets=packets,
        longest_ns=longest_ns,
        queue_ns=queue_ns,
    )


def test_the_step_to_blame_is_the_largest_or_none():
    steps = [step(1, packets=3, longest_ns=5), step(2, packets=4), step(3, longest_ns=9)]
    lost, waits = where_most_is_lost(steps), where_it_waits_longest(steps)
    assert lost is not None
    assert waits is not None
    assert (lost.site, waits.site) == (2, 3)
    assert where_the_queue_is_longest(steps) is None
    assert where_most_is_lost([step(1)]) is None
    assert where_most_is_lost([]) is None


def test_a_point_says_who_decides_and_what_is_to_blame(results):
    loss, delay, jitter, dark, lines, egresses = point_of(results, "1 Mbit/s").requirements
    assert (loss.met, loss.subjects) == (False, 15)
    assert loss.deciding is not None
    assert loss.worst is not None
    # Of fifteen rooms, fourteen must comply: the second worst decides.
    ranked = sorted(results.measures.endpoints.loss)
    assert loss.deciding.value == loss.value == ranked[-2]
    assert loss.worst.value == ranked[-1]
    assert loss.blame is not None
    assert loss.blame.reason == "loss"
    assert delay.blame is not None
    assert delay.blame.reason == "wait"
    assert delay.blame.time_ms is not None
    assert jitter.blame is not None
    assert jitter.blame.reason == "queue"
    assert jitter.deciding is not None
    assert jitter.deciding.detail in ("video", "floor")
    assert dark.unit == "ms"
    assert lines.deciding is not None
    assert (lines.deciding.kind, lines.blame) == ("line", None)
    assert egresses.deciding is not None
    assert egresses.deciding.kind == "egress"


def test_a_point_survives_as_data(results):
    point = point_of(results, "1 Mbit/s")
    assert type(point).from_data(point.as_data()) == point
