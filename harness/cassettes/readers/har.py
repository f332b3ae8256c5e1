"""HTTP Archive 1.2, as browsers, proxies and Polly.JS write it.

``log.entries`` is a list of a request, a response and timings. Bodies are text, with ``encoding: base64`` for what is
not; Polly.JS writes a coded body as a list of its chunks. Times are kept: when an entry started after the first one,
how long its response's header section took (``timings``), and how long all of it (``time``).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity, Headers, Json, Request, Response

from .base import (
    Foreign,
    Format,
    Sample,
    Unreadable,
    header_pairs,
    mapping,
    provider_exchange,
    read_each,
    status_code,
    text_or_empty,
)
from .bodies import Room, as_bytes, from_base64, from_hex, whole, without_coding

NAME = "har"

_BEFORE_HEADERS = ("blocked", "dns", "connect", "send", "wait")
_MOST_MS = 1e9


def looks_like(sample: Sample) -> bool:
    """Whether the file has a log with entries."""
    return sample.is_json and isinstance(mapping(mapping(sample.loaded).get("log")).get("entries"), list)


def read(sample: Sample) -> Foreign:
    """Every entry as an exchange; those that cannot be read are named with the reason.

    Raises:
        CassetteError: the file has no list of entries.
    """
    entries = mapping(mapping(sample.document).get("log")).get("entries")
    if not isinstance(entries, list):
        raise CassetteError("no list of entries", where=sample.name)
    started = [_started(mapping(entry)) for entry in entries]
    first = min((at for at in started if at is not None), default=None)
    room = Room()

    def make(number: int, entry: Json) -> Exchange:
        at = started[number - 1]
        # In whole microseconds, which is what a date holds: a float would lose some.
        sent_ns = 0 if at is None or first is None else round((at - first).total_seconds() * 1e6) * 1000
        return _exchange(number, mapping(entry), sent_ns, room)

    return read_each(sample, NAME, entries, make, "entry")


FORMAT = Format(NAME, "HTTP Archive", looks_like, read)


def _exchange(number: int, entry: dict[str, Json], sent_ns: int, room: Room) -> Exchange:
    sent, got = mapping(entry.get("request")), entry.get("response")
    method, url = sent.get("method"), sent.get("url")
    if not isinstance(method, str) or not isinstance(url, str) or not isinstance(got, dict):
        raise Unreadable("not a request with method and url, and its response")
    status = status_code(got.get("status"))
    if status == 0:
        raise Unreadable(f"no response came: {got.get('_error') or 'status 0'}")
    sent_headers, headers = _headers(sent), _headers(got)
    posted = mapping(sent.get("postData"))
    request_body = room.decode(_text(posted, sent_headers), sent_headers)
    body = room.decode(_content(mapping(got.get("content")), headers), headers)
    timings = mapping(entry.get("timings"))
    at_ns = sent_ns + sum(_ns(timings.get(part)) for part in _BEFORE_HEADERS)
    ended_ns = max(at_ns, sent_ns + _ns(entry.get("time")))
    response = Response(
        status=status,
        reason=text_or_empty(got.get("statusText")),
        headers=without_coding(headers),
        at_ns=at_ns,
        body=body,
        segments=whole(body, ended_ns),
    )
    request = Request(method.upper(), url, without_coding(sent_headers), request_body, sent_ns)
    return provider_exchange(number, request, response, Fidelity.BODY, ended_ns)


def _headers(message: dict[str, Json]) -> Headers:
    """The header fields without HTTP/2's pseudo-fields, which say again what the entry says."""
    return tuple((name, value) for name, value in header_pairs(message.get("headers")) if not name.startswith(":"))


def _content(content: dict[str, Json], headers: Headers) -> bytes:
    size = content.get("size")
    if content.get("text") is None and isinstance(size, int) and size > 0:
        raise Unreadable("the archive was saved without its bodies")
    return _text(content, headers)


def _text(content: dict[str, Json], headers: Headers) -> bytes:
    """A body's bytes. A list of chunks is told from base64 by its bracket, from JSON by the content coding."""
    text, is_base64 = content.get("text"), content.get("encoding") == "base64"
    coded = any(name.lower() == "content-encoding" for name, _ in headers)
    if isinstance(text, str) and text.startswith("[") and (is_base64 or coded):
        chunks = _chunks(text)
        if chunks is not None:
            return b"".join(from_base64(chunk) if is_base64 else from_hex(chunk) for chunk in chunks)
    return from_base64(text) if is_base64 else as_bytes(text)


def _chunks(text: str) -> list[str] | None:
    """The strings of a JSON list that holds nothing but hexadecimal or base64 strings, else None."""
    try:
        chunks = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(chunks, list) and all(isinstance(chunk, str) and _CODED.issuperset(chunk) for chunk in chunks):
        return chunks
    return None


_CODED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def _started(entry: dict[str, Json]) -> datetime | None:
    text = entry.get("startedDateTime")
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _ns(ms: Json) -> int:
    """Milliseconds as nanoseconds; 0 for -1 (which does not apply) and for anything that is no time."""
    if isinstance(ms, bool) or not isinstance(ms, int | float) or not 0 <= ms <= _MOST_MS:
        return 0
    return int(ms * 1_000_000)
