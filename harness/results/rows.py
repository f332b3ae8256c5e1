"""Rows of the tables, made from a recording and what was judged of it; nulls are left out.

A row names its case; the case's own columns and the run follow from that when it is read.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from harness.core.case import Case
from harness.core.recording import Exchange, Probe, Recording, Side
from harness.core.verdict import Judgement, Verdict

from . import latency
from .columns import SATURATED_MS
from .reading import Answer, read_answer, read_asked
from .shares import others, shares, upstreams

Row = dict[str, Any]

LAG_MARK = "loop-lag"
"""The mark that tells how late the harness's own event loop was: ``{"case_ms": x, "exchanges": {id: ms}}``."""

COUNTS: Mapping[Verdict, str] = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.WARN: "warned",
    Verdict.NOT_APPLICABLE: "not_applicable",
    Verdict.UNSUPPORTED: "unsupported",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.ERROR: "errors",
}
"""The column that counts each verdict."""

_DIGITS = 6


def case_row(
    case: Case, judgements: Iterable[Judgement], seconds: float, recording: Recording | None, cassette: PurePath | None
) -> Row:
    """The row of ``cases``."""
    counts = Counter(judgement.verdict for judgement in judgements)
    lag = _lag(recording)
    return named_row(
        case,
        took_ms=seconds * 1000,
        cassette=None if cassette is None else cassette.as_posix(),
        void=recording.header.void if recording else None,
        lag_ms=lag.get("case_ms"),
        **{column: counts[verdict] for verdict, column in COUNTS.items()},
    )


def verdict_rows(case: Case, judgements: Iterable[Judgement]) -> Iterator[Row]:
    """The rows of ``verdicts``: every judgement but those that had nothing to judge."""
    for one in judgements:
        if one.verdict is Verdict.NOT_APPLICABLE:
            continue
        findings = [{"sentence": v.sentence, "evidence": [str(p) for p in v.evidence]} for v in one.violations]
        yield named_row(
            case,
            contract=one.contract,
            family=one.contract.partition(".")[0],
            verdict=one.verdict.value,
            subjects=one.subjects,
            violations=len(findings),
            sentence=one.violations[0].sentence if findings else None,
            evidence="; ".join(map(str, one.violations[0].evidence)) if findings else None,
            findings=json.dumps(findings, ensure_ascii=False) if findings else None,
            note=one.note or None,
        )


def exchange_rows(case: Case, recording: Recording) -> Iterator[tuple[Row, list[Row]]]:
    """The row of each exchange in ``exchanges``, with its rows in ``segments``."""
    answers = {one.id: read_answer(one) for one in recording.exchanges}
    times = {one.id: latency.call_times(one, answer=answers[one.id]) for one in recording.exchanges}
    caused = upstreams(recording)
    lags = _lag(recording).get("exchanges", {})
    for one in recording.exchanges:
        call = times[one.id]
        row = named_row(case, **_exchange(one), **_lateness(lags.get(one.id)))
        if call is not None:
            row |= _present(_latencies(call, answers[one.id]))
        ours = caused.get(one.id, ()) if one.side is Side.CLIENT else ()
        last = times[ours[-1].id] if ours else None
        if one.side is Side.CLIENT:
            row["upstream_calls"] = len(ours)
        besides = others(recording, one, ours) if call is not None and last is not None else None
        if call is not None and last is not None and besides is not None:
            found = shares(one, call, ours[-1], last, besides)
            row |= _present(vars_of(found) | {"target_share": found.target_share})
        yield row, list(_segments(case, one, call))


def probe_row(case: Case, probe: Probe) -> Row:
    """A row of ``probes``."""
    data = json.dumps(probe.data, ensure_ascii=False, separators=(",", ":"))
    return named_row(case, name=probe.name, at_ms=probe.at_ns / latency.MS, data=data)


def named_row(case: Case, **values: Any) -> Row:
    """A row of a case's; nulls are left out."""
    return {"case_name": str(case), **_present(values)}


def vars_of(found: Any) -> Row:
    """The fields of a dataclass with slots."""
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


def _exchange(one: Exchange) -> Row:
    asked, response = read_asked(one), one.response
    return {
        "exchange": one.id,
        "side": one.side.value,
        "operation": one.operation,
        "upstream": one.provider,
        "tie": one.tie,
        "method": one.request.method,
        "path": _path(one.request.url),
        "model": asked.model if asked else None,
        "status": one.status,
        "ending": one.ending.value,
        "error": one.error,
        "fidelity": one.fidelity.value,
        "request_bytes": one.request.whole.size if one.request.whole else len(one.request.body),
        "response_bytes": len(one.body),
        "reads": len(response.segments) if response else 0,
        "sent_ms": one.request.sent_ns / latency.MS,
    }


def _latencies(call: latency.CallTimes, answer: Answer | None) -> Row:
    gaps = latency.event_gaps_ms(call)
    found = latency.reads(call)
    row: Row = {
        "headers_ms": latency.headers_ms(call),
        "ttft_ms": latency.ttft_ms(call),
        "ttft_state": latency.first_token(call).value,
        "ttft_censored_ms": latency.ttft_censored_ms(call),
        "total_ms": latency.total_ms(call),
        "itl_ms": latency.itl_ms(call),
        "chars_per_s": latency.chars_per_s(call),
        "tokens_per_s": latency.tokens_per_s(call),
    }
    if gaps:
        row |= {"gap_p50_ms": statistics.median(gaps), "gap_p99_ms": _p99(gaps), "gap_max_ms": max(gaps)}
    if answer is not None:
        row |= {"chunks": len(call.content), "chars": call.chars, "tokens": call.tokens}
        row |= {"content_reads": found.content_reads, "coalesced_reads": found.coalesced}
        row["coalesced_share"] = found.share
    return row


def _p99(values: tuple[float, ...]) -> float:
    """Linear between the closest ranks, as everywhere here."""
    return values[0] if len(values) == 1 else statistics.quantiles(values, n=100, method="inclusive")[98]


def _segments(case: Case, one: Exchange, call: latency.CallTimes | None) -> Iterator[Row]:
    if one.response is None or call is None:
        return
    completed: dict[int, list[int]] = {}
    for chunk in call.content:
        completed.setdefault(chunk.read, []).append(chunk.chars)
    read = latency.first_token(call) is not latency.FirstToken.UNREAD
    start, before_ns, content_ns = 0, None, None
    for number, segment in enumerate(one.response.segments):
        chars = completed.get(number, [])
        yield named_row(
            case,
            exchange=one.id,
            side=one.side.value,
            segment=number,
            at_ms=call.since_sent_ms(segment.at_ns),
            gap_ms=None if before_ns is None else (segment.at_ns - before_ns) / latency.MS,
            bytes=segment.end - start,
            chunks=len(chars) if read else None,
            chars=sum(chars) if read else None,
            content_gap_ms=(segment.at_ns - content_ns) / latency.MS if chars and content_ns is not None else None,
        )
        start, before_ns = segment.end, segment.at_ns
        content_ns = segment.at_ns if chars else content_ns


def _lag(recording: Recording | None) -> Row:
    mark = recording.mark(LAG_MARK) if recording else None
    return mark.data if mark is not None and isinstance(mark.data, dict) else {}


def _lateness(lag_ms: float | None) -> Row:
    return {} if lag_ms is None else {"lag_ms": lag_ms, "saturated": lag_ms >= SATURATED_MS}


def _present(values: Mapping[str, Any]) -> Row:
    return {name: _kept(value) for name, value in values.items() if value is not None}


def _kept(value: Any) -> Any:
    """A value as it is kept: to the nanosecond, and text that UTF-8 can hold, whatever a stranger sent."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _path(url: str) -> str:
    """The path of a URL of any shape, without its query."""
    return "/" + url.split("://", 1)[-1].partition("/")[2].partition("?")[0]
