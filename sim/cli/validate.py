"""`validate`: a scenario in a few tables, and what plain arithmetic says about its capacity."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from sim.cli.output import write_exactly
from sim.network.capacity import egress_load, line_load
from sim.network.tree import Network, build_network
from sim.results.place import id_and_place
from sim.scenario.loader import load
from sim.scenario.model import Line, Scenario, Stream
from sim.scenario.resolved import resolved_text
from sim.terminal import console, put, shown, table
from sim.units import format_rate, format_share, format_size, format_time

FULLEST = 10


def print_resolved(path: Path) -> None:
    """Print the scenario with nothing optional left."""
    write_exactly(resolved_text(load(path, seed=None, duration_ns=None)))


def print_description(path: Path) -> None:
    """Print what a valid scenario says, and its ten fullest lines and egresses on average."""
    scenario = load(path, seed=None, duration_ns=None)
    network = build_network(scenario)
    out = console()
    out.print(
        shown(
            f"{scenario.name} is valid: {len(scenario.sites):,} sites, "
            f"{int(network.room.sum()):,} rooms, {format_time(scenario.duration_ns)}, "
            f"seed {scenario.seed}"
        )
    )
    if scenario.about:
        out.print(shown(scenario.about.strip()))
    loads = egress_load(scenario, network)
    tables = [
        _sites(scenario, network, out),
        _lines(scenario, network, out),
        _streams(scenario, out),
        _fullest_lines(network, line_load(scenario, network), out),
    ]
    if not np.isnan(loads).all():
        tables.append(_fullest_egresses(network, loads, out))
    for each in tables:
        out.print()
        put(out, each)
    out.print("\nAverages hide bursts: a line that is not full here may still lose packets.")


def fullest(load: NDArray[np.float64], most: int = FULLEST) -> list[int]:
    """Return the numbers of the fullest, fullest first; what has no load is left out.

    Examples
    --------
    >>> fullest(np.array([np.nan, 0.2, 0.5, 0.2]), most=2)
    [2, 1]
    """
    order = np.lexsort((np.arange(load.size), -np.nan_to_num(load, nan=-1.0)))
    return [int(i) for i in order[:most] if not np.isnan(load[i])]


def _sites(scenario: Scenario, network: Network, out: Console) -> Table:
    made = table(out, "Sites", "tier", ">sites", ">rooms", ">relays")
    for t, tier in enumerate(scenario.tiers):
        here = network.tier == t
        made.add_row(
            shown(tier),
            f"{int(here.sum()):,}",
            f"{int((network.room & here).sum()):,}",
            f"{int((network.relay & here).sum()):,}",
        )
    return made


def _lines(scenario: Scenario, network: Network, out: Console) -> Table:
    made = table(
        out,
        "Lines",
        "from tier",
        "role",
        "class",
        "carrier",
        ">lines",
        ">down",
        ">up",
        ">policer",
        ">mean loss",
    )
    groups = Counter(_kind(network, line) for line in scenario.lines)
    for (t, role, access_class, carrier, down_bps, up_bps, policer, loss), count in sorted(
        groups.items()
    ):
        made.add_row(
            shown(scenario.tiers[t]),
            role,
            shown(access_class or "–"),
            shown(carrier),
            f"{count:,}",
            format_rate(down_bps),
            format_rate(up_bps),
            _policer(policer),
            format_share(loss),
        )
    return made


def _policer(policer: tuple[int, int]) -> str:
    rate_bps, burst_bytes = policer
    return f"{format_rate(rate_bps)}, {format_size(burst_bytes)}" if rate_bps else "–"


def _kind(
    network: Network, line: Line
) -> tuple[int, str, str, str, int, int, tuple[int, int], float]:
    policer = line.down.policer
    return (
        int(network.tier[network.index[line.site]]),
        line.role,
        line.access_class,
        line.carrier,
        line.down.rate_bps,
        line.up.rate_bps,
        (policer.rate_bps, policer.burst_bytes) if policer else (0, 0),
        line.down.loss.mean,
    )


def _streams(scenario: Scenario, out: Console) -> Table:
    made = table(
        out,
        "Streams, with overhead",
        "stream",
        "from",
        "to",
        "class",
        ">sources",
        ">mean rate\nof one",
    )
    for stream in scenario.streams:
        made.add_row(
            shown(stream.id),
            shown(_origin(stream)),
            shown(stream.to or "rooms"),
            shown(scenario.classes[stream.precedence]),
            f"{len(stream.origins) or 1:,}",
            format_rate(float(stream.wire_bps)),
        )
    return made


def _origin(stream: Stream) -> str:
    """Return who sends a stream, in a word or two."""
    if stream.direction == "floor":
        return "speaker"
    return stream.origins[0] if len(stream.origins) == 1 else f"{len(stream.origins):,} sites"


def _fullest_lines(network: Network, load: NDArray[np.float64], out: Console) -> Table:
    made = table(
        out,
        f"The {FULLEST} fullest lines on average",
        "line to",
        "way",
        "carrier",
        ">rate",
        ">load",
    )
    n = len(network.sites)
    for hop in fullest(load):
        line = network.lines[hop % n]
        assert line is not None
        direction = line.down if hop < n else line.up
        made.add_row(
            shown(id_and_place(network, hop % n)),
            "down" if hop < n else "up",
            shown(f"{line.carrier} {line.access_class}".strip()),
            format_rate(direction.sustained_bps),
            format_share(float(load[hop]), digits=3),
        )
    return made


def _fullest_egresses(network: Network, load: NDArray[np.float64], out: Console) -> Table:
    made = table(
        out,
        f"The {FULLEST} fullest egresses on average",
        "egress of",
        "carrier",
        ">lines",
        ">rate",
        ">load",
    )
    for e in fullest(load):
        s = int(network.egress_site[e])
        made.add_row(
            shown(id_and_place(network, s)),
            shown(network.egresses[e].carrier or "all"),
            f"{int(network.child_first[e + 1] - network.child_first[e]):,}",
            format_rate(network.egresses[e].rate_bps),
            format_share(float(load[e]), digits=3),
        )
    return made
