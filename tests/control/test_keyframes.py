"""Requests for key frames: the way they travel, what relays merge, what sources make of it.

Instants are small integers, so that requests often meet at one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest
import simpy
from hypothesis import event, given
from hypothesis import strategies as st

from sim.control import keyframes
from sim.control.journal import Entry, Event, Journal
from sim.control.key_gate import NEVER_NS, Gate, Verdict
from sim.control.keyframes import KeyFrames
from sim.control.plane import ControlPlane
from sim.dataplane.edit import AskKeyFrame, Edit
from sim.network.tree import Network, build_network
from sim.scenario.key_requests_model import KeyRequests
from sim.scenario.model import Scenario, Stream, Turn
from tests.control.dull_keys import Answers, Keys
from tests.equality import trees

END_NS = 120


def keyed(
    name: str,
    *,
    direction: Literal["down", "floor", "up"] = "down",
    origins: Sequence[str] = (),
    every: int = 100,
    span_ns: int = 10,
    start_ns: int = 0,
) -> Stream:
    """Return a stream with a frame in each `span_ns`, and key frames."""
    made = trees.stream(name, direction=direction, origins=origins)
    return replace(made, key_every=every, span_ns=span_ns, start_ns=start_ns)


class Moving:
    """Lines in use, by a timetable of (at_ns, site, line); line -1: cut off."""

    def __init__(self, network: Network, moves: Sequence[tuple[int, int, int]]) -> None:
        self.network, self.moves = network, moves
        self.env = simpy.Environment()

    def line_at(self, site: int, now_ns: int) -> int:
        line = site
        for at_ns, moved, to_line in self.moves:
            if moved == site and at_ns <= now_ns:
                line = to_line
        return line

    def line_of(self, site: int) -> int:
        return self.line_at(site, int(self.env.now))

    def parent_of(self, site: int) -> int:
        line = self.line_of(site)
        return int(self.network.line_parent[line]) if site and line >= 0 else -1


def play(
    scenario: Scenario,
    asks: Sequence[tuple[int, int]],
    moves: Sequence[tuple[int, int, int]] = (),
) -> tuple[list[Edit], list[Entry]]:
    """Return the edits and the journal of asks (at_ns, site), in this order."""
    network = build_network(scenario)
    lines = Moving(network, moves)
    edits: list[Edit] = []
    journal = Journal()
    keys = KeyFrames(lines.env, scenario, network, edits=edits, journal=journal, lines=lines)

    def ask(at_ns: int, site: int):  # type: ignore[no-untyped-def]
        yield lines.env.timeout(at_ns)
        keys.ask(site, at_ns)

    for at_ns, site in asks:
        lines.env.process(ask(at_ns, site))
    lines.env.run(until=END_NS)
    return edits, journal.entries


@st.composite
def meetings(draw: st.DrawFn) -> tuple[Scenario, list[tuple[int, int]], list[tuple[int, int, int]]]:
    """A small tree with streams and an agenda, asks, and moves to backup lines."""
    parent = {"s0": ""}
    for i in range(1, draw(st.integers(2, 7))):
        parent[f"s{i}"] = f"s{draw(st.integers(0, i - 1))}"
    relays = sorted(set(parent.values()) - {""})
    lags = st.integers(0, 3)
    scenario = trees.scenario(
        parent,
        tiers=dict.fromkeys(parent, "commune") | {"s0": "central"},
        lines={site: trees.line(propagation_ns=draw(lags)) for site in parent if site != "s0"},
        processing_ns={relay: draw(lags) for relay in relays},
        rooms=sorted(parent),
        streams=draw(streams(relays)),
        agenda=draw(agendas(sorted(parent))),
    )
    scenario = replace(scenario, key_requests=KeyRequests(min_interval_ns=draw(st.integers(1, 15))))
    # A backup leads to a relay of a smaller number, so that nobody is above itself.
    backups = [
        replace(trees.line(propagation_ns=draw(lags)), site=site, parent=relay, role="backup")
        for site in sorted(parent)[1:]
        for relay in draw(st.lists(st.sampled_from(relays), unique=True, max_size=2))
        if int(relay[1:]) < int(site[1:])
    ]
    scenario = replace(scenario, lines=(*scenario.lines, *backups))
    network = build_network(scenario)
    asks = draw(
        st.lists(
            st.tuples(st.integers(0, 60), st.integers(0, len(parent) - 1)), min_size=1, max_size=12
        )
    )
    movers = st.integers(1, len(parent) - 1).flatmap(
        lambda site: st.tuples(
            st.integers(0, 60), st.just(site), st.sampled_from([-1, *network.lines_of(site)])
        )
    )
    return scenario, sorted(asks), sorted(draw(st.lists(movers, max_size=3)))


def streams(relays: Sequence[str]) -> st.SearchStrategy[list[Stream]]:
    """Streams with key frames, down and of the floor, and some without."""
    fields = {"span_ns": st.integers(1, 12), "every": st.integers(0, 9)}
    down = st.builds(
        keyed,
        name=st.sampled_from(["d0", "d1"]),
        origins=st.lists(st.sampled_from(list(relays)), unique=True, min_size=1),
        start_ns=st.sampled_from([0, 0, 30]),
        **fields,
    )
    others = st.builds(
        keyed, name=st.sampled_from(["f0", "f1"]), direction=st.just("floor"), **fields
    )
    return st.lists(down | others, unique_by=lambda each: each.id, min_size=1, max_size=3)


@st.composite
def agendas(draw: st.DrawFn, sites: list[str]) -> list[Turn]:
    turns, now_ns = [], 0
    for pause_ns, length_ns in draw(
        st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=3)
    ):
        at_ns = now_ns + pause_ns
        now_ns = at_ns + length_ns
        turns.append(Turn(at_ns=at_ns, until_ns=now_ns, site=draw(st.sampled_from(sites))))
    return turns


def answers(edits: list[Edit], entries: list[Entry]) -> Answers:
    """Return edits and journal as the dull formulation has them."""
    asked = [(e.at_ns, e.site, e.detail) for e in entries if e.event is Event.KEY_ASKED]
    made = [(e.at_ns, e.site, e.detail) for e in entries if e.event is Event.KEY_MADE]
    rows = [(e.at_ns, e.target, e.stream) for e in edits if isinstance(e, AskKeyFrame)]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert [e.at_ns for e in entries] == sorted(e.at_ns for e in entries)
    return Answers(sorted(asked), sorted(rows), sorted(made), {})


@given(drawn=meetings())
def test_requests_are_answered_as_in_the_dull_formulation(drawn) -> None:  # type: ignore[no-untyped-def]
    scenario, asks, moves = drawn
    network = build_network(scenario)
    dull = Keys(scenario, network, Moving(network, moves).line_at).answers(asks, END_NS)
    found = answers(*play(scenario, asks, moves))
    assert found == dull._replace(passed={})
    event(f"edits: {min(len(found.edits), 5)}")
    event(f"made for fewer than asked: {len(found.made) < len(found.asked)}")


@given(drawn=meetings())
def test_a_relay_passes_on_one_request_for_a_source_in_an_interval(drawn) -> None:  # type: ignore[no-untyped-def]
    scenario, asks, moves = drawn
    passed: dict[int, list[int]] = {}

    class Watched(Gate):
        def __setattr__(self, name: str, value: int) -> None:
            if name == "passed_ns" and value != NEVER_NS:
                passed.setdefault(id(self), []).append(value)
            super().__setattr__(name, value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyframes, "Gate", Watched)
        play(scenario, asks, moves)
    for times_ns in passed.values():
        gaps_ns = [b - a for a, b in pairwise(times_ns)]
        assert all(gap_ns >= scenario.key_requests.min_interval_ns for gap_ns in gaps_ns)


@given(drawn=meetings(), data=st.data())
def test_no_order_of_those_who_ask_changes_an_answer(drawn, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    scenario, asks, moves = drawn
    other = data.draw(st.permutations(asks))
    assert answers(*play(scenario, other, moves)) == answers(*play(scenario, asks, moves))


# root - a - (b, c), 3 ns a line, 2 ns at each relay; frames at 0, 10, 20, ...
TREE = replace(
    trees.scenario(
        {"root": "", "a": "root", "b": "a", "c": "a"},
        lines={site: trees.line(propagation_ns=3) for site in "abc"},
        processing_ns={"root": 2, "a": 2},
        streams=[keyed("v", origins=["root"])],
    ),
    key_requests=KeyRequests(min_interval_ns=30),
)
A, B, C = 1, 2, 3


def asked_at(edits: list[Edit]) -> list[int]:
    return [edit.at_ns for edit in edits]


def test_a_request_goes_up_relay_by_relay() -> None:
    edits, entries = play(TREE, [(11, B)])
    assert edits == [AskKeyFrame(at_ns=21, target=0, stream=0)]
    assert entries == [
        Entry(at_ns=11, event=Event.KEY_ASKED, site=B, line=B, detail="v"),
        Entry(at_ns=30, event=Event.KEY_MADE, site=0, detail="v"),
    ]


def test_a_relay_that_has_moved_asks_for_all_below_it() -> None:
    edits, entries = play(TREE, [(11, A)])
    assert asked_at(edits) == [11 + 2 + 3 + 2]
    assert entries[0].site == A


def test_requests_of_one_instant_are_one() -> None:
    edits, entries = play(TREE, [(11, B), (11, C)])
    assert asked_at(edits) == [21]
    assert [entry.site for entry in entries] == [B, C, 0]


def test_a_request_within_the_interval_waits_no_longer_than_for_a_key_frame() -> None:
    """c's comes to a at 25, before the key frame of 30 goes by at 37: nobody asks again."""
    assert asked_at(play(TREE, [(11, B), (20, C)])[0]) == [21]


def test_a_request_after_the_key_frame_waits_for_the_intervals_end() -> None:
    """c's comes to a at 45, after the key frame; a passed on the last at 16, and so one at 46."""
    edits, entries = play(TREE, [(11, B), (40, C)])
    assert asked_at(edits) == [21, 46 + 5]
    assert [entry.at_ns for entry in entries if entry.event is Event.KEY_MADE] == [30, 60]


def test_a_key_frame_of_the_schedule_serves_those_who_wait() -> None:
    """That of 40 goes by at a at 47: after an interval's end at 46, before one at 56."""
    usual = replace(TREE, streams=(keyed("v", origins=["root"], every=4),))  # at 0, 40, 80
    assert asked_at(play(usual, [(11, B), (40, C)])[0]) == [21, 51]
    later = replace(usual, key_requests=KeyRequests(min_interval_ns=40))
    assert asked_at(play(later, [(11, B), (40, C)])[0]) == [21]


def test_who_asks_after_the_interval_is_heard_at_once() -> None:
    assert asked_at(play(TREE, [(11, B), (41, C)])[0]) == [21, 51]


def test_a_stream_that_has_not_begun_begins_with_a_key_frame() -> None:
    late = replace(TREE, streams=(keyed("v", origins=["root"], start_ns=11),))
    assert play(late, [(11, B)]) == ([], [])
    assert len(play(late, [(12, B)])[0]) == 1


def test_only_what_comes_down_with_key_frames_is_asked_for() -> None:
    streams = (
        keyed("a", origins=["a"]),
        keyed("n", origins=["root"], every=0),
        keyed("u", direction="up", origins=["b"]),
        keyed("v", origins=["root"]),
    )
    both = replace(TREE, streams=streams)
    edits, _ = play(both, [(11, B)])
    assert edits == [
        AskKeyFrame(at_ns=16, target=A, stream=0),
        AskKeyFrame(at_ns=21, target=0, stream=3),
    ]
    assert play(both, [(11, A)])[0] == [AskKeyFrame(at_ns=18, target=0, stream=3)]


SPEECH = replace(
    TREE,
    streams=(keyed("f", direction="floor"),),
    agenda=(Turn(at_ns=0, until_ns=60, site="c"), Turn(at_ns=60, until_ns=90, site="b")),
)


def test_a_request_for_the_floor_goes_by_the_root_to_the_speaker() -> None:
    """b to a 5, to the root 5; from there to a 5, to c 3."""
    edits, entries = play(SPEECH, [(11, B)])
    assert edits == [AskKeyFrame(at_ns=29, target=C, stream=0)]
    assert entries[-1] == Entry(at_ns=30, event=Event.KEY_MADE, site=C, detail="f")


def test_a_request_that_finds_another_speaker_is_dropped() -> None:
    assert asked_at(play(SPEECH, [(41, B)])[0]) == [59]
    assert asked_at(play(SPEECH, [(42, B)])[0]) == []


def test_a_speaker_that_has_moved_is_asked_by_the_relay_above() -> None:
    edits, entries = play(SPEECH, [(11, C)])
    assert edits == [AskKeyFrame(at_ns=11 + 2 + 3, target=C, stream=0)]
    assert entries[0] == Entry(at_ns=11, event=Event.KEY_ASKED, site=A, line=C, detail="f")


def test_nobody_is_asked_while_nobody_has_the_floor() -> None:
    silent = replace(SPEECH, agenda=(Turn(at_ns=0, until_ns=10, site="c"),))
    assert play(silent, [(11, B)]) == ([], [])


def test_a_request_goes_over_the_lines_in_use() -> None:
    backup = replace(trees.line(propagation_ns=7), site="b", parent="root", role="backup")
    scenario = replace(TREE, lines=(*TREE.lines, backup))
    edits, entries = play(scenario, [(11, B)], [(11, B, 4)])
    assert asked_at(edits) == [11 + 7 + 2]
    assert entries[0].line == 4


def test_a_site_that_is_cut_off_asks_in_vain() -> None:
    edits, entries = play(TREE, [(11, B)], [(12, A, -1)])
    assert edits == []
    assert [entry.event for entry in entries] == [Event.KEY_ASKED]


def test_without_the_section_nobody_asks() -> None:
    plain = replace(TREE, key_requests=None)
    assert play(plain, [(11, B)]) == ([], [])


def test_asking_at_another_time_is_an_error() -> None:
    keys = KeyFrames(simpy.Environment(), TREE, build_network(TREE), edits=[], journal=Journal())
    with pytest.raises(ValueError, match="it is 0 ns, and site 2 asks at 5 ns"):
        keys.ask(B, 5)


def test_the_plane_hands_over_what_was_asked_in_each_window() -> None:
    plane = ControlPlane(TREE, build_network(TREE))
    assert plane.run_until(11) == []
    plane.key_frames.ask(B, 11)
    assert plane.run_until(21) == []
    assert plane.run_until(22) == [AskKeyFrame(at_ns=21, target=0, stream=0)]
    assert [entry.event for entry in plane.journal.entries] == [Event.KEY_ASKED]


def test_many_rooms_cost_few_events() -> None:
    """1,000 rooms of one relay ask within 100 ns: 3 events each, and some for the relays."""
    rooms = [f"r{i:04}" for i in range(1000)]
    wide = replace(
        trees.scenario(
            {"root": "", "a": "root"} | dict.fromkeys(rooms, "a"),
            streams=[keyed("v", origins=["root"])],
        ),
        key_requests=KeyRequests(min_interval_ns=30),
    )
    network = build_network(wide)
    env = simpy.Environment()
    keys = KeyFrames(env, wide, network, edits=[], journal=Journal())

    def join():  # type: ignore[no-untyped-def]
        for i, room in enumerate(rooms):
            if i % 10 == 0:
                yield env.timeout(1)
            keys.ask(network.index[room], int(env.now))

    env.process(join())
    steps = 0
    while env.peek() < END_NS:
        env.step()
        steps += 1
    assert 1000 < steps < 3.3 * 1000


def test_a_gate_merges_what_comes_together_and_keeps_the_newest_waiting() -> None:
    gate = Gate(interval_ns=10)
    assert [gate.take(at_ns) for at_ns in (5, 5, 8, 9)] == [
        Verdict.PASSES,
        Verdict.MERGED,
        Verdict.WAITS,
        Verdict.MERGED,
    ]
    assert gate.opens_ns == 15
    assert gate.open(15) == 9
    assert gate.take(15) is Verdict.PASSES
    assert gate.open(25) == NEVER_NS


def test_a_request_at_the_intervals_end_takes_those_along_who_wait() -> None:
    gate = Gate(interval_ns=10)
    assert [gate.take(at_ns) for at_ns in (5, 8, 15)] == [
        Verdict.PASSES,
        Verdict.WAITS,
        Verdict.PASSES,
    ]
    assert gate.open(15) == NEVER_NS


def test_an_interval_is_longer_than_nothing() -> None:
    with pytest.raises(ValueError, match="min_interval_ns must be positive, got 0"):
        KeyRequests(min_interval_ns=0)
