"""A scenario's text as a tree that can be damaged, and written out again.

A mapping is a list of pairs, so that a key can stand twice. What is written out is one line of
YAML in braces; `Raw` is written as it is, whatever YAML makes of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sim.scenario.yaml_tree import Mapping, Node, Plain, Scalar


@dataclass(slots=True)
class Raw:
    """YAML text that is written as it is."""

    text: str


@dataclass(slots=True)
class Items:
    """A list."""

    values: list[Value] = field(default_factory=list)


@dataclass(slots=True)
class Pairs:
    """A mapping; keys are texts of YAML."""

    values: list[tuple[Value, Value]] = field(default_factory=list)


Value = str | Raw | Items | Pairs


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value stands: the `number`-th of its holder."""

    holder: Items | Pairs
    number: int

    def get(self) -> Value:
        """Return the value."""
        found = self.holder.values[self.number]
        return found[1] if isinstance(found, tuple) else found

    def put(self, value: Value) -> None:
        """Set the value; a mapping keeps the key."""
        if isinstance(self.holder, Pairs):
            key, _ = self.holder.values[self.number]
            self.holder.values[self.number] = (key, value)
        else:
            self.holder.values[self.number] = value


def grown(node: Node) -> Value:
    """Return what was read of a file as a tree of this kind."""
    if isinstance(node, Scalar):
        return Raw(node.text) if isinstance(node.text, Plain) else node.text
    if isinstance(node, Mapping):
        keys = [Raw(key) if isinstance(key, Plain) else key for key in node.items]
        return Pairs(list(zip(keys, map(grown, node.items.values()), strict=True)))
    return Items([grown(item) for item in node.items])


def spots(value: Value) -> list[Spot]:
    """Return all places below a value, those deep inside before those around them."""
    found: list[Spot] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, Items | Pairs):
            here = [Spot(holder, number) for number in range(len(holder.values))]
            found += here
            waiting += [spot.get() for spot in here]
    return found[::-1]


def copied(value: Value) -> Value:
    """Return a value that shares nothing with this one."""
    if isinstance(value, Items):
        return Items([copied(each) for each in value.values])
    if isinstance(value, Pairs):
        return Pairs([(key, copied(each)) for key, each in value.values])
    return value


def text_of(value: Value) -> str:
    """Return a text; of a list or a mapping none."""
    if isinstance(value, Raw):
        return value.text
    return value if isinstance(value, str) else ""


def written(value: Value) -> str:
    """Return YAML for a value."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Items):
        return "[" + ", ".join(written(each) for each in value.values) + "]"
    return "{" + ", ".join(f"{written(key)}: {written(each)}" for key, each in value.values) + "}"


def document(value: Value) -> str:
    """Return a scenario's text: the outermost mapping as lines of their own."""
    if not isinstance(value, Pairs):
        return written(value)
    return "".join(f"{written(key)}: {written(each)}\n" for key, each in value.values)
