"""Joining: rooms call before the meeting and after its start, are let in, and leave.

What a scenario says of shares and windows is drawn when it is loaded; here each room has its
instants. A room that is refused or not answered calls again after a pause, as long as it has tries.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.control.journal import Event, Journal
from sim.control.server import ServerLoad
from sim.control.signalling import Outcome, Signalling
from sim.dataplane.edit import Edit, JoinRoom, LeaveRoom, UseLine
from sim.network.tree import Network
from sim.scenario.joining_model import NEVER_NS, Arrival
from sim.scenario.model import FOREVER_NS, Scenario

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joins:
    """How the rooms of a run came and went. Arrays have an entry for each of the n sites.

    Instants are -1 where it never happened, and everything is -1 or 0 at sites without a room.

    Attributes
    ----------
    start_ns : when the meeting starts within the run
    room : (n,) bool, whether the site has a room
    called_ns : when it first called; -1 also for one that is there from the beginning
    joined_ns : when it was let in; 0 for one that is there from the beginning
    gave_up_ns : when it stopped trying
    left_ns : when it left after it had joined
    tries : calls it made
    refusals, timeouts : of those, how many were refused, and how many were not answered
    requests, retransmissions : requests of its calls, and copies of them that it sent again
    dropped : copies that found a server's queue full and had no answer
    servers : what each signalling server had to do
    """

    start_ns: int
    room: NDArray[np.bool_]
    called_ns: Int64Array
    joined_ns: Int64Array
    gave_up_ns: Int64Array
    left_ns: Int64Array
    tries: Int64Array
    refusals: Int64Array
    timeouts: Int64Array
    requests: Int64Array
    retransmissions: Int64Array
    dropped: Int64Array
    servers: tuple[ServerLoad, ...]

    @property
    def took_ns(self) -> Int64Array:
        """How long each room that called and joined needed for it, in order of site number."""
        joined = (self.called_ns >= 0) & (self.joined_ns >= 0)
        return self.joined_ns[joined] - self.called_ns[joined]

    def present(self, at_ns: int) -> NDArray[np.bool_]:
        """Return which rooms are in the meeting at an instant, shape (n,)."""
        come = self.room & (self.joined_ns >= 0) & (self.joined_ns <= at_ns)
        return come & ((self.left_ns < 0) | (self.left_ns > at_ns))

    @property
    def present_at_start(self) -> float:
        """The share of all rooms that are in the meeting when it starts; NaN without rooms."""
        rooms = int(self.room.sum())
        return int(self.present(self.start_ns).sum()) / rooms if rooms else float("nan")


COUNTS = ("tries", "refusals", "timeouts", "requests", "retransmissions", "dropped")
INSTANTS = ("called_ns", "joined_ns", "gave_up_ns", "left_ns")


class Joining:
    """Lets the rooms of one run come and go."""

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        network: Network,
        signalling: Signalling,
        *,
        edits: list[Edit],
        journal: Journal,
        ask: Callable[[int, int], None] | None = None,
    ) -> None:
        """Begin a process for each room that comes or goes before the run's end.

        `ask` is told of a site that needs a key frame, and when.
        """
        self._ask = ask
        self._env = env
        self._network = network
        self._signalling = signalling
        self._edits = edits
        self._journal = journal
        self._start_ns = scenario.joining.start_ns
        n = len(network.sites)
        self._instants = {name: [NEVER_NS] * n for name in INSTANTS}
        self._counts = {name: [0] * n for name in COUNTS}
        for site in np.flatnonzero(network.room).tolist():
            self._instants["joined_ns"][site] = 0
        for room in scenario.joining.rooms:
            site = network.index[room.site]
            if room.calls_ns != NEVER_NS:
                self._instants["joined_ns"][site] = NEVER_NS
            if room.calls_ns < scenario.duration_ns:
                env.process(self._take_part(site, room))

    def is_present(self, site: int) -> bool:
        """Say whether a site takes part now: a relay, or a leaf that has no room or has joined."""
        if self._network.relay[site] or not self._network.room[site]:
            return True
        return self.room_is_present(site)

    def room_is_present(self, site: int) -> bool:
        """Say whether the room at a site takes part now; its relay, if it has one, always does."""
        return self._instants["joined_ns"][site] >= 0 and self._instants["left_ns"][site] < 0

    def joins(self, *, until_ns: int) -> Joins:
        """Return how the rooms have come and gone before `until_ns`."""
        arrays = {
            name: np.array(values, dtype=np.int64)
            for name, values in (self._instants | self._counts).items()
        }
        return Joins(
            start_ns=self._start_ns,
            room=self._network.room,
            servers=self._signalling.loads(until_ns=until_ns),
            **arrays,
        )

    def _take_part(self, site: int, room: Arrival) -> Generator[simpy.Event, Any, None]:
        """Wait until the room calls, let it join, wait until it hangs up, and let it leave.

        A room that has not been let in when it is to hang up gives up.
        """
        leaves_ns = FOREVER_NS if room.leaves_ns == NEVER_NS else room.leaves_ns
        if room.calls_ns != NEVER_NS:
            yield self._signalling.calendar.wait(room.calls_ns, site)
            joined = yield from self._join(site, leaves_ns)
            if not joined:
                return
        if leaves_ns == FOREVER_NS:
            return
        yield self._signalling.calendar.wait(leaves_ns, site)
        if not self._network.relay[site]:
            self._signalling.admission.release(self._signalling.paths.line[site], self._now_ns)
        self._instants["left_ns"][site] = self._now_ns
        self._journal.note(self._now_ns, Event.LEFT, site=site)
        self._edits.append(LeaveRoom(at_ns=self._now_ns, target=site))

    def _join(self, site: int, leaves_ns: int) -> Generator[simpy.Event, Any, bool]:
        """Call until the room is let in; return whether it was.

        At a leaf that is done by the relay above, over the line in use. The room of a relay site
        is let in by its own relay.
        """
        self._instants["called_ns"][site] = self._now_ns
        self._journal.note(self._now_ns, Event.CALLED, site=site)
        counts = self._counts
        while True:
            line = -1 if self._network.relay[site] else self._signalling.paths.line[site]
            counts["tries"][site] += 1
            answer = yield from self._signalling.call(site, line, until_ns=leaves_ns)
            counts["requests"][site] += answer.sent
            counts["retransmissions"][site] += answer.resent
            counts["dropped"][site] += answer.dropped
            if answer.admitted:
                self._let_in(site, line, answer.egress)
                return True
            cause = answer.cause
            if answer.outcome is Outcome.GAVE_UP:
                self._give_up(site, "")
                return False
            timed_out = answer.outcome is Outcome.TIMED_OUT
            counts["timeouts" if timed_out else "refusals"][site] += 1
            if not timed_out:
                self._journal.note(self._now_ns, Event.REFUSED, site=site, line=line, detail=cause)
            pause_ns = self._signalling.pause_ns(site, counts["tries"][site])
            if pause_ns is None:
                self._give_up(site, cause)
                return False
            if self._now_ns + pause_ns >= leaves_ns:
                yield self._signalling.calendar.wait(leaves_ns, site)
                self._give_up(site, cause)
                return False
            yield self._signalling.calendar.wait(self._now_ns + pause_ns, site)

    def _let_in(self, site: int, line: int, egress: int) -> None:
        now_ns = self._now_ns
        if line >= 0 and egress != self._network.line_egress[line]:
            self._edits.append(UseLine(at_ns=now_ns, target=site, line=line, egress=egress))
        self._edits.append(JoinRoom(at_ns=now_ns, target=site))
        self._instants["joined_ns"][site] = now_ns
        self._journal.note(now_ns, Event.JOINED, site=site, line=line)
        if self._ask is not None:
            self._ask(site, now_ns)

    def _give_up(self, site: int, cause: str) -> None:
        self._instants["gave_up_ns"][site] = self._now_ns
        self._journal.note(self._now_ns, Event.GAVE_UP, site=site, detail=cause)

    @property
    def _now_ns(self) -> int:
        return int(self._env.now)
