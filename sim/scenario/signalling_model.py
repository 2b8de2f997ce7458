"""Signalling, resolved: the servers, the sequences of round trips, timers and back-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SERVER = "server"  # as a step's `to`: the nearest server on the way up
NO_SEQUENCE = "none"  # the name of the sequence without steps

Resend = Literal["invite", "request", "dtls", "none"]
Service = Literal["fixed", "exponential"]
Full = Literal["refuse", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of a sequence: round trips between a site and whom it asks.

    Attributes
    ----------
    name : what it is called, such as `register`
    to : a tier: the first site of it, or of a higher one, with a server on the way up; `server`:
        the first with a server; `parent`: the relay at the upper end of the line
    half_trips : ways, there and back; where they are odd, the last has no answer
    queue : whether each request takes a worker of the server
    resend : after which times a request without an answer is sent again
    prepare_ns : time the site takes before the first request
    processing_ns : time the other end takes beside its queue and service, each round trip
    """

    name: str
    to: str
    half_trips: int
    queue: bool
    resend: Resend
    prepare_ns: int
    processing_ns: int

    def __post_init__(self) -> None:
        if self.half_trips < 1:
            raise ValueError(f"half_trips must be at least 1, got {self.half_trips}")
        for name in ("prepare_ns", "processing_ns"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """The steps of a call, in order."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRules:
    """A signalling server: one queue, first come first served, before equal workers.

    Attributes
    ----------
    site : id of the relay site at which it is
    service : whether each request takes a worker the same time or an exponential one
    service_ns : that time, or its mean
    workers : requests served at one time
    queue : most requests that wait beside those being served; -1: no limit
    full : what becomes of a request that finds the queue full: refused at once, or not answered
    joins, joins_span_ns : calls admitted in any span of this length at most; both 0: no limit
    """

    site: str
    service: Service
    service_ns: int
    workers: int
    queue: int
    full: Full
    joins: int
    joins_span_ns: int

    def __post_init__(self) -> None:
        for name in ("service_ns", "workers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.queue < -1:
            raise ValueError(f"queue must be at least -1, got {self.queue}")
        if (self.joins > 0) != (self.joins_span_ns > 0) or self.joins < 0:
            raise ValueError("joins and joins_span_ns must both be positive or both 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When a site calls again after a call that was refused or not answered.

    After try n it waits for `min(most_ns, first_ns * 2**(n-1))`, less a share drawn evenly between
    0 and `jitter`.

    Attributes
    ----------
    first_ns, most_ns : the first pause, and the longest
    jitter : the largest share by which a pause is shortened
    tries : most calls of one attempt to join; 0: no limit
    """

    first_ns: int
    most_ns: int
    jitter: float
    tries: int

    def __post_init__(self) -> None:
        if not 0 < self.first_ns <= self.most_ns:
            raise ValueError(f"first_ns must be from 1 to most_ns, got {self.first_ns}")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter must be a share, got {self.jitter}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignallingRules:
    """How sites ask to be let in.

    Attributes
    ----------
    servers : by site
    sequences : those that some site uses, by name as UTF-8 bytes
    sequence : name of the sequence of most sites
    other : (site, name) of each site that uses another, by site
    t1_ns, t2_ns : T1 and T2 of RFC 3261
    retry : when to call again
    """

    servers: tuple[ServerRules, ...]
    sequences: tuple[Sequence, ...]
    sequence: str
    other: tuple[tuple[str, str], ...]
    t1_ns: int
    t2_ns: int
    retry: Retry


T1_NS = 500_000_000  # RFC 3261, section 17.1.1.1, table 4
T2_NS = 4_000_000_000  # RFC 3261, section 17.1.2.2, table 4
# Assumption: RFC 3261 leaves pauses after a refusal to Retry-After, which few servers send.
RETRY = Retry(first_ns=2_000_000_000, most_ns=60_000_000_000, jitter=0.5, tries=0)
AT_ONCE = SignallingRules(
    servers=(),
    sequences=(Sequence(name=NO_SEQUENCE, steps=()),),
    sequence=NO_SEQUENCE,
    other=(),
    t1_ns=T1_NS,
    t2_ns=T2_NS,
    retry=RETRY,
)
