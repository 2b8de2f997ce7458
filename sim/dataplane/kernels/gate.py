"""The gate of a relay: what it stops of what its children's up lines bring.

See docs/model.md, section 4. What depends on the scenario alone is looked up in `Gates`.
"""

from __future__ import annotations

from sim.compiled import kernel
from sim.dataplane.kernels.arrays import FED, UNFED
from sim.dataplane.kernels.arrival import note
from sim.dataplane.kernels.source import PORT, lose_up
from sim.dataplane.tally import Fate, StreamCount

UNSELECTED = int(StreamCount.UNSELECTED)
COMPOSED = int(StreamCount.COMPOSED)
FATE_REFUSED_PORT = int(Fate.REFUSED_PORT)
FATE_UNSELECTED = int(Fate.UNSELECTED)
FATE_COMPOSED = int(Fate.COMPOSED)
PASSES = -1  # no Fate


@kernel
def holds(values, low, high, value):
    """Say whether a value is among values[low:high], which are sorted."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low < end and values[low] == value


@kernel
def gate_fate(relay, epoch, origin, stream, tree):
    """Return why a living relay stops a packet from below, or PASSES; it may end there too.

    `epoch` is the present one of the relay's choice; `epoch_first[relay + 1]`: it has no limit.
    """
    gates = tree.gates
    source = origin * tree.down.size + stream
    if holds(gates.refused, gates.refused_first[relay], gates.refused_first[relay + 1], source):
        return FATE_REFUSED_PORT
    if tree.floor[stream] or tree.tier[relay] <= tree.ends[stream]:
        return PASSES
    if gates.composes[relay]:
        return FATE_COMPOSED
    if epoch == gates.epoch_first[relay + 1]:
        return PASSES
    chosen = holds(gates.chosen, gates.chosen_first[epoch], gates.chosen_first[epoch + 1], origin)
    return PASSES if chosen else FATE_UNSELECTED


@kernel
def stop(d, relay, packet, fate, at_ns, tree, flow, counts, bench):
    """Count a packet that came over direction `d` and that the relay stops."""
    if fate == FATE_REFUSED_PORT:
        lose_up(packet, PORT, tree.tier[relay], tree, flow, counts)
    else:
        column = UNSELECTED if fate == FATE_UNSELECTED else COMPOSED
        counts.stream[flow.origin[packet], flow.stream[packet], column] += 1
    if tree.watched[d]:
        note(tree.hop[d], packet, fate, at_ns, flow, bench)


@kernel
def admit(s, arrived, tree, lines, flow, changes, counts, bench):
    """Stop what the relay above `s` stops of what has arrived there; return how many are left.

    Those stay on the bench, in their order. A dead relay stops nothing: it loses it, or it ends.
    """
    n, gates = tree.relay.size, tree.gates
    d, above = n + s, tree.parent[s]
    c, last, alive = changes.first[n + above], changes.first[n + above + 1], lines.fed[n + above]
    epoch, epochs_end = gates.epoch_first[above], gates.epoch_first[above + 1]
    kept = 0
    for i in range(arrived):
        packet, at_ns = bench.packet[i], bench.arrival_ns[i]
        while c < last and changes.at_ns[c] <= at_ns:
            if changes.kind[c] in (FED, UNFED):
                alive = changes.kind[c] == FED
            c += 1
        while epoch + 1 < epochs_end and gates.epoch_ns[epoch + 1] <= at_ns:
            epoch += 1
        fate = PASSES
        if alive:
            fate = gate_fate(above, epoch, flow.origin[packet], flow.stream[packet], tree)
        if fate == PASSES:
            bench.packet[kept], bench.arrival_ns[kept] = packet, at_ns
            kept += 1
        else:
            stop(d, above, packet, fate, at_ns, tree, flow, counts, bench)
    return kept
