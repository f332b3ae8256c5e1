"""How commands speak: tables for people on standard output, or one JSON document and nothing else there."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Tell = Callable[[int, int, str], None]
"""Called with how many are done, how many there are, and which was the last."""


def put_json(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def console(*, err: bool = False) -> Console:
    """A console; where the output is no terminal it is wide enough not to break paths and commands."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    return Console(stderr=err, highlight=False, width=None if stream.isatty() else 160)


def put(*things: RenderableType) -> None:
    """Tables and lines on standard output. Lines are never broken: paths and commands stay fit to be copied."""
    from rich.table import Table

    out = console()
    for thing in things:
        out.print(thing, soft_wrap=not isinstance(thing, Table))


def say(line: str) -> None:
    """A line on standard output as it is, neither wrapped nor marked up: fit to be copied."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def warn(line: str) -> None:
    """A line on standard error: something is left out of what is said on standard output."""
    sys.stderr.write(f"harness: {line}\n")


@contextmanager
def progress(doing: str) -> Iterator[Tell]:
    """A bar on standard error while something lasts, gone at the end; none where that is no terminal, or in CI."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    out = console(err=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}", style="dim", markup=False),
        console=out,
        disable=not out.is_terminal or "CI" in os.environ,
        transient=True,
    )
    with bar:
        task = bar.add_task(doing, total=None, last="")

        def tell(done: int, total: int, last: str) -> None:
            bar.update(task, completed=done, total=total, last=last)

        yield tell
