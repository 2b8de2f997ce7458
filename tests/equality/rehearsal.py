"""A run of one engine, cut into spans: what is sent, what is edited, and where time is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from hypothesis.vendor.pretty import RepresentationPrinter

from sim.dataplane.edit import Edit
from sim.dataplane.engine import Engine
from sim.dataplane.tally import FateLog, Tally
from sim.media.packets import Packets
from sim.scenario.model import FOREVER_NS, Scenario

Cuts = tuple[int, ...]
Sent = tuple[int, int, int]  # sent_ns, stream, size_bytes


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Rehearsal:
    """One run to compare.

    Attributes
    ----------
    scenario : the tree
    packets : what the root sends, sorted by (sent_ns, stream)
    edits : sorted by time
    """

    scenario: Scenario
    packets: tuple[Sent, ...]
    edits: tuple[Edit, ...]

    def __repr__(self) -> str:
        """Say what was drawn and leave out what all rehearsals share."""
        scenario = self.scenario
        parts = [
            f"Rehearsal(seed={scenario.seed}, duration_ns={scenario.duration_ns},",
            f"  dark_after_ns={scenario.dark_after_ns},",
            "  rooms: " + " ".join(site.id for site in scenario.sites if site.room),
            *(
                f"  {line.parent} -> {line.site} by {line.carrier}: {line.down}, "
                f"propagation_ns={line.propagation_ns}"
                for line in scenario.lines
            ),
            *(f"  {relay}" for relay in scenario.relays),
            f"  packets (sent_ns, stream, size_bytes): {self.packets}",
            *(f"  {edit}" for edit in self.edits),
        ]
        return "\n".join(parts) + ")"

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """Print the short form in Hypothesis's reports too."""
        printer.text(repr(self))

    def packets_in(self, start_ns: int, end_ns: int) -> Packets:
        """Return the packets sent in [start_ns, end_ns)."""
        sent_ns, stream, size_bytes = np.array(self.packets, dtype=np.int64).reshape(-1, 3).T
        sequence = np.zeros_like(stream)
        for each in range(len(self.scenario.streams)):
            sequence[stream == each] = np.arange((stream == each).sum())
        first, end = np.searchsorted(sent_ns, [start_ns, end_ns])
        return Packets(
            first=int(first),
            sent_ns=sent_ns[first:end].copy(),
            size_bytes=size_bytes[first:end].copy(),
            stream=stream[first:end].copy(),
            sequence=sequence[first:end].copy(),
        )

    def edits_in(self, start_ns: int, end_ns: int) -> list[Edit]:
        """Return the edits dated in [start_ns, end_ns)."""
        return [edit for edit in self.edits if start_ns <= edit.at_ns < end_ns]


def play(rehearsal: Rehearsal, engine: Engine, cuts: Cuts = ()) -> Iterator[int]:
    """Replay the rehearsal span by span and drain it; yield the end of each span."""
    for start_ns, end_ns in pairwise([0, *cuts, rehearsal.scenario.duration_ns, FOREVER_NS]):
        engine.replay(
            start_ns,
            end_ns,
            rehearsal.packets_in(start_ns, end_ns),
            rehearsal.edits_in(start_ns, end_ns),
        )
        yield end_ns


def every_ns(rehearsal: Rehearsal) -> Cuts:
    """Return the cutting into spans of 1 ns."""
    return tuple(range(1, rehearsal.scenario.duration_ns))


def rows(fates: FateLog) -> list[tuple[int, int, int, int]]:
    """Return the fates sorted, as (site, packet, fate, at_ns)."""
    columns: Sequence[list[int]] = [
        column.tolist() for column in (fates.site, fates.packet, fates.fate, fates.at_ns)
    ]
    return sorted(zip(*columns, strict=True))


def assert_same_tally(one: Tally, other: Tally, when: str) -> None:
    """Fail, with the first differing cells, unless all arrays of both tallies are equal."""
    for name in ("line", "line_delay", "room", "room_delay", "egress"):
        np.testing.assert_array_equal(
            getattr(one, name), getattr(other, name), err_msg=f"{name} {when}"
        )


def assert_same_run(one: Engine, other: Engine, when: str) -> None:
    """Fail unless two engines stand at the same point of the same run."""
    assert_same_tally(one.tally, other.tally, when)
    assert one.pending() == other.pending(), f"pending {when}"
    assert rows(one.fates()) == rows(other.fates()), f"fates {when}"
