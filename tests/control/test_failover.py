"""Failover by hand: who moves when, over which line, and what the journal says of it.

The tree: root - a, b (provinces) - a1, a2, b1. In preorder root 0, a 1, a1 2, a2 3, b 4, b1 5;
backup lines are numbered from 6, by site.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from sim.control.detection import Watch
from sim.control.journal import Event
from sim.control.plane import ControlPlane
from sim.dataplane.edit import Edit, FailRelay, RestoreRelay, UseLine
from sim.dataplane.tally import RoomCount, StreamCount, Tally
from sim.network.tree import build_network
from sim.scenario.model import Fault, Line, Relay, Scenario
from sim.scenario.protection import Bfd, Consent, Detection, Failover, Silence, Vrrp
from tests.control.meetings import LASTING, with_backups
from tests.equality import trees

MS = 10**6
S = 10**9
PARENTS = {"root": "", "a": "root", "b": "root", "a1": "a", "a2": "a", "b1": "b"}
ROOT, A, A1, A2, B, B1 = range(6)
BFD = Bfd(interval_ns=300 * MS, multiplier=3)
ONE_WAY_NS = 5 * MS
NO_DETECTION = Detection(tier="", bfd=None, silence=None, rtcp=None, consent=None, late_ns=0)
MEETING = trees.scenario(
    PARENTS,
    lines={
        site: replace(trees.line(), propagation_ns=ONE_WAY_NS) for site in PARENTS if site != "root"
    },
    processing_ns={"root": 2 * MS, "a": 2 * MS, "b": 2 * MS},
    duration_ns=1000 * S,
    window_ns=S,
)
BACKUP = replace(trees.line(), propagation_ns=ONE_WAY_NS)
ROUND_TRIP_NS = 2 * ONE_WAY_NS + 2 * MS


def bfd(tier: str = "district") -> Detection:
    return replace(NO_DETECTION, tier=tier, bfd=BFD)


def rule(tier: str = "district", **fields: int) -> Failover:
    return replace(Failover(tier=tier, hold_down_ns=0, revert_ns=-1, retry_ns=10 * S), **fields)


def meeting(
    backups: Mapping[str, Sequence[str]],
    *faults: Fault,
    detection: Sequence[Detection] = (bfd(),),
    failover: Sequence[Failover] = (rule(),),
) -> Scenario:
    lines: dict[str, Sequence[str | Line]] = {
        site: [replace(BACKUP, parent=parent) for parent in parents]
        for site, parents in backups.items()
    }
    return replace(
        with_backups(MEETING, lines),
        faults=faults,
        detection=tuple(detection),
        failover=tuple(failover),
    )


class Ran:
    """A control plane that ran to `end_ns`; rooms hear all the time, but `deaf` ones until then."""

    def __init__(
        self, scenario: Scenario, *, end_ns: int = 100 * S, deaf: Mapping[int, int] | None = None
    ) -> None:
        self.network = build_network(scenario)
        self.plane = ControlPlane(scenario, self.network)
        self.edits: list[Edit] = []
        tally = Tally.zeros(
            self.network.grouping,
            egresses=len(self.network.egresses),
            streams=len(scenario.streams),
            turns=0,
            tiers=len(scenario.tiers),
            backups=len(self.network.backups),
        )
        for now_ns in range(scenario.window_ns, end_ns + 1, scenario.window_ns):
            self.edits += self.plane.run_until(now_ns)
            last_ns = np.full(len(self.network.sites), now_ns - 1)
            for site, since_ns in (deaf or {}).items():
                last_ns[site] = min(now_ns - 1, since_ns)
            tally.room[:, RoomCount.LAST_NS] = last_ns
            tally.stream[:, :, StreamCount.LAST_NS] = last_ns[:, np.newaxis]
            self.plane.report(now_ns, tally)

    @property
    def moves(self) -> list[tuple[int, int, int]]:
        """(at, site, line) of each move."""
        moves = [edit for edit in self.edits if isinstance(edit, UseLine)]
        return [(edit.at_ns, edit.target, edit.line) for edit in moves]

    def times(self, site: int) -> list[tuple[Event, int]]:
        """(event, at) of what happened to a site."""
        entries = self.plane.journal.entries
        return [(entry.event, entry.at_ns) for entry in entries if entry.site == site]


def noticed_ns(site: str, cut_ns: int, *, on_wire_ns: int = 0) -> int:
    return Watch(bfd(), seed=MEETING.seed).notice_ns(site, cut_ns, on_wire_ns=on_wire_ns)


def test_a_site_whose_line_dies_notices_and_moves_after_a_round_trip():
    dead = replace(LASTING, at_ns=20 * S, lines=("a1",))
    ran = Ran(meeting({"a1": ["a"]}, dead))
    notice_ns = noticed_ns("a1", 20 * S)
    assert 20.6 * S < notice_ns <= 20.9 * S
    assert ran.moves == [(notice_ns + ROUND_TRIP_NS, A1, 6)]
    assert ran.times(A1) == [
        (Event.NOTICED, notice_ns),
        (Event.ASKED, notice_ns),
        (Event.MOVED, notice_ns + ROUND_TRIP_NS),
    ]
    (moved,) = [edit for edit in ran.edits if isinstance(edit, UseLine)]
    assert moved.egress == ran.network.line_egress[6] == ran.network.line_egress[A1]
    assert {entry.fault for entry in ran.plane.journal.entries} == {0}


def test_children_of_a_dead_relay_move_each_by_its_own_detection():
    dead = replace(LASTING, at_ns=20 * S, relays=("a",))
    ran = Ran(meeting({"a1": ["root"], "a2": ["b"]}, dead))
    expected = [
        (noticed_ns(site, 20 * S, on_wire_ns=ONE_WAY_NS) + ROUND_TRIP_NS, number, line)
        for site, number, line in (("a1", A1, 6), ("a2", A2, 7))
    ]
    assert ran.moves == sorted(expected)
    assert not ran.times(B1)


def test_a_site_waits_before_it_acts_and_stays_if_all_is_well_by_then():
    patient = [rule(hold_down_ns=5 * S)]
    lasting = replace(LASTING, at_ns=20 * S, lines=("a1",))
    ran = Ran(meeting({"a1": ["a"]}, lasting, failover=patient))
    assert ran.moves == [(noticed_ns("a1", 20 * S) + 5 * S + ROUND_TRIP_NS, A1, 6)]
    short = replace(lasting, until_ns=24 * S)
    ran = Ran(meeting({"a1": ["a"]}, short, failover=patient))
    assert ran.moves == []
    assert [event for event, _ in ran.times(A1)] == [Event.NOTICED, Event.HELD, Event.SERVED]


def test_what_is_repaired_before_it_is_noticed_is_never_known():
    short = replace(LASTING, at_ns=20 * S, until_ns=20 * S + 500 * MS, lines=("a1",))
    ran = Ran(meeting({"a1": ["a"]}, short))
    assert ran.times(A1) == []
    assert [entry.event for entry in ran.plane.journal.entries] == [Event.FAULT, Event.REPAIR]


def test_a_backup_that_is_known_to_be_down_is_not_asked():
    backup = replace(LASTING, at_ns=10 * S, lines=("a1/backup-1",))
    primary = replace(LASTING, at_ns=20 * S, lines=("a1",))
    ran = Ran(meeting({"a1": ["a", "root"]}, backup, primary))
    assert ran.moves == [(noticed_ns("a1", 20 * S) + ROUND_TRIP_NS, A1, 7)]


def test_a_backup_that_died_just_now_is_asked_in_vain_for_as_long_as_sip_waits():
    both = replace(LASTING, at_ns=20 * S, lines=("a1", "a1/backup-1"))
    slow = replace(NO_DETECTION, tier="district", silence=Silence(after_ns=S, streams=()))
    ran = Ran(meeting({"a1": ["a", "root"]}, both, detection=[slow]), deaf={A1: 20 * S})
    assert [event for event, _ in ran.times(A1)] == [
        Event.NOTICED,
        Event.ASKED,
        Event.REFUSED,
        Event.ASKED,
        Event.MOVED,
    ]
    assert ran.moves == [(21 * S + 32 * S + ROUND_TRIP_NS, A1, 7)]


def test_without_a_way_out_a_site_asks_again_after_a_while():
    all_lines = replace(LASTING, at_ns=20 * S, until_ns=40 * S, lines=("a1/backup-1",))
    primary = replace(all_lines, until_ns=LASTING.until_ns, lines=("a1",))
    ran = Ran(meeting({"a1": ["a"]}, all_lines, primary))
    notice_ns = noticed_ns("a1", 20 * S)
    told = ran.times(A1)
    assert told[0] == (Event.NOTICED, notice_ns)
    # Asked before the site knows of the backup, then every 10 s.
    assert told[1] in [(Event.ASKED, notice_ns), (Event.NO_BACKUP, notice_ns)]
    assert told[-1][0] is Event.MOVED
    assert 40 * S < told[-1][1] < 40 * S + 32 * S + 10 * S + ROUND_TRIP_NS


@pytest.mark.parametrize(("revert_ns", "back_ns"), [(-1, None), (0, 60 * S), (7 * S, 67 * S)])
def test_a_site_goes_back_never_at_once_or_after_a_time(revert_ns, back_ns):
    dead = replace(LASTING, at_ns=20 * S, until_ns=60 * S, lines=("a1",))
    ran = Ran(meeting({"a1": ["root"]}, dead, failover=[rule(revert_ns=revert_ns)]))
    moves = [(noticed_ns("a1", 20 * S) + ROUND_TRIP_NS, A1, 6)]
    if back_ns is not None:
        moves.append((back_ns + ROUND_TRIP_NS, A1, A1))
        assert ran.times(A1)[-1] == (Event.REVERTED, back_ns + ROUND_TRIP_NS)
    assert ran.moves == moves


def test_a_primary_that_comes_and_goes_keeps_a_careful_site_away():
    flapping = replace(
        LASTING, at_ns=20 * S, until_ns=50 * S, down_ns=2 * S, up_ns=4 * S, lines=("a1",)
    )
    eager = Ran(meeting({"a1": ["root"]}, flapping, failover=[rule(revert_ns=0)]))
    careful = Ran(meeting({"a1": ["root"]}, flapping, failover=[rule(revert_ns=5 * S)]))
    assert len(eager.moves) == 10
    assert [line for _, _, line in careful.moves] == [6, A1]
    # Down for the last time from 44 to 46 s.
    assert careful.moves[-1][0] == 46 * S + 5 * S + ROUND_TRIP_NS


def test_a_backup_in_use_that_dies_is_left_for_the_next():
    primary = replace(LASTING, at_ns=20 * S, lines=("a1",))
    backup = replace(LASTING, at_ns=30 * S, relays=("root",))
    ran = Ran(meeting({"a1": ["root", "b"]}, primary, backup))
    assert [(site, line) for _, site, line in ran.moves] == [(A1, 6), (A1, 7)]
    notice_ns = noticed_ns("a1", 30 * S, on_wire_ns=ONE_WAY_NS)
    assert ran.moves[1][0] == notice_ns + ROUND_TRIP_NS


def test_a_relay_moves_with_all_below_it():
    cut = replace(LASTING, at_ns=20 * S, lines=("a",))
    scenario = meeting(
        {"a": ["root"]}, cut, detection=[bfd("province")], failover=[rule("province")]
    )
    ran = Ran(scenario)
    assert ran.moves == [(noticed_ns("a", 20 * S) + ROUND_TRIP_NS, A, 6)]
    assert not ran.times(A1)


def test_a_site_that_is_dead_itself_does_nothing_until_it_lives():
    line = replace(LASTING, at_ns=20 * S, lines=("a1",))
    room = replace(LASTING, at_ns=20 * S, until_ns=50 * S, rooms=("a1",), sites=("a1",))
    ran = Ran(meeting({"a1": ["a"]}, line, room))
    assert ran.moves == [(noticed_ns("a1", 50 * S) + ROUND_TRIP_NS, A1, 6)]


def test_hellos_do_not_see_a_grey_relay_and_silence_does():
    grey = replace(LASTING, action="grey", at_ns=20 * S, relays=("a",))
    deaf = {A1: 20 * S, A2: 20 * S}
    assert Ran(meeting({"a1": ["b"]}, grey), deaf=deaf).moves == []
    listening = replace(
        NO_DETECTION, tier="district", silence=Silence(after_ns=2500 * MS, streams=())
    )
    ran = Ran(meeting({"a1": ["b"]}, grey, detection=[listening]), deaf=deaf, end_ns=24 * S)
    # Silent for 2.5 s at 22.5 s, which the end of a window shows.
    assert ran.moves == [(23 * S + ROUND_TRIP_NS, A1, 6)]
    assert [event for event, _ in ran.times(A2)] == [Event.NOTICED, Event.NO_BACKUP]


def test_a_monitor_that_sees_late_acts_late():
    dead = replace(LASTING, at_ns=20 * S, lines=("a1",))
    blind = replace(bfd(), late_ns=5 * S)
    ran = Ran(meeting({"a1": ["a"]}, dead, detection=[blind]))
    assert ran.moves == [(noticed_ns("a1", 20 * S) + 5 * S + ROUND_TRIP_NS, A1, 6)]
    listening = replace(
        NO_DETECTION, tier="district", silence=Silence(after_ns=2 * S, streams=()), late_ns=5 * S
    )
    ran = Ran(meeting({"a1": ["a"]}, dead, detection=[listening]), deaf={A1: 20 * S})
    assert ran.moves[0] == (22 * S + 5 * S + ROUND_TRIP_NS, A1, 6)


def test_where_silence_tells_first_hellos_tell_nothing_more():
    """Moved at 23 s; consent to the old relay expires at about 50 s and moves nobody again."""
    dead = replace(LASTING, at_ns=20 * S, lines=("a1",))
    both = replace(
        NO_DETECTION,
        tier="district",
        silence=Silence(after_ns=2500 * MS, streams=()),
        consent=Consent(interval_ns=5 * S, expiry_ns=30 * S),
    )
    ran = Ran(meeting({"a1": ["a", "root"]}, dead, detection=[both]), deaf={A1: 20 * S})
    assert ran.moves[0] == (23 * S + ROUND_TRIP_NS, A1, 6)
    heard_again = Ran(meeting({"a1": ["a", "root"]}, dead, detection=[both]), deaf={})
    assert [site for _, site, _ in heard_again.moves] == [A1]
    assert heard_again.moves[0][0] > 44 * S
    events = [event for event, _ in ran.times(A1)]
    # Deaf on every line, it goes round by silence alone.
    assert events.count(Event.NOTICED) == events.count(Event.MOVED)
    assert all(at_ns % S == 0 for event, at_ns in ran.times(A1) if event is Event.NOTICED)


def test_silence_counts_streams_that_are_listened_for_only():
    grey = replace(LASTING, action="grey", at_ns=20 * S, relays=("a",), passes=("stream 0",))
    listening = replace(
        NO_DETECTION, tier="district", silence=Silence(after_ns=S, streams=("stream 1",))
    )
    scenario = meeting({"a1": ["b"]}, grey, detection=[listening])
    assert Ran(scenario).moves == []
    assert [line for _, _, line in Ran(scenario, deaf={A1: 20 * S}, end_ns=22 * S).moves] == [6]


def test_rooms_that_no_fault_concerns_are_not_listened_to():
    """b1 is as silent as a1, but nothing is wrong above it."""
    grey = replace(LASTING, action="grey", at_ns=20 * S, relays=("a",))
    listening = replace(NO_DETECTION, tier="district", silence=Silence(after_ns=S, streams=()))
    scenario = meeting({"a1": ["b"], "b1": ["a"]}, grey, detection=[listening])
    ran = Ran(scenario, deaf={A1: 20 * S, B1: 20 * S}, end_ns=22 * S)
    assert [site for _, site, _ in ran.moves] == [A1]
    assert not ran.times(B1)


def with_standby(scenario: Scenario, site: str) -> Scenario:
    def own(relay: Relay) -> Relay:
        return replace(relay, standby=Vrrp(interval_ns=S, priority=100))

    relays = tuple(own(relay) if relay.site == site else relay for relay in scenario.relays)
    return replace(scenario, relays=relays)


def test_a_hot_standby_ends_its_relay_s_outage():
    dead = replace(LASTING, at_ns=20 * S, until_ns=80 * S, relays=("a",))
    ran = Ran(with_standby(meeting({}, dead, detection=(), failover=()), "a"))
    down, up = ran.edits
    assert down == FailRelay(at_ns=20 * S, target=A)
    assert isinstance(up, RestoreRelay)
    # The last advertisement was up to an interval old.
    assert 20 * S + 3_609_375_000 - S < up.at_ns <= 20 * S + 3_609_375_000
    assert [(entry.event, entry.at_ns) for entry in ran.plane.journal.entries] == [
        (Event.FAULT, 20 * S),
        (Event.TOOK_OVER, up.at_ns),
        (Event.REPAIR, 80 * S),
    ]


def test_a_site_is_cut_off_until_the_standby_takes_over():
    """BFD notices within 0.9 s and children are gone; who waits 5 s stays."""
    dead = replace(LASTING, at_ns=20 * S, relays=("a",))
    scenario = with_standby(meeting({"a1": ["b"]}, dead), "a")
    assert [site for _, site, _ in Ran(scenario).moves] == [A1]
    patient = replace(scenario, failover=(rule(hold_down_ns=5 * S),))
    assert Ran(patient).moves == []


def test_a_standby_does_not_survive_its_site():
    dead = replace(LASTING, at_ns=20 * S, relays=("a",), sites=("a",))
    ran = Ran(with_standby(meeting({}, dead, detection=(), failover=()), "a"))
    assert ran.edits == [FailRelay(at_ns=20 * S, target=A)]


def test_without_detection_nobody_moves():
    dead = replace(LASTING, at_ns=20 * S, lines=("a1",), relays=("b",))
    ran = Ran(meeting({"a1": ["root"], "b1": ["a"]}, dead, detection=(), failover=()))
    assert ran.moves == []
    assert [entry.event for entry in ran.plane.journal.entries] == [Event.FAULT]
