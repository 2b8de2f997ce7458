"""A run of one engine, cut into spans: what is sent, what is edited, and where time is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from hypothesis.vendor.pretty import RepresentationPrinter

from sim.dataplane.edit import Edit, UseLine
from sim.dataplane.engine import Engine
from sim.dataplane.tally import Tally
from sim.media.kernels.arrays import FIRST, KEY, LAST
from sim.media.packets import Packets
from sim.scenario.model import FOREVER_NS, Scenario

Cuts = tuple[int, ...]
Played = tuple[Engine, Cuts]  # an engine, and where the time was cut that it played

# What the packets of a stream are of its frames, one after the other: mostly key frames, one of
# which is whole at once, in every other stream from the first.
PARTS = (KEY | FIRST | LAST, FIRST | LAST, KEY | FIRST, KEY, KEY | LAST, FIRST, LAST, KEY | FIRST)


class Dispatch(NamedTuple):
    """A packet that a site sends.

    Attributes
    ----------
    stream : index into the scenario's streams
    origin : number of the site; the root's is 0
    turn : the turn of the agenda whose first frame it is part of; -1: none
    """

    sent_ns: int
    stream: int
    size_bytes: int
    origin: int = 0
    turn: int = -1


class Name(NamedTuple):
    """A packet, said so that no cutting of time changes it."""

    origin: int
    stream: int
    sequence: int


Sent = tuple[int, int, int] | Dispatch  # three numbers: sent by the root


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Rehearsal:
    """One run to compare.

    Attributes
    ----------
    scenario : the tree
    packets : what is sent, in any order; those of a source at one instant in their order
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
            f"  dark_after_ns={scenario.dark_after_ns}, begins_ns={scenario.begins_ns},",
            "  rooms: " + " ".join(site.id for site in scenario.sites if site.room),
            *(
                f"  {line.parent} - {line.site} by {line.carrier}: down {line.down}, "
                f"up {line.up}, propagation_ns={line.propagation_ns}"
                for line in scenario.lines
            ),
            *(f"  {relay}" for relay in scenario.relays),
            *(
                f"  {stream.id}: {stream.direction} from {' '.join(stream.origins)} "
                f"to {stream.to!r}, composite={stream.composite}, "
                f"precedence={stream.precedence}, playout_ns={stream.playout_ns}"
                for stream in scenario.streams
            ),
            *(f"  {turn}" for turn in scenario.agenda),
            *(f"  {packet}" for packet in self.in_order()),
            *(f"  {edit}" for edit in self.edits),
        ]
        return "\n".join(parts) + ")"

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """Print the short form in Hypothesis's reports too."""
        printer.text(repr(self))

    def in_order(self) -> list[Dispatch]:
        """Return all packets by origin, sending time and stream."""
        packets = [Dispatch(*packet) for packet in self.packets]
        return sorted(packets, key=lambda packet: (packet.origin, packet.sent_ns, packet.stream))

    def names(self, cuts: Cuts = ()) -> list[Name]:
        """Return the packets by their numbers, for one cutting."""
        found: list[Name] = []
        for start_ns, end_ns in spans(self, cuts):
            packets = self.packets_in(start_ns, end_ns)
            origin = np.repeat(
                np.arange(packets.origin_first.size - 1), np.diff(packets.origin_first)
            )
            columns = origin.tolist(), packets.stream.tolist(), packets.sequence.tolist()
            assert packets.first == len(found)
            found += map(Name, *columns)
        return found

    def packets_in(self, start_ns: int, end_ns: int) -> Packets:
        """Return the packets sent in [start_ns, end_ns).

        They are numbered span by span, so those sent before `start_ns` have the lower numbers.
        """
        sent: dict[tuple[int, int], int] = {}
        rows = []
        for packet in self.in_order():
            source = packet.origin, packet.stream
            sequence = sent[source] = sent.get(source, -1) + 1
            if start_ns <= packet.sent_ns < end_ns:
                rows.append((*packet, sequence))
        sent_ns, stream, size_bytes, origin, turn, sequence_numbers = (
            np.array(rows, dtype=np.int64).reshape(-1, 6).T.copy()
        )
        return Packets.of(
            first=sum(packet[0] < start_ns for packet in self.packets),
            origin_first=np.searchsorted(origin, np.arange(len(self.scenario.sites) + 1)).astype(
                np.int64
            ),
            sent_ns=sent_ns,
            size_bytes=size_bytes,
            stream=stream,
            sequence=sequence_numbers,
            turn=turn,
            part=np.array(PARTS)[(stream % 2 + sequence_numbers) % len(PARTS)],
        )

    def edits_in(self, start_ns: int, end_ns: int) -> list[Edit]:
        """Return the edits dated in [start_ns, end_ns)."""
        return [edit for edit in self.edits if start_ns <= edit.at_ns < end_ns]


def spans(rehearsal: Rehearsal, cuts: Cuts) -> list[tuple[int, int]]:
    """Return the spans of a cutting; in the last one the run drains.

    A site uses another line at the beginning of a span only, so time is cut there too.
    """
    moves_ns = {edit.at_ns for edit in rehearsal.edits if isinstance(edit, UseLine)}
    inside = sorted({*cuts, *moves_ns} - {0})
    return list(pairwise([0, *inside, rehearsal.scenario.duration_ns, FOREVER_NS]))


def play(rehearsal: Rehearsal, engine: Engine, cuts: Cuts = ()) -> Iterator[int]:
    """Replay the rehearsal span by span and drain it; yield the end of each span."""
    for start_ns, end_ns in spans(rehearsal, cuts):
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


def rows(engine: Engine, names: Sequence[Name]) -> list[tuple[int, Name, int, int]]:
    """Return the fates sorted, as (hop, packet, fate, at_ns); `names` are by number."""
    fates = engine.fates()
    columns = (fates.hop, fates.packet, fates.fate, fates.at_ns)
    found = zip(*(column.tolist() for column in columns), strict=True)
    return sorted((hop, names[packet], fate, at_ns) for hop, packet, fate, at_ns in found)


def assert_same_tally(one: Tally, other: Tally, when: str) -> None:
    """Fail, with the first differing cells, unless all arrays of both tallies are equal."""
    for field in fields(Tally):
        np.testing.assert_array_equal(
            getattr(one, field.name), getattr(other, field.name), err_msg=f"{field.name} {when}"
        )


def assert_same_run(rehearsal: Rehearsal, one: Played, other: Played, when: str) -> None:
    """Fail unless two engines stand at the same point of the same run, however it was cut."""
    (first, first_cuts), (second, second_cuts) = one, other
    assert_same_tally(first.tally, second.tally, when)
    assert first.pending() == second.pending(), f"pending {when}"
    np.testing.assert_array_equal(first.dark(), second.dark(), err_msg=f"dark {when}")
    fates = rows(first, rehearsal.names(first_cuts)), rows(second, rehearsal.names(second_cuts))
    assert fates[0] == fates[1], f"fates {when}"
