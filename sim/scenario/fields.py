"""Field types of the scenario file: a reader, and the pattern by which editors check.

Each type takes one text of the YAML tree. Numbers stay texts until here, so a value without its
unit, or a site id that lost its quotes, is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, InstanceOf, WithJsonSchema

from sim.errors import did_you_mean
from sim.scenario import loss_text, quantities
from sim.scenario.model import Loss
from sim.scenario.quantities import (
    FACTOR,
    NUMBER,
    RATE,
    SHARE,
    SIZE,
    TIME,
    Amount,
    Buffer,
    HoursOfDay,
    Often,
    Pace,
)
from sim.scenario.yaml_tree import Plain
from sim.units import parse_factor, parse_rate_bps, parse_share, parse_size_bytes, parse_time_ns


def single(value: object) -> str:
    """Return a value of the tree that must be a text."""
    if isinstance(value, str):
        return value
    raise ValueError("needs a single value, not a list or a mapping")


def reader(read: Callable[[str], Any]) -> BeforeValidator:
    """Return a validator that reads a text."""
    return BeforeValidator(lambda value: read(single(value)))


def matches(pattern: str, *examples: str) -> WithJsonSchema:
    """Return the schema of a text that matches the whole of `pattern`."""
    return WithJsonSchema(
        {"type": "string", "pattern": f"^({pattern})$", "examples": list(examples)}
    )


def words(*choices: str) -> tuple[BeforeValidator, WithJsonSchema]:
    """Return validator and schema of a text that is one of `choices`."""

    def read(text: str) -> str:
        if text not in choices:
            *most, last = (f"'{choice}'" for choice in choices)
            listed = f"{', '.join(most)} or {last}" if most else last
            raise ValueError(f"'{text}' must be {listed}{did_you_mean(text, choices)}")
        return text

    return reader(read), WithJsonSchema({"enum": list(choices)})


def _whole(value: object) -> int:
    text = single(value)
    digits = isinstance(value, Plain) and text.isascii() and text.isdecimal()
    if not digits or len(text) > 19 or int(text) >= 2**63:
        raise ValueError(f"'{text[:40]}' must be a whole number from 0 to 2^63 - 1, without quotes")
    if text != str(int(text)):
        octal = f"'{text}' begins with a zero, which other readers of YAML take for octal"
        raise ValueError(f"{octal}; write '{int(text)}'")
    return int(text)


def _count(value: object, most: int = quantities.MAX_COUNT) -> int:
    count = _whole(value)
    if not 1 <= count <= most:
        raise ValueError(f"{count} must be between 1 and {most}")
    return count


def _up_to(most: int) -> BeforeValidator:
    def read(value: object) -> int:
        number = _whole(value)
        if not 1 <= number <= most:
            raise ValueError(f"{number} must be from 1 to {most}")
        return number

    return BeforeValidator(read)


def _limit(value: object) -> int:
    return 0 if value == "none" else _count(value)


def _queue(value: object) -> int:
    return -1 if value == "none" else min(_whole(value), quantities.MAX_COUNT)


def _flag(value: object) -> bool:
    text = single(value)
    if text not in ("true", "false") or not isinstance(value, Plain):
        raise ValueError(f"'{text[:40]}' must be true or false, without quotes")
    return text == "true"


def count_up_to(most: int) -> tuple[BeforeValidator, WithJsonSchema]:
    """Return validator and schema of a whole number from 1 on."""
    schema = {"type": "integer", "minimum": 1, "maximum": most}
    return BeforeValidator(lambda value: _count(value, most)), WithJsonSchema(schema)


PositiveTime = Annotated[
    int,
    reader(quantities.positive(parse_time_ns, "1 ns")),
    matches(TIME, "20 ms", "10 min"),
]
MeanTime = Annotated[int, reader(quantities.read_mean_time), matches(TIME, "8760 h", "4 h")]
TimePerKm = Annotated[int, reader(quantities.read_per_km), matches(TIME, "4.9 us")]
Time = Annotated[int, reader(parse_time_ns), matches(TIME, "20 ms", "0 ms")]
Rate = Annotated[int, reader(parse_rate_bps), matches(RATE, "20 Mbit/s", "500 kbit/s")]
Size = Annotated[int, reader(parse_size_bytes), matches(SIZE, "40 B")]
PositiveSize = Annotated[
    int,
    reader(quantities.positive(parse_size_bytes, "1 B")),
    matches(SIZE, "150 kB"),
]
PacketSize = Annotated[int, reader(quantities.read_mtu), matches(SIZE, "1500 B", "1240 B")]
BurstSize = Annotated[int, reader(quantities.read_burst), matches(SIZE, "64 kB")]
Share = Annotated[float, reader(parse_share), matches(SHARE, "70 %", "0.1 %")]
Factor = Annotated[float, reader(parse_factor), matches(FACTOR, "× 0.5")]
PlainFactor = Annotated[
    float,
    reader(quantities.read_number),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1000, "examples": [1.5]}),
]
Revert = Annotated[  # -1: never
    int,
    reader(quantities.read_revert),
    matches(f"never|at once|after {TIME}", "never", "at once", "after 5 min"),
]
Spread = Annotated[
    float,
    reader(quantities.read_spread),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 3, "examples": [0.8]}),
]
BufferSize = Annotated[
    InstanceOf[Buffer],
    reader(quantities.read_buffer),
    matches(rf"{SIZE}|{TIME}|[0-9]+ ?packets?", "20 ms", "64 kB", "100 packets"),
]
LossProcess = Annotated[
    InstanceOf[Loss],
    reader(loss_text.parse_loss),
    matches(
        loss_text.PATTERN,
        "0.01 %",
        "0.1 % in bursts of 3 packets",
        "p 1 % r 20 % 1-h 90 % 1-k 0.01 %",
    ),
]
FrameRate = Annotated[
    InstanceOf[Pace],
    reader(quantities.read_frames),
    matches(rf"{NUMBER} ?/ ?s|[0-9]+ in {TIME}", "30/s", "2997 in 100 s"),
]
KeyInterval = Annotated[
    InstanceOf[Amount],
    reader(quantities.read_key_every),
    matches(rf"{TIME}|[0-9]+ ?frames?", "2 s", "60 frames"),
]
KeySize = Annotated[
    InstanceOf[Amount],
    reader(quantities.read_key_size),
    matches(rf"{FACTOR}|{SIZE}", "× 2.31", "93760 B"),
]
FrameSizes = Annotated[
    float,
    reader(quantities.read_sizes),
    matches(rf"constant|rfc8593|laplace {NUMBER}", "constant", "rfc8593", "laplace 0.3"),
]
Pacing = Annotated[
    InstanceOf[Amount],
    reader(quantities.read_pacing),
    matches(rf"none|{FACTOR}|{RATE}", "none", "× 2.5", "1 Mbit/s"),
]
Seed = Annotated[
    int,
    BeforeValidator(_whole),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 2**63 - 1}),
]
Count = Annotated[
    int,
    BeforeValidator(_count),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": quantities.MAX_COUNT}),
]
Multiplier = Annotated[
    int, _up_to(255), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 255})
]
Priority = Annotated[
    int, _up_to(254), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 254})
]
Limit = Annotated[  # 0: none
    int,
    BeforeValidator(_limit),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": quantities.MAX_COUNT},
                {"enum": ["none"]},
            ]
        }
    ),
]
QueueLength = Annotated[  # -1: no limit
    int,
    BeforeValidator(_queue),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"enum": ["none"]}]}),
]
Trips = Annotated[  # ways there and back
    int,
    reader(quantities.read_trips),
    WithJsonSchema(
        {
            "type": "number",
            "minimum": 0.5,
            "maximum": quantities.MOST_TRIPS,
            "multipleOf": 0.5,
            "examples": [2, 1.5],
        }
    ),
]
HowOften = Annotated[
    InstanceOf[Often],
    reader(quantities.read_often),
    matches(quantities.OFTEN, "200/s", "30/min", "1 in 5 ms"),
]
HowOftenAtMost = Annotated[  # count 0: no limit
    InstanceOf[Often],
    reader(quantities.read_often_or_none),
    matches(rf"none|{quantities.OFTEN}", "none", "30/min"),
]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
SiteCount = Annotated[
    InstanceOf[Amount],
    reader(quantities.read_site_count),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[0-9]+( each)?$"},
            ],
            "examples": [81, "9 each"],
        }
    ),
]
ShareOrAll = Annotated[
    float, reader(quantities.read_share_or_all), matches(f"all|{SHARE}", "99 %", "all")
]
ShareOrNone = Annotated[  # 0: none
    float, reader(quantities.read_share_or_none), matches(f"none|{SHARE}", "80 %", "none")
]
MostShare = Annotated[
    float, reader(quantities.at_most(parse_share)), matches(f"at most {SHARE}", "at most 1 %")
]
MostTime = Annotated[
    int, reader(quantities.at_most(parse_time_ns)), matches(f"at most {TIME}", "at most 150 ms")
]
MostCount = Annotated[
    int, reader(quantities.at_most(quantities.read_count)), matches("at most [0-9]+", "at most 3")
]
LeastScore = Annotated[
    float,
    reader(quantities.at_least(quantities.read_score)),
    matches(f"at least {NUMBER}", "at least 3.6"),
]
TimeOfDay = Annotated[
    int, reader(quantities.read_time_of_day), matches(quantities.TIME_OF_DAY, "08:00")
]
HourSpan = Annotated[
    InstanceOf[HoursOfDay],
    reader(quantities.read_hours),
    matches(quantities.HOURS_OF_DAY, "08:00-12:00"),
]
Name = Annotated[str, reader(quantities.read_name), matches("[a-z0-9][a-z0-9-]{0,63}", "national")]
Prose = Annotated[str, reader(quantities.read_prose)]
OneLine = Annotated[str, reader(quantities.read_line)]
Word = Annotated[str, reader(quantities.read_word), matches(quantities.WORD, "commune")]
