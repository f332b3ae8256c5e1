"""Races as tables: every request with its offset, every race with how close its requests came, and what it is worth."""

from __future__ import annotations

import pandas as pd

from harness.core.race import FORCED, RACE, SWEEP
from harness.results.stats import rate

OUTCOMES = ("served", "refused", "failed")
"""What can come of a request, in the order in which it is shown."""


def request_table(races: pd.DataFrame) -> pd.DataFrame:
    """One row for each request that was measured: what it was part of (``row``), when it was let go, its outcome."""
    measured = races[races["how"] != FORCED]
    if measured.empty:
        return pd.DataFrame()
    found = measured.astype({"system": str, "kind": str, "how": str, "outcome": str, "provider": str, "target": str})
    found["row"] = found["system"] + " " + found["kind"] + found["how"].map({RACE: "", SWEEP: " sweep"})
    kept = ["row", "target", "provider", "case_name", "race", "how", "offset_ms", "outcome", "status"]
    return found[[*kept, "provider_ms", "answered_ms"]].sort_values(["row", "offset_ms"], ignore_index=True)


def race_table(races: pd.DataFrame) -> pd.DataFrame:
    """One row for each race (sweeps let nothing go together): its skew, its window, the spread at the provider.

    ``arrival_spread_ms``: between the first and the last request that a provider of ours saw; null where it saw none.
    """
    raced = races[races["how"] == RACE]
    rows = []
    for (case, _), own in raced.groupby(["case_name", "race"], observed=True, sort=False):
        first = own.iloc[0]
        arrived = (own["offset_ms"] + own["provider_ms"]).dropna()
        rows.append(
            {
                "row": f"{first['system']} {first['kind']}",
                "provider": str(first["provider"]),
                "case_name": str(case),
                "race": int(first["race"]),
                "requests": len(own),
                "skew_ms": float(first["skew_ms"]),
                "window_ms": None if pd.isna(first["window_ms"]) else float(first["window_ms"]),
                "arrival_spread_ms": float(arrived.max() - arrived.min()) if len(arrived) > 1 else None,
                "met": bool(first["met"]),
            }
        )
    return pd.DataFrame(rows)


def share_table(races: pd.DataFrame) -> pd.DataFrame:
    """One row for each kind of race: how many there were, and in how many the requests met, with its interval."""
    table = race_table(races)
    rows = []
    for name, own in table.groupby("row") if len(table) else ():
        found = rate(int((~own["met"]).sum()), len(own))
        rows.append(
            {"row": name, "races": found.n, "inconclusive": found.count}
            | {"share": found.value, "low": found.low, "high": found.high}
        )
    return pd.DataFrame(rows)


def forced_table(races: pd.DataFrame) -> pd.DataFrame:
    """One row for each system, kind and offset (content events) that was forced: how many came to what."""
    found = races[races["how"] == FORCED]
    if found.empty:
        return pd.DataFrame()
    names = found["system"].astype(str) + " " + found["kind"].astype(str)
    counted = (
        found.assign(row=names, outcome=found["outcome"].astype(str))
        .groupby(["row", "offset_events", "outcome"])
        .size()
        .unstack(fill_value=0)
        .reindex(columns=list(OUTCOMES), fill_value=0)
    )
    return counted.reset_index().rename_axis(columns=None)
