"""What holds of any failover: random small trees, backups, faults and rules.

Times are small multiples of each other, so that faults, repairs, notices and moves meet.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import event, given
from hypothesis import strategies as st

from sim.control.journal import Entry, Event
from sim.control.outages import Outages
from sim.control.plane import ControlPlane
from sim.dataplane.edit import Edit, UseLine
from sim.network.tree import build_network
from sim.scenario.line_names import line_names
from sim.scenario.model import FOREVER_NS, Fault, Scenario
from sim.scenario.protection import Bfd, Consent, Detection, Failover, Vrrp
from tests.control.meetings import NOTHING, with_backups
from tests.equality import trees

MS = 10**6
END_NS = 400 * MS
MOVES = (Event.MOVED, Event.REVERTED)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    provinces = [f"p{number}" for number in range(draw(st.integers(1, 3)))]
    parents = {"root": "", **dict.fromkeys(provinces, "root")}
    for number in range(draw(st.integers(1, 4))):
        parents[f"d{number}"] = draw(st.sampled_from(provinces))
    relays = sorted(set(parents.values()) - {""})
    upper = {"p": ["root"], "d": relays}
    backups = {
        site: draw(st.lists(st.sampled_from(upper[site[0]]), min_size=1, max_size=3))
        for site in parents
        if site != "root"
    }
    lines = {
        site: replace(trees.line(), propagation_ns=draw(st.sampled_from([0, 1, 5])) * MS)
        for site in parents
        if site != "root"
    }
    scenario = with_backups(
        trees.scenario(parents, lines=lines, duration_ns=END_NS, window_ns=50 * MS), backups
    )
    standby = Vrrp(interval_ns=5 * MS, priority=draw(st.sampled_from([1, 100, 254])))
    scenario = replace(
        scenario,
        relays=tuple(
            replace(relay, standby=draw(st.sampled_from([None, None, standby])))
            for relay in scenario.relays
        ),
        faults=tuple(draw(st.lists(faults(scenario), min_size=2, max_size=8))),
        detection=tuple(draw(detections(tier)) for tier in ("province", "district")),
        failover=tuple(draw(failovers(tier)) for tier in ("province", "district")),
    )
    by_time = sorted(scenario.faults, key=lambda fault: fault.at_ns)
    return replace(scenario, faults=tuple(by_time))


def faults(scenario: Scenario) -> st.SearchStrategy[Fault]:
    rooms = [site.id for site in scenario.sites if site.room]
    # Primary lines more often: only those are in use at the start.
    names = [*line_names(scenario.lines), *(site.id for site in scenario.sites if site.parent)]
    relays = [relay.site for relay in scenario.relays]

    @st.composite
    def one(draw: st.DrawFn) -> Fault:
        at_ns = draw(st.integers(0, 20)) * 10 * MS
        for_ns = draw(st.sampled_from([1 * MS, 20 * MS, 100 * MS, 100 * MS, FOREVER_NS]))
        flaps = draw(st.integers(0, 3)) == 0
        dead = draw(st.sampled_from([[], [], *([relay] for relay in relays)]))
        return replace(
            NOTHING,
            at_ns=at_ns,
            until_ns=min(at_ns + for_ns, FOREVER_NS),
            down_ns=15 * MS * flaps,
            up_ns=20 * MS * flaps,
            lines=_ordered(draw(st.sets(st.sampled_from(names), min_size=1, max_size=3))),
            relays=tuple(dead),
            sites=tuple(dead) if draw(st.booleans()) else (),
            rooms=tuple(draw(st.sampled_from([[], [], [], *([room] for room in rooms)]))),
        )

    return one()


def detections(tier: str) -> st.SearchStrategy[Detection]:
    bfd = Bfd(interval_ns=5 * MS, multiplier=2)
    consent = Consent(interval_ns=5 * MS, expiry_ns=30 * MS)
    seen = st.sampled_from([(bfd, None), (None, consent), (bfd, consent)])
    return st.builds(
        lambda by, late_ns: Detection(
            tier=tier, bfd=by[0], consent=by[1], silence=None, rtcp=None, late_ns=late_ns
        ),
        seen,
        st.sampled_from([0, 10 * MS]),
    )


def failovers(tier: str) -> st.SearchStrategy[Failover]:
    times = st.sampled_from([0, 5 * MS, 30 * MS])
    return st.builds(
        Failover,
        tier=st.just(tier),
        hold_down_ns=times,
        revert_ns=st.sampled_from([-1, 0, 10 * MS]),
        retry_ns=st.sampled_from([5 * MS, 20 * MS]),
    )


def ran(scenario: Scenario, *, window_ns: int = 50 * MS) -> tuple[list[Edit], list[Entry]]:
    plane = ControlPlane(scenario, build_network(scenario))
    edits: list[Edit] = []
    for end_ns in range(window_ns, END_NS + window_ns, window_ns):
        edits += plane.run_until(min(end_ns, END_NS))
    return edits, plane.journal.entries


def _ordered(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=str.encode))


@given(scenarios())
def test_a_site_is_on_one_line_of_its_own_that_serves_when_it_comes(scenario: Scenario) -> None:
    edits, entries = ran(scenario)
    network, outages = build_network(scenario), Outages(scenario, build_network(scenario))
    in_use = list(range(len(network.sites)))
    moves = [edit for edit in edits if isinstance(edit, UseLine)]
    for move in moves:
        assert move.line in network.lines_of(move.target)
        assert move.line != in_use[move.target]
        assert outages.cut(move.line, move.at_ns) is None
        in_use[move.target] = move.line
        above = int(network.line_parent[move.line])
        assert network.egress_site[move.egress] == above
        assert network.tier[above] < network.tier[move.target]
    told = [(entry.at_ns, entry.site, entry.line) for entry in entries if entry.event in MOVES]
    assert told == [(move.at_ns, move.target, move.line) for move in moves]
    event(f"moves: {min(len(moves), 5)}")


@given(scenarios())
def test_every_move_follows_a_notice_and_every_return_a_move(scenario: Scenario) -> None:
    _, entries = ran(scenario)
    noticed: dict[int, bool] = {}
    asked: dict[int, int] = {}
    away: set[int] = set()
    returns = {own.tier for own in scenario.failover if own.revert_ns >= 0}
    network = build_network(scenario)
    for entry in entries:
        if entry.event is Event.NOTICED:
            noticed[entry.site] = True
        elif entry.event is Event.ASKED:
            asked[entry.site] = entry.line
        elif entry.event is Event.MOVED:
            assert noticed[entry.site]
            assert asked[entry.site] == entry.line
            noticed[entry.site] = False
            away.add(entry.site)
        elif entry.event is Event.REVERTED:
            assert entry.site in away
            assert asked[entry.site] == entry.line == entry.site
            if not noticed[entry.site]:  # else it came to the primary line as to any other
                assert network.sites[entry.site].tier in returns
            noticed[entry.site] = False
            away.remove(entry.site)


@given(scenarios())
def test_a_notice_comes_while_the_site_is_cut_off_and_within_its_detectors_time(
    scenario: Scenario,
) -> None:
    _, entries = ran(scenario)
    network = build_network(scenario)
    outages = Outages(scenario, network)
    line = list(range(len(network.sites)))
    for entry in entries:
        if entry.event is Event.NOTICED:
            cut = outages.cut(line[entry.site], entry.at_ns)
            assert cut is not None
            assert entry.line == line[entry.site]
            assert entry.fault == cut.fault or cut.at_ns < entry.at_ns
        elif entry.event in MOVES:
            line[entry.site] = entry.line


@given(scenarios(), st.sampled_from([1, 7, 13, 400]))
def test_windows_change_nothing(scenario: Scenario, window_ms: int) -> None:
    assert ran(scenario) == ran(scenario, window_ns=window_ms * MS)


@given(scenarios())
def test_without_faults_nothing_happens(scenario: Scenario) -> None:
    assert ran(replace(scenario, faults=())) == ([], [])


@given(scenarios())
def test_a_fault_elsewhere_changes_no_site_s_luck(scenario: Scenario) -> None:
    """What the sites of one province do does not depend on faults of lines in another."""
    network = build_network(scenario)
    names = {name for name in line_names(scenario.lines) if name.startswith("d0")}
    alone = tuple(
        replace(fault, lines=tuple(sorted(names & set(fault.lines))), relays=(), sites=(), rooms=())
        for fault in scenario.faults
    )
    whole = tuple(replace(fault, relays=(), sites=(), rooms=()) for fault in scenario.faults)
    site = network.index["d0"]

    def of_site(faults: tuple[Fault, ...]) -> list[Entry]:
        _, entries = ran(replace(scenario, faults=faults))
        return [replace(entry, fault=-1) for entry in entries if entry.site == site]

    assert of_site(alone) == of_site(whole)
