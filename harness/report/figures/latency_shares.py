"""Where the time goes: the target's part of the time to first content, and others', on one clock."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.report.calls import PARTS, client_calls
from harness.report.latency_tables import share_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import BLUE, FAINT, GREEN, INK, ORANGE, SATURATED_MARK, SKY, rows_down, sheet, short

NAME = "latency-shares"
PART_WORDS = (
    "target, before the provider is asked",
    "services, earlier steps and polls",
    "provider",
    "target, passing its answer on",
)
PART_COLOURS = (BLUE, GREEN, ORANGE, SKY)
_HATCHES = ("", "..", "//", "")
NOTE = (
    "Left: the mean parts of the time to first content (of a plain answer: to its last byte); they add up to the mean "
    "exactly. Right: the target's share call by call: dot the median, thick line its 95 % interval, thin line from the "
    "10th to the 90th percentile. Both sides are seen on one clock, so no synchronisation is in these figures; the "
    f"harness's own lateness is: {SATURATED_MARK} where half of the calls or more were timed while its loop was late."
)


def time_shares(frames: Frames) -> Shown:
    """The parts of the time to first content, by call and provider, of healthy providers."""
    table = share_table(client_calls(frames.exchanges))
    if table.empty:
        why = "No healthy call was seen on both sides: whose time it is cannot be told."
        return nothing(NAME, why, table)
    return Shown(NAME, _title(table), table, NOTE, lambda: _draw(table))


def _title(table: pd.DataFrame) -> str:
    n = table["n"]
    target = float(((table["before_ms"] + table["after_ms"]) * n).sum())
    whole = float(sum((table[part] * n).sum() for part in PARTS))
    share = target / whole if whole > 0 else 0.0
    late = int(table["saturated"].sum())
    doubt = f"; {late} of them timed while the harness itself was late" if 2 * late >= n.sum() else ""
    waits = float((table["others_ms"] * n).sum()) > float((table["provider_ms"] * n).sum())
    theirs = "that of services, earlier steps and polls, and the provider" if waits else "the provider's"
    whose = "Most of the time is the target's" if share >= 0.5 else f"Most of the time is {theirs}"
    return f"{whose}: it takes {max(share, 1 - share):.0%} of the time to first content ({n.sum()} calls{doubt})"


def _draw(table: pd.DataFrame) -> Figure:
    figure, (bars, dots) = sheet(_title(table), 1.3 + 0.34 * len(table), columns=2)
    left = np.zeros(len(table))
    for part, words, colour, hatch in zip(PARTS, PART_WORDS, PART_COLOURS, _HATCHES, strict=True):
        width = table[part].to_numpy()
        bars.barh(
            range(len(table)), width, left=left, color=colour, label=words, hatch=hatch, edgecolor="white", height=0.7
        )
        left = left + width
    for row, whole in enumerate(left):
        bars.text(whole, row, f" {short(float(whole))} ms", va="center", fontsize=8, color=INK)
    bars.set_xlim(0, float(left.max()) * 1.18)
    bars.set_xlabel("mean time to first content, ms", fontsize=9)
    figure.legend(fontsize=8, frameon=False, loc="outside lower left", ncols=2, labelcolor=INK)
    for row, one in enumerate(table.to_dict("records")):
        dots.plot([one["share_p10"], one["share_p90"]], [row, row], color=FAINT, linewidth=0.9)
        if pd.notna(one["share_low"]) and pd.notna(one["share_high"]):
            dots.plot([one["share_low"], one["share_high"]], [row, row], color=BLUE, linewidth=3.4, alpha=0.55)
        dots.plot([one["share"]], [row], marker="o", color=BLUE, markersize=5.5)
    rows_down(bars, [_label(one) for one in table.to_dict("records")])
    rows_down(dots, [])
    dots.set_ylim(len(table) - 0.5, -0.5)
    dots.set_xlim(-0.02, 1.02)
    dots.set_xlabel("the target's share of it, call by call (0 to 1)", fontsize=9)
    return figure


def _label(one: Mapping[Hashable, Any]) -> str:
    n, late = one["n"], 2 * one["saturated"] >= one["n"]
    return f"{one['call']}, {one['provider']} (n {n}){f' {SATURATED_MARK}' if late else ''}"
