"""`key_requests` of a scenario: its default, its text, and a use for it."""

from __future__ import annotations

import pytest

from sim.scenario.key_requests_model import KeyRequests
from sim.scenario.loader import load_text
from sim.scenario.resolved import resolved_text
from tests.scenario.files import NOWHERE, edited, problems_of, small

KEYS = ("frames: 30/s}", "frames: 30/s, key: {every: 2 s, size: × 2}}")
SPEECH = (
    "streams:\n",
    """\
agenda: [{at: 0 s, floor: "27688"}]
streams:
  speech: {from: speaker, rate: 1 Mbit/s, frames: 30/s, key: {every: 2 s, size: × 2}}
""",
)
ROOM = (
    "streams:\n",
    """\
streams:
  face: {from: rooms, to: parent, rate: 1 Mbit/s, frames: 30/s, key: {every: 2 s, size: × 2}}
""",
)
NOBODY = (
    "26:1: key_requests: no stream to rooms has key frames that could be asked for; "
    "give one a 'key'"
)


def test_without_the_section_nobody_asks():
    scenario = small(KEYS)
    assert scenario.key_requests is None
    assert "key_requests" not in resolved_text(scenario)


def test_relays_pass_on_one_in_a_second_unless_said_otherwise():
    assert small(KEYS, append="key_requests: {}\n").key_requests == KeyRequests(
        min_interval_ns=10**9
    )
    given = small(KEYS, append="key_requests: {min_interval: 300 ms}\n").key_requests
    assert given == KeyRequests(min_interval_ns=300_000_000)


@pytest.mark.parametrize("fields", ["min_interval: 333 us", "after_loss: true"])
def test_it_resolves_to_itself(fields):
    scenario = small(KEYS, append=f"key_requests: {{{fields}}}\n")
    assert scenario.key_requests.after_loss == ("after_loss" in fields)
    assert load_text(resolved_text(scenario), NOWHERE) == scenario


def test_streams_of_the_floor_can_be_asked_and_those_that_go_up_cannot():
    asking = "key_requests: {}\n"
    assert problems_of(edited(SPEECH, append=asking)) == []
    assert problems_of(edited(ROOM, append=asking)) == [NOBODY.replace("26:", "27:")]
    assert problems_of(edited(append=asking)) == [NOBODY]


def test_a_faulty_stream_may_have_been_the_one_with_key_frames():
    faulty = ("frames: 30/s}", "frames: 30/s, key: {every: 2 s}}")
    assert problems_of(edited(faulty, append="key_requests: {}\n")) == [
        "25:46: streams.video.key.size: Field required"
    ]
    lost = ("rate: 2 Mbit/s", "from: nowhere, rate: 2 Mbit/s")
    assert problems_of(edited(KEYS, lost, append="key_requests: {}\n")) == [
        "25:17: streams.video.from: no site or tier 'nowhere'"
    ]
