"""A comparison: every figure of a run beside that of its baseline, and whether it may be so.

By fingerprint first: runs with the same one are equal. Else figure by figure: what is better never
fails, what is worse by more than its tolerance does, and so does a requirement that is newly
missed, a fact of the meeting that is another by more than its tolerance, and what is gone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from sim.compare.findings import LISTS, TABLES, Findings, Row, Table, Value, last_listed
from sim.compare.measure import MEASURES, MET, NO_DIFFERENCE
from sim.compare.survey import Survey
from sim.compare.worst import Subjects
from sim.scenario.requirement_model import Requirement
from sim.scenario.tolerance import Check, Tolerance


class Status(StrEnum):
    """What became of a figure."""

    missed = "missed"  # a requirement that was met
    worse = "worse"
    gone = "gone"
    changed = "changed"  # a fact of the meeting, of which no way is better
    within = "within"  # it differs, within its tolerance
    better = "better"
    new = "new"
    same = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure, before and now.

    Attributes
    ----------
    part : a name of `TABLES` or `LISTS`
    subject, measure : whose figure, and which; without a measure all of the subject's
    place, at : where the subject is, and where in it the figure is largest; may be empty
    before, now : None: not known, or not there
    most_before : whether `before` is only what it did not exceed
    tolerance : what it may differ by
    status : what became of it
    fails : whether that makes the comparison fail
    excess : how many tolerances it is off; 0 where none is given
    requirement : that of a part `requirements`; None: it is not required any more
    """

    part: str
    subject: str
    measure: str
    place: str = ""
    at: str = ""
    before: Value = None
    now: Value = None
    most_before: bool = False
    tolerance: Tolerance = NO_DIFFERENCE
    status: Status
    fails: bool
    excess: float = 0.0
    requirement: Requirement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One scenario's run beside its baseline.

    Attributes
    ----------
    now : what the run found
    before : the baseline; None: there was none
    changes : every figure, the failing first; empty if the runs are equal by their fingerprints
    """

    now: Findings
    before: Findings | None
    changes: tuple[Change, ...]

    @property
    def equal(self) -> bool:
        """Whether both have the same fingerprint."""
        return self.before is not None and self.before.fingerprint == self.now.fingerprint

    @property
    def failing(self) -> tuple[Change, ...]:
        """The changes for which it fails, the first to look at first."""
        return tuple(change for change in self.changes if change.fails)

    def having(self, *statuses: Status) -> tuple[Change, ...]:
        """Return the changes that do not fail and have one of some statuses."""
        return tuple(
            change for change in self.changes if change.status in statuses and not change.fails
        )


def compare(before: Findings | None, run: Survey, check: Check) -> Comparison:
    """Hold a run against its baseline, with a scenario's tolerances."""
    changes: list[Change] = []
    if before is not None and before.fingerprint != run.findings.fingerprint:
        changes += _tables(before, run.findings, check)
        for part in LISTS:
            changes += _list(part, before, run.findings, run.subjects[part], check)
    changes = [
        replace(change, requirement=run.requirements.get(change.subject))
        if change.part == "requirements"
        else change
        for change in changes
    ]
    changes.sort(key=_first_to_look_at)
    return Comparison(now=run.findings, before=before, changes=tuple(changes))


# Where it broke comes before whom it hurts, and that before sums.
_ORDER = (
    *("lines", "egresses", "branches", "rooms", "requirements"),
    *("tiers", "ways", "streams", "turns", "meeting"),
)


def _first_to_look_at(change: Change) -> tuple[bool, bool, int, float, str, str]:
    """Return what changes are sorted by: a requirement that is missed, or gone, is before all."""
    lost = change.status == Status.missed or (
        change.status == Status.gone and change.part == "requirements"
    )
    part = _ORDER.index(change.part)
    excess = math.inf if change.status == Status.gone else change.excess
    return not change.fails, not lost, part, -excess, change.subject, change.measure


def _tables(before: Findings, now: Findings, check: Check) -> Iterator[Change]:
    for part in TABLES:
        earlier, later = before.tables[part], now.tables[part]
        for subject in dict.fromkeys([*earlier, *later]):
            yield from _rows(part, subject, earlier.get(subject), later.get(subject), check)


def _rows(
    part: str, subject: str, before: Row | None, now: Row | None, check: Check
) -> Iterator[Change]:
    """Compare what is known of one subject, be it on both sides or on one."""
    row = now or before
    assert row is not None
    if before is None or now is None:
        gone = now is None
        yield Change(
            part=part,
            subject=subject,
            measure="",
            place=row.place,
            status=Status.gone if gone else Status.new,
            fails=gone,
        )
        return
    for measure in dict.fromkeys([*before.figures, *now.figures]):
        # A verdict has no place of its own, but what was measured has.
        at = next(iter(now.at.values()), "") if measure == MET else now.at.get(measure, "")
        yield _figure(
            Change(
                part=part,
                subject=subject,
                measure=measure,
                place=now.place,
                at=at,
                before=before.figures.get(measure),
                now=now.figures.get(measure),
                status=Status.same,
                fails=False,
            ),
            check,
        )


def _list(
    part: str, before: Findings, now: Findings, subjects: Subjects, check: Check
) -> Iterator[Change]:
    """Compare the worst of before with what they are now, and the worst of now with the bound.

    What is among the worst now and was not listed was no worse than the last that was.
    """
    listed = {name: row for rows in before.lists[part].values() for name, row in rows.items()}
    for subject, row in listed.items():
        yield from _rows(part, subject, row, subjects.row(subject), check)
    for kind, rows in now.lists[part].items():
        earlier = before.lists[part].get(kind)
        fresh = {name: row for name, row in rows.items() if name not in listed}
        if earlier is None:
            for subject in fresh:
                yield from _rows(part, subject, None, rows[subject], check)
        else:
            yield from _risen(part, earlier, fresh, check)


def _risen(part: str, earlier: Table, fresh: Mapping[str, Row], check: Check) -> Iterator[Change]:
    bounds = {name for row in earlier.values() for name in row.figures}
    for subject, row in fresh.items():
        for measure, value in row.figures.items():
            most = last_listed(earlier, measure)
            if measure not in bounds or value is None or value <= most:
                continue
            yield _figure(
                Change(
                    part=part,
                    subject=subject,
                    measure=measure,
                    place=row.place,
                    before=most,
                    now=value,
                    most_before=True,
                    status=Status.same,
                    fails=False,
                ),
                check,
            )


def _figure(change: Change, check: Check) -> Change:
    """Return the change with its verdict."""
    if change.before is None or change.now is None:
        return _one_sided(change)
    measure = MEASURES.get(change.measure)
    if measure is None:
        raise ValueError(f"no measure is called {change.measure!r}")
    tolerance = check.tolerance(measure.tolerance) if measure.tolerance else NO_DIFFERENCE
    excess = measure.excess(change.before, change.now, tolerance)
    allowed = measure.allows(change.before, change.now, tolerance)
    worse = _worse(measure.better, change.before, change.now)
    status, fails = Status.within, False
    if change.before == change.now:
        status, excess = Status.same, 0.0
    elif measure.better == "neither":
        status, fails = Status.changed, not allowed
    elif not allowed:
        status, fails = (Status.worse if worse else Status.better), worse
        if change.measure == MET and worse:
            status = Status.missed
    return replace(change, tolerance=tolerance, status=status, fails=fails, excess=excess)


def _one_sided(change: Change) -> Change:
    if change.before is None and change.now is None:
        return change
    gone = change.now is None
    return replace(change, status=Status.gone if gone else Status.new, fails=gone)


def _worse(better: str, before: Decimal, now: Decimal) -> bool:
    return now < before if better == "more" else now > before
