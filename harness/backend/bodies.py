"""Request bodies: read within a limit, decoded from JSON, and their texts checked for what cannot be kept."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError

BODY_BYTES_MAX = 20 * 1024 * 1024


class BadBody(Exception):
    """A body that cannot be right. ``str()`` is a sentence for the client, ``status`` what it is answered with."""

    status = 400


class BodyTooLarge(BadBody):
    """It has more than ``BODY_BYTES_MAX`` bytes."""

    status = 413

    def __init__(self) -> None:
        super().__init__(f"The body is larger than {BODY_BYTES_MAX} bytes.")


class ClientGone(Exception):
    """The client is no longer there, or does not read."""


async def read_body(request: web.Request) -> bytes:
    """The request's body. Refused where it is too large, before it is read where it says so.

    Raises:
        BodyTooLarge: it is larger than ``BODY_BYTES_MAX``.
        BadBody: its bytes are not in the content encoding that its header names.
        ClientGone: it broke off.
    """
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise BodyTooLarge
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge from None
    except (web.RequestPayloadError, ConnectionError) as broken:
        if isinstance(broken.__cause__, ContentEncodingError):
            raise BadBody("The body is not in its Content-Encoding.") from None
        raise ClientGone("the request's body broke off") from broken


def decode_json(raw: bytes) -> Any:
    """The JSON value in a body; of a key that comes twice in an object the last one counts (RFC 8259 section 4).

    Raises:
        BadBody: it is not UTF-8, not JSON (``NaN`` and numbers out of range are not), or nested too deeply.
    """
    try:
        return json.loads(raw.decode(), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise BadBody("The body is not UTF-8.") from None
    except RecursionError:
        raise BadBody("The body is nested too deeply.") from None
    except ValueError as wrong:
        raise BadBody(f"The body is not JSON: {wrong}.") from None


def storable(text: str) -> bool:
    """Whether every database and wire takes the text: no NUL (PostgreSQL has none), no half of a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text[:20]} is out of range")
    return value
