"""Failover: sites that notice they are cut off, and go to another of their lines.

Nothing ticks while nothing is wrong: a process begins at an outage, at the sites that it cuts off,
or where a room has heard nothing at the end of a window. At a site at most one process acts, and a
site is on one line at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import Enum
from typing import Any

import numpy as np
import simpy

from sim.control.call import Admission, Present, Signalling, everybody
from sim.control.detection import Watch
from sim.control.journal import Event, Journal
from sim.control.outages import Outages
from sim.control.silence import Silences
from sim.dataplane.edit import Edit, UseLine
from sim.dataplane.tally import Tally
from sim.network.tree import Network
from sim.scenario.model import Scenario
from sim.scenario.protection import NEVER_NS, Failover

Waiting = Generator[simpy.Event, Any, None]


class State(Enum):
    """What a site does about its line."""

    CALM = 0  # nothing; a process may wait to go back to the primary line
    WATCHING = 1  # it is cut off and has not noticed
    ACTING = 2  # it waits, asks, or waits to ask again


class Failovers:
    """All sites that watch the relay above them.

    Attributes
    ----------
    line, parent, since_ns : (n,) int64, the line that each site uses, the relay above, since when
    """

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        network: Network,
        outages: Outages,
        *,
        signalling: Signalling,
        admission: Admission,
        edits: list[Edit],
        journal: Journal,
        present: Present = everybody,
        use: Callable[[int, int], None] | None = None,
        ask: Callable[[int, int], None] | None = None,
    ) -> None:
        """Begin to wait for outages, if any tier watches.

        `present` says whether a site takes part; one that does not notices nothing. `use` is told
        of each move, and `ask` of a site that needs a key frame, and when.
        """
        n = len(network.sites)
        rank = {tier: number for number, tier in enumerate(network.tiers)}
        self._env = env
        self._network = network
        self._outages = outages
        self._signalling = signalling
        self._admission = admission
        self._edits = edits
        self._journal = journal
        self._window_ns = scenario.window_ns
        self._watches = {
            rank[own.tier]: Watch(own, seed=scenario.seed) for own in scenario.detection
        }
        self._rules = {rank[own.tier]: own for own in scenario.failover}
        self._silences = Silences(scenario, network)
        self._state = [State.CALM] * n
        self._turn = [0] * n  # how often anything was begun; what an older turn began is over
        self._fault = [-1] * n  # what a site acts upon
        self._by_ear = [False] * n  # whether it was silence that told
        self.line = np.arange(n, dtype=np.int64)
        self.parent = network.parent.copy()
        self.since_ns = np.zeros(n, dtype=np.int64)
        self._present = present
        self._use = use
        self._ask_key_frame = ask
        if self._watches:
            env.process(self._meet_outages())

    @property
    def _now_ns(self) -> int:
        return int(self._env.now)

    def hear(self, end_ns: int, tally: Tally) -> None:
        """Take note of what rooms have heard by the end of a window; they act from `end_ns` on."""
        if not self._silences.any:
            return
        self._silences.take(tally)
        found = self._silences.silent(
            end_ns, self._outages, line=self.line, parent=self.parent, since_ns=self.since_ns
        )
        for site, fault in found:
            if self._state[site] is not State.ACTING and self._present(site):
                self._env.process(self._act(site, self._begin(site, State.ACTING), fault, True))

    def _meet_outages(self) -> Waiting:
        """Wait for each outage in turn, and begin to watch at the sites that it cuts off."""
        for at_ns, lines, relays in self._outages.begins():
            yield self._env.timeout(at_ns - self._now_ns)
            below = self._network.line_site[lines].tolist()
            hit = {site for site, line in zip(below, lines, strict=True) if self.line[site] == line}
            for relay in relays:
                hit.update(np.flatnonzero(self.parent == relay).tolist())
            for site in sorted(hit):
                if self._state[site] is State.CALM:
                    self._settle(site)

    def _settle(self, site: int) -> None:
        """Leave a site to itself: if it is cut off it watches, else it may want to go back."""
        self._state[site] = State.CALM
        rule, tier = self._rules.get(self._tier(site)), self._tier(site)
        if self._outages.cut(self._line(site), self._now_ns):
            if tier in self._watches and self._present(site):
                self._env.process(self._watch(site, self._begin(site, State.WATCHING)))
        elif rule is not None and rule.revert_ns != NEVER_NS and self._line(site) != site:
            self._env.process(self._revert(site, self._begin(site, State.CALM), rule))

    def _begin(self, site: int, state: State) -> int:
        """Begin something at a site, in place of what it did; return its turn."""
        self._state[site] = state
        self._turn[site] += 1
        return self._turn[site]

    def _watch(self, site: int, turn: int) -> Waiting:
        """Wait until the site's hellos tell it that it is cut off, and act.

        A site that is dead itself begins anew when it lives again. Ends without a word if all is
        repaired before, if it never tells, or if silence tells first.
        """
        env, line = self._env, self._line(site)
        cut = self._outages.cut(line, self._now_ns)
        assert cut is not None, "who watches is cut off"
        on_wire_ns = 0
        if self._outages.relay_dead(line, self._now_ns):
            on_wire_ns = int(self._network.propagation_ns[self._network.down(line)])
        watch, site_id = self._watches[self._tier(site)], self._network.sites[site].id
        notice_ns = watch.notice_ns(site_id, self._now_ns, on_wire_ns=on_wire_ns)
        yield env.timeout(min(notice_ns, cut.until_ns) - self._now_ns)
        if self._turn[site] != turn:
            return
        if notice_ns >= cut.until_ns:
            self._settle(site)
        elif self._outages.site_down_until(site, self._now_ns):
            yield from self._revive(site)
            if self._turn[site] == turn:
                self._settle(site)
        else:
            self._state[site] = State.ACTING
            yield from self._act(site, turn, cut.fault, False)

    def _act(self, site: int, turn: int, fault: int, by_ear: bool) -> Waiting:
        """Note what was noticed, and do what the tier's rule says.

        `by_ear`: silence told, so only packets can tell that it is over.
        """
        self._fault[site], self._by_ear[site] = fault, by_ear
        began_ns = self._now_ns
        if by_ear and self._silences.late_ns(site):
            yield self._env.timeout(self._silences.late_ns(site))
        if not self._is_over(site, began_ns):
            self._note(Event.NOTICED, site, self._line(site))
            rule = self._rules.get(self._tier(site))
            others = len(self._network.lines_of(site)) - 1
            if rule is None or not others:
                yield from self._endure(site, began_ns)
            else:
                yield from self._move_on(site, began_ns, rule)
        self._settle(site)

    def _endure(self, site: int, began_ns: int) -> Waiting:
        """Wait until the line in use is back: there is nowhere to go."""
        self._note(Event.NO_BACKUP, site, self._line(site))
        while not self._is_over(site, began_ns):
            cut = self._outages.cut(self._line(site), self._now_ns)
            until_ns = cut.until_ns if cut else 0
            yield self._env.timeout(max(until_ns - self._now_ns, 0) or self._window_ns)
        self._note(Event.SERVED, site, self._line(site))

    def _move_on(self, site: int, began_ns: int, rule: Failover) -> Waiting:
        """Wait, and ask the site's other lines in order until one takes it.

        Between rounds it waits, too. Ends when a line takes it, or when the one in use is back
        before the site asks the next.
        """
        env = self._env
        if rule.hold_down_ns:
            self._note(Event.HELD, site, self._line(site))
            yield env.timeout(rule.hold_down_ns)
        while True:
            for line in self._network.lines_of(site):
                yield from self._revive(site)
                if self._is_over(site, began_ns):
                    self._note(Event.SERVED, site, self._line(site))
                    return
                if line == self._line(site) or self._is_known_down(site, line):
                    continue
                if (yield from self._ask(site, line)):
                    return
            self._note(Event.NO_BACKUP, site, self._line(site))
            yield env.timeout(rule.retry_ns)

    def _revert(self, site: int, turn: int, rule: Failover) -> Waiting:
        """Wait until the primary line has been up long enough, and ask its relay.

        A site that silence drove away stays for `retry` at least: its primary line was never down.
        Asked in vain, it waits that long again. The site is served meanwhile. Ends when anything
        else begins at the site.
        """
        env, primary = self._env, site
        earliest_ns = self._now_ns + (rule.retry_ns if self._by_ear[site] else 0)
        while True:
            now_ns = max(self._now_ns, earliest_ns)
            at_ns = self._outages.serves_from(primary, now_ns, for_ns=rule.revert_ns)
            yield env.timeout(at_ns - self._now_ns)
            if self._turn[site] != turn:
                return
            self._state[site] = State.ACTING
            taken = yield from self._ask(site, primary)
            if taken or self._outages.cut(self._line(site), self._now_ns):
                self._settle(site)
                return
            self._state[site] = State.CALM
            earliest_ns = self._now_ns + rule.retry_ns

    def _ask(self, site: int, line: int) -> Generator[simpy.Event, Any, bool]:
        """Ask the relay at the other end of a line; use the line if it takes the site."""
        self._note(Event.ASKED, site, line)
        answer = yield from self._signalling.call(site, line)
        if answer.egress < 0:
            self._note(Event.REFUSED, site, line, answer.cause)
            return False
        now_ns, old = self._now_ns, self._line(site)
        if self._outages.cut(line, now_ns) or self._outages.site_down_until(site, now_ns):
            self._admission.release(line, now_ns)
            self._note(Event.REFUSED, site, line, "cut off meanwhile")
            return False
        self._admission.release(old, now_ns)
        self._edits.append(UseLine(at_ns=now_ns, target=site, line=line, egress=answer.egress))
        self._note(Event.REVERTED if line == site else Event.MOVED, site, line)
        self.line[site], self.since_ns[site] = line, now_ns
        self.parent[site] = self._network.line_parent[line]
        if self._use is not None:
            self._use(site, line)
        if self._ask_key_frame is not None:
            self._ask_key_frame(site, now_ns)
        return True

    def _revive(self, site: int) -> Waiting:
        """Wait until a site that is dead itself lives again."""
        until_ns = self._outages.site_down_until(site, self._now_ns)
        if until_ns:
            yield self._env.timeout(until_ns - self._now_ns)

    def _is_over(self, site: int, began_ns: int) -> bool:
        """Say whether the line in use serves the site again."""
        if self._outages.cut(self._line(site), self._now_ns):
            return False
        return not self._by_ear[site] or bool(self._silences.last_ns[site] >= began_ns)

    def _is_known_down(self, site: int, line: int) -> bool:
        """Say whether a site knows that one of its other lines is down: hellos run there, too."""
        cut = self._outages.cut(line, self._now_ns)
        known_after_ns = self._watches[self._tier(site)].known_after_ns
        return cut is not None and self._now_ns - cut.at_ns >= known_after_ns

    def _tier(self, site: int) -> int:
        return int(self._network.tier[site])

    def _line(self, site: int) -> int:
        return int(self.line[site])

    def _note(self, event: Event, site: int, line: int, detail: str = "") -> None:
        fault = self._fault[site]
        self._journal.note(self._now_ns, event, site=site, line=line, fault=fault, detail=detail)
