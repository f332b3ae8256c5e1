"""What a run's measured races say, in words: computed from its frames, the answer first."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from harness.core.race import DELETE, OBSERVE, RACE, SERVED, SWEEP
from harness.report.nouns import number
from harness.report.race_tables import KINDS, OUTCOMES, USUAL, counted, forced_table, race_table, request_table
from harness.results.frames import Frames
from harness.results.stats import rate

from .phrases import Words, code, ms, share

FAMILY = "race"


def races(frames: Frames) -> Words:
    """Whether the races can be judged, how close their requests came, and what came of them."""
    if frames.races.empty:
        return Words(("No race was measured in this run.",))
    table, requests = race_table(frames.races), request_table(frames.races)
    if requests.empty:
        return Words(("No race was measured in this run.", *_forced(frames.races), *_contracts(frames.verdicts)))
    sentences = [
        *_judged(table),
        *_close(table),
        *_outcomes(requests),
        *_sweeps(requests),
        *_forced(frames.races),
        *_contracts(frames.verdicts),
    ]
    return Words(tuple(sentences))


def _judged(table: pd.DataFrame) -> Iterator[str]:
    if table.empty:
        return
    met = rate(int(table["met"].sum()), len(table))
    if met.count == met.n:
        which = "the one race" if met.n == 1 else f"all {met.n:,} races"
        yield f"In {which} the requests met: that nothing was seen to go wrong counts."
    else:
        yield (
            f"In {share(met, 'races')} the requests met; the others are inconclusive, unless something was seen to go "
            "wrong in them."
        )


def _close(table: pd.DataFrame) -> Iterator[str]:
    if table.empty:
        return
    skew, window = table["skew_ms"], table["window_ms"].dropna()
    told = f"Requests of one race were let go within {ms(skew.median())} in the median, {ms(skew.max())} at most"
    if len(window):
        told += f"; the target had dealt with the first after {ms(window.median())}, {ms(window.min())} at the earliest"
    yield told + "."


def _outcomes(requests: pd.DataFrame) -> Iterator[str]:
    for name, own in requests[requests["how"] == RACE].groupby("row"):
        yield f"{str(name).capitalize()}: of {number(len(own), 'request')} {counted(own['outcome'])}."


def _sweeps(requests: pd.DataFrame) -> Iterator[str]:
    for name, own in requests[requests["how"] == SWEEP].groupby("row"):
        if own.iloc[0]["kind"] == DELETE:
            yield f"{str(name).capitalize()}: of {len(own)} {KINDS[DELETE]} {counted(own['outcome'])}."
            continue
        late, early = own[own["offset_ms"] > 0], own[own["offset_ms"] <= 0]
        missed = late[late["outcome"] != "served"]
        served = int((early["outcome"] == "served").sum())
        after = f"all {len(late)} let go after the moment were served"
        if len(missed):
            last = ms(missed["offset_ms"].max())
            after = f"{len(missed)} of {len(late)} let go after the moment were not, the latest {last} after"
        yield f"{str(name).capitalize()}: {after}; of those before it, {served} of {len(early)}."


def _forced(races: pd.DataFrame) -> Iterator[str]:
    table = forced_table(races)
    for name, own in table.groupby("row") if len(table) else ():
        kind = str(own.iloc[0]["kind"])
        told = _let_in(own) if kind == OBSERVE else _came_to(kind, own)
        yield f"{str(name).capitalize()} at moments that were forced: {told}."


def _let_in(own: pd.DataFrame) -> str:
    at = [(own["offset_events"] < 0, "before the provider's head"), (own["offset_events"] >= 0, "after it")]
    counts = [(own[which], where) for which, where in at if which.any()]
    return "; ".join(
        f"{where} {int(some[SERVED].sum())} of {int(some[list(OUTCOMES)].to_numpy().sum())} were served"
        for some, where in counts
    )


def _came_to(kind: str, own: pd.DataFrame) -> str:
    sums = own[list(OUTCOMES)].sum()
    told = ", ".join(f"{int(sums[one]):,} {one}" for one in OUTCOMES if sums[one] or one in USUAL)
    return f"of {int(sums.sum())} {KINDS.get(kind, 'requests')} {told}"


def _contracts(verdicts: pd.DataFrame) -> Iterator[str]:
    for name, own in verdicts[verdicts["family"].astype(str) == FAMILY].groupby("contract", observed=True):
        counts = own["verdict"].astype(str).value_counts()
        told = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items())
        yield f"{code(name)}: {told}."
