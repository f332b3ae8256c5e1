"""How often each contract is broken, and how sure that is: rates with Wilson's intervals."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from harness.report.causes import BROKEN, JUDGED
from harness.results.frames import Frames
from harness.results.stats import rate

from .shown import Shown, nothing
from .style import BLUE, VERMILION, rows_down, sheet

NAME = "failures-rates"
MOST = 40
NOTE = (
    "Dot: the broken of the judged cases. Line: Wilson's 95 % score interval of that share; with few cases it is wide, "
    "and at 0 it still says how often the contract may be broken unseen. Circle: a MUST is broken; square: a SHOULD."
)


def failure_rates(frames: Frames) -> Shown:
    """The rate of each broken contract; where none is, of each family: how sure 'none' is."""
    table = rate_table(frames.verdicts)
    if table.empty:
        return nothing(NAME, "No contract had anything to judge.", table)
    return Shown(NAME, _title(table), table, NOTE, lambda: _draw(table))


def rate_table(verdicts: pd.DataFrame) -> pd.DataFrame:
    """One row for each broken contract (each family where there is none): broken, judged, share with interval."""
    judged = verdicts[verdicts["verdict"].isin(JUDGED)].astype({"contract": str, "family": str, "verdict": str})
    broken = judged[judged["verdict"].isin(BROKEN)]
    by = "contract" if len(broken) else "family"
    if len(broken):
        judged = judged[judged["contract"].isin(set(broken["contract"]))]
    rows = []
    for name, own in judged.groupby(by):
        found = rate(int(own["verdict"].isin(BROKEN).sum()), len(own))
        level = "MUST" if (own["verdict"] == "fail").any() else "SHOULD" if found.count else "none broken"
        rows.append(
            {by: name, "level": level, "broken": found.count, "judged": found.n}
            | {"share": found.value, "low": found.low, "high": found.high}
        )
    table = pd.DataFrame(rows)
    return table if table.empty else table.sort_values(["share", by], ascending=[False, True], ignore_index=True)


def _title(table: pd.DataFrame) -> str:
    first = table.iloc[0]
    if not first["broken"]:
        least = table.iloc[int(table["high"].argmax())]
        unseen = f"0 of {least['judged']}, so up to {least['high']:.1%} may be broken unseen"
        return f"Nothing is broken; least sure of '{least['family']}': {unseen}"
    every = int((table["share"] == 1).sum())
    if len(table) == every == 1:
        return f"'{first['contract']}' is broken in every case that it judges ({first['judged']}): no chance in it"
    if every:
        return f"{every} of {len(table)} broken contracts are broken in every case that they judge: no chance in it"
    return (
        f"'{first['contract']}' is broken most often: in {first['broken']} of {first['judged']} cases "
        f"({first['low']:.0%} to {first['high']:.0%})"
    )


def _draw(table: pd.DataFrame) -> Figure:
    shown = table.head(MOST)
    figure, (axes,) = sheet(_title(table), 0.9 + 0.26 * len(shown))
    for row, one in enumerate(shown.to_dict("records")):
        colour = VERMILION if one["broken"] else BLUE
        axes.plot([one["low"], one["high"]], [row, row], color=colour, linewidth=2.6, alpha=0.5, solid_capstyle="butt")
        axes.plot([one["share"]], [row], marker="s" if one["level"] == "SHOULD" else "o", color=colour, markersize=6)
    names = shown[shown.columns[0]].astype(str)
    counts = zip(names, shown["broken"], shown["judged"], strict=True)
    rows_down(axes, [f"{name}  ({broken} of {judged})" for name, broken, judged in counts])
    most = float(shown["high"].max()) * 1.04
    axes.set_xlim(-0.02 * most, most)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("share of judged cases in which it is broken, with Wilson's 95 % interval", fontsize=9)
    return figure
