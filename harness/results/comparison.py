"""The streams of runs by our definitions of latency and by other tools', one row for each, from the recordings."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from harness.cassettes import file
from harness.core.recording import Exchange, Side

from . import latency
from .others import TOOLS, Theirs
from .runs import StoredRun


def comparison(runs: Sequence[StoredRun]) -> pd.DataFrame:
    """A row for each client stream with content: ``run``, ``case_name``, ``exchange``, and for ``ours`` and each tool
    ``ttft_ms``, ``total_ms``, ``itl_ms``, ``tpot_ms`` and ``gap_p50_ms``, the tool's name and a dot before them.
    """
    return pd.DataFrame([row for run in runs for row in _rows(run)])


def _rows(run: StoredRun) -> Iterator[dict[str, Any]]:
    for case in run.rows("cases", ("case_name", "cassette")):
        if case["cassette"] is None:
            continue
        for exchange in file.load(run.path / case["cassette"]).side(Side.CLIENT):
            row = _row(exchange)
            if row is not None:
                yield {"run": run.id, "case_name": case["case_name"], "exchange": exchange.id} | row


def _row(exchange: Exchange) -> dict[str, Any] | None:
    call = latency.call_times(exchange)
    if call is None or latency.first_token(call) is not latency.FirstToken.MEASURED:
        return None
    ours = Theirs(
        latency.ttft_ms(call), latency.total_ms(call), latency.itl_ms(call), gaps_ms=latency.event_gaps_ms(call)
    )
    found = {"ours": ours} | {name: tool(call) for name, tool in TOOLS.items()}
    return {f"{name}.{key}": value for name, one in found.items() for key, value in _figures(one).items()}


def _figures(one: Theirs) -> dict[str, float | None]:
    return {
        "ttft_ms": one.ttft_ms,
        "total_ms": one.total_ms,
        "itl_ms": one.itl_ms,
        "tpot_ms": one.tpot_ms,
        "gap_p50_ms": statistics.median(one.gaps_ms) if one.gaps_ms else None,
    }
