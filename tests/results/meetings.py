"""Small meetings with invented counts that obey conservation, for tests of what looks at them.

Each packet's course up and down the tree is drawn at random, hop by hop, and counted as an engine
would count it; nothing of the program is used but the shared data types.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import (
    EgressCount,
    Fate,
    FateLog,
    LineCount,
    LossCause,
    RoomCount,
    StreamCount,
    Tally,
    TurnCount,
    bucket,
)
from sim.media.packets import Packets
from sim.network.tree import Network, build_network
from sim.scenario.joining_model import EVERYBODY_IS_THERE
from sim.scenario.model import (
    HOURS,
    Background,
    Direction,
    Egress,
    Fault,
    Line,
    Loss,
    Policer,
    Relay,
    Scenario,
    Site,
    Stream,
    Turn,
)
from sim.scenario.requirement_model import Requirement
from sim.scenario.signalling_model import AT_ONCE
from sim.scenario.tolerance import DEFAULTS, Check

MS = 10**6
S = 10**9


POLICER = Policer(rate_bps=3_000_000, burst_bytes=30_000)


STEADY = Background(
    kind="steady",
    share=0.25,
    rate_bps=0,
    packet_bytes=0,
    burst_ns=0,
    silence_ns=0,
    precedence=0,
    profile=(1.0,) * HOURS,
)


def direction(
    rate_bps: int, policer: Policer | None, background: Background | None = None
) -> Direction:
    return Direction(
        rate_bps=rate_bps,
        buffer_bytes=150_000,
        mtu_bytes=1500,
        loss=Loss(p=0.0, r=1.0, bad=0.0, good=0.01),
        policer=policer,
        scheduling="fifo",
        background=background,
    )


def line(
    site: str,
    parent: str,
    *,
    carrier: str,
    rate_bps: int,
    role: str = "primary",
    policer: Policer | None = None,
    background: Background | None = None,
) -> Line:
    return Line(
        site=site,
        parent=parent,
        role=role,  # type: ignore[arg-type]
        carrier=carrier,
        access_class="",
        down=direction(rate_bps, policer, background),
        up=direction(rate_bps // 2, policer),
        propagation_ns=2 * MS,
    )


def egress(carrier: str, rate_bps: int) -> Egress:
    return Egress(
        carrier=carrier,
        server="",
        rate_bps=rate_bps,
        buffer_bytes=300_000,
        mtu_bytes=1500,
        overhead_ns=0,
        scheduling="fifo",
        background=None,
    )


def site(id: str, name: str, tier: str, parent: str, *, room: bool) -> Site:  # noqa: A002
    return Site(
        id=id,
        name=name,
        tier=tier,
        parent=parent,
        region="South",
        latitude=float("nan"),
        longitude=float("nan"),
        room=room,
    )


CAM, SPEAK, VIDEO, VOICE = range(4)  # the streams of `talk`


def scenario(
    *,
    requirements: tuple[Requirement, ...] = (),
    faults: tuple[Fault, ...] = (),
    background: Background | None = None,
) -> Scenario:
    """Central, 2 provinces (one with a room), 3 districts, 8 communes; one backup line.

    The communes' lines have policers and, downwards, the background given.
    """
    sites = [
        site("vn", "Trung ương", "central", "", room=False),
        site("79", "Thành phố Hồ Chí Minh", "province", "vn", room=True),
        site("80", "Tỉnh Long An", "province", "vn", room=False),
        site("760", "Quận 1", "district", "79", room=False),
        site("769", "Thành phố Thủ Đức", "district", "79", room=False),
        site("794", "Thành phố Tân An", "district", "80", room=True),
    ]
    communes = {"760": 3, "769": 3, "794": 2}
    lines = [
        line("79", "vn", carrier="viettel", rate_bps=100_000_000),
        line("80", "vn", carrier="vnpt", rate_bps=100_000_000),
        line("760", "79", carrier="viettel", rate_bps=50_000_000),
        line("769", "79", carrier="vnpt", rate_bps=50_000_000),
        line("794", "80", carrier="viettel", rate_bps=50_000_000),
    ]
    for district, count in communes.items():
        for i in range(count):
            id_ = f"{district}{i:02d}"
            sites.append(site(id_, f"Phường [{i}] & <$b$>", "commune", district, room=True))
            lines.append(
                line(
                    id_,
                    district,
                    carrier="vnpt",
                    rate_bps=4_000_000,
                    policer=POLICER,
                    background=background,
                )
            )
    lines.append(line("76000", "769", carrier="viettel", rate_bps=2_000_000, role="backup"))
    relays = {
        "vn": (egress("", 10**9),),
        "79": (egress("viettel", 10**8), egress("", 2 * 10**8)),
        "80": (egress("", 0),),
        "760": (egress("", 10**8),),
        "769": (egress("", 10**8),),
        "794": (egress("", 10**8),),
    }
    sites.sort(key=lambda site: site.id.encode())
    lines.sort(key=lambda line: (line.site.encode(), line.role != "primary"))
    return Scenario(
        name="small",
        about="a small meeting",
        seed=7,
        duration_ns=10 * S,
        window_ns=S,
        bin_ns=S,
        dark_after_ns=S,
        begins_ns=8 * 3600 * S,
        classes=("all",),
        tiers=("central", "province", "district", "commune"),
        sites=tuple(sites),
        lines=tuple(lines),
        relays=tuple(
            Relay(
                site=id_,
                processing_ns=2 * MS,
                egresses=egresses,
                pool=None,
                full=1.0,
                mode="forward",
                transcoding_ns=0,
                select=0,
                ports=0,
                standby=None,
            )
            for id_, egresses in sorted(relays.items())
        ),
        streams=(stream("video"), stream("voice")),
        agenda=(),
        faults=faults,
        late_faults=0,
        joining=EVERYBODY_IS_THERE,
        signalling=AT_ONCE,
        detection=(),
        failover=(),
        key_requests=None,
        check=Check(duration_ns=10 * S, timetable="cut", tolerances=tuple(DEFAULTS.items())),
        requirements=requirements,
    )


def stream(
    id_: str,
    *,
    direction: str = "down",
    origins: tuple[str, ...] = ("vn",),
    to: str = "",
    playout_ns: int = 0,
) -> Stream:
    return Stream(
        id=id_,
        direction=direction,  # type: ignore[arg-type]
        origins=origins,
        to=to,
        composite=False,
        meeting="",
        precedence=0,
        playout_ns=playout_ns,
        codec="",
        spread_ns=0,
        start_ns=0,
        span_ns=S,
        frames_per_span=20,
        frame_bytes=1000,
        key_bytes=0,
        key_every=0,
        size_scale=0.0,
        packet_bytes=1200,
        overhead_bytes=40,
        pace_bps=0,
    )


def talk(**wanted: object) -> Scenario:
    """Return the same with a camera up from every room, and three who have the floor in turn."""
    plain = scenario(**wanted)  # type: ignore[arg-type]
    rooms = tuple(site.id for site in plain.sites if site.room)
    return replace(
        plain,
        streams=(
            stream("cam", direction="up", origins=rooms, to="parent", playout_ns=700 * MS),
            stream("speak", direction="floor", origins=(), playout_ns=150 * MS),
            stream("video", playout_ns=100 * MS),
            stream("voice"),
        ),
        agenda=(
            Turn(at_ns=S, until_ns=3 * S, site="76001"),
            Turn(at_ns=4 * S, until_ns=6 * S, site="794"),
            Turn(at_ns=7 * S, until_ns=9 * S, site="79"),
        ),
    )


class Meeting:
    """A network in which packets are carried by dice, bin by bin."""

    def __init__(self, scenario: Scenario, *, seed: int = 1, loss: float = 0.05) -> None:
        self.scenario = scenario
        self.network: Network = build_network(scenario)
        self.tally = Tally.zeros(
            self.network.grouping,
            backups=len(self.network.backups),
            egresses=len(self.network.egresses),
            streams=len(scenario.streams),
            turns=len(scenario.agenda),
            tiers=len(scenario.tiers),
        )
        self._group = self.network.grouping.site.tolist()
        self.dead_rooms: set[int] = set()
        self.dead_relays: set[int] = set()
        self.dead_lines: set[int] = set()
        self.sent: list[tuple[int, int, int, int, int, int]] = []
        self.log: list[tuple[int, int, int, int]] = []
        self.dark: list[tuple[int, int, int]] = []
        self._sequences: dict[tuple[int, int], int] = {}
        self._dice = random.Random(seed)
        self._loss = loss

    def send(
        self, sent_ns: int, size_bytes: int, *, stream: int = 0, origin: int = 0, turn: int = -1
    ) -> None:
        """Send one packet on its whole way."""
        number = len(self.sent)
        sequence = self._sequences.get((origin, stream), -1) + 1
        self._sequences[origin, stream] = sequence
        self.sent.append((sent_ns, size_bytes, stream, sequence, origin, turn))
        self.tally.stream[origin, stream, StreamCount.SENT] += 1
        if self.scenario.streams[stream].direction == "down":
            self._copies(origin, number, sent_ns)
        elif origin in self.dead_rooms:
            self._lose_up(origin, number, LossCause.ENDPOINT)
            self._note(self._up(origin), number, Fate.ROOM_DEAD, sent_ns)
        else:
            self._go_up(origin, number, sent_ns)

    def stream(self, id_: str) -> int:
        return [stream.id for stream in self.scenario.streams].index(id_)

    @property
    def turn_packets(self) -> NDArray[np.int64]:
        turns = [packet[5] for packet in self.sent if packet[5] >= 0]
        return np.bincount(turns, minlength=len(self.scenario.agenda)).astype(np.int64)

    def packets(self) -> Packets:
        """Return all that was sent; numbers are those of a run that was one span."""
        order = self._order()
        columns = np.array([self.sent[i] for i in order], dtype=np.int64).reshape(-1, 6)
        return Packets.of(
            first=0,
            origin_first=np.searchsorted(columns[:, 4], np.arange(len(self.network.sites) + 1)),
            sent_ns=columns[:, 0],
            size_bytes=columns[:, 1],
            stream=columns[:, 2],
            sequence=columns[:, 3],
            turn=columns[:, 5],
        )

    def fates(self) -> FateLog:
        """Return all fates, of packets numbered as in `packets`."""
        number = np.argsort(self._order())
        columns = np.array(self.log, dtype=np.int64).reshape(-1, 4)
        return FateLog(
            hop=columns[:, 0],
            packet=number[columns[:, 1]],
            fate=columns[:, 2],
            at_ns=columns[:, 3],
        )

    def _order(self) -> list[int]:
        def place(i: int) -> tuple[int, int, int, int]:
            sent_ns, _, stream, sequence, origin, _ = self.sent[i]
            return origin, sent_ns, stream, sequence

        return sorted(range(len(self.sent)), key=place)

    def _up(self, s: int) -> int:
        return len(self.network.sites) + s

    def _note(self, hop: int, number: int, fate: Fate, at_ns: int) -> None:
        self.log.append((hop, number, fate, at_ns))

    def _lose_up(self, s: int, number: int, cause: LossCause) -> None:
        """Count for its source a packet lost going up at the tier of s."""
        _, _, stream, _, origin, _ = self.sent[number]
        self.tally.stream[origin, stream, StreamCount.LOST_OUTAGE + cause] += 1
        if self.scenario.streams[stream].direction == "floor":
            self.tally.floor_lost[origin, cause, self.network.tier[s]] += 1

    def _lose_down(self, s: int, number: int, cause: LossCause, at: int) -> None:
        """Count a speaker's packet lost at the tier of `at` before s, if s is on its way back."""
        _, _, stream, _, origin, _ = self.sent[number]
        spoken = self.scenario.streams[stream].direction == "floor"
        if spoken and s <= origin < self.network.end[s]:
            self.tally.own_lost[origin, cause, self.network.tier[at]] += 1

    def _go_up(self, s: int, number: int, at_ns: int) -> None:
        """Take a packet up from the room or relay of s."""
        if s in self.dead_relays:
            self.tally.line[self._up(s), LineCount.COPY_LOST_OUTAGE] += 1
            self._lose_up(s, number, LossCause.OUTAGE)
            self._note(self._up(s), number, Fate.EGRESS_OUTAGE, at_ns)
            return
        arrival_ns = self._line(self._up(s), number, at_ns)
        if arrival_ns is None:
            return
        above = int(self.network.parent[s])
        _, _, stream, _, origin, _ = self.sent[number]
        if self.scenario.streams[stream].direction == "floor":
            if above:
                self._go_up(above, number, arrival_ns + int(self.network.processing_ns[above]))
                return
            self.tally.stream[origin, stream, StreamCount.ENDED] += 1
            self._note(self._up(s), number, Fate.ENDED, arrival_ns)
            self._at_site(0, number, arrival_ns)
        elif above in self.dead_relays:
            self._lose_up(above, number, LossCause.OUTAGE)
            self._note(self._up(s), number, Fate.ENDED_OUTAGE, arrival_ns)
        else:
            self.tally.stream[origin, stream, StreamCount.ENDED] += 1
            self._note(self._up(s), number, Fate.ENDED, arrival_ns)
            delay_ns = arrival_ns - self.sent[number][0]
            self.tally.up_delay[self._group[origin], bucket(delay_ns)] += 1
            self._listen(origin, number, arrival_ns)

    def _at_site(self, s: int, number: int, at_ns: int) -> None:
        if self.network.room[s] and self.sent[number][4] != s:
            self._at_room(s, number, at_ns)
        self._copies(s, number, at_ns)

    def _copies(self, s: int, number: int, at_ns: int) -> None:
        network, origin = self.network, self.sent[number][4]
        for e in range(network.site_egress_first[s], network.site_egress_first[s + 1]):
            for place in range(network.child_first[e], network.child_first[e + 1]):
                child = network.children[place]
                if network.child_line[place] != child:
                    self.tally.egress[e, EgressCount.UNSERVED] += 1  # nobody uses a backup line
                elif child == origin and not network.relay[child]:
                    self.tally.egress[e, EgressCount.WITHHELD] += 1
                else:
                    self._copy(s, e, int(child), number, at_ns + int(network.processing_ns[s]))

    def _listen(self, s: int, number: int, at_ns: int) -> None:
        """Count a packet at the listener whose row is that of s."""
        sent_ns, _, stream, sequence, _, _ = self.sent[number]
        count, delay_ns = self.tally.stream[s, stream], at_ns - sent_ns
        playout_ns = self.scenario.streams[stream].playout_ns
        if self.scenario.streams[stream].direction != "up":
            missing = sequence - int(count[StreamCount.NEXT_SEQUENCE])
            gap_ns = at_ns - int(count[StreamCount.LAST_NS])
            if count[StreamCount.RECEIVED] and missing and gap_ns <= self.scenario.dark_after_ns:
                count[StreamCount.LOSS_RUNS] += 1
                count[StreamCount.LOSS_RUN_PACKETS] += missing
            count[StreamCount.NEXT_SEQUENCE] = sequence + 1
        if count[StreamCount.RECEIVED]:
            difference_ns = abs(delay_ns - int(count[StreamCount.LAST_TRANSIT_NS]))
            jitter = int(count[StreamCount.JITTER_16NS])
            count[StreamCount.JITTER_16NS] += difference_ns - (jitter + 8 >> 4)
            late_ns = at_ns - int(count[StreamCount.LAST_NS]) - playout_ns
            if playout_ns and late_ns > 0:
                count[StreamCount.FREEZES] += 1
                count[StreamCount.FROZEN_NS] += late_ns
        count[StreamCount.RECEIVED] += 1
        count[StreamCount.DELAY_SUM_NS] += delay_ns
        for column, value in (
            (StreamCount.DELAY_MAX_NS, delay_ns),
            (StreamCount.JITTER_MAX_16NS, count[StreamCount.JITTER_16NS]),
        ):
            count[column] = max(count[column], value)
        count[StreamCount.LAST_NS], count[StreamCount.LAST_TRANSIT_NS] = at_ns, delay_ns

    def _at_room(self, s: int, number: int, at_ns: int) -> None:
        room = self.tally.room[s]
        if s in self.dead_rooms:
            room[RoomCount.LOST_ENDPOINT] += 1
            self._note(s, number, Fate.ROOM_DEAD, at_ns)
            return
        if s in self.dead_relays:
            room[RoomCount.LOST_OUTAGE] += 1
            self._note(s, number, Fate.ROOM_OUTAGE, at_ns)
            return
        sent_ns, size_bytes, _, _, _, turn = self.sent[number]
        delay_ns, gap_ns = at_ns - sent_ns, at_ns - int(room[RoomCount.LAST_NS])
        room[RoomCount.RECEIVED] += 1
        room[RoomCount.RECEIVED_BYTES] += size_bytes
        room[RoomCount.DELAY_SUM_NS] += delay_ns
        room[RoomCount.DELAY_MAX_NS] = max(room[RoomCount.DELAY_MAX_NS], delay_ns)
        room[RoomCount.GAP_MAX_NS] = max(room[RoomCount.GAP_MAX_NS], gap_ns)
        if gap_ns > self.scenario.dark_after_ns:
            room[RoomCount.DARK_NS] += gap_ns
            self.dark.append((s, at_ns - gap_ns, at_ns))
        room[RoomCount.LAST_NS] = at_ns
        self.tally.room_delay[self._group[s], bucket(delay_ns)] += 1
        self._listen(s, number, at_ns)
        if turn >= 0:
            seen = self.tally.turn[s, turn]
            seen[TurnCount.FIRST_NS] = seen[TurnCount.FIRST_NS] or at_ns
            seen[TurnCount.PACKETS] += 1
            seen[TurnCount.LAST_NS] = at_ns
        self._note(s, number, Fate.ROOM_RECEIVED, at_ns)

    def _copy(self, s: int, e: int, child: int, number: int, at_ns: int) -> None:
        egress, line = self.tally.egress[e], self.tally.line[child]
        egress[EgressCount.OFFERED] += 1
        size_bytes = self.sent[number][1]
        if s in self.dead_relays:
            egress[EgressCount.LOST_OUTAGE] += 1
            line[LineCount.COPY_LOST_OUTAGE] += 1
            self._lose_down(child, number, LossCause.OUTAGE, at=s)
            self._note(child, number, Fate.EGRESS_OUTAGE, at_ns)
            return
        rate_bps = self.network.egresses[e].rate_bps
        if rate_bps and self._dice.random() < self._loss:
            egress[EgressCount.LOST_QUEUE] += 1
            line[LineCount.COPY_LOST_QUEUE] += 1
            self._lose_down(child, number, LossCause.QUEUE, at=s)
            self._note(child, number, Fate.EGRESS_QUEUE, at_ns)
            return
        if rate_bps:
            egress[EgressCount.BUSY_NS] += size_bytes * 8 * S // rate_bps
            egress[EgressCount.BACKLOG_MAX_NS] = max(egress[EgressCount.BACKLOG_MAX_NS], 3 * MS)
        arrival_ns = self._line(child, number, at_ns)
        if arrival_ns is not None:
            self._at_site(child, number, arrival_ns)

    def _line(self, hop: int, number: int, at_ns: int) -> int | None:
        """Send a packet over a direction; return when it arrives, or None."""
        n = len(self.network.sites)
        line, size_bytes = self.tally.line[hop], self.sent[number][1]
        primary = self.network.lines[hop % n]
        assert primary is not None
        direction = primary.down if hop < n else primary.up

        def lose(column: LineCount, fate: Fate, lost_ns: int) -> None:
            line[column] += 1
            cause = LossCause(column - LineCount.LOST_OUTAGE)
            self._note(hop, number, fate, lost_ns)
            if hop < n:
                self._lose_down(hop, number, cause, at=hop)
            else:
                self._lose_up(hop - n, number, cause)

        line[LineCount.OFFERED] += 1
        line[LineCount.OFFERED_BYTES] += size_bytes
        if hop % n in self.dead_lines:
            line[LineCount.REFUSED] += 1
            return lose(LineCount.LOST_OUTAGE, Fate.LINE_OUTAGE, at_ns)
        if direction.policer and self._dice.random() < self._loss:
            return lose(LineCount.LOST_POLICER, Fate.LINE_POLICER, at_ns)
        if self._dice.random() < self._loss:
            return lose(LineCount.LOST_QUEUE, Fate.LINE_QUEUE, at_ns)
        service_ns = size_bytes * 8 * S // direction.rate_bps
        wait_ns = self._dice.randrange(5 * MS)
        line[LineCount.BUSY_NS] += service_ns
        line[LineCount.BACKLOG_MAX_NS] = max(line[LineCount.BACKLOG_MAX_NS], wait_ns + service_ns)
        if self._dice.random() < self._loss:
            return lose(LineCount.LOST_LINE, Fate.LINE_LOSS, at_ns + wait_ns + service_ns)
        delay_ns = wait_ns + service_ns + primary.propagation_ns
        line[LineCount.DELIVERED] += 1
        line[LineCount.DELIVERED_BYTES] += size_bytes
        line[LineCount.DELAY_SUM_NS] += delay_ns
        line[LineCount.DELAY_MAX_NS] = max(line[LineCount.DELAY_MAX_NS], delay_ns)
        way, s = divmod(hop, len(self.network.sites))
        group = way * self.network.grouping.groups + self._group[s]
        self.tally.line_delay[group, bucket(delay_ns)] += 1
        self._note(hop, number, Fate.ARRIVED, at_ns + delay_ns)
        return at_ns + delay_ns
