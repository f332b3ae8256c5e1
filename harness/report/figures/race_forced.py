"""What came of requests by the moment at which a gate let them go."""

from __future__ import annotations

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.core.race import DELETE, OBSERVE, REFUSED, SERVED
from harness.report.race_tables import KINDS, OUTCOMES, forced_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import OUTCOME_COLOURS, rows_down, sheet

NAME = "races-forced"
NOTE = (
    "Here nothing is measured: something was held until the request was answered, so its moment is certain. Each "
    "column is a moment (events: those with words that the provider had sent), each lane an "
    "outcome, each number the requests that came to it; n: all of a kind. Of a deletion it is told what became of its "
    "stream: served (to its end, which is wrong), ended (by an error event), refused (it had not begun). An end of a "
    "stream that is repeated was told what an earlier one was told, and costs nothing more."
)
_LABEL_CHARS = 14


def forced_offsets(frames: Frames) -> Shown:
    """By moment, how many requests were served, ended, repeated, refused, or failed."""
    table = forced_table(frames.races)
    if table.empty:
        return nothing(NAME, "No moment was forced: there is no offset to look at.", table)
    return Shown(NAME, forced_title(table), table, NOTE, lambda: _draw(table))


def forced_title(table: pd.DataFrame) -> str:
    """The finding, in a sentence without its stop."""
    found = "; ".join(_found(str(kind), own) for kind, own in table.groupby("kind"))
    return found[:1].upper() + found[1:]


def _found(kind: str, own: pd.DataFrame) -> str:
    """What is to be said of a kind."""
    sums = own[list(OUTCOMES)].sum()
    n = int(sums.sum())
    if kind == OBSERVE:
        later = own[own["offset_events"] >= 0]
        asked, let_in = int(later[list(OUTCOMES)].to_numpy().sum()), int(later[SERVED].sum())
        if asked == let_in:
            return f"all {asked} observers that asked after the head were let in"
        return f"{asked - let_in} of {asked} observers that asked after the head were not let in"
    if kind == DELETE:
        return f"of {n} streams whose session was deleted {int(sums[SERVED]) or 'none'} came to a good end"
    told = ", ".join(f"{int(sums[one])} {one}" for one in OUTCOMES if sums[one] or one in (SERVED, REFUSED))
    return f"of {n} {KINDS.get(kind, 'requests')} {told}"


def _draw(table: pd.DataFrame) -> Figure:
    kinds = [own for _, own in table.groupby("row", sort=True)]
    lanes = [[one for one in OUTCOMES if own[one].any()] for own in kinds]
    heights = [len(one) + 1.6 for one in lanes]
    figure, several = sheet(forced_title(table), 0.5 + 0.34 * sum(heights), rows=len(kinds), heights=heights)
    for axes, own, shown in zip(several, kinds, lanes, strict=True):
        _panel(axes, own, shown)
    return figure


def _panel(axes: Axes, own: pd.DataFrame, lanes: list[str]) -> None:
    """One kind: its moments from left to right, its outcomes from top to bottom."""
    n = int(own[list(OUTCOMES)].to_numpy().sum())
    for column, one in enumerate(own.to_dict("records")):
        for lane, outcome in enumerate(lanes):
            if one[outcome]:
                axes.plot(column, lane, marker="o", markersize=15, color=OUTCOME_COLOURS[outcome], alpha=0.6)
                axes.annotate(str(one[outcome]), (column, lane), ha="center", va="center", fontsize=8)
    first = own.iloc[0]
    axes.set_title(f"{first['row']}: {KINDS.get(str(first['kind']), 'requests')}, n {n}", loc="left", fontsize=9.5)
    labels = [textwrap.fill(str(moment), _LABEL_CHARS) for moment in own["moment"]]
    axes.set_xticks(range(len(labels)), labels=labels, fontsize=8)
    axes.set_xlim(-0.6, max(len(labels) - 0.4, 3.6))
    rows_down(axes, lanes)
