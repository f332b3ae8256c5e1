"""The matrix contract x provider: what anybody looks at first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from harness.contracts.registry import Contract
from harness.core.verdict import Level, Subject, Verdict
from harness.suite.run import RunResult

MARKS = {
    Verdict.ERROR: ("!", "bold magenta"),
    Verdict.FAIL: ("✗", "bold red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
    Verdict.WARN: ("~", "yellow"),
    Verdict.PASS: ("✓", "green"),
    Verdict.UNSUPPORTED: ("u", "dim"),
    Verdict.NOT_APPLICABLE: ("·", "dim"),
}
"""The mark of each verdict; a cell shows the first of these that occurs in it."""

LEGEND = (
    "✓ all pass   ✗ failed of judged   ~ a SHOULD is broken   ? inconclusive   "
    "u unsupported   ! harness error   · not applicable"
)


def matrix(result: RunResult, contracts: Sequence[Contract]) -> Table:
    """A row for each contract (by family), a column for each provider; a cell counts the cases that were judged."""
    counts: dict[tuple[str, str], Counter[Verdict]] = defaultdict(Counter)
    for done in result.results:
        for judgement in done.judgements:
            counts[judgement.contract, done.case.provider][judgement.verdict] += 1
    providers = list(dict.fromkeys(done.case.provider for done in result.results))
    systems = {done.case.system for done in result.results}
    title = f"target {result.target}" + (f", defect {result.defect}" if result.defect else "")
    table = Table(title=title, title_justify="left", caption=LEGEND, caption_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("contract", no_wrap=True)
    table.add_column("level")
    for provider in providers:
        table.add_column(provider, justify="right", no_wrap=True)
    family = ""
    for contract in contracts:
        promised = contract.subject is Subject.TARGET and not systems.isdisjoint(contract.systems)
        if not promised and not _judged(counts, contract.id, providers):
            continue
        if family and contract.family != family:
            table.add_section()
        family = contract.family
        level = Text("SHOULD", "dim") if contract.level is Level.SHOULD else Text("MUST")
        table.add_row(contract.id, level, *[cell(counts[contract.id, provider]) for provider in providers])
    return table


def cell(counts: Counter[Verdict]) -> Text:
    """One cell: the worst verdict's mark, and how many cases it is of how many judged."""
    worst = next((verdict for verdict in MARKS if counts[verdict]), Verdict.NOT_APPLICABLE)
    mark, style = MARKS[worst]
    judged = sum(n for verdict, n in counts.items() if verdict not in (Verdict.NOT_APPLICABLE, Verdict.UNSUPPORTED))
    match worst:
        case Verdict.NOT_APPLICABLE:
            return Text(mark, style)
        case Verdict.PASS:
            return Text(f"{judged} {mark}", style)
        case Verdict.UNSUPPORTED:
            return Text(f"{counts[worst]} {mark}", style)
        case _:
            return Text(f"{counts[worst]}/{judged} {mark}", style)


def _judged(counts: dict[tuple[str, str], Counter[Verdict]], contract: str, providers: Sequence[str]) -> bool:
    return any(set(counts[contract, provider]) - {Verdict.NOT_APPLICABLE} for provider in providers)
