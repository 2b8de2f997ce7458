"""What the control plane says of key frames is what sources send."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given

from sim.control.journal import Event
from sim.control.plane import ControlPlane
from sim.dataplane.edit import AskKeyFrame
from sim.media.kernels.arrays import FIRST, KEY
from sim.media.packets import Packets
from sim.media.sources import Sources
from sim.network.tree import Network, build_network
from sim.results.run import Results
from sim.scenario.joining_model import NEVER_NS, Arrival, JoiningRules
from sim.scenario.key_requests_model import KeyRequests
from sim.scenario.model import Scenario, Turn
from sim.simulation import simulate
from tests.control.meetings import NOTHING
from tests.control.test_keyframes import END_NS, B, keyed, meetings, play
from tests.equality import trees

# at_ns, origin, stream's id
Key = tuple[int, int, str]


def key_frames(scenario: Scenario, parts: Iterable[Packets]) -> set[Key]:
    """Return the key frames that are sent."""
    found: set[Key] = set()
    for packets in parts:
        for origin in range(packets.origin_first.size - 1):
            for row in range(*packets.origin_first[origin : origin + 2].tolist()):
                if packets.part[row] & KEY and packets.part[row] & FIRST:
                    name = scenario.streams[packets.stream[row]].id
                    found.add((int(packets.sent_ns[row]), origin, name))
    return found


@given(drawn=meetings())
def test_key_frames_are_made_when_the_journal_says(drawn) -> None:  # type: ignore[no-untyped-def]
    """Beside those of the schedule, which come without a request."""
    scenario, asks, moves = drawn
    network = build_network(scenario)
    edits, entries = play(scenario, asks, moves)
    asked = [edit for edit in edits if isinstance(edit, AskKeyFrame)]
    plain = Sources(scenario, network.index).emit(END_NS).written()
    more = Sources(scenario, network.index).emit(END_NS, asked).written()
    made = {(e.at_ns, e.site, e.detail) for e in entries if e.event is Event.KEY_MADE}
    assert key_frames(scenario, [more]) == key_frames(scenario, [plain]) | made


class Asking(ControlPlane):
    """A control plane in which a room asks at 11 ns."""

    made: list[ControlPlane]

    def __init__(self, scenario: Scenario, network: Network) -> None:
        super().__init__(scenario, network)
        self._env.process(self._ask())
        self.made.append(self)

    def _ask(self):  # type: ignore[no-untyped-def]
        yield self._env.timeout(11)
        self.key_frames.ask(B, 11)


@pytest.mark.parametrize("window_ns", [1, 7, 100])
def test_a_request_in_a_run_makes_one_more_key_frame_for_everybody(
    monkeypatch: pytest.MonkeyPatch, window_ns: int
) -> None:
    """root - a - (b, c): the frame of 20 is asked for, and has 5 packets instead of 1."""
    video = replace(keyed("v", origins=["root"], every=5), key_bytes=5)
    scenario = replace(
        trees.scenario(
            {"root": "", "a": "root", "b": "a", "c": "a"}, streams=[video], window_ns=window_ns
        ),
        key_requests=KeyRequests(min_interval_ns=30),
    )
    plain = run(scenario)
    planes: list[ControlPlane] = []
    monkeypatch.setattr(Asking, "made", planes, raising=False)
    monkeypatch.setattr("sim.simulation.ControlPlane", Asking)
    asked = run(scenario)
    # Each of the ten frames goes to b and to c, those of 0 and 50 with five packets.
    assert received(plain) == 2 * (8 + 2 * 5)
    assert received(asked) == 2 * (7 + 3 * 5)
    events = [(e.at_ns, e.event) for e in planes[0].journal.entries]
    assert events == [(11, Event.KEY_ASKED), (20, Event.KEY_MADE)]


# Frames of a packet come every 10 ns; those of 30 and 40 are lost, which that of 50 tells.
SHORT = replace(NOTHING, at_ns=25, until_ns=45, lines=("b",))
MISSING = replace(
    trees.scenario(
        {"root": "", "a": "root", "b": "a", "c": "a"},
        streams=[keyed("v", origins=["root"], every=20), keyed("w", origins=["a"], every=20)],
        window_ns=20,
        dark_after_ns=100,
    ),
    faults=(SHORT,),
)


def asked_for(scenario: Scenario) -> list[tuple[int, int, str]]:
    """(at, site, stream) of each request."""
    entries = run(scenario).journal
    return [(e.at_ns, e.site, e.detail) for e in entries if e.event is Event.KEY_ASKED]


def test_who_has_missed_packets_asks_at_the_windows_end_if_the_scenario_says_so() -> None:
    rules = KeyRequests(min_interval_ns=30)
    assert asked_for(replace(MISSING, key_requests=rules)) == []
    asking = replace(rules, after_loss=True)
    assert asked_for(replace(MISSING, key_requests=asking)) == [(60, B, "v"), (60, B, "w")]
    without_keys = replace(MISSING.streams[1], key_every=0)
    of_v = replace(MISSING, streams=(MISSING.streams[0], without_keys), key_requests=asking)
    assert asked_for(of_v) == [(60, B, "v")]
    assert asked_for(replace(MISSING, faults=(), key_requests=asking)) == []


def test_a_dark_room_asks_at_each_windows_end_as_long_as_something_comes() -> None:
    """From 22 to 52 nothing came; the frame of 60 is asked for, and shown when it has come."""
    asking = KeyRequests(min_interval_ns=30, after_loss=True)
    dark = replace(MISSING, dark_after_ns=15, streams=MISSING.streams[:1], key_requests=asking)
    assert asked_for(dark) == [(60, B, "v")]
    results = run(dark)
    darkness = results.measures.dark
    assert list(zip(darkness.site.tolist(), darkness.until_ns.tolist(), strict=True)) == [(B, 62)]
    plain = run(replace(dark, key_requests=KeyRequests(min_interval_ns=30)))
    assert plain.measures.dark.until_ns.tolist() == [100]


@pytest.mark.parametrize(("leaves_ns", "asks"), [(59, False), (61, True)])
def test_who_has_left_by_the_windows_end_asks_no_more(leaves_ns: int, asks: bool) -> None:
    leaving = Arrival(site="b", calls_ns=NEVER_NS, leaves_ns=leaves_ns)
    scenario = replace(
        MISSING,
        joining=JoiningRules(start_ns=0, rooms=(leaving,)),
        key_requests=KeyRequests(min_interval_ns=30, after_loss=True),
    )
    assert [each[:2] for each in asked_for(scenario)] == [(60, B), (60, B)] * asks


def test_a_speaker_asks_for_what_others_send_and_not_for_itself() -> None:
    speech = keyed("s", direction="floor", every=20)
    scenario = replace(
        MISSING,
        streams=(*MISSING.streams, speech),
        agenda=(Turn(at_ns=0, until_ns=100, site="b"),),
        key_requests=KeyRequests(min_interval_ns=30, after_loss=True),
    )
    found = asked_for(scenario)
    assert (60, B, "v") in found
    assert not [each for each in found if each[1] == B and each[2] == "s"]
    # What b could not send while its line was down, c has missed.
    assert (60, 3, "s") in found


def run(scenario: Scenario) -> Results:
    return simulate(scenario, engine="reference")


def received(results: Results) -> int:
    return int(results.measures.endpoints.received.sum())
