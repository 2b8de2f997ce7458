"""The timers of a request: when it is sent again, and when its sender gives up.

Source: RFC 3261, sections 17.1.1.2 (INVITE) and 17.1.2.2 (others), both over UDP; RFC 9147,
section 5.8.2 (DTLS).
"""

from __future__ import annotations

from sim.scenario.signalling_model import Resend

TIMES_T1 = 64  # Timers B and F: RFC 3261, table 4
DTLS_FIRST_NS = 1_000_000_000  # RFC 9147, section 5.8.2
DTLS_MOST_NS = 60_000_000_000  # RFC 9147, section 5.8.2


def gives_up_ns(*, t1_ns: int) -> int:
    """Return after which time without an answer a request has failed: Timers B and F, 64 T1.

    Examples
    --------
    >>> gives_up_ns(t1_ns=500_000_000)
    32000000000
    """
    return TIMES_T1 * t1_ns


def sends_ns(resend: Resend, *, t1_ns: int, t2_ns: int) -> tuple[int, ...]:
    """Return when a request without an answer is sent, ns after it is sent first; begins with 0.

    The pause before the first repetition is T1, and each is twice as long as the one before: of an
    INVITE without end (Timer A), of another request up to T2 (Timer E). DTLS has pauses of its own.
    Nothing is sent at or after the time at which the sender gives up.

    Examples
    --------
    >>> s = 10**9
    >>> [at_ns / s for at_ns in sends_ns("invite", t1_ns=s // 2, t2_ns=4 * s)]
    [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    >>> [at_ns / s for at_ns in sends_ns("request", t1_ns=s // 2, t2_ns=4 * s)]
    [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    """
    if resend == "none":
        return (0,)
    end_ns = gives_up_ns(t1_ns=t1_ns)
    pause_ns, most_ns = {
        "invite": (t1_ns, end_ns),
        "request": (t1_ns, t2_ns),
        "dtls": (DTLS_FIRST_NS, DTLS_MOST_NS),
    }[resend]
    sends = [0]
    while sends[-1] + pause_ns < end_ns:
        sends.append(sends[-1] + pause_ns)
        pause_ns = min(2 * pause_ns, most_ns)
    return tuple(sends)
