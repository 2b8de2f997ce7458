"""Documents as something to run: the commands in a page's console blocks, and its files.

A block fenced as `console` holds commands after `$ ` and below each what it prints; `...` there
stands for anything. A block fenced as `yaml` whose first line is `# name.yaml` is that file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# ([\w-]+\.yaml)\n")
LANGUAGES = {"console", "yaml", "text"}


@dataclass(frozen=True)
class Command:
    """A command line, what the page says it prints, and the line of the page."""

    line: int
    text: str
    output: str


@dataclass(frozen=True)
class File:
    """A file the reader is told to write."""

    name: str
    text: str


def steps(page: Path) -> list[Command | File]:
    """Return what a reader of the page does, in order."""
    text = page.read_text(encoding="utf-8")
    found: list[Command | File] = []
    for block in FENCE.finditer(text):
        language, body = block.groups()
        line = text.count("\n", 0, block.start()) + 1
        if language not in LANGUAGES:
            raise ValueError(f"{page.name}:{line}: a block is one of {sorted(LANGUAGES)}")
        if language == "console":
            found += _commands(body, line + 1)
        elif language == "yaml" and (name := FILE_NAME.match(body)):
            found.append(File(name[1], body))
    return found


def matches(expected: str, printed: str) -> bool:
    """Return whether a command printed what the page shows; blanks at line ends do not count."""
    pattern = ".*?".join(map(re.escape, _trimmed(expected).split("...")))
    return re.fullmatch(pattern, _trimmed(printed), re.DOTALL) is not None


def _commands(body: str, first_line: int) -> list[Command]:
    commands = []
    lines = body.splitlines()
    starts = [i for i, text in enumerate(lines) if text.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        output = "\n".join(lines[start + 1 : end])
        commands.append(Command(first_line + start, lines[start][2:], output))
    return commands


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
