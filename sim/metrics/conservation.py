"""The books of a run: no packet appears from nowhere, none vanishes without a cause.

Checked at the end of every run, users' runs too. What is checked holds only after the drain,
when nothing is pending.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import EgressCount, LineCount, RoomCount, StreamCount, Tally
from sim.grouping import EVERYWHERE
from sim.metrics import way_up
from sim.metrics.balance import ConservationError, at_most, equal
from sim.metrics.due import Due
from sim.network.tree import Network
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]


def check(
    scenario: Scenario,
    network: Network,
    tally: Tally,
    *,
    packets_sent: int,
    pending: int,
    still: bool = True,
) -> None:
    """Check every line, egress, relay, room and source of a drained run.

    Parameters
    ----------
    packets_sent : packets all sources emitted
    pending : packets and copies an engine has accepted and not decided
    still : whether all rooms have taken part and no site has moved. Else what depends on who hung
        where is left to `check_endpoints`

    Raises
    ------
    ConservationError
        Names the first place that does not add up, with all its numbers.
    """
    if pending:
        raise ConservationError(f"the run is over but {pending} packets are undecided")
    sent = int(tally.stream[:, :, [StreamCount.SENT, StreamCount.ABSENT]].sum())
    if sent != packets_sent:
        raise ConservationError(f"{packets_sent} packets were emitted but {sent} were sent")
    due = Due(scenario, network)
    _check_lines(network, tally)
    way_up.check(scenario, network, tally, due, still=still)
    _check_egresses(network, tally)
    _check_sites(network, tally, due, still=still)
    _check_streams(scenario, network, tally, due, still=still)
    _check_delays(network, tally, due)


def check_endpoints(
    network: Network, *, site: Int64Array, due: Int64Array, received: Int64Array, lost: Int64Array
) -> None:
    """Check that each room received what it was due, but for what was lost on its path.

    Parameters
    ----------
    site, due, received : (r,) int64
    lost : (r, causes) int64, summed over the room's path

    Raises
    ------
    ConservationError
    """
    equal(
        due,
        received + lost.sum(axis=1),
        lambda i: f"room {network.sites[site[i]].id}: due = received + lost on its path",
        {"due": due, "received": received, "lost": lost},
    )


def _check_lines(network: Network, tally: Tally) -> None:
    line = tally.line
    causes = (
        LineCount.LOST_OUTAGE,
        LineCount.LOST_POLICER,
        LineCount.LOST_QUEUE,
        LineCount.LOST_LINE,
    )
    lost = line[:, causes]

    def place(hop: int) -> str:
        return f"line {line_name(network, hop)}"

    offered = line[:, LineCount.OFFERED]
    delivered = line[:, LineCount.DELIVERED]
    equal(
        offered,
        delivered + lost.sum(axis=1),
        lambda hop: f"{place(hop)}: offered = delivered + lost",
        {"offered": offered, "delivered": delivered, "lost by outage, policer, queue, line": lost},
    )
    others = line[:, LineCount.BACKGROUND_OFFERED]
    others_sent = line[:, LineCount.BACKGROUND_SENT]
    at_most(
        others_sent,
        others,
        lambda hop: f"{place(hop)}: packets of others: sent ≤ offered",
        {"sent": others_sent, "offered": others},
    )


def _check_egresses(network: Network, tally: Tally) -> None:
    """Copies offered to an egress reach its children's lines or are lost; so said by both.

    The servers of a pool may feed the same lines, so they are checked together.
    """
    if not network.egresses:
        return
    egresses = checked_together(network)
    offered = np.add.reduceat(tally.egress[:, EgressCount.OFFERED], egresses)
    losses = [EgressCount.LOST_OUTAGE, EgressCount.LOST_QUEUE]
    lost = np.add.reduceat(tally.egress[:, losses], egresses, axis=0)
    columns = [LineCount.OFFERED, LineCount.COPY_LOST_OUTAGE, LineCount.COPY_LOST_QUEUE]
    running = np.zeros((network.children.size + 1, len(columns)), dtype=np.int64)
    downs = [network.down(line) for line in network.child_line.tolist()]
    np.cumsum(tally.line[downs][:, columns], axis=0, out=running[1:])
    children = (running[network.child_first[1:]] - running[network.child_first[:-1]])[egresses]

    def place(i: int) -> str:
        e = int(egresses[i])
        egress = network.egresses[e]
        name = "pool" if egress.server else egress.carrier or "all"
        return f"egress {network.sites[network.egress_site[e]].id} ({name})"

    numbers = {
        "offered": offered,
        "lost by outage, queue": lost,
        "children's lines: offered, copies lost by outage, queue": children,
    }
    equal(
        offered,
        children[:, 0] + lost.sum(axis=1),
        lambda e: f"{place(e)}: offered = offered to its lines + lost",
        numbers,
    )
    for i, cause in enumerate(("outage", "queue")):
        equal(
            lost[:, i],
            children[:, 1 + i],
            lambda e, cause=cause: f"{place(e)}: lost by {cause} = so said by its lines",  # type: ignore[misc]
            numbers,
        )


def _check_sites(network: Network, tally: Tally, due: Due, *, still: bool) -> None:
    """What reaches a site going down is for its room, and a copy for each child but its origin."""
    speakers = due.speakers
    came_up = tally.stream[speakers[:, None], due.floor, StreamCount.ENDED].sum(axis=1)
    came_back = came_up - tally.own_lost[speakers].sum(axis=(1, 2))
    relays = network.relay[speakers]

    reached = came_down(network, tally)
    reached[0] = came_up.sum()
    for_room = reached.copy()
    for_room[speakers[relays]] -= came_back[relays]
    fates = (
        RoomCount.RECEIVED,
        RoomCount.LOST_OUTAGE,
        RoomCount.LOST_ENDPOINT,
        RoomCount.DUPLICATES,
        RoomCount.ABSENT,
    )
    room = tally.room[:, fates]
    known = network.room.copy()
    if not still:
        known[speakers] = False  # their own packets may have come back over several ways
    equal(
        np.where(known, for_room, 0),
        np.where(known, room.sum(axis=1), 0),
        lambda s: f"room {network.sites[s].id}: reached it = received + lost there + not wanted",
        {"reached the site": reached, "received, lost by outage, endpoint, twice, absent": room},
    )

    passed = (reached + due.sent_down(tally))[network.egress_site]
    fed = np.diff(network.child_first)
    offered = tally.egress[:, EgressCount.OFFERED]
    withheld = tally.egress[:, EgressCount.WITHHELD]
    unserved = tally.egress[:, EgressCount.UNSERVED]

    def place(e: int) -> str:
        return f"egress {network.sites[network.egress_site[e]].id}"

    numbers = {
        "offered": offered,
        "withheld": withheld,
        "unserved": unserved,
        "to pass on": passed,
        "children": fed,
    }
    equal(
        offered + withheld + unserved,
        passed * fed,
        lambda e: f"{place(e)}: offered + withheld + unserved = to pass on × children",
        numbers,
    )
    if not still:
        return
    of_speakers = np.zeros(fed.size, dtype=np.int64)
    np.add.at(of_speakers, network.feed[speakers[~relays]], came_back[~relays])
    equal(
        withheld,
        of_speakers,
        lambda e: f"{place(e)}: withheld = came back to the speakers it feeds",
        {**numbers, "came back": of_speakers},
    )


def _check_streams(
    scenario: Scenario, network: Network, tally: Tally, due: Due, *, still: bool
) -> None:
    """A room has received its streams, of each no more than was due, and nothing else."""
    to_rooms = np.concatenate([due.down, due.floor])
    received = tally.stream[:, to_rooms, StreamCount.RECEIVED]
    room = tally.room[:, RoomCount.RECEIVED]
    equal(
        received.sum(axis=1),
        room,
        lambda s: f"room {network.sites[s].id}: received = received of its streams",
        {"received": room, "of its streams": received},
    )
    if not still:
        return  # what is sent above a site depends on where it hangs
    expected = due.by_stream(tally)[:, to_rooms]
    at_most(
        received.ravel(),
        expected.ravel(),
        lambda i: (
            f"room {network.sites[i // to_rooms.size].id}, "
            f"stream {scenario.streams[to_rooms[i % to_rooms.size]].id}: received ≤ due"
        ),
        {"received": received.ravel(), "due": expected.ravel()},
    )


def _check_delays(network: Network, tally: Tally, due: Due) -> None:
    """The histograms of each site, or of a group of sites, show every packet that came."""
    grouping, n, b = network.grouping, len(network.sites), len(network.backups)
    delivered = tally.line[:, LineCount.DELIVERED]
    down, up = delivered[:n].copy(), delivered[n : 2 * n].copy()
    if grouping.shared:
        np.add.at(down, network.direction_site[2 * n : 2 * n + b], delivered[2 * n : 2 * n + b])
        np.add.at(up, network.direction_site[2 * n + b :], delivered[2 * n + b :])
    else:
        own = tally.line_delay[2 * n :].sum(axis=1, dtype=np.int64)
        equal(
            own,
            delivered[2 * n :],
            lambda i: f"line {line_name(network, 2 * n + i)}: delays counted = delivered",
            {"delays": own, "delivered": delivered[2 * n :]},
        )
    groups = grouping.groups
    for what, histogram, came in (
        ("delivered down", tally.line_delay[:groups], down),
        ("delivered up", tally.line_delay[groups : 2 * groups], up),
        ("received", tally.room_delay, tally.room[:, RoomCount.RECEIVED]),
        ("ended up", tally.up_delay, tally.stream[:, due.up, StreamCount.ENDED].sum(axis=1)),
    ):
        delays, counted = histogram.sum(axis=1, dtype=np.int64), grouping.totals(came)
        equal(
            delays,
            counted,
            lambda g, what=what: f"{_group(network, g)}: delays counted = {what}",  # type: ignore[misc]
            {"delays": delays, what: counted},
        )


def checked_together(network: Network) -> Int64Array:
    """Return the egresses, and of each pool of servers the first."""
    servers = np.array([bool(egress.server) for egress in network.egresses])
    first = np.ones(servers.size, dtype=np.bool_)
    same_site = network.egress_site[1:] == network.egress_site[:-1]
    first[1:] = ~(servers[1:] & same_site)
    return np.flatnonzero(first)


def came_down(network: Network, tally: Tally) -> Int64Array:
    """Return how many packets each site's lines have brought down to it, (n,)."""
    came = np.zeros(len(network.sites), dtype=np.int64)
    downs = [network.down(line) for line in range(network.line_site.size)]
    np.add.at(came, network.line_site, tally.line[downs, LineCount.DELIVERED])
    return came


def line_name(network: Network, hop: int) -> str:
    """Return what to call a direction of a line."""
    n, b = len(network.sites), len(network.backups)
    site = int(network.direction_site[hop])
    name = network.sites[site].id
    if hop >= 2 * n:
        name += f", backup {(hop - 2 * n) % b - int(network.backup_first[site]) + 1}"
    up = n <= hop < 2 * n or hop >= 2 * n + b
    return f"{name} {'up' if up else 'down'}"


def _group(network: Network, g: int) -> str:
    """Return what to call a group of sites, or a site that is one by itself."""
    grouping = network.grouping
    if not grouping.shared:
        return f"site {network.sites[g].id}"
    branch = grouping.branch[g]
    where = "" if branch == EVERYWHERE else f" in the branch of {network.sites[branch].id}"
    return f"tier {network.tiers[grouping.tier[g]]}{where}"
