"""Judging a recording by many contracts, and counting what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.contracts.registry import Contract, judge
from harness.core.recording import Recording
from harness.core.verdict import Judgement, Verdict


def judge_all(recording: Recording, contracts: Iterable[Contract]) -> tuple[Judgement, ...]:
    """Every contract's judgement on one recording, in the order of the contracts."""
    return tuple(judge(contract, recording) for contract in contracts)


def unseen(contracts: Iterable[Contract], system: str, verdict: Verdict, note: str) -> tuple[Judgement, ...]:
    """The judgements on a case that could not be exercised: one verdict for each promise of the system's."""
    return tuple(Judgement(contract.id, verdict, note=note) for contract in contracts if system in contract.systems)


def count(judgements: Iterable[Judgement]) -> dict[str, int]:
    """How many there are of each verdict, every verdict named."""
    found = Counter(judgement.verdict for judgement in judgements)
    return {verdict.value: found[verdict] for verdict in Verdict}


def failures(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Those that failed, warned, or could not be judged through a fault of ours."""
    return [one for one in judgements if one.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)]


def broken(recording: Recording, contracts: Iterable[Contract]) -> set[str]:
    """The ids of the contracts that a recording breaks, or that could not be judged through a fault of ours."""
    return {judgement.contract for judgement in failures(judge_all(recording, contracts))}
