"""How close requests came to each other, beside how long the target took to deal with the first."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.report.race_tables import race_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import BLUE, GRID, INK, ORANGE, PURPLE, log_ms, sheet, short

NAME = "races-skews"
NOTE = (
    "Each step is a race: where a curve is at 0.9, nine races of ten were at or below. Skew: between the first and the "
    "last request that was let go. Arrival: the same at a provider of ours, for the requests that came so far. Window: "
    "from the first that was let go until the target had dealt with any. A race counts where its skew is below its "
    "window."
)
_CURVES = {
    "skew_ms": ("skew", BLUE),
    "arrival_spread_ms": ("arrival at the provider", PURPLE),
    "window_ms": ("window", ORANGE),
}


def skews(frames: Frames) -> Shown:
    """Skew, arrival and window of every race."""
    table = race_table(frames.races)
    if table.empty:
        return nothing(NAME, "No race was measured: there is no skew to look at.", table)
    return Shown(NAME, _title(table), table, NOTE, lambda: _draw(table))


def _title(table: pd.DataFrame) -> str:
    widest, windows = float(table["skew_ms"].max()), table["window_ms"].dropna()
    told = f"Requests were let go within {short(widest)} ms at most ({len(table)} races)"
    if windows.empty:
        return f"{told}; that the target dealt with any was never seen"
    return f"{told}; the target had dealt with the first after {short(float(windows.min()))} ms at the earliest"


def _draw(table: pd.DataFrame) -> Figure:
    figure, (axes,) = sheet(_title(table), 3.2)
    for column, (label, colour) in _CURVES.items():
        known = np.sort(table[column].dropna().to_numpy(dtype=float))
        known = np.maximum(known, 1e-6)  # a logarithmic axis has no place for 0
        if len(known):
            share = np.arange(1, len(known) + 1) / len(known)
            axes.step(known, share, where="post", color=colour, linewidth=1.6, label=f"{label}, n {len(known)}")
            axes.plot(known, share, ".", color=colour, markersize=4)
    axes.set_ylim(0, 1.04)
    axes.set_ylabel("share of races at or below", fontsize=9)
    axes.set_xlabel("ms (logarithmic)", fontsize=9)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.6)
    log_ms(axes)
    axes.legend(fontsize=8, frameon=False, loc="lower right", labelcolor=INK)
    return figure
