"""vcrpy's cassettes, in YAML and JSON, with the parsed bodies of pydantic-ai's serializer. vcrpy is not imported.

An interaction has a request ``{method, uri, headers, body}`` and a response
``{status: {code, message}, headers, body: {string}}``.
A recorder that parses JSON bodies puts ``parsed_body`` in the place of ``body``: such a body is normalized, and
only its values are evidence.
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
from .bodies import Room, as_bytes, from_base64, whole, without_coding, written_again

NAME = "vcrpy"


def looks_like(sample: Sample) -> bool:
    """Whether the file has vcrpy's interactions: their requests have a ``uri``, where go-vcr's have a ``url``."""
    if "interactions" not in sample.keys or not isinstance(sample.loaded, dict):
        return False
    interactions = sample.loaded.get("interactions")
    if not isinstance(interactions, list):
        return False
    return all("uri" in mapping(mapping(interaction).get("request")) for interaction in interactions[:1])


def read(sample: Sample) -> Foreign:
    """Every interaction as an exchange; those that cannot be read are named with the reason.

    Raises:
        CassetteError: the file has no list of interactions.
    """
    interactions = mapping(sample.document).get("interactions")
    if not isinstance(interactions, list):
        raise CassetteError("no list of interactions", where=sample.name)
    room = Room()
    return read_each(sample, NAME, interactions, lambda number, one: _exchange(number, mapping(one), room))


FORMAT = Format(NAME, "vcrpy", looks_like, read)


def _exchange(number: int, interaction: dict[str, Json], room: Room) -> Exchange:
    sent, got = mapping(interaction.get("request")), interaction.get("response")
    method, uri = sent.get("method"), sent.get("uri")
    if not isinstance(method, str) or not isinstance(uri, str) or not isinstance(got, dict):
        raise Unreadable("not a request with method and uri, and its response")
    request_headers = header_pairs(sent.get("headers"))
    request_body, _ = _body(sent, request_headers, room)
    response, fidelity = _response(got, room)
    request = Request(method.upper(), uri, without_coding(request_headers), request_body)
    return provider_exchange(number, request, response, fidelity)


def _response(got: dict[str, Json], room: Room) -> tuple[Response, Fidelity]:
    status = got.get("status")
    headers = header_pairs(got.get("headers"))
    body, fidelity = _body(got, headers, room)
    response = Response(
        status=status_code(status.get("code") if isinstance(status, dict) else status),
        reason=text_or_empty(mapping(status).get("message")),
        headers=without_coding(headers),
        body=body,
        segments=whole(body),
    )
    return response, fidelity


def _body(message: dict[str, Json], headers: Headers, room: Room) -> tuple[bytes, Fidelity]:
    """The decoded body of a request or response, and how close it is to the wire."""
    if "parsed_body" in message and message.get("body") is None:
        return room.take(written_again(message["parsed_body"])), Fidelity.NORMALIZED
    body = message.get("body")
    if isinstance(body, dict):
        recorded = from_base64(body["base64_string"]) if "base64_string" in body else as_bytes(body.get("string"))
    else:
        recorded = as_bytes(body)
    return room.decode(recorded, headers), Fidelity.BODY
