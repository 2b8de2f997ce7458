"""The books of the way up: what each source sent ended where it should, or was lost for a cause.

A line's counts do not tell one source from another, so lines and sources are held together where
their packets cannot mix: at each relay, below each site, and over the whole tree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.tally import LineCount, LossCause, StreamCount, Tally
from sim.metrics.balance import at_most, equal
from sim.metrics.due import Due
from sim.network.tree import Network
from sim.network.ways import composers, ends, sum_below
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]

SOURCE_LOSSES = (
    StreamCount.LOST_OUTAGE,
    StreamCount.LOST_POLICER,
    StreamCount.LOST_QUEUE,
    StreamCount.LOST_LINE,
    StreamCount.LOST_ENDPOINT,
    StreamCount.LOST_PORT,
)  # in the order of LossCause
STOPPED = (StreamCount.UNSELECTED, StreamCount.COMPOSED)  # without a loss
_OUTAGES = (LineCount.LOST_OUTAGE, LineCount.COPY_LOST_OUTAGE)
_ON_LINES = {
    LossCause.POLICER: LineCount.LOST_POLICER,
    LossCause.QUEUE: LineCount.LOST_QUEUE,
    LossCause.LINE: LineCount.LOST_LINE,
}


def check(scenario: Scenario, network: Network, tally: Tally, due: Due, *, still: bool) -> None:
    """Check every source, every relay, and the losses below each site.

    Unless all is `still`, relays and losses are checked over the whole tree only: what came up to
    one has ended elsewhere, if a site below has moved.

    Raises
    ------
    ConservationError
    """
    _check_sources(scenario, network, tally, due)
    _check_speakers(network, tally, due)
    _check_relays(scenario, network, tally, due, still=still)
    _check_losses(network, tally, still=still)


def _check_sources(scenario: Scenario, network: Network, tally: Tally, due: Due) -> None:
    """What a source sent up ended, was stopped or lost; what it sent down has no way up."""
    streams = len(scenario.streams)
    goes_up = np.zeros(streams, dtype=np.int64)
    goes_up[due.up] = goes_up[due.floor] = 1
    sent = tally.stream[:, :, StreamCount.SENT]
    ended = tally.stream[:, :, StreamCount.ENDED]
    lost = tally.stream[:, :, SOURCE_LOSSES]
    stopped = tally.stream[:, :, STOPPED]

    def place(i: int) -> str:
        return f"source {network.sites[i // streams].id}, {scenario.streams[i % streams].id}"

    equal(
        (sent * goes_up).ravel(),
        (ended + stopped.sum(axis=2) + lost.sum(axis=2)).ravel(),
        lambda i: f"{place(i)}: sent up = ended + unselected + composed + lost",
        {
            "sent": sent.ravel(),
            "ended": ended.ravel(),
            "unselected, composed": stopped.reshape(-1, len(STOPPED)),
            f"lost by {', '.join(cause.name.lower() for cause in LossCause)}": lost.reshape(
                -1, len(SOURCE_LOSSES)
            ),
        },
    )
    received = tally.stream[:, due.up, StreamCount.RECEIVED]
    ended = ended[:, due.up]
    equal(
        received.ravel(),
        ended.ravel(),
        lambda i: (
            f"source {network.sites[i // due.up.size].id}, "
            f"{scenario.streams[due.up[i % due.up.size]].id}: received = ended"
        ),
        {"received": received.ravel(), "ended": ended.ravel()},
    )


def _check_speakers(network: Network, tally: Tally, due: Due) -> None:
    """What a speaker lost is the same by tier as by stream."""
    by_stream = tally.stream[:, due.floor][:, :, SOURCE_LOSSES].sum(axis=1)
    by_tier = tally.floor_lost.sum(axis=2)
    causes = len(SOURCE_LOSSES)
    equal(
        by_stream.ravel(),
        by_tier.ravel(),
        lambda i: (
            f"speaker {network.sites[i // causes].id}: "
            f"lost by {LossCause(i % causes).name.lower()} of all streams = at all tiers"
        ),
        {"of all streams": by_stream.ravel(), "at all tiers": by_tier.ravel()},
    )


def _check_relays(
    scenario: Scenario, network: Network, tally: Tally, due: Due, *, still: bool
) -> None:
    """What comes to a relay from below or from its room ends there, is composed or goes on.

    What ends at a dead relay, finds no port or is not selected is counted for its source alone, so
    at a relay where that may happen some may be missing; but what is missing everywhere is what the
    sources say of it.
    """
    n = len(network.sites)
    ups = [network.up(line) for line in range(network.line_site.size)]
    came = np.zeros(n, dtype=np.int64)
    np.add.at(came, network.line_parent[1:], tally.line[ups, LineCount.DELIVERED][1:])
    up = np.zeros((n, tally.line.shape[1]), dtype=np.int64)
    np.add.at(up, network.line_site, tally.line[ups])
    went_up = np.concatenate([due.up, due.floor])
    came += tally.stream[:, went_up, StreamCount.SENT].sum(axis=1)
    came -= tally.stream[:, went_up, StreamCount.LOST_ENDPOINT].sum(axis=1)
    ended = np.zeros(n, dtype=np.int64)
    for j in due.up:
        np.add.at(
            ended, ends(network, scenario.streams[j].to), tally.stream[:, j, StreamCount.ENDED]
        )
    composer = composers(network)
    composed = tally.stream[:, :, StreamCount.COMPOSED].sum(axis=1)
    np.add.at(ended, composer[composer >= 0], composed[composer >= 0])
    ended[0] += tally.stream[:, due.floor, StreamCount.ENDED].sum()
    went_on = up[:, LineCount.OFFERED] + up[:, LineCount.COPY_LOST_OUTAGE]
    missing = came - ended - went_on
    keeping = (network.select > 0) | (network.ports > 0)
    for fault in scenario.faults:
        keeping[[network.index[site] for site in fault.relays]] |= fault.action != "degrade"
    numbers = {"came": came, "ended or composed": ended, "went on or died in the relay": went_on}

    def place(s: int) -> str:
        return f"site {network.sites[s].id}"

    nothing = np.zeros(n, dtype=np.int64)
    if still:
        at_most(
            nothing,
            missing,
            lambda s: f"{place(s)}: ended + composed + went on ≤ came up",
            numbers,
        )
        at_most(
            np.where(keeping, 0, missing),
            nothing,
            lambda s: f"{place(s)}: came up ≤ ended + composed + went on",
            numbers,
        )
    lost = np.array([missing.sum() + up[:, _OUTAGES].sum()])
    counted = (StreamCount.LOST_OUTAGE, StreamCount.LOST_PORT, StreamCount.UNSELECTED)
    of_sources = np.array([tally.stream[:, :, counted].sum()])
    equal(
        lost,
        of_sources,
        lambda _: (
            "the way up: lost by outage or port, or unselected, at all places = of all sources"
        ),
        {"at all places": lost, "of all sources": of_sources},
    )


def _check_losses(network: Network, tally: Tally, *, still: bool) -> None:
    """What the lines below a site lost going up came from below it; in the whole tree, all did."""
    ups = [network.up(line) for line in range(network.line_site.size)]
    for cause, column in _ON_LINES.items():
        lost = np.zeros(len(network.sites), dtype=np.int64)
        np.add.at(lost, network.line_site, tally.line[ups, column])
        at_lines = sum_below(network, lost)
        of_sources = sum_below(network, tally.stream[:, :, SOURCE_LOSSES[cause]].sum(axis=1))
        numbers = {"at lines": at_lines, "of sources": of_sources}
        name = cause.name.lower()
        below = slice(None) if still else slice(1)
        at_most(
            at_lines[below],
            of_sources[below],
            lambda s, name=name: (  # type: ignore[misc]
                f"below site {network.sites[s].id}: lost going up by {name} at lines ≤ of sources"
            ),
            numbers,
        )
        equal(
            at_lines[:1],
            of_sources[:1],
            lambda _, name=name: f"the way up: lost by {name} at lines = of sources",  # type: ignore[misc]
            numbers,
        )
