"""Calls: how a site that moves asks the relay at the other end of a line to take it.

Where no signalling is described, asking is one round trip over that line, and a relay with an
egress for it always has room.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

import simpy

from sim.control.outages import Outages
from sim.network.tree import Network

TIMER_B_NS = 32 * 10**9  # how long a request waits for an answer: 64 T1 (RFC 3261, 17.1.1.2)


class Answer(Protocol):
    """What a relay answered.

    Attributes
    ----------
    egress : the egress that will feed the line; -1: it does not take the site
    cause : why not
    """

    @property
    def egress(self) -> int: ...

    @property
    def cause(self) -> str: ...


class Admission(Protocol):
    """Who may still come to a relay, and through which egress."""

    def place(self, line: int, now_ns: int) -> int | str:
        """Return the number of the egress for a line, or why there is none."""

    def release(self, line: int, now_ns: int) -> None:
        """Let the line's place be another's; of a line that has none nothing happens."""


class Signalling(Protocol):
    """How a site asks."""

    def call(self, site: int, line: int) -> Generator[simpy.Event, Any, Answer]:
        """Ask, over `line`, its relay to take the site; return what it answered, in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainAnswer:
    """An egress, or -1 and why not."""

    egress: int
    cause: str = ""


class RoomForAll:
    """Admission without limits: the egress that the network has for the line."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def place(self, line: int, now_ns: int) -> int | str:
        """Return the egress of the line's carrier at the relay above."""
        return int(self._network.line_egress[line])

    def release(self, line: int, now_ns: int) -> None:
        """Do nothing."""


class RoundTrip:
    """Asking by one request and one answer over the line, too small to wait in any queue."""

    def __init__(
        self,
        env: simpy.Environment,
        network: Network,
        outages: Outages,
        admission: Admission,
    ) -> None:
        self._env = env
        self._network = network
        self._cut = outages.cut
        self._admission = admission

    def call(self, site: int, line: int) -> Generator[simpy.Event, Any, PlainAnswer]:
        """Wait for the answer, or as long as SIP does where there will be none.

        The relay places the site when the request reaches it, after its processing.
        """
        env, network = self._env, self._network
        began_ns, above = int(env.now), int(network.line_parent[line])
        up_ns = int(network.propagation_ns[network.up(line)] + network.processing_ns[above])
        down_ns = int(network.propagation_ns[network.down(line)])
        if self._cut(line, int(env.now)) is None:
            yield env.timeout(up_ns)
            if self._cut(line, int(env.now)) is None:
                placed = self._admission.place(line, int(env.now))
                yield env.timeout(down_ns)
                if isinstance(placed, str):
                    return PlainAnswer(egress=-1, cause=placed)
                if self._cut(line, int(env.now)) is None:
                    return PlainAnswer(egress=placed)
                self._admission.release(line, int(env.now))
        yield env.timeout(began_ns + TIMER_B_NS - int(env.now))
        return PlainAnswer(egress=-1, cause="no answer")


Present = Callable[[int], bool]


def everybody(site: int) -> bool:
    """Say that a site takes part: where rooms do not join, all are there from the start."""
    return True
