"""Whole distributions, not only three points of them: how many calls were through by which time."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.calls import client_calls
from harness.report.latency_tables import distribution_table
from harness.results.frames import Frames

from .shown import Shown, nothing
from .style import COLOURS, FAINT, GRID, INK, log_ms, sheet, short

NAME = "latency-distribution"
NOTE = (
    "Each step is a call: where a curve is at 0.9, nine calls of ten were through. The band is the 95 % "
    "Dvoretzky-Kiefer-Wolfowitz band of the whole curve. Dotted: only calls that were timed while the harness's own "
    "loop was on time. A curve that does not reach 1: the rest is censored, its first token never came; ▷ marks how "
    "long those were waited for."
)


def distributions(frames: Frames) -> Shown:
    """Time to first token (streams) and to the whole answer, by provider, of healthy providers."""
    calls = client_calls(frames.exchanges)
    table = distribution_table(calls)
    if table.empty:
        return nothing(NAME, "Too few calls of a healthy provider for a distribution.", table)
    return Shown(NAME, _title(table), table, NOTE, lambda: _draw(table))


def _title(table: pd.DataFrame) -> str:
    parts = []
    for time, own in table.groupby("time", sort=True):
        known = own.loc[~own["censored"], "ms"]
        if known.empty:
            parts.append(f"{time}: none of {len(own)} came")
            continue
        low, high = np.quantile(known.to_numpy(dtype=float), [0.1, 0.9])
        parts.append(f"{time}: p90 is {short(float(high / low))} times p10 (n {len(own)})")
    return f"How far calls lie apart: {'; '.join(parts)}"


def _draw(table: pd.DataFrame) -> Figure:
    times = list(dict.fromkeys(table["time"]))
    figure, axes = sheet(_title(table), 3.6, columns=len(times))
    providers = sorted(set(table["provider"]))
    for one, time in zip(axes, times, strict=True):
        own = table[table["time"] == time]
        for number, provider in enumerate(providers):
            _curve(one, own[own["provider"] == provider], provider, COLOURS[number % len(COLOURS)])
        one.set_xlabel(f"{time}, ms since the request was sent (logarithmic)", fontsize=9)
        one.set_ylim(0, 1.02)
        one.grid(visible=True, axis="y", color=GRID, linewidth=0.6)
        log_ms(one)
        one.legend(fontsize=8, frameon=False, loc="lower right", labelcolor=INK)
    axes[0].set_ylabel("share of calls that were through", fontsize=9)
    return figure


def _curve(axes: Axes, own: pd.DataFrame, provider: str, colour: str) -> None:
    if own.empty:
        return
    n, known = len(own), np.sort(own.loc[~own["censored"], "ms"].to_numpy())
    share = np.arange(1, len(known) + 1) / n
    label = f"{provider}, n {n}" + (f", {n - len(known)} never came" if len(known) < n else "")
    axes.step(known, share, where="post", color=colour, linewidth=1.6, label=label)
    band = math.sqrt(math.log(2 / 0.05) / (2 * n))
    low, high = np.clip(share - band, 0, 1), np.clip(share + band, 0, 1)
    axes.fill_between(known, low, high, step="post", color=colour, alpha=0.12, linewidth=0)
    sound = np.sort(own.loc[~own["censored"] & ~own["saturated"], "ms"].to_numpy())
    if 2 <= len(sound) < len(known):
        axes.step(sound, np.arange(1, len(sound) + 1) / len(sound), where="post", color=colour, linestyle=":", lw=1.2)
    waited = own.loc[own["censored"], "ms"].to_numpy()
    if len(waited):
        axes.plot(waited, np.full(len(waited), len(known) / n), linestyle="", marker=">", color=FAINT, markersize=5)
