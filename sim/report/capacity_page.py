"""A capacity study as a page of Markdown, and as it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.language.language import Language
from sim.report.capacity import CapacityWords
from sim.terminal import Reader, put, shown, table
from sim.units import printable

_MARKUP = str.maketrans({each: f"\\{each}" for each in "\\`*[]<|#"})


def capacity_page(words: CapacityWords, *, chart: str, language: Language) -> str:
    """Return the page: the answer, where each requirement breaks, the curve, and every point.

    Parameters
    ----------
    chart : file name of the picture
    """
    say = language.say
    breaks, tried = say("Where each requirement breaks"), say("What was tried")
    columns = say("A column for each requirement, by its number above.")
    curve = say("The capacity curve")
    parts = [
        f"# {_plain(words.title())}",
        *(_plain(paragraph) for paragraph in words.answer()),
        f"## {breaks}",
        _table(words.headings(), words.rows()),
        f"![{curve}]({chart})",
        f"## {tried}",
        _plain(f"{words.basis()} {columns}"),
        _table(words.point_headings(), words.point_rows()),
    ]
    return "\n\n".join(parts) + "\n"


def print_capacity(words: CapacityWords, folder: Path, reader: Reader, *, effort: str) -> None:
    """Print the answer, where each requirement breaks, and where the rest is.

    Parameters
    ----------
    effort : a sentence on how many points there are, and what they cost
    """
    out = reader.out
    out.print()
    out.print(shown(words.title(), "bold"))
    for paragraph in words.answer():
        out.print(shown(paragraph))
    out.print()
    made = table(out, "", *words.headings())
    made.title = None
    for row in words.rows():
        made.add_row(*(shown(cell) for cell in row))
    put(out, made)
    out.print()
    out.print(shown(f"{words.basis()} {effort}"))
    out.print(shown(reader.language.say("Results: {folder}", folder=folder)), soft_wrap=True)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [_row(headings), _row(["---"] * len(headings)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell if cell == '---' else _plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Return text from a file as Markdown shows it: nothing in it is markup."""
    return printable(text).translate(_MARKUP)
