"""Comparisons as a summary for a pull request, in GitHub's Markdown.

Whatever a scenario calls things, it is shown as text: no name makes markup, a link or a mention.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sim.compare import wording
from sim.compare.comparison import Change
from sim.compare.page import Checked, more_text, remarks, shown_changes
from sim.language.language import Language
from sim.units import printable

_SIGNS = {
    "worse": "❌",
    "changed": "❌",
    "better": "✅",
    "equal": "✅",
    "same": "✅",
    "within": "✅",
    "new": "🆕",
}
# Characters that mean something to Markdown, to its tables, or to what is made of it. As entities
# they mean nothing: a backslash would not stop a bare address.
_MARKUP = re.compile(r"[\\`*_{}\[\]()<>|~&:/$\"]|(?<=[Ww]{3})\.|[@#]")
# What follows these would be notified or linked even so: a joiner that nobody sees is between.
_CALLING = "@#"
_JOINER = "&#8288;"


def markdown(checks: Sequence[Checked], language: Language) -> str:
    """Return a summary of some checks, with a final newline."""
    return "\n".join(_lines(checks, language)) + "\n"


def escaped(text: str) -> str:
    """Return a text as Markdown that shows exactly it, on one line.

    Examples
    --------
    >>> print(escaped("<b>@all</b> | Huế"))
    &#60;b&#62;&#64;&#8288;all&#60;&#47;b&#62; &#124; Huế
    """

    def entity(found: re.Match[str]) -> str:
        joiner = _JOINER if found[0] in _CALLING else ""
        return f"&#{ord(found[0])};{joiner}"

    return _MARKUP.sub(entity, printable(text))


def _lines(checks: Sequence[Checked], language: Language) -> Iterator[str]:
    for check in checks:
        comparison = check.comparison
        sign = _SIGNS[wording.state(comparison)]
        answer = escaped(wording.answer(comparison, language))
        yield f"- {sign} **{escaped(comparison.now.scenario)}**: {answer}"
    for check in checks:
        groups, said = shown_changes(check.comparison), remarks(check, language)
        if not groups and not said:
            continue
        yield ""
        yield f"### {escaped(check.comparison.now.scenario)}"
        if groups:
            yield ""
            yield from _table(groups, language)
        for text in said:
            yield ""
            yield escaped(text)


def _table(groups: Sequence[tuple[tuple[Change, ...], int]], language: Language) -> Iterator[str]:
    headings = [
        "",
        language.say("figure"),
        language.say("before"),
        language.say("now"),
        language.say("tolerance"),
    ]
    yield _row(headings)
    yield "|---|---|--:|--:|--:|"
    for group, more in groups:
        for change in group:
            status = escaped(wording.status_word(change.status, language))
            cells = [
                wording.name(change, language),
                wording.before(change, language),
                wording.now(change, language),
                wording.tolerance_text(change, language),
            ]
            yield _row([f"**{status}**" if change.fails else status, *map(escaped, cells)])
        if more:
            yield _row(["", escaped(more_text(more, language)), "", "", ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
