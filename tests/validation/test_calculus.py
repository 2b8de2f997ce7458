"""The sandwich: what is simulated is never above the bound of network calculus, and often near it.

`tests/validation/calculus` calculates the bounds from what the sources send; it shares no code with
the engines. docs/validation.md shows the shipped province.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sim.dataplane.engine import Engine
from sim.dataplane.packet import PacketEngine
from sim.dataplane.reference.engine import ReferenceEngine
from sim.network.tree import build_network
from sim.scenario.model import Background, Scenario
from tests.equality.rehearsal import Rehearsal, play
from tests.equality.strategies import rehearsals
from tests.validation.calculus.curves import (
    SHARES,
    Arrivals,
    Peak,
    backlog_bound_ns,
    delay_bounds_ns,
    least_burst,
)
from tests.validation.calculus.page import PICTURE, fingerprint
from tests.validation.calculus.sandwich import (
    MEETINGS,
    Compared,
    compared,
    sent_in,
    shipped,
)
from tests.validation.report import PAGE, PICTURES, replaced

EVERY_HOUR = (1.0,) * 24


def arrivals(*packets: tuple[int, int, int], precedence: int = 0) -> Arrivals:
    """Return packets given as (earliest, latest, work)."""
    earliest, latest, work = np.array(packets, dtype=np.int64).reshape(-1, 3).T
    return Arrivals(
        earliest_ns=earliest,
        latest_ns=latest,
        work_ns=work,
        precedence=np.full(len(packets), precedence, dtype=np.int64),
    )


windows = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 9), st.integers(1, 5)), min_size=1, max_size=9
)


@given(windows=windows, share=st.integers(0, SHARES))
def test_the_least_burst_is_the_least(windows, share):
    """By trying all pairs of instants."""
    packets = [(early, early + width, work) for early, width, work in windows]
    ends = range(31)
    worst = max(
        SHARES * sum(work for early, late, work in packets if early <= t and late >= s)
        - share * (t - s)
        for s in ends
        for t in ends
        if s <= t
    )
    assert least_burst(arrivals(*packets), share=share) == worst


def test_bounds_by_hand():
    """Three packets of 4 ns at 0, 1 and 10: the second waits for 3 ns of the first."""
    three = arrivals((0, 0, 4), (1, 1, 4), (10, 10, 4))
    assert backlog_bound_ns(three) == 7
    # Any of them may be late by 5: then all but a ns of them may come together.
    late = arrivals((0, 5, 4), (1, 6, 4), (10, 15, 4))
    assert backlog_bound_ns(late) == 8
    # From one line that took 8 ns for each, a line that takes 4 never holds two.
    assert backlog_bound_ns(late, Peak.of(late.work_ns, np.array([8, 8, 8]))) == 4
    # A packet of 9 ns of the lower class has begun, and three of the higher class come.
    both = Arrivals(
        earliest_ns=np.array([0, 1, 1, 1]),
        latest_ns=np.array([0, 1, 1, 1]),
        work_ns=np.array([9, 2, 2, 2]),
        precedence=np.array([1, 0, 0, 0]),
    )
    assert delay_bounds_ns(both, priority=True) == {0: 15, 1: 15}
    assert delay_bounds_ns(both, priority=False) == {0: 14, 1: 14}


def calm(scenario: Scenario) -> Scenario:
    """Return a meeting whose rates stand still, and whose others are no random packets."""

    def kept(others: Background | None) -> Background | None:
        if others is None or others.kind != "steady":
            return None
        return replace(others, profile=EVERY_HOUR)

    def quiet(port):
        return replace(port, background=kept(port.background))

    return replace(
        scenario,
        lines=tuple(
            replace(line, down=quiet(line.down), up=quiet(line.up)) for line in scenario.lines
        ),
        relays=tuple(
            replace(relay, egresses=tuple(quiet(egress) for egress in relay.egresses))
            for relay in scenario.relays
        ),
    )


def rows_of(rehearsal: Rehearsal, *, reference: bool) -> list[Compared]:
    """Play a rehearsal without its edits, and return all transmitters."""
    rehearsal = replace(rehearsal, scenario=calm(rehearsal.scenario), edits=())
    network = build_network(rehearsal.scenario)
    kind = ReferenceEngine if reference else PacketEngine
    engine: Engine = kind(rehearsal.scenario, network)
    for _ in play(rehearsal, engine):
        pass
    sent = sent_in(network, rehearsal.packets_in(0, rehearsal.scenario.duration_ns))
    return compared(rehearsal.scenario, network, engine, sent)


def test_no_transmitter_does_worse_than_its_bound():
    """On random small meetings, of either engine; and the bounds are not idle."""
    met: Counter[str] = Counter()

    @settings(max_examples=max(settings().max_examples, 200))
    @given(rehearsal=rehearsals(), reference=st.booleans())
    def search(rehearsal, reference):
        for row in rows_of(rehearsal, reference=reference):
            bound = row.bound
            assert row.backlog_ns <= bound.backlog_ns, row
            assert row.delay_ns is None or row.delay_ns <= bound.delay_ns, row
            if bound.backlog_ns <= bound.full_ns:
                assert not row.lost, row
            met["queued"] += row.backlog_ns > 1
            met["backlog as bounded"] += row.backlog_ns == bound.backlog_ns > 1
            met["delay as bounded"] += row.delay_ns == bound.delay_ns and bound.delay_ns > 1
            met["must fit"] += 0 < bound.backlog_ns <= bound.full_ns
            met["lost"] += row.lost > 0

    search()
    assert all(met[name] > 20 for name in met), met
    assert met["backlog as bounded"] > met["queued"] / 10, met


@pytest.mark.parametrize("name", MEETINGS)
def test_shipped_meetings_are_within_their_bounds(name):
    rows = shipped(name)
    assert len(rows) > 100
    for row in rows:
        assert row.backlog_ns <= row.bound.backlog_ns, row
        assert row.delay_ns is None or row.delay_ns <= row.bound.delay_ns, row
        assert not (row.lost and row.bound.backlog_ns <= row.bound.full_ns), row
    assert any(row.lost for row in rows), "no line is too thin for its bursts"


def test_the_page_shows_what_is_simulated():
    """If not: `python -m tests.validation.report`, and read what it changed."""
    page = PAGE.read_text(encoding="utf-8")
    assert replaced(page, "calculus") == page
    with Image.open(PICTURES / PICTURE) as stored:
        assert stored.text["Description"] == fingerprint()


@pytest.mark.parametrize("name", MEETINGS)
def test_two_percent_more_would_be_noticed(name):
    """A transmitter that kept its packets 2 % longer would be above its bound somewhere."""
    assert any(1.02 * row.backlog_ns > row.bound.backlog_ns for row in shipped(name))
