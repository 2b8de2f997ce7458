"""Problems in the user's input: where each is, what is wrong, and a way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with the input.

    Attributes
    ----------
    file : path as the user would open it; empty where no file is concerned
    line, column : from 1; 0: unknown
    path : where in the file's structure, such as `lines.commune.buffer`; may be empty
    text : what is wrong, and the remedy

    Examples
    --------
    >>> print(Problem(file="a.yaml", line=2, column=5, path="seed", text="needs a value"))
    a.yaml:2:5: seed: needs a value
    """

    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""
    text: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return ": ".join(part for part in (place, self.path, self.text) if part)


class ScenarioError(Exception):
    """The input is wrong; carries every problem found, by file, line and column.

    Attributes
    ----------
    problems : one or more Problem, sorted
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(
            sorted(problems, key=lambda p: (p.file, p.line, p.column, p.path, p.text))
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def at(cls, file: str, line: int, column: int, path: str, text: str) -> ScenarioError:
        """Return the error of a single problem."""
        return cls([Problem(file=file, line=line, column=column, path=path, text=text)])


class ResultsError(Exception):
    """Stored results cannot be read; carries every problem found, in order.

    Attributes
    ----------
    problems : one or more Problem
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `; did you mean '…'?` for the choice closest to `word`, or nothing.

    Examples
    --------
    >>> did_you_mean("dealy", ["delay", "rate"]), did_you_mean("xyz", ["delay", "rate"])
    ("; did you mean 'delay'?", '')
    """
    close = difflib.get_close_matches(word, list(choices), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
