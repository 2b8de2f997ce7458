"""The gate of a relay of the reference engine: what it takes from below, and what it passes on."""

from __future__ import annotations

from collections import Counter, defaultdict

from sim.dataplane.reference.encounter import Encounter
from sim.dataplane.reference.packet import Packet
from sim.dataplane.reference.way import end_of_way_up
from sim.dataplane.tally import Fate
from sim.network.tree import Network
from sim.scenario.model import Scenario, Turn

Source = tuple[int, int]  # number of the origin, index of the stream
NEVER_NS = -1


class Gate:
    """Ports, composing and selecting of one living relay; see docs/model.md, section 4.

    Attributes
    ----------
    passing : the sources whose packets it may pass on
    """

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        encounters: Counter[Encounter],
        *,
        site: int,
        coming: list[Source],
    ) -> None:
        """Take the sources that come to the relay of `site` from below, in any order."""
        self._scenario = scenario
        self._network = network
        self._encounters = encounters
        self._site = site
        self._tier = int(network.tier[site])
        self._composes = bool(network.composes[site])
        self._select = int(network.select[site])
        in_order = sorted(coming, key=lambda source: (network.order[source[0]], source[1]))
        ports = int(network.ports[site])
        self._refused = frozenset(in_order[ports:] if ports else ())
        self.passing = [source for source in in_order if self._passes(source)]
        self._origins = {
            origin for origin, stream in self.passing if scenario.streams[stream].direction == "up"
        }

    def stops(self, packet: Packet, now_ns: int) -> Fate | None:
        """Return what becomes of a packet that arrives now; None: it ends here, or may go on."""
        source = packet.origin, packet.stream
        if source in self._refused:
            self._encounters[Encounter.REFUSED_PORT] += 1
            return Fate.REFUSED_PORT
        if packet.direction == "floor" or self._tier <= packet.ends_tier:
            return None
        if self._composes:
            self._encounters[Encounter.COMPOSED] += 1
            return Fate.COMPOSED
        if not self._select:
            return None
        chosen = packet.origin in self._chosen(now_ns)
        was_chosen = packet.origin in self._chosen(now_ns - 1)
        self._encounters[Encounter.CHOICE_AT_TURN] += chosen != was_chosen
        self._encounters[Encounter.UNSELECTED] += not chosen
        return None if chosen else Fate.UNSELECTED

    def _passes(self, source: Source) -> bool:
        origin, index = source
        stream = self._scenario.streams[index]
        ends = end_of_way_up(stream, self._network, origin=origin) == self._site
        composed = self._composes and stream.direction == "up"
        return source not in self._refused and not ends and not composed

    def _chosen(self, now_ns: int) -> list[int]:
        """Return the origins that the relay passes on now."""

        def rank(origin: int) -> tuple[int, int]:
            began_ns = [turn.at_ns for turn in self._turns_of(origin) if turn.at_ns <= now_ns]
            return -max(began_ns, default=NEVER_NS), int(self._network.order[origin])

        return sorted(self._origins, key=rank)[: self._select]

    def _turns_of(self, origin: int) -> list[Turn]:
        id_ = self._network.sites[origin].id
        return [turn for turn in self._scenario.agenda if turn.site == id_]


def build_gates(
    scenario: Scenario, network: Network, encounters: Counter[Encounter]
) -> dict[int, Gate]:
    """Return the gate of each relay, by site; the lower ones decide what comes to the higher."""
    gates: dict[int, Gate] = {}
    coming: dict[int, list[Source]] = defaultdict(list)
    for site in reversed(range(len(network.sites))):
        above = int(network.parent[site])
        if network.relay[site]:
            gates[site] = Gate(scenario, network, encounters, site=site, coming=coming[site])
            coming[above] += gates[site].passing
        coming[above] += _sent_up(scenario, network, site)
    return gates


def _sent_up(scenario: Scenario, network: Network, site: int) -> list[Source]:
    """Return the sources at a site whose packets go up from it."""
    id_ = network.sites[site].id
    speaks = any(turn.site == id_ for turn in scenario.agenda)
    return [
        (site, number)
        for number, stream in enumerate(scenario.streams)
        if (stream.direction == "up" and id_ in stream.origins)
        or (stream.direction == "floor" and speaks)
    ]
