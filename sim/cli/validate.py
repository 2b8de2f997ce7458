"""`validate`: a scenario in a few tables, and what plain arithmetic says about its capacity."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from sim.cli.output import write_exactly
from sim.language import words
from sim.language.language import Language
from sim.network.capacity import egress_load, first_servers, line_load
from sim.network.tree import Network, build_network
from sim.results.place import id_and_place
from sim.scenario.loader import load
from sim.scenario.model import PARENT, Line, Scenario, Stream
from sim.scenario.resolved import resolved_text
from sim.terminal import Reader, console, numbers, put, shown, table
from sim.units import format_rate, format_share, format_size, format_time

FULLEST = 10
NONE = "–"


def print_resolved(path: Path) -> None:
    """Print the scenario with nothing optional left."""
    write_exactly(resolved_text(load(path, seed=None, duration_ns=None)))


def print_description(path: Path, language: Language) -> None:
    """Print what a valid scenario says, and its ten fullest lines and egresses on average."""
    scenario = load(path, seed=None, duration_ns=None)
    network = build_network(scenario)
    reader = Reader(console(), language)
    out, figure = reader.out, language.figure
    valid = language.say(
        "{name} is valid: {sites} sites, {rooms} rooms, {duration}, seed {seed}",
        name=scenario.name,
        sites=figure(f"{len(scenario.sites):,}"),
        rooms=figure(f"{int(network.room.sum()):,}"),
        duration=figure(format_time(scenario.duration_ns)),
        seed=scenario.seed,
    )
    out.print(shown(valid))
    if scenario.about:
        out.print(shown(scenario.about.strip()))
    loads = egress_load(scenario, network)
    tables = [
        _sites(scenario, network, reader),
        _lines(scenario, network, reader),
        _streams(scenario, reader),
        _fullest_lines(network, line_load(scenario, network), reader),
    ]
    if not np.isnan(loads).all():
        tables.append(_fullest_egresses(network, loads, reader))
    for each in tables:
        out.print()
        put(out, each)
    out.print()
    if network.backups:
        out.print(_backups(network, language))
    out.print(
        language.say("Averages hide bursts: a line that is not full here may still lose packets.")
    )


def fullest(load: NDArray[np.float64], most: int = FULLEST) -> list[int]:
    """Return the numbers of the fullest, fullest first; what has no load is left out.

    Examples
    --------
    >>> fullest(np.array([np.nan, 0.2, 0.5, 0.2]), most=2)
    [2, 1]
    """
    order = np.lexsort((np.arange(load.size), -np.nan_to_num(load, nan=-1.0)))
    return [int(i) for i in order[:most] if not np.isnan(load[i])]


def _sites(scenario: Scenario, network: Network, reader: Reader) -> Table:
    say = reader.language.say
    made = table(
        reader.out,
        say("Sites"),
        say("tier"),
        *numbers(say("sites"), say("rooms"), say("relays")),
    )
    for t, tier in enumerate(scenario.tiers):
        here = network.tier == t
        made.add_row(
            shown(tier),
            *reader.figures(
                f"{int(here.sum()):,}",
                f"{int((network.room & here).sum()):,}",
                f"{int((network.relay & here).sum()):,}",
            ),
        )
    return made


def _lines(scenario: Scenario, network: Network, reader: Reader) -> Table:
    language = reader.language
    say = language.say
    made = table(
        reader.out,
        say("Lines"),
        say("from tier"),
        say("role"),
        say("class"),
        say("carrier"),
        *numbers(say("lines"), words.way(language, "down"), words.way(language, "up")),
        *numbers(words.cause(language, "policer"), say("mean loss")),
    )
    groups = Counter(_kind(network, line) for line in scenario.lines)
    for (t, role, access_class, carrier, down_bps, up_bps, policer, loss), count in sorted(
        groups.items()
    ):
        made.add_row(
            shown(scenario.tiers[t]),
            words.role(language, role),
            shown(access_class or NONE),
            shown(carrier),
            *reader.figures(
                f"{count:,}",
                format_rate(down_bps),
                format_rate(up_bps),
            ),
            _policer(policer, language),
            language.figure(format_share(loss)),
        )
    return made


def _backups(network: Network, language: Language) -> str:
    """Return how many sites have a line to fail over to, and where those lines go."""
    with_backup = int(np.count_nonzero(np.diff(network.backup_first)))
    first = len(network.sites)
    elsewhere = np.count_nonzero(
        network.line_parent[first:] != network.parent[network.line_site[first:]]
    )
    return language.say(
        "{sites} of {all} sites have a backup; of {lines} backup lines {elsewhere} go to another "
        "relay than the site's parent.",
        sites=language.figure(f"{with_backup:,}"),
        all=language.figure(f"{first - 1:,}"),
        lines=language.figure(f"{len(network.backups):,}"),
        elsewhere=language.figure(f"{int(elsewhere):,}"),
    )


def _policer(policer: tuple[int, int], language: Language) -> str:
    rate_bps, burst_bytes = policer
    if not rate_bps:
        return NONE
    figure = language.figure
    return f"{figure(format_rate(rate_bps))}, {figure(format_size(burst_bytes))}"


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


def _streams(scenario: Scenario, reader: Reader) -> Table:
    language = reader.language
    say = language.say
    made = table(
        reader.out,
        say("Streams, with overhead"),
        say("stream"),
        say("from"),
        say("to"),
        say("class"),
        *numbers(say("sources"), say("mean rate\nof one")),
    )
    for stream in scenario.streams:
        made.add_row(
            shown(stream.id),
            shown(_origin(stream, language)),
            shown(_target(stream, language)),
            shown(scenario.classes[stream.precedence]),
            *reader.figures(f"{len(stream.origins) or 1:,}", format_rate(float(stream.wire_bps))),
        )
    return made


def _origin(stream: Stream, language: Language) -> str:
    """Return who sends a stream, in a word or two."""
    if stream.direction == "floor":
        return language.say("speaker")
    if len(stream.origins) == 1:
        return stream.origins[0]
    return language.say("{n} sites", n=language.figure(f"{len(stream.origins):,}"))


def _target(stream: Stream, language: Language) -> str:
    """Return where a stream goes: to rooms, to the parents of its sources, or to a tier."""
    if not stream.to:
        return language.say("rooms")
    return language.say("parent") if stream.to == PARENT else stream.to


def _fullest_lines(network: Network, load: NDArray[np.float64], reader: Reader) -> Table:
    language = reader.language
    say = language.say
    made = table(
        reader.out,
        say("The {n} fullest lines on average", n=FULLEST),
        say("line to"),
        say("way"),
        say("carrier"),
        *numbers(say("rate"), say("load")),
    )
    n = len(network.sites)
    for hop in fullest(load):
        line = network.lines[hop % n]
        assert line is not None
        direction = line.down if hop < n else line.up
        made.add_row(
            shown(id_and_place(network, hop % n)),
            words.way(language, "down" if hop < n else "up"),
            shown(f"{line.carrier} {line.access_class}".strip()),
            *reader.figures(
                format_rate(direction.sustained_bps), format_share(float(load[hop]), digits=3)
            ),
        )
    return made


def _fullest_egresses(network: Network, load: NDArray[np.float64], reader: Reader) -> Table:
    say = reader.language.say
    made = table(
        reader.out,
        say("The {n} fullest egresses on average", n=FULLEST),
        say("egress of"),
        say("carrier"),
        *numbers(say("lines"), say("rate"), say("load")),
    )
    pool = first_servers(network)
    servers = np.bincount(pool, minlength=pool.size)
    # The servers of a pool are alike: the first stands for all.
    for e in fullest(np.where(pool == np.arange(pool.size), load, np.nan)):
        s = int(network.egress_site[e])
        carrier = network.egresses[e].carrier or say("all")
        if network.egresses[e].server:
            carrier = reader.language.say_count(int(servers[e]), "{n} server", "{n} servers, each")
        made.add_row(
            shown(id_and_place(network, s)),
            shown(carrier),
            *reader.figures(
                f"{int(np.count_nonzero(network.feed == e)):,}",
                format_rate(network.egresses[e].rate_bps),
                format_share(float(load[e]), digits=3),
            ),
        )
    return made
