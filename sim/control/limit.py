"""A limit on how many may be let in within a span that slides."""

from __future__ import annotations

from collections import deque


class Limit:
    """At most `count` in any span of `span_ns`: half-open, so one span after the first is free.

    Somebody may be let in at t if fewer than `count` were let in within (t - span_ns, t]. Those who
    were turned away do not count.

    Examples
    --------
    >>> limit = Limit(count=2, span_ns=10)
    >>> [limit.take(now_ns) for now_ns in (0, 4, 9, 10, 11, 14)]
    [True, True, False, True, False, True]
    """

    def __init__(self, *, count: int, span_ns: int) -> None:
        if count < 1 or span_ns < 1:
            raise ValueError(f"count and span_ns must be positive, got {count} and {span_ns}")
        self._span_ns = span_ns
        self._last: deque[int] = deque(maxlen=count)

    def has_room(self, now_ns: int) -> bool:
        """Say whether one more may be let in now."""
        last = self._last
        return len(last) < (last.maxlen or 0) or now_ns - last[0] >= self._span_ns

    def take(self, now_ns: int) -> bool:
        """Let one in and return True, or return False; calls are in order of time."""
        if not self.has_room(now_ns):
            return False
        self._last.append(now_ns)
        return True
