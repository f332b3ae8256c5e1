"""What a recorded response was on the wire, piece by piece: bytes and when they came, then how it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from harness.core.recording import Ending, Exchange, Response, Segment

from .http1 import encode

_BODYLESS = frozenset({204, 304})


@dataclass(slots=True)
class Script:
    """Bytes with the times at which they came, in order; then the ending, at ``ended_ns``.

    ``close`` says that the message ends with the connection.
    """

    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    ending: Ending = Ending.EOF
    ended_ns: int = 0
    close: bool = False
    error: str = ""


def script(exchange: Exchange) -> Script:
    """How to play an exchange. Arrivals are kept; transfer coding is made anew, one chunk for each arrival."""
    response = exchange.response
    result = Script([], exchange.ending, exchange.ended_ns, error=exchange.error or "")
    if response is None:
        return result
    whole = exchange.ending is Ending.EOF
    chunked = "chunked" in (response.header("transfer-encoding") or "").lower()
    bodyless = exchange.request.method.upper() == "HEAD" or response.status in _BODYLESS
    pieces = [(response.at_ns, _head(response, whole=whole and not chunked and not bodyless))]
    pieces += _body(response, chunked=chunked)
    if whole and chunked and not bodyless:
        pieces.append((exchange.ended_ns, b"0\r\n\r\n"))
    result.close = whole and not chunked and not bodyless and response.header("content-length") is None
    result.pieces = [
        (at_ns, b"".join(data for _, data in together)) for at_ns, together in groupby(pieces, key=lambda one: one[0])
    ]
    return result


def _head(response: Response, *, whole: bool) -> bytes:
    lines = [b"HTTP/1.1 %d %s" % (response.status, encode(response.reason))]
    for name, value in response.headers:
        exact = str(len(response.body)) if whole and name.lower() == "content-length" else value
        lines.append(encode(name) + b": " + encode(exact))
    return b"\r\n".join([*lines, b"", b""])


def _body(response: Response, *, chunked: bool) -> Iterator[tuple[int, bytes]]:
    segments = response.segments or (Segment(len(response.body), response.at_ns),)
    start = 0
    for segment in segments:
        data = response.body[start : segment.end]
        start = segment.end
        if data:
            yield segment.at_ns, b"%x\r\n%s\r\n" % (len(data), data) if chunked else data
