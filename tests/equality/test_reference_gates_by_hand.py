"""The reference engine by hand: relays that select, compose, or have no port.

1 byte/ns and no other delays: a packet of 1 byte is on each line for 1 ns, so it reaches the relay
two lines up 2 ns after it was sent.
"""

from __future__ import annotations

import pytest

from sim.dataplane.edit import FailRelay, FailRoom, RestoreRelay
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.tally import Fate, LossCause, StreamCount
from sim.scenario.model import Turn
from tests.equality.by_hand import Run, Send, run, stream
from tests.equality.trees import scenario

# Two relays in a row below the root: 1 with relay 2 and room 5, 2 with rooms 3 and 4.
DEEP = {"0": "", "1": "0", "2": "1", "3": "2", "4": "2", "5": "1"}
COMPOSITE = stream("c", "up", composite=True)
FLOOR = stream("f", "floor")
VIDEO = stream("v", "up")


def count(seen: Run, site: int, column: StreamCount, index: int = 0) -> int:
    """Return a count of the source of site `site` and stream number `index`."""
    return int(seen.tally.stream[site, index, column])


def stopped(seen: Run, fate: Fate) -> list[tuple[int, str, int]]:
    """Return what met this fate at the end of a way up: the last hop's site, packet, ns."""
    n = len(seen.network.sites)
    return [
        (site, name, at_ns)
        for site in range(n)
        for name, its, at_ns in seen.after(n + site)
        if its == fate
    ]


def test_the_first_origins_by_id_are_chosen_while_nobody_spoke() -> None:
    tree = scenario(DEEP, select={"1": 2})
    seen = run(tree, [VIDEO], [Send(0, site, "v", 1) for site in ("3", "4", "5")])
    assert stopped(seen, Fate.UNSELECTED) == [(5, "5v0", 1)]
    assert [count(seen, site, StreamCount.ENDED) for site in (3, 4, 5)] == [1, 1, 0]
    assert count(seen, 5, StreamCount.UNSELECTED) == 1


def test_ids_are_compared_as_text() -> None:
    tree = scenario({"0": "", "1": "0", "10": "1", "9": "1"}, select={"1": 1})
    seen = run(tree, [VIDEO], [Send(0, "9", "v", 1), Send(0, "10", "v", 1)])
    assert [name for _, name, _ in stopped(seen, Fate.UNSELECTED)] == ["9v0"]


@pytest.mark.parametrize(("at_ns", "chosen"), [(3, "3"), (4, "5"), (9, "5")])
def test_a_turn_changes_the_choice_from_its_very_beginning_and_beyond_its_end(
    at_ns: int, chosen: str
) -> None:
    """The packets reach relay 1 at `at_ns`; 5 has the floor from 4 to 6."""
    tree = scenario(DEEP, select={"1": 1})
    sends = [Send(at_ns - 2, "3", "v", 1), Send(at_ns - 1, "5", "v", 1)]
    seen = run(tree, [VIDEO], sends, agenda=[Turn(at_ns=4, until_ns=6, site="5")])
    (other,) = {"3", "5"} - {chosen}
    assert count(seen, int(chosen), StreamCount.ENDED) == 1
    assert count(seen, int(other), StreamCount.UNSELECTED) == 1
    assert seen.encounters[Encounter.CHOICE_AT_TURN] == (2 if at_ns == 4 else 0)


def test_the_latest_turn_that_has_begun_goes_first() -> None:
    """At 5 and 6 the turns of 4 and 5 have begun, that of 3 has not: 5, then 4."""
    tree = scenario(DEEP, select={"1": 2})
    agenda = [
        Turn(at_ns=at_ns, until_ns=at_ns + 1, site=site)
        for at_ns, site in ((0, "5"), (1, "4"), (2, "5"), (7, "3"))
    ]
    sends = [Send(3, "3", "v", 1), Send(3, "4", "v", 1), Send(4, "5", "v", 1)]
    seen = run(tree, [VIDEO], sends, agenda=agenda)
    assert [name for _, name, _ in stopped(seen, Fate.UNSELECTED)] == ["3v0"]


def test_floor_packets_the_relays_own_and_what_ends_there_are_not_selected() -> None:
    tree = scenario(DEEP, select={"2": 1}, rooms=["0", "2", "3", "4", "5"])
    ends_here = stream("p", "up", to="parent")
    sends = [
        *[Send(0, site, "v", 1) for site in ("2", "3", "4")],
        *[Send(8, site, "p", 1) for site in ("3", "4")],
        Send(5, "4", "f", 1),
    ]
    agenda = [Turn(at_ns=5, until_ns=6, site="4")]
    seen = run(tree, [FLOOR, ends_here, VIDEO], sends, agenda=agenda)
    assert stopped(seen, Fate.UNSELECTED) == [(4, "4v0", 1)]
    assert [count(seen, site, StreamCount.ENDED, 2) for site in (2, 3)] == [1, 1]
    assert [count(seen, site, StreamCount.ENDED, 1) for site in (3, 4)] == [1, 1]
    assert count(seen, 4, StreamCount.ENDED, 0) == 1


def test_only_origins_with_something_to_pass_on_are_ranked() -> None:
    """3 sends to relay 2 alone, so it takes no place among those that relay 2 passes on."""
    tree = scenario(DEEP, select={"2": 1})
    sends = [Send(0, "3", "p", 1), Send(2, "4", "v", 1)]
    seen = run(tree, [stream("p", "up", to="parent"), VIDEO], sends)
    assert count(seen, 4, StreamCount.ENDED, 1) == 1
    assert count(seen, 4, StreamCount.UNSELECTED, 1) == 0


def test_a_composing_relay_ends_all_up_packets_and_passes_the_floor() -> None:
    tree = scenario(DEEP, transcoding_ns={"1": 0})
    sends = [Send(0, "3", "v", 1), Send(1, "5", "d", 1), Send(5, "5", "f", 1)]
    to_district = stream("d", "up", to="province")
    seen = run(
        tree, [to_district, FLOOR, VIDEO], sends, agenda=[Turn(at_ns=5, until_ns=6, site="5")]
    )
    assert stopped(seen, Fate.COMPOSED) == [(2, "3v0", 2)]
    assert count(seen, 3, StreamCount.COMPOSED, 2) == 1
    assert count(seen, 5, StreamCount.ENDED, 0) == 1, "what is meant for it ends as ever"
    assert count(seen, 5, StreamCount.ENDED, 1) == 1
    assert not seen.tally.up_delay[3].any()


def test_a_composite_counts_transcoding_in_its_delay_and_is_composed_higher_up() -> None:
    """Sent at 10, due at 7: 1 ns on the line of 1, and 3 of transcoding. 2's ends at 1."""
    tree = scenario(DEEP, transcoding_ns={"1": 3, "2": 5})
    sends = [Send(10, "1", "c", 1), Send(20, "1", "c", 2), Send(10, "2", "c", 1)]
    seen = run(tree, [COMPOSITE], sends)
    own = seen.tally.stream[1, 0]
    assert own[StreamCount.RECEIVED] == 2
    assert own[StreamCount.DELAY_SUM_NS] == (1 + 3) + (2 + 3)
    assert own[StreamCount.DELAY_MAX_NS] == own[StreamCount.LAST_TRANSIT_NS] == 5
    assert own[StreamCount.JITTER_16NS] == 1
    assert seen.tally.up_delay[1].nonzero()[0].tolist() == [64, 72]
    assert stopped(seen, Fate.COMPOSED) == [(2, "2c0", 11)]


def test_the_relay_sends_a_composite_beside_a_dead_room_and_not_when_it_is_dead() -> None:
    tree = scenario(DEEP, transcoding_ns={"1": 3}, rooms=["1", "3", "4", "5"])
    sends = [Send(5, "1", "c", 1), Send(5, "1", "v", 1), Send(15, "1", "c", 1)]
    edits = [FailRoom(at_ns=1, target=1), FailRelay(at_ns=10, target=1)]
    seen = run(tree, [COMPOSITE, VIDEO], sends, edits)
    assert [count(seen, 1, StreamCount.ENDED, j) for j in (0, 1)] == [1, 0]
    assert count(seen, 1, StreamCount.LOST_ENDPOINT, 1) == 1
    assert count(seen, 1, StreamCount.LOST_OUTAGE, 0) == 1
    assert seen.encounters[Encounter.COMPOSITE_OF_DEAD_ROOM] == 1


def test_sources_beyond_the_ports_are_refused_by_origin_then_stream() -> None:
    tree = scenario(DEEP, ports={"2": 3})
    audio = stream("a", "up", to="parent")
    sends = [Send(at, site, id_, 1) for at, id_ in ((0, "a"), (5, "v")) for site in ("3", "4")]
    seen = run(tree, [audio, VIDEO], sends)
    assert stopped(seen, Fate.REFUSED_PORT) == [(4, "4v0", 6)]
    assert count(seen, 4, StreamCount.LOST_PORT, 1) == 1
    assert count(seen, 4, StreamCount.ENDED, 0) == 1


def test_a_speaker_takes_a_port_at_the_root_too_and_is_lost_to_all_without() -> None:
    tree = scenario(DEEP, ports={"0": 2})
    sends = [Send(0, "3", "v", 1), Send(0, "4", "v", 1), Send(5, "5", "f", 1)]
    seen = run(tree, [FLOOR, VIDEO], sends, agenda=[Turn(at_ns=5, until_ns=6, site="5")])
    assert stopped(seen, Fate.REFUSED_PORT) == [(1, "5f0", 7)]
    assert seen.tally.floor_lost[5, LossCause.PORT].tolist() == [1, 0, 0, 0]
    assert not seen.tally.room.any()


def test_what_is_stopped_below_takes_no_port_above() -> None:
    """Relay 2 refuses 4 and composes 3's, so that 5 finds the one port of relay 1 free."""
    tree = scenario(DEEP, transcoding_ns={"2": 0}, ports={"1": 1, "2": 1})
    seen = run(tree, [VIDEO], [Send(0, site, "v", 1) for site in ("3", "4", "5")])
    assert count(seen, 3, StreamCount.COMPOSED) == 1
    assert count(seen, 4, StreamCount.LOST_PORT) == 1
    assert count(seen, 5, StreamCount.ENDED) == 1


def test_a_refused_origin_takes_no_place_among_the_chosen() -> None:
    """All three would come to relay 1; it has ports for 3 and 4, and 5 has the floor in vain."""
    tree = scenario(DEEP, select={"1": 1}, ports={"1": 2})
    sends = [Send(3, site, "v", 1) for site in ("3", "4")]
    seen = run(
        tree, [VIDEO], [*sends, Send(9, "5", "v", 1)], agenda=[Turn(at_ns=0, until_ns=1, site="5")]
    )
    assert count(seen, 3, StreamCount.ENDED) == 1
    assert count(seen, 4, StreamCount.UNSELECTED) == 1
    assert count(seen, 5, StreamCount.LOST_PORT) == 1


@pytest.mark.parametrize("gate", ["select", "ports", "transcoding_ns"])
def test_a_dead_relay_stops_nothing_it_loses(gate: str) -> None:
    """It is dead from 1 to 11, when the first packets of all three reach it."""
    tree = scenario(DEEP, **{gate: {"1": 1}})  # type: ignore[arg-type]
    sends = [Send(at_ns, site, "v", 1) for at_ns in (0, 10) for site in ("3", "4", "5")]
    edits = [FailRelay(at_ns=1, target=1), RestoreRelay(at_ns=11, target=1)]
    seen = run(tree, [VIDEO], sends, edits)
    assert [count(seen, site, StreamCount.LOST_OUTAGE) for site in (3, 4, 5)] == [1, 1, 1]
    losses = {"select": Fate.UNSELECTED, "ports": Fate.REFUSED_PORT}
    fate = losses.get(gate, Fate.COMPOSED)
    assert all(at_ns > 10 for _, _, at_ns in stopped(seen, fate))
    assert len(stopped(seen, fate)) == (3 if gate == "transcoding_ns" else 2)
