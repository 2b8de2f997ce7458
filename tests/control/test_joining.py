"""Rooms call, are let in, and leave at their own nanosecond; every one of them is accounted for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.control.journal import Event
from sim.control.plane import ControlPlane
from sim.dataplane.edit import JoinRoom, LeaveRoom, UseLine
from sim.network.tree import build_network
from sim.scenario.sequences import READY_MADE, SIP, WEBRTC
from sim.scenario.signalling_model import AT_ONCE
from tests.control.meeting import (
    FIRST,
    MS,
    RETRY,
    SECOND,
    TO_ROOT_NS,
    Run,
    S,
    arrival,
    meeting,
    rules,
    server,
    step,
)
from tests.control.test_signalling import OnePort, sick_run

SERVICE_NS = 100 * MS
MANY = 300
MOST_EVENTS = 60  # of a join


def test_a_room_joins_when_its_call_is_answered():
    run = Run(meeting(rules(step()), arrival("b", calls_ns=S))).to_the_end()
    joined_ns = S + 2 * TO_ROOT_NS + SERVICE_NS
    assert run.edits == [JoinRoom(at_ns=joined_ns, target=FIRST)]
    assert [(entry.at_ns, entry.event, entry.site, entry.line) for entry in run.entries()] == [
        (S, Event.CALLED, FIRST, -1),
        (S, Event.SENT, FIRST, FIRST),
        (joined_ns, Event.PLACED, FIRST, FIRST),
        (joined_ns, Event.JOINED, FIRST, FIRST),
    ]
    joins = run.joins
    assert joins.room.tolist() == [False, False, True, True]
    assert joins.called_ns.tolist() == [-1, -1, S, -1]
    assert joins.joined_ns.tolist() == [-1, -1, joined_ns, 0]
    assert joins.tries.tolist() == [0, 0, 1, 0]
    assert joins.requests.tolist() == [0, 0, 1, 0]
    assert joins.took_ns.tolist() == [joined_ns - S]


def test_without_signalling_a_room_joins_when_it_calls():
    run = Run(meeting(AT_ONCE, arrival("b", calls_ns=S, leaves_ns=2 * S))).to_the_end()
    assert run.edits == [JoinRoom(at_ns=S, target=FIRST), LeaveRoom(at_ns=2 * S, target=FIRST)]
    assert [entry.event for entry in run.entries()][-1] is Event.LEFT


def test_a_meeting_without_joining_needs_no_event():
    run = Run(meeting(rules(step()))).to_the_end()
    assert (run.edits, run.entries()) == ([], [])
    assert run.env.steps <= 1, "the end"
    assert run.joins.present_at_start == 1


def test_the_share_present_at_the_start():
    run = Run(
        meeting(
            AT_ONCE,
            arrival("b", calls_ns=S, leaves_ns=5 * S),
            arrival("c", calls_ns=3 * S),
            start_ns=2 * S,
        )
    ).to_the_end()
    assert run.joins.present_at_start == 0.5
    present = [run.joins.present(at_ns).tolist() for at_ns in (S - 1, S, 3 * S, 5 * S)]
    assert [row[FIRST:] for row in present] == [
        [False, False],
        [True, False],
        [True, True],
        [False, True],
    ]


def test_a_room_that_would_call_after_the_end_does_not_come():
    scenario = meeting(AT_ONCE, arrival("b", calls_ns=10 * S), duration_ns=10 * S)
    run = Run(scenario).to_the_end()
    assert run.edits == []
    assert run.joins.joined_ns[FIRST] == run.joins.called_ns[FIRST] == -1
    assert run.joins.present_at_start == 0.5


def test_the_room_of_a_relay_site_needs_no_place():
    admission = OnePort()
    scenario = meeting(rules(step()), arrival("a", calls_ns=0, leaves_ns=S), rooms=["a", "b", "c"])
    run = Run(scenario, admission=admission).to_the_end()
    joined_ns = 2 * 30 * MS + SERVICE_NS  # the server is beyond a's own line
    assert run.edits == [
        JoinRoom(at_ns=joined_ns + 10 * MS, target=1),
        LeaveRoom(at_ns=S, target=1),
    ]
    assert admission.asked == []


def test_a_room_calls_again_after_pauses_that_double():
    """The queue is full for 10 s; calls at 0, then 2 s, 4 s and 8 s after each refusal."""
    servers = [server(service_ns=10 * S, queue=0)]
    run = Run(
        meeting(rules(step(), servers=servers), arrival("b", calls_ns=0), arrival("c", calls_ns=1))
    ).to_the_end()
    trip_ns = 2 * TO_ROOT_NS
    sent_ns = [1, 1 + 2 * S + trip_ns, 1 + 6 * S + 2 * trip_ns, 1 + 14 * S + 3 * trip_ns]
    assert run.dates_ns(Event.SENT, SECOND) == sent_ns
    assert run.dates_ns(Event.REFUSED, SECOND) == [at_ns + trip_ns for at_ns in sent_ns[:3]]
    joins = run.joins
    assert joins.tries[FIRST:].tolist() == [1, 4]
    assert joins.refusals[FIRST:].tolist() == [0, 3]
    assert joins.joined_ns[SECOND] == sent_ns[3] + trip_ns + 10 * S


def test_a_room_without_tries_left_gives_up():
    retry = replace(RETRY, tries=2)
    sequence = rules(step(resend="request"), retry=retry)
    scenario = meeting(sequence, arrival("b", calls_ns=0, leaves_ns=100 * S))
    run = sick_run(scenario, lines={FIRST: (0, 900 * S)}).to_the_end()
    joins = run.joins
    assert run.edits == []
    assert (joins.tries[FIRST], joins.timeouts[FIRST], joins.refusals[FIRST]) == (2, 2, 0)
    assert joins.gave_up_ns[FIRST] == 32 * S + 2 * S + 32 * S
    assert joins.retransmissions[FIRST] == 20
    assert run.entries(Event.GAVE_UP)[0].detail == "ask"


def test_a_room_that_is_to_leave_first_gives_up():
    """In the pause after the first call, in the second call, and at the instant of its answer."""
    servers = [server(service_ns=10 * S, queue=0)]
    trip_ns = 2 * TO_ROOT_NS
    answered_ns = 1 + 14 * S + 3 * trip_ns + trip_ns + 10 * S
    for leaves_ns, tries, joined in (
        (S, 1, False),
        (1 + 2 * S + trip_ns + MS, 2, False),
        (answered_ns - 1, 4, False),
        (answered_ns, 4, True),
    ):
        late = arrival("c", calls_ns=1, leaves_ns=leaves_ns)
        scenario = meeting(rules(step(), servers=servers), arrival("b", calls_ns=0), late)
        run = Run(scenario).to_the_end()
        assert run.joins.tries[SECOND] == tries
        ended = run.joins.left_ns if joined else run.joins.gave_up_ns
        assert ended[SECOND] == leaves_ns
        assert (JoinRoom(at_ns=leaves_ns, target=SECOND) in run.edits) == joined


def test_a_room_that_leaves_gives_its_place_back():
    class Places(OnePort):
        def place(self, line: int, now_ns: int) -> int | str:
            placed = super().place(line, now_ns)
            return placed if isinstance(placed, str) else 2

    scenario = meeting(AT_ONCE, arrival("b", calls_ns=0, leaves_ns=S), arrival("c", calls_ns=0))
    scenario = replace(scenario, signalling=replace(AT_ONCE, retry=RETRY))
    run = Run(scenario, admission=Places()).to_the_end()
    assert run.joins.refusals[FIRST:].tolist() == [0, 1]
    assert run.joins.joined_ns[SECOND] == 2 * S
    # Egress 1 is a's, and what the admission gives is another.
    assert run.edits == [
        UseLine(at_ns=0, target=FIRST, line=FIRST, egress=2),
        JoinRoom(at_ns=0, target=FIRST),
        LeaveRoom(at_ns=S, target=FIRST),
        UseLine(at_ns=2 * S, target=SECOND, line=SECOND, egress=2),
        JoinRoom(at_ns=2 * S, target=SECOND),
    ]


def storm(sequence=SIP, *, reverse: bool = False, **of_server):
    """Return a meeting whose many rooms all call within a second."""
    leaves = [f"room-{n:03}" for n in range(MANY)]
    parents = {"root": "", "a": "root"} | dict.fromkeys(leaves, "a")
    if reverse:
        parents = dict(reversed(parents.items()))
    rooms = [arrival(site, calls_ns=(n * 7919 * MS // 10) % S) for n, site in enumerate(leaves)]
    signalling = replace(
        rules(servers=[server(**of_server)], retry=replace(RETRY, jitter=0.5)),
        sequences=(sequence,),
        sequence=sequence.name,
    )
    return meeting(
        signalling,
        *rooms,
        parents=parents,
        delays_ns={"a": 8 * MS} | dict.fromkeys(leaves, 3 * MS),
        duration_ns=600 * S,
        start_ns=S,
    )


def test_a_join_takes_few_events():
    for sequence in (SIP, WEBRTC):
        run = Run(storm(sequence, service_ns=20 * MS)).to_the_end()
        assert (run.joins.joined_ns[run.joins.room] >= 0).all()
        assert run.joins.retransmissions.sum() > 0 or sequence is WEBRTC
        assert run.env.steps < 15 * MANY
    crowd = Run(storm(service_ns=20 * MS, queue=20)).to_the_end()
    assert crowd.joins.refusals.sum() > MANY
    assert crowd.env.steps < MOST_EVENTS * MANY


def test_no_result_depends_on_windows_or_on_the_order_of_sites():
    def told(scenario, *windows_ns):
        plane = ControlPlane(scenario, build_network(scenario))
        ends_ns = sorted({*windows_ns, scenario.duration_ns})
        edits = [edit for end_ns in ends_ns for edit in plane.run_until(end_ns)]
        return edits, plane.journal.entries, plane.joins.joined_ns.tolist()

    scenario = storm(service="exponential", service_ns=20 * MS, queue=20, full="drop", workers=2)
    whole = told(scenario)
    assert len(whole[0]) == 2 * MANY  # all are absent first
    assert told(scenario, *range(0, 600 * S, 700 * MS)[1:]) == whole
    backwards = storm(
        service="exponential", service_ns=20 * MS, queue=20, full="drop", workers=2, reverse=True
    )
    assert told(backwards) == whole
    assert [entry.at_ns for entry in whole[1]] == sorted(entry.at_ns for entry in whole[1])


def test_ready_made_sequences_take_what_their_round_trips_take():
    """b to the root and back is 90 ms, b to a and back 20 ms; a service is 100 ms."""
    took_ns = {}
    for name, sequence in READY_MADE.items():
        signalling = replace(rules(), sequences=(sequence,), sequence=name)
        run = Run(meeting(signalling, arrival("b", calls_ns=0))).to_the_end()
        took_ns[name] = int(run.joins.took_ns[0])
    assert took_ns == {
        "sip": (3 * 90 + 3 * 100 + 45 + 20) * MS,
        "webrtc": (2 * 90 + 2 * 90 + 2 * 100 + 200 + 20 + 2 * 20) * MS,
        "none": 0,
    }


arrivals = st.fixed_dictionaries(
    {
        site: st.one_of(
            st.none(),
            st.tuples(st.integers(-1, 4_000), st.one_of(st.none(), st.integers(1, 9_000))),
        )
        for site in ("a", "b", "c")
    }
)


@given(
    rooms=arrivals,
    queue=st.integers(0, 1),
    full=st.sampled_from(["refuse", "drop"]),
    tries=st.integers(0, 2),
    start_ms=st.integers(0, 9_000),
    down=st.tuples(st.integers(0, 4_000), st.integers(0, 40_000)),
)
def test_every_room_ends_in_one_way(rooms, queue, full, tries, start_ms, down):
    """It is there, has left, gave up or is still trying; edits, journal and record agree."""

    def at_ns(ms: int | None) -> int:
        return -1 if ms is None or ms < 0 else ms * MS

    listed = [
        arrival(site, calls_ns=at_ns(times[0]), leaves_ns=max(at_ns(times[1]), at_ns(times[0]) + 1))
        if times[1] is not None
        else arrival(site, calls_ns=at_ns(times[0]))
        for site, times in rooms.items()
        if times is not None
    ]
    servers = [server(service_ns=900 * MS, queue=queue, full=full)]
    signalling = rules(step(resend="invite"), servers=servers, retry=replace(RETRY, tries=tries))
    scenario = meeting(
        signalling,
        *listed,
        rooms=["a", "b", "c"],
        start_ns=start_ms * MS,
        duration_ns=50 * S,
    )
    run = sick_run(scenario, lines={1: (down[0] * MS, sum(down) * MS)}).to_the_end()
    joins = run.joins
    calling = {run.network.index[each.site] for each in listed if each.calls_ns >= 0}
    for site in np.flatnonzero(joins.room).tolist():
        joined_ns, gave_up_ns = joins.joined_ns[site], joins.gave_up_ns[site]
        edits = [type(edit) for edit in run.edits if edit.target == site]
        assert (joined_ns < 0) or (gave_up_ns < 0)
        if site not in calling:
            assert joined_ns == 0
            assert joins.tries[site] == 0
        else:
            assert joins.called_ns[site] >= 0
            assert (JoinRoom in edits) == (joined_ns >= 0)
            failed = joins.refusals[site] + joins.timeouts[site]
            in_hand = joined_ns >= 0 or gave_up_ns < 0
            assert joins.tries[site] - failed in ((1,) if joined_ns >= 0 else (0, 1))
            assert in_hand or failed <= joins.tries[site]
        assert (LeaveRoom in edits) == (joins.left_ns[site] >= 0)
        assert len(edits) == len(set(edits))
        counted = {
            Event.JOINED: int(site in calling and joined_ns >= 0),
            Event.GAVE_UP: int(gave_up_ns >= 0),
            Event.LEFT: int(joins.left_ns[site] >= 0),
            Event.REFUSED: int(joins.refusals[site]),
        }
        for event, count in counted.items():
            assert len(run.dates_ns(event, site)) == count, event
