"""Runs on the disk: found by folder, id or ``latest``, and read whether they came to their end or not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from harness.core.errors import UnknownName, UsageError

from .rows import COUNTS, Row
from .store import FACTS, RESULTS

LATEST = "latest"
_MAKE_ONE = "'harness run' makes one; say with --results where runs are kept."


@dataclass(frozen=True)
class StoredRun:
    """One run's folder, read only."""

    path: Path

    @property
    def id(self) -> str:
        """The run's id, whatever its folder is called now."""
        return str(self.facts.get("run", self.path.name))

    @cached_property
    def facts(self) -> Row:
        """What ``run.json`` says.

        Raises:
            UsageError: it is not there, or broken.
        """
        try:
            found = json.loads((self.path / FACTS).read_bytes())
        except (OSError, ValueError) as broken:
            raise UsageError(f"{FACTS} cannot be read", where=str(self.path), fix="Is it a run's folder?") from broken
        if not isinstance(found, dict):
            raise UsageError(f"{FACTS} is no object", where=str(self.path), fix="Is it a run's folder?")
        return found

    @property
    def finished(self) -> bool:
        """Whether it came to write its end: then there are Parquet files."""
        return bool(self.facts.get("finished"))

    def journal(self, table: str) -> list[Row]:
        """The rows that were appended while it ran; a line that a kill cut off is left out."""
        return list(read_ndjson(self.path / f"{table}.ndjson"))

    def rows(self, table: str, columns: Sequence[str]) -> list[Row]:
        """Some columns of a table, nulls too, whether the run came to its end or not."""
        from .parquet import read

        found: list[Row] = read(table, [self], columns).to_pylist()
        return found

    def run_row(self) -> Row:
        """The row of ``runs``; where the run did not come to its end, counted from what there is."""
        counted = {} if self.finished else _counted(self.journal("cases"))
        return run_row({**self.facts, **counted})


def run_row(facts: Row) -> Row:
    """The row of ``runs`` that the facts of ``run.json`` come to."""
    verdicts = facts.get("verdicts", {})
    return {**facts, **{column: verdicts.get(verdict.value) for verdict, column in COUNTS.items()}}


def find_run(name: str, root: Path = RESULTS) -> StoredRun:
    """The run of that name: a folder, an id, the beginning of one that is unique, or ``latest``.

    Raises:
        UsageError: there is none, or more than one begins with it.
    """
    for folder in (Path(name), root / name):
        if name and (folder / FACTS).is_file():
            return StoredRun(folder)
    known = all_runs(root)
    if not known:
        raise UsageError("there is no run", where=str(root), fix=_MAKE_ONE)
    if name == LATEST:
        return known[-1]
    found = [run for run in known if run.id == name] or [run for run in known if name and run.id.startswith(name)]
    if len(found) > 1:
        raise UsageError(f"{len(found)} runs begin with '{name}'", where=str(root), fix="Give more of the id.")
    if not found:
        raise UnknownName("run", name, [run.id for run in known[-12:]])
    return found[0]


def find_runs(names: Sequence[str], root: Path = RESULTS) -> list[StoredRun]:
    """The runs of these names, each once; all under the root where none is named."""
    if not names:
        return all_runs(root)
    return list({run.path.resolve(): run for run in (find_run(name, root) for name in names)}.values())


def all_runs(root: Path = RESULTS) -> list[StoredRun]:
    """Every run below a folder, the oldest first: ids begin with the time."""
    return sorted((StoredRun(path.parent) for path in root.glob(f"*/{FACTS}")), key=lambda run: run.id)


def read_ndjson(path: Path) -> Iterator[Row]:
    """The rows of an NDJSON file; none where it is not there. A torn last line is left out.

    Raises:
        UsageError: a line before the last is broken.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    whole = data[: data.rfind(b"\n") + 1]
    try:
        yield from msgspec.json.Decoder(dict[str, Any]).decode_lines(whole)
    except msgspec.DecodeError as broken:
        raise UsageError(f"is broken: {broken}", where=str(path)) from broken


def _counted(cases: Sequence[Row]) -> Row:
    """What a run that did not come to its end has so far."""
    total: Counter[str] = Counter()
    for case in cases:
        total.update({verdict.value: case.get(column, 0) for verdict, column in COUNTS.items()})
    return {"cases": len(cases), "verdicts": dict(total) or {verdict.value: 0 for verdict in COUNTS}}
