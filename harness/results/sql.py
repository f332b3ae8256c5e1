"""SQL over runs: the tables of ``columns`` as DuckDB views, over Parquet where a run is finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from harness.core.errors import UsageError

from .columns import TABLES, Type
from .parquet import files, read
from .runs import StoredRun

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def to_json(self) -> list[dict[str, Any]]:
        """The rows as objects; times as text."""
        return [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]


def connect(runs: Sequence[StoredRun]) -> duckdb.DuckDBPyConnection:
    """A database in memory with a view for each table; every time in it is UTC."""
    connection = duckdb.connect()
    finished = [run for run in runs if run.finished]
    others = [run for run in runs if not run.finished]
    for table in TABLES:
        paths = files(finished, table)
        sources = [_files(paths)] if paths else []
        if others or not paths:
            connection.register(f"unfinished_{table}", _plain_table(read(table, others)))
            sources.append(f"from unfinished_{table}")
        whole = " union all by name ".join(f"({source})" for source in sources)
        connection.execute(f"create view {table} as {_select(table)} from ({whole})")
    return connection


def ask(sql: str, runs: Sequence[StoredRun]) -> Answer:
    """What a query over the runs gives.

    Raises:
        UsageError: DuckDB cannot make sense of it.
    """
    try:
        done = connect(runs).execute(sql)
        found = done.fetchall()
    except duckdb.Error as wrong:
        raise _refused(wrong) from wrong
    return Answer(tuple(column[0] for column in done.description or ()), tuple(found))


def ask_frame(sql: str, runs: Sequence[StoredRun]) -> pd.DataFrame:
    """The same as a frame.

    Raises:
        UsageError: DuckDB cannot make sense of it.
    """
    try:
        return connect(runs).execute(sql).df()
    except duckdb.Error as wrong:
        raise _refused(wrong) from wrong


def _files(paths: Sequence[Path]) -> str:
    """A source over Parquet files; a column that an older file lacks is null there."""
    names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"from read_parquet([{names}], union_by_name = true)"


def _select(table: str) -> str:
    times = [column.name for column in TABLES[table] if column.type is Type.TIME]
    changed = ", ".join(f"{name} at time zone 'UTC' as {name}" for name in times)
    return f"select * replace ({changed})" if times else "select *"


def _plain_table(table: pa.Table) -> pa.Table:
    """The table with its names as text, as DuckDB reads them from Parquet."""
    plain = [
        pa.field(field.name, field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(plain))


def _refused(wrong: duckdb.Error) -> UsageError:
    return UsageError(f"the query cannot be answered: {wrong}", fix="'from runs' and 'describe verdicts' show columns.")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else str(value)
