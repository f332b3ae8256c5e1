"""What ``harness diff`` shows: first what broke, then what mended, what is not judged any more, and what got slower."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.results.diff import Change, Changed, Diff, Pace

from .summary import command

SHOWN = 10
_WORDS = {
    Change.BROKE: ("broke", "bold red"),
    Change.WARNED: ("a SHOULD broke", "yellow"),
    Change.LOST: ("not judged any more", "yellow"),
    Change.MENDED: ("mended", "green"),
    Change.GAINED: ("judged now, and hold", "dim"),
}


def change_lines(diff: Diff) -> Iterator[RenderableType]:
    """The differences for people."""
    for change, (words, style) in _WORDS.items():
        found = diff.of(change)
        if found:
            yield Text(f"{len(found)} {words}", style)
            yield from (one for changed in found[:SHOWN] for one in _changed(changed))
            if len(found) > SHOWN:
                yield Padding(Text(f"... and {len(found) - SHOWN} more: --json has them all"), (0, 0, 0, 2))
    if diff.paces:
        yield _paces(diff)
    for name, cases in ((diff.before, diff.only_before), (diff.after, diff.only_after)):
        if cases:
            yield Text(f"{len(cases)} cases only in {name}: not compared", "dim")
    if diff.unlike:
        yield Text(f"the runs differ in more: {'; '.join(diff.unlike)}", "dim")
    yield _headline(diff)


def change_json(diff: Diff) -> dict[str, Any]:
    """The differences for machines."""
    return {
        "before": diff.before,
        "after": diff.after,
        "cases": diff.cases,
        "only_before": list(diff.only_before),
        "only_after": list(diff.only_after),
        "unlike": list(diff.unlike),
        **{change.value: [_changed_json(one) for one in diff.of(change)] for change in Change},
        "times": [asdict(one) | {"verdict": one.verdict} for one in diff.paces],
    }


def _changed(one: Changed) -> Iterator[RenderableType]:
    yield Padding(Text.assemble((one.contract, "bold"), f"  {one.case}  {one.before} -> {one.after}"), (0, 0, 0, 2))
    if one.sentence:
        yield Padding(Text(one.sentence), (0, 0, 0, 4))
    if one.change is Change.BROKE and one.cassette is not None:
        yield Padding(Text(command(Path(one.cassette), one.contract), "cyan"), (0, 0, 0, 4))


def _changed_json(one: Changed) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if key != "change"}


def _paces(diff: Diff) -> Table:
    shown = [one for one in diff.paces if one.scenario is None or one.verdict in ("slower", "faster")]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="times, after over before", title_justify="left")
    for name in ("time", "scenario"):
        table.add_column(name)
    for name in ("before", "after", "ratio", "95 % interval", "pairs", "saturated"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in shown:
        style = {"slower": "red", "faster": "green"}.get(one.verdict, "dim")
        table.add_row(one.metric, one.scenario or "all", *_figures(one), Text(one.verdict, style))
    return table


def _figures(one: Pace) -> list[str]:
    ratio = one.ratio
    interval = "-" if ratio.low is None or ratio.high is None else f"{ratio.low:.2f} to {ratio.high:.2f}"
    times = ["-" if value is None else f"{value:.1f} ms" for value in (one.before_ms, one.after_ms)]
    middle = "-" if ratio.value is None else f"{ratio.value:.2f}"
    return [*times, middle, interval, str(ratio.n), str(one.saturated)]


def _headline(diff: Diff) -> Text:
    slower = sum(1 for one in diff.paces if one.verdict == "slower" and one.scenario is None)
    words = [f"{len(diff.of(change))} {change.value}" for change in Change if diff.of(change)]
    words += [f"{slower} times slower"] if slower else []
    told = ", ".join(words) or "no verdict changed"
    style = "bold red" if diff.of(Change.BROKE) else "bold yellow" if diff.exit_code else "bold green"
    return Text(f"{diff.before} -> {diff.after}, {diff.cases} cases in both: {told}", style)
