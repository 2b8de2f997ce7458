"""Small meetings with invented counts that obey conservation, for tests of what looks at them.

Each packet's course down the tree is drawn at random, hop by hop, and counted as an engine would
count it; nothing of the program is used but the shared data types.
"""

from __future__ import annotations

import random

import numpy as np

from sim.dataplane.tally import (
    EgressCount,
    Fate,
    FateLog,
    LineCount,
    RoomCount,
    Tally,
    bucket,
)
from sim.media.packets import Packets
from sim.network.tree import Network, build_network
from sim.scenario.model import (
    Direction,
    Egress,
    Fault,
    Line,
    Loss,
    Policer,
    Relay,
    Requirement,
    Scenario,
    Site,
    Stream,
)

MS = 10**6
S = 10**9


POLICER = Policer(rate_bps=3_000_000, burst_bytes=30_000)


def direction(rate_bps: int, policer: Policer | None) -> Direction:
    return Direction(
        rate_bps=rate_bps,
        buffer_bytes=150_000,
        mtu_bytes=1500,
        loss=Loss(p=0.0, r=1.0, bad=0.0, good=0.01),
        policer=policer,
    )


def line(
    site: str,
    parent: str,
    *,
    carrier: str,
    rate_bps: int,
    role: str = "primary",
    policer: Policer | None = None,
) -> Line:
    return Line(
        site=site,
        parent=parent,
        role=role,  # type: ignore[arg-type]
        carrier=carrier,
        access_class="",
        down=direction(rate_bps, policer),
        up=direction(rate_bps // 2, policer),
        propagation_ns=2 * MS,
    )


def egress(carrier: str, rate_bps: int) -> Egress:
    return Egress(
        carrier=carrier, rate_bps=rate_bps, buffer_bytes=300_000, mtu_bytes=1500, overhead_ns=0
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


def scenario(
    *, requirements: tuple[Requirement, ...] = (), faults: tuple[Fault, ...] = ()
) -> Scenario:
    """Central, 2 provinces (one with a room), 3 districts, 8 communes; one backup line.

    The communes' lines have policers.
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
            lines.append(line(id_, district, carrier="vnpt", rate_bps=4_000_000, policer=POLICER))
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
        tiers=("central", "province", "district", "commune"),
        sites=tuple(sites),
        lines=tuple(lines),
        relays=tuple(
            Relay(site=id_, processing_ns=2 * MS, egresses=egresses)
            for id_, egresses in sorted(relays.items())
        ),
        streams=(stream("video"), stream("voice")),
        faults=faults,
        late_faults=0,
        requirements=requirements,
    )


def stream(id_: str) -> Stream:
    return Stream(
        id=id_,
        origin="vn",
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


class Meeting:
    """A network in which packets are carried by dice, bin by bin."""

    def __init__(self, scenario: Scenario, *, seed: int = 1, loss: float = 0.05) -> None:
        self.scenario = scenario
        self.network: Network = build_network(scenario)
        self.tally = Tally.zeros(len(self.network.sites), len(self.network.egresses))
        self.dead_rooms: set[int] = set()
        self.dead_relays: set[int] = set()
        self.dead_lines: set[int] = set()
        self.sent: list[tuple[int, int, int, int]] = []
        self.log: list[tuple[int, int, int, int]] = []
        self._dice = random.Random(seed)
        self._loss = loss

    def send(self, sent_ns: int, size_bytes: int, *, stream: int = 0) -> None:
        """Send one packet through the whole tree."""
        number = len(self.sent)
        sequence = sum(1 for packet in self.sent if packet[2] == stream)
        self.sent.append((sent_ns, size_bytes, stream, sequence))
        self._at_site(0, number, sent_ns)

    def packets(self) -> Packets:
        columns = np.array(self.sent, dtype=np.int64).reshape(-1, 4)
        return Packets(
            first=0,
            sent_ns=columns[:, 0],
            size_bytes=columns[:, 1],
            stream=columns[:, 2],
            sequence=columns[:, 3],
        )

    def fates(self) -> FateLog:
        columns = np.array(self.log, dtype=np.int64).reshape(-1, 4)
        return FateLog(
            site=columns[:, 0], packet=columns[:, 1], fate=columns[:, 2], at_ns=columns[:, 3]
        )

    def _at_site(self, s: int, number: int, at_ns: int) -> None:
        network = self.network
        if network.room[s]:
            self._at_room(s, number, at_ns)
        for e in range(network.site_egress_first[s], network.site_egress_first[s + 1]):
            for child in network.children[network.child_first[e] : network.child_first[e + 1]]:
                self._copy(s, e, int(child), number, at_ns + int(network.processing_ns[s]))

    def _at_room(self, s: int, number: int, at_ns: int) -> None:
        room = self.tally.room[s]
        if s in self.dead_relays:
            room[RoomCount.LOST_OUTAGE] += 1
            self.log.append((s, number, Fate.ROOM_OUTAGE, at_ns))
            return
        if s in self.dead_rooms:
            room[RoomCount.LOST_ENDPOINT] += 1
            self.log.append((s, number, Fate.ROOM_DEAD, at_ns))
            return
        sent_ns, size_bytes, _, _ = self.sent[number]
        delay_ns, gap_ns = at_ns - sent_ns, at_ns - int(room[RoomCount.LAST_NS])
        room[RoomCount.RECEIVED] += 1
        room[RoomCount.RECEIVED_BYTES] += size_bytes
        room[RoomCount.DELAY_SUM_NS] += delay_ns
        room[RoomCount.DELAY_MAX_NS] = max(room[RoomCount.DELAY_MAX_NS], delay_ns)
        room[RoomCount.GAP_MAX_NS] = max(room[RoomCount.GAP_MAX_NS], gap_ns)
        room[RoomCount.DARK_NS] += gap_ns if gap_ns > self.scenario.dark_after_ns else 0
        room[RoomCount.LAST_NS] = at_ns
        self.tally.room_delay[s, bucket(delay_ns)] += 1
        self.log.append((s, number, Fate.ROOM_RECEIVED, at_ns))

    def _copy(self, s: int, e: int, child: int, number: int, at_ns: int) -> None:
        egress, line = self.tally.egress[e], self.tally.line[child]
        egress[EgressCount.OFFERED] += 1
        size_bytes = self.sent[number][1]
        if s in self.dead_relays:
            egress[EgressCount.LOST_OUTAGE] += 1
            line[LineCount.COPY_LOST_OUTAGE] += 1
            self.log.append((child, number, Fate.EGRESS_OUTAGE, at_ns))
            return
        rate_bps = self.network.egresses[e].rate_bps
        if rate_bps and self._dice.random() < self._loss:
            egress[EgressCount.LOST_QUEUE] += 1
            line[LineCount.COPY_LOST_QUEUE] += 1
            self.log.append((child, number, Fate.EGRESS_QUEUE, at_ns))
            return
        if rate_bps:
            egress[EgressCount.BUSY_NS] += size_bytes * 8 * S // rate_bps
            egress[EgressCount.BACKLOG_MAX_NS] = max(egress[EgressCount.BACKLOG_MAX_NS], 3 * MS)
        self._line(child, number, at_ns)

    def _line(self, s: int, number: int, at_ns: int) -> None:
        line, size_bytes = self.tally.line[s], self.sent[number][1]
        line[LineCount.OFFERED] += 1
        line[LineCount.OFFERED_BYTES] += size_bytes
        if s in self.dead_lines:
            line[LineCount.REFUSED] += 1
            line[LineCount.LOST_OUTAGE] += 1
            self.log.append((s, number, Fate.LINE_OUTAGE, at_ns))
            return
        primary = self.network.lines[s]
        assert primary is not None
        if primary.down.policer and self._dice.random() < self._loss:
            line[LineCount.LOST_POLICER] += 1
            self.log.append((s, number, Fate.LINE_POLICER, at_ns))
            return
        if self._dice.random() < self._loss:
            line[LineCount.LOST_QUEUE] += 1
            self.log.append((s, number, Fate.LINE_QUEUE, at_ns))
            return
        service_ns = size_bytes * 8 * S // primary.down.rate_bps
        wait_ns = self._dice.randrange(5 * MS)
        line[LineCount.BUSY_NS] += service_ns
        line[LineCount.BACKLOG_MAX_NS] = max(line[LineCount.BACKLOG_MAX_NS], wait_ns + service_ns)
        if self._dice.random() < self._loss:
            line[LineCount.LOST_LINE] += 1
            self.log.append((s, number, Fate.LINE_LOSS, at_ns + wait_ns + service_ns))
            return
        delay_ns = wait_ns + service_ns + primary.propagation_ns
        line[LineCount.DELIVERED] += 1
        line[LineCount.DELIVERED_BYTES] += size_bytes
        line[LineCount.DELAY_SUM_NS] += delay_ns
        line[LineCount.DELAY_MAX_NS] = max(line[LineCount.DELAY_MAX_NS], delay_ns)
        self.tally.line_delay[s, bucket(delay_ns)] += 1
        self.log.append((s, number, Fate.ARRIVED, at_ns + delay_ns))
        self._at_site(s, number, at_ns + delay_ns)
