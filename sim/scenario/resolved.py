"""The resolved scenario as text: a scenario file with every default filled and every draw made.

It needs no other file. Sites and lines are tables in it; quantities are in base units, so that
loading it gives exactly the same scenario.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator

from sim.scenario.events import default_label
from sim.scenario.loss_text import loss_text
from sim.scenario.model import (
    FOREVER_NS,
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
from sim.scenario.sites import COLUMNS, link
from sim.scenario.targets import Targets
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
)


def resolved_text(scenario: Scenario) -> str:
    """Return the scenario as YAML that `load` reads as exactly this scenario."""
    return "\n".join(_document(scenario)) + "\n"


def _document(scenario: Scenario) -> Iterator[str]:
    yield f"name: {_quoted(scenario.name)}"
    yield f"about: {_quoted(scenario.about)}"
    yield f"seed: {scenario.seed}"
    yield f"duration: {scenario.duration_ns} ns"
    yield f"window: {scenario.window_ns} ns"
    yield f"bin: {scenario.bin_ns} ns"
    yield f"dark_after: {scenario.dark_after_ns} ns"
    yield "sites:"
    yield f"  tiers: {_listed(scenario.tiers)}"
    yield f"  rooms: {_listed(_room_tiers(scenario))}"
    yield "  table: |"
    yield from _table(COLUMNS, (_site_cells(site) for site in scenario.sites), "    ")
    yield "relays:"
    yield from _relays(scenario)
    yield "lines:"
    for tier in scenario.tiers[1:]:
        yield f"  {_quoted(tier)}: {{}}"
    yield "  inventory:"
    yield "    table: |"
    yield from _table(LINE_COLUMNS, (_line_cells(line) for line in scenario.lines), "      ")
    yield "streams:"
    for stream in scenario.streams:
        yield f"  {_quoted(stream.id)}: {_stream(stream)}"
    yield from _faults(scenario)
    yield "requirements:" if scenario.requirements else "requirements: []"
    for requirement in scenario.requirements:
        yield f"  - {_requirement(requirement)}"


def _quoted(text: str) -> str:
    """Return a YAML text in double quotes; what is not printable is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    if quoted.isprintable():
        return quoted
    return "".join(
        character
        if character.isprintable()
        else f"\\u{ord(character):04x}"
        if ord(character) < 0x10000
        else f"\\U{ord(character):08x}"
        for character in quoted
    )


def _listed(texts: Iterable[str]) -> str:
    return "[" + ", ".join(_quoted(text) for text in texts) + "]"


def _fields(**fields: str) -> str:
    return "{" + ", ".join(f"{name.rstrip('_')}: {text}" for name, text in fields.items()) + "}"


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


def _line_cells(line: Line) -> list[str]:
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
    ]


def _relays(scenario: Scenario) -> Iterator[str]:
    tier_of = {site.id: site.tier for site in scenario.sites}
    by_tier: dict[str, list[Relay]] = {}
    for relay in scenario.relays:
        by_tier.setdefault(tier_of[relay.site], []).append(relay)
    exceptions = []
    for tier, relays in by_tier.items():
        kinds = Counter((relay.processing_ns, relay.egresses) for relay in relays)
        (processing_ns, egresses), _ = kinds.most_common(1)[0]
        if not all(_can_follow(egresses, relay.egresses) for relay in relays):
            # An exception adds to its tier's egress: only from `none` does it start afresh.
            egresses = (Egress(carrier="", rate_bps=0, buffer_bytes=0, mtu_bytes=0, overhead_ns=0),)
        yield f"  {_quoted(tier)}: {_relay(processing_ns, egresses)}"
        exceptions += [
            f"    {_quoted(relay.site)}: {_relay(relay.processing_ns, relay.egresses)}"
            for relay in relays
            if (relay.processing_ns, relay.egresses) != (processing_ns, egresses)
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


def _relay(processing_ns: int, egresses: tuple[Egress, ...]) -> str:
    fields = {"processing": f"{processing_ns} ns"}
    if not egresses[0].rate_bps:
        return _fields(**fields, egress="none")
    shared: dict[str, str] = {}
    carriers = []
    for egress in egresses:
        own = {
            "rate": f"{egress.rate_bps} bit/s",
            "buffer": f"{egress.buffer_bytes} B",
            "overhead": f"{egress.overhead_ns} ns",
            "mtu": f"{egress.mtu_bytes} B",
        }
        if egress.carrier:
            carriers.append(f"{_quoted(egress.carrier)}: {_fields(**own)}")
        else:
            shared = own
    if carriers:
        shared["carriers"] = "{" + ", ".join(carriers) + "}"
    return _fields(**fields, egress=_fields(**shared))


def _stream(stream: Stream) -> str:
    fields = {
        "from": _quoted(stream.origin),
        "to": "rooms",
        "frame": f"{stream.frame_bytes} B",
    }
    if stream.frames_per_span == 1:
        fields["every"] = f"{stream.span_ns} ns"
    else:
        fields["frames"] = f"{stream.frames_per_span} in {stream.span_ns} ns"
    if stream.key_every:
        every, size = f"{stream.key_every} frames", f"{stream.key_bytes} B"
        fields["key"] = _fields(every=every, size=size)
    scale = format_factor(stream.size_scale).removeprefix("× ")
    fields["sizes"] = f"laplace {scale}" if stream.size_scale else "constant"
    fields["packet"] = f"{stream.packet_bytes} B"
    fields["overhead"] = f"{stream.overhead_bytes} B"
    fields["pacing"] = f"{stream.pace_bps} bit/s" if stream.pace_bps else "none"
    fields["start"] = f"{stream.start_ns} ns"
    return _fields(**fields)


def _faults(scenario: Scenario) -> Iterator[str]:
    tree = link(scenario.sites, scenario.tiers)
    carriers = frozenset(line.carrier for line in scenario.lines)
    targets = Targets(tree, scenario.lines, carriers, {})
    groups, events = [], []
    for number, fault in enumerate(scenario.faults, start=1):
        target = _own_words(fault, targets)
        if not target:
            target = f"group/fault-{number}"
            groups.append(f"  fault-{number}: {_listed(_members(fault, tree.root))}")
        fields = {"at": f"{fault.at_ns} ns", fault.action: _quoted(target)}
        if fault.action == "degrade":
            fields["rate"] = format_factor(fault.rate_factor)
            if fault.added_loss:
                fields["loss"] = format_share(fault.added_loss, digits=None)
        if fault.until_ns != FOREVER_NS:
            fields["for"] = f"{fault.until_ns - fault.at_ns} ns"
        fields["label"] = _quoted(fault.label)
        events.append(f"  - {_fields(**fields)}")
    if groups:
        yield "groups:"
        yield from groups
    yield "events:" if events else "events: []"
    yield from events


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
    measure: str = requirement.measure
    if measure == "delay":
        percentile = requirement.percentile
        measure = "delay_max" if percentile == 100 else f"delay_p{percentile:g}"
    if requirement.measure in ("delay", "dark"):
        most = f"{int(requirement.limit)} ns"
    else:
        most = format_share(requirement.limit, digits=None)
    return _fields(**{requirement.subject: share, measure: f"at most {most}"})
