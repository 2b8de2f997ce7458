"""One number of a scenario file that a study varies: where it stands, and how it is written.

The file's text stays as it is. A new number is set in the tree of the text before anything is
validated, so every rule of scenario files holds for it, and every error has its place.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

from sim.errors import Problem, ScenarioError, did_you_mean
from sim.scenario.folder import UnreadableError, inside, read_text
from sim.scenario.problems import MOST_NAMES, Problems
from sim.scenario.yaml_tree import NOT_TEXT, Mapping, Node, Plain, Scalar, Sequence, read_tree
from sim.units import LONGEST

Steps = tuple[str, ...]
VARY = "--vary"

# A number with its unit, what may stand before it, and what may follow.
_WRITTEN = re.compile(
    r"(?P<before>at most |[×x] ?|laplace )?"
    r"(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"(?P<space> ?)(?P<unit>[kMG]?bit/s|ns|us|µs|μs|ms|s|min|h|B|[kMG]B|[KM]iB|%|/ ?s"
    r"|packets?|frames?|each)?"
    r"(?P<after> in .+)?",
    re.ASCII,
)
_STEP = re.compile(r'"(?P<quoted>[^"]*)"|(?P<plain>[^".]+)')
# Units of which there is no half, and fields whose numbers have no unit and may be broken.
_WHOLE_UNITS = ("ns", "B", "bit/s", "packet", "packets", "frame", "frames", "each")
_BROKEN = (("lines", "route", "factor"),)
# Where a scenario names the files it reads beside its own.
_TABLES = (("sites", "file"), ("lines", "inventory"), ("joining", "file"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Another text in the place of one scalar of the tree.

    Attributes
    ----------
    steps : where the scalar is; items of a list by their number from 0
    text : as one would write it in the file
    """

    steps: Steps
    text: str

    def apply(self, tree: Node) -> None:
        """Set the text in a tree.

        Raises
        ------
        KeyError
            If there is no scalar.
        """
        *above, last = self.steps
        holder = _found(tree, tuple(above))
        old = _found(tree, self.steps)
        if not isinstance(old, Scalar):
            raise KeyError(dotted(self.steps))
        text = Plain(self.text) if NOT_TEXT.fullmatch(self.text) else self.text
        new = Scalar(text, old.line, old.column, literal=False)
        if isinstance(holder, Mapping):
            holder.items[last] = new
        elif isinstance(holder, Sequence):
            holder.items[int(last)] = new


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A number as the file writes it.

    Attributes
    ----------
    steps : where it is
    before, after : text around the number and its unit, such as `at most ` or ` in bursts of 4 …`
    number, unit : such as 2 and `Mbit/s`; the unit may be empty
    whole : whether numbers without a unit are counts here, of which there is no half
    """

    steps: Steps
    before: str
    number: Decimal
    unit: str
    after: str
    whole: bool

    @property
    def path(self) -> str:
        """The path as one would type it."""
        return dotted(self.steps)

    def amount(self, number: Decimal, unit: str) -> str:
        """Return a number with its unit, and nothing around them."""
        gap = "" if unit in ("", "/s") else " "
        return f"{number:f}{gap}{unit}"

    def change(self, number: Decimal, unit: str) -> Change:
        """Return the change to another number."""
        text = f"{self.before}{self.amount(number, unit)}{self.after}"
        return Change(steps=self.steps, text=text)

    def is_whole(self, unit: str) -> bool:
        """Return whether numbers in a unit must be whole, in this place."""
        return self.whole if unit == "" else unit in _WHOLE_UNITS


def steps_of(path: str) -> Steps:
    """Return the steps of a dotted path; a name with dots in it stands in double quotes.

    Raises
    ------
    ValueError
        If it is no path; says how to write one.

    Examples
    --------
    >>> steps_of("lines.commune.classes.radio.down")
    ('lines', 'commune', 'classes', 'radio', 'down')
    >>> steps_of('lines.except."carrier/a.b in region/South".rate')
    ('lines', 'except', 'carrier/a.b in region/South', 'rate')
    """
    steps, at = [], 0
    while True:
        match = _STEP.match(path, at)
        if match is None:
            raise ValueError(
                f"'{path}' is not a path; write it like 'streams.video.rate', and a name with "
                "dots in double quotes"
            )
        steps.append(match["quoted"] if match["plain"] is None else match["plain"])
        at = match.end()
        if at == len(path):
            return tuple(steps)
        if path[at] != ".":
            at = len(path)  # so that the next match fails
        at += 1


def dotted(steps: Steps) -> str:
    """Return a path as one types it."""
    return ".".join(f'"{step}"' if "." in step or not step else step for step in steps)


def find(path: Path, text: str, steps: Steps) -> Written:
    """Return the number at a path of a scenario's text.

    Raises
    ------
    ScenarioError
        If the text is no YAML, nothing is there, or no number.
    """
    tree = read_tree(text, str(path), Problems())
    node = _found(tree, steps)
    if node is None:
        hint = _suggested(tree, steps) or "; what is to be varied must be written there"
        raise _wrong(f"no '{dotted(steps)}' in {path}{hint}")
    if not isinstance(node, Scalar):
        inner = next((dotted(steps + below) for below, _ in _numbers(node)), None)
        such = f", such as '{inner}'" if inner else ""
        raise _wrong(f"'{dotted(steps)}' in {path}:{node.line} is no number; name one in it{such}")
    if steps == ("seed",):
        raise _wrong("'seed' is chance and no quantity; give --seed, and repeat the study")
    written = _written(steps, node)
    if written is None:
        shown = node.text if len(node.text) <= LONGEST else node.text[:LONGEST] + "…"
        raise _wrong(f"'{dotted(steps)}' in {path}:{node.line} is '{shown}', and no number")
    return written


def numbers(path: Path, text: str) -> list[tuple[Steps, Written]]:
    """Return every number of a scenario's text and where it is, in the file's order.

    Raises
    ------
    ScenarioError
        If the text is no YAML.
    """
    return list(_numbers(read_tree(text, str(path), Problems())))


def inputs_digest(path: Path, text: str) -> str:
    """Return a hash of everything a scenario is made of: its text, and the tables it names.

    Raises
    ------
    ScenarioError
        If the text is no YAML, or a table cannot be read.
    """
    digest = blake2b(digest_size=16)
    tree = read_tree(text, str(path), Problems())
    contents = [text]
    for steps in _TABLES:
        node = _found(tree, steps)
        if isinstance(node, Scalar):
            try:
                contents.append(read_text(inside(path.parent, node.text)))
            except UnreadableError as error:
                place = (str(path), node.line, node.column, dotted(steps))
                raise ScenarioError.at(*place, f"'{node.text}' {error}") from None
    for content in contents:
        data = content.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _wrong(text: str) -> ScenarioError:
    return ScenarioError([Problem(path=VARY, text=text)])


def _found(tree: Node, steps: Steps) -> Node | None:
    node: Node | None = tree
    for step in steps:
        if isinstance(node, Mapping):
            node = node.items.get(step)
        elif isinstance(node, Sequence) and step.isascii() and step.isdecimal():
            node = node.items[int(step)] if int(step[:9]) < len(node.items) else None
        else:
            return None
    return node


def _suggested(tree: Node, steps: Steps) -> str:
    """Return `; did you mean '…'?` for the number that is probably meant, or nothing.

    Where all but the last step is right, it is one beside it: a default that the file does not
    write is not misspelt.
    """
    beside = _found(tree, steps[:-1])
    if isinstance(beside, Mapping):
        names = [key for key, value in beside.items.items() if _written((), value)]
        close = difflib.get_close_matches(steps[-1], names, n=1)
        return f"; did you mean '{dotted((*steps[:-1], close[0]))}'?" if close else ""
    choices = [dotted(each) for each, _ in _numbers(tree)]
    return did_you_mean(dotted(steps), choices) if len(choices) <= MOST_NAMES else ""


def _written(steps: Steps, node: Node) -> Written | None:
    """Return the number at a place, or None where there is something else."""
    if not isinstance(node, Scalar) or len(node.text) > 2 * LONGEST:
        return None
    match = _WRITTEN.fullmatch(node.text.strip())
    if match is None:
        return None
    unit = (match["unit"] or "").replace(" ", "")
    before = match["before"] or ""
    # A number in quotes is a name, such as the id of a site.
    if not unit and not before and not isinstance(node.text, Plain):
        return None
    return Written(
        steps=steps,
        before=before,
        number=Decimal(match["number"]),
        unit=unit,
        after=match["after"] or "",
        whole=before in ("", "at most ") and steps not in _BROKEN,
    )


def _numbers(node: Node, above: Steps = ()) -> Iterator[tuple[Steps, Written]]:
    """Yield every number in a tree, in the file's order."""
    if isinstance(node, Scalar):
        written = _written(above, node)
        if written is not None:
            yield above, written
    elif isinstance(node, Mapping):
        for key, value in node.items.items():
            yield from _numbers(value, (*above, key))
    else:
        for number, value in enumerate(node.items):
            yield from _numbers(value, (*above, str(number)))
