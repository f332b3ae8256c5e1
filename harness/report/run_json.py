"""A stored run as one JSON object: what ``run.json`` says; where the run was broken off, counted from what there is."""

from __future__ import annotations

import json
from typing import Any

from harness.results.rows import COUNTS
from harness.results.runs import StoredRun

from .run_counts import run_counts


def stored_json(run: StoredRun) -> dict[str, Any]:
    """The same fields as ``harness run --json`` gives."""
    if run.finished:
        return dict(run.facts)
    counts = run_counts(run)
    row = counts.facts
    return {
        **run.facts,
        "interrupted": True,
        "cases": row["cases"],
        "verdicts": {verdict.value: row[column] or 0 for verdict, column in COUNTS.items()},
        "failures": [
            {"contract": contract, "case": one["case_name"], "verdict": one["verdict"], "note": one["note"] or ""}
            | {"cassette": counts.cassettes.get(one["case_name"]), "violations": json.loads(one["findings"] or "[]")}
            for contract, rows in counts.broken.items()
            for one in rows
        ],
    }
