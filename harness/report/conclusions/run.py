"""Which run it is, in words."""

from __future__ import annotations

import pandas as pd

from harness.report.nouns import number
from harness.report.run_counts import shown
from harness.results.frames import Frames

from .phrases import Words, code


def run(frames: Frames) -> Words:
    """The run that a notebook looks at: its id, what was exercised, how, and where it is kept."""
    told = (_one(row, shown(kept.path)) for row, kept in zip(_rows(frames), frames.stored, strict=True))
    return Words(tuple(told), answer=False)


def _rows(frames: Frames) -> list[dict[str, object]]:
    return [{str(key): value for key, value in row.items()} for row in frames.runs.to_dict("records")]


def _one(row: dict[str, object], folder: str) -> str:
    defect = f" with the defect {code(row['defect'])}" if isinstance(row["defect"], str) else ""
    seconds = row["seconds"]
    took = f" in {seconds:.1f} s" if isinstance(seconds, float) and pd.notna(seconds) else ""
    jobs = "" if pd.isna(row["jobs"]) else f", up to {row['jobs']} at once"  # type: ignore[call-overload]
    cases = number(int(str(row["cases"])), "case")
    when = f"{row['started_at']:%Y-%m-%d %H:%M:%S} UTC" if isinstance(row["started_at"], pd.Timestamp) else "unknown"
    return (
        f"Run {code(row['run'])} of {when}: {code(row['target'])}{defect}, {cases}{took}{jobs}; kept in {code(folder)}."
    )
