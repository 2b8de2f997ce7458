"""The carriers' inventory: a row per line, as they really have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Literal

from sim.scenario.background import read_load_cell
from sim.scenario.classes import read_scheduling_cell
from sim.scenario.document import Document
from sim.scenario.loss_text import parse_loss
from sim.scenario.network_schema import InlineTable
from sim.scenario.problems import Place
from sim.scenario.quantities import read_buffer, read_burst, read_mtu, read_word
from sim.scenario.selectors import check_site
from sim.scenario.sites import Tree, open_table
from sim.scenario.table import Table
from sim.units import parse_rate_bps, parse_time_ns

# `up_buffer` beyond what tiers can say: the buffer of the up direction where it differs.
READERS: dict[str, Callable[[str], Any]] = {
    "carrier": read_word,
    "class": read_word,
    "rate": parse_rate_bps,
    "down": parse_rate_bps,
    "up": parse_rate_bps,
    "buffer": read_buffer,
    "up_buffer": read_buffer,
    "policer_rate": parse_rate_bps,
    "policer_burst": read_burst,
    "loss": parse_loss,
    "delay": parse_time_ns,
    "mtu": read_mtu,
}
# What names classes or profiles of the scenario.
NAMING: dict[str, Callable[[Document, str], Any]] = {
    "scheduling": read_scheduling_cell,
    "background": read_load_cell,
}
# So the place of the cell is kept.
JUDGED_LATER = ("class", "buffer", "up_buffer", "policer_rate", "policer_burst", "background")
COLUMNS = ("site", "role", "parent", *READERS, *NAMING)
MAX_ROWS = 4_000_000


@dataclass(slots=True)
class InventoryRow:
    """A line as its row has it.

    Attributes
    ----------
    parent : as given, or empty
    place : of the row
    values : field -> (value, place), of the cells that are not empty
    """

    site: str
    role: Literal["primary", "backup"]
    parent: str
    place: Place
    values: dict[str, tuple[Any, Place]]


@dataclass(slots=True)
class Inventory:
    """Rows by site: at most one primary, any backups in the order of the table.

    `faulty`: rows may be missing here, because something was wrong with the table.
    """

    primary: dict[str, InventoryRow] = field(default_factory=dict)
    backups: dict[str, list[InventoryRow]] = field(default_factory=dict)
    faulty: bool = False


def read_inventory(document: Document, tree: Tree) -> Inventory:
    """Return the inventory; empty where there is none."""
    problems, inventory = document.problems, Inventory()
    before = len(problems)
    inventory.faulty = document.left_out("lines", "inventory")
    source = document.file.lines.inventory
    if source is None:
        return inventory
    table = _open(document)
    if table is None:
        inventory.faulty = True
        return inventory
    readers = _CellReader(document, table)
    for number, (line, cells) in enumerate(table.rows(COLUMNS, ("site",), problems)):
        if number >= MAX_ROWS:
            problems.add(table.place(line, ""), f"more rows than the limit of {MAX_ROWS}")
            break
        site_id, role, parent = cells[:3]
        if not check_site(site_id, tree, problems, table.place(line, "site")):
            continue
        if role not in ("", "primary", "backup"):
            text = f"'{role}' must be 'primary' or 'backup'"
            problems.add(table.place(line, "role"), text)
            continue
        row = InventoryRow(
            site_id,
            "backup" if role == "backup" else "primary",
            parent,
            table.place(line, ""),
            readers.values(line, cells[3:]),
        )
        if not _check_ends(document, tree, row, table.place(line, "parent")):
            continue
        if row.role == "backup":
            inventory.backups.setdefault(site_id, []).append(row)
        elif site_id in inventory.primary:
            first = inventory.primary[site_id].place.line
            text = f"a second primary line of {tree.title(site_id)}, first in line {first}"
            problems.add(row.place, f"{text}; is it a backup?")
        else:
            inventory.primary[site_id] = row
    inventory.faulty = len(problems) > before
    return inventory


def check_cells(document: Document) -> None:
    """Record what is wrong with the cells of the inventory, whatever sites they are about."""
    table = _open(document) if document.file.lines.inventory is not None else None
    if table is None:
        return
    readers = _CellReader(document, table)
    rows = table.rows(COLUMNS, ("site",), document.problems)
    for line, cells in islice(rows, MAX_ROWS):
        readers.values(line, cells[3:])


def _open(document: Document) -> Table | None:
    source = document.file.lines.inventory
    return open_table(
        document,
        ("lines", "inventory"),
        None if isinstance(source, InlineTable) else source,
        source.table if isinstance(source, InlineTable) else None,
    )


class _CellReader:
    """Reads the cells of a row; the same cells come in thousands of rows."""

    def __init__(self, document: Document, table: Table) -> None:
        self._table = table
        self._problems = document.problems
        self._readers = READERS | {name: partial(read, document) for name, read in NAMING.items()}
        self._known: dict[tuple[str, str], Any] = {}

    def values(self, line: int, cells: list[str]) -> dict[str, tuple[Any, Place]]:
        """Return value and place by field; a value that cannot be read is None."""
        row_place = self._table.place(line, "")
        values: dict[str, tuple[Any, Place]] = {}
        for name, cell in zip(self._readers, cells, strict=True):
            if not cell:
                continue
            if (name, cell) not in self._known:
                try:
                    self._known[name, cell] = self._readers[name](cell)
                except ValueError as error:
                    self._problems.add(self._table.place(line, name), str(error))
                    values[name] = (None, row_place)
                    continue
            place = self._table.place(line, name) if name in JUDGED_LATER else row_place
            values[name] = (self._known[name, cell], place)
        if "rate" in values and ("down" in values or "up" in values):
            text = "'rate' is both directions; give either it or 'down' and 'up'"
            self._problems.add(self._table.place(line, "rate"), text)
        return values


def _check_ends(document: Document, tree: Tree, row: InventoryRow, place: Place) -> bool:
    """Return whether the line's ends are as they must be, after recording what is not."""
    problems = document.problems
    if row.site == tree.root:
        problems.add(row.place, f"the root {tree.title(row.site)} has no line")
        return False
    above = tree.sites[row.site].parent
    if not row.parent:
        return True
    if not check_site(row.parent, tree, problems, place):
        return False
    if row.role == "primary" and row.parent != above:
        text = f"the primary line of {tree.title(row.site)} goes to its parent, "
        problems.add(place, text + tree.title(above))
        return False
    if not tree.is_above(row.parent, row.site):
        text = f"{tree.title(row.parent)} is not in a tier above {tree.title(row.site)}"
        problems.add(place, text)
        return False
    if row.parent not in tree.children:
        problems.add(place, f"{tree.title(row.parent)} has no relay: it has no children")
        return False
    return True
