"""Tables: CSV from a file or a block of the scenario, row by row with the place of each.

Cells are stripped; empty rows are skipped; the first row names the columns.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sim.scenario.problems import Place, Problems

SEPARATORS = (";", "\t", "|")  # what some programs put between cells instead of commas


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where a CSV text comes from.

    Attributes
    ----------
    text : the CSV
    file : what problems name
    first_line : line of the file in which the text begins, from 1
    path : path of the table in the scenario; empty for a file of its own
    """

    text: str
    file: str
    first_line: int
    path: str

    def place(self, row_line: int, column: str) -> Place:
        """Return the place of a cell; `row_line` is the row's line in the text, from 1."""
        path = ".".join(part for part in (self.path, column) if part)
        return Place(self.file, self.first_line + row_line - 1, 0, path)

    def rows(
        self, columns: Sequence[str], required: Sequence[str], problems: Problems
    ) -> Iterator[tuple[int, list[str]]]:
        """Yield (line in the text, one cell for each of `columns`) for each row.

        A column the table does not have is empty. Rows of the wrong length and unknown columns
        are problems; without a usable header there are no rows.
        """
        reader = csv.reader(io.StringIO(self.text, newline=""), strict=True, skipinitialspace=True)
        order: list[int] | None = None
        width = 0
        while True:
            row_line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                problems.add(self.place(row_line, ""), f"not valid CSV: {error}")
                return
            if cells is None:
                break
            if not cells:
                continue
            cells = [cell.strip() for cell in cells]
            if order is None:
                order = self._header(cells, row_line, columns, required, problems)
                width = len(cells)
                if not order:
                    return
                continue
            if len(cells) != width:
                if any(cells):
                    text = f"the row has {len(cells)} cells, the header has {width}"
                    problems.add(self.place(row_line, ""), text)
                continue
            cells.append("")
            yield row_line, [cells[number] for number in order]
        if order is None:
            problems.add(self.place(1, ""), "the table is empty")

    def _header(
        self,
        names: list[str],
        row_line: int,
        columns: Sequence[str],
        required: Sequence[str],
        problems: Problems,
    ) -> list[int]:
        """Return where each column is; len(names), an empty cell, where the table lacks it."""
        before = len(problems)
        if len(names) == 1 and any(mark in names[0] for mark in SEPARATORS):
            mark = next(mark for mark in SEPARATORS if mark in names[0])
            text = f"cells are separated by commas, not by '{mark}'"
            problems.add(self.place(row_line, ""), text)
            return []
        for name in names:
            if name not in columns:
                text = f"unknown column '{name}'{problems.suggest(name, columns)}"
                problems.add(self.place(row_line, name), text)
            elif names.count(name) > 1:
                problems.add(self.place(row_line, name), f"column '{name}' is given twice")
        for name in required:
            if name not in names:
                problems.add(self.place(row_line, name), f"the table has no column '{name}'")
        if len(problems) > before:
            return []
        return [names.index(name) if name in names else len(names) for name in columns]
