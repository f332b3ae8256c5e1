"""Frames summed up: percentiles and failure rates by group, each with its number and its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from . import stats
from .latency import FirstToken

JUDGED = ("pass", "fail", "warn")
"""The verdicts that say something of the target."""


def quantiles(
    exchanges: pd.DataFrame, column: str, by: Sequence[str] = (), at: Sequence[float] = (0.5, 0.9, 0.99)
) -> pd.DataFrame:
    """Percentiles of a column of ``exchanges`` by group, each with the interval of ``stats``.

    Columns: the group's, ``n``, ``censored``, ``refused``, ``saturated``, and for each percentile ``p50``, ``p50_low``,
    ``p50_high`` (null: beyond what was seen). A first token that never came is counted in ``n`` and as larger than all
    others; one that was refused is counted apart, as a failure. ``saturated`` says how many of the values were
    taken while the harness's own loop was late.
    """
    return pd.DataFrame([_quantiles(key, part, column, at) for key, part in _groups(exchanges, by)])


def failure_rates(verdicts: pd.DataFrame, by: Sequence[str] = ("contract",)) -> pd.DataFrame:
    """Failed of judged by group: the group's columns, ``failed``, ``judged``, ``rate``, ``low``, ``high`` (Wilson)."""
    judged = verdicts[verdicts["verdict"].isin(JUDGED)]
    rows = []
    for key, part in _groups(judged, by):
        found = stats.rate(int((part["verdict"] == "fail").sum()), len(part))
        counted = {"failed": found.count, "judged": found.n, "rate": found.value, "low": found.low, "high": found.high}
        rows.append({**key, **counted})
    return pd.DataFrame(rows, columns=[*by, "failed", "judged", "rate", "low", "high"])


def _groups(frame: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    if not by:
        yield {}, frame
        return
    for key, part in frame.groupby(list(by), observed=True):
        yield dict(zip(by, key, strict=True)), part


def _quantiles(key: dict[str, Any], part: pd.DataFrame, column: str, at: Sequence[float]) -> dict[str, Any]:
    known = part[part[column].notna()]
    state = part["ttft_state"] if column == "ttft_ms" else pd.Series(dtype="string")
    censored = int((state == FirstToken.CENSORED.value).sum())
    row: dict[str, Any] = {
        **key,
        "n": len(known) + censored,
        "censored": censored,
        "refused": int((state == FirstToken.REFUSED.value).sum()),
        "saturated": int(known["saturated"].sum()),
    }
    for q in at:
        found = stats.quantile(known[column].tolist(), q, censored=censored)
        name = f"p{q * 100:g}"
        row |= {name: _or_nan(found.value), f"{name}_low": _or_nan(found.low), f"{name}_high": _or_nan(found.high)}
    return row


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
