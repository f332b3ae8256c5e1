"""Cassettes to keep: where they belong, and what the recording of a defect declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from harness.cassettes import file
from harness.core.case import Case

from .judge import failures
from .run import CaseResult

FAILURES = "failures"
VIOLATIONS = "violations"


def place(folder: Path, defect: str | None) -> Callable[[Case], Path]:
    """Where a case's cassette is kept: below the folder by its name, below ``failures/<defect>`` with a defect."""
    root = folder if defect is None else folder / FAILURES / defect
    return lambda case: root / f"{case}.yaml"


def declare(results: Iterable[CaseResult]) -> list[Path]:
    """Write into each recording of a defect which contracts it breaks; those that break none are taken away.

    Gives the cassettes that are left. Judging them later must find exactly what they declare.
    """
    kept = []
    for done in results:
        if done.cassette is None:
            continue
        violations = sorted(judgement.contract for judgement in failures(done.judgements))
        if not violations:
            done.cassette.unlink()
            continue
        recording = file.load(done.cassette)
        asked = {**recording.header.asked, VIOLATIONS: violations}
        file.write(done.cassette, replace(recording, header=replace(recording.header, asked=asked)))
        kept.append(done.cassette)
    return kept
