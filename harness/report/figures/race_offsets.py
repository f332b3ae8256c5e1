"""What came of requests by when they were let go."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator, SymmetricalLogLocator

from harness.core.race import DELETE, SERVED, SWEEP
from harness.report.race_tables import KINDS, OUTCOMES, counted, request_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import BLUE, FAINT, OUTCOME_COLOURS, rows_down, sheet, short

NAME = "races-offsets"
NOTE = (
    "Each mark is a request, at the time when its last byte had left, as it was measured: in a race since the first of "
    "its race, in a sweep around the moment that it is about (the vertical line), negative before it; logarithmic "
    "beyond 1 ms on either side. One lane for each outcome, with the number of its requests. Of a deletion it is told "
    "what became of its stream: served (to its end), ended (by an error event), refused (it had not begun)."
)
_LINEAR_MS = 1.0


def offset_outcomes(frames: Frames) -> Shown:
    """Every request of every race and sweep: offset and outcome."""
    table = request_table(frames.races)
    if table.empty:
        return nothing(NAME, "No race was measured: there is no offset to look at.", table)
    return Shown(NAME, _title(table), table, NOTE, lambda: _draw(table))


def _title(table: pd.DataFrame) -> str:
    swept = table[table["how"] == SWEEP]
    if len(swept):
        found = "; ".join(_swept(str(kind), own) for kind, own in swept.groupby("kind"))
        return found[:1].upper() + found[1:]
    return (
        f"Of {len(table)} requests let go within {short(float(table['offset_ms'].max()))} ms: "
        f"{counted(table['outcome'])}"
    )


def _swept(kind: str, own: pd.DataFrame) -> str:
    """What is to be said of the sweeps of a kind."""
    late, early = own[own["offset_ms"] > 0], own[own["offset_ms"] <= 0]
    what = KINDS.get(kind, "requests")
    if kind == DELETE:
        return f"of {len(own)} {what}: {counted(own['outcome'])}"
    missed = late[late["outcome"] != SERVED]
    if missed.empty:
        before = f"of those before it, {int((early['outcome'] == SERVED).sum())} of {len(early)}"
        return f"all {len(late)} {what} let go after the moment were served; {before}"
    last = short(float(missed["offset_ms"].max()))
    return f"{len(missed)} of {len(late)} {what} let go after the moment were not served, the latest {last} ms after"


def _draw(table: pd.DataFrame) -> Figure:
    lanes = [
        (name, outcome)
        for name, own in table.groupby("row", sort=True)
        for outcome in OUTCOMES
        if (own["outcome"] == outcome).any()
    ]
    figure, (axes,) = sheet(_title(table), 0.9 + 0.3 * len(lanes))
    labels = []
    for lane, (name, outcome) in enumerate(lanes):
        own = table[(table["row"] == name) & (table["outcome"] == outcome)]
        axes.plot(own["offset_ms"], [lane] * len(own), "o", color=OUTCOME_COLOURS[outcome], markersize=6, alpha=0.5)
        first = not lane or lanes[lane - 1][0] != name
        labels.append(f"{name}   {outcome}, n {len(own)}" if first else f"{outcome}, n {len(own)}")
        if first and lane:
            axes.axhline(lane - 0.5, color=FAINT, linewidth=0.5, alpha=0.5)
    axes.axvline(0, color=BLUE, linewidth=0.9, alpha=0.6)
    rows_down(axes, labels)
    axes.set_xscale("symlog", linthresh=_LINEAR_MS)
    axes.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=_LINEAR_MS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_xlabel("offset, ms (logarithmic beyond 1 ms)", fontsize=9)
    return figure
