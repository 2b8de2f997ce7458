"""Times in the meeting as people say them."""

from __future__ import annotations

NS_PER_TENTH = 10**8


def clock(time_ns: int) -> str:
    """Return a time in the meeting as m:ss or h:mm:ss, rounded down to tenths of a second.

    Examples
    --------
    >>> clock(61 * 10**9), clock(3725 * 10**9), clock(3_599_950_000_000)
    ('1:01', '1:02:05', '59:59.9')
    """
    seconds, tenths = divmod(time_ns // NS_PER_TENTH, 10)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"{text}.{tenths}" if tenths else text
