"""Lines and egresses with classes and packets of others equal a dull transmitter, tick by tick."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import rng
from sim.dataplane.tally import EgressCount, LineCount, LossCause, StreamCount
from sim.scenario.model import Background
from tests.dataplane.ticks import OTHERS, Edit, Offer, Ticks, background_ns
from tests.dataplane.workbench import KEY, SIZES, Workbench

END_NS = 160
UNTIL_NS = 60
SITES = 2  # on the workbench of lines
DOWN, UP = 1, SITES + 1  # the directions of the line of site 1
MOST_NS = 40  # no line's memory takes longer to send
OTHERS_BYTES = 2

# By row of the service table, then by size: what a packet needs.
SERVICES = (tuple(max(size, 1) for size in range(SIZES)), tuple(2 * s + 1 for s in range(SIZES)))
MOST_OTHERS = MOST_NS // min(row[OTHERS_BYTES] for row in SERVICES) + 1
NS_PER_S = 10**9

backgrounds = st.builds(
    Background,
    kind=st.sampled_from(["poisson", "bursts"]),
    share=st.just(0.0),
    # A packet of 2 bytes every 2 to 16 ns.
    rate_bps=st.sampled_from([NS_PER_S, 2 * NS_PER_S, 8 * NS_PER_S]),
    packet_bytes=st.just(OTHERS_BYTES),
    burst_ns=st.integers(1, 12),
    silence_ns=st.integers(1, 12),
    precedence=st.integers(0, 2),
    profile=st.just((1.0,) * 24),
)
gaps = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, SIZES - 1), st.integers(0, 2)),
    min_size=5,
    max_size=25,
)


@st.composite
def edits(draw: st.DrawFn, kinds: list[str]) -> list[Edit]:
    """Draw changes in order of time."""
    drawn = []
    for at_ns in sorted(draw(st.lists(st.integers(0, 80), max_size=4))):
        kind = draw(st.sampled_from(kinds))
        row = draw(st.integers(0, 1))
        drain_ns = draw(st.integers(3, 30))
        drawn.append(
            Edit(at_ns=at_ns, kind="rate", need_ns=SERVICES[row], drain_ns=drain_ns)
            if kind == "rate"
            else Edit(at_ns=at_ns, kind=kind)
        )
    return drawn


cuttings = st.lists(st.integers(1, END_NS - 1), max_size=4, unique=True).map(sorted)


def offered(steps: list[tuple[int, int, int]], background: Background | None) -> list[Offer]:
    """Return the meeting's packets, then the others; those of the meeting first at an instant."""
    offers, now_ns = [], 0
    for packet, (gap_ns, size_bytes, precedence) in enumerate(steps):
        now_ns += gap_ns
        offers.append(
            Offer(at_ns=now_ns, packet=packet, size_bytes=size_bytes, precedence=precedence)
        )
    if background is not None:
        offers += [
            Offer(
                at_ns=at_ns,
                packet=OTHERS,
                size_bytes=background.packet_bytes,
                precedence=background.precedence,
            )
            for at_ns in background_ns(background, KEY, begins_ns=0, until_ns=UNTIL_NS)
        ]
    return offers


def lost_acceptances(chance: float) -> frozenset[int]:
    """Return which of the first acceptances a line loses that loses each by itself."""
    lost, n = set(), 0
    for index in range(100):
        n += rng.geometric(KEY, index, chance)
        lost.add(n)
        n += 1
    return frozenset(lost)


def spans(cuts: list[int]) -> list[tuple[int, int]]:
    """Return the spans between cuts."""
    return list(zip([0, *cuts], [*cuts, END_NS], strict=True))


def overtakings(left: list[tuple[Offer, int]]) -> int:
    """Return how often a packet left before one that was accepted earlier."""
    return sum(after.packet < before.packet for (before, _), (after, _) in pairwise(left))


def test_lines_equal_ticks(capsys: pytest.CaptureFixture[str]) -> None:
    """Every arrival and every count, for any cutting; and classes and others did meet."""
    met: Counter[str] = Counter()

    @given(
        steps=gaps,
        changes=edits(["rate", "down", "up", "unsent"]),
        cuts=cuttings,
        background=st.none() | backgrounds,
        classes=st.booleans(),
        direction=st.sampled_from([DOWN, UP]),
        drain_ns=st.integers(5, MOST_NS),
        propagation_ns=st.integers(0, 5),
        loss=st.sampled_from([0.0, 0.3]),
    )
    def equal(
        steps: list[tuple[int, int, int]],
        changes: list[Edit],
        cuts: list[int],
        background: Background | None,
        classes: bool,
        direction: int,
        drain_ns: int,
        propagation_ns: int,
        loss: float,
    ) -> None:
        offers = offered(steps, background)
        lost = lost_acceptances(loss) if loss else frozenset()
        ticks = Ticks(
            need_ns=SERVICES[0],
            drain_ns=drain_ns,
            classes=classes,
            propagation_ns=propagation_ns,
            is_lost=lost.__contains__,
        )
        ticks.run(offers, changes, end_ns=END_NS)
        bench = Workbench(
            children=1,
            offers=offers[: len(steps)],
            precedence=(0, 1, 2),
            services=SERVICES,
            drain_ns=drain_ns,
            classes=classes,
            propagation_ns=propagation_ns,
            loss=loss,
            background=background,
            until_ns=UNTIL_NS,
            direction=direction,
            most_others=MOST_OTHERS,
        )
        arrived = []
        for start_ns, end_ns in spans(cuts):
            arrived += bench.line_span(start_ns, end_ns, changes)
        assert arrived == [(offer.packet, at_ns) for offer, at_ns in ticks.arrived]
        line = bench.tally.line[direction]
        assert line[LineCount.OFFERED] == len(steps)
        for cause in ("outage", "queue", "line"):
            column = LineCount[f"LOST_{cause.upper()}"]
            assert line[column] == len(ticks.lost.get(cause, [])), cause
            # A loss on the way up is also one of its source, and of all who should hear it.
            booked = Counter(offer.precedence for offer in ticks.lost.get(cause, []))
            of_source = bench.tally.stream[0, :, StreamCount[column.name]].tolist()
            of_all = bench.tally.floor_lost[0, LossCause[cause.upper()]].tolist()
            if direction == UP:
                assert of_source == [booked[stream] for stream in range(3)]
                assert of_all == [0, booked.total()]
            else:
                assert not any(of_source)
                assert not any(of_all)
        assert line[LineCount.BUSY_NS] == ticks.busy_ns
        assert line[LineCount.BACKLOG_MAX_NS] == ticks.backlog_max_ns
        assert line[LineCount.BACKGROUND_OFFERED] == ticks.background_offered
        assert line[LineCount.BACKGROUND_SENT] == ticks.background_sent
        met["overtaken"] += overtakings(ticks.left)
        met["others sent"] += ticks.background_sent
        met["others lost"] += ticks.background_offered - ticks.background_sent
        met["classes, a change of rate"] += classes and any(e.kind == "rate" for e in changes)
        met["line loss"] += len(ticks.lost.get("line", []))
        met["loss on the way up"] += direction == UP and bool(ticks.lost)

    equal()
    with capsys.disabled():
        print(f"\nlines: {dict(met)}")
    assert min(met.values()) > 0


def test_egresses_equal_ticks(capsys: pytest.CaptureFixture[str]) -> None:
    """Every copy and every count, for any cutting; and copies of one packet were parted."""
    met: Counter[str] = Counter()

    @given(
        steps=gaps,
        changes=edits(["rate", "unsent"]),
        repair_ns=st.integers(1, 5),
        cuts=cuttings,
        background=st.none() | backgrounds,
        classes=st.booleans(),
        drain_ns=st.integers(3, 60),
        children=st.integers(1, 4),
        talks=st.sampled_from([0, 0, 1, 2, 4]),
    )
    def equal(
        steps: list[tuple[int, int, int]],
        changes: list[Edit],
        repair_ns: int,
        cuts: list[int],
        background: Background | None,
        classes: bool,
        drain_ns: int,
        children: int,
        talks: int,
    ) -> None:
        offers = offered(steps, background)
        talks = min(talks, children)
        dead, repaired = set(), []
        for edit in changes:
            if edit.kind == "unsent":
                dead |= set(range(edit.at_ns, edit.at_ns + repair_ns))
                repaired.append(Edit(at_ns=edit.at_ns + repair_ns, kind="up"))
        repaired = [edit for edit in repaired if edit.at_ns not in dead]
        alive = [offer for offer in offers if offer.packet == OTHERS or offer.at_ns not in dead]
        # The child that talks sent every packet with an odd number.
        copies = [
            replace(offer, rank=rank)
            for offer in alive
            for rank in range(children if offer.packet != OTHERS else 1)
            if offer.packet == OTHERS or not (talks == rank + 1 and offer.packet % 2)
        ]
        ticks = Ticks(need_ns=SERVICES[0], drain_ns=drain_ns, classes=classes)
        ticks.run(copies, changes, end_ns=END_NS)
        bench = Workbench(
            children=children,
            offers=offers[: len(steps)],
            precedence=(0, 1, 2),
            services=SERVICES,
            drain_ns=drain_ns,
            classes=classes,
            propagation_ns=0,
            loss=0.0,
            background=background,
            until_ns=UNTIL_NS,
        )
        bench.flow.origin[1::2] = talks
        all_changes = sorted([*repaired, *changes], key=lambda edit: edit.at_ns)
        left = []
        for start_ns, end_ns in spans(cuts):
            left += bench.egress_span(start_ns, end_ns, all_changes)
        assert left == [(offer.packet, offer.rank, at_ns) for offer, at_ns in ticks.left]
        egress = bench.tally.egress[0]
        withheld = sum(offer.packet % 2 for offer in offers[: len(steps)]) if talks else 0
        assert egress[EgressCount.WITHHELD] == withheld
        assert egress[EgressCount.OFFERED] == len(steps) * children - withheld
        assert egress[EgressCount.LOST_QUEUE] == len(ticks.lost.get("queue", []))
        assert egress[EgressCount.LOST_OUTAGE] == egress[EgressCount.OFFERED] - egress[
            EgressCount.LOST_QUEUE
        ] - len(left) - len(ticks.pending())
        assert egress[EgressCount.BUSY_NS] == ticks.busy_ns
        assert egress[EgressCount.BACKLOG_MAX_NS] == ticks.backlog_max_ns
        assert egress[EgressCount.BACKGROUND_OFFERED] == ticks.background_offered
        assert egress[EgressCount.BACKGROUND_SENT] == ticks.background_sent
        met["overtaken"] += overtakings(ticks.left)
        packets = [offer.packet for offer, _ in ticks.left]
        met["copies of a packet parted"] += sum(
            before != after and before in packets[i + 2 :]
            for i, (before, after) in enumerate(pairwise(packets))
        )
        met["others sent"] += ticks.background_sent
        met["withheld"] += withheld
        met["killed"] += len(ticks.lost.get("outage", []))

    equal()
    with capsys.disabled():
        print(f"\negresses: {dict(met)}")
    assert min(met.values()) > 0
