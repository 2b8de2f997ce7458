"""Why rooms were dark: exact to the nanosecond, and equal to a plain reading of the journal."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from sim.control.journal import Entry, Event
from sim.control.plane import ControlPlane
from sim.metrics.dark_causes import CAUSES, DarkCause, ResidualError, explain
from sim.metrics.measures import DarkIntervals
from sim.network.tree import build_network
from sim.simulation import simulate
from tests.control.test_failing_over import BFD, EDITS, FRAME_NS, SILENCE
from tests.control.test_failover_properties import END_NS, MS, scenarios
from tests.results.conftest import nobody_joins
from tests.results.dull_causes import dull_causes
from tests.scenario.files import small

S = 10**9


def measured(network, dark, *, travel_ns):
    """Return as much of measures as explaining needs."""
    site = np.flatnonzero(network.room)
    delays = SimpleNamespace(max_ns=np.full(site.size, float(travel_ns)))
    return SimpleNamespace(dark=dark, endpoints=SimpleNamespace(site=site, delays=delays))


def intervals(*rows):
    site, from_ns, until_ns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return DarkIntervals(site=site, from_ns=from_ns, until_ns=until_ns)


def journal_of(scenario, network):
    plane = ControlPlane(scenario, network)
    plane.run_until(scenario.duration_ns)
    return plane.journal.entries


@given(data=st.data(), scenario=scenarios())
def test_any_interval_is_explained_as_a_plain_reading_does(data, scenario):
    scenario = replace(scenario, dark_after_ns=data.draw(st.sampled_from([1, 12, 50])) * MS)
    network = build_network(scenario)
    journal = journal_of(scenario, network)
    room = data.draw(st.sampled_from(np.flatnonzero(network.room).tolist()))
    dates = sorted({0, END_NS, *(e.at_ns for e in journal), *(e.at_ns - MS for e in journal)})
    dates = [at_ns for at_ns in dates if 0 <= at_ns <= END_NS]
    pair = st.lists(st.sampled_from(dates), min_size=2, max_size=2, unique=True)
    from_ns, until_ns = sorted(data.draw(pair))
    joined = data.draw(st.booleans())
    joins = nobody_joins(network)
    if joined:
        here = np.arange(len(network.sites)) == room
        times_ns = np.where(here, from_ns, joins.joined_ns)
        joins = replace(joins, called_ns=np.where(here, 0, -1), joined_ns=times_ns)
    dark = intervals((room, from_ns, until_ns))
    # Packets that may have travelled for ever contradict nothing but what was never up.
    measures = measured(network, dark, travel_ns=END_NS)
    try:
        found = explain(scenario, network, measures, journal, joins)
    except ResidualError:
        event("contradicts")
        return
    spent = {str(cause): ns for cause, ns in zip(CAUSES, found.spent_ns[0].tolist(), strict=True)}
    expected = dull_causes(scenario, network, journal, room, from_ns, until_ns, joined=joined)
    assert {cause: ns for cause, ns in spent.items() if ns} == expected
    assert found.spent_ns.sum() == until_ns - from_ns
    for cause in expected:
        event(cause)


def spent_ms(scenario, room):
    results = simulate(scenario, engine="reference")
    row = results.darkness.dark.site.tolist().index(results.network.index[room])
    causes = [str(piece.cause) for piece in results.darkness.pieces[row]]
    spent = results.darkness.spent_ns[row]
    dark = results.darkness.dark
    assert spent.sum() == dark.until_ns[row] - dark.from_ns[row]
    assert np.array_equal(
        dark.total_ns(len(results.network.sites))[results.measures.endpoints.site],
        results.measures.endpoints.dark_ns,
    )
    return causes, dict(zip(CAUSES, (spent / MS).tolist(), strict=True))


FAILED = "events: [{at: 3 s, fail: relay/79, for: 3 s}]\n"
ALONE = BFD.splitlines()[0] + "\n"
GREY = "events: [{at: 3 s, grey: relay/79, passes: none, for: 4 s}]\n"


def test_a_hold_down_is_holding():
    held = BFD.replace("{commune: {}}", "{commune: {hold_down: 500 ms}}")
    causes, spent = spent_ms(small(*EDITS, append=held + FAILED), "26734")
    assert causes == ["detecting", "holding", "signalling", "key_frame"]
    assert spent[DarkCause.HOLDING] == 500
    assert spent[DarkCause.DETECTING] == pytest.approx(1800, abs=S / 5 / MS)


def test_who_has_no_backup_waits_for_the_repair():
    causes, spent = spent_ms(small(*EDITS[1:], append=ALONE + FAILED), "26734")
    assert causes == ["detecting", "no_backup", "key_frame"]
    whole = spent[DarkCause.DETECTING] + spent[DarkCause.NO_BACKUP]
    assert whole == pytest.approx(3000, abs=2 * FRAME_NS / MS)


def test_what_nobody_watches_is_unwatched_and_a_standby_is_not():
    assert spent_ms(small(*EDITS, append=FAILED), "26734")[0] == ["unwatched", "key_frame"]
    standby = ("province: {processing: 2 ms,", "province: {standby: {vrrp: {}}, processing: 2 ms,")
    lasting = FAILED.replace(", for: 3 s", "")
    causes, _ = spent_ms(small(*EDITS, standby, append=lasting), "26734")
    assert causes == ["detecting", "key_frame"]


def test_a_grey_relay_is_unwatched_unless_somebody_listens():
    assert spent_ms(small(*EDITS, append=BFD + GREY), "26734")[0] == ["unwatched", "key_frame"]
    causes, spent = spent_ms(small(*EDITS, append=SILENCE + GREY), "26734")
    assert causes == ["detecting", "signalling", "key_frame"]
    assert spent[DarkCause.DETECTING] == pytest.approx(2000, abs=2 * FRAME_NS / MS)


def test_what_is_asked_in_vain_is_refused():
    scenario = small(*EDITS, append=BFD + FAILED)
    network = build_network(scenario)
    room = network.index["26734"]
    backup = network.lines_of(room)[1]
    journal = [
        Entry(at_ns=3 * S, event=Event.FAULT, fault=0),
        *(
            Entry(at_ns=3 * S + ms * MS, event=done, site=room, line=backup, fault=0)
            for ms, done in (
                (100, Event.NOTICED),
                (100, Event.ASKED),
                (250, Event.REFUSED),
                (250, Event.NO_BACKUP),
                (600, Event.ASKED),
                (640, Event.MOVED),
            )
        ),
        Entry(at_ns=6 * S, event=Event.REPAIR, fault=0),
    ]
    dark = intervals((room, 3 * S - 20 * MS, 3 * S + 700 * MS))
    found = explain(
        scenario, network, measured(network, dark, travel_ns=MS), journal, nobody_joins(network)
    )
    assert found.fault.tolist() == [0]
    assert [(piece.cause, piece.until_ns // MS - 3000) for piece in found.pieces[0]] == [
        (DarkCause.DETECTING, 100),
        (DarkCause.REFUSED, 600),
        (DarkCause.SIGNALLING, 640),
        (DarkCause.KEY_FRAME, 700),
    ]


def test_a_packet_by_a_way_that_was_cut_is_an_error():
    scenario = small(*EDITS[1:], append=FAILED)
    network = build_network(scenario)
    journal, joins = journal_of(scenario, network), nobody_joins(network)
    room = network.index["26734"]
    travel_ns = 100 * MS

    def dark(from_ns, until_ns):
        measures = measured(network, intervals((room, from_ns, until_ns)), travel_ns=travel_ns)
        return explain(scenario, network, measures, journal, joins)

    assert dark(3 * S + 99 * MS, 6 * S).pieces[0][0].cause is DarkCause.UNWATCHED
    with pytest.raises(ResidualError, match="26734: its last packet came at 3100000000 ns, but"):
        dark(3 * S + 100 * MS, 6 * S)
    with pytest.raises(ResidualError, match="it was lit at 5999999999 ns, but 26734 was cut off"):
        dark(3 * S, 6 * S - 1)
    left_ns = np.where(np.arange(len(network.sites)) == room, 5 * S, -1)
    joins = replace(joins, left_ns=left_ns)
    with pytest.raises(ResidualError, match="took part from 0 to 5000000000 ns"):
        dark(3 * S, 6 * S)


def test_nothing_down_is_loss_and_after_joining_the_first_picture():
    scenario = small(*EDITS[1:])
    network = build_network(scenario)
    room = network.index["26734"]
    measures = measured(network, intervals((room, S, 3 * S)), travel_ns=MS)
    joins = nobody_joins(network)
    (piece,) = explain(scenario, network, measures, [], joins).pieces[0]
    assert (piece.until_ns, piece.cause, piece.fault) == (3 * S, DarkCause.LOSS, -1)
    here = np.arange(len(network.sites)) == room
    called = np.where(here, 0, -1)
    joined = replace(joins, called_ns=called, joined_ns=np.where(here, S, joins.joined_ns))
    (piece,) = explain(scenario, network, measures, [], joined).pieces[0]
    assert piece.cause is DarkCause.JOINING
