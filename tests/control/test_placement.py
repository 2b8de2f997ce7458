"""Placement in pools: equal to a dull one, limits kept, what is released comes back."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.control.admission import Admission, Refusal
from sim.network.tree import build_network
from sim.scenario.model import Pool, Scenario
from tests.control.dull_placement import DullPool
from tests.control.pools import PACKETS_PER_S, ROOT, SHARE, empty, meeting, pool, without

ROOMS = 9
CALLS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, ROOMS), st.booleans()), min_size=1, max_size=25
)  # gap, ns; line; whether it comes, else it leaves


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """Draw a pool; small numbers, so that ties and limits are common."""
    policy = draw(st.sampled_from(["least loaded", "fill", "round robin", "hash"]))
    limit = st.sampled_from([0, 0, 1, 2, 3])
    admit = draw(limit)
    return pool(
        policy=policy,
        fill_to=draw(st.sampled_from([0.1, 0.2, 0.3])) if policy == "fill" else 0.0,
        report_ns=draw(st.integers(1, 12)),
        report_delay_ns=draw(st.sampled_from([0, 0, 1, 7, 30])),
        ports=draw(limit),
        streams=draw(limit),
        packets_per_s=draw(limit) * PACKETS_PER_S,
        admit=admit,
        admit_ns=draw(st.integers(1, 15)) if admit else 0,
    )


def run(scenario: Scenario, calls: list[tuple[int, int, bool]]) -> list[tuple[int, int, object]]:
    """Return what came of the calls that say something: instant, line, egress or refusal."""
    admission, now_ns, told = empty(scenario), 0, []
    for gap_ns, line, comes in calls:
        now_ns += gap_ns
        if comes and admission.egress_of(line) < 0:
            told.append((now_ns, line, admission.place(line, now_ns)))
        elif not comes and admission.egress_of(line) >= 0:
            admission.release(line, now_ns)
            told.append((now_ns, line, "left"))
    return told


@given(
    described=pools(),
    servers=st.integers(1, 4),
    calls=CALLS,
    full=st.sampled_from([0.0, 0.1, 0.3, 1.0]),
    seed=st.integers(0, 5),
)
def test_placement_equals_the_dull_one(
    described: Pool,
    servers: int,
    calls: list[tuple[int, int, bool]],
    full: float,
    seed: int,
) -> None:
    scenario = meeting(described, servers=servers, rooms=ROOMS, full=full, seed=seed)
    dull = DullPool(
        pool=described,
        servers=servers,
        site=ROOT,
        seed=seed,
        full=full,
        share=Fraction(str(SHARE)),
        packets_per_s=PACKETS_PER_S,
    )
    for now_ns, line, answer in run(scenario, calls):
        child = f"r{line - 1:02}"
        if answer == "left":
            dull.release(child, now_ns)
        else:
            assert dull.place(child, now_ns) == answer


@given(described=pools(), servers=st.integers(1, 4), calls=CALLS)
def test_no_limit_is_ever_exceeded(
    described: Pool, servers: int, calls: list[tuple[int, int, bool]]
) -> None:
    told = run(meeting(described, servers=servers, rooms=ROOMS, full=0.3), calls)
    most = min(limit for limit in (described.ports, described.streams, 3) if limit)
    at: dict[int, object] = {}
    came: dict[object, list[int]] = {}
    for now_ns, line, answer in told:
        if answer == "left":
            del at[line]
        elif not isinstance(answer, Refusal):
            at[line] = answer
            came.setdefault(answer, []).append(now_ns)
        for server in range(servers):
            assert list(at.values()).count(server) <= most
    for instants in came.values():
        for first in instants:
            within = [t for t in instants if first <= t < first + described.admit_ns]
            assert not described.admit or len(within) <= described.admit


@given(described=pools(), servers=st.integers(1, 4), lines=st.sets(st.integers(1, ROOMS)))
def test_what_is_released_comes_back(described: Pool, servers: int, lines: set[int]) -> None:
    admission = empty(meeting(described, servers=servers, rooms=ROOMS, full=0.3, ports=5))
    placed = [line for line in sorted(lines) if not isinstance(admission.place(line, 0), Refusal)]
    assert sum(admission.lines(e) for e in range(servers)) == len(placed)
    for line in placed:
        admission.release(line, 1)
    assert [admission.lines(e) for e in range(servers)] == [0] * servers
    assert [admission.load(e) for e in range(servers)] == [0.0] * servers
    # Long after, whoever was taken then is taken again.
    assert not any(isinstance(admission.place(line, 10**6), Refusal) for line in placed)


@given(
    described=pools(),
    servers=st.integers(1, 3),
    calls=CALLS,
    data=st.data(),
)
def test_the_order_of_the_file_leaves_no_trace(
    described: Pool, servers: int, calls: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    scenario = meeting(
        replace(described, ports=0, streams=0, packets_per_s=0), servers=servers, rooms=ROOMS
    )
    shuffled = replace(
        scenario,
        sites=tuple(data.draw(st.permutations(scenario.sites))),
        lines=tuple(data.draw(st.permutations(scenario.lines))),
    )
    assert run(scenario, calls) == run(shuffled, calls)
    one, other = build_network(scenario), build_network(shuffled)
    assert one.feed.tolist() == other.feed.tolist()


@given(servers=st.integers(1, 6), seed=st.integers(0, 20))
def test_a_server_more_takes_lines_and_moves_no_others(servers: int, seed: int) -> None:
    """Rendezvous hashing: what does not go to the new server stays where it was."""
    described = pool(policy="hash")
    before = build_network(meeting(described, servers=servers, rooms=40, seed=seed)).feed[1:]
    after = build_network(meeting(described, servers=servers + 1, rooms=40, seed=seed)).feed[1:]
    moved = before != after
    assert set(after[moved].tolist()) <= {servers}


def test_hashing_spreads_lines_evenly() -> None:
    """2,000 lines over 4 servers: 500 each, a standard deviation is 19."""
    scenarios = [
        meeting(pool(policy="hash"), servers=4, rooms=100, seed=seed) for seed in range(20)
    ]
    feed = [e for scenario in scenarios for e in build_network(scenario).feed[1:].tolist()]
    assert all(abs(feed.count(server) - 500) < 4 * 19.4 for server in range(4))


def test_fresh_reports_spread_lines_one_by_one() -> None:
    admission = empty(meeting(pool(report_ns=1), servers=3, rooms=6))
    assert [admission.place(line, 2 * line) for line in range(1, 7)] == [0, 1, 2, 0, 1, 2]


def test_stale_reports_herd_lines_to_one_server() -> None:
    """No report falls between the first call and the last, so all go where it says least."""
    admission = empty(meeting(pool(report_ns=10**6), servers=3, rooms=6))
    assert {admission.place(line, line) for line in range(1, 7)} == {0}


def test_who_is_there_from_the_start_is_placed_by_the_same_policy() -> None:
    least = build_network(meeting(pool(report_ns=10**6), servers=3, rooms=7)).feed[1:]
    assert least.tolist() == [0, 1, 2, 0, 1, 2, 0]  # by what is true then
    fill = pool(policy="fill", fill_to=0.25)
    filled = build_network(meeting(fill, servers=3, rooms=7)).feed[1:]
    assert filled.tolist() == [0, 0, 0, 1, 1, 1, 2]
    ports = build_network(meeting(pool(policy="hash", ports=2), servers=3, rooms=6)).feed[1:]
    assert sorted(ports.tolist()) == [0, 0, 1, 1, 2, 2]


def test_a_pool_that_is_too_small_for_who_is_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="the servers of 'root' have no room for 'r06'"):
        build_network(meeting(pool(ports=2), servers=3, rooms=7))


def test_the_turn_goes_on_after_those_who_were_there() -> None:
    scenario = meeting(pool(policy="round robin"), servers=3, rooms=5)
    scenario = without(scenario, ["r03", "r04"])
    network = build_network(scenario)
    assert network.feed[1:4].tolist() == [0, 1, 2]
    admission = Admission(scenario, network)
    assert [admission.place(4, 0), admission.place(5, 0)] == [0, 1]
