"""A figure as people get it: a picture whose title says the finding, and the same figures as a table."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from .tables import ROWS, readable, table_html


@dataclass(frozen=True)
class Shown:
    """One figure. ``name`` is its file's; ``title`` is the finding; ``note`` says how to read it.

    ``draw`` makes the picture from what was computed when the figure was; None where there is nothing to draw, and
    the title says why, or where the table says it all. ``unfolded``: the table is there at once.
    """

    name: str
    title: str
    table: pd.DataFrame
    note: str = ""
    draw: Callable[[], Figure] | None = None
    unfolded: bool = False

    def png(self) -> bytes:
        """The picture; empty where there is none."""
        if self.draw is None:
            return b""
        out = io.BytesIO()
        self.draw().savefig(out, format="png", metadata={"Software": None})
        return out.getvalue()

    def csv(self) -> str:
        """The table as a file: figures to six digits, nothing for what is not known."""
        return self.table.to_csv(index=False, float_format="%.6g", lineterminator="\n")

    def html(self) -> str:
        """The picture and the table as HTML that needs nothing else."""
        title = escape(self.title)
        head = f'<p class="nothing">{title}</p>'
        if self.draw is not None:
            data = base64.b64encode(self.png()).decode()
            head = f'<img alt="{title}" src="data:image/png;base64,{data}">'
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        return f'<figure class="shown" id="{self.name}">{head}{note}{self._details()}</figure>'

    def text(self) -> str:
        """The same for a terminal: title, note, table."""
        table = "" if self.table.empty else readable(self.table).to_string(index=False)
        return "\n".join(part for part in (self.title, self.note, table) if part)

    def _details(self) -> str:
        if self.table.empty:
            return ""
        n = len(self.table)
        rows = f"the first {ROWS} of {n} rows" if n > ROWS else f"{n} row{'' if n == 1 else 's'}"
        summary = f"as a table: {rows}; <code>report/{self.name}.csv</code>"
        opened = " open" if self.unfolded else ""
        return f"<details{opened}><summary>{summary}</summary>{table_html(self.table)}</details>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        return {"text/html": self.html(), "text/plain": self.text()}


def nothing(name: str, why: str, table: pd.DataFrame | None = None) -> Shown:
    """A figure with nothing to draw."""
    return Shown(name, why, pd.DataFrame() if table is None else table)
