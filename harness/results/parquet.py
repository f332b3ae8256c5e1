"""The tables as Arrow and Parquet: written at the end of a run, read for one run or many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

from harness.core.errors import UsageError

from .columns import TABLES, Column, Type
from .rows import Row
from .runs import StoredRun, read_ndjson, run_row
from .store import JOURNALS

_TYPES: Mapping[Type, pa.DataType] = {
    Type.NAME: pa.dictionary(pa.int32(), pa.string()),
    Type.TEXT: pa.string(),
    Type.COUNT: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.FLAG: pa.bool_(),
    Type.TIME: pa.timestamp("us", tz="UTC"),
    Type.JSON: pa.string(),
}


def schema(table: str) -> pa.Schema:
    """The table's declared columns as an Arrow schema, unit and meaning in the fields' metadata."""
    return pa.schema([_field(column) for column in TABLES[table]])


def write_run(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write every table of a run from what was appended while it ran."""
    for name in JOURNALS:
        _write(folder / f"{name}.parquet", to_arrow(name, list(read_ndjson(folder / f"{name}.ndjson")), facts["run"]))
    _write(folder / "runs.parquet", to_arrow("runs", [run_row(dict(facts))], facts["run"]))


def to_arrow(table: str, rows: Sequence[Row], run: str) -> pa.Table:
    """Rows as they were appended, as an Arrow table with every declared column.

    They go by way of Arrow's own reader of JSON: ``pa.array`` would import pandas, and a run would wait for it.
    """
    if not rows:
        return _empty(table)
    parts = {name: _case_parts(name) for name in {row["case_name"] for row in rows}} if table != "runs" else {}
    data = msgspec.json.Encoder().encode_lines(
        [{**row, **parts.get(row.get("case_name", ""), {}), "run": run} for row in rows]
    )
    found = pj.read_json(
        pa.py_buffer(data),
        read_options=pj.ReadOptions(block_size=len(data)),
        parse_options=pj.ParseOptions(explicit_schema=_plain(table), unexpected_field_behavior="ignore"),
    )
    return found.select(schema(table).names).cast(schema(table))


def read(table: str, runs: Iterable[StoredRun], columns: Sequence[str] | None = None) -> pa.Table:
    """A table over many runs, or some columns of it; runs that did not come to their end are read from what they had
    appended.
    """
    names = [column.name for column in TABLES[table]] if columns is None else list(columns)
    tables: list[pa.Table] = []
    for finished, some in groupby(runs, key=lambda run: run.finished):
        if finished:
            tables.append(_read_files(files(some, table), table, names))
        else:
            tables += [_read_journal(run, table).select(names) for run in some]
    return pa.concat_tables(tables) if tables else _empty(table).select(names)


def files(runs: Iterable[StoredRun], table: str) -> list[Path]:
    """The Parquet files of a table; a run from before there was such a table has none."""
    return [path for path in (run.path / f"{table}.parquet" for run in runs) if path.is_file()]


def _read_files(paths: Sequence[Path], table: str, columns: list[str]) -> pa.Table:
    """Many files at once; a column that an older file lacks is null there."""
    if not paths:
        return _empty(table).select(columns)
    import pyarrow.dataset as ds  # it imports pandas, for which a run that only writes need not wait

    names = [column.name for column in TABLES[table] if column.type is Type.NAME]
    options = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(dictionary_columns=names))
    return ds.dataset([str(path) for path in paths], schema=schema(table), format=options).to_table(columns=columns)


def _read_journal(run: StoredRun, table: str) -> pa.Table:
    try:
        return to_arrow(table, [run.run_row()] if table == "runs" else run.journal(table), run.id)
    except (KeyError, pa.ArrowInvalid):
        raise UsageError(
            f"{run.path} was left unfinished by another version of the harness, whose {table} cannot be read: "
            "move it out of the folder of runs, or name the runs you ask about"
        ) from None


def _write(path: Path, table: pa.Table) -> None:
    new = path.with_suffix(".new")
    pq.write_table(table, new, compression="zstd")
    new.replace(path)


def _field(column: Column) -> pa.Field:
    return pa.field(column.name, _TYPES[column.type], metadata={"unit": column.unit, "meaning": column.meaning})


def _empty(table: str) -> pa.Table:
    fields = schema(table)
    return pa.Table.from_arrays([pa.chunked_array([], field.type) for field in fields], schema=fields)


def _plain(table: str) -> pa.Schema:
    """The same columns as JSON has them: names and times are text."""
    texts = (Type.NAME, Type.TIME)
    return pa.schema(
        [(column.name, pa.string() if column.type in texts else _TYPES[column.type]) for column in TABLES[table]]
    )


def _case_parts(name: str) -> Mapping[str, str]:
    """The parts of ``target/system/scenario/provider.fault``."""
    target, system, scenario, last = name.rsplit("/", 3)
    provider, _, fault = last.partition(".")
    return {"target": target, "system": system, "scenario": scenario, "provider": provider, "fault": fault}
