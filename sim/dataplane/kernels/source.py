"""What a packet's source learns of its losses, beside what the place of the loss counts."""

from __future__ import annotations

from sim.compiled import kernel
from sim.dataplane.tally import LossCause, StreamCount

LOST_OUTAGE = int(StreamCount.LOST_OUTAGE)
OUTAGE = int(LossCause.OUTAGE)
POLICER = int(LossCause.POLICER)
QUEUE = int(LossCause.QUEUE)
LINE = int(LossCause.LINE)
ENDPOINT = int(LossCause.ENDPOINT)
PORT = int(LossCause.PORT)


@kernel
def lose_up(packet, cause, tier, tree, flow, counts):
    """Book a loss on the way up to its source.

    A floor packet's is a loss to every room, so it is kept by the tier where it happened too.
    """
    origin, stream = flow.origin[packet], flow.stream[packet]
    counts.stream[origin, stream, LOST_OUTAGE + cause - OUTAGE] += 1
    if tree.floor[stream]:
        counts.floor_lost[origin, cause, tier] += 1


@kernel
def lose_down(s, packet, cause, tier, tree, flow, counts):
    """Book a loss on the way down to `s` to its source, where `s` leads back to it."""
    origin = flow.origin[packet]
    place = tree.place[origin]
    if tree.place[s] <= place < tree.end[s] and tree.floor[flow.stream[packet]]:
        counts.own_lost[origin, cause, tier] += 1


@kernel
def lose(d, packet, cause, tree, flow, counts):
    """Book a loss on direction `d` to the packet's source."""
    s = tree.site[d]
    if tree.rises[d]:
        lose_up(packet, cause, tree.tier[s], tree, flow, counts)
    else:
        lose_down(s, packet, cause, tree.tier[s], tree, flow, counts)
