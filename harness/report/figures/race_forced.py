"""What came of requests by how far the provider had come when they were made."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from harness.report.race_tables import OUTCOMES, forced_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import BLUE, GREEN, ORANGE, VERMILION, rows_down, sheet

NAME = "races-forced"
NOTE = (
    "Here nothing is measured: the provider was held until the request was answered, so its moment is certain. Each "
    "lane is an outcome, each number the requests that came to it after so many content events of the provider's; -1 "
    "is before the head of its answer, where either outcome is right."
)
_COLOURS = {"served": GREEN, "refused": ORANGE, "failed": VERMILION}


def forced_offsets(frames: Frames) -> Shown:
    """By offset in content events, how many requests were served, refused, or failed."""
    table = forced_table(frames.races)
    if table.empty:
        return nothing(NAME, "No moment was forced: there is no offset to look at.", table)
    return Shown(NAME, forced_title(table), table, NOTE, lambda: _draw(table))


def forced_title(table: pd.DataFrame) -> str:
    """The finding, in a sentence without its stop."""
    later = table[table["offset_events"] >= 0]
    asked, served = int(later[list(OUTCOMES)].to_numpy().sum()), int(later["served"].sum())
    if served == asked:
        return f"All {asked} observers that asked at 0 to {int(table['offset_events'].max())} events were let in"
    return f"{asked - served} of {asked} observers that asked after the provider's head were not let in"


def _draw(table: pd.DataFrame) -> Figure:
    lanes = [(name, outcome) for name in sorted(set(table["row"])) for outcome in OUTCOMES]
    figure, (axes,) = sheet(forced_title(table), 1.0 + 0.34 * len(lanes))
    for one in table.to_dict("records"):
        for outcome in OUTCOMES:
            if one[outcome]:
                at = (one["offset_events"], lanes.index((one["row"], outcome)))
                axes.plot(*at, marker="o", markersize=15, color=_COLOURS[outcome], alpha=0.6)
                axes.annotate(str(one[outcome]), at, ha="center", va="center", fontsize=8)
    axes.axvline(-0.5, color=BLUE, linewidth=0.9, alpha=0.6)
    rows_down(axes, [f"{name} {outcome}" for name, outcome in lanes])
    axes.set_xlabel("content events of the provider's that were out", fontsize=9)
    return figure
