"""``harness report``: all notebooks executed at once, and meanwhile every figure's table written as a file."""

from __future__ import annotations

import asyncio
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import CassetteWrite, HarnessError, UsageError
from harness.report.figures import FIGURES
from harness.report.markdown import markdown
from harness.results.frames import Frames
from harness.results.runs import StoredRun

from .index import index
from .notebook import code_cells, execute, read_notebook, to_html

NOTEBOOKS = ("latency", "failures", "races")
FOLDER = "report"
SUMMARY = "summary.md"
INDEX = "index.html"

Tell = Callable[[int, int, str], None]


def notebook_folder(given: Path | None = None) -> Path:
    """Where the notebooks are: the folder given, else beside the package, else where its installation put them.

    Raises:
        UsageError: they are not there.
    """
    beside = Path(__file__).resolve().parents[3] / "notebooks"
    installed = Path(sysconfig.get_path("data")) / "share" / "llm-contract-harness" / "notebooks"
    tried = [given] if given else [beside, installed]
    for folder in tried:
        if all((folder / f"{name}.ipynb").is_file() for name in NOTEBOOKS):
            return folder
    where = " or ".join(map(str, tried))
    raise UsageError("the notebooks are not there", where=where, fix="Give their folder with --notebooks.")


def write_report(run: StoredRun, notebooks: Path, tell: Tell) -> Path:
    """Write the report of a run into its folder; gives the path of the page to open.

    Raises:
        HarnessError: a notebook failed.
        CassetteWrite: the folder cannot be written.
    """
    read = {name: read_notebook(notebooks / f"{name}.ipynb") for name in NOTEBOOKS}
    try:
        (run.path / FOLDER).mkdir(exist_ok=True)
        asyncio.run(_write(run, read, _Progress(tell, sum(map(code_cells, read.values())) + 1)))
    except OSError as failure:
        raise CassetteWrite(f"cannot be written: {failure.strerror or failure}", where=str(run.path)) from failure
    return run.path / INDEX


async def _write(run: StoredRun, notebooks: Mapping[str, Any], progress: _Progress) -> None:
    """Notebooks in kernels of their own, files in a thread: whatever waits for a kernel does not wait here."""
    try:
        async with asyncio.TaskGroup() as group:
            for name, notebook in notebooks.items():
                group.create_task(_page(run, name, notebook, progress))
            group.create_task(asyncio.to_thread(_files, run, progress))
    except* (HarnessError, OSError) as failures:
        raise failures.exceptions[0] from None


async def _page(run: StoredRun, name: str, notebook: Any, progress: _Progress) -> None:
    done = await execute(notebook, run.path, name=name, told=progress.step)
    title = f"{name.capitalize()} of run {run.id}"
    (run.path / f"{name}.html").write_text(to_html(done, title, f"{name}.html"), encoding="utf-8")


def _files(run: StoredRun, progress: _Progress) -> None:
    """Every figure's table, the summary, and the page that leads to all."""
    frames = Frames((run,))
    for figures in FIGURES.values():
        for figure in figures:
            shown = figure(frames)
            (run.path / FOLDER / f"{shown.name}.csv").write_text(shown.csv(), encoding="utf-8")
    (run.path / FOLDER / SUMMARY).write_text(markdown(run), encoding="utf-8")
    (run.path / INDEX).write_text(index(frames, list(_left(run))), encoding="utf-8")
    progress.step("tables")


def _left(run: StoredRun) -> Iterator[str]:
    """The run's files but its cassettes and pages, relative to its folder."""
    for pattern in (f"{FOLDER}/*", "*.json", "*.parquet", "*.ndjson"):
        yield from sorted(path.relative_to(run.path).as_posix() for path in run.path.glob(pattern))


class _Progress:
    """Counts steps of all notebooks and of the files, and tells of each."""

    def __init__(self, tell: Tell, total: int) -> None:
        self._tell, self._total, self._done = tell, total, 0
        tell(0, total, "starting kernels")

    def step(self, what: str) -> None:
        self._done += 1
        self._tell(self._done, self._total, what)
