"""Random rehearsals in which rooms join and leave, sites use other lines, and relays are half ill.

No relay selects, composes or has ports: where one does, no site may move to another parent.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from sim.dataplane.edit import (
    Edit,
    FailLine,
    JoinRoom,
    LeaveRoom,
    RestoreLine,
    SetLineLoss,
    SetLineRate,
    SetRelayPasses,
    UseLine,
)
from sim.dataplane.reference.engine import ReferenceEngine
from sim.dataplane.tally import Fate
from sim.network.tree import Network, build_network
from sim.scenario.model import Line, Scenario
from tests.control.pools import pool
from tests.equality.changes import changes, occasions
from tests.equality.meetings import chances, lines, lists_of, rates_bps
from tests.equality.rehearsal import Name, Rehearsal, play, rows
from tests.equality.strategies import calm_port, rehearsals

MOST_MOVES = 12


@st.composite
def moving_rehearsals(draw: st.DrawFn) -> Rehearsal:
    """Draw a meeting in which who hangs where, and who takes part, changes."""
    still = draw(rehearsals())
    scenario = draw(with_a_longer_way(draw(with_backups(_open(still.scenario)))))
    if draw(st.booleans()):
        # Most lines go abreast then.
        calm = [
            replace(line, down=calm_port(line.down), up=calm_port(line.up))
            for line in scenario.lines
        ]
        scenario = replace(scenario, lines=tuple(calm))
    network = build_network(scenario)
    quiet = replace(still, scenario=scenario, edits=())
    found = occasions(quiet, network)
    moments = sorted({moment for occasion in found for moment in occasion.moments})
    move = moves(moments, network, streams=len(scenario.streams))
    again, leaving = _chances_to_come_again(quiet, network), _chances_to_leave(quiet, network)
    # Two ways seldom differ just so; where they do it is nearly always tried.
    alone = draw(st.sampled_from([*[again] * 6 * bool(again), *[leaving] * bool(leaving), [], []]))
    if alone:
        return replace(quiet, edits=draw(st.sampled_from(alone)))
    drawn = [
        edit for edits in draw(lists_of(move, fewest=(1, 4, 8), most=MOST_MOVES)) for edit in edits
    ]
    faults = draw(st.lists(changes(found, network), max_size=6))
    drawn += [edit for edits in faults for edit in edits]
    edits: list[Edit] = []
    used: set[tuple[int, int]] = set()
    for edit in sorted(drawn, key=lambda edit: edit.at_ns):
        at = edit.at_ns, edit.target
        if edit.at_ns >= scenario.duration_ns or (isinstance(edit, UseLine) and at in used):
            continue
        used |= {at} if isinstance(edit, UseLine) else set()
        edits.append(edit)
    return replace(quiet, edits=tuple(edits))


def _arrivals(rehearsal: Rehearsal, network: Network) -> dict[tuple[int, Name], int]:
    """Return when each packet came down to each site, if nothing is edited."""
    n = len(network.sites)
    engine = ReferenceEngine(rehearsal.scenario, network, watch=frozenset(range(n)))
    for _ in play(rehearsal, engine):
        pass
    return {
        (hop, name): at_ns
        for hop, name, fate, at_ns in rows(engine, rehearsal.names())
        if fate == Fate.ARRIVED and hop < n
    }


def _chances_to_come_again(rehearsal: Rehearsal, network: Network) -> list[tuple[Edit, ...]]:
    """Return moves to a relay that something will pass that has come over the way so far."""
    came, duration_ns = _arrivals(rehearsal, network), rehearsal.scenario.duration_ns
    return [
        (UseLine(at_ns=move_ns, target=s, line=line, egress=int(network.line_egress[line])),)
        for (s, name), at_ns in came.items()
        for line in network.lines_of(s)[1:]
        for above in [int(network.line_parent[line])]
        for passes_ns in [came.get((above, name), -1) + int(network.processing_ns[above])]
        for move_ns in (at_ns + 1, passes_ns)
        if network.room[s] and at_ns < move_ns <= passes_ns and move_ns < duration_ns
    ]


def _chances_to_leave(rehearsal: Rehearsal, network: Network) -> list[tuple[Edit, ...]]:
    """Return when a room may leave while something for it is on its way, at a leaf at an egress."""
    return [
        (LeaveRoom(at_ns=at_ns - before_ns, target=s),)
        for (s, _), at_ns in _arrivals(rehearsal, network).items()
        for before_ns in range(1 + int(network.propagation_ns[s]), 10 + network.propagation_ns[s])
        if network.room[s] and s
        if network.relay[s] or network.egresses[int(network.feed[s])].rate_bps
        if 0 <= at_ns - before_ns < rehearsal.scenario.duration_ns
    ]


@st.composite
def with_a_longer_way(draw: st.DrawFn, scenario: Scenario) -> Scenario:
    """Draw a backup line to a relay that packets reach long after the site itself, if one can be.

    Over it some come once more.
    """
    rank = {tier: number for number, tier in enumerate(scenario.tiers)}
    tier = {site.id: rank[site.tier] for site in scenario.sites}
    above = {site.id: site.parent for site in scenario.sites}
    feeds = {relay.site: relay.egresses[0].carrier for relay in scenario.relays}

    def way(site: str) -> list[str]:
        return [site, *way(above[site])] if site else []

    pairs = [
        (line, relay)
        for line in scenario.lines
        for relay in feeds
        if line.role == "primary" and above[relay] and tier[relay] < tier[line.site]
        if relay not in way(line.site)
    ]
    if not pairs:
        return scenario
    line, relay = draw(st.sampled_from(pairs))
    carrier = feeds[relay] or line.carrier
    longer = replace(line, role="backup", parent=relay, carrier=carrier)
    lines = [
        replace(each, propagation_ns=25) if each.site == relay and each.role == "primary" else each
        for each in (*scenario.lines, longer)
    ]
    return replace(scenario, lines=tuple(sorted(lines, key=lambda each: each.site.encode())))


def _open(scenario: Scenario) -> Scenario:
    """Return the scenario with relays that pass everything on.

    Every other one with one interface for all is a pool of two such servers.
    """
    relays = [
        replace(relay, mode="forward", transcoding_ns=0, select=0, ports=0)
        for relay in scenario.relays
    ]
    relays = [
        replace(
            relay,
            egresses=(replace(one, server="1"), replace(one, server="2")),
            pool=pool(policy="round robin"),
        )
        if number % 2 and not one.carrier and one.rate_bps
        else relay
        for number, relay in enumerate(relays)
        for one in relay.egresses[:1]
    ]
    streams = [replace(stream, composite=False) for stream in scenario.streams]
    return replace(scenario, relays=tuple(relays), streams=tuple(streams))


@st.composite
def with_backups(draw: st.DrawFn, scenario: Scenario) -> Scenario:
    """Draw backup lines for sites, each to a relay of a higher tier that has an egress for it."""
    rank = {tier: number for number, tier in enumerate(scenario.tiers)}
    tier = {site.id: rank[site.tier] for site in scenario.sites}
    feeds = {relay.site: {egress.carrier for egress in relay.egresses} for relay in scenario.relays}
    ports = [port for line in scenario.lines for port in (line.down, line.up)]
    backups: list[Line] = []
    for line in scenario.lines:
        parents = [site for site in feeds if tier[site] < tier[line.site]]
        for wire in draw(st.lists(lines(ports), max_size=2)):
            parent = draw(st.sampled_from([line.parent, *parents]))
            if feeds[parent] & {"", wire.carrier}:
                backups.append(replace(wire, site=line.site, parent=parent, role="backup"))
    every = sorted([*scenario.lines, *backups], key=lambda line: line.site.encode())
    return replace(scenario, lines=tuple(every))


@st.composite
def moves(
    draw: st.DrawFn, moments: list[tuple[int, int]], network: Network, *, streams: int
) -> list[Edit]:
    """Draw one thing that happens at a moment to the site of its hop."""
    at_ns, hop = draw(st.sampled_from(moments))
    site = int(network.direction_site[hop])
    own = network.lines_of(site)
    kind = draw(st.sampled_from(["use"] * 4 + ["leave"] * 3 + ["passes", "line", "line"]))
    if kind == "use" and own:
        return draw(_uses(at_ns, site, own, network))
    if kind == "leave":
        back = JoinRoom(at_ns=at_ns + draw(st.integers(0, 12)), target=site)
        return [LeaveRoom(at_ns=at_ns, target=site), *([back] if draw(st.integers(0, 3)) else [])]
    if kind == "passes":
        relay = site if network.relay[site] else max(int(network.parent[site]), 0)
        none = (False,) * streams
        few = st.lists(st.booleans(), min_size=streams, max_size=streams).map(tuple)
        until_ns = at_ns + draw(st.integers(1, 20))
        return [
            SetRelayPasses(at_ns=at_ns, target=relay, streams=draw(st.just(none) | few)),
            SetRelayPasses(at_ns=until_ns, target=relay, streams=(True,) * streams),
        ]
    if kind == "line" and own:
        return draw(_line_edits(at_ns, draw(st.sampled_from(own)), network))
    return []


@st.composite
def _uses(draw: st.DrawFn, at_ns: int, site: int, own: list[int], network: Network) -> list[Edit]:
    """Draw a move to any of the site's lines, and often one on, or back, soon after."""
    edits = []
    for line in draw(st.lists(st.sampled_from(own), min_size=1, max_size=3)):
        above = int(network.line_parent[line])
        feeding = [
            e
            for e in range(*network.site_egress_first[above : above + 2].tolist())
            if line in network.child_line[network.child_first[e] : network.child_first[e + 1]]
        ]
        egress = draw(st.sampled_from(feeding))
        edits.append(UseLine(at_ns=at_ns, target=site, line=line, egress=egress))
        at_ns += draw(st.integers(1, 10))
    return edits


@st.composite
def _line_edits(draw: st.DrawFn, at_ns: int, line: int, network: Network) -> list[Edit]:
    """Draw something that happens to a line, in use or not."""
    kind = draw(st.sampled_from(["fail", "rate", "loss"]))
    if kind == "fail":
        until_ns = at_ns + draw(st.integers(0, 8))
        return [FailLine(at_ns=at_ns, target=line), RestoreLine(at_ns=until_ns, target=line)]
    direction = draw(st.sampled_from([network.down(line), network.up(line)]))
    if kind == "rate":
        return [SetLineRate(at_ns=at_ns, target=direction, rate_bps=draw(rates_bps))]
    before = network.direction(direction).loss
    changed = replace(before, bad=draw(chances), good=draw(chances))
    return [SetLineLoss(at_ns=at_ns, target=direction, loss=changed)]
