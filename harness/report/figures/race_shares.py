"""How many races say nothing, because their requests may never have met."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from harness.report.race_tables import share_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import BLUE, rows_down, sheet

NAME = "races-inconclusive"
NOTE = (
    "Dot: the share of races whose skew was not below their window; that nothing went wrong in them says nothing. "
    "Line: Wilson's 95 % score interval."
)


def inconclusive(frames: Frames) -> Shown:
    """By system and kind, the share of races that cannot be judged."""
    table = share_table(frames.races)
    if table.empty:
        return nothing(NAME, "No race was measured: none is inconclusive.", table)
    return Shown(NAME, _title(table), table, NOTE, lambda: _draw(table))


def _title(table: pd.DataFrame) -> str:
    count, n = int(table["inconclusive"].sum()), int(table["races"].sum())
    if not count:
        return f"None of {n} races is inconclusive: in each, all requests met"
    return f"{count} of {n} races are inconclusive: their requests may never have met"


def _draw(table: pd.DataFrame) -> Figure:
    figure, (axes,) = sheet(_title(table), 1.0 + 0.34 * len(table))
    for row, one in enumerate(table.to_dict("records")):
        axes.plot([one["low"], one["high"]], [row, row], color=BLUE, linewidth=2.6, alpha=0.5, solid_capstyle="butt")
        axes.plot([one["share"]], [row], marker="o", color=BLUE, markersize=6)
    counts = zip(table["row"], table["inconclusive"], table["races"], strict=True)
    rows_down(axes, [f"{name}  ({count} of {n})" for name, count, n in counts])
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("share of races that cannot be judged, with Wilson's 95 % interval", fontsize=9)
    return figure
