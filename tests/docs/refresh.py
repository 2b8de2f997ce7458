"""Write what the commands print now into README.md and docs/: python -m tests.docs.refresh [PAGE…].

Read the difference before committing it: the pages' own words may have to follow.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docs.document import Command, steps
from tests.docs.session import PAGES, SHOWN_ONLY, Session

# What differs from run to run, or from machine to machine.
CHANGING = (
    (re.compile(r" in [\d.,]+ s: [\d.,]+ million/s, [\d.,]+ × real time"), " in ..."),
    (re.compile(r" trong [\d.,]+ s: [\d.,]+ triệu/s, [\d.,]+ × thời gian thực"), " trong ..."),
    (re.compile(r"(simulated in|mô phỏng trong) [\d:]+\.$", re.MULTILINE), r"\1 ...."),
    (
        re.compile(r"results/capacity/([\w.-]+)/([\w.-]+)-[0-9a-f]{8}$", re.MULTILINE),
        r"results/capacity/\1/\2-...",
    ),
    (re.compile(r"\S*(results|paced|traced|rehearsal)/([\w-]+)/\d{8}T\d{6}-"), r"...\1/\2/...-"),
)


def refresh(page: Path, remembered: Path) -> None:
    """Run a page's commands and replace the output it shows."""
    lines = page.read_text(encoding="utf-8").splitlines()
    replacements: list[tuple[int, int, list[str]]] = []
    with TemporaryDirectory() as folder:
        session = Session(Path(folder), remembered)
        for step in steps(page):
            if not isinstance(step, Command):
                (session.folder / step.name).write_text(step.text, encoding="utf-8")
                continue
            printed = session.run(step.text)
            if step.text in SHOWN_ONLY:
                continue
            for pattern, stand_in in CHANGING:
                printed = pattern.sub(stand_in, printed)
            shown = [line.rstrip() for line in printed.strip("\n").splitlines()]
            length = len(step.output.splitlines())
            replacements.append((step.line, step.line + length, shown))
    for start, end, shown in reversed(replacements):
        lines[start:end] = shown
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with TemporaryDirectory() as remembered:
        for page in map(Path, sys.argv[1:] or PAGES):
            refresh(page, Path(remembered))
