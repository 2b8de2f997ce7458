"""Background: the traffic of others on a line or an egress, with its class and its hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from sim.errors import ScenarioError
from sim.scenario.classes import precedence
from sim.scenario.document import Document, message, plain
from sim.scenario.mapping import TAG
from sim.scenario.model import HOURS, Background, Policer
from sim.scenario.problems import FaultyError, Place, Problems
from sim.scenario.streams import MAX_PACKETS_PER_S
from sim.scenario.traffic_schema import (
    BurstsFields,
    LineLoad,
    LoadFields,
    PoissonFields,
    SteadyFields,
    WaysFields,
)
from sim.scenario.yaml_tree import read_tree
from sim.units import format_factor, format_share

CELL: TypeAdapter[Any] = TypeAdapter(LineLoad, config=ConfigDict(defer_build=True))


@dataclass(frozen=True, slots=True)
class Load:
    """The background of each direction, None: none. An egress has that of `down` only."""

    down: Background | None = None
    up: Background | None = None


def check_profiles(document: Document) -> None:
    """Record hours that a profile gives twice."""
    for name, spans in document.file.profiles.items():
        taken: set[int] = set()
        for text, hours in zip(document.names("profiles", name), spans, strict=True):
            again = taken.intersection(range(hours.first, hours.end))
            if again:
                place = document.key_place("profiles", name, text)
                document.problems.add(place, f"{min(again):02}:00 is in a span before it, too")
            taken.update(range(hours.first, hours.end))


def read_load(document: Document, fields: LoadFields | WaysFields | str, *path: str | int) -> Load:
    """Return the background of the field at a path; none after recording what is wrong."""
    try:
        return _load(document, fields)
    except FaultyError as error:
        document.problems.add(document.place(*path, *error.field), str(error))
        return Load()


def read_load_cell(document: Document, text: str) -> Load:
    """Return the background of a cell of a table: the mapping of a file, in braces.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        fields = CELL.validate_python(plain(read_tree(text, "", Problems())))
    except ScenarioError:
        raise ValueError(f"'{text}' is not YAML; write it like '{{steady: 20 %}}'") from None
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        path = [str(step) for step in detail["loc"] if not str(step).startswith(TAG)]
        texts = {"extra_forbidden": "unknown field", "missing": "Field required"}
        told = texts.get(detail["type"]) or message(detail)
        raise ValueError(": ".join([*path, told])) from None
    return _load(document, fields)


def check_load(
    document: Document,
    place: Place,
    background: Background | None,
    *,
    mtu_bytes: int,
    policer: Policer | None,
) -> None:
    """Record background of which no packet could pass."""
    if background is None:
        return
    size_bytes = background.packet_bytes
    if size_bytes > mtu_bytes:
        text = f"packets of {size_bytes} B do not fit the mtu, {mtu_bytes} B"
        document.problems.add(place, text)
    if policer and size_bytes > policer.burst_bytes:
        text = (
            f"packets of {size_bytes} B exceed the burst of the policer, {policer.burst_bytes} B: "
            "all of them would be lost"
        )
        document.problems.add(place, text)


def _load(document: Document, fields: LoadFields | WaysFields | str) -> Load:
    if not isinstance(fields, WaysFields):
        both = _background(document, fields)
        return Load(both, both)
    ways = {}
    for way in ("down", "up"):
        try:
            ways[way] = _background(document, getattr(fields, way))
        except FaultyError as error:
            raise FaultyError((way, *error.field), str(error)) from None
    return Load(**ways)


def _background(document: Document, fields: LoadFields | str | None) -> Background | None:
    if fields is None or isinstance(fields, str):
        return None
    profile = _profile(document, fields.profile)
    kind: Literal["steady", "poisson", "bursts"] = "steady"
    share, rate_bps, packet_bytes, burst_ns, silence_ns = 0.0, 0, 0, 0, 0
    if isinstance(fields, SteadyFields):
        share = fields.steady
        if share * max(profile) >= 1:
            most = f" {format_factor(max(profile))}" if max(profile) != 1 else ""
            text = f"{format_share(share, digits=None)}{most} leaves nothing of the rate"
            raise FaultyError(("steady",), text)
    elif isinstance(fields, PoissonFields):
        kind, rate_bps, packet_bytes = "poisson", fields.poisson, fields.packet
    elif isinstance(fields, BurstsFields):
        kind, rate_bps, packet_bytes = "bursts", fields.bursts, fields.packet
        burst_ns, silence_ns = fields.on, fields.off
    if packet_bytes:
        per_s = rate_bps * max(profile) / (8 * packet_bytes)
        if per_s > MAX_PACKETS_PER_S:
            text = f"{per_s:.0f} packets a second are above the limit of {MAX_PACKETS_PER_S}"
            raise FaultyError((kind,), text)
    return Background(
        kind=kind,
        share=share,
        rate_bps=rate_bps,
        packet_bytes=packet_bytes,
        burst_ns=burst_ns,
        silence_ns=silence_ns,
        precedence=precedence(document, fields.class_),
        profile=profile,
    )


def _profile(document: Document, name: str | None) -> tuple[float, ...]:
    """Return the factor of each hour of the day."""
    factors = [1.0] * HOURS
    if name is None:
        return tuple(factors)
    file = document.file
    if name not in file.profiles:
        if document.any_left_out("profiles"):
            return tuple(factors)
        suggestion = document.problems.suggest(name, file.profiles.keys())
        raise FaultyError(("profile",), f"no profile '{name}'{suggestion}")
    if file.begins is None and not document.left_out("begins"):
        raise FaultyError(("profile",), "needs 'begins', the time of day of the meeting's start")
    for hours, factor in file.profiles[name].items():
        factors[hours.first : hours.end] = [factor] * (hours.end - hours.first)
    return tuple(factors)
