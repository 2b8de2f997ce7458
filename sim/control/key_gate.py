"""A gate: how a relay merges what comes to it in one direction for one source of key frames.

It passes on at most one request in each interval. One that comes at the instant at which another
is passed on is merged with it. One that comes later within the interval waits for its end, and
by then others with it: they ask anew only if no key frame has gone by since the last of them came.

That is what mediasoup's KeyFrameRequestManager does with its delay; libwebrtc's encoder (300 ms)
and Jitsi's KeyframeRequester (100 ms) drop what comes too soon, and leave it to the receiver to
ask again. The requests are PLI (RFC 4585, section 6.3.1) and FIR (RFC 5104, section 4.3.1): the
latter has who repeats one wait for a round trip; neither says how a relay merges them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

NEVER_NS = -1


class Verdict(Enum):
    """What becomes of a request that comes to a gate."""

    PASSES = auto()
    MERGED = auto()  # another goes or waits for it
    WAITS = auto()  # the first that does: somebody must come back at the interval's end


@dataclass(slots=True, kw_only=True)
class Gate:
    """The state of a gate.

    Attributes
    ----------
    interval_ns : least time between two requests that it passes on
    passed_ns : when it has passed on the last one
    newest_ns : when the last of those that wait came; `NEVER_NS`: none waits
    """

    interval_ns: int
    passed_ns: int = NEVER_NS
    newest_ns: int = NEVER_NS

    @property
    def opens_ns(self) -> int:
        """When it passes on a request again."""
        return self.passed_ns + self.interval_ns

    def take(self, now_ns: int) -> Verdict:
        """Let a request come."""
        if self.passed_ns == NEVER_NS or now_ns >= self.opens_ns:
            self.passed_ns = now_ns
            return Verdict.PASSES
        if now_ns == self.passed_ns:
            return Verdict.MERGED
        waits_already = self.newest_ns != NEVER_NS
        self.newest_ns = now_ns
        return Verdict.MERGED if waits_already else Verdict.WAITS

    def open(self, now_ns: int) -> int:
        """End an interval; return since when those wait that nothing has been passed on for.

        `NEVER_NS` if there is none: a request that came at this very instant took them along.
        """
        newest_ns, self.newest_ns = self.newest_ns, NEVER_NS
        return NEVER_NS if self.passed_ns == now_ns else newest_ns
