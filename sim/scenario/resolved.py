"""The resolved scenario as text: a scenario file with every default filled and every draw made.

It needs no other file. Sites and lines are tables in it; quantities are in base units, so that
loading it gives exactly the same scenario.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sim.scenario.events import default_label
from sim.scenario.load_text import LoadTexts
from sim.scenario.loss_text import loss_text
from sim.scenario.model import (
    FOREVER_NS,
    HOUR_NS,
    Egress,
    Fault,
    Line,
    Relay,
    Requirement,
    Scenario,
    Site,
    Stream,
)
from sim.scenario.problems import Place, Problems
from sim.scenario.relays import NO_EGRESS
from sim.scenario.sentences import limit_text
from sim.scenario.sites import COLUMNS, Tree, link
from sim.scenario.targets import Targets
from sim.scenario.tolerance import KINDS, format_tolerance
from sim.scenario.ways import Way, way_texts
from sim.scenario.yaml_text import listed, mapping, quoted
from sim.units import format_factor, format_share

LINE_COLUMNS = (
    "site",
    "role",
    "parent",
    "carrier",
    "class",
    "down",
    "up",
    "buffer",
    "up_buffer",
    "policer_rate",
    "policer_burst",
    "loss",
    "delay",
    "mtu",
    "scheduling",
    "background",
)
NO_GATE = {"mode": "forward", "select": "none", "ports": "none"}


def resolved_text(scenario: Scenario) -> str:
    """Return the scenario as YAML that `load` reads as exactly this scenario."""
    return meeting_text(scenario) + check_text(scenario)


def meeting_text(scenario: Scenario) -> str:
    """Return the resolved scenario but for `check`: all that the results of a run follow from."""
    return "\n".join(_document(scenario)) + "\n"


def check_text(scenario: Scenario) -> str:
    """Return the rest of the resolved scenario: `check`, which no result of a run follows from."""
    check = scenario.check
    lines = [
        "check:",
        f"  duration: {check.duration_ns} ns",
        f"  timetable: {check.timetable}",
        "  tolerances:",
    ]
    for name, tolerance in check.tolerances:
        lines.append(f"    {name}: {quoted(format_tolerance(tolerance, KINDS[name]))}")
    return "\n".join(lines) + "\n"


def _document(scenario: Scenario) -> Iterator[str]:
    yield f"name: {quoted(scenario.name)}"
    yield f"about: {quoted(scenario.about)}"
    yield f"seed: {scenario.seed}"
    yield f"duration: {scenario.duration_ns} ns"
    yield f"window: {scenario.window_ns} ns"
    yield f"bin: {scenario.bin_ns} ns"
    yield f"dark_after: {scenario.dark_after_ns} ns"
    minutes = scenario.begins_ns // (HOUR_NS // 60)
    yield f"begins: {minutes // 60:02}:{minutes % 60:02}"
    yield f"classes: {listed(scenario.classes)}"
    loads = LoadTexts(scenario)
    yield from loads.profiles()
    yield "sites:"
    yield f"  tiers: {listed(scenario.tiers)}"
    yield f"  rooms: {listed(_room_tiers(scenario))}"
    yield "  table: |"
    yield from _table(COLUMNS, (_site_cells(site) for site in scenario.sites), "    ")
    yield "relays:"
    yield from _relays(scenario, loads)
    yield "lines:"
    for tier in scenario.tiers[1:]:
        yield f"  {quoted(tier)}: {{}}"
    yield "  inventory:"
    yield "    table: |"
    yield from _table(LINE_COLUMNS, (_line_cells(line, loads) for line in scenario.lines), "      ")
    tree = link(scenario.sites, scenario.tiers)
    yield "streams:"
    for stream in scenario.streams:
        yield f"  {quoted(stream.id)}: {_stream(scenario, tree, stream)}"
    yield "agenda:" if scenario.agenda else "agenda: []"
    for turn in scenario.agenda:
        at, length = f"{turn.at_ns} ns", f"{turn.until_ns - turn.at_ns} ns"
        yield f"  - {mapping(at=at, floor=quoted(turn.site), for_=length)}"
    if scenario.key_requests is not None:
        yield "key_requests:"
        yield f"  min_interval: {scenario.key_requests.min_interval_ns} ns"
    yield from _groups_and_faults(scenario, tree)
    yield "requirements:" if scenario.requirements else "requirements: []"
    for requirement in scenario.requirements:
        yield f"  - {_requirement(requirement)}"


def _table(columns: Iterable[str], rows: Iterable[list[str]], indent: str) -> Iterator[str]:
    for row in (list(columns), *rows):
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(row)
        yield indent + text.getvalue()


def _degrees(value: float) -> str:
    return "" if value != value else repr(value)


def _site_cells(site: Site) -> list[str]:
    position = [_degrees(site.latitude), _degrees(site.longitude)]
    return [site.id, site.tier, site.parent, site.name, *position, site.region]


def _room_tiers(scenario: Scenario) -> list[str]:
    """Return the tiers whose relay sites have a room."""
    parents = {site.parent for site in scenario.sites}
    with_room = {site.tier for site in scenario.sites if site.room and site.id in parents}
    return [tier for tier in scenario.tiers if tier in with_room]


def _line_cells(line: Line, loads: LoadTexts) -> list[str]:
    down, up = line.down, line.up
    policer = down.policer  # the same both ways
    same_buffer = down.buffer_bytes == up.buffer_bytes
    return [
        line.site,
        line.role,
        line.parent,
        line.carrier,
        line.access_class,
        f"{down.rate_bps} bit/s",
        f"{up.rate_bps} bit/s",
        f"{down.buffer_bytes} B",
        "" if same_buffer else f"{up.buffer_bytes} B",
        f"{policer.rate_bps} bit/s" if policer else "",
        f"{policer.burst_bytes} B" if policer else "",
        loss_text(down.loss),
        f"{line.propagation_ns} ns",
        f"{down.mtu_bytes} B",
        down.scheduling,
        loads.both(down.background, up.background),
    ]


def _relays(scenario: Scenario, loads: LoadTexts) -> Iterator[str]:
    tier_of = {site.id: site.tier for site in scenario.sites}
    by_tier: dict[str, list[Relay]] = {}
    for relay in scenario.relays:
        by_tier.setdefault(tier_of[relay.site], []).append(relay)
    exceptions = []
    for tier, relays in by_tier.items():
        kinds = Counter(replace(relay, site="") for relay in relays)
        kind, _ = kinds.most_common(1)[0]
        if not all(_can_follow(kind.egresses, relay.egresses) for relay in relays):
            # An exception adds to its tier's egress: only from `none` does it start afresh.
            kind = replace(kind, egresses=(NO_EGRESS,))
        gates = {relay.site: _gate(relay) for relay in relays}
        if all(gate == NO_GATE for gate in gates.values()):
            gates = {}
        gate = _gate(kind) if gates else {}
        yield f"  {quoted(tier)}: {_relay(kind, loads, gate)}"
        exceptions += [
            f"    {quoted(relay.site)}: {_relay(relay, loads, gates.get(relay.site, {}))}"
            for relay in relays
            if replace(relay, site="") != kind
        ]
    if exceptions:
        yield "  except:"
        yield from exceptions


def _can_follow(base: tuple[Egress, ...], egresses: tuple[Egress, ...]) -> bool:
    """Return whether an exception can turn the egresses `base` into `egresses`."""
    if not base[0].rate_bps or not egresses[0].rate_bps:
        return True
    carriers = {egress.carrier for egress in egresses}
    return {egress.carrier for egress in base} <= carriers


def _gate(relay: Relay) -> dict[str, str]:
    """Return all that a relay's gate is; an exception starts from that of its tier."""
    fields: dict[str, str] = {"mode": relay.mode}
    if relay.mode == "compose":
        fields["transcoding"] = f"{relay.transcoding_ns} ns"
    else:
        fields["select"] = str(relay.select or "none")
    return fields | {"ports": str(relay.ports or "none")}


def _relay(relay: Relay, loads: LoadTexts, gate: dict[str, str]) -> str:
    egresses = relay.egresses
    fields = {"processing": f"{relay.processing_ns} ns", **gate}
    if not egresses[0].rate_bps:
        return mapping(**fields, egress="none")
    shared: dict[str, str] = {}
    carriers = []
    for egress in egresses:
        own = {
            "rate": f"{egress.rate_bps} bit/s",
            "buffer": f"{egress.buffer_bytes} B",
            "overhead": f"{egress.overhead_ns} ns",
            "mtu": f"{egress.mtu_bytes} B",
            "scheduling": egress.scheduling,
            "background": loads.text(egress.background),
        }
        if egress.carrier:
            carriers.append(f"{quoted(egress.carrier)}: {mapping(**own)}")
        else:
            shared = own
    if carriers:
        shared["carriers"] = "{" + ", ".join(carriers) + "}"
    return mapping(**fields, egress=mapping(**shared))


def _stream(scenario: Scenario, tree: Tree, stream: Stream) -> str:
    way = Way(stream.direction, stream.origins, stream.to)
    origin, to = way_texts(way, tree)
    fields = {
        "from": quoted(origin),
        "to": quoted(to),
        **({"composite": "true"} if stream.composite else {}),
        "class": quoted(scenario.classes[stream.precedence]),
        "frame": f"{stream.frame_bytes} B",
    }
    if stream.frames_per_span == 1:
        fields["every"] = f"{stream.span_ns} ns"
    else:
        fields["frames"] = f"{stream.frames_per_span} in {stream.span_ns} ns"
    if stream.key_every:
        every, size = f"{stream.key_every} frames", f"{stream.key_bytes} B"
        fields["key"] = mapping(every=every, size=size)
    scale = format_factor(stream.size_scale).removeprefix("× ")
    fields["sizes"] = f"laplace {scale}" if stream.size_scale else "constant"
    fields["packet"] = f"{stream.packet_bytes} B"
    fields["overhead"] = f"{stream.overhead_bytes} B"
    fields["pacing"] = f"{stream.pace_bps} bit/s" if stream.pace_bps else "none"
    fields["start"] = f"{stream.start_ns} ns"
    fields["spread"] = f"{stream.spread_ns} ns"
    if stream.playout_ns:
        fields["playout"] = f"{stream.playout_ns} ns"
    if stream.codec:
        fields["codec"] = stream.codec
    if stream.meeting:
        fields["meeting"] = quoted(stream.meeting)
    return mapping(**fields)


def _groups_and_faults(scenario: Scenario, tree: Tree) -> Iterator[str]:
    carriers = frozenset(line.carrier for line in scenario.lines)
    targets = Targets(tree, scenario.lines, carriers, {})
    groups, events = _judged_groups(scenario, tree.root), []
    for number, fault in enumerate(scenario.faults, start=1):
        target = _own_words(fault, targets)
        if not target:
            name = _unused(f"fault-{number}", groups)
            target = f"group/{name}"
            groups[name] = listed(_members(fault, tree.root))
        fields = {"at": f"{fault.at_ns} ns", fault.action: quoted(target)}
        if fault.action == "degrade":
            fields["rate"] = format_factor(fault.rate_factor)
            if fault.added_loss:
                fields["loss"] = format_share(fault.added_loss, digits=None)
        if fault.until_ns != FOREVER_NS:
            fields["for"] = f"{fault.until_ns - fault.at_ns} ns"
        fields["label"] = quoted(fault.label)
        events.append(f"  - {mapping(**fields)}")
    if groups:
        yield "groups:"
        yield from (f"  {quoted(name)}: {members}" for name, members in groups.items())
    yield "events:" if events else "events: []"
    yield from events


def _judged_groups(scenario: Scenario, root: str) -> dict[str, str]:
    """Return the groups that requirements name, each with members that mean the same sites."""
    sites: dict[str, set[str]] = {}
    for requirement in scenario.requirements:
        if requirement.of is not None and requirement.of.words[0][0] == "group":
            # With a scope only some of its sites are known, and no more matter.
            sites.setdefault(requirement.of.words[0][1], set()).update(requirement.of.sites)
    return {
        name: listed(
            f"relay/{site}" if site == root else f"line/{site}"
            for site in sorted(members, key=str.encode)
        )
        for name, members in sites.items()
    }


def _unused(name: str, groups: dict[str, str]) -> str:
    while name in groups:
        name += "-"
    return name


def _own_words(fault: Fault, targets: Targets) -> str:
    """Return the target in the label's words, if they mean exactly these parts; else nothing."""
    target = fault.label.removeprefix(f"{fault.action} ")
    if fault.action == "degrade":
        suffix = default_label("degrade", "", fault.rate_factor, fault.added_loss)
        target = target.removesuffix(suffix.removeprefix("degrade "))
    problems = Problems()
    parts = targets.parts(fault.action, target, Place("", 0, 0, ""), problems)
    same = (
        parts.lines == set(fault.lines)
        and parts.relays == set(fault.relays)
        and parts.rooms == set(fault.rooms)
    )
    return target if same and not len(problems) else ""


def _members(fault: Fault, root: str) -> Iterator[str]:
    """Yield the targets that together concern exactly the fault's parts."""
    lines, rooms = set(fault.lines), set(fault.rooms)
    for site_id in fault.lines:
        if site_id not in fault.relays or fault.action == "fail":
            yield f"line/{site_id}"
    for site_id in fault.relays:
        if fault.action == "fail":
            yield f"site/{site_id}" if site_id in rooms else f"relay/{site_id}"
        else:
            whole = site_id in lines or (site_id == root and fault.added_loss)
            yield f"site/{site_id}" if whole else f"relay/{site_id}"
    for site_id in fault.rooms:
        if site_id not in fault.relays:
            yield f"site/{site_id}"


def _requirement(requirement: Requirement) -> str:
    share = format_share(requirement.share, digits=None)
    fields: dict[str, str] = {requirement.subject: share}
    if requirement.of is not None:
        fields["of"] = quoted(requirement.of.text)
    measure: str = requirement.measure
    if measure == "delay":
        percentile = requirement.percentile
        measure = "delay_max" if percentile == 100 else f"delay_p{percentile:g}"
    in_ns = requirement.unit == "ns"
    limit = f"{int(requirement.limit)} ns" if in_ns else limit_text(requirement)
    fields[measure] = f"{requirement.sense} {limit}"
    if requirement.span_ns:
        fields["in_any"] = f"{requirement.span_ns} ns"
    return mapping(**fields)
