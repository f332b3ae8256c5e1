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


_LEVEL_CHARS = max(len("level"), *(len(level.value) for level in Level))

FEWEST = 16
"""Characters of a contract's name, at least, in a line."""


def matrix(result: RunResult, contracts: Sequence[Contract], width: int | None = None) -> Table:
    """A row for each contract (by family), a column for each provider; a cell counts the cases that were judged.

    Contracts that had nothing to judge are counted below. Where ``width`` characters are too few, the contracts' names
    are folded and the providers' cut, never a figure.
    """
    counts: dict[tuple[str, str], Counter[Verdict]] = defaultdict(Counter)
    for done in result.results:
        for judgement in done.judgements:
            counts[judgement.contract, done.case.provider][judgement.verdict] += 1
    providers = list(dict.fromkeys(done.case.provider for done in result.results))
    systems = {done.case.system for done in result.results}
    shown = [one for one in contracts if _judged(counts, one.id, providers)]
    idle = sum(
        one.subject is Subject.TARGET and not systems.isdisjoint(one.systems) for one in contracts if one not in shown
    )
    lines = [(one, [cell(counts[one.id, provider]) for provider in providers]) for one in shown]
    table = _table(result, idle)
    name_chars = max((len(one.id) for one in shown), default=0)
    cell_chars = max((len(each) for _, cells in lines for each in cells), default=0)
    names_chars = [max(len(one), cell_chars) for one in providers]
    if width is not None and _width(name_chars, names_chars) > width:
        table.padding = (0, 0)
        if _width(name_chars, names_chars, pad=0) > width:
            providers = [one if len(one) <= cell_chars else one[: cell_chars - 1] + "…" for one in providers]
            name_chars = min(name_chars, max(FEWEST, width - _width(0, [cell_chars] * len(providers), pad=0)))
    table.add_column("contract", overflow="fold", width=name_chars)
    table.add_column("level", no_wrap=True)
    for provider in providers:
        table.add_column(provider, justify="right", no_wrap=True, min_width=cell_chars)
    family = ""
    for contract, cells in lines:
        if family and contract.family != family:
            table.add_section()
        family = contract.family
        level = Text("SHOULD", "dim") if contract.level is Level.SHOULD else Text("MUST")
        table.add_row(contract.id, level, *cells)
    return table


def _table(result: RunResult, idle: int) -> Table:
    title = f"target {result.target}" + (f", defect {result.defect}" if result.defect else "")
    below = LEGEND
    if idle:
        below += f"\n{idle} {'contract' if idle == 1 else 'contracts'} of these systems had nothing to judge here"
    return Table(title=title, title_justify="left", caption=below, caption_justify="left", box=box.SIMPLE_HEAD)


def _width(name_chars: int, cells_chars: Sequence[int], *, pad: int = 1) -> int:
    """Of a table with such columns: a margin on both sides, a space between columns, and ``pad`` around each."""
    columns = (name_chars, _LEVEL_CHARS, *cells_chars)
    return 2 + sum(chars + 2 * pad for chars in columns) + len(columns) - 1


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
