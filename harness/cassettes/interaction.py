"""One entry of a cassette file: an exchange, probe, mark or header as a vcrpy interaction, and back.

An exchange is an interaction as vcrpy has it. What vcrpy has no room for stands under ``response.x_stream``, which it
keeps: identity, times, segments, ending, and under ``exact`` (as a JSON text) every field that vcrpy's form would bend.
Everything else is an interaction of a method that nobody sends, with its JSON as the response body.
"""

from __future__ import annotations

import base64
import hashlib
import json
from itertools import accumulate, pairwise
from typing import Any
from urllib.parse import urlparse

import msgspec

from harness.core.errors import CassetteError, CassetteLimit, CassetteWrite
from harness.core.recording import (
    Ending,
    Exchange,
    Fidelity,
    Header,
    Headers,
    Json,
    Mark,
    Probe,
    Request,
    Response,
    Segment,
    Side,
    Whole,
)

from .yamljson import plain

FORMAT = 1
METHOD = "HARNESS"
HEADER_URI = "harness://recording/header"
PROBE_URI = "harness://recording/probe"
MARK_URI = "harness://recording/mark"
NO_RESPONSE_STATUS = 599
MAX_DEPTH = 100
_LONGEST_KEY = 1000  # YAML's limit for a key on one line is 1024 characters

Entry = Exchange | Probe | Mark | Header


class VcrRequest(msgspec.Struct):
    """A request as vcrpy writes it."""

    method: str
    uri: str
    headers: dict[str, list[str]] = {}
    body: str | None = None
    body64: str | None = None


class VcrStatus(msgspec.Struct):
    """A status line as vcrpy writes it."""

    code: int
    message: str | None = ""


class VcrBody(msgspec.Struct):
    """A response body as vcrpy writes it; bytes that are no text as base64."""

    string: str | None = None
    base64: str | None = None


class Stream(msgspec.Struct, omit_defaults=True):
    """What vcrpy has no room for. ``segments`` are lengths, and times as differences from the one before.

    ``order`` is, for the request's and the response's header names as sent, their place among the names sorted: the
    form in which vcrpy leaves them when it saves a file again.
    """

    id: str
    side: Side
    operation: str
    sent_ns: int
    ended_ns: int
    ending: Ending
    fidelity: Fidelity = Fidelity.WIRE
    tie: str | None = None
    provider: str | None = None
    error: str | None = None
    at_ns: int | None = None
    segments: tuple[list[int], list[int]] = ([], [])
    order: tuple[list[int], list[int]] = ([], [])
    sha256: str | None = None
    exact: str | None = None


class VcrResponse(msgspec.Struct):
    """A response as vcrpy writes it."""

    status: VcrStatus
    body: VcrBody
    headers: dict[str, list[str]] = {}
    x_stream: Stream | None = None


class Interaction(msgspec.Struct):
    """One entry of the file."""

    request: VcrRequest
    response: VcrResponse


# -- writing


def encode(entry: Entry) -> dict[str, Any]:
    """The entry as plain data, fit for ``yamljson.dumps``.

    Raises:
        CassetteWrite: data of a probe, mark or header that JSON cannot hold.
    """
    if isinstance(entry, Exchange):
        return _exchange(entry)
    if isinstance(entry, Header):
        fields = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
        return _note(HEADER_URI, {"format": FORMAT, **fields, "capabilities": sorted(entry.capabilities)})
    uri = PROBE_URI if isinstance(entry, Probe) else MARK_URI
    return _note(uri, {"name": entry.name, "at_ns": entry.at_ns, "data": entry.data})


def _note(uri: str, content: Json) -> dict[str, Any]:
    try:
        text = json.dumps(content)
    except (TypeError, ValueError, RecursionError) as failure:
        raise CassetteWrite(f"data that JSON cannot hold: {failure}", where=uri) from failure
    return {
        "request": {"method": METHOD, "uri": uri, "body": None, "headers": {}},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": text}},
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    exact: dict[str, Any] = {}
    stream: dict[str, Any] = {
        "id": exchange.id,
        "side": exchange.side.value,
        "operation": _text("operation", exchange.operation, exact),
        "sent_ns": request.sent_ns,
        "ended_ns": exchange.ended_ns,
        "ending": exchange.ending.value,
        "fidelity": exchange.fidelity.value,
    }
    for name in ("tie", "provider", "error"):
        value = getattr(exchange, name)
        if value is not None:
            stream[name] = _text(name, value, exact)
    if request.whole is not None:
        exact["request_whole"] = [request.whole.size, request.whole.sha256]
    asked_headers = _headers("request_headers", request.headers, exact)
    headers = _headers("response_headers", response.headers if response else (), exact)
    stream["order"] = [_order(asked_headers), _order(headers)]
    asked = {
        "method": _text("method", request.method, exact),
        "uri": _uri(request.url, exact),
        "headers": asked_headers,
        **_bytes(request.body, "body", "body64"),
    }
    if response is None:
        status = {"code": NO_RESPONSE_STATUS, "message": "no response"}
        answered: dict[str, Any] = {"status": status, "headers": {}, "body": {"string": ""}}
    else:
        stream |= _timing(response)
        status = {"code": response.status, "message": _text("reason", response.reason, exact)}
        answered = {"status": status, "headers": headers, "body": _bytes(response.body, "string", "base64")}
    if exact:
        stream["exact"] = json.dumps(exact)
    return {"request": asked, "response": {**answered, "x_stream": stream}}


def _timing(response: Response) -> dict[str, Any]:
    ends = [0, *(segment.end for segment in response.segments)]
    times = [response.at_ns, *(segment.at_ns for segment in response.segments)]
    deltas = [[after - before for before, after in pairwise(values)] for values in (ends, times)]
    return {"at_ns": response.at_ns, "segments": deltas, "sha256": hashlib.sha256(response.body).hexdigest()}


def _bytes(data: bytes, text_key: str, base64_key: str) -> dict[str, str | None]:
    try:
        return {text_key: data.decode() if data or text_key == "string" else None}
    except UnicodeDecodeError:
        return {base64_key: base64.b64encode(data).decode()}


def _text(name: str, text: str, exact: dict[str, Any]) -> str:
    """The text as YAML can hold it; the original goes to ``exact`` where that is another."""
    shown = plain(text)
    if shown != text:
        exact[name] = text
    return shown


def _uri(url: str, exact: dict[str, Any]) -> str:
    try:
        urlparse(url)
    except ValueError:  # vcrpy parses every address when it loads a file
        exact["url"] = url
        return "harness://recording/unparsable"
    return _text("url", url, exact)


def _headers(name: str, headers: Headers, exact: dict[str, Any]) -> dict[str, list[str]]:
    """Header fields as vcrpy has them; the original goes to ``exact`` where repeats or characters would suffer."""
    shown: dict[str, list[str]] = {}
    for key, value in headers:
        shown.setdefault(plain(key)[:_LONGEST_KEY], []).append(plain(value))
    kept = tuple((key, value) for key, values in shown.items() for value in values) == headers
    if not kept or len({key.lower() for key, _ in headers}) < len(headers):
        exact[name] = headers
    return shown


def _order(headers: dict[str, list[str]]) -> list[int]:
    places = {name: place for place, name in enumerate(sorted(headers))}
    return [places[name] for name in headers]


# -- reading


def decode(interaction: Interaction) -> Entry:
    """The entry again.

    Raises:
        CassetteError: an interaction that this harness did not write, or one that was changed since.
        CassetteLimit: data nested deeper than is read.
    """
    uri = interaction.request.uri
    if interaction.request.method != METHOD:
        return _decode_exchange(interaction)
    content = parse(interaction.response.body.string or "")
    try:
        if uri == HEADER_URI:
            return _decode_header(content)
        if uri == PROBE_URI:
            return Probe(content["name"], content["at_ns"], content["data"])
        if uri == MARK_URI:
            return Mark(content["name"], content["at_ns"], content["data"])
    except (KeyError, TypeError, msgspec.ValidationError) as failure:
        raise CassetteError(f"{uri} lacks something: {failure}") from failure
    raise CassetteError(f"an entry of an unknown kind: {uri}", fix="A newer version of the harness may read it.")


def parse(text: str) -> Json:
    """JSON as Python writes it, bounded in depth.

    Raises:
        CassetteError, CassetteLimit: it is not JSON, or nested too deep.
    """
    try:
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError:  # NaN and lone surrogates: Python's own reader takes them
            value = json.loads(text)
        _check_depth(value)
    except RecursionError as failure:
        raise CassetteLimit(f"data nested deeper than {MAX_DEPTH}") from failure
    except (ValueError, UnicodeError) as failure:
        raise CassetteError(f"an entry's content is not JSON: {failure}") from failure
    return value


def _check_depth(value: Json) -> None:
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise RecursionError
        inner = [one for one in level if isinstance(one, (dict, list))]
        level = [item for one in inner for item in (one.values() if isinstance(one, dict) else one)]
        depth += 1


def _decode_header(content: Json) -> Header:
    if content["format"] != FORMAT:
        raise CassetteError(
            f"format {content['format']} is not known here", fix="A newer version of the harness may read it."
        )
    return msgspec.convert(content, Header)


def _decode_exchange(interaction: Interaction) -> Exchange:
    request, response, stream = interaction.request, interaction.response, interaction.response.x_stream
    if stream is None:
        raise CassetteError(
            f"{request.method} {request.uri} was not recorded by this harness: it has no response.x_stream",
            fix="Another recorder has added it; take it out.",
        )
    exact = _parse_exact(stream)
    return Exchange(
        id=stream.id,
        side=stream.side,
        operation=exact.get("operation", stream.operation),
        request=Request(
            exact.get("method", request.method),
            exact.get("url", request.uri),
            _decode_headers(exact.get("request_headers"), request.headers, stream.order[0]),
            _decode_bytes(request.body, request.body64, stream.id),
            stream.sent_ns,
            _decode_whole(exact.get("request_whole")),
        ),
        response=None if stream.at_ns is None else _decode_response(response, stream, stream.at_ns, exact),
        ending=stream.ending,
        ended_ns=stream.ended_ns,
        tie=exact.get("tie", stream.tie),
        provider=exact.get("provider", stream.provider),
        error=exact.get("error", stream.error),
        fidelity=stream.fidelity,
    )


def _parse_exact(stream: Stream) -> dict[str, Any]:
    exact = parse(stream.exact) if stream.exact is not None else {}
    if not isinstance(exact, dict):
        raise CassetteError(f"{stream.id}: x_stream.exact is no object")
    return exact


def _decode_response(response: VcrResponse, stream: Stream, at_ns: int, exact: dict[str, Any]) -> Response:
    body = _decode_bytes(response.body.string, response.body.base64, stream.id)
    if stream.sha256 is not None and hashlib.sha256(body).hexdigest() != stream.sha256:
        raise CassetteError(
            f"the body of {stream.id} ({stream.operation}) does not match its digest",
            fix="The file was changed since it was recorded: record it again, or restore it.",
        )
    lengths, gaps = stream.segments
    segments = tuple(map(Segment, accumulate(lengths), list(accumulate(gaps, initial=at_ns))[1:]))
    if len(lengths) != len(gaps) or min(lengths, default=0) < 0 or sum(lengths) > len(body):
        raise CassetteError(f"the segments of {stream.id} do not fit its body")
    headers = _decode_headers(exact.get("response_headers"), response.headers, stream.order[1])
    reason = exact.get("reason", response.status.message or "")
    return Response(response.status.code, reason, headers, at_ns, body, segments)


def _decode_bytes(text: str | None, encoded: str | None, where: str) -> bytes:
    try:
        return (text or "").encode() if encoded is None else base64.b64decode(encoded)
    except ValueError as failure:
        raise CassetteError(f"a body of {where} is not base64: {failure}") from failure


def _decode_whole(exact: Json) -> Whole | None:
    """What a request body was of which only the beginning stands in the file."""
    try:
        return None if exact is None else Whole(*msgspec.convert(exact, tuple[int, str]))
    except msgspec.ValidationError as failure:
        raise CassetteError(f"a note of a long body that is none: {failure}") from failure


def _decode_headers(exact: Json, shown: dict[str, list[str]], order: list[int]) -> Headers:
    if exact is not None:
        try:
            return msgspec.convert(exact, Headers)
        except msgspec.ValidationError as failure:
            raise CassetteError(f"header fields that are none: {failure}") from failure
    names = sorted(shown)
    if sorted(order) == list(range(len(names))):
        names = [names[place] for place in order]
    return tuple((name, value) for name in names for value in shown[name])
