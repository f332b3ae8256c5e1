"""What checking strangers' recordings found, for people to read. Everything is plain text to rich: paths and events
hold brackets, which are no markup.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.contracts import CONTRACTS
from harness.core.verdict import Verdict
from harness.providers.classify import UNKNOWN
from harness.suite.check import NO_FAMILY, CheckReport, Failure

SHOWN = 10
"""How many of a kind are listed before the rest is counted."""

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WARN: "yellow",
    Verdict.ERROR: "bold magenta",
    Verdict.INCONCLUSIVE: "cyan",
}


def tables(report: CheckReport) -> Iterator[RenderableType]:
    """The whole report: what was looked at, whose traffic it is, what could not be read, and what was broken."""
    yield _formats(report)
    if report.providers:
        yield Text()
        yield _providers(report)
    if report.unread:
        yield Text()
        yield _unread(report)
    if report.broken_off:
        yield Text()
        yield from _broken_off(report)
    if report.failures:
        yield Text()
        yield from _failures(report)
    yield Text()
    yield _summary(report)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2))
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    return table


_NUMBERS = frozenset({"files", "interactions", "judged", "times"})


def _formats(report: CheckReport) -> Table:
    table = _table(f"{report.files:,} files", "format", "files", "")
    for name, files in sorted(report.formats.items(), key=lambda item: -item[1]):
        table.add_row(Text(name), f"{files:,}", Text("read"))
    rest = report.files - report.formats.total()
    if rest:
        table.add_row(Text("none that is known", "dim"), f"{rest:,}", Text("passed over", "dim"))
    return table


def _providers(report: CheckReport) -> Table:
    table = _table(f"{report.interactions:,} interactions", "provider", "interactions", "judged", "endpoints")
    for provider, endpoints in sorted(report.providers.items(), key=lambda item: -item[1].total()):
        words = ", ".join(f"{endpoint} {times:,}" for endpoint, times in endpoints.most_common())
        name = Text(provider)
        if provider == UNKNOWN:
            name.append(" (no LLM API that is known)", "dim")
        judged = endpoints.total() - report.judged.get(provider, Counter())[NO_FAMILY]
        table.add_row(name, f"{endpoints.total():,}", f"{judged:,}", Text(words))
    return table


def _unread(report: CheckReport) -> Table:
    grouped: dict[str, list[str]] = defaultdict(list)
    for path, reason in report.unread:
        grouped[reason].append(path)
    table = _table(f"{len(report.unread):,} not read", "reason", "times", "for example")
    for reason, paths in sorted(grouped.items(), key=lambda item: -len(item[1])):
        table.add_row(Text(reason), f"{len(paths):,}", Text(paths[0], "dim"))
    return table


def _broken_off(report: CheckReport) -> Iterator[RenderableType]:
    count = len(report.broken_off)
    yield Text(f"streams that were recorded only in part: {count:,} (the client left, or the recorder stopped)", "bold")
    yield from _some(Text(f"{path} {exchange}") for path, exchange in report.broken_off)


def _failures(report: CheckReport) -> Iterator[RenderableType]:
    grouped: dict[str, list[Failure]] = defaultdict(list)
    for failure in report.failures:
        grouped[failure.contract].append(failure)
    for contract_id, failures in sorted(grouped.items()):
        verdict = failures[0].verdict
        head = Text(f"{verdict.value} ", _STYLES.get(verdict, "")).append(contract_id, "bold")
        contract = CONTRACTS.get(contract_id)
        if contract is not None:
            head.append(f"  {contract.promise}", "not bold").append(f" ({contract.source})", "dim")
        yield head
        yield from _some(_failure(failure) for failure in failures)


def _failure(failure: Failure) -> Text:
    where = "; ".join(str(pointer) for pointer in failure.violation.evidence) or failure.exchange
    return Text(failure.path).append(f"\n  {failure.violation.sentence}").append(f" [{where}]", "dim")


def _some(lines: Iterable[Text]) -> Iterator[RenderableType]:
    """The first few, and how many there are more."""
    every = list(lines)
    for line in every[:SHOWN]:
        yield Padding(line, (0, 0, 0, 2))
    if len(every) > SHOWN:
        yield Padding(Text(f"and {len(every) - SHOWN:,} more", "dim"), (0, 0, 0, 2))


def _summary(report: CheckReport) -> Text:
    """One line: how many verdicts of each kind, the judged ones first."""
    line = Text()
    judged = [verdict for verdict in Verdict if report.verdicts[verdict] or verdict in (Verdict.PASS, Verdict.FAIL)]
    for verdict in judged:
        if line:
            line.append(", ")
        style = _STYLES.get(verdict, "dim") if report.verdicts[verdict] else "dim"
        line.append(f"{report.verdicts[verdict]:,} {verdict.value}", style)
    return line
