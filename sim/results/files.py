"""The files of a results folder, but for the charts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.results import trace
from sim.results.columns import Column, Table
from sim.results.run import Results
from sim.results.summary import Summary, dumps, summarise
from sim.results.tables import tables
from sim.scenario.resolved import check_text, meeting_text


def write(results: Results, folder: Path, *, created: datetime) -> Summary:
    """Write `summary.json`, the tables, the resolved scenario and the traces; return the summary.

    Parameters
    ----------
    folder : an existing, empty folder
    created : when the run ended, UTC; it goes under `provenance` and nowhere else

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    meeting = meeting_text(results.scenario)
    resolved = meeting + check_text(results.scenario)
    (folder / "scenario.yaml").write_text(resolved, encoding="utf-8")
    content = tables(results)
    for name, table in content.items():
        write_table(table, folder / f"{name}.parquet")
    for traced in results.traces:
        trace.write_csv(traced, results.network, folder)
    summary = summarise(results, content, meeting=meeting, created=created)
    (folder / "summary.json").write_text(dumps(summary), encoding="utf-8")
    return summary


def write_table(table: Table, path: Path) -> None:
    """Write a table as Parquet.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    pq.write_table(_arrow(table), path)


def _arrow(table: Table) -> pa.Table:
    """Return the table with each column's unit in its field's metadata, the unknown as null."""
    fields = [
        pa.field(column.name, _type(column), metadata={"unit": column.unit}) for column in table
    ]
    arrays = [_array(column) for column in table]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _array(column: Column) -> pa.Array:
    unknown = None if column.known is None else ~column.known
    return pa.array(column.values, type=_type(column), mask=unknown, from_pandas=True)


def _type(column: Column) -> pa.DataType:
    if isinstance(column.values, list):
        return pa.string()
    return pa.int64() if column.values.dtype == np.int64 else pa.float64()
