"""The schema of `check`: the short form of a scenario, and what may differ from its baseline."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import Field, InstanceOf, WithJsonSchema

from sim.scenario.fields import PositiveTime, matches, reader, words
from sim.scenario.mapping import Fields
from sim.scenario.quantities import FACTOR, NUMBER, SHARE, TIME
from sim.scenario.tolerance import DEFAULT_TEXTS, MAX_COUNT, MOST_SCORE, Tolerance, parse_tolerance


def _pattern(difference: str) -> str:
    return f"none|({difference})( or {FACTOR})?|{FACTOR}"


ShareTolerance = Annotated[
    InstanceOf[Tolerance],
    reader(partial(parse_tolerance, kind="share")),
    matches(_pattern(SHARE), "0.01 %", "0.01 % or × 1.05"),
]
TimeTolerance = Annotated[
    InstanceOf[Tolerance],
    reader(partial(parse_tolerance, kind="time")),
    matches(_pattern(TIME), "1 ms", "1 ms or × 1.05"),
]
CountTolerance = Annotated[
    InstanceOf[Tolerance],
    reader(partial(parse_tolerance, kind="count")),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_COUNT},
                {"type": "string", "pattern": f"^({_pattern('[0-9]+')})$"},
            ],
            "examples": [2, "2 or × 1.05"],
        }
    ),
]
ScoreTolerance = Annotated[
    InstanceOf[Tolerance],
    reader(partial(parse_tolerance, kind="score")),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": MOST_SCORE},
                {"type": "string", "pattern": f"^({_pattern(NUMBER)})$"},
            ],
            "examples": [0.05, "0.05 or × 1.02"],
        }
    ),
]


def _tolerance(name: str, what: str) -> Any:
    default = DEFAULT_TEXTS[name]
    return Field(
        None, description=f"{what}; default {default}.", json_schema_extra={"default": default}
    )


class TolerancesFields(Fields):
    """By how much a figure may differ from its baseline: a difference, a factor, or either."""

    loss: ShareTolerance | None = _tolerance("loss", "Shares lost")
    delay: TimeTolerance | None = _tolerance("delay", "Delays, and waits for a speaker")
    jitter: TimeTolerance | None = _tolerance("jitter", "Jitter")
    dark: TimeTolerance | None = _tolerance("dark", "Times dark")
    freezes: CountTolerance | None = _tolerance("freezes", "How often streams froze")
    rooms: CountTolerance | None = _tolerance(
        "rooms", "How many rooms were dark, frozen or without a frame"
    )
    quality: ScoreTolerance | None = _tolerance(
        "quality", "Scores of voices and videos, from 1 to 5"
    )
    utilisation: ShareTolerance | None = _tolerance(
        "utilisation", "Utilisation of lines and egresses"
    )
    complying: ShareTolerance | None = _tolerance("complying", "Shares that keep a requirement")
    packets: CountTolerance | None = _tolerance("packets", "How many packets were due")
    sites: CountTolerance | None = _tolerance("sites", "How many sites and rooms there are")


class CheckFields(Fields):
    """The short form in which `check` runs the scenario, and what it lets pass."""

    duration: PositiveTime | None = Field(
        None, description="Length of the short form, at most the meeting's; default: the whole."
    )
    timetable: Annotated[str, *words("cut", "squeezed")] = Field(
        "cut",
        description="Agenda and events in the short form: cut leaves out what comes later, "
        "squeezed multiplies all times by the short form's share of the meeting; default cut.",
        json_schema_extra={"default": "cut"},
    )
    tolerances: TolerancesFields | None = Field(
        None, description="What may differ from the baseline, by measure."
    )
