"""Scenarios that are valid before they are damaged: a file, and the tables beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.cli.conftest import SCENARIO
from tests.scenario.files import ROOT, SMALL, edited
from tests.scenario.test_manual import REQUIRED, WHOLE
from tests.scenario.test_resolved import EDITS, EVERYTHING

CA_MAU, MOST = "96", 25


@dataclass(frozen=True, slots=True)
class Base:
    """Texts by the name of their file; `scenario.yaml` is the scenario."""

    files: dict[str, str]


def _with_tables() -> Base:
    """Return the small scenario with its sites and an inventory in files of their own."""
    table = SMALL.split("  table: |\n")[1].split("relays:")[0]
    text = edited(
        ("  table: |\n" + table, "  file: sites.csv\n"),
        ("  route:", "  inventory: lines.csv\n  route:"),
    )
    sites = re.sub("^    ", "", table, flags=re.MULTILINE)
    lines = (
        "site, role, parent, class, carrier, rate, buffer, loss, delay, background\n"
        '26734, backup, central, , other, 3 Mbit/s, 30 ms, 2 %, 3 ms, "{poisson: 1 Mbit/s, '
        'packet: 1 kB}"\n'
        "79, primary, central, , , 80 Mbit/s, 20 ms, , 2 ms, {steady: 20 %}\n"
        "27688, , , radio, , , , 1 % in bursts of 3 packets, , none\n"
    )
    return Base({"scenario.yaml": text, "sites.csv": sites, "lines.csv": lines})


def _shipped(name: str) -> Base:
    """Return a shipped scenario with the first sites of one province."""
    text = (ROOT / "scenarios" / name).read_text(encoding="utf-8")
    table = ROOT / "scenarios" / "data" / "vietnam-2021.csv"
    header, *rows = table.read_text(encoding="utf-8").splitlines()
    parents = {row.split(",")[0]: row.split(",")[2] for row in rows}
    kept = []
    for row in rows:
        above = [row.split(",")[0]]
        while above[-1]:
            above.append(parents[above[-1]])
        if CA_MAU in above or len(above) == 2:
            kept.append(row)
    return Base({"scenario.yaml": text, "data/vietnam-2021.csv": "\n".join([header, *kept[:MOST]])})


WRITTEN = (
    Base({"scenario.yaml": (ROOT / "scenarios" / "tiny.yaml").read_text(encoding="utf-8")}),
    Base({"scenario.yaml": SMALL}),
    Base({"scenario.yaml": edited(*EDITS, append=EVERYTHING)}),
    Base({"scenario.yaml": SCENARIO}),
    _with_tables(),
    Base({"scenario.yaml": WHOLE}),
    Base({"scenario.yaml": WHOLE[: WHOLE.index("requirements:")] + REQUIRED}),
    _shipped("province.yaml"),
)
WARM_UP = WRITTEN[2]  # it has everything
TIERS = ("province", "district", "commune")
STREAMS = ("video", "voice", "slides")
LOADS = (
    "scheduling: priority",
    "background: {steady: 20 %, profile: day}",
    "background: {poisson: 100 kbit/s, packet: 500 B, class: a}",
    "background: {down: {bursts: 1 Mbit/s, on: 30 ms, off: 200 ms, packet: 1 kB, profile: day}}",
    "policer: {rate: 500 kbit/s, burst: 8 kB}, carrier: vnpt",
)
EGRESSES = (
    "none",
    "{rate: 100 Mbit/s, buffer: 20 ms}",
    "{rate: 20 Mbit/s, buffer: 40 packets, overhead: 1 us, scheduling: priority}",
    "{rate: 20 Mbit/s, buffer: 30 kB, background: {poisson: 1 Mbit/s, packet: 900 B}}",
)
MEDIA = (
    "rate: 40 kbit/s, every: 20 ms, playout: 100 ms",
    "rate: 300 kbit/s, frames: 30/s, key: {every: 1 s, size: × 2}, sizes: rfc8593",
    "frame: 9 kB, every: 500 ms, pacing: 1 Mbit/s, start: 3 ms",
    "rate: 100 kbit/s, packet: 300 B",
)
EVENTS = (
    "  - {at: 200 ms, fail: site/province-1, for: 300 ms}",
    "  - {at: 300 ms, fail: line/province-1}",
    "  - {at: 300 ms, degrade: line/province-1, rate: × 0.3, loss: 3 %, for: 1 s}",
    "  - {at: 1 s, fail: relay/central, for: 20 ms}",
)
DEMANDS = (
    "  - {rooms: 90 %, loss: at most 1 %}",
    "  - {rooms: 90 %, delay_p99: at most 20 ms}",
    "  - {rooms: 90 %, of: tier/province, loss: at most 5 %, in_any: 300 ms}",
    "  - {use: g114}",
    "  - {rooms: 100 %, jitter: at most 5 ms}",
    "  - {lines: 100 %, utilisation: at most 80 %}",
    "  - {egresses: 100 %, utilisation: at most 80 %}",
)


@st.composite
def generated(draw: st.DrawFn) -> Base:
    """Draw a meeting: some tiers, and of each part of the grammar one form or another."""

    def one(*choices: str) -> str:
        return draw(st.sampled_from(choices))

    tiers = ["central", *TIERS[: draw(st.integers(1, 3))]]
    counts = [f"{tier}: {one('1', '2', '3', '2 each')}" for tier in tiers[1:]]
    rate = one("1 Mbit/s", "10 Mbit/s", "1 Gbit/s")
    kind = (
        f"rate: {rate}, buffer: {one('20 ms', '64 kB', '9 packets')}, delay: {one('0 s', '3 ms')}"
    )
    line = (kind, f"{kind}, loss: 1 % in bursts of 3 packets", f"{kind}, {one(*LOADS)}")
    gate = one("", ", mode: forward", ", select: 1", ", ports: 90", ", mode: compose")
    relays = [f"  {tier}: {{processing: 1 ms, egress: {one(*EGRESSES)}}}" for tier in tiers[:-1]]
    relays[1:] = [relay[:-1] + gate + "}" for relay in relays[1:]]
    ways = ["", "from: central, ", "from: rooms, to: parent, ", "from: rooms, to: central, "]
    streams = [
        f"  {name}: {{{one(*ways, 'from: speaker, ')}{one(*MEDIA)}, class: {one('a', 'b')}}}"
        for name in STREAMS[: draw(st.integers(1, 3))]
    ]
    agenda = [f"  - {{at: 100 ms, floor: {tiers[-1]}-1, for: 1 s}}"]
    events = draw(st.lists(st.sampled_from(EVENTS), max_size=2, unique=True))
    demands = draw(st.lists(st.sampled_from(DEMANDS), max_size=3))
    return Base(
        {
            "scenario.yaml": "\n".join(
                [
                    "name: generated\nseed: 1\nduration: 2 s\nbegins: 07:59\nclasses: [a, b]",
                    f"window: {one('1 s', '70 ms')}\nbin: {one('1 s', '300 ms')}",
                    "profiles: {day: {07:00-09:00: × 1.5}}",
                    f"sites:\n  tiers: [{', '.join(tiers)}]",
                    f"  generate: {{{', '.join(counts)}}}\n  rooms: [{', '.join(tiers[1:-1])}]",
                    *("relays:", *relays, "lines:"),
                    *(f"  {tier}: {{{one(*line)}}}" for tier in tiers[1:]),
                    *("streams:", *streams),
                    *(["agenda:", *agenda] if "speaker" in "".join(streams) else []),
                    *(["events:", *events] if events else []),
                    *(["requirements:", *demands] if demands else []),
                    "",
                ]
            )
        }
    )


def bases() -> st.SearchStrategy[Base]:
    """Draw a valid scenario: shipped, written for tests, or generated."""
    return st.one_of(st.sampled_from(WRITTEN), generated())
