"""What ``harness replay`` shows: each cassette's verdicts, the broken ones with their evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from harness.contracts.registry import CONTRACTS
from harness.core.verdict import Verdict
from harness.suite.judge import count, failures
from harness.suite.replay import Replayed

from .matrix import MARKS
from .summary import violation_lines

QUIET = (Verdict.NOT_APPLICABLE, Verdict.UNSUPPORTED)
FEW = 3


def replay_lines(done: Sequence[Replayed]) -> Iterator[Text]:
    """For a few cassettes every verdict that says something; for many only the broken ones; then the count."""
    for one in done:
        shown = [j for j in one.judgements if j.verdict not in QUIET] if len(done) <= FEW else failures(one.judgements)
        if not shown and len(done) > FEW:
            continue
        yield Text.assemble((str(one.path), "bold"), f"  ({_origin(one)})")
        for judgement in shown:
            mark, style = MARKS[judgement.verdict]
            promise = CONTRACTS[judgement.contract].promise
            yield Text.assemble((f"  {mark} {judgement.contract}", style), f"  {promise}")
            for violation in judgement.violations:
                yield violation_lines(violation, indent=6)
            if judgement.note:
                yield Text(f"      {judgement.note}", "dim")
    counts = count([judgement for one in done for judgement in one.judgements])
    shown_counts = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    yield Text(f"{len(done)} cassettes: {shown_counts}", "bold red" if counts[Verdict.FAIL] else "bold green")


def _origin(one: Replayed) -> str:
    header = one.recording.header
    defect = f", defect {header.defect}" if header.defect else ""
    return f"recorded from: {header.source.value}{defect}, {header.recorded_at or 'time unknown'}"


def replay_json(done: Sequence[Replayed]) -> dict[str, Any]:
    """The same as one JSON object."""
    return {
        "cassettes": len(done),
        "verdicts": count([judgement for one in done for judgement in one.judgements]),
        "failures": [
            {
                "contract": judgement.contract,
                "case": str(one.recording.header.asked.get("case", "")),
                "cassette": str(one.path),
                "verdict": judgement.verdict.value,
                "note": judgement.note,
                "violations": [
                    {"sentence": v.sentence, "evidence": [str(pointer) for pointer in v.evidence]}
                    for v in judgement.violations
                ],
            }
            for one in done
            for judgement in failures(one.judgements)
        ],
    }
