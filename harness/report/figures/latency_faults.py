"""What each fault of a provider costs a client in time."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from harness.core.recording import NO_FAULT
from harness.report.calls import client_calls
from harness.report.latency_tables import fault_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import BLUE, FAINT, INK, VERMILION, log_ms, rows_down, sheet, short

NAME = "latency-by-fault"
NOTE = (
    "Scenarios that were exercised under several faults. Dot: the median of the calls under a fault, until "
    "the client had the end of its answer, whatever it was. Thick line: the median's 95 % interval, where it is known. "
    "Thin line: from the fastest to the slowest call. Hollow: half of the calls or more were timed while the harness's "
    "own loop was late."
)


def by_fault(frames: Frames) -> Shown:
    """Request to the end of the answer, by fault, the slowest first."""
    table = fault_table(client_calls(frames.exchanges))
    if len(table) < 2:
        return nothing(NAME, "No scenario was exercised under several faults: there is nothing to compare.", table)
    return Shown(NAME, _title(table), table, NOTE, lambda: _draw(table))


def _title(table: pd.DataFrame) -> str:
    worst = table.iloc[0]
    well = worst["without_p50"]
    against = f", against {short(well)} ms of the same calls without a fault" if pd.notna(well) else ""
    if worst["fault"] == NO_FAULT:
        return f"No fault takes longer than none at the median ({short(worst['p50'])} ms, n {worst['n']})"
    return f"'{worst['fault']}' keeps a client waiting longest: {short(worst['p50'])} ms at the median{against}"


def _draw(table: pd.DataFrame) -> Figure:
    figure, (axes,) = sheet(_title(table), 0.9 + 0.2 * len(table))
    for row, one in enumerate(table.to_dict("records")):
        colour = VERMILION if one["fault"] == NO_FAULT else BLUE
        mostly = 2 * one["saturated"] >= one["n"]
        axes.plot([one["fastest"], one["slowest"]], [row, row], color=FAINT, linewidth=0.8)
        if pd.notna(one["p50_low"]) and pd.notna(one["p50_high"]):
            axes.plot([one["p50_low"], one["p50_high"]], [row, row], color=colour, linewidth=3.4, alpha=0.55)
        face = "white" if mostly else colour
        axes.plot([one["p50"]], [row], marker="o", markersize=5.5, color=colour, markerfacecolor=face)
    rows_down(axes, [f"{one['fault']}  (n {one['n']})" for one in table.to_dict("records")])
    log_ms(axes)
    axes.set_xlabel("request sent to the end of the answer, ms (logarithmic)", fontsize=9, color=INK)
    return figure
