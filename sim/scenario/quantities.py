"""Quantities with more than one spelling: what a user's text means, as a value with its unit.

Every reader takes one text, and its ValueError says what to write instead. The patterns say the
same as the readers, for editors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeVar

from sim.scenario.model import HOUR_NS, MAX_BURST_BYTES
from sim.scenario.yaml_tree import Plain
from sim.units import (
    MAX_TIME_NS,
    check_marks,
    format_size,
    format_time,
    parse_factor,
    parse_rate_bps,
    parse_share,
    parse_size_bytes,
    parse_time_ns,
    printable,
)

NUMBER = r"[0-9]+(\.[0-9]+)?"
RATE = rf"{NUMBER} ?[kMG]?bit/s"
TIME = rf"{NUMBER} ?(ns|us|µs|μs|ms|s|min|h)"
SIZE = rf"{NUMBER} ?(B|kB|MB|GB|KiB|MiB)"
SHARE = rf"{NUMBER} ?%"
FACTOR = rf"[×x] ?{NUMBER}"
TIME_OF_DAY = "([01][0-9]|2[0-3]):[0-5][0-9]"
HOURS_OF_DAY = "([01][0-9]|2[0-3]):00 ?- ?([01][0-9]|2[0-4]):00"
MIN_MEAN_TIME_NS = 10**6
MAX_MEAN_TIME_NS = 100 * 8760 * 3600 * 10**9
LONGEST_WORD = 64  # characters
OFTEN = rf"{NUMBER} ?/ ?(s|min|h)|[0-9]+ in {TIME}"
MOST_TRIPS = 20
WORD = rf"""[^\s/\\,'".\-][^\s/\\,'"]{{0,{LONGEST_WORD - 1}}}"""

_WORD = re.compile(WORD)  # asked for every site

MAX_COUNT = 10**9
MAX_PER_KM_NS = 10**6  # light needs 3,336 ns for a km of vacuum
MAX_MTU_BYTES = 65_535
LONGEST_LINE = 1_000  # characters of a target, a label or the name of a file


@dataclass(frozen=True, slots=True)
class Buffer:
    """A buffer as written: `amount` in bytes, ns of sending, or packets of one mtu."""

    unit: Literal["bytes", "ns", "packets"]
    amount: int

    def size_bytes(self, rate_bps: int, mtu_bytes: int) -> int:
        """Return the size in bytes, rounded half up where it is given as a time."""
        if self.unit == "bytes":
            return self.amount
        if self.unit == "packets":
            return self.amount * mtu_bytes
        return (rate_bps * self.amount + 4 * 10**9) // (8 * 10**9)


@dataclass(frozen=True, slots=True)
class Pace:
    """Frames at a steady pace: `frames` in every `span_ns`."""

    span_ns: int
    frames: int

    @property
    def interval_ns(self) -> Fraction:
        """Time from one frame to the next, exact."""
        return Fraction(self.span_ns, self.frames)


@dataclass(frozen=True, slots=True)
class Often:
    """Something that happens `count` times in every `span_ns`."""

    count: int
    span_ns: int


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with the unit it was written in, where a field takes several."""

    unit: Literal["ns", "frames", "factor", "bytes", "bit/s", "none", "each", "sites"]
    amount: float


@dataclass(frozen=True, slots=True)
class HoursOfDay:
    """Hours of the day: from the beginning of `first` to that of `end`, 1 to 24."""

    first: int
    end: int


def positive(read: Callable[[str], int], smallest: str) -> Callable[[str], int]:
    def positive(text: str) -> int:
        value = read(text)
        if value == 0:
            raise ValueError(f"'{text.strip()}' must be at least {smallest}")
        return value

    return positive


def read_mean_time(text: str) -> int:
    """Return a mean time between failures or to repair, ns: more than 0, at most a century."""
    time_ns = parse_time_ns(text, most_ns=MAX_MEAN_TIME_NS)
    if time_ns < MIN_MEAN_TIME_NS:
        raise ValueError(f"'{text.strip()}' must be at least {format_time(MIN_MEAN_TIME_NS)}")
    return time_ns


def read_mtu(text: str) -> int:
    size_bytes = positive(parse_size_bytes, "1 B")(text)
    if size_bytes > MAX_MTU_BYTES:
        raise ValueError(f"'{text.strip()}' is above the limit of {MAX_MTU_BYTES} B for a packet")
    return size_bytes


def read_burst(text: str) -> int:
    size_bytes = positive(parse_size_bytes, "1 B")(text)
    if size_bytes > MAX_BURST_BYTES:
        most = format_size(MAX_BURST_BYTES)
        raise ValueError(f"'{text.strip()}' is above the limit of {most} for a burst")
    return size_bytes


def read_per_km(text: str) -> int:
    """Return the propagation time of a km of route, ns."""
    time_ns = positive(parse_time_ns, "1 ns")(text)
    if time_ns > MAX_PER_KM_NS:
        raise ValueError(f"'{text.strip()}' is above the limit of {format_time(MAX_PER_KM_NS)}")
    return time_ns


def read_buffer(text: str) -> Buffer:
    match = re.fullmatch(r"([0-9]+) ?packets?", text.strip(), re.ASCII)
    if match:
        packets = int(match[1][:12])
        if not 1 <= packets <= MAX_COUNT:
            raise ValueError(f"'{text.strip()}' must be between 1 and {MAX_COUNT} packets")
        return Buffer("packets", packets)
    if re.fullmatch(TIME, text.strip(), re.ASCII):
        return Buffer("ns", positive(parse_time_ns, "1 ns")(text))
    if not re.fullmatch(r".*[A-Za-z%]\s*", text):
        raise ValueError(f"'{text.strip()}' needs a unit, such as '20 ms', '64 kB' or '50 packets'")
    return Buffer("bytes", positive(parse_size_bytes, "1 B")(text))


def read_frames(text: str) -> Pace:
    if len(text) > 80:
        raise ValueError("a frame rate is shorter, such as '30/s'")
    per_second = re.fullmatch(rf"({NUMBER}) ?/ ?s", text.strip(), re.ASCII)
    in_span = re.fullmatch(rf"([0-9]+) in ({TIME})", text.strip(), re.ASCII)
    if per_second:
        exact = Fraction(Decimal(per_second[1]))
        pace = Pace(exact.denominator * 10**9, exact.numerator)
    elif in_span:
        pace = Pace(positive(parse_time_ns, "1 ns")(in_span[2]), int(in_span[1]))
    else:
        raise ValueError(f"'{text.strip()}' is not a frame rate; write it like '30/s'")
    if not 0 < pace.frames <= 10**15 or pace.span_ns > MAX_TIME_NS or pace.interval_ns < 1:
        raise ValueError(f"'{text.strip()}' must be more than 0 and at most 10^9 frames a second")
    return pace


def read_often(text: str) -> Often:
    """Return how often something happens, such as `200/s`, `30/min` or `1 in 5 ms`."""
    text = text.strip()
    if len(text) > 80:
        raise ValueError("how often something happens is shorter, such as '30/min'")
    each = re.fullmatch(rf"({NUMBER}) ?/ ?(s|min|h)", text, re.ASCII)
    in_span = re.fullmatch(rf"([0-9]+) in ({TIME})", text, re.ASCII)
    if each:
        exact = Fraction(Decimal(each[1]))
        often = Often(exact.numerator, exact.denominator * parse_time_ns(f"1 {each[3]}"))
    elif in_span:
        often = Often(int(in_span[1]), positive(parse_time_ns, "1 ns")(in_span[2]))
    else:
        raise ValueError(f"'{text}' does not say how often; write it like '200/s' or '30/min'")
    if not 0 < often.count <= often.span_ns <= MAX_TIME_NS:
        raise ValueError(f"'{text}' must be more than 0 and at most 10^9 times a second")
    return often


def read_often_or_none(text: str) -> Often:
    """Return how often something may happen; a count of 0 is no limit."""
    return Often(0, 0) if text.strip() == "none" else read_often(text)


def read_trips(text: str) -> int:
    """Return a number of round trips, whole or with a half, as ways there and back."""
    check_marks(text)
    text = text.strip()
    known = re.fullmatch(r"[0-9]{1,3}(\.[05])?", text, re.ASCII)
    if known is None or not 0.5 <= float(text) <= MOST_TRIPS:
        raise ValueError(
            f"'{text[:40]}' must be a number of round trips, from 0.5 to {MOST_TRIPS}, such as 2 "
            "or 1.5"
        )
    return int(2 * float(text))


def read_key_every(text: str) -> Amount:
    match = re.fullmatch(r"([0-9]+) ?frames?", text.strip(), re.ASCII)
    if match is None:
        return Amount("ns", positive(parse_time_ns, "1 ns")(text))
    frames = int(match[1][:12])
    if not 2 <= frames <= MAX_COUNT:
        raise ValueError(f"'{text.strip()}' must be between 2 and {MAX_COUNT} frames")
    return Amount("frames", frames)


def read_key_size(text: str) -> Amount:
    if re.fullmatch(FACTOR, text.strip(), re.ASCII):
        return Amount("factor", parse_factor(text))
    return Amount("bytes", positive(parse_size_bytes, "1 B")(text))


def read_sizes(text: str) -> float:
    """Return the Laplace scale of frame sizes relative to their mean."""
    match = re.fullmatch(rf"laplace ({NUMBER})", text.strip(), re.ASCII)
    if match and 0 < float(match[1]) <= 1:
        return float(match[1])
    known = {"constant": 0.0, "rfc8593": 0.15}
    if text.strip() not in known:
        raise ValueError(
            f"'{text.strip()}' is unknown; write 'constant', 'rfc8593' or 'laplace 0.3' (up to 1)"
        )
    return known[text.strip()]


def read_pacing(text: str) -> Amount:
    if text.strip() == "none":
        return Amount("none", 0)
    if re.fullmatch(FACTOR, text.strip(), re.ASCII):
        return Amount("factor", parse_factor(text))
    return Amount("bit/s", parse_rate_bps(text))


def read_site_count(text: str) -> Amount:
    match = re.fullmatch(r"([0-9]+)( each)?", text.strip(), re.ASCII)
    count = int(match[1][:12]) if match else 0
    if match is None or count == 0:
        raise ValueError(f"'{text.strip()}' is not a number of sites; write 81 or '9 each'")
    return Amount("each" if match[2] else "sites", count)


Value = TypeVar("Value")


def at_most(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return a reader of the largest value that keeps a limit."""
    return _limit("at most", "at least", read)


def at_least(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return a reader of the smallest value that keeps a limit."""
    return _limit("at least", "at most", read)


def _limit(sense: str, other: str, read: Callable[[str], Value]) -> Callable[[str], Value]:
    def limit(text: str) -> Value:
        words = text.strip().split(maxsplit=2)
        if words[:2] == sense.split() and len(words) == 3:
            return read(words[2])
        quantity = text.strip()
        for word in (sense, other, "below", "under", "above", "over"):
            quantity = quantity.removeprefix(word).strip()
        read(quantity)
        what = "limits the wrong side" if words[:2] == other.split() else "is not a limit"
        raise ValueError(f"'{text.strip()}' {what}; write '{sense} {quantity}'")

    return limit


def read_score(text: str) -> float:
    """Return an opinion score, from 1 to the most that the E-model gives, 4.5."""
    text = text.strip()
    if not re.fullmatch(NUMBER, text, re.ASCII) or len(text) > 20 or not 1 <= float(text) <= 4.5:
        raise ValueError(f"'{text[:40]}' must be a score from 1 to 4.5, the E-model's largest")
    return float(text)


def read_share_or_all(text: str) -> float:
    """Return a share; `all` is all of them."""
    return 1.0 if text.strip() == "all" else parse_share(text)


def read_share_or_none(text: str) -> float:
    """Return a share above 0 %; `none` is 0."""
    if text.strip() == "none":
        return 0.0
    share = parse_share(text)
    if share == 0:
        raise ValueError(f"'{text.strip()}' must be above 0 %; 'none' is no limit")
    return share


def read_count(text: str) -> int:
    """Return a whole number from 0 to `MAX_COUNT`."""
    text = text.strip()
    digits = text.isascii() and text.isdecimal() and len(text) <= 12
    if not digits or int(text) > MAX_COUNT:
        raise ValueError(f"'{text[:40]}' must be a whole number from 0 to {MAX_COUNT}")
    return int(text)


def read_time_of_day(text: str) -> int:
    """Return a time of day as ns after midnight."""
    if not re.fullmatch(TIME_OF_DAY, text.strip(), re.ASCII):
        raise ValueError(f"'{text.strip()[:40]}' is not a time of day; write it like '08:00'")
    hour, minute = text.strip().split(":")
    return (int(hour) * 60 + int(minute)) * (HOUR_NS // 60)


def read_hours(text: str) -> HoursOfDay:
    """Return the whole hours of a span of the day."""
    match = re.fullmatch(HOURS_OF_DAY, text.strip(), re.ASCII)
    hours = HoursOfDay(int(match[1]), int(match[2])) if match else HoursOfDay(0, 0)
    if hours.first >= hours.end:
        raise ValueError(
            f"'{text.strip()[:40]}' is not a span of whole hours of one day; write it like "
            "'08:00-12:00'"
        )
    return hours


def read_name(text: str) -> str:
    text = read_prose(text)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", text, re.ASCII):
        raise ValueError(f"'{text}' must be 1 to 64 of a-z, 0-9 and '-', and not start with '-'")
    return text


def read_number(text: str) -> float:
    """Return a number without a unit, more than 0 and at most 1,000."""
    check_marks(text)
    if not re.fullmatch(NUMBER, text, re.ASCII) or not 0 < float(text) <= 1000:
        raise ValueError(f"'{text[:40]}' must be a number more than 0 and at most 1000")
    return float(text)


def read_revert(text: str) -> int:
    """Return after how long up a primary line is used again, ns; -1: never."""
    words = text.split()
    if words == ["never"]:
        return -1
    if words == ["at", "once"]:
        return 0
    if words[:1] != ["after"]:
        raise ValueError(f"'{text.strip()[:40]}' must be 'never', 'at once' or like 'after 5 min'")
    return positive(parse_time_ns, "1 ns")(text.partition("after")[2])


def read_spread(text: str) -> float:
    """Return the deviation of a logarithm: a number without a unit, 0 to 3."""
    check_marks(text)
    if not re.fullmatch(NUMBER, text, re.ASCII) or float(text) > 3:
        raise ValueError(f"'{text[:40]}' must be a number from 0 to 3")
    return float(text)


def read_line(text: str) -> str:
    """Return free text of one line, not empty."""
    text = read_prose(text).strip()
    if not text or "\n" in text:
        raise ValueError("needs a text of one line")
    if len(text) > LONGEST_LINE:
        raise ValueError(f"'{text[:40]}…' is longer than the limit of {LONGEST_LINE} characters")
    return text


def read_prose(text: str) -> str:
    """Return free text.

    Raises
    ------
    ValueError
        If it was written like a number, or has control characters other than line ends.
    """
    if isinstance(text, Plain):
        raise ValueError(text.remedy() if text else "needs a text")
    if not text.replace("\n", "").isprintable():
        check_characters(text.replace("\n", ""))
    return text


def check_characters(text: str) -> None:
    """Refuse characters that YAML or CSV cannot carry or that end a line.

    Raises
    ------
    ValueError
        Naming the first such character.
    """
    bad = re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]", text)
    if bad:
        raise ValueError(f"the character U+{ord(bad[0]):04X} is not allowed")


def read_word(text: str) -> str:
    """Return a name that can be part of a reference and of a file name.

    Raises
    ------
    ValueError
        If it is not 1 to 64 printable characters without space / \\ , ' or ", or starts with
        `.` or `-`.
    """
    text = read_prose(text)
    if not _WORD.fullmatch(text) or not text.isprintable():
        raise ValueError(
            f"'{printable(text[:70])}' must be 1 to 64 printable characters without space "
            "/ \\ , or quotes, and not start with '.' or '-'"
        )
    return text
