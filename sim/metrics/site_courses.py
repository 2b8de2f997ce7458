"""What the journal says of each site: its line in use, what is down there, and what it does.

A course is a step function of time, from 0 on. Faults act and end as the journal dates them; which
parts they concern the scenario says.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeVar

from sim.control.journal import Entry, Event
from sim.network.names import line_number
from sim.network.tree import Network
from sim.scenario.model import FOREVER_NS, Fault, Scenario

T = TypeVar("T")


class Stage(StrEnum):
    """What a site does about being cut off."""

    IDLE = "idle"  # nothing, or it watches
    HOLDING = "holding"
    SIGNALLING = "signalling"
    REFUSED = "refused"
    NO_BACKUP = "no backup"


class Span(NamedTuple):
    """A half-open interval in which a fault acts; `fault` is its number."""

    at_ns: int
    until_ns: int
    fault: int


@dataclass(frozen=True, slots=True)
class State:
    """A site at some time. Faults are numbers, the one that began first; -1: none.

    Attributes
    ----------
    line, parent : the line in use, and the relay above by it; -1: the root's
    stage : what it does
    cut : holds the line in use or the relay above down
    grey : makes the relay above forward less
    lossy : slows the line in use or adds loss to it
    own : holds its own room down, or its relay
    standby : whether a standby will end that outage of the relay above
    own_standby : whether a standby will end that of its own relay
    """

    line: int
    parent: int
    stage: Stage
    cut: int
    grey: int
    lossy: int
    own: int
    standby: bool
    own_standby: bool


class Course(NamedTuple):
    """A site's states: each holds from its instant on, until the next; the first from 0."""

    at_ns: list[int]
    states: list[State]

    def at(self, now_ns: int) -> tuple[State, int]:
        """Return the state at an instant, and until when it holds."""
        place = bisect_right(self.at_ns, now_ns)
        until_ns = self.at_ns[place] if place < len(self.at_ns) else FOREVER_NS
        return self.states[place - 1], until_ns


class Courses:
    """The courses of all sites of a run, each made when it is asked for."""

    def __init__(self, scenario: Scenario, network: Network, journal: Sequence[Entry]) -> None:
        self._network = network
        self._lines = _lines_in_use(journal)
        self._stages = _stages(journal)
        self._down = _Parts(network, scenario.faults, journal, "fail")
        self._grey = _Parts(network, scenario.faults, journal, "grey")
        self._lossy = _Parts(network, scenario.faults, journal, "degrade")
        self._known: dict[int, Course] = {}

    def of(self, site: int) -> Course:
        """Return the course of a site."""
        found = self._known.get(site)
        if found is None:
            found = self._known[site] = self._make(site)
        return found

    def _make(self, site: int) -> Course:
        network = self._network
        lines = [(0, site if network.parent[site] >= 0 else -1), *self._lines.get(site, ())]
        stages = [(0, Stage.IDLE), *self._stages.get(site, ())]
        relay = bool(network.relay[site])
        dates = {0, *(at_ns for at_ns, _ in lines), *(at_ns for at_ns, _ in stages)}
        spans = [*self._down.rooms[site], *(self._down.relays[site] if relay else ())]
        for _, line in lines:
            if line >= 0:
                above = int(network.line_parent[line])
                spans += [*self._down.lines[line], *self._down.relays[above]]
                spans += [*self._grey.relays[above], *self._lossy.lines[line]]
        for span in spans:
            dates.update((span.at_ns, span.until_ns))
        at_ns = sorted(dates - {FOREVER_NS})
        return Course(at_ns, [self._state(site, now_ns, lines, stages) for now_ns in at_ns])

    def _state(
        self,
        site: int,
        now_ns: int,
        lines: list[tuple[int, int]],
        stages: list[tuple[int, Stage]],
    ) -> State:
        down = self._down
        line, stage = _last(lines, now_ns), _last(stages, now_ns)
        above = int(self._network.line_parent[line]) if line >= 0 else -1
        own = [*down.rooms[site], *(down.relays[site] if self._network.relay[site] else ())]
        cut, grey, lossy = -1, -1, -1
        if line >= 0:
            cut = _acting([*down.lines[line], *down.relays[above]], now_ns)
            grey = _acting(self._grey.relays[above], now_ns)
            lossy = _acting(self._lossy.lines[line], now_ns)
        return State(
            line=line,
            parent=above,
            stage=stage,
            cut=cut,
            grey=grey,
            lossy=lossy,
            own=_acting(own, now_ns),
            standby=above >= 0 and down.is_taken_over(above, now_ns),
            own_standby=down.is_taken_over(site, now_ns),
        )


class _Parts:
    """When faults of one action concern which lines, relays and rooms."""

    def __init__(
        self, network: Network, faults: Sequence[Fault], journal: Sequence[Entry], action: str
    ) -> None:
        spans, takeovers = _spans(journal)
        self.lines: defaultdict[int, list[Span]] = defaultdict(list)
        self.relays: defaultdict[int, list[Span]] = defaultdict(list)
        self.rooms: defaultdict[int, list[Span]] = defaultdict(list)
        self._taken: defaultdict[int, list[Span]] = defaultdict(list)
        for number, fault in enumerate(faults):
            if fault.action != action:
                continue
            for name in fault.lines:
                self.lines[line_number(network, name)] += spans[number]
            for site in fault.rooms:
                self.rooms[network.index[site]] += spans[number]
            for site in fault.relays:
                relay = network.index[site]
                for span in spans[number]:
                    ends = (at_ns for at_ns in takeovers[number, relay] if at_ns >= span.at_ns)
                    until_ns = min((span.until_ns, *ends))
                    self.relays[relay].append(Span(span.at_ns, until_ns, number))
                    if until_ns < span.until_ns:
                        self._taken[relay].append(self.relays[relay][-1])

    def is_taken_over(self, relay: int, now_ns: int) -> bool:
        """Return whether a relay is down and its standby will end it."""
        return _acting(self._taken.get(relay, ()), now_ns) >= 0


def _spans(
    journal: Iterable[Entry],
) -> tuple[defaultdict[int, list[Span]], defaultdict[tuple[int, int], list[int]]]:
    """Return when each fault acted, and by fault and relay when a standby took over."""
    begun: dict[int, int] = {}
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    takeovers: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for entry in journal:
        if entry.event is Event.FAULT:
            begun[entry.fault] = entry.at_ns
        elif entry.event is Event.REPAIR:
            spans[entry.fault].append(Span(begun.pop(entry.fault), entry.at_ns, entry.fault))
        elif entry.event is Event.TOOK_OVER:
            takeovers[entry.fault, entry.site].append(entry.at_ns)
    for fault, at_ns in begun.items():
        spans[fault].append(Span(at_ns, FOREVER_NS, fault))
    return spans, takeovers


def _lines_in_use(journal: Iterable[Entry]) -> dict[int, list[tuple[int, int]]]:
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for entry in journal:
        if entry.event in (Event.MOVED, Event.REVERTED):
            found[entry.site].append((entry.at_ns, entry.line))
    return dict(found)


def _stages(journal: Iterable[Entry]) -> dict[int, list[tuple[int, Stage]]]:
    """Return what each site does from when on; asking in vain counts as being refused."""
    by_site: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in journal:
        if entry.event in _STAGE_EVENTS and entry.fault >= 0:
            by_site[entry.site].append(entry)
    return {site: _stages_of(entries) for site, entries in by_site.items()}


def _stages_of(entries: Sequence[Entry]) -> list[tuple[int, Stage]]:
    found: list[tuple[int, Stage]] = []
    acting = refused = False  # whether it looks for a line; whether one was refused this time round
    for entry, after in zip(entries, [*entries[1:], None], strict=True):
        stage = Stage.IDLE
        if entry.event is Event.NOTICED:
            # What it does begins at once, but where it is dead itself.
            acting, refused, stage = True, False, Stage.HOLDING
        elif entry.event is Event.HELD:
            stage = Stage.HOLDING
        elif entry.event is Event.ASKED:
            in_vain = after is not None and after.event is Event.REFUSED
            stage = Stage.REFUSED if in_vain else Stage.SIGNALLING
        elif entry.event is Event.REFUSED:
            refused = True
            stage = Stage.REFUSED if acting else Stage.IDLE
        elif entry.event is Event.NO_BACKUP:
            stage = Stage.REFUSED if refused else Stage.NO_BACKUP
            refused = False
        else:
            acting = False
        found.append((entry.at_ns, stage))
    return found


_STAGE_EVENTS = frozenset(
    {
        Event.NOTICED,
        Event.HELD,
        Event.ASKED,
        Event.REFUSED,
        Event.NO_BACKUP,
        Event.MOVED,
        Event.REVERTED,
        Event.SERVED,
    }
)


def _last(steps: Sequence[tuple[int, T]], now_ns: int) -> T:
    """Return what holds at an instant; of several at one instant, the last."""
    return [value for at_ns, value in steps if at_ns <= now_ns][-1]


def _acting(spans: Iterable[Span], now_ns: int) -> int:
    """Return the fault that acts and began first; -1: none does."""
    acting = [span for span in spans if span.at_ns <= now_ns < span.until_ns]
    return min(acting).fault if acting else -1
