"""The slowest calls, with what took the time and where their cassettes are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.report.calls import PARTS
from harness.report.latency_tables import slowest_table
from harness.results.frames import Frames

from .latency_shares import PART_COLOURS, PART_WORDS
from .shown import Shown, nothing
from .style import FAINT, INK, SATURATED_MARK, middle_clipped, rows_down, sheet, short

NAME = "latency-slowest"
REST = "after the first content, or not told apart"
NOTE = (
    "The slowest calls whatever the provider did; a time that a fault scripts is among them. The dark part cannot be "
    "told apart: a failed call has no first content, and a stream goes on after it. "
    f"{SATURATED_MARK}: timed while the harness's own loop was late. 'harness show' lays a cassette out on one clock."
)


def slowest(frames: Frames) -> Shown:
    """The calls that kept a client longest, one for each case."""
    table = slowest_table(frames)
    if table.empty:
        return nothing(NAME, "No call of a client's was timed.", table)
    return Shown(NAME, _title(table), table, NOTE, lambda: _draw(table), unfolded=True)


def _title(table: pd.DataFrame) -> str:
    worst = table.iloc[0]
    return f"The slowest call took {short(worst['total_ms'])} ms: {worst['exchange']} of {worst['case_name']}"


def _draw(table: pd.DataFrame) -> Figure:
    figure, (axes,) = sheet(_title(table), 1.5 + 0.27 * len(table))
    left, rows = np.zeros(len(table)), range(len(table))
    for part, words, colour in zip(PARTS, PART_WORDS, PART_COLOURS, strict=True):
        width = table[part].fillna(0).to_numpy(dtype=float)
        axes.barh(rows, width, left=left, color=colour, label=words, height=0.7, edgecolor="white", linewidth=0.4)
        left = left + width
    rest = np.maximum(table["total_ms"].to_numpy(dtype=float) - left, 0)
    axes.barh(rows, rest, left=left, color=FAINT, label=REST, height=0.7)
    for row, one in enumerate(table.to_dict("records")):
        late = f" {SATURATED_MARK}" if one["saturated"] is True else ""
        axes.text(one["total_ms"], row, f" {short(one['total_ms'])} ms{late}", va="center", fontsize=8, color=INK)
    axes.set_xlim(0, float(table["total_ms"].max()) * 1.12)
    axes.set_xlabel("request sent to the end of the exchange, ms", fontsize=9)
    rows_down(axes, [middle_clipped(str(case), 58) for case in table["case_name"]])
    figure.legend(fontsize=8, frameon=False, loc="outside lower left", ncols=3, labelcolor=INK)
    return figure
