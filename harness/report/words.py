"""A judgement in plain words: what a test runner or a log shows where there is no colour."""

from __future__ import annotations

from pathlib import Path

from harness.contracts.registry import Contract
from harness.core.verdict import Judgement

from .summary import command


def told(contract: Contract, judgement: Judgement, cassette: Path | None) -> str:
    """The promise, each violation with its evidence, and the command that judges the cassette again."""
    lines = [f"{contract.id} ({contract.level.value}): {judgement.verdict.value}", f"  {contract.promise}"]
    for violation in judgement.violations:
        lines.append(f"  - {violation.sentence}")
        lines.extend(f"      evidence: {pointer}" for pointer in violation.evidence)
    if judgement.note:
        lines.append(f"  {judgement.note}")
    if cassette is not None:
        lines.append(f"  again: {command(cassette, contract.id)}")
    return "\n".join(lines)
