"""Loading: a user's YAML file and its tables as one frozen scenario, or all their problems.

Nothing but `ScenarioError` leaves `load`, whatever the file holds.
"""

from __future__ import annotations

from pathlib import Path

from sim.collector import collector_paused
from sim.errors import ScenarioError
from sim.scenario.agenda import read_agenda
from sim.scenario.alone import check_alone
from sim.scenario.background import check_profiles
from sim.scenario.check import read_check
from sim.scenario.classes import read_classes
from sim.scenario.document import Document
from sim.scenario.events import read_faults
from sim.scenario.failures import read_failures
from sim.scenario.folder import UnreadableError, read_text
from sim.scenario.gates import check_composites, check_ports
from sim.scenario.joining import read_joining
from sim.scenario.key_requests import read_key_requests
from sim.scenario.lines import known_carriers, read_lines
from sim.scenario.memory import MAX_BINS, check_memory
from sim.scenario.model import Scenario
from sim.scenario.pools import check_pools
from sim.scenario.problems import Place, Problems
from sim.scenario.protection_reader import read_detection, read_failover
from sim.scenario.relays import read_relays
from sim.scenario.requirements import read_requirements
from sim.scenario.signalling import read_signalling
from sim.scenario.sites import read_sites
from sim.scenario.streams import check_sizes, read_streams
from sim.scenario.varied import Change
from sim.scenario.yaml_tree import Mapping, read_tree
from sim.units import MAX_TIME_NS, format_time

MAX_WINDOWS = 10**7


def load(path: Path, *, seed: int | None = None, duration_ns: int | None = None) -> Scenario:
    """Return the scenario of a file.

    Parameters
    ----------
    path : a YAML file; tables it names lie in its folder or below
    seed, duration_ns : instead of the file's own; a shorter duration drops later events

    Raises
    ------
    ScenarioError
        If anything is wrong with the file, its tables, or the values given instead; carries
        every problem that could be found.
    """
    problems = Problems()
    try:
        text = read_text(path)
    except UnreadableError as error:
        raise ScenarioError.at(str(path), 0, 0, "", str(error)) from None
    return _resolve(path, text, seed, duration_ns, problems)


def has_section(path: Path, name: str) -> bool:
    """Return whether a file has a field of this name at its top; False for what is no scenario."""
    try:
        tree = read_tree(read_text(path), str(path), Problems())
    except (ScenarioError, UnreadableError):
        return False
    return isinstance(tree, Mapping) and name in tree.items


def load_text(
    text: str,
    path: Path,
    *,
    seed: int | None = None,
    duration_ns: int | None = None,
    change: Change | None = None,
) -> Scenario:
    """Return the scenario of a text, as if it were the content of the file `path`.

    Parameters
    ----------
    change : one value that is set before anything is validated

    Raises
    ------
    ScenarioError
        As `load`.
    """
    return _resolve(path, text, seed, duration_ns, Problems(), change)


@collector_paused()
def _resolve(
    path: Path,
    text: str,
    seed: int | None,
    duration_ns: int | None,
    problems: Problems,
    change: Change | None = None,
) -> Scenario:
    tree = read_tree(text, str(path), problems)
    if change is not None:
        change.apply(tree)
    document = Document(path, tree, problems)
    file = document.file
    _check_given(seed, duration_ns, problems)
    seed = file.seed if seed is None else seed
    duration_ns = file.duration if duration_ns is None else duration_ns
    _check_spans(document, duration_ns)
    classes = read_classes(document)
    check_profiles(document)
    try:
        sites = read_sites(document, seed)
    except ScenarioError:
        check_alone(document)
        problems.check()
        raise
    lines = read_lines(document, sites, seed)
    carriers = known_carriers(document, lines)
    relays, given = read_relays(document, sites, lines, carriers)
    streams = read_streams(document, sites)
    check_sizes(document, streams, lines, relays)
    check_composites(document, sites, relays, streams)
    key_requests = read_key_requests(document, streams)
    agenda = read_agenda(document, sites, duration_ns)
    check_ports(document, sites, relays, streams, agenda, given.ports)
    faults, late_faults = read_faults(document, sites, lines, carriers, streams, duration_ns)
    random_faults = read_failures(document, sites, lines, seed=seed, duration_ns=duration_ns)
    joining = read_joining(document, sites, lines, relays, seed)
    check_pools(
        document, sites, relays, streams, given.pools, floor=bool(agenda), absent=joining.absent
    )
    signalling = read_signalling(document, sites, lines, relays)
    detection = read_detection(document, sites, streams)
    watching = {each.tier for each in detection}
    failover = read_failover(document, sites, lines, relays, watching)
    requirements = read_requirements(
        document, sites, lines, relays, streams, duration_ns=duration_ns
    )
    check_memory(
        document,
        sites.sites.values(),
        streams,
        lines,
        relays,
        requirements,
        turns=len(agenda),
        duration_ns=duration_ns,
    )
    check = read_check(document, duration_ns)
    problems.check()
    return Scenario(
        name=file.name,
        about=file.about,
        seed=seed,
        duration_ns=duration_ns,
        window_ns=file.window,
        bin_ns=file.bin,
        dark_after_ns=file.dark_after,
        begins_ns=file.begins or 0,
        classes=classes,
        tiers=sites.tiers,
        sites=tuple(sites.sites.values()),
        lines=lines,
        relays=relays,
        streams=streams,
        agenda=agenda,
        faults=tuple(sorted((*faults, *random_faults), key=lambda fault: fault.at_ns)),
        late_faults=late_faults,
        detection=detection,
        failover=failover,
        requirements=requirements,
        joining=joining,
        signalling=signalling,
        key_requests=key_requests,
        check=check,
    )


def _check_given(seed: int | None, duration_ns: int | None, problems: Problems) -> None:
    if seed is not None and not 0 <= seed < 2**63:
        problems.add(Place("", 0, 0, "--seed"), f"{seed} must be from 0 to 2^63 - 1")
    if duration_ns is not None and not 1 <= duration_ns <= MAX_TIME_NS:
        limit = format_time(MAX_TIME_NS)
        text = f"{duration_ns} ns must be more than 0 and at most {limit}"
        problems.add(Place("", 0, 0, "--duration"), text)


def _check_spans(document: Document, duration_ns: int) -> None:
    limits = (("window", document.file.window, MAX_WINDOWS), ("bin", document.file.bin, MAX_BINS))
    for name, span_ns, limit in limits:
        if duration_ns > span_ns * limit and not document.left_out("duration"):
            text = f"cuts the meeting into more than the limit of {limit} parts; make it longer"
            document.problems.add(document.place(name), text)
