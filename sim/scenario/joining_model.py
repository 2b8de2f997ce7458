"""Joining, resolved: when the meeting starts within the run, and when each room comes and goes.

Every draw is made: a room calls, and hangs up, at an instant of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

NEVER_NS = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A room that is not in the meeting from the beginning of the run to its end.

    Attributes
    ----------
    site : id
    calls_ns : when it begins to join; `NEVER_NS`: it has joined before the run begins; at or after
        the run's end: it does not come
    leaves_ns : when it hangs up, after `calls_ns`; `NEVER_NS`: it stays
    """

    site: str
    calls_ns: int
    leaves_ns: int

    def __post_init__(self) -> None:
        if self.leaves_ns != NEVER_NS and self.leaves_ns <= self.calls_ns:
            raise ValueError(f"leaves_ns must be after calls_ns, got {self.leaves_ns}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JoiningRules:
    """How rooms come and go.

    Attributes
    ----------
    start_ns : when the meeting starts within the run; what comes before is joining
    rooms : by site; a room that is not among them is there from beginning to end
    """

    start_ns: int
    rooms: tuple[Arrival, ...]

    @property
    def absent(self) -> frozenset[str]:
        """The sites whose rooms are not there when the run begins."""
        return frozenset(room.site for room in self.rooms if room.calls_ns != NEVER_NS)


EVERYBODY_IS_THERE = JoiningRules(start_ns=0, rooms=())
