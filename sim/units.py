"""Human units at the edges: what a user writes, as integers in base units, and back.

Numbers are read as exact decimals and rounded once, half up, to the base unit. A number always
has its unit; the space before it is optional. Formatters round to a few significant digits for
people; `digits=None` prints the exact value.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

RATES = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}
TIMES = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,  # U+00B5, the micro sign
    "μs": 10**3,  # U+03BC, the Greek letter
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
}
SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20}
SHARES = {"%": 1}
COUNTS = {"packets": 1, "frames": 1}

MAX_RATE_BPS = 10**15
MAX_TIME_NS = 31 * 24 * 3600 * 10**9  # a month: sums of many stay far below 2**63
MAX_SIZE_BYTES = 10**12

KINDS = {"rate": RATES, "time": TIMES, "size": SIZES, "share": SHARES}
LISTED = {
    "rate": "bit/s, kbit/s, Mbit/s or Gbit/s",
    "time": "ns, us, ms, s, min or h",
    "size": "B, kB, MB, GB, KiB or MiB",
    "share": "%",
}
# What people write for our units: what it is, our unit, and the factor on the number.
PREFIXES = {"": "", "k": "k", "K": "k", "m": "M", "M": "M", "G": "G"}
SPELLINGS: dict[str, tuple[str, str, Decimal]] = {
    **{
        prefix + unit: ("rate", f"{ours}bit/s", Decimal(1))
        for prefix, ours in PREFIXES.items()
        for unit in ("bps", "b/s", "bits/s", "bit/sec", "Bit/s")
    },
    **{
        prefix + "B/s": ("rate", f"{ours}bit/s", Decimal(8))
        for prefix, ours in PREFIXES.items()
        if prefix != "m"
    },
    **{
        prefix + unit: ("size", f"{prefix}B", Decimal("0.125"))
        for prefix in ("k", "M", "G")
        for unit in ("b", "bit", "bits")
    },
    **{
        spelling: (kind, ours, Decimal(1))
        for kind, ours, spellings in (
            ("rate", "kbit/s", "Kbit/s"),
            ("rate", "Mbit/s", "mbit/s"),
            ("size", "B", "byte bytes Byte Bytes octets"),
            ("size", "kB", "KB"),
            ("time", "h", "hr hrs hour hours"),
            ("time", "min", "m mins minute minutes Min"),
            ("time", "s", "sec secs second seconds S"),
            ("time", "ms", "msec millisecond milliseconds mS"),
            ("time", "us", "usec microsecond microseconds"),
            ("share", "%", "percent pct"),
        )
        for spelling in spellings.split()
    },
}
# What some write for bits and some for bytes a second.
UNCLEAR = {prefix + "Bps": f"{ours}bit/s" for prefix, ours in PREFIXES.items()}
# A letter alone, as iperf and others take it.
LETTERS = {"k": "k", "K": "k", "m": "M", "M": "M", "g": "G", "G": "G"}
# The unit of one kind that stands where another kind was wanted.
INSTEAD = {"k": "kbit/s", "M": "Mbit/s", "G": "Gbit/s"}
EXAMPLES = {"rate": "Mbit/s", "time": "ms", "size": "B", "share": "%"}

QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?) ?(.*)", re.ASCII)
FACTOR = re.compile(r"[×x] ?([0-9]+(?:\.[0-9]+)?)", re.ASCII)
MARKED = re.compile(r"([0-9]+)([.,][0-9]+(?:[.,][0-9]+)*) ?([^0-9.,].*)?", re.ASCII)
LONGEST = 40  # characters of a number with its unit


def split_quantity(text: str, kind: str) -> tuple[Decimal, str]:
    """Return the number and the unit, which may be empty, of `text`.

    Raises
    ------
    ValueError
        If it does not start with a number, or the number is negative.
    """
    text = text.strip()
    if not text:
        raise ValueError(f"needs a value, such as '4 {EXAMPLES[kind]}'")
    match = QUANTITY.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        shown = text if len(text) <= LONGEST else text[:LONGEST] + "…"
        raise ValueError(f"'{shown}' is not a {kind}; write it like '4 {EXAMPLES[kind]}'")
    unit = match[2].strip()
    if unit[:1] in (",", "."):
        check_marks(text)
    number = Decimal(match[1])
    if number.is_signed() and number != 0:
        rule = "must be positive" if kind == "rate" else "must not be negative"
        raise ValueError(f"'{text}' {rule}")
    return abs(number), unit


def check_marks(text: str) -> None:
    """Refuse a number that is written with decimal commas, or with marks between thousands.

    Raises
    ------
    ValueError
        Saying how to write it.

    Examples
    --------
    >>> check_marks("2,5 Mbit/s")
    Traceback (most recent call last):
    ValueError: '2,5 Mbit/s': decimals have a point and thousands no mark; write '2.5 Mbit/s'
    """
    match = MARKED.fullmatch(text)
    if match is None or (match[2].count(".") == 1 and "," not in match[2]):
        return
    whole, groups, unit = match[1], re.split("[.,]", match[2])[1:], match[3] or ""
    meant = []
    if all(len(group) == 3 for group in groups) and len(whole) <= 3:
        meant.append(f"'{whole}{''.join(groups)} {unit}'".replace(" '", "'"))
    if len(groups) == 1 or len(set(match[2]) & {".", ","}) == 2:
        meant.append(f"'{whole}{''.join(groups[:-1])}.{groups[-1]} {unit}'".replace(" '", "'"))
    remedy = f"; write {' or '.join(meant)}" if meant else ""
    raise ValueError(f"'{text}': decimals have a point and thousands no mark{remedy}")


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _wrong_unit(text: str, number: Decimal, unit: str, kind: str) -> str:
    """Say what `unit` is if not a unit of `kind`, and what was probably meant."""
    written = f"'{text.strip()}'"
    if not unit and kind == "share" and 0 < number <= 1:
        meant = f"'{_plain(number)} %' or '{_plain(number * 100)} %'"
        return f"'{_plain(number)}' needs a unit: write {meant}"
    if not unit:
        return f"'{_plain(number)}' needs a unit, such as '{_plain(number)} {EXAMPLES[kind]}'"
    if unit in UNCLEAR and kind == "rate":
        bits, bytes_ = (f"{_plain(number * each)} {UNCLEAR[unit]}" for each in (1, 8))
        return f"{written} has an unknown unit; did you mean '{bits}' or '{bytes_}'?"
    if unit in LETTERS and kind in ("rate", "size"):
        meant = f"{_plain(number)} {LETTERS[unit]}{'bit/s' if kind == 'rate' else 'B'}"
        return f"{written} has an unknown unit; did you mean '{meant}'?"
    found, ours, factor = SPELLINGS.get(unit, ("", "", Decimal(1)))
    if found == kind:
        meant = f"{_plain(number * factor)} {ours}"
        return f"{written} has an unknown unit; did you mean '{meant}'?"
    found = found or next((name for name, units in KINDS.items() if unit in units), "")
    if found == "size" and kind == "rate":
        meant = f"{_plain(number)} {INSTEAD.get(unit[0], 'bit/s')}"
        return f"{written} is a size, not a rate; did you mean '{meant}'?"
    if found == "rate" and kind == "size":
        unit = SPELLINGS.get(unit, ("", unit, Decimal(1)))[1]
        meant = f"{_plain(number)} {unit.removesuffix('bit/s')}B"
        return f"{written} is a rate, not a size; did you mean '{meant}'?"
    if found:
        return f"{written} is a {found}, not a {kind}; a {kind} is in {LISTED[kind]}"
    if unit in COUNTS:
        return f"{written} is a count, not a {kind}; a {kind} is in {LISTED[kind]}"
    return f"{written} has an unknown unit; a {kind} is in {LISTED[kind]}"


def _parse(text: str, kind: str, limit: int) -> int:
    number, unit = split_quantity(text, kind)
    scale = KINDS[kind].get(unit)
    if scale is None:
        raise ValueError(_wrong_unit(text, number, unit, kind))
    value = int((number * scale).to_integral_value(rounding=ROUND_HALF_UP))
    if value > limit:
        most = FORMATTERS[kind](limit)
        raise ValueError(f"'{text.strip()}' is above the limit of {most}")
    return value


def parse_rate_bps(text: str) -> int:
    """Return a rate such as `4 Mbit/s` in bit/s, at least 1.

    Raises
    ------
    ValueError
        If it is no rate, rounds to 0 bit/s or is above `MAX_RATE_BPS`; says what to write.

    Examples
    --------
    >>> parse_rate_bps("4 Mbit/s"), parse_rate_bps("3.5kbit/s")
    (4000000, 3500)
    >>> parse_rate_bps("20 Mb")
    Traceback (most recent call last):
    ValueError: '20 Mb' is a size, not a rate; did you mean '20 Mbit/s'?
    """
    rate_bps = _parse(text, "rate", MAX_RATE_BPS)
    if rate_bps == 0:
        raise ValueError(f"'{text.strip()}' must be at least 1 bit/s")
    return rate_bps


def parse_time_ns(text: str, *, most_ns: int = MAX_TIME_NS) -> int:
    """Return a time such as `20 ms` in ns, 0 or more.

    Raises
    ------
    ValueError
        If it is no time, or is above `most_ns`; says what to write.

    Examples
    --------
    >>> parse_time_ns("20 ms"), parse_time_ns("1.5 min"), parse_time_ns("4.9 us")
    (20000000, 90000000000, 4900)
    """
    return _parse(text, "time", most_ns)


def parse_size_bytes(text: str) -> int:
    """Return a size such as `64 kB` in bytes, 0 or more.

    Raises
    ------
    ValueError
        If it is no size, or is above `MAX_SIZE_BYTES`; says what to write.

    Examples
    --------
    >>> parse_size_bytes("64 kB"), parse_size_bytes("1 MiB")
    (64000, 1048576)
    """
    return _parse(text, "size", MAX_SIZE_BYTES)


def parse_share(text: str) -> float:
    """Return a share such as `0.1 %` as a fraction between 0 and 1, rounded once to binary64.

    Raises
    ------
    ValueError
        If it is no share, or is above 100 %; says what to write.

    Examples
    --------
    >>> parse_share("0.1 %"), parse_share("100 %")
    (0.001, 1.0)
    """
    return float(parse_exact_share(text))


def parse_exact_share(text: str) -> Decimal:
    """Return a share as an exact decimal fraction; see `parse_share`."""
    # A probability printed in full may be long: binary64 goes down to 1e-308.
    number, unit = split_share(text)
    if unit != "%":
        raise ValueError(_wrong_unit(text, number, unit, "share"))
    if number > 100:
        raise ValueError(f"'{text.strip()}' is more than 100 %")
    return Decimal(number).scaleb(-2, Context(prec=500))


def split_share(text: str) -> tuple[Decimal, str]:
    """Return the number and the unit of a share, which may have many decimals."""
    match = QUANTITY.fullmatch(text.strip()) if len(text) <= 10 * LONGEST else None
    if match is None or match[2].strip() != "%":
        return split_quantity(text, "share")
    number = Decimal(match[1])
    if number.is_signed() and number != 0:
        raise ValueError(f"'{text.strip()}' must not be negative")
    return abs(number), "%"


def parse_factor(text: str) -> float:
    """Return a factor such as `× 0.5`, more than 0 and at most a million.

    Raises
    ------
    ValueError
        If it is no factor; says what to write.

    Examples
    --------
    >>> parse_factor("× 2.31"), parse_factor("x0.5")
    (2.31, 0.5)
    """
    match = FACTOR.fullmatch(text.strip()) if len(text) <= 10 * LONGEST else None
    if match is None:
        raise ValueError(f"'{text.strip()[:LONGEST]}' is not a factor; write it like '× 0.5'")
    factor = float(match[1])
    if not 0 < factor <= 10**6:
        raise ValueError(f"'{text.strip()}' must be more than 0 and at most 1000000")
    return factor


def _round(number: Decimal, digits: int | None) -> str:
    if digits is None:
        return _plain(number)
    return _plain(Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(number))


def _scaled(value: Decimal, units: dict[str, int], digits: int | None) -> str:
    """Write `value` in the largest of `units` (largest first) that leaves at least 1."""
    fitting = [unit for unit, scale in units.items() if abs(value) >= scale]
    unit = fitting[0] if fitting else list(units)[-1]
    # A power of ten, so the quotient has no more digits than the value.
    return f"{_round(value.scaleb(1 - len(str(units[unit])), Context(prec=60)), digits)} {unit}"


def _exact(value: float) -> Decimal:
    return Decimal(value) if isinstance(value, int) else Decimal(repr(float(value)))


def format_rate(rate_bps: float, *, digits: int | None = 4) -> str:
    """Return a rate for people.

    Examples
    --------
    >>> format_rate(4_000_000), format_rate(1_234_567), format_rate(1_234_567, digits=None)
    ('4 Mbit/s', '1.235 Mbit/s', '1.234567 Mbit/s')
    """
    units = {unit: RATES[unit] for unit in ("Gbit/s", "Mbit/s", "kbit/s", "bit/s")}
    return _scaled(_exact(rate_bps), units, digits)


def format_size(size_bytes: float, *, digits: int | None = 4) -> str:
    """Return a size for people, in SI multiples.

    Examples
    --------
    >>> format_size(1500), format_size(93_760), format_size(12)
    ('1.5 kB', '93.76 kB', '12 B')
    """
    units = {unit: SIZES[unit] for unit in ("GB", "MB", "kB", "B")}
    return _scaled(_exact(size_bytes), units, digits)


def format_time(time_ns: float, *, digits: int | None = 4) -> str:
    """Return a time for people; hours and minutes only where they are whole.

    Examples
    --------
    >>> format_time(600 * 10**9), format_time(90 * 10**9), format_time(12_692_480)
    ('10 min', '90 s', '12.69 ms')
    """
    value = _exact(time_ns)
    for unit in ("h", "min"):
        if value and value % TIMES[unit] == 0:
            return f"{value / TIMES[unit]:f} {unit}"
    units = {unit: TIMES[unit] for unit in ("s", "ms", "µs", "ns")}
    return _scaled(value, units, digits)


def format_share(share: float, *, digits: int | None = 4) -> str:
    """Return a fraction as a percentage for people; only 1 is written as 100 %, only 0 as 0 %.

    Examples
    --------
    >>> format_share(0.001), format_share(1 / 3), format_share(0.9999999)
    ('0.1 %', '33.33 %', '99.99999 %')
    """
    percent = _exact(share).scaleb(2, Context(prec=500))
    text = _round(percent, digits)
    while digits is not None and text == "100" and percent < 100:
        digits += 1
        text = _round(percent, digits)
    return f"{text} %"


def format_factor(factor: float) -> str:
    """Return a factor, exactly.

    Examples
    --------
    >>> format_factor(0.5)
    '× 0.5'
    """
    return f"× {_plain(_exact(factor))}"


FORMATTERS = {"rate": format_rate, "time": format_time, "size": format_size, "share": format_share}


def printable(text: str) -> str:
    """Return `text` with everything escaped that a terminal would obey rather than show.

    Control characters, bidirectional overrides and other invisible ones become `\\xNN`,
    `\\uNNNN` or `\\UNNNNNNNN`.

    Examples
    --------
    >>> print(printable("Huế\\x1b[2J"))
    Huế\\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "backslashreplace").decode("ascii")
        for character in text
    )
