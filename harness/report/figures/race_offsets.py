"""What came of requests by when they were let go."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from harness.core.race import SWEEP
from harness.report.race_tables import OUTCOMES, request_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import BLUE, FAINT, GREEN, ORANGE, VERMILION, rows_down, sheet, short

NAME = "races-offsets"
NOTE = (
    "Each mark is a request, at the time when its last byte had left, as it was measured: in a race since the first of "
    "its race, in a sweep around the moment that it is about (the vertical line), negative before it. One lane for "
    "each outcome: served above, refused in the middle, failed below."
)
_LOOKS = {"served": (GREEN, "o", -0.22), "refused": (ORANGE, "s", 0.0), "failed": (VERMILION, "x", 0.22)}


def offset_outcomes(frames: Frames) -> Shown:
    """Every request of every race and sweep: offset and outcome."""
    table = request_table(frames.races)
    if table.empty:
        return nothing(NAME, "No race was measured: there is no offset to look at.", table)
    return Shown(NAME, _title(table), table, NOTE, lambda: _draw(table))


def _title(table: pd.DataFrame) -> str:
    swept = table[table["how"] == SWEEP]
    if len(swept):
        late = swept[swept["offset_ms"] > 0]
        missed = late[late["outcome"] != "served"]
        if missed.empty:
            return f"All {len(late)} requests let go after the moment were served; {_before(swept)}"
        last = short(float(missed["offset_ms"].max()))
        return (
            f"{len(missed)} of {len(late)} requests let go after the moment were not served, the latest {last} ms after"
        )
    counts = table["outcome"].value_counts()
    told = ", ".join(f"{counts.get(outcome, 0)} {outcome}" for outcome in OUTCOMES)
    return f"Of {len(table)} requests let go within {short(float(table['offset_ms'].max()))} ms: {told}"


def _before(swept: pd.DataFrame) -> str:
    early = swept[swept["offset_ms"] <= 0]
    return f"of those before it, {int((early['outcome'] == 'served').sum())} of {len(early)}"


def _draw(table: pd.DataFrame) -> Figure:
    rows = sorted(set(table["row"]))
    figure, (axes,) = sheet(_title(table), 1.3 + 0.75 * len(rows))
    for outcome, (colour, mark, lane) in _LOOKS.items():
        own = table[table["outcome"] == outcome]
        heights = [rows.index(name) + lane for name in own["row"]]
        axes.plot(
            own["offset_ms"], heights, mark, color=colour, markersize=5, alpha=0.6, label=f"{outcome}, {len(own)}"
        )
    axes.axvline(0, color=BLUE, linewidth=0.9, alpha=0.6)
    for row in range(1, len(rows)):
        axes.axhline(row - 0.5, color=FAINT, linewidth=0.5, alpha=0.5)
    rows_down(axes, rows)
    axes.set_xlabel("offset, ms", fontsize=9)
    figure.legend(fontsize=8, frameon=False, loc="outside lower left", ncols=3)
    return figure
