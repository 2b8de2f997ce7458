"""The schema of a pool: servers that share the lines of one relay.

All fields are optional here: an exception may give some of them, and what is still missing then
is a problem of the resolution.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, InstanceOf

from sim.scenario.egress_schema import CarrierEgress
from sim.scenario.fields import Limit, Time, count_up_to, matches, reader
from sim.scenario.model import Policy
from sim.scenario.quantities import MAX_COUNT, SHARE, TIME, positive
from sim.units import MAX_TIME_NS, format_time, parse_share, parse_time_ns

MAX_SERVERS = 256  # at one relay; each of them knows every line of it
SPREADING: tuple[Policy, ...] = ("least loaded", "round robin", "hash")


@dataclass(frozen=True, slots=True)
class Placing:
    """A policy as written; `fill_to` is the share it fills servers to, 0 for the others."""

    policy: Policy
    fill_to: float


@dataclass(frozen=True, slots=True)
class Admit:
    """At most `count` in any span of `span_ns`; 0 and 0: no limit."""

    count: int
    span_ns: int


def read_policy(text: str) -> Placing:
    """Return a policy; `fill to 80 %` has its share."""
    text = text.strip()
    for policy in SPREADING:
        if text == policy:
            return Placing(policy, 0.0)
    match = re.fullmatch(rf"fill to ({SHARE})", text, re.ASCII)
    if match is None:
        raise ValueError(
            f"'{text[:40]}' is not a policy; write 'least loaded', 'round robin', 'hash' or "
            "'fill to 80 %'"
        )
    share = parse_share(match[1])
    if share == 0:
        raise ValueError(f"'{text}' fills nothing; write a share above 0 %")
    return Placing("fill", share)


def read_every(text: str) -> int:
    """Return the time from one report to the next, ns."""
    text = text.strip()
    match = re.fullmatch(rf"every ({TIME})", text, re.ASCII)
    if match is None:
        raise ValueError(f"'{text[:40]}' is not a pace of reports; write it like 'every 10 s'")
    return positive(parse_time_ns, "1 ns")(match[1])


def read_admit(text: str) -> Admit:
    """Return how many lines a server takes in a span: `30/min`, `30 in 60 s` or `none`."""
    text = text.strip()
    if text == "none":
        return Admit(0, 0)
    unit = re.fullmatch(r"([0-9]+) ?/ ?(s|min|h)", text, re.ASCII)
    span = re.fullmatch(rf"([0-9]+) in ({TIME})", text, re.ASCII)
    match = unit or span
    if match is None:
        raise ValueError(f"'{text[:40]}' is not a pace of admissions; write it like '30/min'")
    count = int(match[1][:12])
    span_ns = parse_time_ns(f"1 {match[2]}") if unit else parse_time_ns(match[2])
    if not 1 <= count <= MAX_COUNT or not 0 < span_ns <= MAX_TIME_NS:
        longest = format_time(MAX_TIME_NS)
        raise ValueError(
            f"'{text}' must admit from 1 to {MAX_COUNT} in more than 0 s up to {longest}"
        )
    return Admit(count, span_ns)


def read_packets(text: str) -> int:
    """Return a limit in packets a second; 0: `none`."""
    text = text.strip()
    if text == "none":
        return 0
    match = re.fullmatch(r"([0-9]+) ?/ ?s", text, re.ASCII)
    count = int(match[1][:12]) if match else 0
    if not 1 <= count <= MAX_COUNT:
        raise ValueError(
            f"'{text[:40]}' is not a rate of packets from 1 to {MAX_COUNT}/s; write it like "
            "'50000/s'"
        )
    return count


class ServersFields(CarrierEgress):
    """Servers that share the lines of a relay; all of one kind."""

    count: Annotated[int, *count_up_to(MAX_SERVERS)] | None = Field(
        None, description="How many servers; at most 256."
    )
    policy: (
        Annotated[
            InstanceOf[Placing],
            reader(read_policy),
            matches(
                rf"least loaded|round robin|hash|fill to {SHARE}", "least loaded", "fill to 80 %"
            ),
        ]
        | None
    ) = Field(
        None,
        description="Which server takes a line: the one that last reported the least load (`least "
        "loaded`, the default); of those that the meeting uses already and that report less than a "
        "share, then of the others that do, the same (`fill to 80 %`); the next in order (`round "
        "robin`); or the first in an order that is drawn for each line (`hash`).",
    )
    report: Annotated[int, reader(read_every), matches(f"every {TIME}", "every 10 s")] | None = (
        Field(
            None,
            description="How often a server reports its load, each at its own drawn phase; default "
            "`every 10 s`.",
        )
    )
    report_delay: Time | None = Field(
        None, description="Time from a report to when placement knows it; default 0 s."
    )
    ports: Limit | None = Field(
        None,
        description="Most sites that a server serves at once, a line of each; default `none`.",
    )
    streams: Limit | None = Field(
        None, description="Most copies of streams that a server sends at once; default `none`."
    )
    packets: (
        Annotated[int, reader(read_packets), matches("none|[0-9]+ ?/ ?s", "50000/s", "none")] | None
    ) = Field(
        None, description="Most packets a server sends in a second, on average; default `none`."
    )
    admit: (
        Annotated[
            InstanceOf[Admit],
            reader(read_admit),
            matches(rf"none|[0-9]+ ?/ ?(s|min|h)|[0-9]+ in {TIME}", "30/min", "5 in 10 s"),
        ]
        | None
    ) = Field(
        None,
        description="Most lines a server takes in any span of that length; who is there from the "
        "start does not count; default `none`.",
    )
