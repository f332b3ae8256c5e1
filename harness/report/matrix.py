"""The matrix contract x provider: what anybody looks at first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from harness.contracts.registry import Contract
from harness.core.verdict import Level, Subject, Verdict
from harness.suite.run import RunResult

from .nouns import number

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

UNSEEN = (Verdict.NOT_APPLICABLE, Verdict.UNSUPPORTED)

LEGEND = (
    "✓ all pass   ✗ failed of judged   ~ a SHOULD is broken   ? inconclusive   "
    "u unsupported   ! harness error   · not applicable"
)


_LEVEL_CHARS = max(len("level"), *(len(level.value) for level in Level))

FEWEST = 16
"""Characters of a contract's name, at least, in a line."""


def matrix(result: RunResult, contracts: Sequence[Contract], width: int | None = None) -> tuple[Table | Text, ...]:
    """A row for each contract (by family), a column for each provider; a cell counts the cases that were judged.

    Below it the legend, and how many contracts had nothing to judge, or met void cases only. Where ``width`` characters
    are too few, the contracts' names are folded and the providers' cut, never a figure.
    """
    counts: dict[tuple[str, str], Counter[Verdict]] = defaultdict(Counter)
    for done in result.results:
        for judgement in done.judgements:
            counts[judgement.contract, done.case.provider][judgement.verdict] += 1
    providers = list(dict.fromkeys(done.case.provider for done in result.results))
    systems = {done.case.system for done in result.results}
    void = _only_void(result)
    shown = [one for one in contracts if one.id not in void and _judged(counts, one.id, providers)]
    promised = [one for one in contracts if one.subject is Subject.TARGET and not systems.isdisjoint(one.systems)]
    idle = sum(one not in shown and one.id not in void for one in promised)
    below = Text("\n".join(_below(idle, len(void), any_shown=bool(shown))), "dim")
    if not shown:
        return Text(_title(result)), below
    lines = [(one, [cell(counts[one.id, provider]) for provider in providers]) for one in shown]
    table = Table(title=_title(result), title_justify="left", box=box.SIMPLE_HEAD)
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
    return table, below


def _title(result: RunResult) -> str:
    return f"target {result.target}" + (f", defect {result.defect}" if result.defect else "")


def _below(idle: int, void: int, *, any_shown: bool) -> Iterator[str]:
    if any_shown:
        yield LEGEND
    if idle:
        yield f"{number(idle, 'contract')} of these systems had nothing to judge here"
    if void:
        yield f"{number(void, 'contract')} met void cases only"


def _width(name_chars: int, cells_chars: Sequence[int], *, pad: int = 1) -> int:
    """Of a table with such columns: a margin on both sides, a space between columns, and ``pad`` around each."""
    columns = (name_chars, _LEVEL_CHARS, *cells_chars)
    return 2 + sum(chars + 2 * pad for chars in columns) + len(columns) - 1


def cell(counts: Counter[Verdict]) -> Text:
    """One cell: the worst verdict's mark, and how many cases it is of how many judged."""
    worst = next((verdict for verdict in MARKS if counts[verdict]), Verdict.NOT_APPLICABLE)
    mark, style = MARKS[worst]
    judged = sum(n for verdict, n in counts.items() if verdict not in UNSEEN)
    match worst:
        case Verdict.NOT_APPLICABLE:
            return Text(mark, style)
        case Verdict.PASS:
            return Text(f"{judged} {mark}", style)
        case Verdict.UNSUPPORTED:
            return Text(f"{counts[worst]} {mark}", style)
        case _:
            return Text(f"{counts[worst]}/{judged} {mark}", style)


def _only_void(result: RunResult) -> set[str]:
    """The contracts that met no case but void ones, of which nothing is known: the cases are told below instead."""
    met, void = set[str](), set[str]()
    for done in result.results:
        judged = {one.contract: one.verdict for one in done.judgements if one.verdict not in UNSEEN}
        (void if set(judged.values()) == {Verdict.ERROR} else met).update(judged)
    return void - met


def _judged(counts: dict[tuple[str, str], Counter[Verdict]], contract: str, providers: Sequence[str]) -> bool:
    return any(set(counts[contract, provider]) - {Verdict.NOT_APPLICABLE} for provider in providers)
