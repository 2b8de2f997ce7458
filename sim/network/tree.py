"""The relay tree as arrays, in the one order that everything else relies on.

Sites are numbered in preorder, children by id as UTF-8 bytes: a parent comes before its
children, a subtree is a contiguous range, and the order of sites in the user's file leaves no
trace. Lines are numbered too: line `s` is the primary line of site `s`, which the root has not, and
backup lines follow, by site and in the order in which a site may use them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim import rng
from sim.grouping import Grouping, group
from sim.network.placement import Desk, desks, order_at_relay
from sim.scenario.model import HOUR_NS, HOURS, Direction, Egress, Line, Relay, Scenario, Site

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A tree of n sites with their primary lines, b backup lines and e egresses.

    Of direction d of a line of site s: s is down and n + s up on its primary line, 2n + i is down
    and 2n + b + i up on backup line n + i.

    Attributes
    ----------
    sites : n Site, in preorder
    lines : n Line or None (the root's), the primary line of each site
    backups : b Line, the backup lines; number n + i is backups[i]
    backup_first : (n + 1,) int64; backups of site s are backups[backup_first[s] : [s+1]]
    line_site, line_parent : (n + b,) int64, the sites at a line's lower and upper end; -1: none
    line_egress : (n + b,) int64, the egress that feeds a line in use; -1 for the root. Where a pool
        of servers may feed it, the one that does so first
    line_rank : (n + b,) int64, a line's place among those that its egress may feed
    direction_site : (2n + 2b,) int64, the site at the lower end of each direction
    kinds : the distinct directions of lines; None is the root's, which has no line
    kind : (2n + 2b,) int64, index into `kinds` of each direction
    kind_rate_bps : (kinds,) int64, what each leaves for the meeting at its beginning; 0 for None
    index : site id -> number
    tiers : tier names, root first
    tier : (n,) int64, index into `tiers`
    parent : (n,) int64, -1 for the root
    depth : (n,) int64, 0 for the root
    end : (n,) int64; the subtree of s is s .. end[s]-1
    room : (n,) bool, whether the site has an endpoint
    relay : (n,) bool, whether the site has children
    processing_ns : (n,) int64, of the site's relay; 0 at leaves
    composes : (n,) bool, whether the site's relay composes
    transcoding_ns, select, ports : (n,) int64, as in `Relay`; 0 at leaves
    propagation_ns : (2n + 2b,) int64, of each direction; 0 for the root
    egresses : e Egress, by relay, then by carrier as UTF-8 bytes, or by server
    egress_site : (e,) int64, the relay it belongs to
    site_egress_first : (n + 1,) int64; the egresses of s are site_egress_first[s] .. [s+1]-1
    child_first : (e + 1,) int64; the sites that egress j may feed are children[child_first[j] :
        [j+1]]: those with a primary line there, by id, then those with a backup line, by its
        number. All servers of a pool have the same
    children : (n - 1 + b,) int64, site numbers; more where a relay is a pool of servers
    child_line : as `children`, the number of the line
    feed : (n,) int64, the egress that feeds the site's primary line first; -1 for the root
    rank : (n,) int64, the place of that line among those that its egress may feed; -1: the root's
    order : (n,) int64, the site's place among all ids as UTF-8 bytes
    rate_bps : (2n + 2b,) int64, what each direction leaves for the meeting at its beginning; 0
        for the root
    egress_rate_bps : (e,) int64, the same of each egress; 0 where no interface is shared
    loss_gap_key, loss_state_key, background_key : (2n + 2b, 2) uint64, keys of each direction's
        draws
    egress_background_key : (e, 2) uint64
    grouping : which sites share histograms of delays
    """

    sites: tuple[Site, ...]
    lines: tuple[Line | None, ...]
    backups: tuple[Line, ...]
    backup_first: Int64Array
    line_site: Int64Array
    line_parent: Int64Array
    line_egress: Int64Array
    line_rank: Int64Array
    direction_site: Int64Array
    kinds: tuple[Direction | None, ...]
    kind: Int64Array
    kind_rate_bps: Int64Array
    index: dict[str, int]
    tiers: tuple[str, ...]
    tier: Int64Array
    parent: Int64Array
    depth: Int64Array
    end: Int64Array
    room: NDArray[np.bool_]
    relay: NDArray[np.bool_]
    processing_ns: Int64Array
    composes: NDArray[np.bool_]
    transcoding_ns: Int64Array
    select: Int64Array
    ports: Int64Array
    propagation_ns: Int64Array
    egresses: tuple[Egress, ...]
    egress_site: Int64Array
    site_egress_first: Int64Array
    child_first: Int64Array
    children: Int64Array
    child_line: Int64Array
    feed: Int64Array
    rank: Int64Array
    order: Int64Array
    rate_bps: Int64Array
    egress_rate_bps: Int64Array
    loss_gap_key: NDArray[np.uint64]
    loss_state_key: NDArray[np.uint64]
    background_key: NDArray[np.uint64]
    egress_background_key: NDArray[np.uint64]
    grouping: Grouping

    def direction(self, d: int) -> Direction:
        """Return direction `d`.

        Raises
        ------
        ValueError
            If `d` is a direction of the root, which has no line.
        """
        kind = self.kinds[int(self.kind[d])]
        if kind is None:
            raise ValueError(f"direction {d} is the root's, which has no line")
        return kind

    def line(self, number: int) -> Line:
        """Return a line by its number.

        Raises
        ------
        ValueError
            If it is the root's, which has no line.
        """
        n = len(self.lines)
        line = self.lines[number] if number < n else self.backups[number - n]
        if line is None:
            raise ValueError(f"line {number} is the root's, which has no line")
        return line

    def down(self, line: int) -> int:
        """Return the number of a line's direction down."""
        n = len(self.lines)
        return line if line < n else n + line

    def up(self, line: int) -> int:
        """Return the number of a line's direction up."""
        n = len(self.lines)
        return n + line if line < n else n + len(self.backups) + line

    def lines_of(self, site: int) -> list[int]:
        """Return the numbers of a site's lines: the primary, then the backups in order."""
        first, end = (len(self.lines) + self.backup_first[site : site + 2]).tolist()
        return [*([site] if site else []), *range(first, end)]

    def path(self, site: int) -> list[int]:
        """Return the sites from just below the root down to `site`."""
        path = []
        while site > 0:
            path.append(site)
            site = int(self.parent[site])
        return path[::-1]


def build_network(scenario: Scenario) -> Network:
    """Return the scenario's tree as arrays.

    Of leaves that are absent when the run begins no server of a pool has any then, and their line
    says the first that may.
    """
    sites = _preorder(scenario.sites)
    n = len(sites)
    index = {site.id: number for number, site in enumerate(sites)}
    above = [index.get(site.parent, -1) for site in sites]
    depths, ends = [0] * n, list(range(1, n + 1))
    for s in range(1, n):
        depths[s] = depths[above[s]] + 1
    for s in range(n - 1, 0, -1):
        ends[above[s]] = max(ends[above[s]], ends[s])
    parent, depth, end = (np.array(each, dtype=np.int64) for each in (above, depths, ends))

    rank = {name: number for number, name in enumerate(scenario.tiers)}
    tier = np.array([rank[site.tier] for site in sites], dtype=np.int64)
    room = np.array([site.room for site in sites], dtype=np.bool_)
    lines: list[Line | None] = [None] * n
    backups: list[Line] = []
    for line in scenario.lines:
        if line.role == "primary":
            lines[index[line.site]] = line
        else:
            backups.append(line)
    backups.sort(key=lambda line: index[line.site])
    backup_site = np.array([index[line.site] for line in backups], dtype=np.int64)
    backup_above = [index[line.parent] for line in backups]
    relays = {relay.site: relay for relay in scenario.relays}
    relay_sites = [index[relay.site] for relay in scenario.relays]

    def of_relays(field: str) -> Int64Array:
        of_sites = np.zeros(n, dtype=np.int64)
        of_sites[relay_sites] = [getattr(relay, field) for relay in scenario.relays]
        return of_sites

    composes = np.zeros(n, dtype=np.bool_)
    composes[relay_sites] = [relay.mode == "compose" for relay in scenario.relays]
    propagation_ns = [0 if line is None else line.propagation_ns for line in lines]
    backup_ns = [line.propagation_ns for line in backups]
    absent = scenario.joining.absent - set(relays)
    pools = any(relay.pool for relay in scenario.relays)
    ports = _ports(sites, lines, above, relays, desks(scenario) if pools else {}, absent)
    _add_backups(ports, backups, backup_site.tolist(), backup_above)

    directions = [f"line/{site.id}/{way}" for way in ("down", "up") for site in sites]
    directions += [f"line/{name}/{way}" for way in ("down", "up") for name in _names(backups)]
    owners = [
        f"egress/{sites[s].id}/{egress.carrier}" + f"/{egress.server}" * bool(egress.server)
        for s, egress in zip(ports.site, ports.egresses, strict=True)
    ]
    kinds, kind = _kinds(lines, backups)
    kind_rate_bps = np.array(
        [
            0 if each is None else left_bps(each, each.rate_bps, scenario.begins_ns)
            for each in kinds
        ],
        dtype=np.int64,
    )
    order = np.empty(n, dtype=np.int64)
    order[sorted(range(n), key=lambda s: sites[s].id.encode())] = np.arange(n)

    return Network(
        sites=tuple(sites),
        lines=tuple(lines),
        backups=tuple(backups),
        backup_first=np.searchsorted(backup_site, np.arange(n + 1)),
        line_site=np.concatenate([np.arange(n), backup_site]),
        line_parent=np.array([*above, *backup_above], dtype=np.int64),
        line_egress=np.array(ports.feed, dtype=np.int64),
        line_rank=np.array(ports.rank, dtype=np.int64),
        direction_site=np.concatenate([np.tile(np.arange(n), 2), np.tile(backup_site, 2)]),
        kinds=kinds,
        kind=kind,
        kind_rate_bps=kind_rate_bps,
        index=index,
        tiers=scenario.tiers,
        tier=tier,
        parent=parent,
        depth=depth,
        end=end,
        room=room,
        relay=end - np.arange(n) > 1,
        processing_ns=of_relays("processing_ns"),
        composes=composes,
        transcoding_ns=of_relays("transcoding_ns"),
        select=of_relays("select"),
        ports=of_relays("ports"),
        propagation_ns=np.array(2 * propagation_ns + 2 * backup_ns, dtype=np.int64),
        egresses=tuple(ports.egresses),
        egress_site=np.array(ports.site, dtype=np.int64),
        site_egress_first=np.array(ports.site_first, dtype=np.int64),
        child_first=np.cumsum([0, *(len(children) for children in ports.fed)], dtype=np.int64),
        children=np.array([site for fed in ports.fed for site, _ in fed], dtype=np.int64),
        child_line=np.array([line for fed in ports.fed for _, line in fed], dtype=np.int64),
        feed=np.array(ports.feed[:n], dtype=np.int64),
        rank=np.array(ports.rank[:n], dtype=np.int64),
        order=order,
        rate_bps=kind_rate_bps[kind],
        egress_rate_bps=np.array(
            [left_bps(egress, egress.rate_bps, scenario.begins_ns) for egress in ports.egresses],
            dtype=np.int64,
        ),
        loss_gap_key=rng.keys(scenario.seed, directions, "loss gap"),
        loss_state_key=rng.keys(scenario.seed, directions, "loss state"),
        background_key=rng.keys(scenario.seed, directions, "background"),
        egress_background_key=rng.keys(scenario.seed, owners, "background"),
        grouping=group(tier=tier, parent=parent, end=end, rooms=int(room.sum())),
    )


def left_bps(port: Direction | Egress, rate_bps: int, time_of_day_ns: int) -> int:
    """Return what steady background leaves of a port's rate at a time of day, at least 1 bit/s.

    Of 0, which is no interface, it leaves 0.
    """
    background = port.background
    if background is None or background.kind != "steady" or not rate_bps:
        return rate_bps
    hour = time_of_day_ns // HOUR_NS % HOURS
    return max(round(rate_bps * (1 - background.share * background.profile[hour])), 1)


def _preorder(sites: Iterable[Site]) -> list[Site]:
    """Return the sites with each parent before its children, children by id as UTF-8 bytes."""
    below: dict[str, list[Site]] = {}
    for site in sorted(sites, key=lambda site: site.id.encode()):
        below.setdefault(site.parent, []).append(site)
    ordered: list[Site] = []
    waiting = list(below[""])
    while waiting:
        site = waiting.pop()
        ordered.append(site)
        waiting.extend(reversed(below.get(site.id, [])))
    return ordered


def _kinds(
    lines: Sequence[Line | None], backups: Sequence[Line]
) -> tuple[tuple[Direction | None, ...], Int64Array]:
    """Return the distinct directions and which of them each is; see `Network`.

    Thousands of lines of one description share a direction, so it is enough to tell objects apart.
    """
    directions = [None if line is None else line.down for line in lines]
    directions += [None if line is None else line.up for line in lines]
    directions += [line.down for line in backups] + [line.up for line in backups]
    kinds = {id(direction): direction for direction in directions}
    number = {identity: k for k, identity in enumerate(kinds)}
    kind = np.array([number[id(direction)] for direction in directions], dtype=np.int64)
    return tuple(kinds.values()), kind


class _Ports(NamedTuple):
    """The egresses of all relays and the lines they feed; see `Network`."""

    egresses: list[Egress]
    site: list[int]
    site_first: list[int]
    fed: list[list[tuple[int, int]]]  # site, line
    feed: list[int]
    rank: list[int]


def _ports(
    sites: Sequence[Site],
    lines: Sequence[Line | None],
    above: Sequence[int],
    relays: Mapping[str, Relay],
    desks: Mapping[str, Desk],
    absent: Collection[str],
) -> _Ports:
    """Return each relay's egresses by carrier, and give each line to one of its parent's.

    In preorder a parent comes before its children, so its egresses are numbered by then, and
    siblings come in order of their ids. Servers of a pool share a carrier and list all lines;
    the desk of the relay says who has one first.
    """
    ports = _Ports([], [], [0], [], [-1] * len(sites), [-1] * len(sites))
    number: dict[tuple[int, str], int] = {}
    for s, site in enumerate(sites):
        line = lines[s]
        if line is not None:
            e = number.get((above[s], line.carrier), number.get((above[s], ""), -1))
            ports.feed[s], ports.rank[s] = e, len(ports.fed[e])
            for each in _alike(ports, e):
                ports.fed[each].append((s, s))
            desk = desks.get(line.parent)
            if desk is not None and desk.pool is not None and site.id not in absent:
                ports.feed[s] += desk.place_first(site.id, line.carrier)
        own = relays[site.id].egresses if site.id in relays else ()
        for egress in sorted(own, key=order_at_relay):
            number.setdefault((s, egress.carrier), len(ports.egresses))
            ports.egresses.append(egress)
            ports.site.append(s)
            ports.fed.append([])
        ports.site_first.append(len(ports.egresses))
    return ports


def _alike(ports: _Ports, e: int) -> range:
    """Return the numbers of the servers of a pool whose first is `e`; of an egress its own."""
    if not ports.egresses[e].server:
        return range(e, e + 1)
    end = e + 1
    while end < len(ports.egresses) and ports.site[end] == ports.site[e]:
        end += 1
    return range(e, end)


def _add_backups(
    ports: _Ports, backups: Sequence[Line], site: Sequence[int], above: Sequence[int]
) -> None:
    """Give each backup line to an egress of the relay at its upper end, after the primary lines."""
    n = len(ports.feed)
    for i, (line, lower, upper) in enumerate(zip(backups, site, above, strict=True)):
        own = range(*ports.site_first[upper : upper + 2])
        by_carrier = {ports.egresses[e].carrier: e for e in reversed(own)}
        e = by_carrier.get(line.carrier, by_carrier.get("", -1))
        ports.feed.append(e)
        ports.rank.append(len(ports.fed[e]))
        for each in _alike(ports, e):
            ports.fed[each].append((lower, n + i))


def _names(backups: Sequence[Line]) -> list[str]:
    """Return what each backup line is called: its site and its place among the site's."""
    names: list[str] = []
    for i, line in enumerate(backups):
        place = 1
        while place <= i and backups[i - place].site == line.site:
            place += 1
        names.append(f"{line.site}/backup-{place}")
    return names
