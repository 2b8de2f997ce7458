"""Measures of any small meeting against a count of every packet's fate, hop by hop."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.dataplane.edit import FailRelay
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate, LossCause
from sim.metrics.measures import CAUSES, Course
from sim.metrics.meters import Meters
from sim.network.tree import build_network
from sim.results.trace import assemble
from sim.results.watched import Watch
from sim.scenario.model import FOREVER_NS, Fault
from tests.equality.conservation import way_up_ends
from tests.equality.rehearsal import spans
from tests.equality.strategies import cuttings, rehearsals

CAUSE = {
    Fate.EGRESS_OUTAGE: "outage",
    Fate.EGRESS_QUEUE: "queue",
    Fate.LINE_OUTAGE: "outage",
    Fate.LINE_POLICER: "policer",
    Fate.LINE_QUEUE: "queue",
    Fate.LINE_LOSS: "line",
    Fate.ROOM_OUTAGE: "outage",
    Fate.ROOM_DEAD: "endpoint",
    Fate.ENDED_OUTAGE: "outage",
    Fate.REFUSED_PORT: "port",
    Fate.UNSELECTED: "unselected",
    Fate.COMPOSED: "composed",
}
STOPPED = (Fate.REFUSED_PORT, Fate.UNSELECTED, Fate.COMPOSED)
AFTER = (Fate.ROOM_RECEIVED, Fate.ROOM_OUTAGE, Fate.ENDED, Fate.ENDED_OUTAGE, *STOPPED)


def fault_of(network, edit):
    """Return the fault that says which relay may have been dead."""
    return Fault(
        label="",
        action="fail",
        at_ns=edit.at_ns,
        until_ns=FOREVER_NS,
        down_ns=0,
        up_ns=0,
        lines=(),
        relays=(network.sites[edit.target].id,),
        rooms=(),
        sites=(),
        rate_factor=1.0,
        added_loss=0.0,
        passes=(),
    )


class Ran:
    """A rehearsal that the reference engine played, measured bin by bin and traced everywhere."""

    def __init__(self, rehearsal, cuts):
        scenario = rehearsal.scenario
        network = self.network = build_network(scenario)
        dead = [edit for edit in rehearsal.edits if isinstance(edit, FailRelay)]
        scenario = dataclasses.replace(
            scenario, faults=tuple(fault_of(network, edit) for edit in dead)
        )
        self.scenario = scenario
        engine = ReferenceEngine(scenario, network, watch=frozenset(range(len(network.sites))))
        meters = Meters(scenario, network)
        rooms = [network.sites[s].id for s in np.flatnonzero(network.room)]
        watches = [Watch(scenario, network, room) for room in rooms]
        self.sent = []  # (origin, stream) by number
        turn_packets = np.zeros(len(scenario.agenda), dtype=np.int64)
        for start_ns, end_ns in spans(rehearsal, cuts):
            packets = rehearsal.packets_in(start_ns, end_ns)
            engine.replay(start_ns, end_ns, packets, rehearsal.edits_in(start_ns, end_ns))
            meters.close_bin(end_ns, engine.tally)
            origin = np.repeat(np.arange(len(network.sites)), np.diff(packets.origin_first))
            self.sent += zip(origin.tolist(), packets.stream.tolist(), strict=True)
            for turn in packets.turn[packets.turn >= 0]:
                turn_packets[turn] += 1
            for watch in watches:
                watch.add(packets)
        self.tally = engine.tally
        self.measures = meters.finish(
            engine.tally,
            packets_sent=len(self.sent),
            turn_packets=turn_packets,
            pending=engine.pending(),
            dark=engine.dark(),
        )
        log = engine.fates()
        self.traces = [assemble(network, watch.finish(), log) for watch in watches]
        self.fates = {}
        for hop, packet, fate in zip(log.hop, log.packet, log.fate, strict=True):
            self.fates.setdefault((int(hop), int(packet)), []).append(Fate(int(fate)))

    def course(self, room, packet):
        """Return (cause, tier) of a packet's loss on its way to a room; None if it came."""
        origin, stream = self.sent[packet]
        direction = self.scenario.streams[stream].direction
        start = origin
        if direction == "floor":
            lost = self.up(packet)
            if lost is not None:
                return lost
            start = 0
        network = self.network
        for s in network.path(room):
            if network.depth[s] > network.depth[start]:
                (fate,) = (f for f in self.fates[s, packet] if f <= Fate.LINE_LOSS)
                if fate != Fate.ARRIVED:
                    in_egress = fate in (Fate.EGRESS_OUTAGE, Fate.EGRESS_QUEUE)
                    where = network.parent[s] if in_egress else s
                    return CAUSE[fate], int(network.tier[where])
        (fate,) = (f for f in self.fates[room, packet] if f > Fate.LINE_LOSS)
        return None if fate == Fate.ROOM_RECEIVED else (CAUSE[fate], int(network.tier[room]))

    def up(self, packet):
        """Return (cause, tier) of where a packet's way up broke off; None if it ended well."""
        origin, stream = self.sent[packet]
        network, n = self.network, len(self.network.sites)
        end = way_up_ends(network, self.scenario.streams[stream], origin)
        s = origin
        while True:
            for fate in self.fates[n + s, packet]:
                if fate not in (Fate.ARRIVED, Fate.ENDED):
                    where = end if fate == Fate.ENDED_OUTAGE else s
                    where = network.parent[s] if fate in STOPPED else where
                    return CAUSE[fate], int(network.tier[where])
                if fate == Fate.ENDED:
                    return None
            s = int(network.parent[s])

    def runs_missing(self, room_row, stream):
        """Return (runs, packets) missing before packets that a room received, but in the dark."""
        trace, runs, missing, last = self.traces[room_row], 0, 0, {}
        watched, received = trace.watched, trace.fate == Fate.ROOM_RECEIVED
        rows = np.flatnonzero(received & (watched.stream == stream))
        source = None
        origins = self.network.order[watched.origin[rows]]
        for row in rows[np.lexsort((watched.sequence[rows], origins, trace.at_ns[rows]))]:
            sequence, at_ns = int(watched.sequence[row]), int(trace.at_ns[row])
            if watched.origin[row] == source:
                gap = sequence - last["sequence"] - 1
                if gap > 0 and at_ns - last["at_ns"] <= self.scenario.dark_after_ns:
                    runs, missing = runs + 1, missing + gap
                sequence = max(sequence, last["sequence"])
            source, last = watched.origin[row], {"sequence": sequence, "at_ns": at_ns}
        return runs, missing

    def due(self, room):
        """Return the numbers of the packets that are due to a room."""
        above = {0, *self.network.path(room)} - {room}
        return [
            packet
            for packet, (origin, stream) in enumerate(self.sent)
            if (direction := self.scenario.streams[stream].direction) != "up"
            and (origin in above if direction == "down" else origin != room)
        ]


def assert_measured(ran):
    """Fail unless rooms, streams, sources, timeline and traces say what the fates do."""
    network, measures, streams = ran.network, ran.measures, ran.scenario.streams
    rooms = measures.endpoints
    received = Counter()
    for i, room in enumerate(rooms.site.tolist()):
        due = ran.due(room)
        courses = {packet: ran.course(room, packet) for packet in due}
        expected = Counter(course for course in courses.values() if course)
        measured = {
            (cause, t): int(rooms.lost[i, c, t])
            for c, cause in enumerate(CAUSES)
            for t in range(len(network.tiers))
            if rooms.lost[i, c, t]
        }
        assert measured == expected
        assert rooms.due[i] == len(due)
        received.update((room, ran.sent[p][1]) for p in due if courses[p] is None)
        heard = measures.listeners
        mine = heard.site == room
        for stream, n_due, came in zip(
            heard.stream[mine], heard.due[mine], heard.quality.received[mine], strict=True
        ):
            assert n_due == sum(ran.sent[packet][1] == stream for packet in due)
            assert came == received[room, int(stream)]
        runs = zip(heard.loss_runs[mine], heard.loss_run_packets[mine], strict=True)
        for stream, counted in zip(heard.stream[mine].tolist(), runs, strict=True):
            assert counted == ran.runs_missing(i, stream)
        assert {ran.sent[packet][1] for packet in due} <= set(heard.stream[mine].tolist())
        trace = ran.traces[i]
        assert trace.watched.site == room
        traced = dict(zip(trace.watched.number.tolist(), trace.fate.tolist(), strict=True))
        own = [
            packet
            for packet, (origin, stream) in enumerate(ran.sent)
            if origin == room and streams[stream].direction != "down"
        ]
        assert sorted(traced) == sorted({*due, *own})
        for packet in due:
            good = traced[packet] == Fate.ROOM_RECEIVED
            assert good == (courses[packet] is None)
            assert good or CAUSE[Fate(traced[packet])] == courses[packet][0]
        for packet in own:
            lost = ran.up(packet)
            good = traced[packet] == Fate.ENDED
            assert good == (lost is None)
            assert good or CAUSE[Fate(traced[packet])] == lost[0]
        assert ((trace.where == "") == np.isin(trace.fate, (Fate.ROOM_RECEIVED, Fate.ENDED))).all()
    sent = measures.sources
    for row, (s, stream) in enumerate(zip(sent.site.tolist(), sent.stream.tolist(), strict=True)):
        mine = [packet for packet, source in enumerate(ran.sent) if source == (s, stream)]
        lost = Counter(course[0] for packet in mine if (course := ran.up(packet)))
        assert sent.sent[row] == len(mine)
        assert dict(zip(CAUSES, sent.lost[row].tolist(), strict=True)) == {
            cause: lost[cause] for cause in CAUSES
        }
        assert sent.unselected[row] == lost["unselected"]
        assert sent.composed[row] == lost["composed"]
    assert_course(ran)


def assert_course(ran):
    """Fail unless the timeline's bins add up to what each group's rooms were due and lost."""
    network, rooms, course = ran.network, ran.measures.endpoints, ran.measures.timeline
    counts = course.counts.sum(axis=0)
    assert (course.counts[:, :, : Course.ROOMS_DARK] >= 0).all()
    for g, group in enumerate(course.groups):
        members = [
            i
            for i, s in enumerate(rooms.site.tolist())
            if group.kind == "all"
            or (group.kind == "tier" and network.sites[s].tier == group.id)
            or (
                group.kind not in ("all", "tier")
                and network.index[group.id] <= s < network.end[network.index[group.id]]
            )
        ]
        assert group.rooms == len(members)
        assert counts[g, Course.DUE] == rooms.due[members].sum()
        assert counts[g, Course.RECEIVED] == rooms.received[members].sum()
        lost = rooms.lost_by_cause[members].sum(axis=0)
        assert (counts[g, Course.LOST_OUTAGE : Course.LOST_PORT + 1] == lost).all()


def test_every_packet_is_measured_where_it_got_to(capsys):
    met = Counter()

    @given(data=st.data(), rehearsal=rehearsals())
    def measured(data, rehearsal):
        cuts = data.draw(cuttings(rehearsal.scenario.duration_ns), label="cuts")
        ran = Ran(rehearsal, cuts)
        assert_measured(ran)
        tally = ran.tally
        met["a speaker's packet lost going up"] += int(tally.floor_lost.sum())
        met["a speaker's packet lost on its way back"] += int(tally.own_lost.sum())
        sent = ran.measures.sources
        met["an up packet lost"] += int(sent.lost.sum())
        met["a packet without a port"] += int(sent.lost[:, LossCause.PORT].sum())
        met["a packet unselected"] += int(sent.unselected.sum())
        met["a packet composed"] += int(sent.composed.sum())
        met["a packet up ended"] += int(sent.ended.sum())
        met["a run of losses"] += int(ran.measures.listeners.loss_runs.sum())
        met["a turn's first frame whole"] += int(ran.measures.turns.whole.rooms.sum())

    measured()
    assert len(met) == 9
    assert all(met.values()), met
