"""A run read back from its folder: what charts and comparisons need of it, checked.

A folder may be damaged, of another version, or no results at all. Everything that is missing is
found when the run is opened, and said in a line each; what has been opened can be used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.errors import Problem, ResultsError
from sim.results.folder import RUN_NAME
from sim.results.stored_columns import FIELDS, OPTIONAL, SUMMARY, TABLES, Kind
from sim.results.summary import Summary
from sim.scenario.folder import UnreadableError, read_text

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
_OLDER = "run the scenario again if it was written by an older version"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTable:
    """The columns of one table that are read, each of the same length.

    Texts stay in Arrow until they are asked for: there may be millions.
    """

    columns: Mapping[str, NDArray[Any] | pa.ChunkedArray]

    def texts(self, name: str, rows: Int64Array | None = None) -> list[str]:
        """Return a column of text, or some rows of it."""
        column = self._text(name)
        found: list[str] = (column if rows is None else column.take(pa.array(rows))).to_pylist()
        return found

    def equal(self, name: str, text: str) -> NDArray[np.bool_]:
        """Return which rows of a column of text have this one."""
        same: NDArray[np.bool_] = pc.equal(self._text(name), text).to_numpy()
        return same

    def kinds(self, name: str) -> tuple[list[str], Int64Array]:
        """Return the texts that occur in a column, and for each row the number of its text."""
        encoded = self._text(name).combine_chunks().dictionary_encode()
        return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)

    def _text(self, name: str) -> pa.ChunkedArray:
        column = self.columns[name]
        assert isinstance(column, pa.ChunkedArray), name
        return column

    def counts(self, name: str) -> Int64Array:
        """Return a column of integers, all known."""
        values = self.columns[name]
        assert isinstance(values, np.ndarray), name
        assert values.dtype == np.int64, name
        return values

    def numbers(self, name: str) -> Float64Array:
        """Return a column of numbers; NaN is what is not known."""
        values = self.columns[name]
        assert isinstance(values, np.ndarray), name
        assert values.dtype == np.float64, name
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """What no room, line or egress may exceed over the meeting, by a requirement on all of them.

    Attributes
    ----------
    subject : `rooms`, `lines` or `egresses`
    measure : such as `loss` or `utilisation`
    limit : a share, or ms
    """

    subject: str
    measure: str
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One run as its folder tells it.

    Attributes
    ----------
    folder : where it is
    summary : content of `summary.json`
    scenario : the scenario's name
    duration_ms : length of the meeting
    tiers : from the root down
    rooms : of each tier
    ceilings : of the requirements that set one, in their order
    tables : by name; those that a run need not have only where it has them
    """

    folder: Path
    summary: Summary
    scenario: str
    duration_ms: float
    tiers: tuple[str, ...]
    rooms: Mapping[str, int]
    ceilings: tuple[Ceiling, ...]
    tables: Mapping[str, StoredTable]

    def limits(self, subject: str, measure: str) -> list[float]:
        """Return what the requirements allow, each value once, in order."""
        return sorted(
            {
                ceiling.limit
                for ceiling in self.ceilings
                if (ceiling.subject, ceiling.measure) == (subject, measure)
            }
        )


def find_run(path: Path) -> Path:
    """Return the folder of a run: the one given, or the newest in the folder of a scenario.

    Raises
    ------
    ResultsError
        If there is no run.
    """
    if not path.exists():
        raise _error(path, "does not exist")
    if not path.is_dir():
        raise _error(path, "is a file; results are a folder")
    if (path / SUMMARY).exists():
        return path
    try:
        inside = [each for each in path.iterdir() if each.is_dir()]
        runs = [each for each in inside if RUN_NAME.fullmatch(each.name)]
        scenarios = sorted(each.name for each in inside if _holds_runs(each))
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}") from None
    if runs:
        # The name begins with the time, to the second; of two in one, the later written.
        return max(runs, key=lambda run: (run.name[:15], run.stat().st_mtime_ns))
    if scenarios:
        raise _error(path, f"holds scenarios, not runs; name one, such as {path / scenarios[0]}")
    raise _error(path, f"is no results folder: it has no {SUMMARY}, and no run in it")


def read_run(folder: Path) -> Stored:
    """Return the run in a folder.

    Raises
    ------
    ResultsError
        If a file is missing, damaged, or lacks what it should hold; with all that is wrong.
    """
    problems: list[Problem] = []
    summary = _read_summary(folder / SUMMARY, problems)
    tables = {
        name: _read_table(folder / f"{name}.parquet", columns, problems)
        for name, columns in {**TABLES, **_present(folder)}.items()
    }
    if not problems:
        problems += _contradictions(folder, summary, tables)
    if problems:
        raise ResultsError(problems)
    return Stored(
        folder=folder,
        summary=summary,
        scenario=summary["scenario"],
        duration_ms=1000 * summary["simulated_s"],
        tiers=tuple(summary["sites"]),
        rooms=summary["endpoints"],
        ceilings=tuple(
            Ceiling(
                subject=requirement["subject"],
                measure=requirement["measure"],
                limit=requirement["limit"],
            )
            for requirement in summary["requirements"]
            if _is_ceiling(requirement)
        ),
        tables=tables,
    )


def _present(folder: Path) -> Mapping[str, Mapping[str, Kind]]:
    return {
        name: columns
        for name, columns in OPTIONAL.items()
        if (folder / f"{name}.parquet").is_file()
    }


def _holds_runs(folder: Path) -> bool:
    return any(RUN_NAME.fullmatch(each.name) for each in folder.iterdir())


def _error(path: Path, text: str) -> ResultsError:
    return ResultsError([Problem(file=str(path), text=text)])


def _read_summary(path: Path, problems: list[Problem]) -> Summary:
    def wrong(text: str) -> Summary:
        problems.append(Problem(file=str(path), text=text))
        return {}

    try:
        summary = json.loads(read_text(path))
    except UnreadableError as error:
        return wrong(str(error))
    except (ValueError, RecursionError):
        return wrong("is not JSON, or damaged")
    if not isinstance(summary, dict):
        return wrong("is not the summary of a run")
    lacking = [name for name in FIELDS if name not in summary]
    if lacking:
        return wrong(f"lacks {_named(lacking)}; {_OLDER}")
    twisted = [name for name in FIELDS if not _is_what_it_should_be(name, summary[name])]
    if twisted:
        return wrong(f"has something else than it should in {_named(twisted)}")
    return summary


def _is_what_it_should_be(name: str, value: object) -> bool:
    if name == "simulated_s":
        return _is_number(value) and float(value) > 0  # type: ignore[arg-type]
    if not isinstance(value, FIELDS[name]):
        return False
    if name in ("sites", "endpoints"):
        return bool(value) and all(type(count) is int for count in value.values())  # type: ignore[attr-defined]
    if name == "delay_ms_at":
        return all(_is_delay(each) for each in value.values())  # type: ignore[attr-defined]
    if name == "requirements":
        return all(_is_requirement(each) for each in value)  # type: ignore[attr-defined]
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_delay(value: object) -> bool:
    figures = ("p50", "p95", "p99", "max")
    return isinstance(value, dict) and all(
        figure in value and (value[figure] is None or _is_number(value[figure]))
        for figure in figures
    )


def _is_requirement(value: object) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(value.get(field), str) for field in ("subject", "measure"))
        and "limit" in value
        and (value["limit"] is None or _is_number(value["limit"]))
    )


def _is_ceiling(requirement: Mapping[str, Any]) -> bool:
    """Return whether a limit is on what charts show: on all, over the meeting, from above."""
    return (
        requirement["limit"] is not None
        and requirement.get("of") is None
        and requirement.get("span_ms") is None
        and requirement.get("sense", "at most") == "at most"
    )


def _read_table(path: Path, columns: Mapping[str, Kind], problems: list[Problem]) -> StoredTable:
    def wrong(text: str) -> StoredTable:
        problems.append(Problem(file=str(path), text=text))
        return StoredTable(columns={})

    if not path.is_file():
        return wrong("does not exist")
    try:
        schema = pq.read_schema(path)
        lacking = [name for name in columns if name not in schema.names]
        if lacking:
            return wrong(f"lacks {_named(lacking)}; {_OLDER}")
        table = pq.read_table(path, columns=list(columns), partitioning=None)
        read = {name: _values(table.column(name), kind) for name, kind in columns.items()}
    except (pa.ArrowException, OSError, ValueError):
        return wrong("is not a table of results, or damaged")
    twisted = [name for name, values in read.items() if values is None]
    if twisted:
        return wrong(f"has something else than it should in {_named(twisted)}")
    return StoredTable(columns={name: each for name, each in read.items() if each is not None})


def _values(column: pa.ChunkedArray, kind: Kind) -> NDArray[Any] | pa.ChunkedArray | None:
    """Return a column's values; None if they are not of the kind."""
    if kind == "number":
        known = pa.types.is_floating(column.type)
        return column.to_numpy().astype(np.float64) if known else None
    if column.null_count:
        return None
    if kind == "count":
        return column.to_numpy() if pa.types.is_int64(column.type) else None
    return column if pa.types.is_string(column.type) else None


def _named(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _contradictions(
    folder: Path, summary: Summary, tables: Mapping[str, StoredTable]
) -> list[Problem]:
    """Return where files do not belong together."""
    found: list[Problem] = []

    def wrong(name: str, text: str) -> None:
        found.append(Problem(file=str(folder / name), text=text))

    rooms = sum(summary["endpoints"].values())
    rows = tables["endpoints"].counts("due").size
    if rows != rooms:
        wrong("endpoints.parquet", f"has {rows} rooms where {SUMMARY} has {rooms}")
    tiers = list(summary["sites"])
    if list(summary["endpoints"]) != tiers or list(summary["delay_ms_at"]) != tiers:
        wrong(SUMMARY, "has other tiers in one place than in another")
    for name in ("lines", "egresses", "delays"):
        others = sorted(set(tables[name].kinds("tier")[0]) - set(tiers))
        if others:
            wrong(f"{name}.parquet", f"has a tier '{others[0]}' that {SUMMARY} lacks")
    for name in ("joins", "dark"):
        if name in tables:
            strangers = set(tables[name].kinds("site")[0]) - set(tables["endpoints"].texts("site"))
            if strangers:
                wrong(
                    f"{name}.parquet", f"has a room '{min(strangers)}' that endpoints.parquet lacks"
                )
    if not _is_course(tables["timeline"]):
        wrong("timeline.parquet", "is damaged: not every bin has every group")
    return found


def _is_course(timeline: StoredTable) -> bool:
    """Return whether every bin has the same groups, all rooms first, with rooms in each."""
    kinds = timeline.texts("group")
    groups = list(zip(kinds, timeline.texts("id"), strict=True))
    starts_ms = timeline.numbers("start_ms")
    if not kinds or kinds[0] != "all" or not timeline.counts("rooms").all():
        return False
    size = groups.index(groups[0], 1) if groups.count(groups[0]) > 1 else len(groups)
    bins, rest = divmod(len(groups), size)
    first_ms = timeline.numbers("end_ms")[0] - starts_ms[0]
    return (
        not rest
        and first_ms > 0
        and groups == groups[:size] * bins
        and bool((starts_ms.reshape(bins, size) == starts_ms[::size, None]).all())
    )
