"""The short form of a scenario: the same meeting in less time, as `check` runs it.

Sites, lines, relays and streams are the whole meeting's. Of agenda and events the short form has
what begins before its end (`cut`), or all, with every time multiplied by short / whole, rounded
down (`squeezed`); a fault that is never repaired is not repaired in the short form either.
"""

from __future__ import annotations

from dataclasses import replace

from sim.scenario.joining_model import NEVER_NS, Arrival, JoiningRules
from sim.scenario.model import FOREVER_NS, Fault, Scenario, Turn


def short_form(scenario: Scenario) -> Scenario:
    """Return the short form by the scenario's own `check`; a cut one as `load` would cut it."""
    short_ns, whole_ns = scenario.check.duration_ns, scenario.duration_ns
    if short_ns == whole_ns:
        return scenario

    def squeezed(time_ns: int) -> int:
        return time_ns * short_ns // whole_ns

    def fault(each: Fault) -> Fault:
        at_ns = squeezed(each.at_ns)
        forever = each.until_ns == FOREVER_NS
        until_ns = FOREVER_NS if forever else max(squeezed(each.until_ns), at_ns + 1)
        if not each.down_ns:
            return replace(each, at_ns=at_ns, until_ns=until_ns)
        down_ns, up_ns = max(squeezed(each.down_ns), 1), max(squeezed(each.up_ns), 1)
        return replace(each, at_ns=at_ns, until_ns=until_ns, down_ns=down_ns, up_ns=up_ns)

    def turn(each: Turn) -> Turn:
        return replace(each, at_ns=squeezed(each.at_ns), until_ns=squeezed(each.until_ns))

    def room(each: Arrival) -> Arrival:
        calls_ns = each.calls_ns if each.calls_ns == NEVER_NS else squeezed(each.calls_ns)
        stays = each.leaves_ns == NEVER_NS
        leaves_ns = NEVER_NS if stays else max(squeezed(each.leaves_ns), calls_ns + 1)
        return replace(each, calls_ns=calls_ns, leaves_ns=leaves_ns)

    agenda, faults, joining = scenario.agenda, scenario.faults, scenario.joining
    if scenario.check.timetable == "squeezed":
        agenda, faults = tuple(map(turn, agenda)), tuple(map(fault, faults))
        joining = JoiningRules(
            start_ns=squeezed(joining.start_ns), rooms=tuple(map(room, joining.rooms))
        )
    kept = tuple(each for each in faults if each.at_ns < short_ns)
    return replace(
        scenario,
        duration_ns=short_ns,
        agenda=tuple(
            replace(each, until_ns=min(each.until_ns, short_ns))
            for each in agenda
            if each.at_ns < short_ns and each.at_ns < each.until_ns
        ),
        joining=joining,
        faults=kept,
        late_faults=scenario.late_faults + len(faults) - len(kept),
    )
