"""Detection: when a site notices that its line, or the relay above, is gone.

Nothing ticks: the phase of hellos before a fault is a draw, and all is worked out when the fault
happens. Hellos answer for the line and for the machine, not for what it forwards: a grey relay, or
a line that loses a little, only silence can show.

The age of the last hello at an instant that knows nothing of the hellos: of intervals uniform from
a to b with mean m, P(age <= x) = x / m up to a, and 1 - (b - x)^2 / (2 m (b - a)) from there to b
(Cox, Renewal Theory, 1962, 5.2). Of BFD a detection time is `multiplier` intervals less that age.

Assumed: hellos are never queued, and a line that loses packets loses too few of them in a row to
matter (2 % loses three in a row once in 125,000).
"""

from __future__ import annotations

from math import sqrt

from sim import rng
from sim.scenario.model import FOREVER_NS
from sim.scenario.protection import Bfd, Consent, Detection, Rtcp

BFD_SHORTEST = 0.75  # jitter takes up to a quarter (RFC 5880, 6.8.7)
BFD_LONGEST_ALONE = 0.9  # and with a multiplier of 1 at least a tenth (the same)
CONSENT_SHORTEST, CONSENT_LONGEST = 0.8, 1.2  # RFC 7675, 5.1
# Half as long to half as long again, and that by e - 3/2 (RFC 3550, 6.3.1).
RTCP_COMPENSATION = 1.21828
RTCP_SHORTEST, RTCP_LONGEST = 0.5 / RTCP_COMPENSATION, 1.5 / RTCP_COMPENSATION


def age(u: float, *, shortest: float, longest: float) -> float:
    """Return how long ago the last of a row of events was, at a moment that knows nothing of them.

    By inversion: u is uniform between 0 and 1, intervals are uniform from `shortest` to `longest`.
    What is left of the interval is distributed alike.

    Examples
    --------
    >>> age(0.5, shortest=1.0, longest=1.0), age(6 / 7, shortest=0.75, longest=1.0)
    (0.5, 0.75)
    """
    mean = (shortest + longest) / 2
    if u * mean <= shortest:
        return u * mean
    return longest - sqrt(2 * mean * (longest - shortest) * (1 - u))


class Watch:
    """By what hellos the sites of a tier notice, and when."""

    def __init__(self, detection: Detection, *, seed: int) -> None:
        self._detection = detection
        self._seed = seed

    def notice_ns(self, site: str, cut_ns: int, *, on_wire_ns: int) -> int:
        """Return when a site notices that it has been cut off since `cut_ns`.

        `FOREVER_NS` if it does not by hellos. What the dead relay had sent arrives up to
        `on_wire_ns` later; 0 where the line itself died.
        """
        seen = self._detection
        delays_ns = []
        if seen.bfd:
            u = self._uniform(site, "bfd", cut_ns)
            delays_ns.append(on_wire_ns + bfd_delay_ns(seen.bfd, u))
        if seen.rtcp:
            u = self._uniform(site, "rtcp", cut_ns)
            delays_ns.append(on_wire_ns + rtcp_delay_ns(seen.rtcp, u))
        if seen.consent:
            u = self._uniform(site, "consent", cut_ns)
            delays_ns.append(on_wire_ns + consent_delay_ns(seen.consent, u))
        if not delays_ns:
            return FOREVER_NS
        return cut_ns + min(delays_ns) + seen.late_ns

    @property
    def known_after_ns(self) -> int:
        """How long a line that is not in use is down before its site surely knows.

        Only BFD runs on lines that carry nothing; else `FOREVER_NS`.
        """
        bfd = self._detection.bfd
        if bfd is None:
            return FOREVER_NS
        return bfd.multiplier * bfd.interval_ns + self._detection.late_ns

    def _uniform(self, site: str, purpose: str, cut_ns: int) -> float:
        return rng.uniform(rng.key(self._seed, f"site/{site}", f"{purpose} phase"), cut_ns)


def bfd_delay_ns(bfd: Bfd, u: float) -> int:
    """Return how long after the last hello could come BFD finds it missing, ns.

    From `multiplier` - 1 intervals, not included, to `multiplier` of them. RFC 5880, 6.8.4.
    """
    longest = BFD_LONGEST_ALONE if bfd.multiplier == 1 else 1.0
    old = age(u, shortest=BFD_SHORTEST, longest=longest)
    return bfd.multiplier * bfd.interval_ns - round(old * bfd.interval_ns)


def rtcp_delay_ns(rtcp: Rtcp, u: float) -> int:
    """Return how long after the last packet the relay counts as gone, ns. RFC 3550, 6.3.5.

    Media came until the fault, an assumption; timeouts are looked at when a report is due.
    """
    wait = age(u, shortest=RTCP_SHORTEST, longest=RTCP_LONGEST)
    return rtcp.multiplier * rtcp.interval_ns + round(wait * rtcp.interval_ns)


def consent_delay_ns(consent: Consent, u: float) -> int:
    """Return how long after the fault consent is gone, ns: the last answer came before it."""
    old = age(u, shortest=CONSENT_SHORTEST, longest=CONSENT_LONGEST)
    return consent.expiry_ns - round(old * consent.interval_ns)
