"""nock's recorded definitions, for Node.js.

A list of ``{scope, method, path, body, status, response, rawHeaders, responseIsBinary}``. A body that is JSON is
written parsed, so it is normalized and only its values are evidence; other text is written as it came; what is not
text is hexadecimal. A body with a content coding is a list of its chunks, hexadecimal.
"""

from __future__ import annotations

import re

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
)
from .bodies import Room, as_bytes, from_hex, whole, without_coding, written_again

NAME = "nock"

_KEYS = frozenset({"scope", "method", "path"})
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")


def looks_like(sample: Sample) -> bool:
    """Whether the file is a list of definitions, each with the ``scope`` it answers for."""
    definitions = sample.loaded if sample.is_json else None
    if not isinstance(definitions, list) or not definitions:
        return False
    return all(isinstance(definition, dict) and definition.keys() >= _KEYS for definition in definitions)


def read(sample: Sample) -> Foreign:
    """Every definition as an exchange; those that cannot be read are named with the reason.

    Raises:
        CassetteError: the file is no list.
    """
    definitions = sample.document
    if not isinstance(definitions, list):
        raise CassetteError("no list of definitions", where=sample.name)
    room = Room()
    return read_each(sample, NAME, definitions, lambda number, one: _exchange(number, mapping(one), room), "definition")


FORMAT = Format(NAME, "nock", looks_like, read)


def _exchange(number: int, definition: dict[str, Json], room: Room) -> Exchange:
    scope, method, path = (definition.get(key) for key in ("scope", "method", "path"))
    if not isinstance(scope, str) or not isinstance(method, str) or not isinstance(path, str):
        raise Unreadable("not a scope, a method and a path")
    headers = _raw_headers(definition.get("rawHeaders", definition.get("headers")))
    recorded, fidelity = _response_body(definition, headers)
    body = room.decode(recorded, headers)
    response = Response(
        status=status_code(definition.get("status", 200)),
        headers=without_coding(headers),
        body=body,
        segments=whole(body),
    )
    asked = definition.get("body")
    request_body = as_bytes(asked) if isinstance(asked, str) else written_again(asked)
    request = Request(
        method.upper(), f"{scope}{path}", header_pairs(definition.get("reqheaders")), room.take(request_body)
    )
    return provider_exchange(number, request, response, fidelity)


def _response_body(definition: dict[str, Json], headers: Headers) -> tuple[bytes, Fidelity]:
    response = definition.get("response")
    if definition.get("responseIsBinary") is True:
        return from_hex(response), Fidelity.BODY
    coded = any(name.lower() == "content-encoding" for name, _ in headers)
    if coded and isinstance(response, list) and all(isinstance(c, str) and _HEX.fullmatch(c) for c in response):
        return b"".join(from_hex(chunk) for chunk in response), Fidelity.BODY
    if isinstance(response, str):
        return as_bytes(response), Fidelity.BODY
    return written_again(response), Fidelity.NORMALIZED


def _raw_headers(fields: Json) -> Headers:
    """Header fields of a mapping, or of Node's flat list: a name, its value, the next name."""
    if not isinstance(fields, list):
        return header_pairs(fields)
    return header_pairs(
        [{"name": name, "value": value} for name, value in zip(fields[::2], fields[1::2], strict=False)]
    )
