"""The books of a run: no packet appears from nowhere, none vanishes without a cause.

Checked at the end of every run, users' runs too. What is checked holds only after the drain,
when nothing is pending.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import EgressCount, LineCount, RoomCount, Tally
from sim.network.tree import Network

Int64Array = NDArray[np.int64]


class ConservationError(RuntimeError):
    """The counts of a run contradict each other: a defect of an engine, not of the scenario."""


def check(network: Network, tally: Tally, *, packets_sent: int, pending: int) -> None:
    """Check every line, egress, relay and room of a drained run.

    Parameters
    ----------
    packets_sent : packets the origin emitted
    pending : packets and copies an engine has accepted and not decided

    Raises
    ------
    ConservationError
        Names the first place that does not add up, with all its numbers.
    """
    if pending:
        raise ConservationError(f"the run is over but {pending} packets are undecided")
    _check_lines(network, tally)
    _check_egresses(network, tally)
    _check_sites(network, tally, packets_sent)


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
    _equal(
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
    offered = line[:, LineCount.OFFERED]
    delivered = line[:, LineCount.DELIVERED]
    _equal(
        offered,
        delivered + lost.sum(axis=1),
        lambda s: f"line {network.sites[s].id}: offered = delivered + lost",
        {"offered": offered, "delivered": delivered, "lost by outage, policer, queue, line": lost},
    )


def _check_egresses(network: Network, tally: Tally) -> None:
    """Copies offered to an egress reach its children's lines or are lost; so said by both."""
    if not network.egresses:
        return
    offered = tally.egress[:, EgressCount.OFFERED]
    lost = tally.egress[:, [EgressCount.LOST_OUTAGE, EgressCount.LOST_QUEUE]]
    columns = [LineCount.OFFERED, LineCount.COPY_LOST_OUTAGE, LineCount.COPY_LOST_QUEUE]
    running = np.zeros((network.children.size + 1, len(columns)), dtype=np.int64)
    np.cumsum(tally.line[network.children][:, columns], axis=0, out=running[1:])
    children = running[network.child_first[1:]] - running[network.child_first[:-1]]

    def place(e: int) -> str:
        egress = network.egresses[e]
        return f"egress {network.sites[network.egress_site[e]].id} ({egress.carrier or 'all'})"

    numbers = {
        "offered": offered,
        "lost by outage, queue": lost,
        "children's lines: offered, copies lost by outage, queue": children,
    }
    _equal(
        offered,
        children[:, 0] + lost.sum(axis=1),
        lambda e: f"{place(e)}: offered = offered to its lines + lost",
        numbers,
    )
    for i, cause in enumerate(("outage", "queue")):
        _equal(
            lost[:, i],
            children[:, 1 + i],
            lambda e, cause=cause: f"{place(e)}: lost by {cause} = so said by its lines",  # type: ignore[misc]
            numbers,
        )


def _check_sites(network: Network, tally: Tally, packets_sent: int) -> None:
    """What reaches a site is offered once to each child, and once to the site's room."""
    reached = tally.line[:, LineCount.DELIVERED].copy()
    reached[0] = packets_sent
    room = tally.room[:, [RoomCount.RECEIVED, RoomCount.LOST_OUTAGE, RoomCount.LOST_ENDPOINT]]
    _equal(
        np.where(network.room, reached, 0),
        room.sum(axis=1),
        lambda s: f"room {network.sites[s].id}: reached the site = received + lost there",
        {"reached": reached, "received, lost by outage, endpoint": room},
    )
    fed = np.diff(network.child_first)
    offered = tally.egress[:, EgressCount.OFFERED]
    reached = reached[network.egress_site]
    _equal(
        offered,
        reached * fed,
        lambda e: (
            f"egress {network.sites[network.egress_site[e]].id}: "
            "offered = reached the relay × children fed"
        ),
        {"offered": offered, "reached": reached, "children": fed},
    )


def _equal(
    left: Int64Array,
    right: Int64Array,
    place: Callable[[int], str],
    numbers: Mapping[str, Int64Array],
) -> None:
    wrong = np.flatnonzero(left != right)
    if wrong.size:
        first = int(wrong[0])
        said = ", ".join(f"{name} {values[first].tolist()}" for name, values in numbers.items())
        raise ConservationError(
            f"{place(first)} does not hold ({said}); so at {wrong.size} of {left.size} places"
        )
