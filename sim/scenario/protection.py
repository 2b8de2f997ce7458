"""Protection, resolved: how sites notice that they are cut off, and what they do about it."""

from __future__ import annotations

from dataclasses import dataclass

NEVER_NS = -1  # of a revert


@dataclass(frozen=True, slots=True, kw_only=True)
class Bfd:
    """Hellos every `interval_ns` or up to a quarter earlier; gone after `multiplier` intervals."""

    interval_ns: int
    multiplier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No packet for `after_ns` of `streams`, ids; empty: of all that come down."""

    after_ns: int
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rtcp:
    """No packet of the relay for `multiplier` intervals of RTCP reports."""

    interval_ns: int
    multiplier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """No answer to checks every `interval_ns`, × 0.8 to × 1.2, for `expiry_ns`."""

    interval_ns: int
    expiry_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """By what the sites of a tier notice that their line or the relay above is gone.

    Attributes
    ----------
    tier : of the sites that watch
    bfd, silence, rtcp, consent : None: not by that; at least one is there
    late_ns : how much later the site learns of it
    """

    tier: str
    bfd: Bfd | None
    silence: Silence | None
    rtcp: Rtcp | None
    consent: Consent | None
    late_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """What the sites of a tier do when they have noticed.

    Attributes
    ----------
    tier : of the sites
    hold_down_ns : how long they wait before they act
    revert_ns : how long the primary line must have been up before they use it again; `NEVER_NS`
    retry_ns : how long they wait when no line took them
    """

    tier: str
    hold_down_ns: int
    revert_ns: int
    retry_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vrrp:
    """A hot standby that takes over when advertisements every `interval_ns` stop.

    `priority` is that of the standby, 1 to 254.
    """

    interval_ns: int
    priority: int

    @property
    def master_down_ns(self) -> int:
        """How long after the last advertisement it takes over: the Master_Down_Interval.

        Source: RFC 5798, section 6.1: 3 intervals and the Skew_Time.

        Examples
        --------
        >>> Vrrp(interval_ns=10**9, priority=100).master_down_ns
        3609375000
        """
        skew_ns = (256 - self.priority) * self.interval_ns // 256
        return 3 * self.interval_ns + skew_ns
