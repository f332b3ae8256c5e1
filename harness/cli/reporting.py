"""``harness report``: a run's notebooks executed, as pages that can be sent around."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import output
from .results import Run
from .running import JsonOption, ResultsOption

NotebooksOption = Annotated[
    Path | None,
    typer.Option("--notebooks", metavar="FOLDER", help="Where latency.ipynb, failures.ipynb and races.ipynb are."),
]


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("report")(report)


def report(
    run: Run = "latest",
    results: ResultsOption = Path("results"),
    notebooks: NotebooksOption = None,
    json: JsonOption = False,
) -> int:
    """Execute the notebooks on a run and write them, their figures' tables and an index into its folder."""
    from harness.results.runs import find_run

    found = find_run(run, results)
    with output.progress(f"report of {found.id}") as tell:
        from harness.report.pages.report import notebook_folder, write_report

        tell(0, 1, "loading")
        page = write_report(found, notebook_folder(notebooks), tell)
    if json:
        output.put_json({"run": found.id, "page": str(page)})
    else:
        output.say(str(page))
    return 0
