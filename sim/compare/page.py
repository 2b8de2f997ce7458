"""Comparisons on a page for a terminal or a log: the answers first, then what they rest on."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from sim.compare import wording
from sim.compare.comparison import Change, Comparison, Status
from sim.language.language import Language
from sim.terminal import Reader, put, shown, table

MOST_ROWS = 5  # of a part and a kind of change; the rest is counted
_STYLES = {
    "worse": "bold red",
    "changed": "bold red",
    "better": "bold green",
    "equal": "green",
    "same": "green",
    "within": "green",
    "new": "bold",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One scenario that was checked.

    Attributes
    ----------
    path : its file, as the user named it
    baseline : the baseline's file
    comparison : what came of it
    late_faults : how many faults of the scenario the short form leaves out
    written : whether the baseline's file was rewritten
    wall_s : how long it took, seconds
    """

    path: str
    baseline: str
    comparison: Comparison
    late_faults: int
    written: bool
    wall_s: float


def print_checks(checks: Sequence[Checked], reader: Reader, *, accept: Sequence[str]) -> None:
    """Print an answer for each scenario, then the figures behind those that have any to show.

    Parameters
    ----------
    accept : the words of the command that writes a baseline anew, but for the scenario
    """
    out, language = reader.out, reader.language
    for check in checks:
        comparison = check.comparison
        style = _STYLES[wording.state(comparison)]
        name = shown(f"{comparison.now.scenario}: ", "bold")
        said = shown(wording.answer(comparison, language), style)
        out.print(name + said, soft_wrap=True)
    for check in checks:
        _print_figures(check, reader)
    for check in checks:
        if check.written:
            out.print(shown(language.say("Written: {path}", path=check.baseline)), soft_wrap=True)
    failed = [check.path for check in checks if check.comparison.failing and not check.written]
    if failed:
        command = shlex.join([*accept, *failed])
        out.print()
        out.print(
            shown(language.say("If that is meant: {command}", command=command)), soft_wrap=True
        )


def shown_changes(comparison: Comparison) -> list[tuple[tuple[Change, ...], int]]:
    """Return the changes to show, what fails first, in groups, and how many more each has.

    Of each part the first few, so that many lines do not hide their province or their tier.
    """
    groups = [
        comparison.failing,
        comparison.having(Status.better),
        comparison.having(Status.changed),
        comparison.having(Status.new),
    ]
    return [_first_of_each_part(group) for group in groups if group]


def remarks(check: Checked, language: Language) -> list[str]:
    """Return what is to be said beside the figures."""
    said = wording.notes(check.comparison, language)
    within = len(check.comparison.having(Status.within))
    if within:
        said.append(
            language.say_count(
                within,
                "{n} more figure differs within its tolerance.",
                "{n} more figures differ within their tolerances.",
            )
        )
    if check.late_faults:
        said.append(
            language.say_count(
                check.late_faults,
                "{n} fault of the scenario is after the end of the short form: left out.",
                "{n} faults of the scenario are after the end of the short form: left out.",
            )
        )
    return said


def more_text(more: int, language: Language) -> str:
    """Return how many rows of a group are not shown."""
    return language.say_count(more, "and {n} more", "and {n} more")


def _first_of_each_part(group: tuple[Change, ...]) -> tuple[tuple[Change, ...], int]:
    seen: Counter[str] = Counter()
    first = []
    for change in group:
        seen[change.part] += 1
        if seen[change.part] <= MOST_ROWS:
            first.append(change)
    return tuple(first), len(group) - len(first)


def _print_figures(check: Checked, reader: Reader) -> None:
    comparison = check.comparison
    out, language = reader.out, reader.language
    groups, said = shown_changes(comparison), remarks(check, language)
    if not groups and not said:
        return
    out.print()
    out.print(shown(comparison.now.scenario, "bold"))
    if groups:
        put(out, _figures(groups, reader))
    for remark in said:
        out.print(shown(remark))


def _figures(groups: Sequence[tuple[tuple[Change, ...], int]], reader: Reader) -> Table:
    out, language = reader.out, reader.language
    made = table(
        out,
        "",
        "",
        language.say("figure"),
        ">" + language.say("before"),
        ">" + language.say("now"),
        ">" + language.say("tolerance"),
    )
    made.title = None
    for group, more in groups:
        for change in group:
            made.add_row(
                Text(wording.status_word(change.status, language), _style(change)),
                shown(wording.name(change, language)),
                wording.before(change, language),
                wording.now(change, language),
                wording.tolerance_text(change, language),
            )
        if more:
            made.add_row("", more_text(more, language), "", "", "")
    return made


def _style(change: Change) -> str:
    if change.fails:
        return "bold red"
    return "green" if change.status == Status.better else ""
