"""Classes of traffic: names in the order in which a transmitter with priorities serves them."""

from __future__ import annotations

from typing import get_args

from sim.scenario.document import Document
from sim.scenario.model import Scheduling
from sim.scenario.problems import FaultyError

ALONE = "nothing can go first: there is one class; name more in 'classes'"
MAX_CLASSES = 8  # as many as there are class selectors (RFC 2474, section 4.2.2.2)


def read_classes(document: Document) -> tuple[str, ...]:
    """Return the names, the class that goes first at the front."""
    classes = document.file.classes
    if not classes:
        document.problems.add(document.place("classes"), "needs at least one class")
    if len(classes) > MAX_CLASSES:
        text = f"{len(classes)} classes are above the limit of {MAX_CLASSES}"
        document.problems.add(document.place("classes"), text)
    for number, name in enumerate(classes):
        if name in classes[:number]:
            place = document.place("classes", number)
            document.problems.add(place, f"class '{name}' is given twice")
    return tuple(classes)


def precedence(document: Document, name: str | None) -> int:
    """Return the number of a class, 0 going first; of none, the last.

    Raises
    ------
    FaultyError
        If there is no such class.
    """
    classes = document.file.classes
    if name is None:
        return max(len(classes) - 1, 0)
    if name in classes:
        return classes.index(name)
    if document.left_out("classes"):
        return 0
    raise FaultyError(("class",), f"no class '{name}'{document.problems.suggest(name, classes)}")


def read_scheduling(document: Document, text: str, *path: str | int) -> Scheduling:
    """Return the scheduling of a field, after recording a priority that prefers nothing."""
    if text == "priority" and _single(document):
        document.problems.add(document.place(*path), ALONE)
    return "priority" if text == "priority" else "fifo"


def read_scheduling_cell(document: Document, text: str) -> Scheduling:
    """Return the scheduling of a cell of a table.

    Raises
    ------
    ValueError
        If it is none, or a priority that prefers nothing.
    """
    if text not in get_args(Scheduling):
        raise ValueError(f"'{text}' must be 'fifo' or 'priority'")
    if text == "priority" and _single(document):
        raise ValueError(ALONE)
    return "priority" if text == "priority" else "fifo"


def _single(document: Document) -> bool:
    return len(document.file.classes) == 1 and not document.left_out("classes")
