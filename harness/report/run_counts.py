"""A stored run counted for a page: verdicts by family and provider, and what was broken, grouped by contract."""

from __future__ import annotations

import os
import shlex
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.verdict import Verdict
from harness.results.runs import StoredRun

VERDICT_COLUMNS = ("case_name", "provider", "contract", "family", "verdict", "sentence", "evidence", "findings", "note")
BAD = (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)


@dataclass
class RunCounts:
    """What a page says of a run. ``cells`` counts verdicts by family and provider; ``broken`` has rows by contract."""

    run: StoredRun
    facts: Mapping[str, Any]
    cassettes: Mapping[str, str | None]
    cells: dict[tuple[str, str], Counter[Verdict]] = field(default_factory=lambda: defaultdict(Counter))
    broken: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def command(self, case: str, contract: str) -> str | None:
        """The command that judges the case's cassette again; None where it has none."""
        cassette = self.cassettes.get(case)
        if cassette is None:
            return None
        return f"harness replay {shlex.quote(shown(self.run.path / cassette))} --contract {contract}"


def run_counts(run: StoredRun) -> RunCounts:
    """Count a run, whether it came to its end or not."""
    cases = run.rows("cases", ("case_name", "cassette"))
    counts = RunCounts(run, run.run_row(), {row["case_name"]: row["cassette"] for row in cases})
    for row in run.rows("verdicts", VERDICT_COLUMNS):
        verdict = Verdict(row["verdict"])
        counts.cells[row["family"], row["provider"]][verdict] += 1
        if verdict in BAD:
            counts.broken[row["contract"]].append(row)
    return counts


def shown(path: Path) -> str:
    """A path as one would type it from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
