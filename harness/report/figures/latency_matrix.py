"""Percentiles by provider, system and operation: a matrix for each percentile, one scale of colours for all."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from harness.report.calls import client_calls, healthy, opened
from harness.report.latency_tables import quantile_table
from harness.results.frames import Frames

from .heatmap import TIMES, Cells, bar, heat
from .shown import Shown, nothing
from .style import SATURATED_MARK, sheet, short

AT = ("p50", "p90", "p99")
ABREAST = 4
"""With more providers than this the three matrices stand below each other."""

NOTE = (
    "In each cell: the percentile (linear between the closest ranks) in ms, its 95 % interval by order statistics "
    "('?': beyond what was seen), the number of calls. '>': it falls among calls whose first token never came, and "
    f"is longer than any that did. {SATURATED_MARK}: half of the values or more were taken while the harness's own "
    "loop was late, so they are too long."
)


@dataclass(frozen=True)
class Metric:
    """A time that the matrix can show."""

    name: str
    column: str
    words: str
    which: str
    none: str


FIRST_TOKEN = Metric(
    "latency-first-token",
    "ttft_ms",
    "First token",
    "streams of a healthy provider",
    "No stream of a healthy provider was opened: there is no first token to time.",
)
TOTAL = Metric(
    "latency-total",
    "total_ms",
    "Whole answer",
    "whole answers of a healthy provider",
    "No call of a healthy provider was answered whole: there is no answer to time.",
)


def first_token_matrix(frames: Frames) -> Shown:
    """Time to first token of the streams that a healthy provider answered."""
    return _matrix(FIRST_TOKEN, opened(client_calls(frames.exchanges)))


def total_matrix(frames: Frames) -> Shown:
    """Request to end of the answer, of calls that a healthy provider answered whole."""
    return _matrix(TOTAL, healthy(client_calls(frames.exchanges)))


def _matrix(metric: Metric, calls: pd.DataFrame) -> Shown:
    table = quantile_table(calls, metric.column)
    if table.empty or table["longest"].isna().all():
        return nothing(metric.name, metric.none, table)
    return Shown(metric.name, _title(metric, table), table, NOTE, lambda: _draw(metric, table))


def _title(metric: Metric, table: pd.DataFrame) -> str:
    n = int(table["n"].sum())
    known = table.dropna(subset=["p50"])
    if known.empty:
        return f"{metric.words}: more than half of {n} {metric.which} never had one"
    slow = known.iloc[int(known["p50"].argmax())]
    if len(known) == 1:
        return f"{metric.words} after {short(slow['p50'])} ms at the median of {n} {metric.which}"
    fast = known.iloc[int(known["p50"].argmin())]
    names = ("provider",) if known["call"].nunique() == 1 else ("call", "provider")
    ends = [f"{short(end['p50'])} ms ({', '.join(end[name] for name in names)})" for end in (fast, slow)]
    told = f"{metric.words}, medians of {n} {metric.which}: from {ends[0]} to {ends[1]}"
    if pd.isna(slow["p50_low"]) or pd.isna(fast["p50_high"]):
        return told
    return f"{told}; their intervals {'overlap' if slow['p50_low'] <= fast['p50_high'] else 'do not touch'}"


def _draw(metric: Metric, table: pd.DataFrame) -> Figure:
    rows, providers = list(dict.fromkeys(table["call"])), sorted(set(table["provider"]))
    abreast = len(providers) <= ABREAST
    down, across = (1, len(AT)) if abreast else (len(AT), 1)
    height_in = down * (0.6 + 0.62 * len(rows)) + 0.4
    figure, axes = sheet(_title(metric, table), height_in, rows=down, columns=across)
    norm = _norm(table)
    for number, (one, percentile) in enumerate(zip(axes, AT, strict=True)):
        heat(one, _cells(table, percentile, rows, providers), norm, TIMES, size=7.5)
        one.set_xlabel(f"{percentile} by provider", fontsize=9)
        if abreast and number:
            one.tick_params(labelleft=False)
    bar(figure, axes, norm, TIMES, f"{metric.column.removesuffix('_ms').replace('ttft', 'time to first token')}, ms")
    return figure


def _norm(table: pd.DataFrame) -> LogNorm:
    values = table[list(AT)].to_numpy(dtype=float)
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (float(values.min()), float(values.max())) if values.size else (1.0, 10.0)
    return LogNorm(low / 1.3, max(high, low * 1.5) * 1.3)


def _cells(table: pd.DataFrame, percentile: str, rows: Sequence[str], providers: Sequence[str]) -> Cells:
    values = np.full((len(rows), len(providers)), np.nan)
    words = [["" for _ in providers] for _ in rows]
    for one in table.to_dict("records"):
        row, column = rows.index(one["call"]), providers.index(one["provider"])
        values[row, column] = one[percentile]
        words[row][column] = _words(one, percentile)
    return Cells(rows, providers, values, words)


def _words(one: Mapping[Hashable, Any], percentile: str) -> str:
    mostly = 2 * one["saturated"] >= one["n"]
    value, low, high = one[percentile], one[f"{percentile}_low"], one[f"{percentile}_high"]
    middle = f"> {short(one['longest'])}" if math.isnan(value) else short(value)
    ends = " to ".join("?" if math.isnan(end) else short(end) for end in (low, high))
    return f"{middle}{f' {SATURATED_MARK}' if mostly else ''}\n{ends}\nn {one['n']:g}"
