"""What a run says of time, in words: computed from its frames, the answer first."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pandas as pd

from harness.core.recording import NO_FAULT
from harness.report.calls import PARTS, client_calls, healthy, opened, shared
from harness.report.latency_tables import fault_table, slowest_table
from harness.report.nouns import number
from harness.report.run_counts import shown
from harness.results.columns import SATURATED_MS
from harness.results.frames import Frames
from harness.results.latency import FirstToken
from harness.results.stats import Estimate, quantile, rate

from .phrases import Words, code, interval_ms, ms, percent, share

HEALTHY = " of a healthy provider"

FEW = 20
"""Calls below which a 99th percentile is the largest value, and little more."""


def latency(frames: Frames) -> Words:
    """How fast, whose time it is, what was slowest, and whether the figures can be trusted."""
    calls = client_calls(frames.exchanges)
    timed = calls[calls["total_ms"].notna()]
    if timed.empty:
        return Words(("No call of a client's was timed: there is no latency to look at.",))
    sentences = [_headline(calls), *_providers(calls), *_whose(calls), *_never(calls), *_faults(calls)]
    return Words((*sentences, *_slowest(frames), *_doubts(timed)))


def whose_time(calls: pd.DataFrame) -> tuple[Estimate, float | None]:
    """The target's share of the time to first content of healthy calls: its median call by call with the interval, and
    its share of all that time together. None where no call was seen on both sides.
    """
    seen = shared(healthy(calls))
    whole = float(seen[list(PARTS)].sum().sum())
    together = float((seen["before_ms"] + seen["after_ms"]).sum()) / whole if whole > 0 else None
    return quantile(seen["target_share"].tolist(), 0.5), together


def _headline(calls: pd.DataFrame) -> str:
    streams = opened(calls)
    if streams["ttft_ms"].notna().any():
        censored = int((streams["ttft_state"] == FirstToken.CENSORED.value).sum())
        return _percentiles("Time to first token", streams, "ttft_ms", "stream", HEALTHY, censored)
    whole = healthy(calls)
    if len(whole):
        return _percentiles("Time to the whole answer", whole, "total_ms", "call", HEALTHY)
    every = calls[calls["total_ms"].notna()]
    return _percentiles("Time to the end of a call", every, "total_ms", "call", ", whole and without a fault none")


def _percentiles(what: str, calls: pd.DataFrame, column: str, noun: str, which: str, censored: int = 0) -> str:
    values = calls[column].dropna().tolist()
    middle, ninety, last = (quantile(values, q, censored=censored) for q in (0.5, 0.9, 0.99))
    p50 = "longer than any that was seen" if middle.value is None else f"{ms(middle.value)} ({interval_ms(middle)})"
    late = int(calls.loc[calls[column].notna(), "saturated"].sum())
    doubt = f", {late:,} of them timed while the harness itself was late" if late else ""
    few = "; of so few, p99 is little more than the slowest" if middle.n < FEW else ""
    told = f"{what}: median {p50}, p90 {_or_longer(ninety)}, p99 {_or_longer(last)}"
    return f"{told}; {number(middle.n, noun)}{which}{doubt}{few}."


def _or_longer(found: Estimate) -> str:
    return "longer than any that came" if found.value is None else ms(found.value)


def _providers(calls: pd.DataFrame) -> Iterator[str]:
    """Whether one provider is slower than another behind the same call."""
    streams = opened(calls)
    column = "ttft_ms" if streams["ttft_ms"].notna().any() else "total_ms"
    own = streams if column == "ttft_ms" else healthy(calls)
    for call, same in own.groupby("call", observed=True):
        found = {
            str(name): quantile(part[column].dropna().tolist(), 0.5)
            for name, part in same.groupby("provider", observed=True)
        }
        known = {name: one for name, one in found.items() if one.value is not None}
        if len(known) < 2:
            continue
        fast, slow = (pick(known, key=lambda name: known[name].value or 0) for pick in (min, max))
        yield f"{call}: " + _compared(fast, known[fast], slow, known[slow])


def _compared(fast: str, quick: Estimate, slow: str, long: Estimate) -> str:
    medians = (
        f"{code(slow)} has the largest median, {ms(long.value or 0)}, {code(fast)} the smallest, {ms(quick.value or 0)}"
    )
    if quick.high is None or long.low is None:
        return f"{medians}; too few calls to tell whether that is more than chance."
    if long.low > quick.high:
        return f"{medians}; their intervals do not touch, so that is more than chance."
    return f"{medians}; their intervals overlap, so it may be chance."


def _whose(calls: pd.DataFrame) -> Iterator[str]:
    found, together = whose_time(calls)
    if found.value is None or together is None:
        yield "Whose time it is cannot be told: no healthy call was seen on both sides."
        return
    low, high = ("?" if end is None else percent(end) for end in (found.low, found.high))
    interval = "too few for an interval" if low == high == "?" else f"95 % interval {low} to {high}"
    whose = "the target: look there first" if together >= 0.5 else f"{_waited_for(calls)}: the target adds little"
    yield (
        f"The target takes {percent(together)} % of the time to first content ({number(found.n, 'call')}, both sides "
        f"on one clock; in the median call {percent(found.value)} %, {interval}). Most of the time goes to {whose}."
    )
    sound, theirs = whose_time(calls[~calls["saturated"]])
    if theirs is not None and sound.n < found.n:
        kept_up = f"{number(sound.n, 'call')} of those that were timed while the harness kept up"
        yield f"In the {kept_up}, it takes {percent(theirs)} %."


def _waited_for(calls: pd.DataFrame) -> str:
    """Whom the target waits for longest."""
    seen = shared(healthy(calls))
    own = float(seen["provider_ms"].sum())
    return "the provider" if own >= float(seen["others_ms"].sum()) else "services, or earlier steps and polls"


def _never(calls: pd.DataFrame) -> Iterator[str]:
    never = calls[calls["ttft_state"] == FirstToken.CENSORED.value]
    if never.empty:
        return
    mild = int((never["fault"] == NO_FAULT).sum())
    waited = never["ttft_censored_ms"].max()
    yield (
        f"{number(len(never), 'stream')} never came to a first token ({mild} of them with a healthy provider), waited "
        f"for up to {ms(waited)}: counted as longer than all others, never dropped."
    )


def _faults(calls: pd.DataFrame) -> Iterator[str]:
    table = fault_table(calls)
    if len(table) < 2:
        return
    worst = table.iloc[0]
    if worst["fault"] != NO_FAULT:
        against = (
            f"; the same calls without a fault: {ms(worst['without_p50'])}" if pd.notna(worst["without_p50"]) else ""
        )
        median = f"median {ms(worst['p50'])} of {number(worst['n'], 'call')}"
        yield f"The fault {code(worst['fault'])} keeps a client longest: {median}{against}."


def _slowest(frames: Frames) -> Iterator[str]:
    worst = slowest_table(frames).iloc[0]
    folder = frames.stored[0].path
    look = ""
    if isinstance(worst["cassette"], str):
        look = f"\n`harness show {shlex.quote(shown(folder / worst['cassette']))}`"
    which = f"{code(worst['exchange'])} of {code(worst['case_name'])}"
    yield f"The slowest call took {ms(worst['total_ms'])}: {which}.{look}"


def _doubts(timed: pd.DataFrame) -> Iterator[str]:
    late = rate(int(timed["saturated"].sum()), len(timed))
    if not timed["lag_ms"].notna().any():
        yield "How late the harness's own loop was is not known for this run."
    elif late.count == 0:
        yield f"The harness kept up: in none of {late.n:,} calls was its own loop late by {SATURATED_MS:g} ms or more."
    else:
        yield (
            f"Doubt: {share(late, 'calls')} were timed while the harness's own loop was late by {SATURATED_MS:g} ms or "
            "more: their times are upper bounds. `harness run -j 1` loads it least."
        )
