"""A baseline: the findings of one run in a file that people review, line by line.

JSON with a subject a line, in the findings' order; the same findings are the same bytes. A file is
untrusted text: whatever it holds, reading it gives findings or one problem with its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from sim.compare.findings import DIGITS, LISTS, TABLES, Findings, Row, Table, Value, plain
from sim.compare.measure import MET
from sim.errors import ScenarioError
from sim.scenario.folder import UnreadableError, read_text
from sim.units import printable

FORMAT = 1
AT = "_at"
_HEAD = {
    "scenario": str,
    "seed": Decimal,
    "duration_ns": Decimal,
    "timetable": str,
    "fingerprint": str,
}
_LARGEST = 30  # power of ten; no figure comes near


def baseline_text(findings: Findings) -> str:
    """Return the findings as the text of a baseline."""
    return "\n".join(_lines(findings)) + "\n"


def read_baseline(path: Path, *, remedy: str) -> Findings:
    """Return the findings of a baseline.

    Parameters
    ----------
    remedy : the command that writes the file anew, for messages

    Raises
    ------
    ScenarioError
        If it cannot be read, or is no baseline of this format.
    """
    try:
        return _findings(_json(read_text(path)))
    except UnreadableError as error:
        advice = "write it" if str(error) == "does not exist" else "write it anew"
        raise ScenarioError.at(str(path), 0, 0, "", f"{error}; {advice}: {remedy}") from None
    except json.JSONDecodeError as error:
        text = f"is not JSON: {error.msg.lower()}; write it anew: {remedy}"
        raise ScenarioError.at(str(path), error.lineno, error.colno, "", text) from None
    except RecursionError:
        text = f"is nested too deeply; write it anew: {remedy}"
        raise ScenarioError.at(str(path), 0, 0, "", text) from None
    except _WrongError as error:
        text = f"{error}; write it anew: {remedy}"
        raise ScenarioError.at(str(path), 0, 0, printable(error.where), printable(text)) from None


class _WrongError(Exception):
    """Something in a baseline that is not what it must be; `where` says where."""

    def __init__(self, where: str, text: str) -> None:
        super().__init__(text)
        self.where = where


def _lines(findings: Findings) -> Iterator[str]:
    yield "{"
    yield f'  "baseline": {FORMAT},'
    yield f'  "significant_digits": {DIGITS},'
    yield f'  "scenario": {_quoted(findings.scenario)},'
    yield f'  "seed": {findings.seed},'
    yield f'  "duration_ns": {findings.duration_ns},'
    yield f'  "timetable": {_quoted(findings.timetable)},'
    yield f'  "fingerprint": {_quoted(findings.fingerprint)},'
    for name in TABLES:
        yield from _table(name, findings.tables[name], "  ", ",")
    for name in LISTS:
        kinds = findings.lists[name]
        yield f"  {_quoted(name)}: {{"
        for number, (kind, rows) in enumerate(kinds.items(), start=1):
            yield from _table(kind, rows, "    ", "," if number < len(kinds) else "")
        yield "  }," if name != LISTS[-1] else "  }"
    yield "}"


def _table(name: str, rows: Table, indent: str, end: str) -> Iterator[str]:
    yield f"{indent}{_quoted(name)}: {{"
    for number, (subject, row) in enumerate(rows.items(), start=1):
        comma = "," if number < len(rows) else ""
        yield f"{indent}  {_quoted(subject)}: {_row(row)}{comma}"
    yield f"{indent}}}{end}"


def _row(row: Row) -> str:
    fields = [f'"place": {_quoted(row.place)}'] if row.place else []
    for name, value in row.figures.items():
        fields.append(f'"{name}": {_figure(name, value)}')
        if name in row.at:
            fields.append(f'"{name}{AT}": {_quoted(row.at[name])}')
    return "{" + ", ".join(fields) + "}"


def _figure(measure: str, value: Value) -> str:
    if value is None:
        return "null"
    if measure == MET:
        return "true" if value else "false"
    return f"{plain(value):f}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json(text: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise _WrongError(twice, "is there twice")
        for text in (*found, *(value for value in found.values() if isinstance(value, str))):
            # JSON can write what no UTF-8 can.
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise _WrongError("", "a text has half a character")
        return found

    def constant(name: str) -> Any:
        raise _WrongError("", f"{name} is no figure")

    read = json.loads(
        text,
        parse_float=_number,
        parse_int=_number,
        parse_constant=constant,
        object_pairs_hook=once,
    )
    if not isinstance(read, dict):
        raise _WrongError("", "is not a baseline")
    return read


def _number(text: str) -> Decimal:
    number = Decimal(text) if len(text) <= 2 * _LARGEST else Decimal("Infinity")
    if not number.is_finite() or not 0 <= number < Decimal(10) ** _LARGEST:
        raise _WrongError("", f"{text[:_LARGEST]} is no figure")
    if number and number.adjusted() < -_LARGEST:
        raise _WrongError("", f"{text[:_LARGEST]} is no figure")
    return number


def _findings(read: dict[str, Any]) -> Findings:
    if read.get("baseline") != FORMAT:
        raise _WrongError("baseline", f"is not of format {FORMAT}, which this program reads")
    for name, kind in _HEAD.items():
        if not isinstance(read.get(name), kind):
            raise _WrongError(name, "is missing or not what it should be")
    for name in read.keys() - _HEAD.keys() - {"baseline", "significant_digits", *TABLES, *LISTS}:
        raise _WrongError(name, "is no part of a baseline")
    # What this program keeps and the one that wrote the file did not is new, and no fault.
    if not any(read.get(name) for name in TABLES):
        raise _WrongError("", "holds no figure")
    return Findings(
        scenario=read["scenario"],
        seed=int(read["seed"]),
        duration_ns=int(read["duration_ns"]),
        timetable=read["timetable"],
        fingerprint=read["fingerprint"],
        tables={name: _read_table(read.get(name, {}), name) for name in TABLES},
        lists={
            name: {
                kind: _read_table(rows, f"{name}.{kind}")
                for kind, rows in _mapping(read.get(name, {}), name).items()
            }
            for name in LISTS
        },
    )


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _WrongError(where, "is not a mapping")
    return value


def _read_table(value: Any, where: str) -> Table:
    return {
        subject: _read_row(row, f"{where}.{subject}")
        for subject, row in _mapping(value, where).items()
    }


def _read_row(value: Any, where: str) -> Row:
    figures: dict[str, Value] = {}
    at: dict[str, str] = {}
    place = ""
    for name, found in _mapping(value, where).items():
        if isinstance(found, str) and name == "place":
            place = found
        elif isinstance(found, str) and name.endswith(AT):
            at[name.removesuffix(AT)] = found
        elif name == MET and isinstance(found, bool):
            figures[name] = Decimal(found)
        elif found is None or isinstance(found, Decimal):
            figures[name] = found
        else:
            raise _WrongError(f"{where}.{name}", "is no figure")
    return Row(figures=figures, place=place, at=at)
