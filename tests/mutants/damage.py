"""What can go wrong with a scenario: mistakes of people, of programs that write YAML, and malice.

Each function damages what it is given, at a place and in a way that Hypothesis draws.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import strategies as st

from tests.mutants.tree import Items, Pairs, Raw, Spot, Value, copied, spots, text_of

Draw = Callable[..., object]

UNITS = (
    *("ns", "us", "ms", "s", "min", "h", "B", "kB", "MB", "GB", "KiB", "MiB", "%", "packets"),
    *("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "frames", "/s", "each", "Mb", "MBps", "m", "", "×"),
)
NUMBERS = (
    *("0", "-1", "1", "2", "0.5", "1e9", "1e-9", "999999999999", "9" * 30, "0.000000001", "007"),
    *("nan", "inf", "-0", "1_000", "0x10", "1,5", "65535", "65536", "1000000000", "100", "33.3"),
    *("9223372036854775807", "9223372036854775808", "4294967296", "２", "٣", "+3", "1e400"),
)
NAMES = (
    *("central", "province", "district", "commune", "rooms", "speaker", "parent", "none", "all"),
    *("79", "80", "96", "central-1", "province-1", "district-2", "commune-05", "26734", "site-0"),
    *("video", "voice", "audio", "fibre", "radio", "vnpt", "viettel", "duct", "office", "NO"),
    *("carrier/vnpt", "group/duct", "line/79", "site/80", "relay/79", "tier/commune", "region/x"),
    *("carrier/vnpt in region/South", "site/79 in tier/commune", "tier/commune in site/79", "//"),
    *("line/ in site/", "in", "a in region/", "at most", "at most 1 %", "below 3 ms", "at most -1"),
    *("2 s", "20 ms", "1 Mbit/s", "30/s", "1 % in bursts of 3 packets", "p 1 % r 0 %", "laplace 1"),
    *(
        "{steady: 20 %}",
        "sites.csv",
        "lines.csv",
        "../sites.csv",
        "/etc/passwd",
        ".",
        "scenario.yaml",
    ),
    *("08:00", "08:00-12:00", "24:00", "constant", "rfc8593", "priority", "compose", "true", ""),
)
KEYS = (
    *(
        "rate",
        "down",
        "up",
        "buffer",
        "loss",
        "delay",
        "mtu",
        "carrier",
        "classes",
        "share",
        "from",
    ),
    *("to", "frames", "every", "key", "size", "sizes", "packet", "overhead", "pacing", "start"),
    *("except", "route", "inventory", "table", "file", "generate", "count", "only", "rooms", "at"),
    *("for", "fail", "degrade", "restore", "floor", "egress", "processing", "mode", "select"),
    *("ports", "transcoding", "scheduling", "background", "steady", "poisson", "bursts", "on"),
    *("off", "class", "profile", "policer", "burst", "playout", "spread", "composite", "meeting"),
    *("window", "bin", "dark_after", "begins", "profiles", "groups", "agenda", "requirements"),
    *("label", "jitter", "dark", "freezes", "utilisation", "lines", "egresses", "delay_p99"),
    *("carriers", "sites", "tiers", "streams", "relays", "events", "seed", "name", "about"),
)
STRANGE = (
    *("\x1b[2J", "\u202e", "\u200b", "\ufeff", "\x00", "\x85", "\u2028", "\ud800", "𝔘", "ế", "\t"),
    *(
        "[bold]",
        "<script>",
        "$\\frac{1}$",
        "%s",
        "{}",
        "'",
        '"',
        "\\",
        "/",
        "\n",
        "\r",
        ",",
        "; rm",
    ),
    "x" * 70,
    "y" * 3000,
)
RAW = (
    *("~", "null", "true", "NO", "0o17", "017", ".nan", "-.inf", "{}", "[]", "1", "-1", "1e999"),
    *("*a", "&a 1", "&a [*a]", "!!python/object:os.system x", "!x y", "? ", "- ", "<<: {a: 1}"),
    *("|", ">", "'", '"', "{", "]", "#", "%TAG", "@", "`", "\t", "---", "...", "{a: {a: {a: {}}}}"),
    "[" * 15 + "]" * 15,
    "[" * 17 + "]" * 17,
    "{a: " * 40 + "}" * 40,
    "&a [1, 1], &b [*a, *a], &c [*b, *b]",
)
QUANTITY = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
ATOMS = st.one_of(
    st.sampled_from([*map(Raw, RAW), *map(Raw, NUMBERS)]),
    st.sampled_from(NAMES),
    st.sampled_from(STRANGE),
    st.builds(
        lambda number, unit: f"{number} {unit}", st.sampled_from(NUMBERS), st.sampled_from(UNITS)
    ),
    st.text(max_size=8),
)


def _spot(draw: Draw, root: Value) -> Spot | None:
    found = spots(root)
    return found[draw(st.integers(0, len(found) - 1))] if found else None


def delete(draw: Draw, root: Value) -> None:
    """Leave out a field or an item."""
    spot = _spot(draw, root)
    if spot:
        del spot.holder.values[spot.number]


def double(draw: Draw, root: Value) -> None:
    """Give a field or an item twice; in a mapping the key is not unique any more."""
    spot = _spot(draw, root)
    if spot:
        again = spot.holder.values[spot.number]
        again = (again[0], copied(again[1])) if isinstance(again, tuple) else copied(again)
        spot.holder.values.insert(draw(st.integers(0, len(spot.holder.values))), again)


def rename(draw: Draw, root: Value) -> None:
    """Call a field otherwise: misspelt, by the name of another one, or strangely."""
    spot = _spot(draw, root)
    if spot and isinstance(spot.holder, Pairs):
        key, value = spot.holder.values[spot.number]
        if isinstance(key, str) and len(key) > 1 and draw(st.booleans()):
            cut = draw(st.integers(0, len(key) - 2))
            new: Value = key[:cut] + key[cut + 1] + key[cut] + key[cut + 2 :]
        else:
            new = draw(st.one_of(st.sampled_from(KEYS), ATOMS))
        spot.holder.values[spot.number] = (new, value)


def replace(draw: Draw, root: Value) -> None:
    """Put something else in the place of a value."""
    spot = _spot(draw, root)
    if spot:
        spot.put(draw(ATOMS))


def exchange(draw: Draw, root: Value) -> None:
    """Exchange two values, which may be of other kinds."""
    one, other = _spot(draw, root), _spot(draw, root)
    if one and other:
        first, second = copied(one.get()), copied(other.get())
        one.put(second)
        other.put(first)


def requantify(draw: Draw, root: Value) -> None:
    """Change a number, or the unit, in a text that has one."""
    found = [spot for spot in spots(root) if QUANTITY.search(text_of(spot.get()))]
    if not found:
        return
    spot = found[draw(st.integers(0, len(found) - 1))]
    value = spot.get()
    text = text_of(value)
    matches = list(QUANTITY.finditer(text))
    match = matches[draw(st.integers(0, len(matches) - 1))]
    if draw(st.booleans()):
        text = text[: match.start()] + draw(st.sampled_from(NUMBERS)) + text[match.end() :]
    else:
        text = f"{text[: match.end()]} {draw(st.sampled_from(UNITS))}"
    spot.put(Raw(text) if isinstance(value, Raw) else text)


def wrap(draw: Draw, root: Value) -> None:
    """Put a value into a list or a mapping, or many times into it."""
    spot = _spot(draw, root)
    if spot:
        inner: Value = spot.get()
        for _ in range(draw(st.sampled_from([1, 1, 2, 20]))):
            inner = Items([inner]) if draw(st.booleans()) else Pairs([("a", inner)])
        spot.put(inner)


def strew(draw: Draw, root: Value) -> None:
    """Put a strange character into a text."""
    found = [spot for spot in spots(root) if isinstance(spot.get(), str)]
    if found:
        spot = found[draw(st.integers(0, len(found) - 1))]
        spot.put(strewn(draw, str(spot.get())))


def strewn(draw: Draw, text: str) -> str:
    """Return a text with something strange in it, or with a bit of it gone."""
    start = draw(st.integers(0, len(text)))
    end = min(start + draw(st.sampled_from([0, 0, 1, 5, 40])), len(text))
    put = draw(st.sampled_from((*STRANGE, *NAMES, *NUMBERS, *RAW)))
    return text[:start] + put + text[end:]


def vary(draw: Draw, root: Value) -> None:
    """Make a number in a text another small one, which is often no fault at all."""
    found = [spot for spot in spots(root) if QUANTITY.search(text_of(spot.get()))]
    if found:
        spot = found[draw(st.integers(0, len(found) - 1))]
        value = spot.get()
        text = QUANTITY.sub(lambda _: str(draw(st.integers(0, 200))), text_of(value), count=1)
        spot.put(Raw(text) if isinstance(value, Raw) else text)


def transplant(draw: Draw, root: Value) -> None:
    """Give a field of one mapping to another one, as people copy lines."""
    holders = [spot.get() for spot in spots(root)]
    holders = [each for each in holders if isinstance(each, Pairs) and each.values]
    if len(holders) > 1:
        giver, taker = (holders[draw(st.integers(0, len(holders) - 1))] for _ in range(2))
        key, value = giver.values[draw(st.integers(0, len(giver.values) - 1))]
        taker.values = [pair for pair in taker.values if pair[0] != key]
        taker.values.append((key, copied(value)))


def liken(draw: Draw, root: Value) -> None:
    """Give a field the value that one of the same name has elsewhere."""
    found = [spot for spot in spots(root) if isinstance(spot.holder, Pairs)]
    if found:
        spot = found[draw(st.integers(0, len(found) - 1))]
        key = spot.holder.values[spot.number][0]
        others = [each for each in found if each.holder.values[each.number][0] == key]
        spot.put(copied(others[draw(st.integers(0, len(others) - 1))].get()))


# The gentle ones first and often: what is refused at once shows little of the program.
TREE_DAMAGE = (
    *(vary, vary, vary, vary, liken, liken, liken, transplant, transplant, requantify),
    *(delete, double, rename, replace, exchange, wrap, strew),
)


def shuffled_table(draw: Draw, text: str) -> str:
    """Return a CSV with a row, a cell or the header damaged."""
    rows = [row.split(",") for row in text.split("\n")]
    row = rows[draw(st.integers(0, len(rows) - 1))]
    cell = draw(st.integers(0, len(row) - 1))
    how = draw(st.integers(0, 5))
    if how == 0:
        row.insert(cell, draw(st.sampled_from((*NAMES, *NUMBERS, *STRANGE))))
    elif how == 1:
        del row[cell]
    elif how == 2:
        row[cell] = draw(st.sampled_from((*NAMES, *NUMBERS, *STRANGE, '"', '"a\n', 'a"b')))
    elif how == 3:
        rows.insert(draw(st.integers(0, len(rows))), list(row))
    elif how == 4:
        other = rows[draw(st.integers(0, len(rows) - 1))]
        place = draw(st.integers(0, len(other) - 1))
        row[cell], other[place] = other[place], row[cell]
    else:
        rows.remove(row)
    return "\n".join(",".join(cells) for cells in rows)
