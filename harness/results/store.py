"""Where a run is kept: one folder, written while it runs, so that an interrupted run keeps what it has.

``results/<run>/run.json`` says what was run; ``verdicts.ndjson`` has a line for each contract and case as soon as the
case is over; ``cassettes/`` has its recordings.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.core.case import Case
from harness.core.errors import CassetteWrite
from harness.core.verdict import Judgement

RESULTS = Path("results")


def new_run_id() -> str:
    """A run's id: the time in UTC, and four digits that keep two runs of one second apart."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class RunFolder:
    """One run's folder. Lines are appended whole, one write each: what is in the file is readable at any time."""

    def __init__(self, run: str, *, root: Path = RESULTS) -> None:
        """Make the folder.

        Raises:
            CassetteWrite: it cannot be made.
        """
        self.run = run
        self.path = root / run
        try:
            self.path.mkdir(parents=True, exist_ok=False)
            self._verdicts = os.open(self.path / "verdicts.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as failure:
            raise CassetteWrite(
                f"cannot be written: {failure.strerror}",
                where=str(self.path),
                fix="Give a folder that can be written with --results.",
            ) from failure

    def cassette(self, case: Case) -> Path:
        """Where the case's cassette belongs."""
        return self.path / "cassettes" / f"{case}.yaml"

    def add(self, case: Case, judgements: Iterable[Judgement], seconds: float) -> None:
        """Append a case's verdicts."""
        lines = [json.dumps(_row(self.run, case, one, seconds), ensure_ascii=False) for one in judgements]
        if lines:
            os.write(self._verdicts, ("\n".join(lines) + "\n").encode())

    def finish(self, facts: Mapping[str, Any]) -> Path:
        """Write ``run.json`` and close the folder."""
        os.close(self._verdicts)
        path = self.path / "run.json"
        path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def _row(run: str, case: Case, judgement: Judgement, seconds: float) -> dict[str, Any]:
    return {
        "run": run,
        "target": case.target,
        "system": case.system,
        "scenario": case.scenario,
        "provider": case.provider,
        "fault": case.fault,
        "contract": judgement.contract,
        "verdict": judgement.verdict.value,
        "subjects": judgement.subjects,
        "note": judgement.note,
        "violations": [
            {"sentence": v.sentence, "evidence": [str(pointer) for pointer in v.evidence]} for v in judgement.violations
        ],
        "case_seconds": round(seconds, 4),
    }
