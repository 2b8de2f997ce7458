"""Nothing is lost without a cause: the sums that must hold once a run has drained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.engine import Engine
from sim.dataplane.tally import (
    EgressCount,
    Fate,
    Histogram,
    LineCount,
    LossCause,
    RoomCount,
    StreamCount,
    Tally,
)
from sim.network.tree import Network
from sim.scenario.model import PARENT, Stream
from tests.equality.rehearsal import Cuts, Name, Rehearsal, rows

HOP_FATES = frozenset(Fate(fate) for fate in range(Fate.ARRIVED, Fate.LINE_LOSS + 1))
END_FATES = frozenset({Fate.ENDED, Fate.ENDED_OUTAGE})
STOP_FATES = frozenset({Fate.REFUSED_PORT, Fate.UNSELECTED, Fate.COMPOSED})
ROOM_FATES = frozenset({Fate.ROOM_RECEIVED, Fate.ROOM_OUTAGE, Fate.ROOM_DEAD})
LOST_ON_LINE = (
    LineCount.LOST_OUTAGE,
    LineCount.LOST_POLICER,
    LineCount.LOST_QUEUE,
    LineCount.LOST_LINE,
)
LOST_BY_SOURCE = {
    LossCause.OUTAGE: StreamCount.LOST_OUTAGE,
    LossCause.POLICER: StreamCount.LOST_POLICER,
    LossCause.QUEUE: StreamCount.LOST_QUEUE,
    LossCause.LINE: StreamCount.LOST_LINE,
    LossCause.ENDPOINT: StreamCount.LOST_ENDPOINT,
    LossCause.PORT: StreamCount.LOST_PORT,
}

Fates = dict[int, list[tuple[Name, Fate]]]  # by hop


def assert_conserved(
    rehearsal: Rehearsal, network: Network, engine: Engine, cuts: Cuts = ()
) -> None:
    """Fail unless every packet of a drained run has exactly one fate wherever it was due.

    All sites must have been watched; `cuts` is where time was cut.
    """
    assert engine.pending() == 0
    fates: Fates = {hop: [] for hop in range(network.kind.size)}
    for hop, packet, fate, _ in rows(engine, rehearsal.names(cuts)):
        fates[hop].append((packet, Fate(fate)))
    sent = rehearsal.names()
    ended = _assert_one_fate_each_on_the_way_up(rehearsal, network, fates, sent)
    reached = _assert_one_fate_each_on_the_way_down(rehearsal, network, fates, sent, ended)
    _assert_lines(network, engine.tally, fates)
    _assert_egresses(network, engine.tally, reached)
    _assert_sources(rehearsal, network, engine.tally, sent)
    _assert_rooms(rehearsal, network, engine.tally)


def assert_balanced(network: Network, engine: Engine) -> None:
    """Fail unless every place of a drained run balances, whoever used which line."""
    assert engine.pending() == 0
    tally = engine.tally
    line, room = tally.line, tally.room
    assert (
        line[:, LineCount.OFFERED] == line[:, [LineCount.DELIVERED, *LOST_ON_LINE]].sum(axis=1)
    ).all()
    # The servers of a pool may feed the same lines, so relays are looked at as a whole.
    n = len(network.sites)
    downs = np.array([network.down(line) for line in range(network.line_site.size)])
    columns = [LineCount.OFFERED, LineCount.COPY_LOST_OUTAGE, LineCount.COPY_LOST_QUEUE]
    told = np.zeros((n, len(columns)), dtype=np.int64)
    np.add.at(told, network.line_parent[1:], line[downs[1:]][:, columns])
    counted = np.zeros((n, 3), dtype=np.int64)
    columns = [EgressCount.OFFERED, EgressCount.LOST_OUTAGE, EgressCount.LOST_QUEUE]
    np.add.at(counted, network.egress_site, tally.egress[:, columns])
    np.testing.assert_array_equal(told[:, 1:], counted[:, 1:])
    np.testing.assert_array_equal(told.sum(axis=1), counted[:, 0])
    came = np.zeros(n, dtype=np.int64)
    np.add.at(came, network.line_site, line[downs, LineCount.DELIVERED])
    leaves = ~network.relay & network.room
    fates = [
        RoomCount.RECEIVED,
        RoomCount.LOST_OUTAGE,
        RoomCount.LOST_ENDPOINT,
        RoomCount.DUPLICATES,
        RoomCount.ABSENT,
    ]
    np.testing.assert_array_equal(came[leaves], room[leaves][:, fates].sum(axis=1))
    up = tally.stream[:, :, StreamCount.ENDED] + tally.stream[
        :, :, list(LOST_BY_SOURCE.values())
    ].sum(axis=2)
    assert (up <= tally.stream[:, :, StreamCount.SENT]).all()


def way_up_ends(network: Network, stream: Stream, origin: int) -> int:
    """Return the site where the way up of the origin's packets ends; -1 of a `down` stream."""
    if stream.direction == "down":
        return -1
    if stream.direction == "floor":
        return 0
    above = [*network.path(origin)[::-1][1:], 0]
    if stream.to == PARENT:
        return above[0]
    highest = network.tiers.index(stream.to)
    return next(site for site in above if network.tier[site] <= highest)


def _assert_one_fate_each_on_the_way_up(
    rehearsal: Rehearsal, network: Network, fates: Fates, sent: Iterable[Name]
) -> set[Name]:
    """Follow the packets from hop to hop, the lowest sites first; return those that ended."""
    n, streams = len(network.sites), rehearsal.scenario.streams
    ended: set[Name] = set()
    due: dict[int, list[Name]] = {site: [] for site in range(n)}
    ending: dict[int, list[Name]] = {site: [] for site in range(n)}
    for packet in sent:
        end = way_up_ends(network, streams[packet.stream], packet.origin)
        if end >= 0:
            (ending if end == packet.origin else due)[packet.origin].append(packet)
    for site in range(n - 1, -1, -1):
        here = fates[n + site]
        dead = [packet for packet, fate in here if fate == Fate.ROOM_DEAD]
        assert all(packet.origin == site and network.room[site] for packet in dead)
        assert not any(streams[packet.stream].composite for packet in dead)
        going = [packet for packet, fate in here if fate in HOP_FATES]
        stopped = {packet: fate for packet, fate in here if fate in STOP_FATES}
        for packet in (packet for packet, fate in here if fate == Fate.ARRIVED):
            end = way_up_ends(network, streams[packet.stream], packet.origin)
            above = int(network.parent[site])
            if packet in stopped:
                _assert_may_stop(network, streams[packet.stream], above, end, stopped[packet])
            elif end == above:
                ending[site].append(packet)
            else:
                due[above].append(packet)
        over = [packet for packet, fate in here if fate in END_FATES]
        alive = Counter(dead)
        assert Counter(going) == Counter(due[site]) - alive
        assert Counter(over) == Counter(ending[site]) - alive
        assert alive <= Counter(due[site] + ending[site])
        assert len(here) == len(dead) + len(going) + len(over) + len(stopped)
        ended |= {packet for packet, fate in here if fate == Fate.ENDED}
        assert all(
            streams[packet.stream].direction == "up"
            for packet, fate in here
            if fate == Fate.ENDED_OUTAGE
        )
    return ended


def _assert_may_stop(network: Network, stream: Stream, relay: int, end: int, fate: Fate) -> None:
    """Fail unless the relay can have a reason to stop a packet of the stream."""
    if fate == Fate.REFUSED_PORT:
        assert network.ports[relay] > 0
        return
    assert stream.direction == "up"
    assert end != relay, "what ends here is not stopped"
    assert network.composes[relay] == (fate == Fate.COMPOSED)
    assert fate == Fate.COMPOSED or network.select[relay] > 0


def _assert_one_fate_each_on_the_way_down(
    rehearsal: Rehearsal, network: Network, fates: Fates, sent: Iterable[Name], ended: set[Name]
) -> list[list[Name]]:
    """Follow the packets from the top down; return those that reached each site."""
    streams = rehearsal.scenario.streams
    reached: list[list[Name]] = []
    for site in range(len(network.sites)):
        here = fates[site]
        if site == 0:
            come = [name for name in ended if streams[name.stream].direction == "floor"]
            assert not [fate for _, fate in here if fate in HOP_FATES]
        else:
            leaf = not network.relay[site]
            due = [
                packet
                for packet in reached[int(network.parent[site])]
                if not (leaf and packet.origin == site)
            ]
            assert Counter(p for p, fate in here if fate in HOP_FATES) == Counter(due)
            come = [packet for packet, fate in here if fate == Fate.ARRIVED]
        shown = [packet for packet, fate in here if fate in ROOM_FATES]
        fed = [packet for packet in come if packet.origin != site]
        assert Counter(shown) == Counter(fed if network.room[site] else ())
        assert not [fate for _, fate in here if fate in END_FATES]
        own = [
            packet
            for packet in sent
            if packet.origin == site and streams[packet.stream].direction == "down"
        ]
        reached.append(come + own)
    return reached


def _assert_lines(network: Network, tally: Tally, fates: Fates) -> None:
    """Fail unless each direction's counts say what its fates do."""
    for hop, here in fates.items():
        count = tally.line[hop]
        fate = Counter(fate for _, fate in here)
        assert count[LineCount.DELIVERED] == fate[Fate.ARRIVED]
        assert [count[column] for column in LOST_ON_LINE] == [
            fate[Fate.LINE_OUTAGE],
            fate[Fate.LINE_POLICER],
            fate[Fate.LINE_QUEUE],
            fate[Fate.LINE_LOSS],
        ]
        assert count[LineCount.OFFERED] == count[[LineCount.DELIVERED, *LOST_ON_LINE]].sum()
        assert count[LineCount.REFUSED] <= count[LineCount.LOST_OUTAGE]
        assert count[LineCount.COPY_LOST_OUTAGE] == fate[Fate.EGRESS_OUTAGE]
        assert count[LineCount.COPY_LOST_QUEUE] == fate[Fate.EGRESS_QUEUE]
        assert count[LineCount.BACKGROUND_SENT] <= count[LineCount.BACKGROUND_OFFERED]
    n = len(tally.line) // 2
    delivered = tally.line[:, LineCount.DELIVERED]
    ways = np.split(tally.line_delay, 2)
    _assert_delays(network, ways[0], delivered[:n])
    _assert_delays(network, ways[1], delivered[n:])
    assert not tally.line[[0, n]].any(), "the root has no line"
    assert not tally.line[n:, LineCount.COPY_LOST_QUEUE].any(), "an up line has no egress"


def _assert_egresses(network: Network, tally: Tally, reached: list[list[Name]]) -> None:
    """Fail unless each egress got, withheld and passed on what its relay's packets ask for."""
    for number, site in enumerate(network.egress_site.tolist()):
        children = network.children[network.child_first[number] : network.child_first[number + 1]]
        leaves = set(children[~network.relay[children]].tolist())
        count = tally.egress[number]
        assert count[EgressCount.WITHHELD] == sum(name.origin in leaves for name in reached[site])
        assert (
            count[EgressCount.OFFERED] + count[EgressCount.WITHHELD]
            == len(reached[site]) * children.size
        )
        below = tally.line[children].sum(axis=0)
        assert count[EgressCount.LOST_OUTAGE] == below[LineCount.COPY_LOST_OUTAGE]
        assert count[EgressCount.LOST_QUEUE] == below[LineCount.COPY_LOST_QUEUE]
        assert (
            count[EgressCount.OFFERED]
            == count[[EgressCount.LOST_OUTAGE, EgressCount.LOST_QUEUE]].sum()
            + below[LineCount.OFFERED]
        )
        assert count[EgressCount.BACKGROUND_SENT] <= count[EgressCount.BACKGROUND_OFFERED]


def _assert_sources(
    rehearsal: Rehearsal, network: Network, tally: Tally, sent: Iterable[Name]
) -> None:
    """Fail unless each source's packets ended or were lost once, and the floor's by tier too."""
    expected = np.zeros_like(tally.stream[:, :, StreamCount.SENT])
    for packet in sent:
        expected[packet.origin, packet.stream] += 1
    np.testing.assert_array_equal(tally.stream[:, :, StreamCount.SENT], expected)
    lost = tally.stream[:, :, list(LOST_BY_SOURCE.values())]
    ended = tally.stream[:, :, StreamCount.ENDED]
    directions = np.array([stream.direction for stream in rehearsal.scenario.streams])
    down, up, floor = (np.flatnonzero(directions == each) for each in ("down", "up", "floor"))
    goes_up = np.concatenate([up, floor])
    no_loss = tally.stream[:, :, [StreamCount.UNSELECTED, StreamCount.COMPOSED]]
    np.testing.assert_array_equal(
        expected[:, goes_up],
        ended[:, goes_up] + lost[:, goes_up].sum(axis=2) + no_loss[:, goes_up].sum(axis=2),
    )
    assert not no_loss[:, np.concatenate([down, floor])].any()
    assert not ended[:, down].any()
    assert not lost[:, down].any()
    np.testing.assert_array_equal(tally.stream[:, up, StreamCount.RECEIVED], ended[:, up])
    _assert_delays(network, tally.up_delay, ended[:, up].sum(axis=1))
    np.testing.assert_array_equal(
        tally.floor_lost[:, list(LOST_BY_SOURCE)].sum(axis=2), lost[:, floor].sum(axis=1)
    )


def _assert_rooms(rehearsal: Rehearsal, network: Network, tally: Tally) -> None:
    """Fail unless a room received, by stream and in all, what its histogram shows."""
    assert not tally.room[~network.room].any()
    assert not tally.room[:, RoomCount.DUPLICATES].any()
    received = tally.room[:, RoomCount.RECEIVED]
    heard = [stream.direction != "up" for stream in rehearsal.scenario.streams]
    by_stream = tally.stream[:, heard]
    _assert_delays(network, tally.room_delay, received)
    np.testing.assert_array_equal(by_stream[:, :, StreamCount.RECEIVED].sum(axis=1), received)
    np.testing.assert_array_equal(
        by_stream[:, :, StreamCount.DELAY_SUM_NS].sum(axis=1),
        tally.room[:, RoomCount.DELAY_SUM_NS],
    )


def _assert_delays(network: Network, histogram: Histogram, came: NDArray[np.int64]) -> None:
    """Fail unless the histogram of each group of sites shows what came to them."""
    for group, delays in enumerate(histogram):
        assert delays.sum() == came[network.grouping.site == group].sum()
