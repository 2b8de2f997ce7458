"""Both engines are equal, packet for packet, on random small meetings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import grouping
from sim.dataplane import histograms
from sim.dataplane.edit import JoinRoom, LeaveRoom, UseLine
from sim.dataplane.engine import Engine
from sim.dataplane.histograms import MOST_SITES
from sim.dataplane.packet import PacketEngine
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.engine import ReferenceEngine
from sim.grouping import MOST_GROUPS, MOST_ROOMS
from sim.network.tree import build_network
from tests.equality.conservation import assert_balanced, assert_conserved
from tests.equality.movings import moving_rehearsals
from tests.equality.rehearsal import Cuts, Rehearsal, assert_same_run, assert_same_tally, play
from tests.equality.strategies import calm_rehearsals, cuttings, rehearsals

FEWEST_EXAMPLES = 600  # of fewer, some encounter stays away now and then
FEWEST_MOVING = 250
# Histograms for each site; for groups by tier and branch, and by tier, in rows of a few sites.
MOVING = {
    Encounter.JOINED,
    Encounter.ABSENT_SOURCE,
    Encounter.ABSENT_BESIDE_RELAY,
    Encounter.UNSERVED_BETWEEN,
    Encounter.COPY_FOR_NOBODY,
    Encounter.MOVED,
    Encounter.LINE_NOT_IN_USE,
    Encounter.CAME_AGAIN,
    Encounter.NOT_PASSED_ON,
}  # only where rooms join and sites use other lines
LIMITS = ((MOST_ROOMS, MOST_GROUPS, MOST_SITES), (0, MOST_GROUPS, 2), (0, 0, MOST_SITES))


@contextmanager
def limits(rooms: int, groups: int, sites: int) -> Iterator[None]:
    """Let more than so many rooms share histograms."""
    with (
        patch.object(grouping, "MOST_ROOMS", rooms),
        patch.object(grouping, "MOST_GROUPS", groups),
        patch.object(histograms, "MOST_SITES", sites),
    ):
        yield


def play_both(rehearsal: Rehearsal, cuts: Cuts, *, threads: int) -> tuple[Engine, ReferenceEngine]:
    """Play a rehearsal on both engines; fail where they differ after any span or at the end."""
    network = build_network(rehearsal.scenario)
    everywhere = frozenset(range(len(network.sites)))
    packet = PacketEngine(rehearsal.scenario, network, threads=threads, watch=everywhere)
    # What is watched is replayed line by line; what nobody watches may go abreast.
    unwatched = PacketEngine(rehearsal.scenario, network, threads=threads)
    reference = ReferenceEngine(rehearsal.scenario, network, watch=everywhere)
    engines = (reference, packet, unwatched)
    for end_ns, *_ in zip(*(play(rehearsal, engine, cuts) for engine in engines), strict=True):
        for name, engine in (("watched", packet), ("unwatched", unwatched)):
            when = f"{name}, at {end_ns} ns, cuts {cuts}"
            assert_same_tally(reference.tally, engine.tally, when)
            assert reference.pending() == engine.pending(), f"pending {when}"
            np.testing.assert_array_equal(reference.dark(), engine.dark(), err_msg=f"dark {when}")
    assert_same_run(rehearsal, (reference, cuts), (packet, cuts), f"at the end, cuts {cuts}")
    moving = any(isinstance(edit, UseLine | JoinRoom | LeaveRoom) for edit in rehearsal.edits)
    if moving or network.backups:
        assert_balanced(network, reference)
    else:
        assert_conserved(rehearsal, network, reference, cuts)
    return packet, reference


def play_packet(rehearsal: Rehearsal, cuts: Cuts, *, threads: int) -> Engine:
    """Play a rehearsal to its end on the packet engine, watching every site."""
    network = build_network(rehearsal.scenario)
    everywhere = frozenset(range(len(network.sites)))
    engine = PacketEngine(rehearsal.scenario, network, threads=threads, watch=everywhere)
    for _ in play(rehearsal, engine, cuts):
        pass
    return engine


def test_engines_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """Equal after every span, for any cutting and any number of threads; and nothing was missed.

    The search has to meet every rare encounter, or equality would say little.
    """
    met: Counter[Encounter] = Counter()

    @settings(max_examples=max(settings().max_examples, FEWEST_EXAMPLES))
    @given(data=st.data(), rehearsal=rehearsals())
    def agree(data: st.DataObject, rehearsal: Rehearsal) -> None:
        cuts = data.draw(cuttings(rehearsal.scenario.duration_ns), label="cuts")
        others = data.draw(cuttings(rehearsal.scenario.duration_ns), label="other cuts")
        with limits(*data.draw(st.sampled_from(LIMITS), label="rooms, groups, sites in a row")):
            packet, reference = play_both(rehearsal, cuts, threads=1)
            for again, threads in ((others, 2), (cuts, 4)):
                other = play_packet(rehearsal, again, threads=threads)
                when = f"at the end, cuts {again}, {threads} threads"
                assert_same_run(rehearsal, (packet, cuts), (other, again), when)
        met.update(reference.encounters)

    agree()
    with capsys.disabled():
        print("\nencounters of the engines' comparison:")
        for encounter in Encounter:
            print(f"{met[encounter]:8,d}  {encounter.value}")
    never = [encounter.value for encounter in set(Encounter) - MOVING if not met[encounter]]
    assert not never, f"no example met: {'; '.join(never)}"


def test_engines_agree_while_sites_move(capsys: pytest.CaptureFixture[str]) -> None:
    """Equal while rooms join and leave, sites use other lines, and relays pass on little."""
    met: Counter[Encounter] = Counter()

    @settings(max_examples=max(settings().max_examples, FEWEST_MOVING))
    @given(data=st.data(), rehearsal=moving_rehearsals())
    def agree(data: st.DataObject, rehearsal: Rehearsal) -> None:
        cuts = data.draw(cuttings(rehearsal.scenario.duration_ns), label="cuts")
        with limits(*data.draw(st.sampled_from(LIMITS), label="rooms, groups, sites in a row")):
            packet, reference = play_both(rehearsal, cuts, threads=1)
            other = play_packet(rehearsal, cuts, threads=4)
            when = f"at the end, cuts {cuts}, 4 threads"
            assert_same_run(rehearsal, (packet, cuts), (other, cuts), when)
        met.update(reference.encounters)

    agree()
    with capsys.disabled():
        print("\nencounters while sites move:")
        for encounter in sorted(MOVING):
            print(f"{met[encounter]:8,d}  {encounter.value}")
    never = [encounter.value for encounter in MOVING if not met[encounter]]
    assert not never, f"no example met: {'; '.join(never)}"


def test_lines_abreast_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines replayed eight at a time are equal to the reference, after every span.

    Nobody watches them, and most have neither policer nor background nor edits.
    """
    met: Counter[str] = Counter()

    @settings(max_examples=max(settings().max_examples, FEWEST_EXAMPLES))
    @given(data=st.data(), rehearsal=calm_rehearsals())
    def agree(data: st.DataObject, rehearsal: Rehearsal) -> None:
        cuts = data.draw(cuttings(rehearsal.scenario.duration_ns), label="cuts")
        network = build_network(rehearsal.scenario)
        packet = PacketEngine(
            rehearsal.scenario, network, threads=data.draw(st.sampled_from([1, 2]))
        )
        reference = ReferenceEngine(rehearsal.scenario, network)
        engines = (reference, packet)
        for end_ns, _ in zip(*(play(rehearsal, engine, cuts) for engine in engines), strict=True):
            when = f"at {end_ns} ns, cuts {cuts}"
            assert_same_tally(reference.tally, packet.tally, when)
            assert reference.pending() == packet.pending(), f"pending {when}"
            np.testing.assert_array_equal(reference.dark(), packet.dark(), err_msg=f"dark {when}")
        met.update(packet.met_abreast())

    agree()
    with capsys.disabled():
        print(f"\nlines abreast: {dict(met)}")
    never = [name for name, count in met.items() if not count]
    assert not never, f"no example met: {'; '.join(never)}"
