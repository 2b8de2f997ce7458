"""The reference of scenario files: the JSON Schema as a page in Markdown.

Each mapping of a scenario has a section, named by the path at which it stands first, and each of
its fields a row. Nothing is said here that the schema does not say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sim.scenario.schema import schema_text

Node = Mapping[str, Any]

HEAD = """\
# Every field of a scenario

Each mapping of a scenario file has a section here, named by its path, in which `NAME` is a name of
yours and `N` the number of an item of a list. How they go together, with an example, is in
[scenario files](scenario.md). This page is made from the schema: `python -m sim schema --markdown`.
"""


class Kind(NamedTuple):
    """A kind of value: what it is called, one such text, and how it is written."""

    name: str
    one: str
    written: str


NAME = Kind("name", "commune", "one word; in quotes if it is all digits")
# A pattern of the schema is of every kind whose text it takes.
KINDS = (
    Kind("rate", "4 Mbit/s", "bit/s, kbit/s, Mbit/s or Gbit/s"),
    Kind("time", "20 ms", "ns, us, ms, s, min or h"),
    Kind("size", "64 kB", "B, kB, MB, GB, KiB or MiB"),
    Kind("packets", "50 packets", "a count of full packets"),
    Kind("frames", "60 frames", "a count of frames"),
    Kind("share", "0.1 %", "per cent"),
    Kind(
        "share in bursts", "0.1 % in bursts of 3 packets", "mean loss, and mean length of a burst"
    ),
    Kind("Gilbert–Elliott", "p 1 % r 20 %", "p, r and, if wanted, 1-h and 1-k, as in `tc netem`"),
    Kind("factor", "× 2.5", "`×` or `x`, and a number"),
    Kind("number a second", "30/s", "so many each second"),
    Kind("number a minute", "30/min", "so many each minute; an hour is `h`"),
    Kind("number in a time", "2997 in 100 s", "so many in each such time"),
    Kind("repetition", "every 10 s", "once in each such time"),
    Kind("`fill to`", "fill to 80 %", "the words, and a share"),
    Kind("time of day", "08:00", "hours and minutes, from 00:00 to 23:59"),
    Kind("hours of the day", "08:00-12:00", "from a full hour to a full hour"),
    Kind("share limit", "at most 1 %", "what must not be exceeded"),
    Kind("time limit", "at most 150 ms", "what must not be exceeded"),
    Kind("count limit", "at most 3", "what must not be exceeded"),
    Kind("score limit", "at least 3.6", "what must be reached"),
    Kind("count for each", "9 each", "so many for each site above"),
    Kind("`constant`", "constant", "the word"),
    Kind("`rfc8593`", "rfc8593", "the word"),
    Kind("`laplace`", "laplace 0.3", "the word, and the scale relative to the mean"),
    Kind("`least loaded`", "least loaded", "the words"),
    Kind("`round robin`", "round robin", "the words"),
    Kind("`hash`", "hash", "the word"),
    Kind("`none`", "none", "the word"),
    Kind("`never`", "never", "the word"),
    Kind("`at once`", "at once", "the words"),
    Kind("after a time", "after 5 min", "the word, and a time"),
    Kind("`all`", "all", "the word"),
)


@dataclass(slots=True, kw_only=True)
class Section:
    """A mapping of the file.

    Attributes
    ----------
    paths : where it stands, first where it is shown
    told_by : the field by which it is told from others that may stand there; may be empty
    rule : its part of the schema
    """

    paths: list[str]
    told_by: str
    rule: Node

    @property
    def heading(self) -> str:
        return f"{self.paths[0]} with {self.told_by}" if self.told_by else self.paths[0]

    @property
    def link(self) -> str:
        """A link to it, by the anchor that Markdown gives its heading."""
        anchor = re.sub(r"[^\w -]", "", self.heading.lower()).replace(" ", "-")
        return f"[{self.told_by or self.paths[0]}](#{anchor})"


def reference_text() -> str:
    """Return the page, with a final newline."""
    schema: Node = json.loads(schema_text())
    sections = _sections(schema)
    parts = [HEAD, _kinds(schema)]
    for section in sections.values():
        about = f"{section.rule['description']}{_choice(section.rule)}"
        if section.paths[1:]:
            about += f" Also at {', '.join(f'`{path}`' for path in section.paths[1:])}."
        parts += [f"## {section.heading}\n", f"{about}\n", _table(section.rule, sections)]
    return "\n".join(parts)


def _sections(schema: Node) -> dict[str, Section]:
    """Return the sections by the name of their definition, each after the one it is first in."""
    definitions: Node = schema["$defs"]
    found = {"": Section(paths=["The file"], told_by="", rule=schema)}

    def visit(node: Node, path: str) -> None:
        for name, there, told_by in _references(node, path, definitions):
            if name in found:
                found[name].paths.append(there)
            else:
                found[name] = Section(paths=[there], told_by=told_by, rule=definitions[name])
                visit(definitions[name], there)

    visit(schema, "")
    return found


def _references(node: Node, path: str, definitions: Node) -> Iterator[tuple[str, str, str]]:
    """Give each definition a node leads to, its path, and the field that tells it from others."""
    if "$ref" in node:
        yield _referred(node), path, ""
    # Names of the user's own before the exceptions to them.
    if isinstance(node.get("additionalProperties"), Mapping):
        yield from _references(node["additionalProperties"], f"{path}.NAME", definitions)
    for name, field in node.get("properties", {}).items():
        yield from _references(field, f"{path}.{name}".lstrip("."), definitions)
    if "items" in node:
        yield from _references(node["items"], f"{path}.N", definitions)
    choices = [_referred(choice) for choice in _alternatives(node) if "$ref" in choice]
    for name in choices:
        yield name, path, _told_by(name, choices, definitions)


def _told_by(name: str, choices: list[str], definitions: Node) -> str:
    """Return the field that one of several mappings must have and no other must have."""
    others = [other for other in choices if other != name]
    needed: list[str] = definitions[name].get("required", [])
    own = [
        field
        for field in needed
        if not any(field in definitions[other].get("required", ()) for other in others)
    ]
    return own[0] if others and own else ""


def _alternatives(node: Node) -> list[Node]:
    return [
        choice
        for choice in (*node.get("oneOf", ()), *node.get("anyOf", ()))
        if set(choice) != {"required"}
    ]


def _referred(node: Node) -> str:
    name: str = node["$ref"]
    return name.removeprefix("#/$defs/")


def _choice(rule: Node) -> str:
    """Return which fields exclude or replace each other, as a sentence."""
    for key, words in (("oneOf", "Exactly one of"), ("anyOf", "At least one of")):
        names = [f"`{name}`" for choice in rule.get(key, ()) for name in choice.get("required", ())]
        if names:
            return f" {words} {', '.join(names[:-1])} and {names[-1]}."
    return ""


def _table(rule: Node, sections: Mapping[str, Section]) -> str:
    rows = ["| field | value | default | meaning |", "|---|---|---|---|"]
    for name, field in rule.get("properties", {}).items():
        default = "needed" if name in rule.get("required", ()) else _default(field)
        about = field.get("description", "").replace("|", "\\|")
        rows.append(f"| `{name}` | {_value(field, sections)} | {default} | {about} |")
    other = rule.get("additionalProperties")
    if isinstance(other, Mapping):
        rows.append(f"| a name | {_value(other, sections)} | | {_about(other, sections)} |")
    return "\n".join(rows) + "\n"


def _about(node: Node, sections: Mapping[str, Section]) -> str:
    about: str = sections[_referred(node)].rule["description"] if "$ref" in node else ""
    return about


def _default(field: Node) -> str:
    if "default" not in field:
        return ""
    default = field["default"]
    if isinstance(default, bool):
        default = str(default).lower()
    elif isinstance(default, list):
        default = f"[{', '.join(default)}]"
    return f"`{default}`"


def _value(node: Node, sections: Mapping[str, Section]) -> str:
    """Return what may stand there, with an example."""
    whats = _whats(node, sections)
    # One name is as good as another.
    examples = [] if whats == [NAME.name] else node.get("examples", [])
    shown = ", ".join(f"`{example}`" for example in examples)
    return f"{_either(whats)}: {shown}" if shown else _either(whats)


def _either(whats: list[str]) -> str:
    *most, last = whats
    return f"{', '.join(most)} or {last}" if most else last


def _whats(node: Node, sections: Mapping[str, Section]) -> list[str]:
    """Return the kinds of value that may stand there."""
    if "$ref" in node:
        return [sections[_referred(node)].link]
    if "enum" in node:
        return [f"`{word}`" for word in node["enum"]]
    choices = _alternatives(node)
    if choices:
        return list(dict.fromkeys(what for each in choices for what in _whats(each, sections)))
    if "pattern" in node:
        return [kind.name for kind in kinds_of(node["pattern"])]
    kind = node["type"]
    if kind == "array":
        return [f"list of {_either(_whats(node['items'], sections))}"]
    if kind == "object":
        names = _either(_whats(node["propertyNames"], sections))
        return [f"{names} → {_either(_whats(node['additionalProperties'], sections))}"]
    return [
        {"string": "text", "integer": "whole number", "number": "number"}.get(kind)
        or "`true` or `false`"
    ]


def kinds_of(pattern: str) -> list[Kind]:
    """Return the kinds of text that a pattern takes.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> [kind.name for kind in kinds_of(r"^([0-9]+ ?ms|none)$")]
    ['time', '`none`']
    """
    if re.search(pattern, NAME.one):
        return [NAME]
    found = [kind for kind in KINDS if re.search(pattern, kind.one)]
    if not found:
        raise ValueError(f"no kind of value fits the pattern {pattern}")
    return found


def _kinds(schema: Node) -> str:
    used = {kind.name for pattern in _patterns(schema) for kind in kinds_of(pattern)}
    rows = ["## Kinds of value\n", "| value | such as | written |", "|---|---|---|"]
    rows += [
        f"| {kind.name} | `{kind.one}` | {kind.written} |"
        for kind in (*KINDS, NAME)
        if kind.name in used
    ]
    return "\n".join(rows) + "\n"


def _patterns(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            yield from _patterns(value)
    elif isinstance(node, list):
        for item in node:
            yield from _patterns(item)
