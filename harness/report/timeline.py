"""A recording as a timeline: what each side sent and received, probes and marks, in the order of one clock."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from harness.core.recording import Exchange, Recording, Side

SNIPPET = 90
ALIKE = 3
"""Exchanges alike in a row, from which on those between the first and the last are one line."""
MS = 1e6
STYLES = {"client": "cyan", "provider": "yellow", "service": "blue", "probe": "magenta", "mark": "dim"}


def events(recording: Recording) -> list[dict[str, Any]]:
    """Everything that happened, as rows ``{at_ms, who, exchange, what, text}``, by time."""
    rows = [row for exchange in recording.exchanges for row in _exchange(exchange)]
    rows += [_row(p.at_ns, "probe", p.name, "showed", _probe(p.data)) for p in recording.probes]
    rows += [_row(m.at_ns, "mark", m.name, "noted", "" if m.data is None else str(m.data)) for m in recording.marks]
    return sorted(rows, key=lambda row: float(row["at_ms"]))


def timeline(recording: Recording) -> Iterator[RenderableType]:
    """The timeline as a table, below a line on what the recording was made from."""
    header = recording.header
    what = header.asked.get("case") or recording.name
    yield Text.assemble(
        (str(what), "bold"), f"  recorded from: {header.source.value}, {header.recorded_at or 'time unknown'}"
    )
    if header.defect:
        yield Text(f"with the defect {header.defect}", "red")
    if header.void:
        yield Text(f"void: {header.void}", "bold magenta")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in (("ms", "right"), ("who", "left"), ("exchange", "left"), ("what", "left"), ("bytes", "left")):
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    for row in _shortened(recording):
        style = STYLES[row["who"]]
        table.add_row(
            f"{row['at_ms']:.2f}", Text(row["who"], style), Text(row["exchange"]), Text(row["what"]), Text(row["text"])
        )
    yield table


def timeline_json(recording: Recording) -> dict[str, Any]:
    """The timeline as one JSON object."""
    header = recording.header
    return {
        "case": header.asked.get("case"),
        "source": header.source.value,
        "recorded_at": header.recorded_at,
        "defect": header.defect,
        "void": header.void,
        "events": events(recording),
    }


def _shortened(recording: Recording) -> list[dict[str, Any]]:
    """The events, those of polls that all found the same in one row: the first and the last of them are whole."""
    rows = events(recording)
    for alike in _alike(recording):
        between = {exchange.id for exchange in alike[1:-1]}
        first, last = alike[1].request.sent_ns, alike[-2].ended_ns
        told = f"{len(between)} exchanges as {alike[0].id}, until {last / MS:.2f} ms"
        names = f"{alike[1].id} to {alike[-2].id}" if len(between) > 1 else alike[1].id
        rows = [row for row in rows if row["exchange"] not in between]
        rows.append(_row(first, alike[0].side.value, names, told, ""))
    return sorted(rows, key=lambda row: float(row["at_ms"]))


def _alike(recording: Recording) -> Iterator[list[Exchange]]:
    """Exchanges of one side that follow each other and differ in their times only."""
    for side in Side:
        for _, found in groupby(recording.side(side), key=_looks):
            alike = list(found)
            if len(alike) > ALIKE:
                yield alike


def _looks(exchange: Exchange) -> tuple[object, ...]:
    request, body = exchange.request, exchange.body
    return (request.method, request.url, request.body, exchange.status, body, exchange.ending, exchange.error)


def _exchange(exchange: Exchange) -> Iterator[dict[str, Any]]:
    who = exchange.side.value
    verb = "sent" if exchange.side is Side.PROVIDER else "received"
    request = exchange.request
    what = f"{request.method} {_path(request.url)}" + (f" ({request.whole.size} B)" if request.whole else "")
    yield _row(request.sent_ns, who, exchange.id, what, _snippet(request.body))
    response = exchange.response
    if response is not None:
        kind = response.header("content-type") or ""
        yield _row(response.at_ns, who, exchange.id, f"headers {response.status}", kind)
        begin = 0
        for segment in response.segments:
            data = response.body[begin : segment.end]
            yield _row(segment.at_ns, who, exchange.id, f"{verb} {len(data)} B", _snippet(data))
            begin = segment.end
    yield _row(exchange.ended_ns, who, exchange.id, f"ended: {exchange.ending.value}", exchange.error or "")


def _row(at_ns: int, who: str, exchange: str, what: str, text: str) -> dict[str, Any]:
    return {"at_ms": round(at_ns / MS, 3), "who": who, "exchange": exchange, "what": what, "text": text}


def _path(url: str) -> str:
    return "/" + url.split("://", 1)[-1].partition("/")[2]


def _snippet(data: bytes) -> str:
    text = data[: SNIPPET * 4].decode("utf-8", "replace").encode("unicode_escape").decode("ascii")
    return text if len(text) <= SNIPPET else text[: SNIPPET - 1] + "…"


def _probe(data: Any) -> str:
    if not isinstance(data, dict):
        return str(data)[:SNIPPET]
    return ", ".join(f"{key} {len(value) if isinstance(value, list) else value}" for key, value in data.items())
