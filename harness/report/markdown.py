"""A run as Markdown, for the page of a job: the verdicts, what was broken with its evidence, and how fast it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import contracts
from harness.core.recording import Side
from harness.results.columns import SATURATED_MS
from harness.results.latency import FirstToken
from harness.results.rows import COUNTS
from harness.results.runs import StoredRun

from .matrix import cell
from .nouns import number
from .run_counts import RunCounts, run_counts, shown

SHOWN_CASES = 3
SHOWN_CONTRACTS = 50


def markdown(run: StoredRun) -> str:
    """The page."""
    counts = run_counts(run)
    failures, latency = _words(run)
    return "\n".join([*_head(counts), *failures, *_matrix(counts), *_broken(counts), *latency, *_paces(run)]) + "\n"


def _words(run: StoredRun) -> tuple[list[str], list[str]]:
    """What the run's frames come to, as the notebooks say it: of failures, and of time where there is any."""
    from harness.results.frames import Frames

    from . import conclusions

    frames = Frames((run,))
    timed = not frames.exchanges.empty
    return ["", conclusions.failures(frames).markdown()], ["", conclusions.latency(frames).markdown()] if timed else []


def _head(counts: RunCounts) -> Iterator[str]:
    facts = counts.facts
    failed, errors = facts.get("failed") or 0, facts.get("errors") or 0
    state = f"{number(failed, 'verdict')} failed" if failed else "the harness failed" if errors else "nothing failed"
    defect = f" with the defect `{facts['defect']}`" if facts.get("defect") else ""
    yield f"## {'❌' if failed or errors else '✅'} `{facts.get('target')}`{defect}: {state}"
    yield ""
    if not facts.get("finished"):
        yield f"**The run did not come to its end**: {facts['cases']} of {facts.get('planned')} cases are here."
        yield ""
    elif facts.get("interrupted"):
        yield f"**Interrupted** after {facts['cases']} of {facts.get('planned')} cases."
        yield ""
    told = ", ".join(f"{facts.get(column) or 0:,} {verdict.value}" for verdict, column in COUNTS.items())
    seconds = f", {facts['seconds']:.1f} s" if facts.get("seconds") is not None else ""
    yield f"{facts['cases']} cases{seconds}; {told}. Run `{counts.run.id}`, kept in `{shown(counts.run.path)}`."


def _matrix(counts: RunCounts) -> Iterator[str]:
    providers = list(dict.fromkeys(provider for _, provider in counts.cells))
    families = sorted({family for family, _ in counts.cells})
    if not families:
        return
    yield ""
    yield from table(
        ["contracts", *providers],
        [
            [f"`{family}`", *(cell(counts.cells[family, provider]).plain for provider in providers)]
            for family in families
        ],
    )


def _broken(counts: RunCounts) -> Iterator[str]:
    known = contracts.load()
    for contract, rows in list(counts.broken.items())[:SHOWN_CONTRACTS]:
        promise = f": {known[contract].promise}" if contract in known else ""
        yield ""
        yield f"### `{contract}` ({rows[0]['verdict']}, {number(len(rows), 'case')}){promise}"
        yield ""
        for row in rows[:SHOWN_CASES]:
            yield from _case(counts, row)
        if len(rows) > SHOWN_CASES:
            yield f"- and {number(len(rows) - SHOWN_CASES, 'case')} more"
    if len(counts.broken) > SHOWN_CONTRACTS:
        yield ""
        yield f"And {len(counts.broken) - SHOWN_CONTRACTS} more contracts: `harness summary {counts.run.id} --json`."


def _case(counts: RunCounts, row: Mapping[str, Any]) -> Iterator[str]:
    yield f"- `{row['case_name']}`: {text(row['sentence'] or row['note'] or '')}"
    if row["evidence"]:
        yield f"  evidence: {text(row['evidence'])}"
    command = counts.command(row["case_name"], row["contract"])
    if command:
        yield f"  `{command}`"


def _paces(run: StoredRun) -> Iterator[str]:
    """Time to first token of the healthy cases, by provider."""
    wanted = ("provider", "fault", "side", "ttft_ms", "ttft_state", "saturated")
    rows = [row for row in run.rows("exchanges", wanted) if row["side"] == Side.CLIENT.value and row["fault"] == "none"]
    lines = [line for provider in dict.fromkeys(row["provider"] for row in rows) if (line := _pace(provider, rows))]
    if lines:
        yield ""
        yield "Time to first token where the provider did nothing wrong, with 95 % intervals:"
        yield ""
        yield from table(["provider", "n", "p50, ms", "p99, ms", "never came", "harness saturated"], lines)
        yield ""
        yield f"Saturated: the harness's own loop was late by {SATURATED_MS:g} ms or more. `-j 1` loads it least."


def _pace(provider: str, rows: Sequence[Mapping[str, Any]]) -> list[str] | None:
    from harness.results.stats import Estimate, quantile

    own = [row for row in rows if row["provider"] == provider]
    measured = [row for row in own if row["ttft_state"] == FirstToken.MEASURED.value]
    censored = sum(1 for row in own if row["ttft_state"] == FirstToken.CENSORED.value)
    if not measured:
        return None

    def told(found: Estimate) -> str:
        low, value, high = (("?" if one is None else f"{one:.1f}") for one in (found.low, found.value, found.high))
        return f"{value} ({low} to {high})"

    values = [row["ttft_ms"] for row in measured]
    estimates = [told(quantile(values, q, censored=censored)) for q in (0.5, 0.99)]
    saturated = sum(1 for row in measured if row["saturated"])
    return [provider, str(len(measured) + censored), *estimates, str(censored), str(saturated)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def text(words: str) -> str:
    """Words that Markdown leaves as they are, on one line."""
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~!" else char for char in words)
    return " ".join(escaped.split())
