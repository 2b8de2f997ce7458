"""Terminals: readers, consoles, tables whose figures are never cut, and names as they may be shown.

Colours and rules are for terminals; elsewhere the same tables are plain text.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from sim.language.language import Language
from sim.units import printable

PLAIN_WIDTH = 200  # where there is no terminal to ask
NAME_WIDTH = 16  # a name is folded, but no narrower than this
WIDEST = 10_000


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads: on which console, and in which language."""

    out: Console
    language: Language

    def figures(self, *figures: str) -> list[str]:
        """Return figures written the English way as the reader writes them."""
        return [self.language.figure(figure) for figure in figures]


def console(*, stderr: bool = False) -> Console:
    """Return a console on stdout or stderr: coloured on a terminal (NO_COLOR), plain elsewhere."""
    found = _Console(stderr=stderr, highlight=False, emoji=False)
    if not found.is_terminal:
        found = _Console(
            stderr=stderr, highlight=False, emoji=False, width=PLAIN_WIDTH, no_color=True
        )
    return found


class _Console(Console):
    """A console that leaves it to the command what a reader's leaving means."""

    def on_broken_pipe(self) -> None:
        """Raise the error again; Rich would end the program with code 1."""
        raise BrokenPipeError


def put(out: Console, made: Table) -> None:
    """Print a table in the console's width, but never so narrow that a figure is cut.

    A terminal that is narrower wraps its lines, which is ugly and true.
    """
    for column in made.columns:
        texts = [column.header, *column.cells]
        widest = max(Measurement.get(out, out.options, text).maximum for text in texts)
        column.min_width = widest if column.no_wrap else min(widest, NAME_WIDTH)
    wide_enough = out.options.update(width=WIDEST)
    needed = Measurement.get(out, wide_enough, made).minimum
    width, out.width = out.width, max(out.width, needed)
    out.print(made, crop=False)
    out.width = width


def shown(text: str, style: str = "") -> Text:
    """Return a text from a file as it may be shown: no markup, nothing a terminal would obey."""
    return Text(printable(text), style=style)


def numbers(*headings: str, under: str = "") -> list[str]:
    """Return the headings of columns of numbers for `table`; one may stand above all of them.

    Examples
    --------
    >>> numbers("lines", "rate"), numbers("p50", "p99", under="delay ms")
    (['>lines', '>rate'], ['>delay ms\\np50', '>\\np99'])
    """
    if not under:
        return [f">{heading}" for heading in headings]
    first, *others = headings
    return [f">{under}\n{first}", *(f">\n{heading}" for heading in others)]


def table(out: Console, title: str, *columns: str) -> Table:
    """Return an empty table; columns whose heading starts with `>` hold numbers.

    Headings have one line or two; where some have two, the others stand on the second.
    """
    two_lines = any("\n" in column for column in columns)
    made = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD if out.is_terminal else None,
        pad_edge=False,
        collapse_padding=out.is_terminal,
    )
    for column in columns:
        number = column.startswith(">")
        heading = column.removeprefix(">")
        made.add_column(
            f"\n{heading}" if two_lines and "\n" not in heading else heading,
            justify="right" if number else "left",
            no_wrap=number,
            overflow="fold",
        )
    return made
