"""What a capacity study asks: of which scenario, over which numbers, how finely."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

from sim.errors import Problem, ScenarioError
from sim.scenario.folder import UnreadableError, read_text
from sim.scenario.loader import load_text
from sim.scenario.model import Scenario
from sim.scenario.varied import VARY, find, inputs_digest, steps_of
from sim.studies.over import Over, read_over, with_tolerance
from sim.studies.program import program_digest

OVER, TOLERANCE = "--over", "--tolerance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The words of the command.

    Attributes
    ----------
    path : the scenario file
    vary, over, tolerance : as typed
    points : how many numbers the first round has
    seed, duration_ns : instead of the scenario's, unless None
    """

    path: Path
    vary: str
    over: str
    tolerance: str
    points: int
    seed: int | None
    duration_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A study whose question makes sense.

    Attributes
    ----------
    text : of the scenario file, read once
    scenario : the scenario as the file has it, but for seed and duration
    identity : a hash of all that the points depend on: the file, its tables, the question, the
        program
    """

    asked: Asked
    text: str
    scenario: Scenario
    over: Over
    identity: str

    def at(self, number: Decimal) -> Scenario:
        """Return the scenario with a number of the range in it.

        Raises
        ------
        ScenarioError
            If the scenario's rules refuse it; names it.
        """
        try:
            return load_text(
                self.text,
                self.asked.path,
                seed=self.asked.seed,
                duration_ns=self.asked.duration_ns,
                change=self.over.change(number),
            )
        except ScenarioError as error:
            raise ScenarioError(
                Problem(
                    file=each.file,
                    line=each.line,
                    column=each.column,
                    path=each.path,
                    text=f"with {self.over.amount(number)} from {OVER}: {each.text}",
                )
                for each in error.problems
            ) from error


def read_spec(asked: Asked) -> Spec:
    """Return the study of a command.

    Raises
    ------
    ScenarioError
        With every problem that the scenario, or the command, has.
    """
    try:
        text = read_text(asked.path)
    except UnreadableError as error:
        raise ScenarioError.at(str(asked.path), 0, 0, "", str(error)) from None
    scenario = load_text(text, asked.path, seed=asked.seed, duration_ns=asked.duration_ns)
    try:
        written = find(asked.path, text, steps_of(asked.vary))
    except ValueError as error:
        raise ScenarioError([Problem(path=VARY, text=str(error))]) from None
    try:
        over = read_over(asked.over, written)
    except ValueError as error:
        raise ScenarioError([Problem(path=OVER, text=str(error))]) from None
    try:
        over = with_tolerance(over, asked.tolerance)
    except ValueError as error:
        raise ScenarioError([Problem(path=TOLERANCE, text=str(error))]) from None
    if not scenario.requirements:
        text = "has no 'requirements', so nothing can break; say what the meeting must meet"
        raise ScenarioError.at(str(asked.path), 0, 0, "", text)
    return Spec(
        asked=asked,
        text=text,
        scenario=scenario,
        over=over,
        identity=_identity(asked, text, over),
    )


def check_ends(spec: Spec) -> None:
    """Check that the scenario takes both ends of the range, and that they differ in something.

    Raises
    ------
    ScenarioError
        With the problems of both ends.
    """
    problems: list[Problem] = []
    found: list[Scenario] = []
    for number in (spec.over.low, spec.over.high):
        try:
            found.append(spec.at(number))
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    if found[0] == found[1]:
        text = (
            f"'{spec.asked.vary}' changes nothing: the meeting is the same with "
            f"{spec.over.amount(spec.over.low)} and {spec.over.amount(spec.over.high)}; "
            "does an exception, an inventory or an option win over it?"
        )
        raise ScenarioError([Problem(path=VARY, text=text)])


def _identity(asked: Asked, text: str, over: Over) -> str:
    """Return a hash of everything that decides which points there are and what is in them."""
    parts = {
        "program": program_digest(),
        "inputs": inputs_digest(asked.path, text),
        "vary": over.written.path,
        "over": [str(over.low), str(over.high), over.unit],
        "tolerance": [str(over.tolerance), str(over.share)],
        "points": asked.points,
        "seed": asked.seed,
        "duration_ns": asked.duration_ns,
    }
    return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()
