"""vcrpy's cassettes, in YAML and JSON, with the parsed bodies of pydantic-ai's serializer. vcrpy is not imported.

An interaction has a request ``{method, uri, headers, body}`` and a response
``{status: {code, message}, headers, body: {string}}``.
A recorder that parses JSON bodies puts ``parsed_body`` in the place of ``body``: such a body is normalized, and
only its values are evidence.
"""

from __future__ import annotations

import base64
import binascii
import json

from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity, Headers, Json, Request, Response

from .base import (
    Foreign,
    Format,
    Sample,
    Unread,
    Unreadable,
    as_bytes,
    decode_content,
    foreign,
    header_pairs,
    provider_exchange,
    whole,
    without_coding,
)

NAME = "vcrpy"


def looks_like(sample: Sample) -> bool:
    """Whether the file has vcrpy's interactions: their requests have a ``uri``, where go-vcr's have a ``url``."""
    if "interactions" not in sample.keys or not isinstance(sample.loaded, dict):
        return False
    interactions = sample.loaded.get("interactions")
    if not isinstance(interactions, list):
        return False
    return all("uri" in request for request in map(_request_of, interactions[:1]))


def read(sample: Sample) -> Foreign:
    """Every interaction as an exchange; those that cannot be read are named with the reason.

    Raises:
        CassetteError: the file has no list of interactions.
    """
    document = sample.document
    interactions = document.get("interactions") if isinstance(document, dict) else None
    if not isinstance(interactions, list):
        raise CassetteError("no list of interactions", where=sample.name)
    exchanges: list[Exchange] = []
    unread: list[Unread] = []
    for number, interaction in enumerate(interactions, 1):
        try:
            exchanges.append(_exchange(number, interaction))
        except Unreadable as why:
            unread.append((f"interaction {number}", why.what))
    return foreign(sample, NAME, exchanges, unread)


FORMAT = Format(NAME, "vcrpy", looks_like, read)


def _request_of(interaction: Json) -> dict[str, Json]:
    request = interaction.get("request") if isinstance(interaction, dict) else None
    return request if isinstance(request, dict) else {}


def _exchange(number: int, interaction: Json) -> Exchange:
    sent = _request_of(interaction)
    got = interaction.get("response") if isinstance(interaction, dict) else None
    method, uri = sent.get("method"), sent.get("uri")
    if not isinstance(method, str) or not isinstance(uri, str) or not isinstance(got, dict):
        raise Unreadable("not a request with method and uri, and its response")
    request_headers = header_pairs(sent.get("headers"))
    request_body, _ = _body(sent, request_headers)
    response, fidelity = _response(got)
    request = Request(method.upper(), uri, without_coding(request_headers), request_body)
    return provider_exchange(number, request, response, fidelity)


def _response(got: dict[str, Json]) -> tuple[Response, Fidelity]:
    status = got.get("status")
    code = status.get("code") if isinstance(status, dict) else status
    if isinstance(code, bool) or not isinstance(code, int):
        raise Unreadable("the response has no status code")
    reason = status.get("message") if isinstance(status, dict) else ""
    headers = header_pairs(got.get("headers"))
    body, fidelity = _body(got, headers)
    response = Response(
        status=code,
        reason=reason if isinstance(reason, str) else "",
        headers=without_coding(headers),
        body=body,
        segments=whole(body),
    )
    return response, fidelity


def _body(message: dict[str, Json], headers: Headers) -> tuple[bytes, Fidelity]:
    """The decoded body of a request or response, and how close it is to the wire."""
    if "parsed_body" in message and message.get("body") is None:
        return _written_again(message["parsed_body"]), Fidelity.NORMALIZED
    body = message.get("body")
    if isinstance(body, dict):
        body = _base64(body["base64_string"]) if "base64_string" in body else body.get("string")
    return decode_content(as_bytes(body), headers), Fidelity.BODY


def _written_again(parsed: Json) -> bytes:
    if parsed is None:
        return b""
    try:
        return json.dumps(parsed, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as wrong:
        raise Unreadable(f"the parsed body is not JSON: {wrong}") from wrong


def _base64(text: Json) -> bytes:
    try:
        return base64.b64decode(as_bytes(text), validate=False)
    except binascii.Error as wrong:
        raise Unreadable(f"the body is not base64: {wrong}") from wrong
