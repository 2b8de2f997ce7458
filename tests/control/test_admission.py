"""Admission: why a line is refused, to the last one; what goes wrong is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.control.admission import Admission, Refusal
from sim.network.tree import build_network
from sim.network.ways import sources_up
from sim.scenario.model import Turn
from tests.control.pools import empty, meeting, pool
from tests.equality import trees


def test_admissions_are_counted_in_any_span() -> None:
    """Two in any 10 ns: at 0, 1 and at 10, when that of 0 is just not in the span any more."""
    admission = empty(meeting(pool(admit=2, admit_ns=10), servers=1, rooms=5))
    assert [admission.place(1, 0), admission.place(2, 1)] == [0, 0]
    assert admission.place(3, 9) is Refusal.ADMISSION
    assert admission.place(3, 10) == 0
    assert admission.place(4, 10) is Refusal.ADMISSION
    assert admission.place(4, 11) == 0


def test_who_leaves_was_admitted_all_the_same() -> None:
    admission = empty(meeting(pool(admit=1, admit_ns=10), servers=1, rooms=2))
    admission.place(1, 0)
    admission.release(1, 1)
    assert admission.place(2, 2) is Refusal.ADMISSION


def test_a_full_server_is_another_refusal_than_one_that_admits_nobody_just_now() -> None:
    """Server 1 has its port taken, server 2 has taken one just now."""
    described = pool(ports=1, admit=1, admit_ns=10)
    admission = empty(meeting(described, servers=2, rooms=3))
    assert [admission.place(1, 0), admission.place(2, 0)] == [0, 1]
    assert admission.place(3, 100) is Refusal.SERVER
    admission.release(2, 100)
    assert admission.place(2, 100) == 1
    admission.release(2, 101)
    assert admission.place(3, 101) is Refusal.ADMISSION


@pytest.mark.parametrize(
    ("full", "overhead_ns", "most"),
    [(1.0, 0, 10), (0.8, 0, 8), (0.79, 0, 7), (1.0, 1, 5), (0.0, 0, 12)],
)
def test_a_server_takes_what_it_can_send(full: float, overhead_ns: int, most: int) -> None:
    """Each line is 10 % of a server's time, and 20 % where a copy costs 1 ns more."""
    admission = empty(meeting(pool(), servers=1, rooms=12, full=full, overhead_ns=overhead_ns))
    answers = [admission.place(line, 0) for line in range(1, 13)]
    assert answers == [0] * most + [Refusal.SERVER] * (12 - most)
    assert admission.load(0) == pytest.approx(most * (0.1 + 0.1 * overhead_ns))


def test_steady_background_takes_its_share() -> None:
    scenario = meeting(pool(), servers=1, rooms=12, full=1.0)
    (relay,) = scenario.relays
    (server,) = relay.egresses
    busy = replace(server, background=trees.steady(share=0.35))
    scenario = replace(scenario, relays=(replace(relay, egresses=(busy,)),))
    admission = empty(scenario)
    assert admission.load(0) == 0.35
    answers = [admission.place(line, 0) for line in range(1, 13)]
    assert answers == [0] * 6 + [Refusal.SERVER] * 6


def two_relays(
    *, rate_bps: int = trees.BYTE_PER_NS, ports: int = 0, spare: bool = False
) -> Admission:
    """Return a root with relays a and b; b's room c has a backup line to a, which has room d.

    Two streams of 0.8 Gbit/s go down to each, and one comes up from each. With a `spare` egress,
    c's backup line is of the carrier that has it.
    """
    up = trees.stream("up", direction="up", origins=["c", "d"], to="central")
    down = [trees.stream(f"{number}", origins=["root"]) for number in range(2)]
    egresses = [trees.egress(rate_bps=rate_bps)]
    if spare:
        egresses.append(trees.egress(carrier="x", rate_bps=rate_bps))
    scenario = trees.scenario(
        {"root": "", "a": "root", "b": "root", "c": "b", "d": "a"},
        egresses={"a": egresses},
        ports={"a": ports},
        full={"a": 1.0},
        streams=[up, *down],
    )
    backup = replace(
        next(line for line in scenario.lines if line.site == "c"),
        parent="a",
        role="backup",
        carrier="x" if spare else "",
    )
    scenario = replace(scenario, lines=(*scenario.lines, backup))
    return Admission(scenario, build_network(scenario))


A, D, BACKUP = 1, 2, 5  # relay a, the line of d, the backup line of c


def test_an_egress_takes_what_it_can_send() -> None:
    """Two lines are all of 3.2 Gbit/s; of 2.4 Gbit/s one is two thirds, and two are too many."""
    enough = two_relays(rate_bps=3_200_000_000)
    egress = enough.egress_of(D)
    assert enough.load(egress) == 0.5
    assert enough.place(BACKUP, 0) == egress
    assert enough.load(egress) == 1.0
    enough.release(BACKUP, 5)
    assert enough.load(egress) == 0.5
    less = two_relays(rate_bps=2_400_000_000)
    assert less.place(BACKUP, 0) is Refusal.EGRESS
    less.release(D, 1)
    assert less.place(BACKUP, 1) == egress


def test_a_line_goes_to_the_egress_of_its_carrier() -> None:
    spare = two_relays(rate_bps=2_400_000_000, spare=True)
    assert spare.place(BACKUP, 0) == spare.egress_of(D) + 1


def test_ports_of_a_relay_are_for_sources_that_come_up() -> None:
    """One comes up from d; that of c is one too many for one port, and not for two."""
    assert not isinstance(two_relays(ports=2).place(BACKUP, 0), Refusal)
    full = two_relays(ports=1)
    assert full.ports_used(A) == 1
    assert full.place(BACKUP, 0) is Refusal.PORTS
    full.release(D, 1)
    assert full.ports_used(A) == 0
    assert not isinstance(full.place(BACKUP, 1), Refusal)


def test_sources_come_up_as_far_as_their_streams_go() -> None:
    """Of the stream to the parent nothing comes up beyond it; the speaker comes to the root."""
    streams = [
        trees.stream("to parent", direction="up", origins=["c", "d"], to="parent"),
        trees.stream("to the root", direction="up", origins=["c"], to="central"),
        trees.stream("floor", direction="floor"),
    ]
    scenario = trees.scenario(
        {"root": "", "a": "root", "c": "a", "d": "a"},
        streams=streams,
        rooms=["c", "d"],
        agenda=[Turn(at_ns=0, until_ns=10, site="d"), Turn(at_ns=20, until_ns=30, site="d")],
    )
    network = build_network(scenario)
    up = dict(zip([site.id for site in network.sites], sources_up(scenario, network), strict=True))
    assert up == {"root": 0, "a": 2, "c": 2, "d": 2}


def test_a_line_in_use_is_not_placed_again() -> None:
    admission = empty(meeting(pool(), servers=1, rooms=2))
    admission.place(1, 3)
    with pytest.raises(ValueError, match="line 1 is in use; release it first"):
        admission.place(1, 3)
    with pytest.raises(ValueError, match="line 2 is not in use"):
        admission.release(2, 3)
    with pytest.raises(ValueError, match="2 ns lies before the last call, 3 ns"):
        admission.place(2, 2)


def test_reports_say_what_was_before_them_and_are_known_later() -> None:
    """The load changes at the very instant of a report, which says what was before it."""
    described = pool(report_ns=10, report_delay_ns=5)
    admission = empty(meeting(described, servers=1, rooms=2))
    reports = admission.reports(0)
    at_ns = reports.last_ns(105)
    assert 90 < at_ns <= 100
    admission.place(1, at_ns)
    assert reports.known(at_ns + 14) == 0.0
    assert reports.last_ns(at_ns + 14) == at_ns
    assert reports.known(at_ns + 15) == 0.1
    assert reports.history()[1:] == [(at_ns, 0.1)]


def test_an_egress_that_is_no_server_reports_nothing() -> None:
    with pytest.raises(KeyError):
        two_relays().reports(0)
