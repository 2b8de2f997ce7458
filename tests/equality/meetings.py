"""Random small meetings: a tree, its lines and relays, its streams and who has the floor.

The parts of one meeting are picked from a few that are drawn for it, which keeps the search quick.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, TypeVar

from hypothesis import strategies as st

from sim.scenario.model import (
    HOUR_NS,
    HOURS,
    PARENT,
    Background,
    Direction,
    Egress,
    Line,
    Loss,
    Policer,
    Scenario,
    Scheduling,
    Stream,
    Turn,
)
from tests.equality import trees
from tests.equality.trees import BYTE_PER_NS, LOSSLESS, TIERS

CARRIERS = ("vnpt", "viettel")
CLASSES = ("audio", "video", "data")
# 1, 2, 1/2 and 8/3 ns per byte: halves and thirds must be rounded.
RATES_BPS = (BYTE_PER_NS, BYTE_PER_NS // 2, BYTE_PER_NS * 2, 3 * 10**9)
# Tokens for 1, 1/2 and 1/4 byte per ns: the last token is often just enough, or one is missing.
POLICER_RATES_BPS = (BYTE_PER_NS, BYTE_PER_NS // 2, BYTE_PER_NS // 4, BYTE_PER_NS - 1)
# Poisson packets of 1 to 3 bytes then come every 3 to 48 ns.
POISSON_RATES_BPS = (BYTE_PER_NS // 3, BYTE_PER_NS // 8, BYTE_PER_NS // 16)
NO_COMPOSER = -1
FEWEST_STREAMS, MOST_STREAMS = 4, 5
MOST_SITES = 12
LONGEST_NS = 60
rates_bps = st.sampled_from(RATES_BPS)
chances = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.9, 1.0])
precedences = st.integers(0, len(CLASSES) - 1)
schedulings: st.SearchStrategy[Scheduling] = st.sampled_from(["fifo", "priority", "priority"])
ways: st.SearchStrategy[Literal["down", "up", "floor"]] = st.sampled_from(
    ["down", "down", "up", "up", "floor"]
)

FIXED_WAYS: dict[str, Literal["down", "up", "floor"]] = {"f": "floor", "g": "up"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a site is made of; `parent` picks one of the places where it may hang.

    `step` is how many tiers it is below its parent, as far as there are so many. A relay that
    does not compose has a `transcoding_ns` of -1.
    """

    parent: int
    step: int
    line: Line
    processing_ns: int
    egresses: tuple[Egress, ...]
    transcoding_ns: int
    select: int
    ports: int
    room: bool


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
    kind = draw(st.sampled_from([*["none"] * 4, "bernoulli", "gilbert", "gilbert-elliott"]))
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
    kind = draw(st.sampled_from([*["none"] * 3, "tight", "ample"]))
    if kind == "none":
        return None
    burst_bytes = st.integers(3, 10) if kind == "tight" else st.integers(12, 30)
    rate_bps = draw(st.sampled_from(POLICER_RATES_BPS))
    return Policer(rate_bps=rate_bps, burst_bytes=draw(burst_bytes))


@st.composite
def backgrounds(draw: st.DrawFn) -> Background | None:
    """Draw none, a steady share, or packets every few ns; even and odd hours differ."""
    kind = draw(st.sampled_from([*["none"] * 3, "steady", "poisson", "bursts"]))
    if kind == "none":
        return None
    even, odd = draw(st.sampled_from([(1.0, 1.0), (1.0, 2.0), (1.5, 0.5)]))
    profile = (even, odd) * (HOURS // 2)
    if kind == "steady":
        return trees.steady(share=draw(st.sampled_from([0.1, 0.25, 0.45])), profile=profile)
    if kind == "poisson":
        return trees.poisson(
            rate_bps=draw(st.sampled_from(POISSON_RATES_BPS)),
            packet_bytes=draw(st.integers(1, 3)),
            precedence=draw(precedences),
            profile=profile,
        )
    return trees.bursts(
        burst_ns=draw(st.integers(1, 6)),
        silence_ns=draw(st.integers(1, 20)),
        rate_bps=draw(rates_bps),
        packet_bytes=draw(st.integers(1, 3)),
        precedence=draw(precedences),
        profile=profile,
    )


@st.composite
def directions(draw: st.DrawFn) -> Direction:
    """Draw a direction whose memory holds a few packets."""
    return trees.direction(
        rate_bps=draw(rates_bps),
        buffer_bytes=draw(st.integers(4, 40)),
        mtu_bytes=draw(st.integers(1, 5)),
        loss=draw(losses()),
        policer=draw(policers()),
        scheduling=draw(schedulings),
        background=draw(backgrounds()),
    )


@st.composite
def egresses(draw: st.DrawFn) -> tuple[Egress, ...]:
    """Draw a relay's egresses: one for all, one per carrier, or one for a carrier and the rest."""
    carriers = draw(st.sampled_from([("",), CARRIERS, (CARRIERS[0], "")]))
    return tuple(
        trees.egress(
            carrier=carrier,
            rate_bps=draw(st.sampled_from([0, *RATES_BPS, BYTE_PER_NS * 2])),
            buffer_bytes=draw(st.integers(6, 60)),
            mtu_bytes=draw(st.integers(1, 5)),
            overhead_ns=draw(st.integers(0, 2)),
            scheduling=draw(schedulings),
            background=draw(backgrounds()),
        )
        for carrier in carriers
    )


def lines(ports: list[Direction]) -> st.SearchStrategy[Line]:
    """Return lines of either carrier."""
    return st.builds(
        trees.line,
        st.sampled_from(ports),
        st.sampled_from(ports),
        propagation_ns=st.integers(0, 6),
        carrier=st.sampled_from(CARRIERS),
    )


def parts(lines: list[Line], interfaces: list[tuple[Egress, ...]]) -> st.SearchStrategy[Parts]:
    """Return what one site could be made of; a leaf leaves its relay aside, the root its line."""
    return st.builds(
        Parts,
        parent=st.sampled_from([0, 0, 1, 1, 2, 3, 4]),
        step=st.sampled_from([1, 1, 1, 2]),
        line=st.sampled_from(lines),
        processing_ns=st.integers(0, 3),
        egresses=st.sampled_from(interfaces),
        transcoding_ns=st.sampled_from([*[NO_COMPOSER] * 5, 0, 3]),
        select=st.sampled_from([0, 1, 1, 2]),
        ports=st.sampled_from([*[0] * 6, 1, 3, 6]),
        room=st.sampled_from([True, True, True, False]),
    )


def origins(possible: list[str]) -> st.SearchStrategy[list[str]]:
    """Return who sends a stream: all who could, the first, or a few of them."""
    few = st.lists(st.sampled_from(possible), min_size=1, max_size=4, unique=True)
    return st.sampled_from([possible, possible[:1]]) | few


@st.composite
def streams(draw: st.DrawFn, name: str, parents: dict[str, str], composers: list[str]) -> Stream:
    """Draw a stream of any direction, but `f` is one of who has the floor.

    `g` goes up from all to the root, so that relays have to choose; `h` is a composite if any
    relay composes.
    """
    direction = FIXED_WAYS[name] if name in FIXED_WAYS else draw(ways)
    if name == "h" and composers:
        direction = "up"
    above = set(parents.values())
    who: list[str] = []
    to = ""
    if direction == "down":
        who = draw(origins([site for site in parents if site in above]))
    composite = direction == "up" and bool(composers) and (name == "h" or draw(st.booleans()))
    composite = composite and name != "g"
    if direction == "up":
        below = [site for site in parents if parents[site]]
        who = below if name == "g" else draw(origins(composers if composite else below))
        to = draw(st.sampled_from([PARENT, PARENT, TIERS[0], *TIERS[:3]]))
        to = TIERS[0] if name == "g" else to
    return trees.stream(
        name,
        direction=direction,
        origins=who,
        to=to,
        composite=composite,
        meeting=draw(st.sampled_from(["", "", "another"])),
        precedence=draw(precedences),
        playout_ns=draw(st.sampled_from([0, 1, 2, 4, 8])),
        key_every=draw(st.sampled_from([0, 5, 5])),
    )


@st.composite
def agendas(
    draw: st.DrawFn, sites: list[str], ranked: list[str], duration_ns: int
) -> tuple[Turn, ...]:
    """Draw turns in order of time, of any site, that may follow each other at once.

    Half of them are of `ranked` sites, among which some relay has to choose, if there are any.
    """
    instants = st.integers(0, duration_ns)
    edges = sorted(draw(st.lists(instants, min_size=2, max_size=6, unique=True)))
    site = st.sampled_from(sites)
    if ranked:
        site |= st.sampled_from(ranked)
    turns = [
        Turn(at_ns=at_ns, until_ns=until_ns, site=draw(site)) for at_ns, until_ns in pairwise(edges)
    ]
    return tuple(turn for turn in turns if draw(st.sampled_from([True, True, False])))


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a tree of up to four tiers and a dozen sites, with leaves at any depth.

    Siblings whose lines are alike, and let everything pass, bring packets at one instant.
    """
    ports = [trees.direction(), *draw(st.lists(directions(), min_size=1, max_size=4))]
    wires = draw(st.lists(lines(ports), min_size=2, max_size=5))
    interfaces = draw(st.lists(egresses(), min_size=1, max_size=3))
    one = parts(wires, interfaces)
    drawn = draw(lists_of(one, fewest=(1, 4, 8), most=MOST_SITES - 1))
    root = draw(one)
    parents, tiers = {"0": ""}, {"0": 0}
    # "10" sorts before "2", so that ranks are not ages.
    sites = {str(number): site for number, site in enumerate([root, *drawn])}
    for site in list(sites)[1:]:
        # Five places at most to hang a site below make siblings common.
        above = [s for s in tiers if tiers[s] < len(TIERS) - 1][:5]
        parents[site] = above[sites[site].parent % len(above)]
        tiers[site] = min(tiers[parents[site]] + sites[site].step, len(TIERS) - 1)
    duration_ns = draw(st.integers(1, LONGEST_NS) | st.integers(LONGEST_NS // 2, LONGEST_NS))
    relays = set(parents.values()) - {""}
    composing = {
        site: sites[site].transcoding_ns
        for site in parents
        if site in relays and sites[site].transcoding_ns != NO_COMPOSER
    }
    composers = [site for site in composing if parents[site]]
    select = {site: 0 if site in composing else sites[site].select for site in parents}
    ranked = [site for site in parents if parents[site] in relays - {"0"} and select[parents[site]]]
    names = "fghij"[: draw(st.integers(FEWEST_STREAMS, MOST_STREAMS))]
    return trees.scenario(
        parents,
        tiers={site: TIERS[tier] for site, tier in tiers.items()},
        lines={site: sites[site].line for site in sites},
        processing_ns={site: sites[site].processing_ns for site in sites},
        egresses={site: sites[site].egresses for site in sites},
        transcoding_ns=composing,
        select=select,
        ports={site: sites[site].ports for site in sites},
        rooms=[site for site in sites if sites[site].room],
        duration_ns=duration_ns,
        window_ns=draw(st.integers(1, LONGEST_NS)),
        dark_after_ns=draw(st.integers(0, 8) | st.just(100)),
        seed=draw(st.integers(0, 2**16)),
        streams=[draw(streams(name, parents, composers)) for name in names],
        agenda=draw(agendas(list(parents), ranked, duration_ns)),
        classes=CLASSES,
        # The hour, and at last the day, may end during the meeting.
        begins_ns=draw(st.sampled_from([0, HOUR_NS - 8, HOURS * HOUR_NS - 4])),
    )
