"""The resolved scenario as text: a scenario file with every default filled and every draw made.

It needs no other file. Sites and lines are tables in it; quantities are in base units, so that
loading it gives exactly the same scenario.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from sim.scenario.faults_text import groups_and_faults
from sim.scenario.joining import joining_text
from sim.scenario.load_text import LoadTexts
from sim.scenario.loss_text import loss_text
from sim.scenario.model import HOUR_NS, Line, Scenario, Site, Stream
from sim.scenario.protection_text import protection_text
from sim.scenario.relay_text import relay_lines
from sim.scenario.requirement_model import Requirement
from sim.scenario.sentences import limit_text
from sim.scenario.signalling_text import signalling_text
from sim.scenario.sites import COLUMNS, Tree, link
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
    yield from relay_lines(scenario, loads)
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
    yield from joining_text(scenario.joining)
    yield from signalling_text(scenario.signalling, tree)
    yield from groups_and_faults(scenario, tree)
    yield from protection_text(scenario)
    if scenario.key_requests is not None:
        yield "key_requests:"
        yield f"  min_interval: {scenario.key_requests.min_interval_ns} ns"
        if scenario.key_requests.after_loss:
            yield "  after_loss: true"
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
    if measure == "present_at_start":
        fields[measure] = "true"
    if requirement.failing:
        fields[measure] = quoted(requirement.failing)
    if requirement.span_ns:
        fields["in_any"] = f"{requirement.span_ns} ns"
    return mapping(**fields)
