"""Faults as text: the groups and events of a resolved scenario.

A fault is said in the words of its label where they mean exactly its parts, else as a group.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.scenario.events import degrade_label
from sim.scenario.model import FOREVER_NS, Fault, Scenario
from sim.scenario.problems import Place, Problems
from sim.scenario.sites import Tree
from sim.scenario.targets import Action, Targets
from sim.scenario.yaml_text import listed, mapping, quoted
from sim.units import format_factor, format_share


def groups_and_faults(scenario: Scenario, tree: Tree) -> Iterator[str]:
    """Yield the lines of `groups` and `events`."""
    carriers = frozenset(line.carrier for line in scenario.lines)
    targets = Targets(tree, scenario.lines, carriers, {})
    groups, events = _judged_groups(scenario, tree.root), []
    for number, fault in enumerate(scenario.faults, start=1):
        action: Action = "flap" if fault.down_ns else fault.action
        target = _own_words(fault, action, targets)
        if not target:
            name = _unused(f"fault-{number}", groups)
            target = f"group/{name}"
            groups[name] = listed(_members(fault, targets))
        fields = {"at": f"{fault.at_ns} ns", action: quoted(target), **_numbers(fault)}
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


def _numbers(fault: Fault) -> dict[str, str]:
    """Return what an event has beside its target and times."""
    fields = {}
    if fault.action == "degrade":
        fields["rate"] = format_factor(fault.rate_factor)
        if fault.added_loss:
            fields["loss"] = format_share(fault.added_loss, digits=None)
    if fault.action == "grey":
        fields["passes"] = listed(fault.passes) if fault.passes else "none"
    if fault.down_ns:
        fields |= {"down": f"{fault.down_ns} ns", "up": f"{fault.up_ns} ns"}
    return fields


def _own_words(fault: Fault, action: Action, targets: Targets) -> str:
    """Return the target in the label's words, if they mean exactly these parts; else nothing."""
    target = fault.label.removeprefix(f"{action} ")
    if action == "degrade":
        suffix = degrade_label("", fault.rate_factor, fault.added_loss)
        target = target.removesuffix(suffix.removeprefix("degrade "))
    problems = Problems()
    parts = targets.parts(action, target, Place("", 0, 0, ""), problems)
    same = (
        parts.lines == set(fault.lines)
        and parts.relays == set(fault.relays)
        and parts.rooms == set(fault.rooms)
        and parts.sites == set(fault.sites)
    )
    return target if same and not len(problems) else ""


def _members(fault: Fault, targets: Targets) -> Iterator[str]:
    """Yield the targets that together concern exactly the fault's parts."""
    whole, covered = set(fault.sites), set()
    if fault.action == "degrade":
        # Of a degraded site its relay and all its lines are.
        lines = set(fault.lines)
        whole = {site for site in fault.relays if lines.issuperset(targets.lines_of(site))}
        covered = {name for site in whole for name in targets.lines_of(site)}
    yield from (f"line/{name}" for name in fault.lines if name not in covered)
    yield from (f"site/{site}" for site in sorted(whole, key=str.encode))
    yield from (f"relay/{site}" for site in fault.relays if site not in whole)
    yield from (f"room/{site}" for site in fault.rooms if site not in whole)
