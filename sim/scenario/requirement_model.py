"""Requirements, resolved: what the meeting must meet, and of whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ANY_RELAY = "any relay"  # of which one fails, whatever its tier

Subject = Literal["rooms", "lines", "egresses"]
Measure = Literal[
    "loss",
    "delay",
    "jitter",
    "mos",
    "freezes",
    "dark",
    "dark_in_total",
    "recovery",
    "join_time",
    "present_at_start",
    "survives",
    "utilisation",
]
Sense = Literal["at most", "at least"]
Unit = Literal["share", "ns", "count", "score"]

UNITS: dict[Measure, Unit] = {
    "loss": "share",
    "delay": "ns",
    "jitter": "ns",
    "mos": "score",
    "freezes": "count",
    "dark": "ns",
    "dark_in_total": "ns",
    "recovery": "ns",
    "join_time": "ns",
    "present_at_start": "share",
    "survives": "share",
    "utilisation": "share",
}

SHARES: tuple[Measure, ...] = ("present_at_start", "survives")  # of the rooms that do


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The sites that a requirement is about.

    Attributes
    ----------
    text : how a scenario file says it, such as `carrier/viettel in site/79`
    words : (kind, name) of what is selected, then of its scope, if it has one; of a site its name
        instead of its id
    sites : ids of the sites, at least one; by id as UTF-8 bytes
    """

    text: str
    words: tuple[tuple[str, str], ...]
    sites: tuple[str, ...]

    @property
    def by_line(self) -> bool:
        """Whether sites are selected for what their lines are."""
        return self.words[0][0] in ("carrier", "class")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing the meeting must meet: at least `share` of the subjects keep the limit.

    Attributes
    ----------
    text : the requirement as an English sentence
    subject : what is counted
    of : which of the subjects; None: all
    share : fraction of the subjects that must comply
    measure : what rooms, or lines and egresses (only utilisation), are judged by
    percentile : of the one-way delay, 0 to 100; 0 for the other measures
    span_ns : loss over any span of this length; 0: over the meeting
    sense : on which side of the limit it is good to be
    limit : in the measure's unit, see `UNITS`; a room's jitter, freezes and opinion score (MOS)
        are those of its worst stream; `dark_in_total` is the sum over all the rooms;
        `present_at_start` and `survives` limit `share` itself
    failing : of `survives`, the tier of the relays of which any single one fails, or `ANY_RELAY`;
        else empty
    """

    text: str
    subject: Subject
    of: Selection | None
    share: float
    measure: Measure
    percentile: float
    span_ns: int
    sense: Sense
    limit: float
    failing: str = ""

    @property
    def is_share(self) -> bool:
        """Whether a room keeps it or not, and the share of those that do is what is measured."""
        return self.measure in SHARES

    @property
    def unit(self) -> Unit:
        """The unit of the limit, and of what is measured."""
        return UNITS[self.measure]
