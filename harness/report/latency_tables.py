"""Frames of latencies that figures show and sentences tell: calls in, one row for each thing compared."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.core.recording import NO_FAULT
from harness.results.frames import Frames
from harness.results.latency import FirstToken
from harness.results.stats import quantile
from harness.results.summaries import quantiles

from .calls import PARTS, client_calls, healthy, opened, shared
from .kinds import kind_of

SLOWEST = 15
"""Cases that count as the slowest."""

FEWEST = 5
"""Calls that make a distribution."""


def quantile_table(calls: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row for each call and provider: n, censored, saturated, and each percentile with its interval, in ms."""
    if calls.empty:
        return pd.DataFrame()
    table = quantiles(calls, column, ("call", "provider"))
    longest = calls.groupby(["call", "provider"], observed=True)[column].max()
    table["longest"] = [
        longest[call, provider] for call, provider in zip(table["call"], table["provider"], strict=True)
    ]
    table = table[table["n"] > 0].astype({"provider": str}).drop(columns="refused")
    return table.sort_values(["call", "provider"], ignore_index=True)


def share_table(calls: pd.DataFrame) -> pd.DataFrame:
    """One row for each call and provider: n, saturated, mean parts in ms, the target's share with its spread."""
    rows = []
    seen = shared(healthy(calls))
    for (call, provider), own in seen.groupby(["call", "provider"], observed=True):
        found = quantile(own["target_share"].tolist(), 0.5)
        row = {"call": str(call), "provider": str(provider), "n": len(own), "saturated": int(own["saturated"].sum())}
        row |= {part: float(own[part].mean()) for part in PARTS}
        row |= {"share": found.value, "share_low": found.low, "share_high": found.high}
        row |= {"share_p10": own["target_share"].quantile(0.1), "share_p90": own["target_share"].quantile(0.9)}
        rows.append(row)
    return pd.DataFrame(rows)


def fault_table(calls: pd.DataFrame) -> pd.DataFrame:
    """One row for each fault: n, saturated, median with interval, fastest and slowest, in ms; the slowest first.

    ``without_p50`` is the median of the same calls (system, scenario, provider, operation) while the provider did
    nothing wrong: different faults are exercised on different systems. Only scenarios that were exercised under
    several faults: the others have nothing to compare with.
    """
    rows = []
    faults = calls.groupby("scenario", observed=True)["fault"].nunique()
    compared = calls[calls["total_ms"].notna() & calls["scenario"].isin(faults[faults > 1].index)]
    for fault, own in compared.groupby("fault", observed=True):
        found = quantile(own["total_ms"].tolist(), 0.5)
        row = {"fault": str(fault), "kind": kind_of(str(fault)), "n": len(own)}
        row |= {"saturated": int(own["saturated"].sum()), "p50": found.value, "p50_low": found.low}
        row |= {
            "without_p50": _without(own, compared),
            "p50_high": found.high,
            "fastest": own["total_ms"].min(),
            "slowest": own["total_ms"].max(),
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    return table if table.empty else table.sort_values("p50", ascending=False, ignore_index=True)


def _without(own: pd.DataFrame, compared: pd.DataFrame) -> float | None:
    """The median in ms of the calls like these while the provider did nothing wrong; None where there are none."""
    like = ["system", "scenario", "provider", "operation"]
    wanted = set(own[like].astype(str).itertuples(index=False, name=None))
    well = compared[compared["fault"] == NO_FAULT]
    kept = [key in wanted for key in well[like].astype(str).itertuples(index=False, name=None)]
    return quantile(well.loc[kept, "total_ms"].tolist(), 0.5).value


def slowest_table(frames: Frames) -> pd.DataFrame:
    """The slowest call of each case, the slowest case first: times in ms, and its cassette."""
    calls = client_calls(frames.exchanges)
    calls = calls[calls["total_ms"].notna()].sort_values("total_ms", ascending=False)
    calls = calls.astype({"case_name": "string"}).drop_duplicates("case_name").head(SLOWEST)
    cassettes: dict[Any, Any] = dict(
        zip(frames.cases["case_name"].astype("string"), frames.cases["cassette"], strict=True)
    )
    table = calls[["case_name", "exchange", "call", "fault", "status", "total_ms", *PARTS, "lag_ms", "saturated"]]
    kept = [cassettes.get(case) for case in calls["case_name"]]
    return table.assign(cassette=pd.Series(kept, index=table.index, dtype="string")).reset_index(drop=True)


def distribution_table(calls: pd.DataFrame) -> pd.DataFrame:
    """One row for each call: metric, provider, time in ms, whether it is censored (then: waited for), saturated."""
    first, whole = opened(calls), healthy(calls)
    censored = first["ttft_state"] == FirstToken.CENSORED.value
    parts = [
        _rows("first token", first, first["ttft_ms"].where(~censored, first["ttft_censored_ms"]), censored),
        _rows("whole answer", whole, whole["total_ms"], pd.Series(data=False, index=whole.index)),
    ]
    table = pd.concat([part for part in parts if len(part) >= FEWEST] or [parts[0].head(0)], ignore_index=True)
    return table.sort_values(["time", "provider", "ms"], ignore_index=True)


def _rows(time: str, calls: pd.DataFrame, ms: pd.Series, censored: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "time": pd.Series(time, index=calls.index, dtype="string"),
            "provider": calls["provider"].astype("string"),
            "call": calls["call"],
            "ms": ms.astype(float),
            "censored": censored.astype(bool),
            "saturated": calls["saturated"].astype(bool),
            "case": calls["case_name"].astype("string"),
        }
    )
