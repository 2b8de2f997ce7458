"""What a room counts of streams and turns, beside a list of packets read one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.compiled import entry
from sim.dataplane.kernels.arrival import enter_room
from sim.dataplane.tally import Fate, RoomCount, StreamCount, TurnCount
from sim.scenario.model import FOREVER_NS
from tests.dataplane.ticks import Offer
from tests.dataplane.workbench import Workbench

PLAYOUT_NS = (0, 5, 3)
GOES_DOWN = (True, False, True)
DARK_AFTER_NS = 6
NOTHING = (0, 0, -1, -1)


@entry
def enter(s, first, arrived, fate, tree, flow, counts, bench):  # type: ignore[no-untyped-def]
    """Let Python call `enter_room`."""
    enter_room(s, first, arrived, fate, tree, flow, counts, bench)


# Gap between arrivals, one-way delay, stream, origin, turn, packets missing before it.
heard = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.integers(1, 9),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(-1, 1),
        st.integers(0, 2),
    ),
    max_size=30,
)


@given(steps=heard, cut=st.integers(0, 30), speaker=st.booleans())
def test_a_room_counts_each_stream(
    steps: list[tuple[int, int, int, int, int, int]], cut: int, speaker: bool
) -> None:
    """In one go or in two, with packets of its own among them or not."""
    arrival_ns = (100 + np.cumsum([gap for gap, *_ in steps])).tolist()
    rows = [(a, *step[1:5]) for a, step in zip(arrival_ns, steps, strict=True)]
    # Numbers that a source and stream would have; the number of a packet is that of the last
    # before it, and what is missing, and one.
    numbers: dict[tuple[int, int], int] = {}
    sequences = []
    for _, _, stream, origin, _, missing in steps:
        numbers[stream, origin] = numbers.get((stream, origin), -1) + 1 + missing
        sequences.append(numbers[stream, origin])
    bench = Workbench(
        children=2,
        offers=[Offer(a - d, i, 2, s) for i, (a, d, s, _, _) in enumerate(rows)],
        precedence=(0, 1, 2),
        services=((1, 1, 1),),
        drain_ns=9,
        classes=False,
        propagation_ns=0,
        loss=0.0,
        background=None,
        until_ns=0,
    )
    bench.tree.playout_ns[:] = [playout_ns or FOREVER_NS for playout_ns in PLAYOUT_NS]
    bench.tree.speaker[1] = speaker
    bench.flow.origin[:] = [origin for *_, origin, _ in rows]
    bench.flow.sequence[:] = sequences
    bench.tree.goes_down[:] = GOES_DOWN
    tree = bench.tree._replace(dark_after_ns=DARK_AFTER_NS)
    bench.flow.turn[:] = [turn for *_, turn in rows]
    flow = bench.flow._replace(turns_begin=any(turn >= 0 for *_, turn in rows))
    bench.bench.packet[: len(rows)] = np.arange(len(rows))
    bench.bench.arrival_ns[: len(rows)] = arrival_ns
    turn_counts = np.zeros((3, 2, len(TurnCount)), dtype=np.int64)
    counts = bench.counts._replace(turn=turn_counts)
    cut = min(cut, len(rows))
    for first, end in ((0, cut), (cut, len(rows))):
        enter(1, first, end, int(Fate.ROOM_RECEIVED), tree, flow, counts, bench.bench)

    rows = [(*row, number) for row, number in zip(rows, sequences, strict=True)]
    others = [row for row in rows if not (speaker and row[3] == 1)]
    assert bench.tally.room[1, RoomCount.RECEIVED] == len(others)
    assert bench.tally.room_delay[1].sum() == len(others)
    for stream in range(3):
        of_stream = [(a, d, origin, n) for a, d, s, origin, _, n in others if s == stream]
        count = {column.name: int(bench.tally.stream[1, stream, column]) for column in StreamCount}
        expected = dict.fromkeys(count, 0)
        jitter_16ns = 0
        for i, (at_ns, delay_ns, origin, number) in enumerate(of_stream):
            before_ns, before_delay_ns, before, last = of_stream[i - 1] if i else NOTHING
            if origin != before:
                jitter_16ns = 0
                expected["LAST_ORIGIN"] = origin + 1
            else:
                jitter_16ns += abs(delay_ns - before_delay_ns) - (jitter_16ns + 8) // 16
                gap_ns = at_ns - before_ns
                if PLAYOUT_NS[stream] and gap_ns > PLAYOUT_NS[stream]:
                    expected["FREEZES"] += 1
                    expected["FROZEN_NS"] += gap_ns - PLAYOUT_NS[stream]
                if GOES_DOWN[stream] and number > last + 1 and gap_ns <= DARK_AFTER_NS:
                    expected["LOSS_RUNS"] += 1
                    expected["LOSS_RUN_PACKETS"] += number - last - 1
            expected["NEXT_SEQUENCE"] = number + 1 if GOES_DOWN[stream] else 0
            expected["JITTER_MAX_16NS"] = max(expected["JITTER_MAX_16NS"], jitter_16ns)
            expected["LAST_NS"], expected["LAST_TRANSIT_NS"] = at_ns, delay_ns
        expected["JITTER_16NS"] = jitter_16ns
        expected["RECEIVED"] = len(of_stream)
        expected["DELAY_SUM_NS"] = sum(delay_ns for _, delay_ns, *_ in of_stream)
        expected["DELAY_MAX_NS"] = max([0, *(delay_ns for _, delay_ns, *_ in of_stream)])
        assert count == expected
    for turn in range(2):
        of_turn = [a for a, *_, t, _ in others if t == turn]
        first_ns, last_ns = (of_turn[0], of_turn[-1]) if of_turn else (0, 0)
        assert turn_counts[1, turn].tolist() == [first_ns, len(of_turn), last_ns]
