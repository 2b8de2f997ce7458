"""Why rooms were dark: each dark interval, measured from packets, taken apart by the journal.

A room is fed through its own site and the sites above it, by the lines in use at that moment. Of
all that is wrong on this way what is nearest to the room counts: what is down, or a relay that is
grey. How long it lasts is put down to what is done about it meanwhile, by the site that acts and is
nearest to the room; who has not noticed is still detecting, if anybody there could notice.

When nothing is wrong any more the room waits for a key frame, or for its first picture. When
nothing was wrong before either, packets were lost or late, or none was sent. The time before the
first fault, up to `dark_after`, is no dark of its own: the next packet was not due much earlier.

The causes add up to the nanosecond. What packets and journal contradict each other in is an error:
no packet reaches a room by a way that has been cut for longer than any packet travelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.control.journal import Entry
from sim.metrics.measures import DarkIntervals, Measures
from sim.metrics.site_courses import Courses, Stage, State
from sim.network.tree import Network
from sim.scenario.model import FOREVER_NS, Scenario

if TYPE_CHECKING:
    from sim.control.joining import Joins  # with SimPy, which only a simulation needs

Int64Array = NDArray[np.int64]


class ResidualError(RuntimeError):
    """A dark interval contradicts what the control plane did; the run is void."""


class DarkCause(StrEnum):
    """Why a room is dark at a moment."""

    DETECTING = "detecting"  # nobody has noticed yet
    HOLDING = "holding"  # a site has noticed, and waits before it acts
    SIGNALLING = "signalling"  # it asks the relay that will take it
    REFUSED = "refused"  # it asks in vain, or waits to ask again
    NO_BACKUP = "no_backup"  # it has nobody to ask
    UNWATCHED = "unwatched"  # nobody could notice, or it is the room's own relay or room
    KEY_FRAME = "key_frame"  # fed again, it waits for a whole key frame
    JOINING = "joining"  # it has joined, and waits for the first picture
    LOSS = "loss"  # nothing was down: packets were lost or late, or none was sent


CAUSES = tuple(DarkCause)
_OF_STAGE = {
    Stage.HOLDING: DarkCause.HOLDING,
    Stage.SIGNALLING: DarkCause.SIGNALLING,
    Stage.REFUSED: DarkCause.REFUSED,
    Stage.NO_BACKUP: DarkCause.NO_BACKUP,
}


class Piece(NamedTuple):
    """A part of a dark interval with one cause; `fault` is the number of the fault, -1: none."""

    until_ns: int
    cause: DarkCause
    fault: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Darkness:
    """The k dark intervals of a run, and why.

    Attributes
    ----------
    dark : the intervals
    fault : (k,) int64, the first fault that had to do with it; -1: none
    spent_ns : (k, causes) int64, how long for which cause; rows add up to the intervals
    pieces : of each interval, in order, each with its end
    """

    dark: DarkIntervals
    fault: Int64Array
    spent_ns: Int64Array
    pieces: tuple[tuple[Piece, ...], ...]


def explain(
    scenario: Scenario,
    network: Network,
    measures: Measures,
    journal: Sequence[Entry],
    joins: Joins,
) -> Darkness:
    """Return why rooms were dark.

    Raises
    ------
    ResidualError
        If an interval contradicts the journal.
    """
    dark = measures.dark
    explanation = _Explanation(scenario, network, measures, Courses(scenario, network, journal))
    pieces = []
    for site, from_ns, until_ns in zip(
        dark.site.tolist(), dark.from_ns.tolist(), dark.until_ns.tolist(), strict=True
    ):
        joined_ns, left_ns = int(joins.joined_ns[site]), int(joins.left_ns[site])
        if joined_ns < 0 or from_ns < joined_ns or (0 <= left_ns < until_ns):
            raise ResidualError(
                f"{network.sites[site].id} was dark from {from_ns} to {until_ns} ns, but took part "
                f"from {joined_ns} to {left_ns} ns"
            )
        came = bool(joins.called_ns[site] >= 0) and from_ns == joined_ns
        pieces.append(tuple(explanation.of(site, from_ns, until_ns, joined=came)))
    spent_ns = np.zeros((len(pieces), len(CAUSES)), dtype=np.int64)
    fault = np.full(len(pieces), -1, dtype=np.int64)
    for row, (from_ns, parts) in enumerate(zip(dark.from_ns.tolist(), pieces, strict=True)):
        for part in parts:
            spent_ns[row, CAUSES.index(part.cause)] += part.until_ns - from_ns
            from_ns = part.until_ns
            if fault[row] < 0:
                fault[row] = part.fault
    return Darkness(dark=dark, fault=fault, spent_ns=spent_ns, pieces=tuple(pieces))


class _Found(NamedTuple):
    """What is wrong on a room's way from some instant until another.

    `cause` is None where nothing is down; `fault` may then be one that slows a line or loses on it.
    `acts` is what is done about that; `way` are the lines in use, as far as they were looked at.
    """

    until_ns: int
    cause: DarkCause | None
    fault: int
    acts: DarkCause | None
    way: tuple[int, ...]


class _Explanation:
    """Explains the dark intervals of one run, one by one."""

    def __init__(
        self, scenario: Scenario, network: Network, measures: Measures, courses: Courses
    ) -> None:
        self._network = network
        self._courses = courses
        self._dark_after_ns = scenario.dark_after_ns
        self._duration_ns = scenario.duration_ns
        rank = {tier: number for number, tier in enumerate(network.tiers)}
        watching = [each for each in scenario.detection if each.bfd or each.rtcp or each.consent]
        self._watching = {rank[each.tier] for each in watching}
        self._listening = {rank[each.tier] for each in scenario.detection if each.silence}
        self._tier: list[int] = network.tier.tolist()
        self._room: list[bool] = network.room.tolist()
        # All that comes down passes the whole way only if it comes from the root.
        self._from_root = all(
            stream.direction == "floor" or set(stream.origins) == {network.sites[0].id}
            for stream in scenario.streams
            if stream.direction != "up"
        )
        self._travel_ns = np.zeros(len(network.sites), dtype=np.int64)
        known = np.nan_to_num(measures.endpoints.delays.max_ns)
        self._travel_ns[measures.endpoints.site] = np.ceil(known).astype(np.int64)

    def of(self, site: int, from_ns: int, until_ns: int, *, joined: bool) -> Iterator[Piece]:
        """Yield the parts of a dark interval, neighbours of one cause and fault together.

        `joined`: it begins with the room's joining.
        """
        if not joined and from_ns > 0:
            self._check(site, from_ns, "its last packet came")
        if until_ns < self._duration_ns:
            self._check(site, until_ns, "it was lit")
        found = list(self._course(site, from_ns, until_ns))
        last: Piece | None = None
        for piece in self._named(found, from_ns, joined):
            if last is not None and (last.cause, last.fault) != (piece.cause, piece.fault):
                yield last
            last = piece
        assert last is not None, "an interval has a length"
        yield last

    def _named(self, found: Sequence[_Found], from_ns: int, joined: bool) -> Iterator[Piece]:
        """Give a cause to the parts in which nothing is down."""
        fed_again = False
        first = next((each for each in found if each.cause is not None), None)
        for number, each in enumerate(found):
            if number and each.way != found[number - 1].way:
                fed_again = True  # the site, or one above, has moved
            if each.cause is not None:
                fed_again = True
                yield Piece(each.until_ns, each.cause, each.fault)
            elif fed_again:
                yield Piece(each.until_ns, DarkCause.KEY_FRAME, -1)
            elif joined:
                yield Piece(each.until_ns, DarkCause.JOINING, -1)
            elif each.acts is not None:
                yield Piece(each.until_ns, each.acts, each.fault)
            elif first is not None and self._is_wait(found, number, from_ns):
                assert first.cause is not None
                yield Piece(each.until_ns, first.cause, first.fault)
            else:
                yield Piece(each.until_ns, DarkCause.LOSS, each.fault)

    def _is_wait(self, found: Sequence[_Found], number: int, from_ns: int) -> bool:
        """Return whether what is before the first fault is too short to be dark of its own."""
        down = (i for i in range(number, len(found)) if found[i].cause is not None)
        begins_ns = found[next(down) - 1].until_ns
        return begins_ns - from_ns <= self._dark_after_ns

    def _course(self, site: int, from_ns: int, until_ns: int) -> Iterator[_Found]:
        while from_ns < until_ns:
            found = self._look(site, from_ns)
            if found.until_ns >= until_ns:
                found = found._replace(until_ns=until_ns)
            yield found
            from_ns = found.until_ns

    def _look(self, room: int, now_ns: int) -> _Found:
        """Return what is wrong on a room's way at an instant, nearest first."""
        sites: list[int] = []
        way: tuple[int, ...] = ()
        states: list[State] = []
        until_ns, site, lossy = FOREVER_NS, room, -1
        while site >= 0:
            state, holds_ns = self._courses.of(site).at(now_ns)
            until_ns = min(until_ns, holds_ns)
            sites.append(site)
            way += (state.line,)
            states.append(state)
            if site == room and state.own >= 0:
                cause = DarkCause.DETECTING if state.own_standby else DarkCause.UNWATCHED
                return _Found(until_ns, cause, state.own, None, way)
            if lossy < 0:
                lossy = state.lossy
            if state.cut >= 0 or state.grey >= 0:
                cause = self._done_about(sites, states)
                fault = state.cut if state.cut >= 0 else state.grey
                return _Found(until_ns, cause, fault, None, way)
            site = state.parent
        acts = _acting(states) if lossy >= 0 else None
        return _Found(until_ns, None, lossy, acts, way)

    def _done_about(self, sites: Sequence[int], states: Sequence[State]) -> DarkCause:
        """Return what is done about an outage above the last of the sites on a room's way up."""
        acting = _acting(states)
        if acting is not None:
            return acting
        last = states[-1]
        listens = any(self._room[s] and self._tier[s] in self._listening for s in sites)
        watches = last.cut >= 0 and (last.standby or self._tier[sites[-1]] in self._watching)
        return DarkCause.DETECTING if listens or watches else DarkCause.UNWATCHED

    def _check(self, room: int, came_ns: int, what: str) -> None:
        """Refuse a packet that came by a way that was cut as long as any packet has travelled."""
        began_ns = max(came_ns - int(self._travel_ns[room]), 0)
        site, now_ns = room, began_ns
        while site >= 0:
            if self._cut_from(site, began_ns, came_ns, _is_own if site == room else _is_cut):
                name, where = self._network.sites[room].id, self._network.sites[site].id
                raise ResidualError(
                    f"{name}: {what} at {came_ns} ns, but {where} was cut off since {began_ns} ns"
                )
            if not self._from_root:
                return
            state, holds_ns = self._courses.of(site).at(now_ns)
            if holds_ns <= came_ns:
                return  # it may have come by another way
            site = state.parent

    def _cut_from(
        self, site: int, from_ns: int, until_ns: int, is_cut: Callable[[State], bool]
    ) -> bool:
        """Return whether nothing can have passed a site from one instant to another, both in."""
        course = self._courses.of(site)
        while from_ns <= until_ns:
            state, from_ns = course.at(from_ns)
            if not is_cut(state):
                return False
        return True


def _is_cut(state: State) -> bool:
    return state.cut >= 0


def _is_own(state: State) -> bool:
    return state.cut >= 0 or state.own >= 0


def _acting(states: Sequence[State]) -> DarkCause | None:
    """Return what the nearest site does that acts; before one that has nobody to ask, another."""
    done = [_OF_STAGE[state.stage] for state in states if state.stage is not Stage.IDLE]
    better = [each for each in done if each is not DarkCause.NO_BACKUP]
    return next(iter((*better, *done)), None)
