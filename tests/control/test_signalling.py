"""A call takes what its steps, the lines, the servers and the timers add up to, to the nanosecond.

root -> a -> b, c: from b to the root and back is 45 ms each way, see `tests.control.meeting`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.control.journal import Event
from sim.control.signalling import Answer, Outcome
from sim.control.timers import gives_up_ns, sends_ns
from sim.scenario.signalling_model import Sequence
from tests.control.meeting import (
    FIRST,
    MS,
    RETRY,
    SECOND,
    TO_ROOT_NS,
    TREE,
    Run,
    S,
    meeting,
    rules,
    server,
    step,
)

SERVICE_NS = 100 * MS


class Sick:
    """What is up, for a test to say: lines and relays that are down in a span."""

    def __init__(self) -> None:
        self.run: Run
        self.lines: dict[int, tuple[int, int]] = {}
        self.relays: dict[int, tuple[int, int]] = {}

    def line_is_up(self, line: int) -> bool:
        return not self._within(self.lines.get(line))

    def relay_is_up(self, site: int) -> bool:
        return not self._within(self.relays.get(site))

    def _within(self, span: tuple[int, int] | None) -> bool:
        return span is not None and span[0] <= self.run.env.now < span[1]


def sick_run(scenario, *, lines=(), relays=()) -> Run:
    sick = Sick()
    sick.lines, sick.relays = dict(lines), dict(relays)
    sick.run = Run(scenario, health=sick)
    return sick.run


def test_the_instants_of_rfc_3261():
    t1_ns, t2_ns = S // 2, 4 * S

    def instants(resend):
        return [at_ns / S for at_ns in sends_ns(resend, t1_ns=t1_ns, t2_ns=t2_ns)]

    assert gives_up_ns(t1_ns=t1_ns) == 32 * S
    assert instants("invite") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert instants("request") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert instants("dtls") == [0, 1, 3, 7, 15, 31]
    assert instants("none") == [0]


def test_a_round_trip_is_both_ways_and_the_service():
    ended_ns, answer = Run(meeting(rules(step()))).call()
    assert ended_ns == 2 * TO_ROOT_NS + SERVICE_NS
    assert answer == Answer(
        outcome=Outcome.ADMITTED, egress=1, cause="", sent=1, resent=0, dropped=0
    )
    assert answer.admitted


def test_steps_add_up():
    steps = (
        step("register", half_trips=4, processing_ns=3 * MS),
        step("invite", half_trips=3, prepare_ns=20 * MS),
        step("connect", half_trips=2, queue=False),
        step("media", to="parent", half_trips=2, processing_ns=MS),
    )
    ended_ns, answer = Run(meeting(rules(*steps))).call()
    register_ns = 2 * (2 * TO_ROOT_NS + SERVICE_NS + 3 * MS)
    invite_ns = 20 * MS + 2 * TO_ROOT_NS + SERVICE_NS + TO_ROOT_NS
    assert ended_ns == register_ns + invite_ns + 2 * TO_ROOT_NS + (2 * 10 + 1) * MS
    assert answer.sent == 5


def test_a_step_asks_the_nearest_server_or_that_of_its_tier():
    servers = (server("a", service_ns=MS), server("root", service_ns=2 * MS))
    near = Run(meeting(rules(step(), servers=servers))).call()
    tier = Run(meeting(rules(step(to=meeting().tiers[0]), servers=servers))).call()
    assert near[0] == 2 * 10 * MS + MS
    assert tier[0] == 2 * TO_ROOT_NS + 2 * MS


def test_a_relays_own_room_asks_the_server_beside_it_and_its_own_relay():
    servers = (server("a", service_ns=MS), server("root", service_ns=2 * MS))
    steps = (step(), step("media", to="parent"))
    ended_ns, answer = Run(meeting(rules(*steps, servers=servers))).call(1, line=-1)
    assert (ended_ns, answer.admitted, answer.egress) == (MS, True, -1)
    ended_ns, answer = Run(meeting(rules(*steps, servers=servers))).call(1, line=1)
    assert (ended_ns, answer.egress) == (2 * 30 * MS + 2 * MS + 2 * 30 * MS, 0)


def test_who_moves_takes_another_path():
    parents = {"root": "", "a": "root", "d": "root", "b": "a"}
    delays_ns = {"a": 30 * MS, "d": 1 * MS, "b": 10 * MS}
    run = Run(meeting(rules(step()), parents=parents, delays_ns=delays_ns))
    assert [site.id for site in run.network.sites] == ["root", "a", "b", "d"]
    run.signalling.paths.use(1, 3)  # as if a had d's line: 1 ms instead of 30
    assert run.call(2)[0] == 2 * (10 + 5 + 1) * MS + SERVICE_NS


def test_requests_of_one_instant_are_served_by_id():
    for callers in ([(0, FIRST), (0, SECOND)], [(0, SECOND), (0, FIRST)]):
        run = Run(meeting(rules(step())))
        answers = dict(zip([site for _, site in callers], run.calls(callers), strict=True))
        assert answers[FIRST][0] == 2 * TO_ROOT_NS + SERVICE_NS
        assert answers[SECOND][0] == 2 * TO_ROOT_NS + 2 * SERVICE_NS


def test_a_copy_of_a_request_that_waits_is_absorbed():
    """An INVITE that waits for 4 s is sent again at 0.5, 1.5 and 3.5 s, and served once."""
    run = Run(meeting(rules(step(resend="invite"), servers=[server(service_ns=4 * S)])))
    ended_ns, answer = run.call()
    assert (ended_ns, answer.sent, answer.resent) == (2 * TO_ROOT_NS + 4 * S, 1, 3)
    (load,) = run.signalling.loads(until_ns=S * 100)
    assert load.served == 1


def test_an_answer_comes_before_the_timer_of_its_instant():
    service_ns = S // 2 - 2 * TO_ROOT_NS
    for more_ns, resent in ((0, 0), (1, 1)):
        servers = [server(service_ns=service_ns + more_ns)]
        _, answer = Run(meeting(rules(step(resend="invite"), servers=servers))).call()
        assert answer.resent == resent
    for more_ns, outcome in ((0, Outcome.ADMITTED), (1, Outcome.TIMED_OUT)):
        servers = [server(service_ns=32 * S - 2 * TO_ROOT_NS + more_ns)]
        ended_ns, answer = Run(meeting(rules(step(), servers=servers))).call()
        assert (ended_ns, answer.outcome) == (32 * S, outcome)
    assert answer.cause == "ask"


@pytest.mark.parametrize("resend", ["invite", "request", "dtls", "none"])
def test_without_a_way_a_request_is_sent_by_its_timers_and_fails(resend):
    run = sick_run(meeting(rules(step(resend=resend))), relays={1: (0, 100 * S)})
    ended_ns, answer = run.call()
    assert (ended_ns, answer.outcome) == (32 * S, Outcome.TIMED_OUT)
    sends = sends_ns(resend, t1_ns=S // 2, t2_ns=4 * S)
    assert answer.resent == len(sends) - 1
    assert run.dates_ns(Event.RETRIED, FIRST) == list(sends[1:])
    (load,) = run.signalling.loads(until_ns=S * 100)
    assert load.served == 0


def test_a_request_that_is_lost_leaves_it_to_the_next_copy():
    run = sick_run(meeting(rules(step(resend="invite"))), lines={2: (0, S)})
    ended_ns, answer = run.call()
    assert ended_ns == 1500 * MS + 2 * TO_ROOT_NS + SERVICE_NS
    assert answer.resent == 2


def test_a_copy_goes_over_the_lines_in_use_when_it_leaves():
    """The line of the site above is down for good; the copy of 1.5 s finds another in use."""
    parents = {"root": "", "a": "root", "d": "root", "b": "a"}
    delays_ns = {"a": 30 * MS, "d": 1 * MS, "b": 10 * MS}
    scenario = meeting(rules(step(resend="invite")), parents=parents, delays_ns=delays_ns)
    run = sick_run(scenario, lines={1: (0, 100 * S)})
    run.env.process(uses(run, S, site=1, line=3))  # as if a had d's line: 1 ms instead of 30
    ended_ns, answer = run.call(2)
    assert ended_ns == 1500 * MS + 2 * (10 + 5 + 1) * MS + SERVICE_NS
    assert (answer.admitted, answer.resent) == (True, 2)


def test_a_copy_that_comes_to_another_server_asks_afresh():
    """p has the request when the line of a fails; q, where the next copy comes, has not."""
    parents = {"root": "", "p": "root", "q": "root", "a": "p", "c": "q", "b": "a"}
    delays_ns = {"p": MS, "q": MS, "a": 30 * MS, "c": MS, "b": 10 * MS}
    servers = (server("p", service_ns=100 * MS), server("q", service_ns=200 * MS))
    steps = rules(step(resend="invite"), servers=servers)
    run = sick_run(
        meeting(steps, parents=parents, delays_ns=delays_ns), lines={2: (50 * MS, 100 * S)}
    )
    assert [site.id for site in run.network.sites] == ["root", "p", "a", "b", "q", "c"]
    run.env.process(uses(run, S, site=2, line=5))  # as if a had c's line
    ended_ns, _ = run.call(3)
    assert ended_ns == 1500 * MS + 2 * (10 + 5 + 1) * MS + 200 * MS
    assert [load.served for load in run.signalling.loads(until_ns=2 * S)] == [1, 1]


def uses(run, at_ns, *, site, line):
    yield run.env.timeout(at_ns)
    run.signalling.paths.use(site, line)


def test_an_answer_that_is_lost_is_given_again_to_the_next_copy():
    """The first answer would be there at 190 ms; the request is not served twice."""
    run = sick_run(meeting(rules(step(resend="invite"))), lines={1: (150 * MS, 200 * MS)})
    ended_ns, answer = run.call()
    assert ended_ns == 500 * MS + 2 * TO_ROOT_NS
    assert (answer.resent, run.signalling.loads(until_ns=S)[0].served) == (1, 1)


def test_a_full_queue_refuses_or_drops():
    """One is served and one waits; the third comes 10 ms after the first."""
    callers = [(0, FIRST), (5 * MS, SECOND), (10 * MS, FIRST)]

    def third(full: str, resend: str) -> tuple[int, Answer]:
        steps = step(resend=resend)
        return Run(meeting(rules(steps, servers=[server(queue=1, full=full)]))).calls(callers)[2]

    ended_ns, answer = third("refuse", "invite")
    assert ended_ns == 10 * MS + 2 * TO_ROOT_NS
    assert (answer.outcome, answer.cause, answer.dropped) == (Outcome.REFUSED, "queue", 0)
    ended_ns, answer = third("drop", "invite")
    assert ended_ns == 10 * MS + 500 * MS + 2 * TO_ROOT_NS + SERVICE_NS
    assert (answer.outcome, answer.dropped, answer.resent) == (Outcome.ADMITTED, 1, 1)
    ended_ns, answer = third("drop", "none")
    assert (ended_ns, answer.outcome) == (10 * MS + 32 * S, Outcome.TIMED_OUT)


def test_a_worker_that_has_finished_is_free_for_who_comes_then():
    servers = [server(queue=0)]
    second = [
        Run(meeting(rules(step(), servers=servers))).calls([(0, FIRST), (at_ns, SECOND)])[1][1]
        for at_ns in (SERVICE_NS - 1, SERVICE_NS)
    ]
    assert [answer.admitted for answer in second] == [False, True]


def test_who_begins_to_be_served_leaves_the_queue_to_who_comes_then():
    servers = [server(queue=1)]
    callers = [(0, FIRST), (1, FIRST)]
    for at_ns, admitted in ((SERVICE_NS - 1, False), (SERVICE_NS, True)):
        run = Run(meeting(rules(step(), servers=servers)))
        assert run.calls([*callers, (at_ns, SECOND)])[2][1].admitted == admitted


def test_a_tier_without_a_server_here_leaves_it_to_a_higher_one():
    middle = meeting().tiers[1]
    ended_ns, _ = Run(meeting(rules(step(to=middle)))).call()
    assert ended_ns == 2 * TO_ROOT_NS + SERVICE_NS
    ended_ns, _ = Run(meeting(rules(step(to=middle, queue=False)))).call()
    assert ended_ns == 2 * 10 * MS, "what takes no worker is answered at the first relay"


def test_a_refusal_that_is_lost_meets_the_copies_that_come_before_it_is_missed():
    """One way takes 605 ms, so the copy of 500 ms is there before the refusal is lost at 1210 ms.

    The queue is free again at 1610 ms, and the copy of 1.5 s finds it so.
    """
    servers = [server(service_ns=S, queue=0)]
    delays_ns = {"a": 590 * MS, "b": 10 * MS, "c": 10 * MS}
    scenario = meeting(rules(step(resend="invite"), servers=servers), delays_ns=delays_ns)
    run = sick_run(scenario, lines={SECOND: (1200 * MS, 1300 * MS)})
    (_, first), (ended_ns, second) = run.calls([(0, FIRST), (1, SECOND)])
    assert first.admitted
    assert second.admitted
    assert ended_ns == 1 + 1500 * MS + 2 * 605 * MS + S
    assert run.signalling.loads(until_ns=9 * S)[0].full == 1


def test_a_limit_of_joins_counts_calls_and_not_requests():
    """Two calls of two requests each in any second; the third may begin when the first is past."""
    servers = [server(service_ns=MS, joins=2, joins_span_ns=S)]
    run = Run(meeting(rules(step(half_trips=4), servers=servers)))
    calls = run.calls([(0, FIRST), (1, FIRST), (S - 1, FIRST), (S, FIRST), (S, SECOND)])
    assert [answer.admitted for _, answer in calls] == [True, True, False, True, False]
    assert [answer.cause for _, answer in calls if not answer.admitted] == ["joins", "joins"]
    assert run.signalling.loads(until_ns=2 * S)[0].limited == 2


def test_a_call_that_found_no_place_in_the_queue_counts_for_no_limit():
    servers = [server(queue=0, joins=2, joins_span_ns=10 * S)]
    run = Run(meeting(rules(step(), servers=servers)))
    calls = run.calls([(0, FIRST), (1, FIRST), (SERVICE_NS, FIRST), (S, FIRST)])
    causes = [answer.cause for _, answer in calls]
    assert causes == ["", "queue", "", "joins"]


class OnePort:
    """A place for one line; it says who asked for it."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.taken: set[int] = set()

    def place(self, line: int, now_ns: int) -> int | str:
        self.asked.append((line, now_ns))
        if self.taken:
            return "ports"
        self.taken.add(line)
        return 9

    def release(self, line: int, now_ns: int) -> None:
        self.taken.remove(line)


def test_at_the_end_the_parent_gives_a_place_or_refuses():
    admission = OnePort()
    run = Run(meeting(rules(step("media", to="parent"))), admission=admission)
    answers = [answer for _, answer in run.calls([(0, SECOND), (0, FIRST)])]
    assert admission.asked == [(FIRST, 20 * MS), (SECOND, 20 * MS)], "by id"
    assert [(answer.outcome, answer.egress, answer.cause) for answer in answers] == [
        (Outcome.REFUSED, -1, "ports"),
        (Outcome.ADMITTED, 9, ""),
    ]
    assert [entry.detail for entry in run.entries(Event.PLACED)] == ["9"]


def test_a_caller_may_give_up():
    run = Run(meeting(rules(step(resend="invite"), servers=[server(service_ns=9 * S)])))
    ended_ns, answer = run.call(until_ns=2 * S)
    assert (ended_ns, answer.outcome, answer.resent) == (2 * S, Outcome.GAVE_UP, 2)


def test_without_steps_a_call_takes_no_time():
    run = Run(meeting(rules(step())))
    ended_ns, answer = run.call(sequence=Sequence(name="none", steps=()))
    assert (ended_ns, answer.admitted, answer.sent) == (0, True, 0)


def test_pauses_double_up_to_the_longest_and_are_each_sites_own():
    retry = replace(RETRY, jitter=0.5, tries=9)
    signalling = Run(meeting(rules(step(), retry=retry))).signalling
    whole_ns = [min(2 * S << n, 60 * S) for n in range(8)]
    for site in (FIRST, SECOND):
        pauses_ns = [signalling.pause_ns(site, tries) for tries in range(1, 9)]
        assert all(w / 2 <= p <= w for w, p in zip(whole_ns, pauses_ns, strict=True))
        assert signalling.pause_ns(site, 9) is None
    assert signalling.pause_ns(FIRST, 1) != signalling.pause_ns(SECOND, 1)
    moved = Run(meeting(rules(step(), retry=retry), parents={**TREE, "A": "root"})).signalling
    assert moved.pause_ns(3, 5) == signalling.pause_ns(FIRST, 5), "another site moves no draw"


callers = st.lists(
    st.tuples(st.integers(0, 3000).map(lambda ms: ms * MS), st.sampled_from([1, 2, 3])),
    min_size=1,
    max_size=8,
)


@given(
    callers=callers,
    queue=st.integers(-1, 1),
    full=st.sampled_from(["refuse", "drop"]),
    workers=st.integers(1, 2),
    service_ms=st.integers(1, 9000),
    joins=st.integers(0, 2),
    resend=st.sampled_from(["invite", "request", "none"]),
    half_trips=st.integers(1, 4),
    down=st.tuples(st.integers(0, 4000), st.integers(0, 4000)),
)
def test_every_call_ends_in_one_way_and_every_request_is_accounted_for(
    callers, queue, full, workers, service_ms, joins, resend, half_trips, down
):
    servers = [
        server(
            queue=queue,
            full=full,
            workers=workers,
            service_ns=service_ms * MS,
            joins=joins,
            joins_span_ns=S if joins else 0,
        )
    ]
    steps = (step(half_trips=half_trips, resend=resend), step("media", to="parent"))
    sick = {1: (down[0] * MS, (down[0] + down[1]) * MS)}
    run = sick_run(meeting(rules(*steps, servers=servers)), lines=sick)
    answers = run.calls(callers)
    load = run.signalling.loads(until_ns=10**15)[0]
    assert len(answers) == len(callers)
    for (at_ns, _), (ended_ns, answer) in zip(callers, answers, strict=True):
        assert answer.outcome in (Outcome.ADMITTED, Outcome.REFUSED, Outcome.TIMED_OUT)
        assert (answer.egress >= 0) == answer.admitted
        assert (answer.cause == "") == answer.admitted
        assert 0 <= ended_ns - at_ns <= (half_trips // 2 + 1) * 32 * S + S
    # A request is served once at most, and dropped copies are seen on both sides.
    sent = sum(answer.sent for _, answer in answers)
    dropped = sum(answer.dropped for _, answer in answers)
    assert load.served <= sent
    assert (dropped == load.full) if full == "drop" else (dropped == 0)
    assert len(run.entries(Event.RETRIED)) <= sum(answer.resent for _, answer in answers)
    assert load.waiting.max(initial=0) <= (queue if queue >= 0 else len(callers))
    assert load.busy.max(initial=0) <= workers
    assert (load.waiting[-1], load.busy[-1]) == (0, 0)
    assert load.waiting.min() >= 0
