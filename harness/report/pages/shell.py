"""What every page of a report stands in: its style inside it, and the way to the other pages. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from types import MappingProxyType

PAGES: Mapping[str, str] = MappingProxyType(
    {
        "index.html": "Run",
        "latency.html": "Latency",
        "failures.html": "Failures",
        "races.html": "Races",
        "report/summary.md": "Summary",
    }
)
"""What the head of every page leads to, relative to the run's folder."""


def page(title: str, body: str, *, here: str) -> str:
    """A whole HTML document; ``here`` is its own file's name."""
    css = files("harness.report.pages").joinpath("page.css").read_text(encoding="utf-8")
    ways = "".join(
        f"<b>{words}</b>" if name == here else f'<a href="{name}">{words}</a>' for name, words in PAGES.items()
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n'
        f"<body>\n<nav>{ways}</nav>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
