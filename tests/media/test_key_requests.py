"""Key frames on request: the next frame due is one, wherever time is cut, and nothing else moves.

Instants are small integers, so that a request often comes exactly when a frame is due.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.dataplane.edit import AskKeyFrame
from sim.media.kernels.arrays import FIRST, KEY, LAST
from sim.media.sources import Sources
from sim.scenario.model import Scenario, Turn
from tests.media import dull
from tests.media.dull import Packet, Request
from tests.media.meeting import INDEX, SITES, STEADY, meeting
from tests.media.test_sources import by_site, meetings

END_NS = 120
# Frames of one packet each, at 0, 10, 20, ...; every fifth is a key frame.
TICKING = replace(STEADY, span_ns=10, frames_per_span=1, frame_bytes=10, key_bytes=25, key_every=5)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Scenario, list[Request]]:
    """A meeting, and requests in order of time for sources that it has."""
    scenario = draw(meetings())
    places = [
        (site, number)
        for number, stream in enumerate(scenario.streams)
        if stream.key_every
        for site in (stream.origins or SITES)
    ]
    if not places:
        return scenario, []
    rows = draw(
        st.lists(st.tuples(st.integers(0, END_NS - 1), st.sampled_from(places)), max_size=8)
    )
    return scenario, sorted((at_ns, site, number) for at_ns, (site, number) in rows)


def emitted(
    scenario: Scenario, requests: list[Request], ends_ns: list[int], *, threads: int = 1
) -> dict[str, list[Packet]]:
    """Return what sources emit over spans that end at `ends_ns`, each asked what falls into it."""
    sources = Sources(scenario, INDEX, threads=threads)
    edits = [
        AskKeyFrame(at_ns=at_ns, target=INDEX[site], stream=stream)
        for at_ns, site, stream in requests
    ]
    return by_site(
        sources.emit(end_ns, [edit for edit in edits if start_ns <= edit.at_ns < end_ns]).written()
        for start_ns, end_ns in pairwise([0, *ends_ns])
    )


@given(drawn=asked())
def test_requests_are_answered_as_in_the_dull_formulation(
    drawn: tuple[Scenario, list[Request]],
) -> None:
    scenario, requests = drawn
    found = emitted(scenario, requests, [END_NS])
    assert found == dull.sent(scenario, END_NS, requests)


@given(drawn=asked(), cuts=st.lists(st.integers(0, END_NS), max_size=6))
def test_cutting_time_changes_no_answer(
    drawn: tuple[Scenario, list[Request]], cuts: list[int]
) -> None:
    scenario, requests = drawn
    whole = emitted(scenario, requests, [END_NS, 2 * END_NS])
    assert emitted(scenario, requests, [*sorted(cuts), END_NS, 2 * END_NS]) == whole


@given(drawn=asked(), threads=st.integers(2, 5))
def test_threads_change_no_answer(drawn: tuple[Scenario, list[Request]], threads: int) -> None:
    scenario, requests = drawn
    alone = emitted(scenario, requests, [50, END_NS])
    assert emitted(scenario, requests, [50, END_NS], threads=threads) == alone


@given(drawn=asked())
def test_a_plan_that_has_to_grow_changes_no_answer(
    drawn: tuple[Scenario, list[Request]],
) -> None:
    scenario, requests = drawn
    roomy = emitted(scenario, requests, [50, END_NS])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.media.sources.FEW_BURSTS", 1)
        assert emitted(scenario, requests, [50, END_NS]) == roomy


def sizes(requests: list[int], ends_ns: list[int]) -> list[int]:
    """Return the media bytes of the frames that the root sends of `TICKING`."""
    rows = emitted(meeting([TICKING], seed=1), [(at, "root", 0) for at in requests], ends_ns)
    return [size_bytes - TICKING.overhead_bytes for _, _, _, size_bytes, _, _ in rows["root"]]


def test_the_next_frame_due_is_a_key_frame_and_the_schedule_goes_on() -> None:
    assert sizes([], [70]) == [25, 10, 10, 10, 10, 25, 10]
    assert sizes([11], [70]) == [25, 10, 25, 10, 10, 25, 10]


@pytest.mark.parametrize("at_ns", [11, 19, 20])
def test_a_request_at_the_very_instant_of_a_frame_counts_for_it(at_ns: int) -> None:
    assert sizes([at_ns], [40]) == [25, 10, 25, 10]


def test_requests_before_one_frame_are_answered_by_it_together() -> None:
    assert sizes([11, 11, 15, 20], [50]) == [25, 10, 25, 10, 10]
    assert sizes([11, 21], [50]) == [25, 10, 25, 25, 10]


def test_a_request_after_the_last_frame_of_a_span_waits_for_the_next() -> None:
    assert sizes([11], [15, 18, 20, 50]) == [25, 10, 25, 10, 10]


def test_a_request_before_a_periodic_key_frame_is_answered_by_it() -> None:
    assert sizes([41], [80]) == sizes([], [80])


def test_a_frame_that_its_pace_holds_back_answers_what_came_before_it_was_due() -> None:
    """Frame 1 is due at 10 and begins at 20, when the 20 B of frame 0 are sent; 15 is too late."""
    slow = replace(
        TICKING, key_bytes=20, key_every=9, packet_bytes=20, overhead_bytes=0, pace_bps=8 * 10**9
    )
    for at_ns, keys in ((10, [0, 1]), (15, [0, 2])):
        rows = emitted(meeting([slow], seed=1), [(at_ns, "root", 0)], [12, 18, 70])["root"]
        assert [i for i, row in enumerate(rows) if row[5] & KEY] == keys
        assert rows[1][0] == 20


def test_whoever_has_the_floor_is_asked() -> None:
    """b speaks in [0, 30), a in [40, 70): at 35 nobody does, and a begins with a key frame."""
    floor = replace(TICKING, direction="floor", origins=())
    agenda = [Turn(at_ns=0, until_ns=30, site="b"), Turn(at_ns=40, until_ns=70, site="a")]
    scenario = meeting([floor], seed=1, agenda=agenda)

    def keys(at_ns: int) -> dict[str, list[int]]:
        found = emitted(scenario, [(at_ns, "root", 0)], [100])
        return {site: [row[0] for row in found[site] if row[5] & KEY] for site in ("a", "b")}

    assert keys(5) == {"b": [0, 10], "a": [40]}
    assert keys(29) == keys(30) == keys(35) == {"b": [0], "a": [40]}
    assert keys(41) == {"b": [0], "a": [40, 50]}


def test_each_packet_says_whether_its_frame_is_a_key_frame_begins_and_ends() -> None:
    cut = replace(TICKING, packet_bytes=10)
    parts = [row[5] for row in emitted(meeting([cut], seed=1), [], [20])["root"]]
    assert parts == [KEY | FIRST, KEY, KEY | LAST, FIRST | LAST]


def test_parts_of_a_frame_that_is_paced_over_two_spans() -> None:
    slow = replace(TICKING, packet_bytes=10, overhead_bytes=0, pace_bps=8 * 10**9)
    rows = emitted(meeting([slow], seed=1), [], [5, 15, 25, 35])["root"]
    assert [row[5] for row in rows] == [KEY | FIRST, KEY, KEY | LAST, FIRST | LAST]
    assert [row[0] for row in rows] == [0, 10, 20, 25]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (AskKeyFrame(at_ns=9, target=0, stream=0), "not in [10, 20)"),
        (AskKeyFrame(at_ns=20, target=0, stream=0), "not in [10, 20)"),
        (AskKeyFrame(at_ns=10, target=1, stream=0), "'s' does not come from the site"),
        (AskKeyFrame(at_ns=10, target=0, stream=1), "stream 't' has no key frames"),
        (AskKeyFrame(at_ns=10, target=0, stream=2), "no stream of the number"),
    ],
)
def test_a_request_that_nobody_can_answer_is_an_error(edit: AskKeyFrame, message: str) -> None:
    without = replace(TICKING, id="t", key_every=0)
    sources = Sources(meeting([TICKING, without], seed=1), INDEX)
    sources.emit(10)
    with pytest.raises(ValueError) as error:  # noqa: PT011
        sources.emit(20, [edit])
    assert message in str(error.value)
