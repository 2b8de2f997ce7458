"""What a listener of the reference engine measures: a room, or a relay where a way up ends."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.packet import Packet
from sim.dataplane.tally import StreamCount


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
