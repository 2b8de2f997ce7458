"""YAML text as a tree of texts, each with its place.

Nothing is converted: every scalar stays the text the user wrote, so `NO` is a word, `079` keeps
its zero, and no tag can make an object. Whether a scalar was written plain, and so would be a
number to other YAML tools, is kept. Aliases, tags, second documents and deep nesting are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from sim.scenario.problems import Place, Problems

MAX_DEPTH = 16
MAX_NODES = 1_000_000

# What the core schema of YAML 1.2 reads as something else than text (section 10.3.2).
NOT_TEXT = re.compile(
    r"(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE"
    r"|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))?",
    re.ASCII,
)


class Plain(str):
    """A text without quotes that YAML reads as a number, a truth value or nothing."""

    __slots__ = ()

    def remedy(self) -> str:
        """Say what YAML reads, and how to write the text instead."""
        kind = "a number"
        if self.lower() in ("true", "false"):
            kind = "a truth value"
        elif self.lower() in ("~", "null"):
            kind = "nothing"
        return f'{self} is {kind} in YAML; put it in quotes: "{self}"'


@dataclass(slots=True)
class Scalar:
    """A text; `line` and `column` from 1; `literal`: written as a block (`|`)."""

    text: str
    line: int
    column: int
    literal: bool


@dataclass(slots=True)
class Sequence:
    line: int
    column: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """`keys` holds the place of each key, by its text."""

    line: int
    column: int
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Scalar] = field(default_factory=dict)


Node = Scalar | Sequence | Mapping


class _RefusedError(Exception):
    """The text is refused as a whole; `args` are line, column, text."""


class _Builder:
    """Builds the tree from parser events, without recursion in the parser."""

    def __init__(self, events: Iterator[Event], file: str, problems: Problems) -> None:
        self._events = events
        self._file = file
        self._problems = problems
        self._nodes = 0

    def build(self) -> Node:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    raise _refused(event, "a second document; a file holds one scenario")
            elif isinstance(event, NodeEvent):
                root = self._node(event, (), 1)
        if root is None:
            raise _RefusedError(1, 1, "the file is empty")
        return root

    def _node(self, event: NodeEvent, path: tuple[str, ...], depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _refused(event, f"more than {MAX_NODES} values")
        if depth > MAX_DEPTH:
            raise _refused(event, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, AliasEvent):
            raise _refused(event, "aliases (*name) are not allowed; write the value out")
        if event.anchor is not None:
            raise _refused(event, "anchors (&name) are not allowed; write each value out")
        if getattr(event, "tag", None):
            raise _refused(event, "tags (!name) are not allowed")
        line, column = _place(event)
        if isinstance(event, ScalarEvent):
            half = re.search("[\ud800-\udfff]", event.value)
            if half:
                raise _refused(event, f"U+{ord(half[0]):04X} is half a character")
            plain = event.style is None or event.style == ""
            text = Plain(event.value) if plain and NOT_TEXT.fullmatch(event.value) else event.value
            return Scalar(text, line, column, event.style == "|")
        if isinstance(event, SequenceStartEvent):
            sequence = Sequence(line, column)
            for child in self._children():
                here = (*path, str(len(sequence.items)))
                sequence.items.append(self._node(child, here, depth + 1))
            return sequence
        assert isinstance(event, MappingStartEvent)
        return self._mapping(event, path, depth)

    def _mapping(self, event: Event, path: tuple[str, ...], depth: int) -> Mapping:
        mapping = Mapping(*_place(event))
        children = self._children()
        for key_event in children:
            key = self._node(key_event, path, depth + 1)
            if not isinstance(key, Scalar):
                raise _refused(key_event, "a key must be a text; close the brace before the ':'?")
            if "\0" in key.text:
                raise _refused(key_event, "the character U+0000 is not allowed")
            value = self._node(next(children), (*path, key.text), depth + 1)
            if isinstance(value, Scalar) and value.text == "" and isinstance(value.text, Plain):
                value = Scalar(value.text, key.line, key.column, value.literal)
            place = Place(self._file, key.line, key.column, ".".join((*path, key.text)))
            if key.text in mapping.items:
                first = mapping.keys[key.text].line
                self._problems.add(place, f"'{key.text}' is given twice, first in line {first}")
            elif isinstance(key.text, Plain):
                missing = 'the name is missing; put it in quotes: ""'
                self._problems.add(place, key.text.remedy() if key.text else missing)
            mapping.items[key.text] = value
            mapping.keys[key.text] = key
        return mapping

    def _children(self) -> Iterator[NodeEvent]:
        for event in self._events:
            if isinstance(event, CollectionEndEvent):
                return
            assert isinstance(event, NodeEvent)
            yield event


def _place(event: Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _refused(event: Event, text: str) -> _RefusedError:
    return _RefusedError(*_place(event), text)


def read_tree(text: str, file: str, problems: Problems) -> Node:
    """Return the tree of a YAML text.

    Raises
    ------
    ScenarioError
        If the text is not YAML, or something in it is refused.
    """
    try:
        return _Builder(YAML(typ="safe", pure=True).parse(text), file, problems).build()
    except _RefusedError as refused:
        line, column, what = refused.args
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        what = f"the character U+{ord(text[error.position]):04X} is not allowed"
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = f"not valid YAML: {error.problem or error.context or 'unreadable'}"
        if "'\\t'" in what:
            what = "a tab cannot indent in YAML; use spaces"
    except (YAMLError, ValueError, OverflowError, AssertionError) as error:
        line, column, what = 1, 1, f"not valid YAML: {error}"
    problems.add(Place(file, line, column, ""), what)
    problems.check()
    raise AssertionError("unreachable: a problem was just recorded")
