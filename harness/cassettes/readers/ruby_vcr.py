"""Ruby's VCR, and R's vcr, which took its format over. Neither is needed to read it.

``http_interactions`` is a list of a request ``{method, uri, body, headers}`` and a response
``{status: {code, message}, headers, body}``. A body is ``{encoding, string}``, with ``!binary`` for what is not text,
or ``{encoding, base64_string}`` where exact bytes were asked for. R's vcr writes the status as a number and single
header values as text. Both keep the ``Content-Encoding`` of a body that they have decoded.
"""

from __future__ import annotations

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
from .bodies import Room, as_bytes, from_base64, whole, without_coding

NAME = "ruby-vcr"
_LIST = "http_interactions"


def looks_like(sample: Sample) -> bool:
    """Whether the file has the key that only this format has."""
    return _LIST in sample.keys


def read(sample: Sample) -> Foreign:
    """Every interaction as an exchange; those that cannot be read are named with the reason.

    Raises:
        CassetteError: the file has no list of interactions.
    """
    interactions = mapping(sample.document).get(_LIST)
    if not isinstance(interactions, list):
        raise CassetteError(f"no list of {_LIST}", where=sample.name)
    room = Room()
    return read_each(sample, NAME, interactions, lambda number, one: _exchange(number, mapping(one), room))


FORMAT = Format(NAME, "Ruby VCR", looks_like, read)


def _exchange(number: int, interaction: dict[str, Json], room: Room) -> Exchange:
    sent, got = mapping(interaction.get("request")), interaction.get("response")
    method, uri = sent.get("method"), sent.get("uri")
    if not isinstance(method, str) or not isinstance(uri, str) or not isinstance(got, dict):
        raise Unreadable("not a request with method and uri, and its response")
    sent_headers, headers = header_pairs(sent.get("headers")), header_pairs(got.get("headers"))
    status = got.get("status")
    body = _body(got.get("body"), headers, room)
    response = Response(
        status=status_code(status.get("code") if isinstance(status, dict) else status),
        reason=text_or_empty(mapping(status).get("message")),
        headers=without_coding(headers),
        body=body,
        segments=whole(body),
    )
    request = Request(method.upper(), uri, without_coding(sent_headers), _body(sent.get("body"), sent_headers, room))
    return provider_exchange(number, request, response, Fidelity.BODY)


def _body(body: Json, headers: Headers, room: Room) -> bytes:
    if not isinstance(body, dict):
        return room.decode(as_bytes(body), headers)
    if body.get("file") is True:
        raise Unreadable("the body was written to a file of its own")
    exact = body.get("base64_string")
    return room.decode(as_bytes(body.get("string")) if exact is None else from_base64(exact), headers)
