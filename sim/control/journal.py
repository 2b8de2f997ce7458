"""The control plane's journal: what happened to whom, when, in order of time.

Results explain each room's joining and dark time by it, and two runs of one scenario must have
the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """What an entry tells."""

    CALLED = "begins to join"
    SENT = "sends a signalling request"
    QUEUED = "request waits at a server"
    DROPPED = "request finds a server's queue full"
    RETRIED = "sends a signalling request again"
    REFUSED = "is refused"
    PLACED = "is given a server and an egress"
    JOINED = "has joined"
    GAVE_UP = "gives up"
    LEFT = "has left"
    FAULT = "a fault begins"
    REPAIR = "a fault ends"
    NOTICED = "notices that its line or relay is gone"
    HELD = "waits before it acts"
    ASKED = "asks a parent to take it"
    MOVED = "uses another line"
    REVERTED = "uses its primary line again"
    NO_BACKUP = "has no backup left to ask"
    SERVED = "is served again by the line that it uses"
    TOOK_OVER = "a hot standby takes over"
    KEY_ASKED = "asks for a key frame"
    KEY_MADE = "a source makes a key frame"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Entry:
    """One thing that happened.

    Attributes
    ----------
    at_ns : when
    event : what
    site : number of the site it happened to; -1: none
    line : number of the line it is about; -1: none
    fault : number of the fault in the scenario that it follows from; -1: none
    detail : cause of a refusal, name of a server, stream: whatever the event needs more
    """

    at_ns: int
    event: Event
    site: int = -1
    line: int = -1
    fault: int = -1
    detail: str = ""


class Journal:
    """The entries of one run, appended as they happen."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def note(
        self,
        at_ns: int,
        event: Event,
        *,
        site: int = -1,
        line: int = -1,
        fault: int = -1,
        detail: str = "",
    ) -> None:
        """Write down what happens now."""
        self.entries.append(
            Entry(at_ns=at_ns, event=event, site=site, line=line, fault=fault, detail=detail)
        )
