"""The problems of one load, collected so that all are reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sim.errors import Problem, ScenarioError
from sim.units import printable

MAX_PROBLEMS = 1000  # beyond, problems are only counted
MAX_SEARCHES = 20  # searches for a close spelling among many names; each takes long
MANY_NAMES = 500
MOST_NAMES = 50_000
LONGEST_WORD = 200  # characters of what a close spelling is searched for
LONGEST_TEXT = 2000  # characters of a problem's text, and of its path


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: file, line and column from 1 (0: unknown), path in the structure."""

    file: str
    line: int
    column: int
    path: str


class FaultyError(ValueError):
    """Something that cannot be as it is described; `field` says where below the described."""

    def __init__(self, field: tuple[str, ...], text: str) -> None:
        super().__init__(text)
        self.field = field


class Problems:
    """Collects problems and raises them together."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._more = 0
        self._searches = 0

    def add(self, place: Place, text: str) -> None:
        """Record a problem; the same one only once."""
        problem = Problem(
            file=printable(place.file),
            line=place.line,
            column=place.column,
            path=printable(_clipped(place.path)),
            text=printable(_clipped(text)),
        )
        if problem in self._found:
            return
        if len(self._found) < MAX_PROBLEMS:
            self._found[problem] = None
        else:
            self._more += 1

    def __len__(self) -> int:
        return len(self._found) + self._more

    def check_since(self, before: int) -> None:
        """Raise ScenarioError if anything was recorded since there were `before` problems."""
        if len(self) > before:
            self.check()

    def check(self) -> None:
        """Raise ScenarioError if anything was recorded."""
        if not self._found:
            return
        problems = list(self._found)
        if self._more:
            last = max(problems, key=lambda problem: (problem.file, problem.line))
            text = f"{self._more} more problems; only the first {MAX_PROBLEMS} are listed"
            problems.append(Problem(file=last.file, line=last.line + 1, text=text))
        raise ScenarioError(problems)

    def suggest(self, word: str, choices: Collection[str] | Mapping[str, str]) -> str:
        """Return `; did you mean '…'?` for the closest choice, or nothing.

        Where `choices` maps ids to names, the name follows in parentheses, and a word that is
        the name of one is taken for it.
        """
        if len(word) > LONGEST_WORD:
            return ""
        names = choices if isinstance(choices, Mapping) else {}
        if len(choices) > MANY_NAMES:
            self._searches += 1
            if self._searches > MAX_SEARCHES or len(choices) > MOST_NAMES:
                return ""
        close = [key for key, name in names.items() if name.casefold() == word.casefold()]
        close = close or difflib.get_close_matches(word, choices, n=1)
        if not close:
            return ""
        name = names.get(close[0], "")
        also = f" ({name})" if name and name != close[0] else ""
        return f"; did you mean '{close[0]}'{also}?"


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
