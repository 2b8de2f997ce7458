"""Small trees with backup lines, for tests of the control plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sim.scenario.model import FOREVER_NS, Fault, Line, Scenario
from tests.equality import trees

NOTHING = Fault(
    label="",
    action="fail",
    at_ns=10,
    until_ns=20,
    down_ns=0,
    up_ns=0,
    lines=(),
    relays=(),
    rooms=(),
    sites=(),
    rate_factor=1.0,
    added_loss=0.0,
    passes=(),
)
LASTING = replace(NOTHING, until_ns=FOREVER_NS)


def with_backups(scenario: Scenario, backups: Mapping[str, Sequence[str | Line]]) -> Scenario:
    """Return the scenario with backup lines of its sites, each by its parent, or as a line."""
    lines: list[Line] = []
    for line in scenario.lines:
        lines.append(line)
        for backup in backups.get(line.site, ()):
            own = replace(trees.line(), parent=backup) if isinstance(backup, str) else backup
            lines.append(replace(own, site=line.site, role="backup"))
    return replace(scenario, lines=tuple(lines))
