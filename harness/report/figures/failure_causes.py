"""The likely causes, the one that explains most at the top."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from harness.report.causes import Cause, cause_table, causes, failure_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import INK, ORANGE, VERMILION, clipped, rows_down, sheet

NAME = "failures-causes"
LIST = "failures-list"
MOST = 20
NOTE = (
    "A likely cause: failures of one family of contracts, under one kind of fault, in one sentence; joined where the "
    "sentence is the same, or the cases are. Ranked by the broken MUSTs that it explains, case by case."
)


def likely_causes(frames: Frames) -> Shown:
    """What to look at first, as bars."""
    found = causes(frames)
    if not found:
        return nothing(NAME, "Nothing is broken: there is no cause to look for.")
    return Shown(NAME, _title(found), cause_table(found), NOTE, lambda: _draw(found))


def _title(found: Sequence[Cause]) -> str:
    whole, first = sum(len(one.failures) for one in found), found[0]
    if len(found) == 1:
        return f"One likely cause explains all {whole} broken verdicts, in {len(first.cases)} cases"
    share = len(first.failures) / whole
    return f"{len(found)} likely causes; the first explains {share:.0%} of {whole} broken verdicts"


def _draw(found: Sequence[Cause]) -> Figure:
    shown = found[:MOST]
    figure, (axes,) = sheet(_title(found), 1.0 + 0.42 * max(len(shown), 2))
    musts = np.array([one.must_failures for one in shown])
    shoulds = np.array([len(one.failures) - one.must_failures for one in shown])
    axes.barh(range(len(shown)), musts, color=VERMILION, label="broken MUSTs", height=0.62)
    if shoulds.any():
        axes.barh(range(len(shown)), shoulds, left=musts, color=ORANGE, hatch="//", label="broken SHOULDs", height=0.62)
        axes.legend(fontsize=8, frameon=False, loc="lower right", labelcolor=INK)
    for row, one in enumerate(shown):
        axes.text(len(one.failures), row, f" in {len(one.cases)} cases", va="center", fontsize=8, color=INK)
    rows_down(axes, [_label(number, one) for number, one in enumerate(shown, 1)])
    axes.set_ylim(max(len(shown), 2) - 0.5, -0.5)
    axes.set_xlim(0, float((musts + shoulds).max()) * 1.15)
    axes.set_xlabel("broken verdicts that it explains (a contract in a case is one)", fontsize=9)
    return figure


def _label(number: int, cause: Cause) -> str:
    contracts = cause.contracts[0] + (f" and {len(cause.contracts) - 1} more" if len(cause.contracts) > 1 else "")
    return f"{number}. {contracts}\n{clipped(cause.example.sentence, 66)}"


def failure_list(frames: Frames) -> Shown:
    """Every broken verdict with its cause's number, its words and its cassette."""
    found = causes(frames)
    if not found:
        return nothing(LIST, "Nothing is broken: there is no failure to list.")
    table = failure_table(found, frames)
    title = f"All {len(table)} broken verdicts, by the likely cause's number"
    return Shown(LIST, title, table, unfolded=True)
