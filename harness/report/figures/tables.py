"""Tables as HTML and as text: few digits, nothing where nothing is known, cassettes as links."""

from __future__ import annotations

from collections.abc import Hashable
from html import escape
from typing import Any
from urllib.parse import quote

import pandas as pd

ROWS = 200
"""Rows of a table that a page holds; its CSV has all."""

LINKS = frozenset({"cassette"})
"""Columns that hold paths, relative to the run's folder, where the pages are."""


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The first rows as text."""
    few = table.head(ROWS)
    return pd.DataFrame({name: [words(value) for value in few[name]] for name in few.columns})


def table_html(table: pd.DataFrame) -> str:
    """The first rows as an HTML table; figures stand to the right."""
    few = table.head(ROWS)
    numeric: dict[Hashable, bool] = {name: pd.api.types.is_numeric_dtype(few[name]) for name in few.columns}
    head = "".join(f"<th>{escape(str(name))}</th>" for name in few.columns)
    rows = "".join(
        "<tr>" + "".join(_cell(name, value, right=numeric[name]) for name, value in row.items()) + "</tr>"
        for row in few.to_dict("records")
    )
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def words(value: Any) -> str:
    """A cell: figures in four digits, nothing where nothing is known."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def _cell(name: Hashable, value: Any, *, right: bool) -> str:
    told = escape(words(value))
    if name in LINKS and told:
        told = f'<a href="{escape(quote(words(value)))}">{told}</a>'
    return f'<td class="n">{told}</td>' if right else f"<td>{told}</td>"
