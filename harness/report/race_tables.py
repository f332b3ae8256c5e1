"""Races as tables: every request with its offset, every race with how close its requests came, and what it is worth."""

from __future__ import annotations

import pandas as pd

from harness.core.race import (
    DELETE,
    DOUBLE_SPEND,
    DOUBLE_SUBMIT,
    ENDED,
    FAILED,
    FORCED,
    OBSERVE,
    RACE,
    REFUSED,
    REPEATED,
    SERVED,
    SETTLE,
    SWEEP,
)
from harness.results.stats import rate

OUTCOMES = (SERVED, ENDED, REPEATED, REFUSED, FAILED)
"""What can come of a request, in the order in which it is shown."""
USUAL = (SERVED, REFUSED, FAILED)
"""Those that are told of though nothing came to them."""
KINDS = {
    OBSERVE: "observers",
    DELETE: "streams whose session was deleted",
    DOUBLE_SUBMIT: "messages for one session",
    DOUBLE_SPEND: "requests on one balance",
    SETTLE: "ends of a stream",
}
"""Kind -> what its requests are; of other kinds they are requests."""
BEFORE_HEAD = "before the head"


def counted(outcomes: pd.Series[str]) -> str:
    """How many came to what, in words."""
    counts = outcomes.value_counts()
    shown = [one for one in OUTCOMES if one in USUAL or counts.get(one, 0)]
    return ", ".join(f"{counts.get(one, 0):,} {one}" for one in shown)


def request_table(races: pd.DataFrame) -> pd.DataFrame:
    """One row for each request that was measured: what it was part of (``row``), when it was let go, its outcome."""
    measured = races[races["how"] != FORCED]
    if measured.empty:
        return pd.DataFrame()
    found = measured.astype({"system": str, "kind": str, "how": str, "outcome": str, "provider": str, "target": str})
    found["row"] = found["system"] + " " + found["kind"] + found["how"].map({RACE: "", SWEEP: " sweep"})
    kept = ["row", "kind", "target", "provider", "case_name", "race", "how", "offset_ms", "outcome", "status"]
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
    """One row for each system, kind and moment that was forced: how many requests came to what.

    The moments of a kind are in their order: by the provider's content events (``offset_events``), those without first.
    """
    found = races[races["how"] == FORCED]
    if found.empty:
        return pd.DataFrame()
    named = pd.DataFrame(
        {
            "row": found["system"].astype(str) + " " + found["kind"].astype(str),
            "kind": found["kind"].astype(str),
            "offset_events": found["offset_events"],
            "moment": [_moment(*one) for one in zip(found["moment"], found["offset_events"], strict=True)],
            "outcome": found["outcome"].astype(str),
        }
    )
    keys = ["row", "kind", "offset_events", "moment"]
    counts = named.groupby([*keys, "outcome"], dropna=False).size().unstack(fill_value=0)
    counts = counts.reindex(columns=list(OUTCOMES), fill_value=0).reset_index().rename_axis(columns=None)
    return counts.sort_values(["row", "offset_events", "moment"], na_position="first", ignore_index=True)


def _moment(moment: object, offset_events: float) -> str:
    """A moment in words: its own, else by the provider's content events."""
    if isinstance(moment, str):
        return moment
    return BEFORE_HEAD if offset_events < 0 else f"after {offset_events:.0f} event{'' if offset_events == 1 else 's'}"
