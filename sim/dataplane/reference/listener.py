"""What a listener of the reference engine measures: a room, or a relay where a way up ends."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.packet import Packet
from sim.dataplane.tally import StreamCount


def miss(
    count: NDArray[np.int64],
    packet: Packet,
    *,
    now_ns: int,
    dark_after_ns: int,
    encounters: Counter[Encounter],
) -> None:
    """Count the packets that are missing before one that a room receives, ahead of `listen`.

    They are a run of losses, unless nothing of the stream came for longer than `dark_after_ns`.
    """
    if count[StreamCount.LAST_ORIGIN] != packet.origin + 1:
        count[StreamCount.NEXT_SEQUENCE] = packet.sequence + 1
        return
    missing = packet.sequence - int(count[StreamCount.NEXT_SEQUENCE])
    if missing > 0 and now_ns - int(count[StreamCount.LAST_NS]) > dark_after_ns:
        encounters[Encounter.LOSS_RUN_IN_THE_DARK] += 1
    elif missing > 0:
        count[StreamCount.LOSS_RUNS] += 1
        count[StreamCount.LOSS_RUN_PACKETS] += missing
        encounters[Encounter.LOSS_RUN] += 1
    highest = int(count[StreamCount.NEXT_SEQUENCE])
    count[StreamCount.NEXT_SEQUENCE] = max(highest, packet.sequence + 1)


def listen(
    count: NDArray[np.int64],
    packet: Packet,
    *,
    now_ns: int,
    playout_ns: int,
    encounters: Counter[Encounter],
) -> None:
    """Count a packet received now in its stream's row of `StreamCount`.

    Jitter is RFC 3550's, appendix A.8; a freeze is a gap longer than `playout_ns`, if that is
    not 0. Both are between packets of one source received one after the other, so the first counts
    in neither, and a new source begins with no jitter.
    """
    transit_ns = now_ns - packet.due_ns
    if count[StreamCount.LAST_ORIGIN] != packet.origin + 1:
        encounters[Encounter.NEW_SOURCE] += count[StreamCount.LAST_ORIGIN] > 0
        count[StreamCount.JITTER_16NS] = 0
        count[StreamCount.LAST_ORIGIN] = packet.origin + 1
    else:
        deviation_ns = abs(transit_ns - int(count[StreamCount.LAST_TRANSIT_NS]))
        jitter_16ns = int(count[StreamCount.JITTER_16NS])
        count[StreamCount.JITTER_16NS] += deviation_ns - ((jitter_16ns + 8) >> 4)
        gap_ns = now_ns - int(count[StreamCount.LAST_NS])
        if 0 < playout_ns < gap_ns:
            count[StreamCount.FREEZES] += 1
            count[StreamCount.FROZEN_NS] += gap_ns - playout_ns
            encounters[Encounter.FREEZE] += 1
        encounters[Encounter.NO_FREEZE] += 0 < playout_ns == gap_ns
    count[StreamCount.JITTER_MAX_16NS] = max(
        count[StreamCount.JITTER_MAX_16NS], count[StreamCount.JITTER_16NS]
    )
    count[StreamCount.RECEIVED] += 1
    count[StreamCount.DELAY_SUM_NS] += transit_ns
    count[StreamCount.DELAY_MAX_NS] = max(count[StreamCount.DELAY_MAX_NS], transit_ns)
    count[StreamCount.LAST_NS] = now_ns
    count[StreamCount.LAST_TRANSIT_NS] = transit_ns
