"""The document: the file read by the schema, piece by piece, with the place of everything.

A fault in one piece (a line class, an event, …) must not hide the faults of the others. So a
piece the schema refuses is reported and left out, and the rest is read again; what was left out
is remembered, so that nobody complains that it is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sim.scenario.mapping import TAG
from sim.scenario.problems import Place, Problems
from sim.scenario.schema import ScenarioFile
from sim.scenario.yaml_tree import Mapping, Node, Plain, Scalar, Sequence

Steps = tuple[str | int, ...]

# Fields whose items are pieces of their own, and those of `sites` the rest can do without.
COLLECTIONS = (
    "profiles",
    "relays",
    "lines",
    "streams",
    "agenda",
    "groups",
    "events",
    "batteries",
    "detection",
    "failover",
    "requirements",
)
LISTS = ("agenda", "events", "requirements")
SITES_SOURCE = ("tiers", "file", "table", "generate")
# What stands for a required field that was refused, so that the rest can be read.
STAND_INS: dict[str, Any] = {
    "name": "unreadable",
    "seed": Plain("0"),
    "duration": "31 min",
    "sites": {"tiers": ["unreadable"], "table": ""},
    "relays": {},
    "lines": {},
    "streams": {},
}


class Document:
    """A scenario file with its places.

    Attributes
    ----------
    path : the file, as the user wrote it
    problems : of this load
    file : what could be read of it
    """

    path: Path
    problems: Problems
    file: ScenarioFile

    def __init__(self, path: Path, tree: Node, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._tree = tree
        self._left_out: set[Steps] = set()
        if not isinstance(tree, Mapping):
            place = Place(str(path), tree.line, tree.column, "")
            problems.add(place, "a scenario is a mapping of fields, such as 'name: tiny'")
            problems.check()
        self.file = self._read(plain(tree))

    def place(self, *path: str | int) -> Place:
        """Return where a value is; of a missing one, where its mapping is."""
        node, _ = self._walk(path)
        return Place(str(self.path), node.line, node.column, _dotted(path))

    def key_place(self, *path: str | int) -> Place:
        """Return where the name of a field is."""
        node, found = self._walk(path[:-1])
        key = node.keys.get(str(path[-1])) if isinstance(node, Mapping) else None
        if key is None or found < len(path) - 1:
            return self.place(*path)
        return Place(str(self.path), key.line, key.column, _dotted(path))

    def scalar(self, *path: str | int) -> Scalar | None:
        """Return the text at a path."""
        node, found = self._walk(path)
        return node if isinstance(node, Scalar) and found == len(path) else None

    def names(self, *path: str | int) -> list[str]:
        """Return the names in a mapping, in the file's order."""
        node, found = self._walk(path)
        return list(node.keys) if isinstance(node, Mapping) and found == len(path) else []

    def left_out(self, *path: str | int) -> bool:
        """Return whether the piece at the path, or one that holds it, was refused."""
        return any(path[:end] in self._left_out for end in range(len(path) + 1))

    def any_left_out(self, *path: str | int) -> bool:
        """Return whether the piece at the path, or any inside or around it, was refused."""
        inside = any(piece[: len(path)] == path for piece in self._left_out)
        return inside or self.left_out(*path)

    def kept(self, name: str) -> list[int]:
        """Return the numbers, in the file, of the items of a list that could be read."""
        node, found = self._walk((name,))
        count = len(node.items) if isinstance(node, Sequence) and found else 0
        return [number for number in range(count) if (name, number) not in self._left_out]

    def _walk(self, path: Steps) -> tuple[Node, int]:
        """Return the deepest node on the path, and how many of its steps exist."""
        node = self._tree
        for number, step in enumerate(path):
            if isinstance(node, Mapping) and step in node.items:
                node = node.items[str(step)]
            elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            else:
                return node, number
        return node, len(path)

    def _read(self, data: dict[str, Any]) -> ScenarioFile:
        while True:
            models: dict[int, type[BaseModel]] = {}
            try:
                return ScenarioFile.model_validate(data, context=models)
            except ValidationError as error:
                kept = {name: self.kept(name) for name in LISTS}
                refused: set[Steps] = set()
                for detail in error.errors(include_url=False):
                    path = self._path_in_file(detail["loc"], kept)
                    self._report(path, detail, models, data)
                    refused.add(_piece(path))
                for piece in sorted(refused, key=lambda path: [str(step) for step in path])[::-1]:
                    _remove(data, piece, kept)
                self._left_out |= refused

    def _path_in_file(self, loc: Steps, kept: dict[str, list[int]]) -> Steps:
        """Return a location in the data as a path in the file."""
        path = [step for step in loc if not (isinstance(step, str) and step.startswith(TAG))]
        if len(path) > 1 and path[0] in kept and isinstance(path[1], int):
            path[1] = kept[path[0]][path[1]]
        return tuple(path)

    def _report(
        self, path: Steps, detail: ErrorDetails, models: dict[int, type[BaseModel]], data: Any
    ) -> None:
        kind = detail["type"]
        if path and path[-1] == "[key]":
            self.problems.add(self.key_place(*path[:-1]), message(detail))
        elif kind == "missing":
            self.problems.add(self.place(*path), "Field required")
        elif kind == "extra_forbidden":
            holder = data
            for step in detail["loc"][:-1]:
                if not (isinstance(step, str) and step.startswith(TAG)):
                    holder = holder[step]
            fields = models[id(holder)].model_fields
            choices = [field.alias or name for name, field in fields.items()]
            name = str(path[-1])
            text = f"unknown field '{name}'{self.problems.suggest(name, choices)}"
            self.problems.add(self.key_place(*path), text)
        else:
            self.problems.add(self.place(*path), message(detail))


def message(detail: ErrorDetails) -> str:
    """Return what a refusal of the schema means, for people."""
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if detail["type"] == "list_type":
        return "needs a list, such as [a, b]"
    if detail["type"] in ("dict_type", "model_type", "model_attributes_type"):
        return "needs a mapping, such as {field: value}"
    return detail["msg"]


def _piece(path: Steps) -> Steps:
    """Return the smallest part around a fault that the rest can be read without."""
    if path[0] == "sites":
        return path[:1] if len(path) == 1 or path[1] in SITES_SOURCE else path[:2]
    if path[0] == "lines" and path[2:3] == ("classes",):
        return path[:4]
    if path[0] in ("relays", "lines") and path[1:2] == ("except",):
        return path[:3]
    if path[0] == "failures":
        return path[:3]
    return path[:2] if path[0] in COLLECTIONS else path[:1]


def _remove(data: dict[str, Any], piece: Steps, kept: dict[str, list[int]]) -> None:
    """Take a piece out of the data, or put a stand-in for it."""
    if len(piece) == 1 and piece[0] in STAND_INS:
        data[str(piece[0])] = STAND_INS[str(piece[0])]
        return
    holder: Any = data
    for step in piece[:-1]:
        holder = holder.get(step) if isinstance(holder, dict) else holder
    if isinstance(holder, list) and str(piece[0]) in kept:
        del holder[kept[str(piece[0])].index(int(piece[-1]))]
    elif isinstance(holder, dict):
        holder.pop(piece[-1], None)


def _dotted(path: Steps) -> str:
    return ".".join(str(step) for step in path)


def plain(node: Node) -> Any:
    """Return a tree as mappings, lists and texts."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items.items()}
    if isinstance(node, Sequence):
        return [plain(value) for value in node.items]
    return node.text
