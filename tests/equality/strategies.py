"""Random small meetings in which ties are common.

Small integers do it: with realistic rates two things hardly ever happen at one instant, and a
`<` for a `<=` would go unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from hypothesis import strategies as st

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
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate
from sim.network.tree import Network, build_network
from sim.scenario.model import Direction, Egress, Line, Loss, Policer, Scenario
from tests.equality import trees
from tests.equality.rehearsal import Cuts, Rehearsal, Sent, play, rows
from tests.equality.trees import BYTE_PER_NS, LOSSLESS, TIERS

CARRIERS = ("vnpt", "viettel")
# 1, 2, 1/2 and 8/3 ns per byte: halves and thirds must be rounded.
RATES_BPS = (BYTE_PER_NS, BYTE_PER_NS // 2, BYTE_PER_NS * 2, 3 * 10**9)
# Tokens for 1, 1/2 and 1/4 byte per ns: the last token is often just enough, or one is missing.
POLICER_RATES_BPS = (BYTE_PER_NS, BYTE_PER_NS // 2, BYTE_PER_NS // 4, BYTE_PER_NS - 1)
REPAIRS: dict[type[Edit], type[Edit]] = {
    FailLine: RestoreLine,
    FailRelay: RestoreRelay,
    FailRoom: RestoreRoom,
}
SOON_NS = range(1, 6)  # a packet that leaves so soon after another probably waited for it
STREAMS = 3
MOST_SITES = 12
MOST_PACKETS = 40
MOST_CHANGES = 16
LONGEST_NS = 60
SIZES_BYTES = st.integers(1, 5)
rates_bps = st.sampled_from(RATES_BPS)
chances = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.9, 1.0])


ON_LINES = (FailLine, RestoreLine, SetLineRate, SetLineLoss)
Moment = tuple[int, int]  # ns, number of a site

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a site is made of; `parent` picks one of the places where it may hang."""

    parent: int
    line: Line
    processing_ns: int
    egresses: tuple[Egress, ...]
    room: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When and where one thing happens to packets, and the edits worth trying just then."""

    moments: list[Moment]
    kinds: tuple[type[Edit], ...]


def lists_of(
    elements: st.SearchStrategy[T], *, fewest: tuple[int, ...], most: int
) -> st.SearchStrategy[list[T]]:
    """Return lists that are often long: Hypothesis prefers short ones, where little happens."""
    return st.sampled_from(fewest).flatmap(
        lambda least: st.lists(elements, min_size=least, max_size=most)
    )


@st.composite
def losses(draw: st.DrawFn) -> Loss:
    """Draw no loss, Bernoulli, Gilbert, or all four parameters of Gilbert-Elliott."""
    kind = draw(st.sampled_from(["none", "none", "bernoulli", "gilbert", "gilbert-elliott"]))
    if kind == "none":
        return LOSSLESS
    if kind == "bernoulli":
        return replace(LOSSLESS, good=draw(chances))
    p = draw(chances)
    r = draw(chances if p > 0 else chances.filter(bool))
    if kind == "gilbert":
        return Loss(p=p, r=r, bad=1.0, good=0.0)
    return Loss(p=p, r=r, bad=draw(chances), good=draw(chances))


@st.composite
def policers(draw: st.DrawFn) -> Policer | None:
    """Draw none, a bucket that may be less than a packet, or one that may be more than a queue.

    A tight one leaves little to meet behind it, so not all are.
    """
    kind = draw(st.sampled_from(["none", "none", "tight", "ample"]))
    if kind == "none":
        return None
    burst_bytes = st.integers(3, 10) if kind == "tight" else st.integers(12, 30)
    rate_bps = draw(st.sampled_from(POLICER_RATES_BPS))
    return Policer(rate_bps=rate_bps, burst_bytes=draw(burst_bytes))


@st.composite
def directions(draw: st.DrawFn) -> Direction:
    """Draw a direction whose memory holds a few packets."""
    return trees.direction(
        rate_bps=draw(rates_bps),
        buffer_bytes=draw(st.integers(4, 30)),
        mtu_bytes=draw(st.integers(1, 5)),
        loss=draw(losses()),
        policer=draw(policers()),
    )


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """Draw a line of either carrier."""
    return trees.line(
        draw(directions()),
        propagation_ns=draw(st.integers(0, 6)),
        carrier=draw(st.sampled_from(CARRIERS)),
    )


@st.composite
def egresses(draw: st.DrawFn) -> tuple[Egress, ...]:
    """Draw a relay's egresses: one for all, one per carrier, or one for a carrier and the rest."""
    carriers = draw(st.sampled_from([("",), CARRIERS, (CARRIERS[0], "")]))
    return tuple(
        trees.egress(
            carrier=carrier,
            rate_bps=draw(st.sampled_from([0, *RATES_BPS, BYTE_PER_NS * 2])),
            buffer_bytes=draw(st.integers(4, 40)),
            mtu_bytes=draw(st.integers(1, 5)),
            overhead_ns=draw(st.integers(0, 2)),
        )
        for carrier in carriers
    )


@st.composite
def parts(draw: st.DrawFn) -> Parts:
    """Draw what one site could be made of; a leaf leaves its relay aside, the root its line."""
    return Parts(
        parent=draw(st.sampled_from([0, 0, 0, 1, 2, 3, 4])),
        line=draw(lines()),
        processing_ns=draw(st.integers(0, 3)),
        egresses=draw(egresses()),
        room=draw(st.integers(0, 3)) > 0,
    )


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a tree of up to four tiers and a dozen sites, with leaves at any depth."""
    drawn = draw(lists_of(parts(), fewest=(0, 3, 7), most=MOST_SITES - 1))
    root = draw(parts())
    parents, depth = {"0": ""}, {"0": 0}
    # "10" sorts before "2", so that ranks are not ages.
    sites = {str(number): site for number, site in enumerate([root, *drawn])}
    for site in list(sites)[1:]:
        # Five places at most to hang a site below make siblings common.
        above = [s for s in depth if depth[s] < len(TIERS) - 1][:5]
        parents[site] = above[sites[site].parent % len(above)]
        depth[site] = depth[parents[site]] + 1
    return trees.scenario(
        parents,
        lines={site: sites[site].line for site in sites},
        processing_ns={site: sites[site].processing_ns for site in sites},
        egresses={site: sites[site].egresses for site in sites},
        # The root sends; it has no endpoint.
        rooms=[site for site in list(sites)[1:] if sites[site].room],
        duration_ns=draw(st.integers(1, LONGEST_NS)),
        window_ns=draw(st.integers(1, LONGEST_NS)),
        dark_after_ns=draw(st.integers(0, 8)),
        seed=draw(st.integers(0, 2**16)),
        streams=STREAMS,
    )


@st.composite
def sent_packets(draw: st.DrawFn, duration_ns: int) -> tuple[Sent, ...]:
    """Draw packets sent at a few instants only, ordered by (sent_ns, stream)."""
    last_ns = draw(st.sampled_from([duration_ns - 1, duration_ns // 2, duration_ns // 4]))
    pool = draw(st.lists(st.integers(0, last_ns), min_size=1, max_size=10, unique=True))
    packet = st.tuples(st.sampled_from(pool), st.integers(0, STREAMS - 1), SIZES_BYTES)
    packets = draw(lists_of(packet, fewest=(0, 8, 20), most=MOST_PACKETS))
    return tuple(sorted(packets, key=lambda packet: packet[:2]))


@st.composite
def edits(draw: st.DrawFn, occasion: Occasion, moment: Moment, network: Network) -> list[Edit]:
    """Draw a change to a site, its line, or a relay or egress beside it; a fault may end later.

    The repair may come at the very instant of the fault, which then only kills.
    """
    at_ns, site = moment
    first, end = network.site_egress_first[site : site + 2].tolist()
    around = [*range(first, end), int(network.feed[site])]
    interfaces = [e for e in around if e >= 0 and network.egresses[e].rate_bps > 0]
    possible = list(occasion.kinds)
    if site == 0:
        possible = [kind for kind in possible if kind not in ON_LINES]
    if not interfaces:
        possible = [kind for kind in possible if kind is not SetEgressRate]
    kind = draw(st.sampled_from(possible))
    if kind is SetEgressRate:
        egress = draw(st.sampled_from(interfaces))
        return [SetEgressRate(at_ns=at_ns, target=egress, rate_bps=draw(rates_bps))]
    if kind is SetLineRate:
        return [SetLineRate(at_ns=at_ns, target=site, rate_bps=draw(rates_bps))]
    if kind is SetLineLoss:
        line = network.lines[site]
        assert line is not None
        changed = replace(line.down.loss, bad=draw(chances), good=draw(chances))
        return [SetLineLoss(at_ns=at_ns, target=site, loss=changed)]
    above = max(int(network.parent[site]), 0)
    changes = [kind(at_ns=at_ns, target=site)]
    if kind in (FailRelay, RestoreRelay) and draw(st.booleans()):
        changes = [kind(at_ns=at_ns, target=above)]
    if kind is FailRoom and draw(st.booleans()):
        changes.append(FailRelay(at_ns=at_ns, target=site))
    if kind in REPAIRS and draw(st.integers(0, 3)):
        after_ns = draw(st.integers(0, 6))
        changes += [
            REPAIRS[type(change)](at_ns=at_ns + after_ns, target=change.target)
            for change in changes
        ]
    return changes


def occasions(rehearsal: Rehearsal, network: Network) -> list[Occasion]:
    """Return when packets leave, arrive and are processed if nothing is edited, and any time.

    The reference engine tells, by a run of its own without edits: an edit aimed at an instant
    at which something happens finds the rare ties that one at random would miss.
    """
    duration_ns, sites = rehearsal.scenario.duration_ns, range(len(network.sites))
    engine = ReferenceEngine(rehearsal.scenario, network, watch=frozenset(sites))
    for _ in play(rehearsal, engine):
        pass
    delivered = [(at, site) for site, _, fate, at in rows(engine.fates()) if fate == Fate.ARRIVED]
    arrived = delivered + [(sent_ns, 0) for sent_ns, _, _ in rehearsal.packets]
    left = {(at - int(network.propagation_ns[site]), site) for at, site in delivered}
    ready = [
        (at + int(network.processing_ns[site]), site) for at, site in arrived if network.relay[site]
    ]
    beside = [(at, site) for at, site in arrived if network.relay[site] and network.room[site]]
    followed = [(at, site) for at, site in left if any((at + n, site) in left for n in SOON_NS)]
    on_wire = [(at - 1, site) for at, site in delivered if network.propagation_ns[site] > 1]
    any_time = [(at, site) for at in range(duration_ns) for site in sites]
    found = [
        (left, (FailLine, FailRelay, SetLineLoss, *[SetLineRate, SetEgressRate] * 3)),
        (delivered, (*[FailLine] * 3, FailRelay, FailRoom)),
        (beside, (FailRoom,)),
        (followed, (SetLineRate,)),
        (ready, (FailRelay, SetEgressRate)),
        (on_wire, (FailLine, FailRelay)),
        (any_time, (*REPAIRS, *REPAIRS.values(), SetLineRate, SetEgressRate, SetLineLoss)),
    ]
    in_time = [
        Occasion(moments=sorted({m for m in moments if 0 <= m[0] < duration_ns}), kinds=kinds)
        for moments, kinds in found
    ]
    return [occasion for occasion in in_time if occasion.moments]


@st.composite
def rehearsals(draw: st.DrawFn) -> Rehearsal:
    """Draw a meeting: a tree, its packets, and edits where and when something happens."""
    scenario = draw(scenarios())
    network = build_network(scenario)
    packets = draw(sent_packets(scenario.duration_ns))
    quiet = Rehearsal(scenario=scenario, packets=packets, edits=())
    change = st.sampled_from(occasions(quiet, network)).flatmap(
        lambda occasion: st.sampled_from(occasion.moments).flatmap(
            lambda moment: edits(occasion, moment, network)
        )
    )
    drawn = chain.from_iterable(draw(lists_of(change, fewest=(0, 4, 8), most=MOST_CHANGES)))
    in_time = [edit for edit in drawn if edit.at_ns < scenario.duration_ns]
    return replace(quiet, edits=tuple(sorted(in_time, key=lambda edit: edit.at_ns)))


@st.composite
def cuttings(draw: st.DrawFn, duration_ns: int) -> Cuts:
    """Draw where time is cut: nowhere, at every ns, or at any set of instants."""
    inside = range(1, duration_ns)
    if not inside:
        return ()
    kind = draw(st.sampled_from(["whole", "some", "some", "every ns"]))
    if kind == "whole":
        return ()
    if kind == "every ns":
        return tuple(inside)
    return tuple(sorted(draw(st.sets(st.sampled_from(inside), max_size=12))))
