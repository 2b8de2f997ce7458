"""Edits where and when something happens: one at random would miss the rare ties."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sim.dataplane.edit import (
    Edit,
    FailLine,
    FailRelay,
    FailRoom,
    RestoreLine,
    RestoreRelay,
    RestoreRoom,
    SetEgressRate,
    SetLineLoss,
    SetLineRate,
)
from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import EgressCount, Fate, LineCount
from sim.network.tree import Network
from tests.equality.meetings import chances, rates_bps
from tests.equality.rehearsal import Rehearsal, every_ns, play

REPAIRS: dict[type[Edit], type[Edit]] = {
    FailLine: RestoreLine,
    FailRelay: RestoreRelay,
    FailRoom: RestoreRoom,
}
ON_LINES = (FailLine, RestoreLine, SetLineRate, SetLineLoss)
SOON_NS = range(1, 6)  # a packet that leaves so soon after another probably waited for it
BACKGROUND = slice(LineCount.BACKGROUND_OFFERED, LineCount.BACKGROUND_SENT + 1)
EGRESS_BACKGROUND = slice(EgressCount.BACKGROUND_OFFERED, EgressCount.BACKGROUND_SENT + 1)

Moment = tuple[int, int]  # ns, number of a hop: s down to a site, n + s up from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When and where one thing happens to packets, and the edits worth trying just then."""

    moments: list[Moment]
    kinds: tuple[type[Edit], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """When packets of others come to a hop or have left it, and when packets are overtaken.

    Those of others at an egress are said of its relay.
    """

    background: list[Moment]
    overtakings_ns: list[int]


@st.composite
def changes(draw: st.DrawFn, occasions: list[Occasion], network: Network) -> list[Edit]:
    """Draw a change on one of the occasions; a fault may end later.

    It is to a hop, its site, the site above, or an egress of these. The repair may come at the
    very instant of the fault, which then only kills.
    """
    occasion = draw(st.sampled_from(occasions))
    at_ns, hop = draw(st.sampled_from(occasion.moments))
    site = int(network.direction_site[hop])
    first, end = network.site_egress_first[site : site + 2].tolist()
    around = [*range(first, end), int(network.feed[site])]
    interfaces = [e for e in around if e >= 0 and network.egresses[e].rate_bps > 0]
    possible = list(occasion.kinds)
    if site == 0:
        possible = [kind for kind in possible if kind not in ON_LINES]
    if not interfaces:
        possible = [kind for kind in possible if kind is not SetEgressRate]
    if not possible:
        return []
    kind = draw(st.sampled_from(possible))
    if kind is SetEgressRate:
        egress = draw(st.sampled_from(interfaces))
        return [SetEgressRate(at_ns=at_ns, target=egress, rate_bps=draw(rates_bps))]
    if kind is SetLineRate:
        return [SetLineRate(at_ns=at_ns, target=hop, rate_bps=draw(rates_bps))]
    if kind is SetLineLoss:
        before = network.direction(hop).loss
        changed = replace(before, bad=draw(chances), good=draw(chances))
        return [SetLineLoss(at_ns=at_ns, target=hop, loss=changed)]
    above = max(int(network.parent[site]), 0)
    changes = [kind(at_ns=at_ns, target=site)]
    if kind in (FailRelay, RestoreRelay) and draw(st.booleans()):
        changes = [kind(at_ns=at_ns, target=above)]
    if kind is FailRoom and draw(st.booleans()):
        changes.append(FailRelay(at_ns=at_ns, target=site))
    if kind in REPAIRS and draw(st.integers(0, 7)):
        after_ns = draw(st.integers(0, 6))
        changes += [
            REPAIRS[type(change)](at_ns=at_ns + after_ns, target=change.target)
            for change in changes
        ]
    return changes


def occasions(rehearsal: Rehearsal, network: Network) -> list[Occasion]:
    """Return when packets leave, arrive and are processed if nothing is edited, and any time.

    The reference engine tells, by a run of its own without edits.
    """
    n, duration_ns = len(network.sites), rehearsal.scenario.duration_ns
    engine = ReferenceEngine(rehearsal.scenario, network, watch=frozenset(range(n)))
    seen = _play(rehearsal, network, engine)
    fates = engine.fates()
    moments = list(zip(fates.fate.tolist(), fates.at_ns.tolist(), fates.hop.tolist(), strict=True))
    delivered = [(at, hop) for fate, at, hop in moments if fate == Fate.ARRIVED]
    doomed = [(at, hop) for fate, at, hop in moments if fate == Fate.LINE_LOSS]
    packets = rehearsal.in_order()
    goes_down = [stream.direction == "down" for stream in rehearsal.scenario.streams]
    from_rooms = [(p.sent_ns, n + p.origin) for p in packets if not goes_down[p.stream]]
    from_relays = [(p.sent_ns, p.origin) for p in packets if goes_down[p.stream]]
    composite = [stream.composite for stream in rehearsal.scenario.streams]
    mixed = [(p.sent_ns, n + p.origin) for p in packets if composite[p.stream]]
    # Sites, down hops and relays share their numbers.
    come_up = [(at, int(network.parent[hop - n])) for at, hop in delivered if hop >= n]
    come_down = [(at, hop) for at, hop in delivered if hop < n]
    at_relays = [m for m in come_up + come_down + from_relays if network.relay[m[1]]]

    left = {(at - int(network.propagation_ns[hop]), hop) for at, hop in delivered}
    ready = [(at + int(network.processing_ns[site]), site) for at, site in at_relays]
    beside = [m for m in come_down if network.relay[m[1]] and network.room[m[1]]]
    followed = [(at, hop) for at, hop in left if any((at + soon, hop) in left for soon in SOON_NS)]
    on_wire = [(at - 1, hop) for at, hop in delivered if network.propagation_ns[hop] > 1]
    on_up_wire = [(at, hop) for at, hop in on_wire if hop >= n]
    arrived_up = [(at, hop) for at, hop in delivered if hop >= n]
    ready_up = [(at + int(network.processing_ns[site]), site) for at, site in come_up]
    reordered = [(at, hop) for at, hop in left if at in seen.overtakings_ns]
    reordered += [(at, site) for site in network.egress_site.tolist() for at in seen.overtakings_ns]
    any_time = [(at, hop) for at in range(duration_ns) for hop in range(2 * n) if hop != n]
    found = [
        (left, (FailLine, FailRelay, SetLineLoss, *[SetLineRate, SetEgressRate] * 3)),
        (delivered, (*[FailLine] * 3, FailRelay, FailRoom)),
        (doomed, (FailLine, FailRelay)),
        (arrived_up, (FailRelay,)),
        *[(beside, (FailRoom,))] * 3,
        (from_rooms, (FailRoom, FailRelay, SetLineRate)),
        (mixed, (FailRoom,)),
        (followed, (SetLineRate,)),
        (ready, (FailRelay, SetEgressRate)),
        (ready_up, (FailRelay,)),
        (on_wire, (FailLine, FailRelay)),
        (on_up_wire, (FailRelay,)),
        *[(reordered, (SetLineRate, SetEgressRate))] * 2,
        (seen.background, (FailLine, FailRelay, SetLineRate, SetEgressRate)),
        (any_time, (*REPAIRS, *REPAIRS.values(), SetLineRate, SetEgressRate, SetLineLoss)),
    ]
    in_time = [
        Occasion(moments=sorted({m for m in moments if 0 <= m[0] < duration_ns}), kinds=kinds)
        for moments, kinds in found
    ]
    return [occasion for occasion in in_time if occasion.moments]


def _play(rehearsal: Rehearsal, network: Network, engine: ReferenceEngine) -> Seen:
    """Play the rehearsal to its end and return what no fate says."""
    background: list[Moment] = []
    overtakings_ns = []
    on_lines, at_egresses, overtakings = _counts(engine)
    for end_ns in play(rehearsal, engine, every_ns(rehearsal)):
        now_on_lines, now_at_egresses, now_overtakings = _counts(engine)
        hops = np.flatnonzero(now_on_lines != on_lines).tolist()
        relays = network.egress_site[now_at_egresses != at_egresses].tolist()
        background += [(end_ns - 1, hop) for hop in hops + relays]
        if now_overtakings != overtakings:
            overtakings_ns.append(end_ns - 1)
        on_lines, at_egresses, overtakings = now_on_lines, now_at_egresses, now_overtakings
    return Seen(background=background, overtakings_ns=overtakings_ns)


def _counts(engine: ReferenceEngine) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return how often packets of others have come or left so far, and any was overtaken."""
    tally, met = engine.tally, engine.encounters
    return (
        tally.line[:, BACKGROUND].sum(axis=1),
        tally.egress[:, EGRESS_BACKGROUND].sum(axis=1),
        met[Encounter.OVERTAKEN_ON_LINE] + met[Encounter.OVERTAKEN_AT_EGRESS],
    )
