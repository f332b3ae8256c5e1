"""How commands speak: tables for people on standard output, or one JSON document and nothing else there."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def put_json(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def console(*, err: bool = False) -> Console:
    """A console; where the output is no terminal it is wide enough not to break paths and commands."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    return Console(stderr=err, highlight=False, width=None if stream.isatty() else 160)


def put(*things: RenderableType) -> None:
    """Tables and lines of markup on standard output."""
    out = console()
    for thing in things:
        out.print(thing)


def say(line: str) -> None:
    """A line on standard output as it is, neither wrapped nor marked up: fit to be copied."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
