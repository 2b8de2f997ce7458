"""What the gates of all relays stop, worked out before a run: it depends on the scenario alone.

A source's way up is a chain of relays, and one of them at most stops it for good: where it ends,
where it is composed, or where it finds no port. So each source has one place where it stops, and
comes to exactly the relays up to there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.dataplane.kernels.arrays import Gates
from sim.network.tree import Network
from sim.network.ways import composed_or_ended
from sim.scenario.model import Scenario

Int64Array = NDArray[np.int64]
NEVER_NS = -1


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of what goes up, by origin, then stream; `stop` is where each ends at last."""

    origin: Int64Array
    stream: Int64Array
    stop: Int64Array

    def below(self, network: Network, relay: int) -> slice:
        """Return those whose origin is below a relay."""
        low, high = np.searchsorted(self.origin, [relay + 1, network.end[relay]])
        return slice(int(low), int(high))


def new_gates(scenario: Scenario, network: Network) -> Gates:
    """Return what each relay composes, refuses and chooses when."""
    n = len(network.sites)
    sources = _sources(scenario, network)
    refused = _refuse(scenario, network, sources)
    is_up = np.array([stream.direction == "up" for stream in scenario.streams], dtype=np.bool_)
    epoch_first, epochs_ns, chosen = np.zeros(n + 1, dtype=np.int64), [], []
    for relay in np.flatnonzero(network.select).tolist():
        below = sources.below(network, relay)
        passing = network.depth[sources.stop[below]] < network.depth[relay]
        passing &= is_up[sources.stream[below]]
        origins = np.unique(sources.origin[below][passing])
        if origins.size <= network.select[relay]:
            continue
        for at_ns, choice in _choices(scenario, network, origins, int(network.select[relay])):
            epochs_ns.append(at_ns)
            chosen.append(choice)
            epoch_first[relay + 1] += 1
    refused_first = np.zeros(n + 1, dtype=np.int64)
    for relay, keys in refused.items():
        refused_first[relay + 1] = keys.size
    none = np.empty(0, dtype=np.int64)
    return Gates(
        stopping=network.composes | (epoch_first[1:] > 0) | (refused_first[1:] > 0),
        composes=network.composes,
        refused_first=np.cumsum(refused_first),
        refused=np.concatenate([none, *(refused[relay] for relay in sorted(refused))]),
        epoch_first=np.cumsum(epoch_first),
        epoch_ns=np.array(epochs_ns, dtype=np.int64),
        chosen_first=np.cumsum([0, *(choice.size for choice in chosen)], dtype=np.int64),
        chosen=np.concatenate([none, *chosen]),
    )


def _sources(scenario: Scenario, network: Network) -> Sources:
    """Return all sources of what goes up; where each stops if every relay has ports enough."""
    origins, streams, stops = [], [], []
    speakers = np.array(sorted({network.index[turn.site] for turn in scenario.agenda}), dtype=int)
    for number, stream in enumerate(scenario.streams):
        if stream.direction == "down":
            continue
        if stream.direction == "floor":
            origin, stop = speakers, np.zeros(speakers.size, dtype=np.int64)
        else:
            origin = np.array([network.index[site] for site in stream.origins], dtype=np.int64)
            stop = composed_or_ended(network, stream.to)[origin]
        origins.append(origin)
        streams.append(np.full(origin.size, number))
        stops.append(stop)
    none = np.empty(0, dtype=np.int64)
    columns = [np.concatenate([none, *each]) for each in (origins, streams, stops)]
    order = np.lexsort((columns[1], columns[0]))
    return Sources(*(column[order] for column in columns))


def _refuse(scenario: Scenario, network: Network, sources: Sources) -> dict[int, Int64Array]:
    """Return the sources each relay has no port for, sorted by origin · streams + stream.

    They stop there: `sources.stop` is rewritten. Lower relays come first, for they decide.
    """
    refused = {}
    limited = np.flatnonzero(network.ports)
    for relay in limited[np.argsort(-network.depth[limited], kind="stable")].tolist():
        below = sources.below(network, relay)
        coming = below.start + np.flatnonzero(
            network.depth[sources.stop[below]] <= network.depth[relay]
        )
        by_id = np.lexsort((sources.stream[coming], network.order[sources.origin[coming]]))
        beyond = np.sort(coming[by_id[network.ports[relay] :]])
        if beyond.size:
            sources.stop[beyond] = relay
            keys = sources.origin[beyond] * len(scenario.streams) + sources.stream[beyond]
            refused[relay] = keys
    return refused


def _choices(
    scenario: Scenario, network: Network, origins: Int64Array, select: int
) -> Iterator[tuple[int, Int64Array]]:
    """Yield when a relay's choice begins, and the origins chosen, sorted; the first from 0 on.

    The last to speak is the first of the ranking, so each turn moves its site to the front.
    """
    ranking = origins[np.argsort(network.order[origins])].tolist()
    eligible = frozenset(ranking)
    yield 0, np.sort(np.array(ranking[:select], dtype=np.int64))
    for turn in scenario.agenda:
        speaker = network.index[turn.site]
        if speaker not in eligible:
            continue
        place = ranking.index(speaker)
        ranking.insert(0, ranking.pop(place))
        if place >= select:
            yield turn.at_ns, np.sort(np.array(ranking[:select], dtype=np.int64))
