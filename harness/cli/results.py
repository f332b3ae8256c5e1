"""``harness summary``, ``query`` and ``diff``: runs that are over, or broken off, looked at again."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from . import output
from .running import JsonOption, JunitOption, MarkdownOption, ResultsOption

Run = Annotated[str, typer.Argument(metavar="[RUN]", help="An id, the beginning of one, a folder, or 'latest'.")]
RunOption = Annotated[list[str] | None, typer.Option("--run", metavar="RUN", help="Only these runs; all by default.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("summary")(summary)
    app.command("query")(query)
    app.command("diff")(diff)


def summary(
    run: Run = "latest",
    junit: JunitOption = None,
    markdown: MarkdownOption = None,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> int:
    """Sum a run up again, for people or as the files of a job's page; also one that was broken off."""
    from harness.report.files import write_files
    from harness.report.markdown import markdown as page
    from harness.report.run_json import stored_json
    from harness.results.runs import find_run

    found = find_run(run, results)
    write_files(found, junit=junit, markdown=markdown)
    if json:
        output.put_json(stored_json(found))
    elif junit is None and markdown is None:
        output.say(page(found).rstrip("\n"))
    return 0


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="DuckDB's; the views are called as the tables.")],
    run: RunOption = None,
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> int:
    """Answer SQL over runs: tables runs, cases, verdicts, exchanges, segments, probes, races ('describe runs')."""
    from harness.results.readable import RunSkipped, asked_runs
    from harness.results.sql import ask

    with warnings.catch_warnings(record=True) as skipped:
        warnings.simplefilter("always", RunSkipped)
        runs = asked_runs(run or (), results)
    for one in skipped:
        output.warn(str(one.message))
    found = ask(sql, runs)
    if json:
        output.put_json(found.to_json())
    else:
        output.put(_table(found.columns, found.rows))
    return 0


def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A run: id, beginning of one, folder or 'latest'.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The run to compare with it.")] = "latest",
    results: ResultsOption = Path("results"),
    json: JsonOption = False,
) -> int:
    """Show what broke, what mended and what got slower from one run to another. 1: something broke."""
    from harness.report.changes import change_json, change_lines
    from harness.results.diff import diff as compare
    from harness.results.runs import find_run

    found = compare(find_run(before, results), find_run(after, results))
    if json:
        output.put_json(change_json(found))
    else:
        output.put(*change_lines(found))
    return found.exit_code


def _table(columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        numeric = all(isinstance(row[number], int | float) for row in rows if row[number] is not None)
        table.add_column(Text(name), justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*[Text("-" if value is None else str(value)) for value in row])
    return table
