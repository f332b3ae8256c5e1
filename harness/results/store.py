"""Where a run is kept: one folder, written while it runs, so that an interrupted run keeps what it has.

``results/<run>/run.json`` says what is run, and at the end what came of it. ``<table>.ndjson`` has rows of each table
of ``columns``, appended as soon as a case is over; at the end ``<table>.parquet`` has them all. ``cassettes/`` has the
recordings.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from harness.core.case import Case
from harness.core.errors import CassetteWrite
from harness.core.recording import Recording
from harness.core.verdict import Judgement

from .raced import race_rows
from .rows import Row, case_row, exchange_rows, probe_row, verdict_rows

RESULTS = Path("results")
FACTS = "run.json"
JOURNALS = ("cases", "verdicts", "exchanges", "segments", "probes", "races")
"""The tables that grow while a run goes on; ``runs`` follows from ``run.json``."""


def new_run_id() -> str:
    """A run's id: the time in UTC, and four digits that keep two runs of one second apart."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class RunFolder:
    """One run's folder. Rows are appended whole, one write a case and table: what is there is readable at any time."""

    def __init__(self, run: str, *, root: Path = RESULTS, facts: Mapping[str, Any] | None = None) -> None:
        """Make the folder; ``facts`` (target, defect, seed, jobs, planned, contracts) say what is going to be run.

        Raises:
            CassetteWrite: it cannot be made.
        """
        self.run = run
        self.path = root / run
        self._facts: dict[str, Any] = {"run": run, "finished": False, **(facts or {}), **environment()}
        try:
            self.path.mkdir(parents=True, exist_ok=False)
            self._journals = {name: _open(self.path / f"{name}.ndjson") for name in JOURNALS}
            write_json(self.path / FACTS, self._facts)
        except OSError as failure:
            raise CassetteWrite(
                f"cannot be written: {failure.strerror}",
                where=str(self.path),
                fix="Give a folder that can be written with --results.",
            ) from failure

    def cassette(self, case: Case) -> Path:
        """Where the case's cassette belongs."""
        return self.path / "cassettes" / f"{case}.yaml"

    def add(
        self, case: Case, judgements: Sequence[Judgement], seconds: float, recording: Recording | None = None
    ) -> None:
        """Append a case: its verdicts, and what its recording shows. Its row of ``cases`` comes last and ends it."""
        exchanges = list(exchange_rows(case, recording)) if recording else []
        probes = [probe_row(case, probe) for probe in recording.probes] if recording else []
        cassette = self.cassette(case).relative_to(self.path) if recording else None
        self._append("verdicts", verdict_rows(case, judgements))
        self._append("exchanges", [row for row, _ in exchanges])
        self._append("segments", [segment for _, segments in exchanges for segment in segments])
        self._append("probes", probes)
        self._append("races", race_rows(case, recording) if recording else ())
        self._append("cases", [case_row(case, judgements, seconds, recording, cassette)])

    def finish(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Write the Parquet files, then ``run.json``, and close the folder; gives what ``run.json`` says."""
        from .parquet import write_run

        for journal in self._journals.values():
            os.close(journal)
        self._facts |= {**facts, "finished": True}
        write_run(self.path, self._facts)
        write_json(self.path / FACTS, self._facts)
        return self._facts

    def _append(self, table: str, rows: Iterable[Row]) -> None:
        data = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        if data:
            os.write(self._journals[table], data)


def environment() -> dict[str, Any]:
    """When and on what a run is done."""
    return {
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "harness": version("llm-contract-harness"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
    }


def write_json(path: Path, document: Any) -> None:
    """Put a document in a file's place at once: whoever reads it sees the old one or the new one, whole."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(path)


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
