"""Paths: over which lines a site and a relay above it reach each other now.

Signalling is too little to queue (assumption): a message takes the propagation of the lines on
its path and the processing of the relays between. Whether they are up is asked at the instant at
which it reaches its end (assumption: it is on its way for some tens of ms at most).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sim.network.tree import Network


class Health(Protocol):
    """What is up."""

    def line_is_up(self, line: int) -> bool:
        """Say whether a line carries anything."""

    def relay_is_up(self, site: int) -> bool:
        """Say whether a site's relay works."""


class AllUp:
    """Nothing is ever down."""

    def line_is_up(self, line: int) -> bool:
        """Say yes."""
        return True

    def relay_is_up(self, site: int) -> bool:
        """Say yes."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """From a site up to a relay.

    Attributes
    ----------
    top : number of the relay's site
    delay_ns : one way, the same both ways
    lines, relays : on the path; `top` is the last of the relays
    """

    top: int
    delay_ns: int
    lines: tuple[int, ...]
    relays: tuple[int, ...]

    def is_open(self, health: Health) -> bool:
        """Say whether a message gets through."""
        return all(map(health.line_is_up, self.lines)) and all(map(health.relay_is_up, self.relays))


class OpenLines:
    """The lines that sites use now, as far as they are open."""

    def __init__(self, network: Network, paths: Paths, health: Health) -> None:
        self._above: list[int] = network.line_parent.tolist()
        self._paths = paths
        self._health = health

    def line_of(self, site: int) -> int:
        """Return the number of the line in use; -1: the root's."""
        return int(self._paths.line[site])

    def parent_of(self, site: int) -> int:
        """Return the site at the upper end of the line in use; -1: the root, or it is cut off."""
        line = self._paths.line[site]
        if line < 0 or not self._health.line_is_up(line):
            return -1
        above = self._above[line]
        return above if self._health.relay_is_up(above) else -1


class Paths:
    """Which line each site uses now.

    Attributes
    ----------
    line : by site, the number of its line in use; -1: the root's
    """

    def __init__(self, network: Network) -> None:
        self.line = [-1, *range(1, len(network.sites))]
        self._above: list[int] = network.line_parent.tolist()
        self._processing_ns: list[int] = network.processing_ns.tolist()
        self._propagation_ns = [
            int(network.propagation_ns[network.down(line)]) for line in range(len(self._above))
        ]

    def use(self, site: int, line: int) -> None:
        """Let a site use another of its lines from now on."""
        self.line[site] = line

    def up(self, site: int, line: int, wanted: Callable[[int], bool]) -> Path | None:
        """Return the path from a site up to the first relay that is wanted; None: there is none.

        Parameters
        ----------
        site : where it begins
        line : the line of the site that is tried; -1: none, for the site's own relay is the first
        wanted : says of a site whether its relay is
        """
        lines: list[int] = []
        relays: list[int] = []
        delay_ns = 0
        if line >= 0:
            lines.append(line)
            delay_ns += self._propagation_ns[line]
            site = self._above[line]
        while True:
            relays.append(site)
            if wanted(site):
                return Path(top=site, delay_ns=delay_ns, lines=tuple(lines), relays=tuple(relays))
            line = self.line[site]
            if line < 0 or line in lines:
                return None
            lines.append(line)
            delay_ns += self._processing_ns[site] + self._propagation_ns[line]
            site = self._above[line]
