"""After the matrix: each failure with its evidence and the command that judges it again, and the run in one line."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from harness.contracts.registry import Contract
from harness.core.verdict import Judgement, Verdict, Violation
from harness.suite.judge import count
from harness.suite.judge import failures as bad
from harness.suite.run import CaseResult, RunResult

from .matrix import MARKS
from .nouns import number

SHOWN_CASES = 3


def failures(result: RunResult, contracts: Sequence[Contract]) -> Iterator[Text]:
    """For each contract that was broken: its promise, then the first cases with sentence, evidence and command."""
    grouped: dict[str, list[tuple[CaseResult, Judgement]]] = defaultdict(list)
    for done in result.results:
        for judgement in bad(done.judgements):
            grouped[judgement.contract].append((done, judgement))
    voids = _voids(result)
    if voids:
        verb = "is" if len(voids) == 1 else "are"
        told = f"! {number(len(voids), 'case')} {verb} void by a failure of the harness, none of the target's:"
        yield Text(told, "bold magenta")
        for done, note in voids[:SHOWN_CASES]:
            yield Text(f"    {done.case}: {note}")
    for contract in contracts:
        found = [(done, one) for done, one in grouped.get(contract.id, []) if one.verdict is not Verdict.ERROR]
        if found:
            yield from _broken(contract, found)


def _broken(contract: Contract, found: list[tuple[CaseResult, Judgement]]) -> Iterator[Text]:
    mark, style = MARKS[found[0][1].verdict]
    yield Text.assemble((f"\n{mark} {contract.id}", style), f"  {contract.promise}")
    for done, judgement in found[:SHOWN_CASES]:
        yield Text(f"    {done.case}", "bold")
        for violation in judgement.violations[:SHOWN_CASES]:
            yield violation_lines(violation, indent=6)
        if done.cassette is not None:
            yield Text(f"      {command(done.cassette, contract.id)}", "cyan")
    if len(found) > SHOWN_CASES:
        more = f"{len(found) - SHOWN_CASES} more {'case' if len(found) == SHOWN_CASES + 1 else 'cases'}"
        yield Text(f"    ... and {more}: see verdicts.ndjson in the run's folder")


def violation_lines(violation: Violation, *, indent: int) -> Text:
    """A violation's sentence, and below it where the evidence is."""
    text = Text(" " * indent + violation.sentence)
    for pointer in violation.evidence[:SHOWN_CASES]:
        text.append(f"\n{' ' * indent}  evidence: {pointer}", "dim")
    return text


def command(cassette: Path, contract: str) -> str:
    """The one command that judges a cassette again."""
    return f"harness replay {shlex.quote(str(cassette))} --contract {contract}"


def headline(result: RunResult, folder: Path) -> Text:
    """The run in one line: cases, verdicts, time, folder."""
    counts = count(result.judgements)
    shown = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    state = (
        f"INTERRUPTED after {len(result.results)} of {result.planned} cases"
        if result.interrupted
        else number(len(result.results), "case")
    )
    style = (
        "bold red"
        if counts[Verdict.FAIL] or counts[Verdict.ERROR]
        else "bold yellow"
        if result.interrupted
        else "bold green"
    )
    return Text(f"\n{state}: {shown or 'no verdict'}; {result.seconds:.1f} s; kept in {folder}", style)


def unfelt(result: RunResult, contracts: Sequence[Contract]) -> Iterator[Text]:
    """Where a defect is on and nothing failed: what it breaks, so that nobody takes the run for a proof."""
    if result.defect is None or any(True for _ in bad(result.judgements)):
        return
    judged = {one.contract for one in result.judgements if one.subjects}
    told = [
        f"{one.id}{'' if one.id in judged else ' (nothing to judge here)'}"
        for one in contracts
        if result.defect in one.breakers
    ]
    what = f"it breaks {', '.join(told)}" if told else "none of the contracts that judged names it"
    yield Text(f"\nNothing failed with the defect {result.defect}: {what}.", "yellow")


def run_json(run: str, result: RunResult) -> dict[str, Any]:
    """The run as one JSON object, for machines and for ``run.json``."""
    return {
        "run": run,
        "target": result.target,
        "defect": result.defect,
        "interrupted": result.interrupted,
        "planned": result.planned,
        "cases": len(result.results),
        "seconds": round(result.seconds, 3),
        "start_seconds": round(result.start_seconds, 3),
        "verdicts": count(result.judgements),
        "failures": [
            {
                "contract": judgement.contract,
                "case": str(done.case),
                "cassette": None if done.cassette is None else str(done.cassette),
                "verdict": judgement.verdict.value,
                "note": judgement.note,
                "violations": [
                    {"sentence": one.sentence, "evidence": [str(pointer) for pointer in one.evidence]}
                    for one in judgement.violations
                ],
            }
            for done in result.results
            for judgement in bad(done.judgements)
        ],
    }


def _voids(result: RunResult) -> list[tuple[CaseResult, str]]:
    found = []
    for done in result.results:
        note = next((one.note for one in done.judgements if one.verdict is Verdict.ERROR), None)
        if note is not None:
            found.append((done, note))
    return found
