"""One point of a study: what each requirement came to at one number, and which place decides it.

A point is all that is kept of a run: a few hundred bytes, in the units of `summary.json`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sim.language.language import Code, Language
from sim.metrics.verdict import Verdict, Worst, deciding
from sim.results.place import id_and_place
from sim.results.run import Results
from sim.results.summary import limit_in_unit
from sim.scenario.requirement_model import Requirement, Sense
from sim.scenario.sentences import sentence
from sim.studies.way import (
    Step,
    way_of_room,
    where_it_waits_longest,
    where_most_is_lost,
    where_the_queue_is_longest,
)

NS_PER_MS = 10**6
Kind = Literal["room", "line", "egress"]
Reason = Literal["loss", "wait", "queue"]
_KINDS: dict[str, Kind] = {"rooms": "room", "lines": "line", "egresses": "egress"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A room, line or egress that was judged.

    Attributes
    ----------
    site, place : id, and names on the way to it, of its site; of an egress, of its relay
    detail : of a line `down` or `up`; of an egress its carrier; of jitter and freezes the stream
    value : in the requirement's unit; None where nothing arrived to measure
    """

    kind: Kind
    site: str
    place: str
    detail: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """The line or egress on a room's way that costs it most.

    Attributes
    ----------
    reason : most packets lost, longest time from arrival to the far end, or longest queue
    lost : cause -> share of the packets for the room that were lost there
    time_ms : how long, where the reason is not loss
    """

    kind: Literal["line", "egress"]
    site: str
    place: str
    detail: str
    reason: Reason
    lost: dict[str, float]
    time_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One requirement at one point.

    Attributes
    ----------
    sentences : the requirement in words, by the code of each language
    measure, unit : such as `loss` and `1`, or `delay` and `ms`
    sense : on which side of the limit it is good to be
    limit, value : in that unit; the value is None where nothing arrived to measure
    met : whether it was met
    subjects, complying : how many were judged, and how many keep the limit
    worst : who is worst off; None where there is no subject
    deciding : who stands at the rank that must comply: the value is theirs, but of a sum over rooms
    blame : of a room that decides, where on its way; None: no line or egress
    """

    sentences: dict[str, str]
    measure: str
    unit: Literal["1", "ms"]
    sense: Sense
    limit: float
    value: float | None
    met: bool
    subjects: int
    complying: int
    worst: Spot | None
    deciding: Spot | None
    blame: Blame | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one run came to.

    Attributes
    ----------
    amount : the number that was set, with its unit
    requirements : in the scenario's order
    packet_hops : how many were simulated
    """

    amount: str
    requirements: tuple[Judged, ...]
    packet_hops: int

    def as_data(self) -> dict[str, Any]:
        """Return the point as JSON has it."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Point:
        """Return the point of what `as_data` gave.

        Raises
        ------
        KeyError, TypeError
            If that is something else.
        """
        judged = [
            Judged(
                **{
                    **each,
                    "worst": _spot(each["worst"]),
                    "deciding": _spot(each["deciding"]),
                    "blame": Blame(**each["blame"]) if each["blame"] else None,
                }
            )
            for each in data["requirements"]
        ]
        return cls(**{**data, "requirements": tuple(judged)})


def point_of(results: Results, amount: str) -> Point:
    """Return what is kept of a run."""
    return Point(
        amount=amount,
        requirements=tuple(_judged(results, verdict) for verdict in results.verdicts),
        packet_hops=results.measures.packet_hops,
    )


def _spot(data: dict[str, Any] | None) -> Spot | None:
    return Spot(**data) if data else None


def _judged(results: Results, verdict: Verdict) -> Judged:
    requirement = verdict.requirement
    decides = deciding(requirement, results.network, results.measures, results.times)
    limit = limit_in_unit(requirement, requirement.limit)
    assert limit is not None, "a limit is a finite number"
    of_rooms = requirement.subject == "rooms" and decides is not None
    return Judged(
        sentences={code.value: sentence(requirement, Language(code)) for code in Code},
        measure=requirement.measure,
        unit="ms" if requirement.unit == "ns" else "1",
        sense=requirement.sense,
        limit=limit,
        value=limit_in_unit(requirement, verdict.value),
        met=verdict.met,
        subjects=verdict.subjects,
        complying=verdict.complying,
        worst=_found(results, requirement, verdict.worst),
        deciding=_found(results, requirement, decides),
        blame=_blame(results, requirement, decides.site) if of_rooms and decides else None,
    )


def _found(results: Results, requirement: Requirement, worst: Worst | None) -> Spot | None:
    if worst is None:
        return None
    return Spot(
        kind=_KINDS[requirement.subject],
        site=results.network.sites[worst.site].id,
        place=id_and_place(results.network, worst.site),
        detail=worst.detail,
        value=limit_in_unit(requirement, worst.value),
    )


def _blame(results: Results, requirement: Requirement, room: int) -> Blame | None:
    """Return where on a room's way it happens: by what is required of the room."""
    steps = way_of_room(results, room)
    step: Step | None
    reason: Reason = "loss"
    if requirement.measure == "delay":
        step, reason = where_it_waits_longest(steps), "wait"
    elif requirement.measure == "jitter":
        step, reason = where_the_queue_is_longest(steps), "queue"
    else:
        step = where_most_is_lost(steps)
        if step is None and requirement.measure == "freezes":
            step, reason = where_the_queue_is_longest(steps), "queue"
        elif step is None and requirement.measure == "mos":
            step, reason = where_it_waits_longest(steps), "wait"
    if step is None:
        return None
    times_ms = {"wait": step.longest_ns / NS_PER_MS, "queue": step.queue_ns / NS_PER_MS}
    return Blame(
        kind=step.kind,
        site=results.network.sites[step.site].id,
        place=id_and_place(results.network, step.site),
        detail=step.detail,
        reason=reason,
        lost=step.lost if reason == "loss" else {},
        time_ms=times_ms.get(reason),
    )
